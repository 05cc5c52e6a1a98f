"""A recipe: everything that makes one trained V1 Transformer out of a session."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from neurokit.errors import SettingsError
from neurokit.fit_settings import FitSettings
from neurokit.models.transformer_settings import SMALL as SMALL_MODEL
from neurokit.models.transformer_settings import TransformerSettings
from neurokit.movies.shape import SnippetShape

Running = Literal["measured", "none", "shuffled"]
FIT = FitSettings(
    epochs=20,
    batch_size=64,
    learning_rate=2e-3,
    weight_decay=0.1,
    decoupled=True,
    schedule="cosine",
    warm_up=2,
    patience=None,
)


@dataclass(frozen=True)
class Recipe:
    """What a model sees and predicts, what it is made of, and how it is trained.

    The sizes of frame and snippet in `model` give way to those of the data. `running` is what stands beside
    the movie: the speed as 'measured', 'none', or 'shuffled' over repeats (a control). `seed` draws the
    weights; `fit.seed` everything random in training.
    """

    shape: SnippetShape = field(default_factory=SnippetShape)
    model: TransformerSettings = field(default_factory=TransformerSettings)
    fit: FitSettings = FIT
    running: Running = "measured"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises SettingsError for an unknown word."""
        if self.running not in get_args(Running):
            words = ", ".join(get_args(Running))
            raise SettingsError(f"running is {self.running!r}; use one of {words}.")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**63:
            raise SettingsError(f"seed is {self.seed!r}; use a whole number from 0 to 2^63 - 1.")

    def seeded(self, seed: int) -> "Recipe":
        """The same with other weights and another order of training."""
        return replace(self, seed=seed, fit=replace(self.fit, seed=seed))


SMALL = Recipe(model=SMALL_MODEL, fit=replace(FIT, epochs=10))
