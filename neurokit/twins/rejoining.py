"""How processes that were killed together go on together: all from one epoch.

Each process saves its own state after every epoch, and some may have done so when the others were killed. So
the states of an epoch are kept until those of the next are there in all processes.
"""

import glob
import shutil
from pathlib import Path

from torch import distributed

from neurokit.files import written


class Rejoining:
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
        with written(target) as temporary:
            shutil.copyfile(source, temporary)
