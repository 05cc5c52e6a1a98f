"""A recipe: everything that makes one trained V1 Transformer out of a session."""

from typing import Literal

from neurokit.config import Config, Seed
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


class Recipe(Config):
    """All that makes a trained model out of a session."""

    shape: SnippetShape = SnippetShape()
    """What the model sees and predicts."""
    model: TransformerSettings = TransformerSettings()
    """What it is made of; its sizes of frame and snippet give way to those of the data."""
    fit: FitSettings = FIT
    """How it is trained; its seed is that of everything random in training."""
    running: Running = "measured"
    """Speed beside the movie: as 'measured', 'none', or 'shuffled' over repeats, a control."""
    seed: Seed = 0
    """Of the weights."""

    def seeded(self, seed: int) -> "Recipe":
        """The same with other weights and another order of training."""
        return self.replace(seed=seed, fit=self.fit.replace(seed=seed))


SMALL = Recipe(model=SMALL_MODEL, fit=FIT.replace(epochs=10))
