"""A core of one's own: residual blocks at the size of the image, under the published readouts."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurokit import sensorium


class ResidualCore(nn.Module):
    """A convolution, then blocks that each add to the map; behaviour adds to every pixel."""

    def __init__(self, inputs: int, channels: int = 4, blocks: int = 2) -> None:
        super().__init__()
        self.inputs, self.channels, self.blocks = inputs, channels, blocks
        self.first = nn.Conv2d(1, channels, 5, padding=2)
        self.behaviour = nn.Linear(inputs - 1, channels) if inputs > 1 else None
        self.layers = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(blocks))

    @property
    def configuration(self) -> dict[str, int]:
        return {"inputs": self.inputs, "channels": self.channels, "blocks": self.blocks}

    def forward(self, images: Tensor, constants: Tensor | None = None) -> Tensor:
        features = self.first(images)
        if constants is not None and self.behaviour is not None:
            features = features + self.behaviour(constants)[:, :, None, None]
        for layer in self.layers:
            features = features + layer(F.elu(features))
        return features

    def geometry(self) -> sensorium.MapGeometry:
        return sensorium.MapGeometry(first=(0, 0), last=(35, 63))

    def regulariser(self) -> Tensor:
        return 1e-3 * self.first.weight.square().sum()


def residual(task: dict, config: sensorium.SensoriumConfig) -> sensorium.SensoriumModel:
    """The build of an experiment."""
    return sensorium.build(task, config, core=ResidualCore)


class ContrastModel(nn.Module):
    """A complete model of one's own: a rate of each neuron that follows the mean contrast."""

    def __init__(self, neurons: dict[str, int]) -> None:
        super().__init__()
        self.neurons = neurons
        self.views = nn.ModuleDict({key: Contrast(number) for key, number in neurons.items()})

    @property
    def configuration(self) -> dict[str, dict[str, int]]:
        return {"neurons": self.neurons}

    def mouse(self, key: str) -> nn.Module:
        return self.views[key]

    def regulariser(self, key: str) -> Tensor:
        return torch.zeros(())


class Contrast(nn.Module):
    """Rates of one mouse's neurons."""

    def __init__(self, neurons: int) -> None:
        super().__init__()
        self.slope, self.bias = nn.Parameter(torch.zeros(neurons)), nn.Parameter(torch.zeros(neurons))

    def forward(self, images: Tensor) -> Tensor:
        contrast = images.square().mean(dim=(1, 2))
        return F.elu(contrast[:, None] * self.slope + self.bias) + 1


def contrast(task: dict, config: sensorium.SensoriumConfig) -> ContrastModel:
    """The build of an experiment."""
    return ContrastModel({key: mouse.scan.neurons for key, mouse in task.items()})
