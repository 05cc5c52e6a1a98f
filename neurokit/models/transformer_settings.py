"""What a V1 Transformer is made of: its sizes, and the two sets of them that are used.

The parts are those of the V1 Transformer's public description, which names no size; all numbers are ours.
Mouse V1 prefers gratings of about 0.04 cycles per degree (Niell and Stryker, J. Neuroscience 28, 7520-7536,
2008). A frame of the Allen Brain Observatory's movies spans about 120 x 95 degrees, so 20 rows still show
twice that frequency, and 40 rows four times. SMALL reads 20 x 40 pixels and trains on a CPU; the default
reads 40 x 80 and is meant for a GPU.
"""

from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

from neurokit.errors import SettingsError

Running = Literal["film", "additive"]
Head = Literal["pooled", "per_frame"]
Start = Literal["gabor", "random"]


@dataclass(frozen=True)
class TransformerSettings:
    """The sizes of a V1 Transformer.

    `frame` is height and width in pixels, `snippet` the frames a prediction is made from; each is seen
    together with `before` earlier ones. `patch` is the side of the squares that a frame is cut into, one
    every `step` pixels (a rim of fewer than `step` may be left over). `start` is where their filters begin:
    at drifting Gabors or at random. `width` numbers describe a patch, in `heads` groups of attention; the
    perceptron of a block is `expansion` times as wide. `registers` are learned tokens that no patch has
    (Darcet et al., ICLR 2024). `running` scales and shifts ('film'), shifts ('additive') or is not read
    (None). `causal` hides the future from each frame. The head predicts from a weighted mean over time
    ('pooled') or from each frame; the weights are learned and start falling by e in `memory` frames
    (infinity: equal), since calcium forgets. `dropout` acts on what blocks add, `patch_dropout` on what
    patches tell. Raises SettingsError for sizes that no model can be made of.
    """

    frame: tuple[int, int] = (40, 80)
    snippet: int = 16
    before: int = 3
    patch: int = 20
    step: int = 6
    width: int = 96
    heads: int = 4
    spatial_layers: int = 2
    temporal_layers: int = 2
    expansion: int = 4
    registers: int = 0
    memory: float = 6.0
    dropout: float = 0.2
    patch_dropout: float = 0.8
    start: Start = "gabor"
    running: Running | None = "film"
    causal: bool = False
    head: Head = "pooled"

    def __post_init__(self) -> None:
        """Raises SettingsError naming the setting."""
        for name in ("snippet", "patch", "step", "width", "heads", "expansion"):
            self._at_least(name, 1)
        for name in ("before", "spatial_layers", "temporal_layers", "registers"):
            self._at_least(name, 0)
        sides = self.frame if isinstance(self.frame, tuple) else ()
        if len(sides) != 2 or any(not isinstance(side, int) or side < self.patch for side in sides):
            raise SettingsError(
                f"patch is {self.patch}; use one that fits into both sides of frame {self.frame}."
            )
        if self.width % self.heads or self.width % 2:
            raise SettingsError(
                f"width {self.width} cannot be dealt to {self.heads} heads and to pairs of filters; use an "
                "even multiple."
            )
        for name in ("dropout", "patch_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; use 0 or more, below 1.")
        if not 0 < self.memory <= inf:
            raise SettingsError(f"memory is {self.memory}; use a positive number of frames.")
        for name, words in (("running", (*get_args(Running), None)), ("head", get_args(Head))):
            self._one_of(name, words)
        self._one_of("start", get_args(Start))

    def _at_least(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or value < least:
            raise SettingsError(f"{name} is {value!r}; use a whole number of {least} or more.")

    def _one_of(self, name: str, words: tuple[str | None, ...]) -> None:
        if getattr(self, name) not in words:
            known = ", ".join(repr(word) for word in words)
            raise SettingsError(f"{name} is {getattr(self, name)!r}; use one of {known}.")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches: what attention compares within a frame."""
        rows, columns = ((side - self.patch) // self.step + 1 for side in self.frame)
        return rows, columns


SMALL = TransformerSettings(frame=(20, 40), patch=10, step=3, width=48, spatial_layers=1, temporal_layers=1)
