"""What makes one trained model of movie responses out of a session, and the table of the models.

A config holds the sizes of a model, how long a clip is and when its response is read, which part of the
session is read, and the settings of training. The parts are those of the V1 Transformer's public description,
which names no sizes; all numbers are ours. Mouse V1 prefers gratings of about 0.04 cycles per degree (Niell
and Stryker, J. Neuroscience 28, 7520-7536, 2008). A frame of the Allen Brain Observatory's movies spans about
120 x 95 degrees, so 20 rows still show twice that frequency, and 40 rows four times. The small models read
20 x 40 pixels and train on a CPU; the published ones read 40 x 80 and are meant for a GPU.
"""

from typing import Annotated, Any, Literal

import numpy as np
from hyperopt import hp
from pydantic import AfterValidator, model_validator

from neurokit.config import BelowOne, Config, Count, Names, Positive, Size, WholeNumber
from neurokit.errors import SettingsError
from neurokit.simulation.movies import MOVIES
from neurokit.training.settings import FitSettings
from neurokit.training.system import ModelEntry, SystemConfig

Family = Literal["transformer", "described", "cnn"]
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
    clip_length: Count = 16
    """Frames that a prediction is made from."""
    before: WholeNumber = 3
    """Earlier frames that each of them is seen together with."""
    patch: Count = 20
    """Side of the squares that a frame is cut into, pixels."""
    step: Count = 6
    """Pixels from one square to the next; a narrower rim may be left over."""
    width: Count = 96
    """Numbers that describe a patch."""
    heads: Count = 4
    """Groups of these numbers, each with its own attention."""
    spatial_layers: WholeNumber = 2
    """Blocks that compare the patches of a frame."""
    temporal_layers: WholeNumber = 2
    """Blocks that compare the frames of a clip."""
    expansion: Count = 4
    """Width of a block's perceptron, in widths of its input."""
    registers: WholeNumber = 0
    """Learned tokens that stand for no patch (Darcet et al., ICLR 2024)."""
    memory: Positive | None = 6.0
    """Frames over which the learned weights over time fall by e at the start, since calcium forgets; None:
    they start equal."""
    dropout: BelowOne = 0.2
    """Chance that a number which a block adds is left out in training."""
    patch_dropout: BelowOne = 0.8
    """Chance that a number which describes a patch is left out in training, before all are mixed."""
    start: Start = "gabor"
    """Where the filters of patches begin: at drifting Gabors, or at random."""
    running: RunningEntry | None = "film"
    """How running acts: it scales and shifts ('film'), shifts ('additive'), or is not read (None)."""
    causal: bool = False
    """Whether a frame sees only itself and earlier ones."""
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
                f"width {self.width} cannot be divided into {self.heads} heads and into pairs of filters; "
                "use an even multiple."
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


class ClipShape(Config):
    """What a model sees and what it predicts, in frames of the movie and samples of the microscope.

    Both come 30 times a second in the Allen recordings, and seconds below are theirs. The default looks back
    1.5 s, since the calcium of an earlier moment is seen for about a second. Of a recording of one's own
    `stride` takes as long at the rate of its movie, to half a frame, and `lag` and `window` at that of its
    microscope, to a quarter of a sample.
    """

    length: Count = 16
    """Frames of a clip."""
    stride: Count = 3
    """Frames from one of them to the next: 0.1 s."""
    before: WholeNumber = 3
    """Earlier frames, equally far apart, that each frame is seen together with, since motion needs several:
    they reach back as far as a cell of V1 does."""
    lag: WholeNumber = 2
    """Samples from a clip's last frame to the first of its target: calcium rises late."""
    window: Count = 3
    """Samples that the target, dF/F, is averaged over."""

    @property
    def span(self) -> int:
        """Frames from the first of a clip to the last, both counted."""
        return (self.length + self.before - 1) * self.stride + 1

    @property
    def reach(self) -> int:
        """Frames after a clip's last during which its response is still read."""
        return self.lag + self.window - 1


def _in_order(movies: tuple[str, ...]) -> tuple[str, ...]:
    """Each movie once: Allen's in the order of their numbers, then others by name."""
    if not movies:
        raise SettingsError("movies names none; name at least one, or leave it out for all.")
    return (*(name for name in MOVIES if name in movies), *sorted(set(movies) - set(MOVIES)))


Movies = Annotated[Names, AfterValidator(_in_order)]
CellIds = Annotated[tuple[WholeNumber, ...], AfterValidator(lambda ids: tuple(sorted(set(ids))))]


class TransformerConfig(SystemConfig):
    """All that makes a trained model out of a session. The default is the V1 Transformer at its full size."""

    family: Family = "transformer"
    """A V1 Transformer, the same as its public description has it ('described'), or a small network of
    convolutions ('cnn'), which reads no running."""
    shape: ClipShape = ClipShape()
    """What the model sees and predicts, in time."""
    model: TransformerSettings = TransformerSettings()
    """Its sizes; clip_length and before are those of the shape. A 'cnn' uses the frame alone."""
    fit: FitSettings = FIT
    """How it is trained; its seed is that of everything random in training."""
    running: Running = "measured"
    """Speed beside the movie: as 'measured', 'none', or 'shuffled' over repeats, a control."""
    movies: Movies | None = None
    """Movies that are read, by name; None: all that the session has."""
    without: CellIds = ()
    """Ids of cells that are left out."""
    areas: Names | None = None
    """Areas of a recording of one's own whose units are read; None: all."""

    @model_validator(mode="after")
    def _cnn_can(self) -> "TransformerConfig":
        if self.family == "cnn" and self.running != "none":
            raise SettingsError(
                f"A cnn reads no running, and running is {self.running!r}; use running='none' with it."
            )
        if self.family == "cnn" and self.model.head != "pooled":
            raise SettingsError("A cnn answers once a clip; use model.head='pooled' with it.")
        if self.family == "described" and (self.model.head != "pooled" or self.model.causal):
            raise SettingsError(
                "The model as described answers once a clip, from all its frames; use model.head='pooled' "
                "and model.causal=False with it."
            )
        return self


SMALL = TransformerConfig(model=SMALL_MODEL, fit=FIT.replace(epochs=10))
ADAM = FIT.replace(decoupled=False, weight_decay=0.0, learning_rate=1e-3)  # as described; the rate is ours
DESCRIBED = TransformerSettings(dropout=0.1, running="additive")
SMALL_DESCRIBED = SMALL_MODEL.replace(dropout=0.1, running="additive")
MODELS = {
    "transformer": ModelEntry(
        "the V1 Transformer, which reads movie and running", SMALL, TransformerConfig()
    ),
    "as-described": ModelEntry(
        "the V1 Transformer as its public description has it: plain patches, the mean over time, Adam",
        SMALL.replace(family="described", model=SMALL_DESCRIBED, fit=ADAM.replace(epochs=10)),
        TransformerConfig(family="described", model=DESCRIBED, fit=ADAM),
    ),
    "cnn": ModelEntry(
        "a small network of three-dimensional convolutions, which reads the movie alone",
        SMALL.replace(family="cnn", running="none"),
        TransformerConfig(family="cnn", running="none"),
    ),
}


def search_space() -> dict[str, Any]:
    """What TPE searches, in hyperopt's terms: sizes, dropout, learning rate, weight decay.

    Only the last two change a 'cnn'.
    """
    return {
        "width": hp.choice("width", [32, 48, 64, 96]),
        "spatial_layers": hp.choice("spatial_layers", [0, 1, 2]),
        "temporal_layers": hp.choice("temporal_layers", [0, 1, 2]),
        "dropout": hp.uniform("dropout", 0.0, 0.5),
        "patch_dropout": hp.uniform("patch_dropout", 0.0, 0.9),
        "learning_rate": hp.loguniform("learning_rate", np.log(3e-4), np.log(1e-2)),
        "weight_decay": hp.loguniform("weight_decay", np.log(1e-3), np.log(1.0)),
    }
