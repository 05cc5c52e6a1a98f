"""What a V1 Transformer is made of: its sizes, and the two sets of them that are used.

The parts are those of the V1 Transformer's public description, which names no size; all numbers are ours.
The default reads a quarter of the Allen Brain Observatory's movie frames (304 x 608 pixels) in each
direction and is meant for a GPU; SMALL reads an eighth and trains on a CPU.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from neurokit.errors import SettingsError

Running = Literal["film", "additive"]
Head = Literal["pooled", "per_frame"]


@dataclass(frozen=True)
class TransformerSettings:
    """The sizes of a V1 Transformer.

    `frame` is height and width in pixels, `snippet` the frames a prediction is made from, `patch` the side
    of the squares that a frame is cut into. `width` numbers describe a patch, in `heads` groups of
    attention; the perceptron of a block is `expansion` times as wide. `registers` are learned tokens that
    no patch has (Darcet et al., ICLR 2024). `running` scales and shifts ('film'), shifts ('additive') or is
    not read (None). `causal` hides the future from each frame. The head predicts from the mean over time
    ('pooled') or from each frame. Raises SettingsError for sizes that no model can be made of.
    """

    frame: tuple[int, int] = (76, 152)
    snippet: int = 16
    patch: int = 19
    width: int = 96
    heads: int = 4
    spatial_layers: int = 3
    temporal_layers: int = 3
    expansion: int = 4
    registers: int = 0
    dropout: float = 0.1
    running: Running | None = "film"
    causal: bool = False
    head: Head = "pooled"

    def __post_init__(self) -> None:
        """Raises SettingsError naming the setting."""
        for name in ("snippet", "patch", "width", "heads", "expansion"):
            self._at_least(name, 1)
        for name in ("spatial_layers", "temporal_layers", "registers"):
            self._at_least(name, 0)
        if any(side < self.patch or side % self.patch for side in self.frame):
            raise SettingsError(
                f"patch is {self.patch}; use one that divides both sides of frame {self.frame}."
            )
        if self.width % self.heads:
            raise SettingsError(f"width {self.width} cannot be dealt to {self.heads} heads; use a multiple.")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"dropout is {self.dropout}; use 0 or more, below 1.")
        if self.running is not None and self.running not in get_args(Running):
            raise SettingsError(f"running is {self.running!r}; use 'film', 'additive' or None.")
        if self.head not in get_args(Head):
            raise SettingsError(f"head is {self.head!r}; use one of {', '.join(get_args(Head))}.")

    def _at_least(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or value < least:
            raise SettingsError(f"{name} is {value!r}; use a whole number of {least} or more.")

    @property
    def patches(self) -> int:
        """Patches of a frame: what attention compares within it."""
        return (self.frame[0] // self.patch) * (self.frame[1] // self.patch)


SMALL = TransformerSettings(frame=(38, 76), width=64, spatial_layers=1, temporal_layers=2)
