"""Recipes: everything that makes one trained V1 Transformer out of a session; the default, and a small one.

A recipe holds the sizes of a model, how long a snippet is and when its response is read, and the settings of
training. The parts are those of the V1 Transformer's public description, which names no size; all numbers are
ours. Mouse V1 prefers gratings of about 0.04 cycles per degree (Niell and Stryker, J. Neuroscience 28,
7520-7536, 2008). A frame of the Allen Brain Observatory's movies spans about 120 x 95 degrees, so 20 rows
still show twice that frequency, and 40 rows four times. SMALL_MODEL reads 20 x 40 pixels and trains on a CPU;
the default reads 40 x 80 and is meant for a GPU.
"""

from typing import Literal

from pydantic import model_validator

from neurokit.config import BelowOne, Config, Count, Positive, Seed, Size, WholeNumber
from neurokit.errors import SettingsError
from neurokit.training.settings import FitSettings

RunningEntry = Literal["film", "additive"]
Head = Literal["pooled", "per_frame"]
Start = Literal["gabor", "random"]
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


class TransformerSettings(Config):
    """The sizes of a V1 Transformer."""

    frame: Size = (40, 80)
    """Height and width of a frame, pixels."""
    snippet: Count = 16
    """Frames that a prediction is made from."""
    before: WholeNumber = 3
    """Earlier frames that each of them is seen together with."""
    patch: Count = 20
    """Side of the squares that a frame is cut into, pixels."""
    step: Count = 6
    """Pixels from one square to the next; a rim of fewer may be left over."""
    width: Count = 96
    """Numbers that describe a patch."""
    heads: Count = 4
    """Groups of them, each with an attention of its own."""
    spatial_layers: WholeNumber = 2
    """Blocks that compare the patches of a frame."""
    temporal_layers: WholeNumber = 2
    """Blocks that compare the frames of a snippet."""
    expansion: Count = 4
    """Width of a block's perceptron, in widths of its input."""
    registers: WholeNumber = 0
    """Learned tokens that stand for no patch (Darcet et al., ICLR 2024)."""
    memory: Positive | None = 6.0
    """Frames in which the weights over time, which are learned, fall by e at first, since calcium forgets;
    None: they start equal."""
    dropout: BelowOne = 0.2
    """Chance that a number which a block adds is left out in training."""
    patch_dropout: BelowOne = 0.8
    """Chance that a number which describes a patch is left out in training, before all are mixed."""
    start: Start = "gabor"
    """Where the filters of patches begin: at drifting Gabors, or at random."""
    running: RunningEntry | None = "film"
    """How running acts: it scales and shifts ('film'), shifts ('additive'), or is not read (None)."""
    causal: bool = False
    """Whether a frame sees none that comes later."""
    head: Head = "pooled"
    """Predicts from a weighted mean over time ('pooled'), or from each frame."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "TransformerSettings":
        if self.patch > min(self.frame):
            raise SettingsError(
                f"patch is {self.patch}; use one that fits into both sides of frame {self.frame}."
            )
        if self.width % self.heads or self.width % 2:
            raise SettingsError(
                f"width {self.width} cannot be dealt to {self.heads} heads and to pairs of filters; use an "
                "even multiple."
            )
        return self

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches: what attention compares within a frame."""
        rows, columns = ((side - self.patch) // self.step + 1 for side in self.frame)
        return rows, columns


SMALL_MODEL = TransformerSettings(
    frame=(20, 40), patch=10, step=3, width=48, spatial_layers=1, temporal_layers=1
)


class SnippetShape(Config):
    """What a model sees and what it predicts, in frames of the movie and samples of the microscope.

    Both come 30 times a second in the Allen recordings, and seconds below are theirs. The default looks back
    1.5 s, since the calcium of an earlier moment is seen for about a second.
    """

    length: Count = 16
    """Frames of a snippet."""
    stride: Count = 3
    """Frames from one of them to the next: 0.1 s."""
    before: WholeNumber = 3
    """Earlier frames, as far apart, that each is seen together with, for motion needs several: these reach
    back as far as a cell of V1 does."""
    lag: WholeNumber = 2
    """Samples from a snippet's last frame to the first of its target: calcium rises late."""
    window: Count = 3
    """Samples that the target, dF/F, is averaged over."""

    @property
    def span(self) -> int:
        """Frames from the first of a snippet to the last, both counted."""
        return (self.length + self.before - 1) * self.stride + 1

    @property
    def reach(self) -> int:
        """Frames after a snippet's last during which its response is still read."""
        return self.lag + self.window - 1


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
