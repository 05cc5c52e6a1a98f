"""What the experiments share: which neurons are meant, and a Gaussian blur.

Letters: B images, H x W image, N neurons of the model, K neurons chosen.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from neurokit.errors import DataError


def chosen(neurons: Sequence[int] | None, rates: Float[Tensor, "B N"]) -> Int[Tensor, "K"]:
    """The neurons' numbers; None means all. Raises DataError for none, or one that the model lacks."""
    most = rates.shape[1]
    numbers = torch.arange(most) if neurons is None else torch.tensor(list(neurons), dtype=torch.long)
    if len(numbers) == 0 or numbers.min() < 0 or numbers.max() >= most:
        raise DataError(f"neurons is {neurons}; give at least one number from 0 to {most - 1}.")
    return numbers.to(rates.device)


def blurred(images: Float[Tensor, "B H W"], width: float) -> Float[Tensor, "B H W"]:
    """Images under a Gaussian of standard deviation `width` pixels (0: as they are), zeros around them."""
    if width == 0:
        return images
    reach = int(3 * width + 1)
    along = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (along / width) ** 2)
    kernel = kernel / kernel.sum()
    rows = F.conv2d(images[:, None], kernel[None, None, :, None], padding=(reach, 0))
    return F.conv2d(rows, kernel[None, None, None, :], padding=(0, reach))[:, 0]
