"""Processes that train together: how they meet, where each computes, and what is said when one fails."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import distributed
from torch.multiprocessing.spawn import ProcessExitedException

from neurokit import errors
from neurokit.device import choose_device
from neurokit.errors import FitError, NeurokitError

DEVICES = ("auto", "cpu", "cuda")


@contextmanager
def joined(device: str, **where: object) -> Iterator[None]:
    """Inside, this process is one of a group; `where` says how they meet (default: as torchrun told it)."""
    cuda = _kind(device) == "cuda"
    distributed.init_process_group("nccl" if cuda else "gloo", **where)
    if cuda:
        torch.cuda.set_device(own_device(device))
    yield
    distributed.destroy_process_group()  # after an error it could wait for the others for ever


@contextmanager
def sentence_left(meeting: Path) -> Iterator[None]:
    """Leaves for the parent what went wrong, if it is a sentence by which somebody can mend something."""
    try:
        yield
    except NeurokitError as error:
        (meeting / f"{os.getpid()}.error").write_text(f"{type(error).__name__}\n{error}")
        raise


@contextmanager
def sentence_found(meeting: Path) -> Iterator[None]:
    """Raises what went wrong in a process as it was raised there, not as the pages of its traceback."""
    try:
        yield
    except Exception as failed:
        told = sorted(meeting.glob("*.error"), key=lambda path: path.stat().st_mtime_ns)
        if told:
            kind, sentence = told[0].read_text().split("\n", 1)
            raise getattr(errors, kind)(sentence) from None
        if isinstance(failed, ProcessExitedException):
            raise FitError(
                f"The process of mouse {failed.error_index + 1} was killed, perhaps for want of memory: "
                "train fewer mice at once, or with a smaller batch."
            ) from failed
        raise


def _kind(device: str) -> str:
    """Without CUDA the CPU, as Apple's GPUs cannot send anything to another process."""
    kind = choose_device(device).type
    return kind if kind == "cuda" else "cpu"


def own_device(device: str) -> torch.device:
    """This process's own; raises SettingsError where there are fewer GPUs than processes."""
    if _kind(device) == "cpu":
        return torch.device("cpu")
    return choose_device(f"cuda:{os.environ.get('LOCAL_RANK', distributed.get_rank())}")
