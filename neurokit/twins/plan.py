"""Which recording, recipe and core, kept where: all that a command on digital twins has to settle."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from neurokit import settings
from neurokit.config import AnyPath, Seed, checked
from neurokit.data.simulated_mice import load_simulated_mouse
from neurokit.errors import SettingsError
from neurokit.simulate.microns import MouseParameters
from neurokit.twins.recipe import SMALL, Gaps, TwinRecipe

Size = Literal["small", "full"]
NO_RECORDING = {
    "cutout": "has no small real recording of a mouse that watched video: use the tier demo, or give the "
    "folder of a recording of your own",
    "full": "has weights to download, but no recording to train on: use the tier demo, or give a folder made "
    "by neurokit.data.microns_conversion",
}


def demo_parameters(seed: int) -> MouseParameters:
    """The simulated mouse of the demo tier."""
    return MouseParameters(seed=seed)


@dataclass(frozen=True)
class Plan:
    """A digital twin of one mouse.

    `folder` is a recording with training_data and evaluation_data in it; None is the demo's simulated mouse,
    which `seed` picks. `seed` is also that of weights and training. `foundation` is a saved twin, or a folder
    of released weights, whose core is transferred; None trains a core, too. `size` None is small on the demo
    tier, else full. `epochs` and `gaps` replace the recipe's. Raises SettingsError for a size or tier that
    there is not, and a tier without a recording where no folder is given.
    """

    folder: Path | None = None
    foundation: Path | None = None
    seed: int = 0
    size: Size | None = None
    epochs: int | None = None
    gaps: Gaps = "drop"
    tier: settings.Tier = field(default_factory=settings.tier)

    def __post_init__(self) -> None:
        """Looks at what can be said without the recording; text is taken as a path."""
        settings.check_tier(self.tier)
        for name, kind in (("folder", AnyPath | None), ("foundation", AnyPath | None), ("seed", Seed)):
            object.__setattr__(self, name, checked(name, getattr(self, name), kind))
        if self.folder is None and self.tier in NO_RECORDING:
            raise SettingsError(f"The tier {self.tier!r} {NO_RECORDING[self.tier]}.")
        if self.size not in (*get_args(Size), None):
            raise SettingsError(f"size is {self.size!r}; use one of {', '.join(get_args(Size))}.")

    @property
    def small(self) -> bool:
        """Whether network and training are those for a CPU."""
        return self.tier == "demo" if self.size is None else self.size == "small"

    @property
    def recipe(self) -> TwinRecipe:
        """What is trained, and how; with a `foundation`, the network's sizes are that one's instead."""
        recipe = (SMALL if self.small else TwinRecipe()).replace(seed=self.seed, gaps=self.gaps)
        return recipe if self.epochs is None else recipe.epochs(self.epochs)

    @property
    def description(self) -> str:
        """One line on which twin this is."""
        of = "a simulated mouse" if self.folder is None else str(self.folder)
        core = "its own core" if self.foundation is None else f"the core of {self.foundation}"
        return f"digital twin of {of}, {self._size} size, with {core}"

    @property
    def simulated(self) -> bool:
        """Whether the truth about the mouse is known."""
        return self.folder is None

    def recording(self) -> Path:
        """The folder of the recording; the demo's is simulated on the first call (half a minute)."""
        return load_simulated_mouse(demo_parameters(self.seed)) if self.folder is None else self.folder

    @property
    def path(self) -> Path:
        """Where the twin is kept, without suffix; the same for any number of epochs."""
        return settings.data_folder() / "checkpoints" / self._name

    @property
    def unfinished(self) -> Path:
        """Where its training is kept until it is over; another file for each change of the recipe."""
        return self.path.with_name(f"{self._name}-{self.recipe.digest()}.training")

    @property
    def _size(self) -> str:
        return "small" if self.small else "full"

    @property
    def _name(self) -> str:
        of = "demo" if self.folder is None else _placed(self.folder)
        core = "" if self.foundation is None else f"-from-{_placed(self.foundation)}"
        return f"digital-twin-{of}-{self.seed}-{self._size}-{self.gaps}{core}"


def _placed(path: Path) -> str:
    """A name for a file or folder that no other has."""
    digest = hashlib.sha256(str(path.expanduser().absolute()).encode()).hexdigest()
    return f"{path.name}-{digest[:8]}"
