"""How the machine computes: the device, the precision, compiled losses, reused memory.

`compile_loss` makes a loss and its gradients a few large kernels: torch.compile, with CUDA graphs on top.
Random numbers are the same as without compiling, so results differ by rounding alone. The function is
compiled and no module is wrapped: weights keep their names, and checkpoints do not depend on it.

`keep_freed_memory` lets a process reuse freed memory for its next tensor, which is faster on a CPU but takes
more memory. The C library of Linux returns a freed block above 32 MB to the system at once; the next block
then arrives page by page, filled with zeros. The maps of a SENSORIUM training step are such blocks (51 MB for
128 images). On a GPU torch reuses memory itself.
"""

import ctypes
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from itertools import chain
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from neurokit.arguments import explain_failure
from neurokit.errors import SettingsError

Precision = Literal["float32", "bfloat16"]
Compile = Literal["none", "default", "graphs"]
Model = TypeVar("Model", bound=nn.Module)
Loss = Callable[[Model, Any], tuple[Tensor, Tensor]]
VARIANTS = 64  # of one function, for mice, streams and batch sizes; torch's own limit is 8
LARGEST_NUMBER_MAPPED, TRIM_ABOVE = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of glibc's malloc.h


@explain_failure
def choose_device(name: str = "auto") -> torch.device:
    """The named device; 'auto' stands for the first available one of cuda, mps and cpu.

    Raises SettingsError for a device that this machine lacks.
    """
    available = [kind for kind, there in _devices().items() if there]
    if name == "auto":
        return torch.device(available[0])
    kind, colon, number = name.partition(":")
    if kind not in available or (colon and kind != "cuda" and number != "0"):
        raise SettingsError(f"Device {name!r} is not there; this machine has {', '.join(available)}.")
    if colon and kind == "cuda" and number not in map(str, range(torch.cuda.device_count())):
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


@contextmanager
def compile_loss(
    loss: Loss[Model], compile: Compile, model: Model, device: torch.device
) -> Iterator[Loss[Model]]:
    """The loss, compiled unless `compile` is 'none'; 'graphs' replays its kernels as CUDA graphs.

    Raises as `check_compile`.
    """
    check_compile(compile, device)
    if compile == "none":
        yield loss
        return
    graphs = compile == "graphs"
    options: dict[str, str | int | bool | Callable[..., Any]] = {
        "fallback_random": True,
        "triton.cudagraphs": graphs,
    }
    gradients = clone_gradients(model) if graphs else nullcontext()
    with torch._dynamo.config.patch(recompile_limit=VARIANTS), gradients:
        yield torch.compile(loss, dynamic=False, options=options)


@explain_failure
def check_compile(compile: Compile, device: torch.device) -> None:
    """Raises SettingsError for an unknown value, for graphs without CUDA, and where torch cannot compile."""
    if compile not in (known := get_args(Compile)):
        raise SettingsError(f"compile is {compile!r}; use one of {', '.join(known)}.")
    if compile == "graphs" and device.type != "cuda":
        raise SettingsError(
            f"compile is 'graphs', which needs CUDA, and the device is {device.type}: use 'default' or "
            "'none'."
        )
    if compile != "none" and (found := _hindrance(device.type)):
        raise SettingsError(
            f"compile is {compile!r}, but torch cannot compile for {device.type} here ({found}): install a "
            "C++ compiler, or use 'none'."
        )


@contextmanager
def clone_gradients(model: nn.Module) -> Iterator[None]:
    """Copies gradients to memory of their own inside.

    The next run of a CUDA graph would overwrite the gradients of the last one, which are still needed when a
    step adds up those of several batches.
    """
    trained = (parameter for parameter in model.parameters() if parameter.requires_grad)
    hooks = [parameter.register_hook(torch.clone) for parameter in trained]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@cache
def _hindrance(kind: str) -> str:
    """The first line of torch's message where it fails to compile a small function, else empty."""
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.ones(2, device=kind))
    except Exception as error:  # of many kinds: no compiler, no Triton, a Python that is too new
        return str(error).strip().split("\n")[0] or type(error).__name__
    return ""


def keep_freed_memory() -> bool:
    """Lets this process reuse the memory that it frees; True where that is possible (glibc, so Linux).

    No result changes, but the process never shrinks, and as its memory is fragmented it needs more than
    before. With NEUROKIT_KEEP_MEMORY=1 every training calls this; elsewhere than on glibc it does nothing.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    change = ctypes.CDLL(None).mallopt
    return bool(change(LARGEST_NUMBER_MAPPED, 0)) and bool(change(TRIM_ABOVE, -1))  # -1: never
