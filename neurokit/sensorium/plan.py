"""Which model, how large, on which scans, kept where: all that a command of SENSORIUM has to settle."""

from dataclasses import dataclass, field
from pathlib import Path

from neurokit import settings
from neurokit.config import Seed, checked
from neurokit.data import scans
from neurokit.data.scan_truth import Given
from neurokit.data.sensorium import SCANS, Scan
from neurokit.errors import SettingsError
from neurokit.sensorium.recipe import PUBLISHED, Recipe, small
from neurokit.sensorium.recordings import every_scan

SEEDS = 1000  # between the seeds of two plans, so that the members of their ensembles differ


@dataclass(frozen=True)
class Plan:
    """A published model on the scans of a tier.

    On the demo tier its recipe is made small, unless `published`; `epochs` replaces the recipe's. `seed`
    picks the demo's mice, and is added, times 1000, to the seeds of weights and training. Raises
    SettingsError for a model that is none of the five, and for an unknown tier.
    """

    model: str = "cnn_plus"
    seed: int = 0
    epochs: int | None = None
    published: bool = False
    tier: settings.Tier = field(default_factory=settings.tier)

    def __post_init__(self) -> None:
        """Looks at the names of model and tier."""
        settings.check_tier(self.tier)
        if self.model not in PUBLISHED:
            raise SettingsError(f"There is no model {self.model!r}; choose one of {', '.join(PUBLISHED)}.")
        object.__setattr__(self, "seed", checked("seed", self.seed, Seed))

    @property
    def size(self) -> str:
        """'small' or 'published'."""
        return "small" if self.tier == "demo" and not self.published else "published"

    @property
    def recipe(self) -> Recipe:
        """What is trained, and how."""
        recipe, changed = PUBLISHED[self.model], {} if self.epochs is None else {"epochs": self.epochs}
        recipe = small(recipe, **changed) if self.size == "small" else recipe
        further = SEEDS * self.seed
        fit = recipe.fit.replace(seed=recipe.fit.seed + further, **changed)
        return recipe.replace(seed=recipe.seed + further, fit=fit)

    @property
    def given(self) -> Given:
        """What the model is told of a trial, in the words of `ScanTruth.ceiling`."""
        inputs = self.recipe.inputs
        return "everything" if inputs.uses_past_responses else "behaviour" if inputs.behaviour else "image"

    @property
    def description(self) -> str:
        """One line on which model this is."""
        model = self.recipe.model
        size = "made small for the demo" if self.size == "small" else "in its published size"
        past = "; reads past responses" if self.given == "everything" else ""
        return f"{self.model} {size}: {model.channels} channels, {model.layers} layers{past}"

    def scans(self) -> dict[str, Scan]:
        """The tier's scans that the model can read; the full tier downloads those alone."""
        if self.recipe.inputs.behaviour is None:
            return every_scan(self.tier, self.seed)
        found = scans.load_scans(tier=self.tier, seed=self.seed)
        return {key: scan for key, scan in found.items() if scan.has_behaviour}

    @property
    def left_out(self) -> list[str]:
        """Keys of the tier's scans without behaviour, where the model reads it."""
        if self.recipe.inputs.behaviour is None:
            return []
        if self.tier == "demo":
            simulated = scans.demo_parameters(self.seed)
            return [parameters.key for parameters in simulated if parameters.kind == "sensorium"]
        return [key for key in SCANS if key not in scans.FULL]

    @property
    def path(self) -> Path:
        """Where the model is kept, without suffix."""
        return settings.data_folder() / "checkpoints" / self._name

    @property
    def unfinished(self) -> Path:
        """Where its training is kept until it is over."""
        return self.path.with_name(f"{self._name}-{self.recipe.fit.epochs}.training")

    @property
    def members(self) -> Path:
        """The folder of an ensemble's members, which may be more or fewer; another for other epochs."""
        return self.path.with_name(f"{self._name}-{self.recipe.fit.epochs}-members")

    @property
    def _name(self) -> str:
        return f"sensorium-{self.tier}-{self.model}-{self.size}-{self.seed}"
