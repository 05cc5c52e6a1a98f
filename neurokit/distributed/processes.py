"""Processes that train together: how they meet, where each computes, and how a failure is dealt with.

When one fails, a sentence says why. Processes that were killed together go on together, all from one epoch.
Each process saves its own state after every epoch, and some may have done so when the others were killed. So
the states of an epoch stay until those of the next are there in all processes.
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
    """The training states of one process, in files beside `path`, the twin that is being trained."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path.with_name(f"{path.name}.unfinished")

    def start(self) -> Path:
        """Where training saves its state and finds that of the last epoch which all processes have closed."""
        everyone: list[set[int]] = [set()] * distributed.get_world_size()
        distributed.all_gather_object(everyone, self._epochs())
        common = set.intersection(*everyone)
        self.state.unlink(missing_ok=True)
        if common:
            self._copy(self._kept(max(common)), self.state)
        for epoch in self._epochs() - common:
            self._kept(epoch).unlink()
        return self.state

    def keep(self, epoch: int) -> None:
        """Keeps the state that was just saved, and forgets the one before when all have done so."""
        self._copy(self.state, self._kept(epoch))
        distributed.barrier()
        for old in self._epochs() - {epoch}:
            self._kept(old).unlink()

    def finish(self) -> None:
        """Removes all states, when all processes have saved their twin."""
        distributed.barrier()
        for path in (self.state, *map(self._kept, self._epochs())):
            path.unlink(missing_ok=True)

    def _kept(self, epoch: int) -> Path:
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
    """Inside, this process is one of a group.

    They meet at the address `init_method`, this one as number `rank` of `world_size`; by default torchrun
    says all three.
    """
    cuda = _kind(device) == "cuda"
    backend = "nccl" if cuda else "gloo"
    distributed.init_process_group(backend, init_method=init_method, rank=rank, world_size=world_size)
    if cuda:
        torch.cuda.set_device(own_device(device))
    yield
    distributed.destroy_process_group()  # after an error it could wait for the others for ever


@contextmanager
def save_error(meeting: Path) -> Iterator[None]:
    """Leaves for the parent what went wrong, if it is a sentence by which somebody can mend something."""
    try:
        yield
    except NeurokitError as error:
        (meeting / f"{os.getpid()}.error").write_text(f"{type(error).__name__}\n{error}")
        raise


@contextmanager
def raise_saved_error(meeting: Path) -> Iterator[None]:
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
