"""How training runs faster without other mathematics: compiled losses, and memory that is used again.

`compile_loss` makes a loss and its gradients a few large kernels: torch.compile, with CUDA graphs on top.
Random numbers are those that are drawn without compiling, so that a run differs by rounding alone. The
function is compiled and no module is wrapped: weights keep their names, and checkpoints do not know how they
were trained.

`keep_freed_memory` lets a process hold freed memory for its next tensor: faster on a CPU, for more of it. The
C library of Linux returns a freed block above 32 MB to the system at once, and the next one comes page by
page, filled with zeros first. The maps of a SENSORIUM training step are such blocks (51 MB for 128 images).
On a GPU torch keeps memory itself.
"""

import ctypes
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from neurokit.errors import SettingsError

Compile = Literal["none", "default", "graphs"]
Model = TypeVar("Model", bound=nn.Module)
Loss = Callable[[Model, Any], tuple[Tensor, Tensor]]
VARIANTS = 64  # of one function: each mouse, stream and size of batch is compiled by itself; torch stops at 8
LARGEST_NUMBER_MAPPED, TRIM_ABOVE = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of glibc's malloc.h


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
    kept = clone_gradients(model) if graphs else nullcontext()
    with torch._dynamo.config.patch(recompile_limit=VARIANTS), kept:
        yield torch.compile(loss, dynamic=False, options=options)


def check_compile(compile: Compile, device: torch.device) -> None:
    """Raises SettingsError for another word, graphs without CUDA, and where torch cannot compile."""
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
    """Gradients get memory of their own inside.

    A CUDA graph's next run would write over those of its last one, which are still being added up when a
    step has several batches.
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
    """The first line of what torch says when it compiles something small; empty where it can."""
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.ones(2, device=kind))
    except Exception as error:  # of many kinds: no compiler, no Triton, a Python that is too new
        return str(error).strip().split("\n")[0] or type(error).__name__
    return ""


def keep_freed_memory() -> bool:
    """Keeps what is freed, in this process until its end; True where that could be done (glibc, so Linux).

    No result changes, but the process stays as large as it ever was, and with holes, so that it needs more
    than before. With NEUROKIT_KEEP_MEMORY=1 every training calls this; where it cannot be done, nothing is.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    change = ctypes.CDLL(None).mallopt
    return bool(change(LARGEST_NUMBER_MAPPED, 0)) and bool(change(TRIM_ABOVE, -1))  # -1: never
