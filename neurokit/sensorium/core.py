"""Cores: from an image to a map of features that all mice share.

The published core is the convolutional one of the SENSORIUM 2022 baselines (Willeke et al., arXiv 2206.08666,
2022; after Lurz et al., ICLR 2021): one full convolution, then depth-separable ones, each with batch
normalisation and an ELU. Constants are those of the competition's published configuration.

`neurokit.sensorium.build(task, config, core=MyCore)` puts a core of your own under the published readouts,
shifters and modulators; `Core` says what it offers.

Letters: B images, C image channels, K constants of an image, F features, H x W image (36 x 64), h x w map,
N places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.errors import SettingsError
from neurokit.training.checkpoint import imported_class
from neurokit.training.predict import evaluating

MOMENTUM = 0.9  # weight of the newest batch in running statistics, as torch has it; small batches need less
LAPLACIAN = [[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]]
IMAGE = (36, 64)  # rows and columns of the images that models read

OwnCore = nn.Module | Callable[[int], nn.Module]
"""A core, or what makes one from its number of input channels: the image, and three of behaviour."""


@dataclass(frozen=True)
class MapGeometry:
    """Where the map of a core lies on the image, pixels counted from the middle of the first.

    Attributes:
        first: row and column that the map's first cell is centred on.
        last: the same of its last cell.
    """

    first: tuple[float | int, float | int]
    last: tuple[float | int, float | int]

    def positions(self, pixels: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
        """Where on the map, (x, y) from -1 to 1, the image's pixels (row, column) lie."""
        return np.ascontiguousarray((2 * (pixels - self.first) / self._extent - 1)[:, ::-1])

    def pixels(self, positions: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
        """Which pixels of the image (row, column) positions on the map are: back from `positions`."""
        return (positions[:, ::-1] + 1) / 2 * self._extent + self.first

    @property
    def _extent(self) -> Float[np.ndarray, "2"]:
        return np.subtract(self.last, self.first, dtype=float)


@runtime_checkable
class Core(Protocol):
    """What a core offers: an `nn.Module` from images to a map of features, which readouts read.

    To be opened without the function that built it, it also has a property `configuration`: the arguments
    of its constructor, as JSON can hold them.

    Attributes:
        channels: of its map, F.
    """

    channels: int

    def __call__(
        self, images: Float[Tensor, "B C H W"], constants: Float[Tensor, "B K"] | None = None
    ) -> Float[Tensor, "B F h w"]:
        """The map; `constants` are the scaled behaviour where the model reads it, else None."""

    def geometry(self) -> MapGeometry:
        """Where the map of 36 x 64 images lies on them."""

    def regulariser(self) -> Float[Tensor, ""]:
        """A penalty, weighed by `gamma_input`, counted once for each batch of each mouse."""


class StackedCore(nn.Module):
    """The convolutions of an encoding model; only the last layer's features are read out.

    `inputs` counts the image's channels and the constants together. The first layer has no padding,
    so 36 x 64 becomes 28 x 56 with a kernel of 9; an odd hidden kernel keeps that size, an even one
    lets the map grow by one in each further layer (10, in Model 4: to 31 x 59 after three). `linear`
    leaves out the ELUs and keeps the batch normalisation.
    """

    laplacian: Float[Tensor, "1 1 3 3"]

    def __init__(
        self,
        inputs: int = 1,
        *,
        channels: int = 64,
        layers: int = 4,
        input_kernel: int = 9,
        hidden_kernel: int = 7,
        linear: bool = False,
        momentum: float = MOMENTUM,
    ) -> None:
        super().__init__()
        self.channels, self.input_kernel = channels, input_kernel
        self.grown = (layers - 1) * (hidden_kernel % 2 == 0)  # cells, by even kernels
        first = nn.Conv2d(inputs, channels, input_kernel, bias=False)
        deeper = [make_separable(channels, hidden_kernel) for _ in range(layers - 1)]
        self.convolutions = nn.ModuleList([first, *deeper])
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels, momentum=momentum) for _ in range(layers))
        self.activation = nn.Identity() if linear else nn.ELU(inplace=True)
        self.register_buffer("laplacian", torch.tensor([[LAPLACIAN]]), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_normal_(module.weight)

    @property
    def first(self) -> nn.Conv2d:
        """The first convolution."""
        return cast(nn.Conv2d, self.convolutions[0])  # of what a ModuleList holds, torch says Module

    def forward(
        self, images: Float[Tensor, "B C H W"], constants: Float[Tensor, "B K"] | None = None
    ) -> Float[Tensor, "B F h w"]:
        """The features of each image; `constants` (behaviour) act as K channels of one value each."""
        features = channels_last(self._convolve_first(images, constants))
        features = self.activation(self.norms[0](features))
        for convolution, norm in zip(self.convolutions[1:], self.norms[1:], strict=True):
            features = self.activation(norm(convolution(features)))
        if features.requires_grad:  # a readout's gradient comes in torch's usual order
            features.register_hook(channels_last)
        return features

    def _convolve_first(
        self, images: Float[Tensor, "B C H W"], constants: Float[Tensor, "B K"] | None
    ) -> Float[Tensor, "B F h w"]:
        """The first convolution, without ever making the constant channels.

        There is no padding, so a constant channel adds the same number to every pixel: its value times
        the sum of its kernel. With three of four channels constant that saves three quarters of the
        layer's multiplications, 24 of 33 million for an image of 36 x 64.
        """
        weight = self.first.weight  # F C+K k k
        if constants is None:
            return F.conv2d(images, weight)
        of_images, of_constants = weight.tensor_split([images.shape[1]], dim=1)
        added = constants @ of_constants.sum(dim=(2, 3)).T  # B F
        return F.conv2d(images, of_images) + added[:, :, None, None]

    def geometry(self) -> MapGeometry:
        """Where the map lies on an image of 36 x 64.

        The first layer cuts half a kernel off each side; even hidden kernels add half a pixel again.
        """
        cut = (self.input_kernel - 1 - self.grown) / 2
        height, width = (size - self.input_kernel + self.grown for size in IMAGE)
        return MapGeometry((cut, cut), (cut + height, cut + width))

    def regulariser(self) -> Float[Tensor, ""]:
        """Laplacian penalty on the first layer: energy of the filtered kernels over their own energy."""
        kernels = self.first.weight.flatten(0, 1)[:, None]  # F*(C+K) 1 k k
        edges = F.conv2d(kernels, self.laplacian, padding=1)
        return edges.square().sum() / kernels.square().sum()


def make_separable(channels: int, kernel: int) -> nn.Sequential:
    """Across channels, across the map, across channels again; no bias and no nonlinearity between."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
    )


def channels_last(maps: Float[Tensor, "B F h w"]) -> Float[Tensor, "B F h w"]:
    """The same maps with a pixel's features side by side in memory.

    A CPU convolves them in half the time, and the gradient of a batch normalisation of maps in one order
    by maps in the other takes thirty times as long. `contiguous(memory_format=...)` is unknown to vmap.
    """
    return maps.movedim(1, -1).contiguous().movedim(-1, 1)


def make_own_core(core: OwnCore | dict[str, Any], inputs: int) -> Core:
    """The core as it is, or made for `inputs` channels, one of them the image.

    A dictionary has its `class` and `configuration`, as a checkpoint says them. Raises SettingsError where it
    lacks something or its map has another number of channels, CheckpointError where its class is unknown.
    """
    if isinstance(core, dict):
        made = imported_class("The model's core", core["class"])(**core["configuration"])
    else:
        made = core if isinstance(core, nn.Module) else core(inputs)
    _check_core(made, inputs - 1)
    return cast(Core, made)


def _check_core(made: nn.Module, constants: int) -> None:
    name, offered = type(made).__name__, ("channels", "geometry", "regulariser")
    if missing := [each for each in offered if not hasattr(made, each)]:
        raise SettingsError(f"{name} lacks {', '.join(missing)}; see neurokit.sensorium.core.Core.")
    with evaluating(made), torch.no_grad():
        found = made(torch.zeros(1, 1, *IMAGE), torch.zeros(1, constants) if constants else None)
    if found.dim() != 4 or found.shape[1] != made.channels:
        raise SettingsError(
            f"{name} gives {tuple(found.shape)} for one image; give images x channels ({made.channels}) x "
            "rows x columns."
        )
