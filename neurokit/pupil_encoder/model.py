"""PupilEncoder and its deep relatives: from behaviour to the firing rates of regions.

The encoder is William Yang's (PupilEncoder, 2023, built on the Neuromatch deep-learning course): an
Elman network reads the pupil forwards and backwards, the two states of each bin are averaged to a
latent, and a linear layer with a softplus of beta 10 turns the latent into rates. It looks into the
future of the pupil by design: the pupil follows the brain as well as the brain the pupil.
The relatives differ in how they see time, and share input, output and softplus.

Letters: K trials, T bins, C channels, H hidden units, R regions.
"""

from typing import Any, Literal, cast, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.errors import SettingsError

Cell = Literal["rnn", "gru", "lstm"]
CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
BETA = 10.0  # of the softplus, as in the first PupilEncoder: nearly linear above 0.3 Hz


class Rates(nn.Linear):
    """Latents to rates: a linear layer and a softplus, so that no rate is negative."""

    def forward(self, latents: Float[Tensor, "K T H"]) -> Float[Tensor, "K T R"]:
        """Rates in the unit of the targets."""
        return F.softplus(super().forward(latents), beta=BETA)

    @torch.no_grad()
    def start_at(self, mean_rates: Float[Tensor, "R"]) -> None:
        """Sets the bias so that a latent of zero gives the mean rates, as Neuromatch starts it."""
        positive = mean_rates.clamp_min(1e-3)
        self.bias.copy_(positive + torch.log(-torch.expm1(-BETA * positive)) / BETA)  # softplus inverted


class PupilEncoder(nn.Module):
    """Recurrent encoder: rates of R regions from C behaviour channels.

    With the defaults and H = 27, C = R = 3 it is the published network of 1,812 parameters. Raises
    SettingsError for an unknown cell.
    """

    def __init__(
        self,
        channels: int = 3,
        regions: int = 3,
        hidden: int = 27,
        *,
        cell: Cell = "rnn",
        layers: int = 1,
        bidirectional: bool = True,
    ) -> None:
        super().__init__()
        if cell not in CELLS:
            raise SettingsError(f"cell is {cell!r}; use one of {', '.join(get_args(Cell))}.")
        self.recurrent = CELLS[cell](
            channels, hidden, num_layers=layers, bidirectional=bidirectional, batch_first=True
        )
        self.rates = Rates(hidden, regions)
        self.cell = cell

    @property
    def configuration(self) -> dict[str, Any]:
        """What makes this model anew, as JSON can hold it: `PupilEncoder(**configuration)`."""
        return {
            "channels": self.recurrent.input_size,
            "regions": self.rates.out_features,
            "hidden": self.rates.in_features,
            "cell": self.cell,
            "layers": self.recurrent.num_layers,
            "bidirectional": self.recurrent.bidirectional,
        }

    def latents(self, inputs: Float[Tensor, "K T C"]) -> Float[Tensor, "K T H"]:
        """The state of each bin, averaged over the directions of reading."""
        states, _ = self.recurrent(inputs)  # K T D*H
        return states.unflatten(-1, (-1, self.rates.in_features)).mean(dim=2)  # K T H

    def forward(self, inputs: Float[Tensor, "K T C"]) -> Float[Tensor, "K T R"]:
        """Rates of each region in each bin."""
        return self.rates(self.latents(inputs))


class WindowMLP(nn.Module):
    """A multilayer perceptron on a window of bins around each bin.

    `window` is the bins on each side; `neurokit.pupil_encoder.build` makes it 1 s. It should be wider than
    the lags of interest, because what a slow input knows of times beyond it collects at its edge. The first
    layer is a convolution: the same linear map on every window, without copies of the windows.
    """

    def __init__(
        self, channels: int = 3, regions: int = 3, hidden: int = 32, *, layers: int = 1, window: int = 100
    ) -> None:
        super().__init__()
        first = nn.Conv1d(channels, hidden, 2 * window + 1, padding=window)
        rest = [nn.Conv1d(hidden, hidden, 1) for _ in range(layers - 1)]
        self.layers = nn.ModuleList([first, *rest])
        self.rates = Rates(hidden, regions)

    @property
    def configuration(self) -> dict[str, Any]:
        """What makes this model anew, as JSON can hold it: `WindowMLP(**configuration)`."""
        first = cast(nn.Conv1d, self.layers[0])  # of what a ModuleList holds, torch says Module
        return {
            "channels": first.in_channels,
            "regions": self.rates.out_features,
            "hidden": first.out_channels,
            "layers": len(self.layers),
            "window": first.padding[0],
        }

    def forward(self, inputs: Float[Tensor, "K T C"]) -> Float[Tensor, "K T R"]:
        """Rates of each region in each bin."""
        hidden = inputs.mT  # K C T
        for layer in self.layers:
            hidden = F.relu(layer(hidden))  # K H T
        return self.rates(hidden.mT)


class TemporalCNN(nn.Module):
    """Dilated convolutions over time with residual connections (after Bai et al., arXiv 1803.01271,
    2018).

    Layer l looks 2**l bins apart, so `layers` of kernel 5 see 4 (2**layers - 1) + 1 bins, centred.
    """

    def __init__(
        self, channels: int = 3, regions: int = 3, hidden: int = 32, *, layers: int = 4, kernel: int = 5
    ) -> None:
        super().__init__()
        self.embed = nn.Conv1d(channels, hidden, 1)
        self.layers = nn.ModuleList(
            nn.Conv1d(hidden, hidden, kernel, dilation=2**layer, padding="same") for layer in range(layers)
        )
        self.rates = Rates(hidden, regions)
        self.kernel = kernel

    @property
    def configuration(self) -> dict[str, Any]:
        """What makes this model anew, as JSON can hold it: `TemporalCNN(**configuration)`."""
        return {
            "channels": self.embed.in_channels,
            "regions": self.rates.out_features,
            "hidden": self.embed.out_channels,
            "layers": len(self.layers),
            "kernel": self.kernel,
        }

    def forward(self, inputs: Float[Tensor, "K T C"]) -> Float[Tensor, "K T R"]:
        """Rates of each region in each bin."""
        hidden = self.embed(inputs.mT)  # K H T
        for layer in self.layers:
            hidden = hidden + F.relu(layer(hidden))
        return self.rates(hidden.mT)


def parameter_count(model: nn.Module) -> int:
    """Trainable numbers in a model."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
