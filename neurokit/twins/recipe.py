"""A recipe: everything that makes one trained digital twin out of recordings."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from neurokit.device import Precision
from neurokit.errors import SettingsError
from neurokit.fit_settings import FitSettings
from neurokit.models.foundation.settings import SMALL as SMALL_NETWORK
from neurokit.models.foundation.settings import FoundationSettings, whole
from neurokit.twins.cycles import CycleSettings
from neurokit.twins.sgd_clip import SgdClipSettings

Gaps = Literal["drop", "mean"]


@dataclass(frozen=True)
class TwinRecipe:
    """What is trained, on which windows, and how.

    An epoch is `batches` steps; in each, every mouse gives `batch` windows of `window` frames (30 Hz), of
    which the first `burn_in` are shown but not scored. Windows with gaps in behaviour are left out
    (`gaps` 'drop') or the gaps filled with the mean, which is 0 ('mean'). The validation loss is that of
    `validation_batches` windows' batches, always the same. `rounds` are cycles of the learning rate.
    `precision` is that of training steps; the validation loss is always measured in float32. `seed` draws
    weights, windows, streams and noise.

    The defaults are those of the public transfer of the released model to a new mouse (Wang et al., Nature
    640, 470-477, 2025): 100 epochs of 500 batches.
    """

    network: FoundationSettings = field(default_factory=FoundationSettings)
    window: int = 100
    burn_in: int = 10
    batch: int = 4
    batches: int = 500
    validation_batches: int = 20
    gaps: Gaps = "drop"
    cycles: CycleSettings = field(default_factory=CycleSettings)
    rounds: int = 1
    sgd: SgdClipSettings = field(default_factory=SgdClipSettings)
    precision: Precision = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises SettingsError for numbers that no training can run with."""
        self._check_parts()
        for name in ("window", "batch", "batches", "validation_batches", "rounds"):
            if not whole(value := getattr(self, name), 1):
                raise SettingsError(f"{name} is {value!r}; use a whole number of 1 or more.")
        if not whole(self.burn_in, 0):
            raise SettingsError(f"burn_in is {self.burn_in!r}; use a whole number of 0 or more.")
        if self.burn_in >= self.window:
            raise SettingsError(
                f"burn_in is {self.burn_in} frames of windows of {self.window}; leave one to score at least."
            )
        for name, words in (("gaps", get_args(Gaps)), ("precision", get_args(Precision))):
            if getattr(self, name) not in words:
                raise SettingsError(f"{name} is {getattr(self, name)!r}; use one of {', '.join(words)}.")
        if not whole(self.seed, 0) or self.seed >= 2**31:
            raise SettingsError(f"seed is {self.seed!r}; use a whole number from 0 to below 2^31.")

    def _check_parts(self) -> None:
        parts = {"network": FoundationSettings, "cycles": CycleSettings, "sgd": SgdClipSettings}
        for name, kind in parts.items():
            if not isinstance(value := getattr(self, name), kind):
                raise SettingsError(f"{name} is {value!r}; give {kind.__name__}.")

    @property
    def fit(self) -> FitSettings:
        """What the training loop needs to know; the optimiser and its rate are this recipe's own."""
        return FitSettings(
            epochs=self.rounds * self.cycles.epochs,
            batch_size=self.batch,
            learning_rate=self.cycles.learning_rate,
            clip=None,
            patience=None,
            precision=self.precision,
            seed=self.seed,
        )

    def epochs(self, number: int) -> "TwinRecipe":
        """The same with one cycle of that many epochs, a tenth of them rising."""
        return replace(self, cycles=replace(self.cycles, epochs=number, warm_up=number // 10), rounds=1)


# A few hundred steps instead of fifty thousand, so each may change a parameter by more. Settled on simulated
# mice of which no result is reported.
SMALL = TwinRecipe(
    network=SMALL_NETWORK,
    window=50,
    batches=25,
    validation_batches=5,
    cycles=CycleSettings(learning_rate=0.12),
    sgd=SgdClipSettings(clip=0.05, eps=0.003),
).epochs(10)
