"""Files of named tensors, opened so that none can run code."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurokit.errors import CheckpointError
from neurokit.files import written


def read_tensors(path: Path, remedy: str) -> dict[str, Tensor]:
    """The named tensors of a file of `torch.save`, on the CPU, mapped from it where its format allows.

    Raises CheckpointError, which ends with `remedy`, where the file is missing, damaged, or holds
    anything but named whole tensors of finite numbers.
    """
    content = _opened(path, remedy)
    if not isinstance(content, dict) or not content or not all(_plain(*row) for row in content.items()):
        raise CheckpointError(f"{path} is no table of named tensors: {remedy}.")
    check_finite(path, content, remedy)
    return content


def check_finite(path: Path, tensors: dict[str, Tensor], remedy: str) -> None:
    """Raises CheckpointError, ending with `remedy`, where a tensor of the file is not finite."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path} has values in {name} that are not finite: {remedy}.")


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Writes named tensors, each with a memory of its own. Raises DiskError."""
    with written(path) as temporary:
        torch.save({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}, temporary)


def _opened(path: Path, remedy: str) -> Any:
    try:
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            if "mmap can only be used" not in str(error):
                raise
        return torch.load(path, map_location="cpu", weights_only=True)  # torch's format before 1.6
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: {remedy}.") from None
    except Exception as error:  # torch raises a dozen classes for a damaged or hostile file
        finding = f"{path} is damaged or holds more than tensors ({type(error).__name__})"
        raise CheckpointError(f"{finding}: {remedy}.") from error


def _plain(name: Any, value: Any) -> bool:
    """A named tensor that holds every number it claims (one with strides of 0 can claim any number)."""
    dense = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    return isinstance(name, str) and dense and value.is_contiguous()
