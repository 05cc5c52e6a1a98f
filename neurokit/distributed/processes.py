"""Processes that train together: how they meet, where each computes, and how failures are handled.

When one process fails, its message is raised. Processes that were killed together resume together from one
epoch. Each saves its own state after every epoch, and some may be an epoch ahead when all are killed, so the
states of an epoch stay until all processes have saved the next.
"""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import distributed
from torch.multiprocessing.spawn import ProcessExitedException

from neurokit import errors
from neurokit.errors import FitError, NeurokitError
from neurokit.files.atomic import atomic_write
from neurokit.training.device import choose_device

DEVICES = ("auto", "cpu", "cuda")


class EpochStates:
    """The training states of one process, in files beside `path`, where its trained twin is saved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path.with_name(f"{path.name}.unfinished")

    def start(self) -> Path:
        """The file in which training saves its state; holds the last epoch that all processes completed."""
        everyone: list[set[int]] = [set()] * distributed.get_world_size()
        distributed.all_gather_object(everyone, self._epochs())
        common = set.intersection(*everyone)
        self.state.unlink(missing_ok=True)
        if common:
            self._copy(self._file(max(common)), self.state)
        for epoch in self._epochs() - common:
            self._file(epoch).unlink()
        return self.state

    def keep(self, epoch: int) -> None:
        """Copies the state that was just saved; removes older ones when all processes have done so."""
        self._copy(self.state, self._file(epoch))
        distributed.barrier()
        for old in self._epochs() - {epoch}:
            self._file(old).unlink()

    def finish(self) -> None:
        """Removes all states after all processes have saved their twin."""
        distributed.barrier()
        for path in (self.state, *map(self._file, self._epochs())):
            path.unlink(missing_ok=True)

    def _file(self, epoch: int) -> Path:
        return self.state.with_name(f"{self.state.name}-{epoch}")

    def _epochs(self) -> set[int]:
        found = self.state.parent.glob(glob.escape(self.state.name) + "-*")
        return {int(path.name.rpartition("-")[2]) for path in found}

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with atomic_write(target) as temporary:
            shutil.copyfile(source, temporary)


@contextmanager
def join_group(
    device: str, *, init_method: str | None = None, rank: int = -1, world_size: int = -1
) -> Iterator[None]:
    """Makes this process a member of a group inside.

    The processes meet at the address `init_method`, this one as number `rank` of `world_size`; by default
    torchrun sets all three.
    """
    cuda = _kind(device) == "cuda"
    backend = "nccl" if cuda else "gloo"
    distributed.init_process_group(backend, init_method=init_method, rank=rank, world_size=world_size)
    if cuda:
        torch.cuda.set_device(own_device(device))
    yield
    distributed.destroy_process_group()  # not after an error, when it might wait forever


@contextmanager
def save_error(meeting: Path) -> Iterator[None]:
    """Saves the message of a NeurokitError that is raised inside, for the parent process."""
    try:
        yield
    except NeurokitError as error:
        (meeting / f"{os.getpid()}.error").write_text(f"{type(error).__name__}\n{error}")
        raise


@contextmanager
def raise_saved_error(meeting: Path) -> Iterator[None]:
    """Raises the error that a child process saved, in place of the pages of its traceback."""
    try:
        yield
    except Exception as failed:
        saved = sorted(meeting.glob("*.error"), key=lambda path: path.stat().st_mtime_ns)
        if saved:
            kind, sentence = saved[0].read_text().split("\n", 1)
            raise getattr(errors, kind)(sentence) from None
        if isinstance(failed, ProcessExitedException):
            raise FitError(
                f"The process of mouse {failed.error_index + 1} was killed, perhaps for lack of memory: "
                "train fewer mice at once, or use a smaller batch."
            ) from failed
        raise


def _kind(device: str) -> str:
    """'cuda' or 'cpu': Apple's GPUs cannot send tensors to other processes."""
    kind = choose_device(device).type
    return kind if kind == "cuda" else "cpu"


def own_device(device: str) -> torch.device:
    """The device of this process; raises SettingsError where there are fewer GPUs than processes."""
    if _kind(device) == "cpu":
        return torch.device("cpu")
    return choose_device(f"cuda:{os.environ.get('LOCAL_RANK', distributed.get_rank())}")
