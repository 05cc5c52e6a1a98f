"""The sizes of a foundation network.

The defaults are those of the weights released in August 2025 (Wang et al., Nature 640, 470-477, 2025): 4.53
million parameters in the core, of which a new mouse trains none (`RELEASED`). `SMALL` learns on a CPU in
minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from numbers import Real
from typing import Any, Literal, get_args

from neurokit.errors import SettingsError

Recurrence = Literal["attention", "convolution"]
Unit = Literal["poisson", "elu"]
_SIZES = {int: "a whole number", tuple[int, int]: "a tuple of two whole numbers"}
_SIZES[tuple[int, ...]] = "a tuple of whole numbers"


@dataclass(frozen=True)
class FoundationSettings:
    """How large each part is, in the order in which a frame passes through.

    Attributes:
        monitor: rows and columns of the video, pixels.
        retina: rows and columns of the retinal image, which spans `retina_degrees` to each side.
        retina_degrees: deg, from the middle of the retinal image to its left and right edge.
        streams: copies of modulation, core and readout features, each with weights of its own.
        eye_features: hidden units of each of the `eye_layers` that turn pupil position into rotation.
        eye_layers: how many of them.
        modulation_features: hidden units that read pupil radius and treadmill speed.
        memory_features: hidden units of the LSTM behind them.
        input_kernel: pixels, along one side, of the first convolution.
        input_stride: pixels by which it moves.
        channels: of each block of the feed-forward part.
        groups: of each block's convolutions.
        layers: convolutions in each block.
        frames: of video that such a convolution sees, itself and the past.
        kernel: its pixels along one side.
        pools: pixels averaged along each side after each block.
        features: channels handed from the feed-forward to the recurrent part.
        recurrence: 'attention' (CvT-LSTM, as released) or 'convolution' (Conv-LSTM).
        hidden: channels of the recurrent state.
        common: channels between which attention is computed.
        heads: groups of recurrent channels; with attention, one head each.
        recurrent_kernel: pixels, along one side, of the recurrent convolution.
        outputs: channels that neurons read.
        dropout: chance that a recurrent channel is silent during a training sequence.
        jitter: standard deviation at first, in training, of the monitor's place (halves of its width) and of
            its angles (rad); learnt from there.
        spread: standard deviation at first, in training, of where a neuron looks; the map reaches from -1 to
            1. Short training cannot average over much of either.
        unit: 'poisson' (rate = exp of the drive) or 'elu' (rate = ELU + 1, squared error).
    """

    monitor: tuple[int, int] = (144, 256)
    retina: tuple[int, int] = (128, 192)
    retina_degrees: float = 75.0
    streams: int = 4
    eye_features: int = 16
    eye_layers: int = 3
    modulation_features: int = 16
    memory_features: int = 16
    input_kernel: int = 6
    input_stride: int = 2
    channels: tuple[int, ...] = (32, 64, 128)
    groups: tuple[int, ...] = (1, 2, 4)
    layers: tuple[int, ...] = (2, 2, 2)
    frames: tuple[int, ...] = (3, 3, 3)
    kernel: tuple[int, ...] = (3, 3, 3)
    pools: tuple[int, ...] = (2, 2, 1)
    features: int = 128
    recurrence: Recurrence = "attention"
    hidden: int = 256
    common: int = 512
    heads: int = 8
    recurrent_kernel: int = 3
    outputs: int = 128
    dropout: float = 0.0
    jitter: float = 0.05
    spread: float = 0.4
    unit: Unit = "poisson"

    def __post_init__(self) -> None:
        """Raises SettingsError for sizes that cannot be built."""
        self._check_sizes()
        self._check_words()
        self._check_blocks()
        self._check_recurrence()
        if min(self.map) < 1:
            raise SettingsError(
                "retina, input_stride and pools leave no map; pool less or give a larger retina."
            )

    def _check_sizes(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 2 if field.name == "monitor" else 1
            sizes = (value,) if field.type is int else value
            if field.type not in _SIZES:
                continue
            fitting = isinstance(sizes, tuple) and all(whole(size, least) for size in sizes)
            if not fitting or (field.type == tuple[int, int] and len(sizes) != 2):
                raise SettingsError(
                    f"{field.name} is {value!r}; give {_SIZES[field.type]} of {least} or more."
                )

    def _check_words(self) -> None:
        for name, words in (("recurrence", get_args(Recurrence)), ("unit", get_args(Unit))):
            if getattr(self, name) not in words:
                raise SettingsError(f"{name} is {getattr(self, name)!r}; use one of {', '.join(words)}.")
        for name in ("dropout", "jitter", "spread", "retina_degrees"):
            if not isinstance(value := getattr(self, name), Real) or not isfinite(value):
                raise SettingsError(f"{name} is {value!r}; give a finite number.")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"dropout is {self.dropout}; use 0 or more, below 1.")
        if min(self.jitter, self.spread) < 0:
            raise SettingsError(f"jitter is {self.jitter} and spread {self.spread}; use 0 or more.")
        if not 0 < self.retina_degrees <= 90:
            raise SettingsError(f"retina_degrees is {self.retina_degrees}; use more than 0, at most 90.")

    def _check_blocks(self) -> None:
        blocks = {
            len(values)
            for values in (self.channels, self.groups, self.layers, self.frames, self.kernel, self.pools)
        }
        if len(blocks) != 1 or 0 in blocks:
            raise SettingsError(
                "channels, groups, layers, frames, kernel and pools have one number for each block: give "
                "all the same length."
            )
        uneven = [c for c, g in zip(self.channels, self.groups, strict=True) if c % g]
        if uneven:
            raise SettingsError(f"{uneven[0]} channels cannot be split into their groups evenly.")
        if any(size % 2 == 0 for size in (*self.kernel, self.recurrent_kernel)):
            raise SettingsError("kernel and recurrent_kernel must be odd, so that maps keep their size.")
        if (self.input_kernel - self.input_stride) % 2:
            raise SettingsError("input_kernel and input_stride must both be even or both odd.")

    def _check_recurrence(self) -> None:
        if self.hidden % self.heads or self.common % self.heads:
            raise SettingsError(f"hidden and common must be multiples of heads, {self.heads}.")
        if self.heads < 2:
            raise SettingsError(
                "heads is below 2; the recurrent groups read one another, so give two or more."
            )

    @property
    def map(self) -> tuple[int, int]:
        """Rows and columns of the map that neurons read."""
        rows, columns = (side // self.input_stride for side in self.retina)
        for pool in self.pools:
            rows, columns = rows // pool, columns // pool
        return rows, columns


def whole(value: object, least: int) -> bool:
    """Whether that is a whole number of `least` or more; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def settings_from(plain: Mapping[str, Any]) -> FoundationSettings:
    """Settings out of a plain dictionary; JSON has no tuples."""
    tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    return FoundationSettings(**tuples)


RELEASED = FoundationSettings()
SMALL = FoundationSettings(
    monitor=(36, 64),
    retina=(24, 36),
    streams=1,  # with few steps, each stream would see too few
    eye_features=8,
    modulation_features=4,
    memory_features=4,
    channels=(8, 16, 16),
    groups=(1, 2, 2),
    pools=(2, 1, 1),
    features=16,
    recurrence="convolution",
    hidden=16,
    common=32,
    heads=2,
    outputs=16,
    jitter=0.002,
    spread=0.02,
)
