"""A recipe: everything that makes one trained digital twin out of recordings."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurokit.config import Config, Count, Seed, WholeNumber
from neurokit.digital_twin.network.config import SMALL as SMALL_NETWORK
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.optimisation import CycleSettings, SgdClipSettings
from neurokit.errors import SettingsError
from neurokit.training.device import Precision
from neurokit.training.settings import FitSettings

Gaps = Literal["drop", "mean"]


class TwinRecipe(Config):
    """What is trained, on which windows, and how. In a step every mouse gives a batch of windows.

    The defaults are those of the public transfer of the released model to a new mouse (Wang et al., Nature
    640, 470-477, 2025): 100 epochs of 500 batches.
    """

    network: FoundationSettings = FoundationSettings()
    """How large the network is."""
    window: Count = 100
    """Frames of a window (30 Hz)."""
    burn_in: WholeNumber = 10
    """The first frames of each, which are shown but not scored."""
    batch: Count = 4
    """Windows that each mouse gives in a step."""
    batches: Count = 500
    """Steps of an epoch."""
    validation_batches: Count = 20
    """Batches of windows, always the same, that the validation loss is measured on."""
    gaps: Gaps = "drop"
    """Windows with gaps in behaviour are left out ('drop'), or the gaps filled with the mean, which is 0."""
    cycles: CycleSettings = CycleSettings()
    """The learning rate, and the epochs of a cycle."""
    rounds: Count = 1
    """Cycles of the learning rate."""
    sgd: SgdClipSettings = SgdClipSettings()
    """The other numbers of the optimiser."""
    precision: Precision = "float32"
    """Of training steps; the validation loss is always measured in float32."""
    seed: Annotated[Seed, Field(le=2**31 - 1)] = 0
    """Of weights, windows, streams and noise."""

    @model_validator(mode="after")
    def _frames_are_left_to_score(self) -> "TwinRecipe":
        if self.burn_in >= self.window:
            raise SettingsError(
                f"burn_in is {self.burn_in} frames of windows of {self.window}; leave one to score at least."
            )
        return self

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
        return self.replace(cycles=self.cycles.replace(epochs=number, warm_up=number // 10), rounds=1)


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
