"""What a V1 Transformer is made of: its sizes, and the two sets of them that are used.

The parts are those of the V1 Transformer's public description, which names no size; all numbers are ours.
Mouse V1 prefers gratings of about 0.04 cycles per degree (Niell and Stryker, J. Neuroscience 28, 7520-7536,
2008). A frame of the Allen Brain Observatory's movies spans about 120 x 95 degrees, so 20 rows still show
twice that frequency, and 40 rows four times. SMALL reads 20 x 40 pixels and trains on a CPU; the default
reads 40 x 80 and is meant for a GPU.
"""

from typing import Literal

from pydantic import model_validator

from neurokit.config import BelowOne, Config, Count, Positive, Size, WholeNumber
from neurokit.errors import SettingsError

Running = Literal["film", "additive"]
Head = Literal["pooled", "per_frame"]
Start = Literal["gabor", "random"]


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
    running: Running | None = "film"
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


SMALL = TransformerSettings(frame=(20, 40), patch=10, step=3, width=48, spatial_layers=1, temporal_layers=1)
