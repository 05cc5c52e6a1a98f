"""The sizes of a foundation network.

The defaults are those of the weights released in August 2025 (Wang et al., Nature 640, 470-477, 2025): 4.53
million parameters in the core, none of which is trained for a new mouse (`RELEASED`). `SMALL` trains on a CPU
in minutes.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurokit.config import BelowOne, Config, Count, NonNegative, Several, Size
from neurokit.errors import SettingsError

Recurrence = Literal["attention", "convolution"]
Unit = Literal["poisson", "elu"]


class FoundationSettings(Config):
    """The size of each part, in the order in which a frame passes through.

    Six fields have one number per block of the feed-forward part.
    """

    monitor: tuple[Several, Several] = (144, 256)
    """Rows and columns of the video, pixels."""
    retina: Size = (128, 192)
    """Rows and columns of the retinal image, which spans `retina_degrees` to each side, pixels."""
    retina_degrees: Annotated[float, Field(gt=0, le=90)] = 75.0
    """Angle from the middle of the retinal image to its left and right edge, deg."""
    streams: Count = 4
    """Copies of modulation, core and readout features, each with its own weights."""
    eye_features: Count = 16
    """Hidden units of each layer that turns pupil position into rotation."""
    eye_layers: Count = 3
    """Number of these layers."""
    modulation_features: Count = 16
    """Hidden units that read pupil radius and treadmill speed."""
    memory_features: Count = 16
    """Hidden units of the LSTM that follows."""
    input_kernel: Count = 6
    """Side of the first convolution, pixels."""
    input_stride: Count = 2
    """Its stride, pixels."""
    channels: tuple[Count, ...] = (32, 64, 128)
    """Channels of each block of the feed-forward part."""
    groups: tuple[Count, ...] = (1, 2, 4)
    """Groups of each block's convolutions."""
    layers: tuple[Count, ...] = (2, 2, 2)
    """Convolutions in each block."""
    frames: tuple[Count, ...] = (3, 3, 3)
    """Frames that such a convolution sees: the current and past ones."""
    kernel: tuple[Count, ...] = (3, 3, 3)
    """Its side, pixels."""
    pools: tuple[Count, ...] = (2, 2, 1)
    """Side of the average pooling after each block, pixels."""
    features: Count = 128
    """Channels from the feed-forward to the recurrent part."""
    recurrence: Recurrence = "attention"
    """'attention' (CvT-LSTM, as released) or 'convolution' (Conv-LSTM)."""
    hidden: Count = 256
    """Channels of the recurrent state."""
    common: Count = 512
    """Channels of the attention."""
    heads: Several = 8
    """Groups of recurrent channels, which read one another; in attention, one head each."""
    recurrent_kernel: Count = 3
    """Side of the recurrent convolution, pixels."""
    outputs: Count = 128
    """Channels that neurons read."""
    dropout: BelowOne = 0.0
    """Probability that a recurrent channel is dropped during a training clip."""
    jitter: NonNegative = 0.05
    """Initial standard deviation, in training, of the monitor's position (halves of its width) and of its
    angles (rad); it is learned. Use a small value for a short training."""
    spread: NonNegative = 0.4
    """Initial standard deviation, in training, of a neuron's position on the map, which spans -1 to 1. Use a
    small value for a short training."""
    unit: Unit = "poisson"
    """'poisson' (rate = exp of the drive) or 'elu' (rate = ELU + 1, squared error)."""

    @model_validator(mode="after")
    def _parts_fit_each_other(self) -> "FoundationSettings":
        self._check_blocks()
        if self.hidden % self.heads or self.common % self.heads:
            raise SettingsError(f"hidden and common must be multiples of heads, {self.heads}.")
        if min(self.map) < 1:
            raise SettingsError(
                "retina, input_stride and pools leave no map; use smaller pools or a larger retina."
            )
        return self

    def _check_blocks(self) -> None:
        blocks = {
            len(values)
            for values in (self.channels, self.groups, self.layers, self.frames, self.kernel, self.pools)
        }
        if len(blocks) != 1 or 0 in blocks:
            raise SettingsError(
                "channels, groups, layers, frames, kernel and pools have one number per block: give all "
                "the same length."
            )
        uneven = [c for c, g in zip(self.channels, self.groups, strict=True) if c % g]
        if uneven:
            raise SettingsError(f"{uneven[0]} channels cannot be split into their groups evenly.")
        if any(size % 2 == 0 for size in (*self.kernel, self.recurrent_kernel)):
            raise SettingsError("kernel and recurrent_kernel must be odd, so that maps do not change size.")
        if (self.input_kernel - self.input_stride) % 2:
            raise SettingsError("input_kernel and input_stride must both be even or both odd.")

    @property
    def map(self) -> tuple[int, int]:
        """Rows and columns of the map that neurons read."""
        rows, columns = (side // self.input_stride for side in self.retina)
        for pool in self.pools:
            rows, columns = rows // pool, columns // pool
        return rows, columns


RELEASED = FoundationSettings()
SMALL = FoundationSettings(
    monitor=(36, 64),
    retina=(24, 36),
    streams=1,  # with few steps, each stream would see too few of them
    eye_features=8,
    modulation_features=4,
    memory_features=4,
    channels=(8, 16, 16),
    groups=(1, 2, 2),
    pools=(2, 1, 1),
    features=16,
    hidden=16,
    common=32,
    heads=2,
    outputs=16,
    jitter=0.002,
    spread=0.02,
)
