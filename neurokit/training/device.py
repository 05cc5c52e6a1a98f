"""Where to compute and how precisely, chosen once."""

from contextlib import AbstractContextManager
from itertools import chain
from typing import Literal

import torch
from torch import Tensor, nn

from neurokit.errors import SettingsError

Precision = Literal["float32", "bfloat16"]


def choose_device(name: str = "auto") -> torch.device:
    """The named device; 'auto' stands for the first available one of cuda, mps and cpu.

    Raises SettingsError for a device that this machine lacks.
    """
    available = [kind for kind, there in _devices().items() if there]
    if name == "auto":
        return torch.device(available[0])
    kind = name.split(":")[0]
    if kind not in available:
        raise SettingsError(f"Device {name!r} is not there; this machine has {', '.join(available)}.")
    numbers = [str(number) for number in range(torch.cuda.device_count())]
    if kind == "cuda" and ":" in name and name.split(":")[1] not in numbers:
        raise SettingsError(
            f"Device {name!r} is not there; this machine has {torch.cuda.device_count()} GPUs."
        )
    return torch.device(name)


def _devices() -> dict[str, bool]:
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}


def first_tensor(model: nn.Module) -> Tensor:
    """A tensor with the model's device and type: its first parameter, else its first buffer.

    For a model without either, it is an empty float32 tensor on the CPU.
    """
    tensors = (tensor for tensor in chain(model.parameters(), model.buffers()) if tensor.is_floating_point())
    return next(tensors, torch.empty(0))


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager:
    """Mixed precision with float32 weights; SettingsError for an unknown precision."""
    if precision not in ("float32", "bfloat16"):
        raise SettingsError(f"Precision is {precision!r}; use 'float32' or 'bfloat16'.")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def full_precision(device: torch.device) -> AbstractContextManager:
    """Computes in float32 inside, even in mixed precision: for positions and small differences.

    With the 8 bits of bfloat16 a position among 256 pixels is off by half a pixel, which gives it the
    gradient of other pixels.
    """
    return torch.autocast(device.type, enabled=False)


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copies a CPU tensor to the device; to a GPU asynchronously, from pinned memory."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
