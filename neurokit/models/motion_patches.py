"""The first step of a V1 Transformer: patches of a few frames, described by pairs of filters.

A pair of filters over several frames, a quarter of a cycle apart, detects motion (Adelson and Bergen, JOSA A
2, 284-299, 1985). As a convolution they are the patch embedding of a vision transformer for video (Arnab et
al., ICCV 2021).

Letters: U moments, C frames of a moment, H x W pixels, P patches, D width, p x p pixels of a patch.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

DIRECTIONS = 12
WAVELENGTHS = (0.6, 1.0)  # of the patch's side
DRIFTS = (0.12, 0.04)  # cycles from one frame of a moment to the next
ENVELOPE = 0.36  # standard deviation of a Gabor, in wavelengths
SMALLEST = 1e-6  # added under the root, whose slope at 0 is infinite


class MotionPatches(nn.Module):
    """Overlapping patches with one feature per channel of the model: half simple, half complex.

    A pair of filters (a, b) yields a, as a simple cell responds, and sqrt(a^2 + b^2), as a complex cell does.
    Each feature has mean 0 and variance 1 over the patches seen in training.
    """

    def __init__(self, width: int, frames: int, patch: int, step: int) -> None:
        super().__init__()
        self.filters = nn.Conv2d(frames, width, patch, stride=step)
        self.scale = nn.BatchNorm1d(width, affine=False)

    def start_at_gabors(self) -> None:
        """Initialises the filters with drifting Gabors; training may change them."""
        width, frames, patch, _ = self.filters.weight.shape
        nn.init.zeros_(self.filters.get_parameter("bias"))
        self.filters.weight.data.copy_(gabor_pairs(width // 2, frames, patch))

    def forward(self, frames: Float[Tensor, "U C H W"]) -> Float[Tensor, "U P D"]:
        """Patches row by row; all a come first, then all magnitudes."""
        a, b = self.filters(frames).flatten(2).chunk(2, dim=1)  # U D/2 P each
        length = (a.square() + b.square() + SMALLEST).sqrt()
        return self.scale(torch.cat([a, length], dim=1)).mT


def gabor_pairs(pairs: int, frames: int, patch: int) -> Float[Tensor, "D C p p"]:
    """Filters of unit norm and zero mean: all even Gabors, then their odd partners.

    Pairs are ordered by direction (counter-clockwise from rightwards), then by wavelength, then by speed, and
    repeat after 48. The last frame of a moment is the newest and has the largest weight.
    """
    index = torch.arange(pairs)[:, None, None, None]
    direction = 2 * torch.pi / DIRECTIONS * (index % DIRECTIONS)
    wavelength = patch * _in_turn(WAVELENGTHS, index // DIRECTIONS)
    drift = _in_turn(DRIFTS, index // (DIRECTIONS * len(WAVELENGTHS)))
    place = torch.arange(patch) - (patch - 1) / 2
    up, right = torch.meshgrid(-place, place, indexing="ij")
    age = torch.arange(frames - 1, -1, -1)[:, None, None]
    cycles = (right * direction.cos() + up * direction.sin()) / wavelength + drift * age  # pairs C p p
    envelope = torch.exp(-(up**2 + right**2) / (2 * (ENVELOPE * wavelength) ** 2)) * torch.exp(-0.5 * age)
    both = torch.cat([envelope * part(2 * torch.pi * cycles) for part in (torch.cos, torch.sin)])
    both = both - both.mean(dim=(2, 3), keepdim=True)
    return both / both.flatten(1).norm(dim=1)[:, None, None, None]


def _in_turn(values: tuple[float, ...], index: Tensor) -> Tensor:
    return torch.tensor(values)[index % len(values)]
