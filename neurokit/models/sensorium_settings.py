"""What a SENSORIUM 2022 model is made of: its settings, and the five published ones.

LN, CNN and their versions with behaviour (LN_PLUS, CNN_PLUS) are the competition's baselines (Willeke et
al., arXiv 2206.08666, 2022); MODEL_4 is Adrian Roggenbach's winning SENSORIUM+ entry. The numbers are
those of their published configurations.
"""

from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from neurokit.errors import SettingsError
from neurokit.models.readout import Activation, Gauss

Positions = Literal["cortex", "free"]
MOST = {"input_kernel": 36, "momentum": 1, "init_mu_range": 0.999}  # the image's height; the map's edge is 1


@dataclass(frozen=True)
class ModelSettings:
    """What a model is made of, and the weights (`gamma_...`) of its penalties.

    `momentum` is the newest batch's weight in the running statistics of the batch normalisation.
    `positions` is 'cortex' (predicted by a perceptron of `position_layers` hidden layers) or 'free'
    (drawn within `init_mu_range`, which the other does not use). `behaviour` adds three constant input
    channels, `shifter` reads the pupil's centre; `history`, `state` and `gain` use past responses.
    Raises SettingsError for a word or number that no model can be made of.
    """

    channels: int = 64
    layers: int = 4
    input_kernel: int = 9
    hidden_kernel: int = 7
    linear: bool = False
    momentum: float = 0.9
    gauss: Gauss = "full"
    positions: Positions = "cortex"
    position_layers: int = 1
    position_hidden: int = 30
    position_activation: Activation = "elu"
    init_sigma: float = 0.1
    init_mu_range: float = 0.3
    behaviour: bool = False
    shifter: bool = False
    history: bool = False
    state: bool = False
    gain: bool = False
    lags: int = 5
    states: int = 10
    gain_width: float = 30.0
    gain_reach: int = 100
    gamma_input: float = 6.3831
    gamma_readout: float = 0.0076
    gamma_gain: float = 100.0
    gamma_coupling: float = 0.3
    gamma_history: float = 0.3
    gamma_state: float = 0.3

    def __post_init__(self) -> None:
        """Looks at every word and number."""
        words = {"gauss": Gauss, "positions": Positions, "position_activation": Activation}
        for name, kind in words.items():
            if getattr(self, name) not in (known := get_args(kind)):
                raise SettingsError(f"{name} is {getattr(self, name)!r}; use one of {', '.join(known)}.")
        for name, value in asdict(self).items():
            if not isinstance(value, bool | str):
                self._check_number(name, value)

    def _check_number(self, name: str, value: int | float) -> None:
        least = 0 if name.startswith(("gamma", "init", "gain_reach", "momentum")) else 1
        most = MOST.get(name, float("inf"))
        if type(self).__annotations__[name] is int and not isinstance(value, int):
            raise SettingsError(f"{name} is {value}; use a whole number.")
        if not least <= value <= most:
            bounds = f"{least} or more" if name not in MOST else f"{least} to {most}"
            raise SettingsError(f"{name} is {value}; use {bounds}.")

    def map_positions(
        self, pixels: Float[np.ndarray, "N 2"], shape: tuple[int, int] = (36, 64)
    ) -> Float[np.ndarray, "N 2"]:
        """Where on the core's map, (x, y) from -1 to 1, the image's pixels (row, column) lie.

        The first layer cuts half a kernel off each side; even hidden kernels add half a pixel again.
        """
        size, cut = self._map(shape)
        return np.ascontiguousarray((2 * (pixels - cut) / size - 1)[:, ::-1])

    def image_pixels(
        self, positions: Float[np.ndarray, "N 2"], shape: tuple[int, int] = (36, 64)
    ) -> Float[np.ndarray, "N 2"]:
        """Which pixels of the image (row, column) positions on the map are: back from `map_positions`."""
        size, cut = self._map(shape)
        return (positions[:, ::-1] + 1) / 2 * size + cut

    def _map(self, shape: tuple[int, int]) -> tuple[Int[np.ndarray, "2"], float]:
        """Height and width of the map, less one, and where in the image its first pixel lies."""
        grown = (self.layers - 1) * (self.hidden_kernel % 2 == 0)
        return np.array(shape) - self.input_kernel + grown, (self.input_kernel - 1 - grown) / 2


CNN = ModelSettings()
LN = replace(CNN, layers=3, linear=True)
CNN_PLUS = replace(CNN, behaviour=True, shifter=True)
LN_PLUS = replace(LN, behaviour=True, shifter=True)
MODEL_4 = replace(
    CNN_PLUS,
    hidden_kernel=10,
    position_layers=4,
    position_hidden=20,
    position_activation="relu",
    init_sigma=0.14,
    init_mu_range=0.8,
    gamma_input=9.8,
    gamma_readout=0.48,
    history=True,
    state=True,
    gain=True,
)


@dataclass(frozen=True)
class MouseShape:
    """The sizes of one scan: its neurons, and all its trials, which only the gain needs (0: unknown)."""

    neurons: int
    trials: int = 0
