"""The SENSORIUM 2022 baseline as its organisers build it from neuralpredictors, and ours with its weights.

Import it only after `peers.importable()` was true.
"""

import numpy as np
import torch
from jaxtyping import Float
from neuralpredictors.layers.cores import Stacked2dCore
from neuralpredictors.layers.encoders import FiringRateEncoder
from neuralpredictors.layers.readouts import FullGaussian2d, MultiReadoutSharedParametersBase
from neuralpredictors.measures.modules import PoissonLoss
from torch import Tensor, nn

from neurokit.models.official import official_names
from neurokit.models.sensorium import SensoriumModel, build
from neurokit.models.sensorium_settings import CNN, ModelSettings, MouseShape

KEY = "mouse"


class Readouts(MultiReadoutSharedParametersBase):
    _base_readout = FullGaussian2d


def core(settings: ModelSettings) -> Stacked2dCore:
    """Their core with the numbers of our settings."""
    return Stacked2dCore(
        input_channels=1,
        hidden_channels=settings.channels,
        input_kern=settings.input_kernel,
        hidden_kern=settings.hidden_kernel,
        layers=settings.layers,
        gamma_input=settings.gamma_input,
        input_regularizer="LaplaceL2norm",
        laplace_padding=None,
        use_avg_reg=False,
        momentum=settings.momentum,
        pad_input=False,
        bias=False,
        stack=-1,
        depth_separable=True,
    )


def readouts(
    settings: ModelSettings, coordinates: Float[np.ndarray, "N 2"], size: tuple[int, int]
) -> Readouts:
    """Their readout of one mouse from a map of this height and width."""
    return Readouts(
        in_shape_dict={KEY: (settings.channels, *size)},
        n_neurons_dict={KEY: len(coordinates)},
        loader=None,
        bias=True,
        init_sigma=settings.init_sigma,
        init_mu_range=settings.init_mu_range,
        gamma_readout=settings.gamma_readout,
        gauss_type=settings.gauss,
        grid_mean_predictor={
            "hidden_layers": settings.position_layers,
            "hidden_features": settings.position_hidden,
            "final_tanh": True,
        },
        grid_mean_predictor_type="cortex",
        source_grids={KEY: coordinates},
    )


def pair(
    neurons: int, settings: ModelSettings = CNN, seed: int = 0
) -> tuple[FiringRateEncoder, SensoriumModel]:
    """Their model and ours with the same weights, for images of 36 x 64, in training mode."""
    coordinates = np.random.default_rng(seed).uniform(-400, 400, (neurons, 2))
    torch.manual_seed(seed)
    height, width = (36 - settings.input_kernel + 1, 64 - settings.input_kernel + 1)
    peer = FiringRateEncoder(core=core(settings), readout=readouts(settings, coordinates, (height, width)))
    nn.init.normal_(peer.readout[KEY]._features, std=settings.channels**-0.5)  # channels that differ
    ours = build({KEY: MouseShape(neurons)}, settings, seed=seed, coordinates={KEY: coordinates})
    theirs, own = peer.state_dict(), ours.state_dict()
    names = official_names(ours)
    ours.load_state_dict({name: theirs[names[name]].reshape(own[name].shape) for name in own})
    return peer.train(), ours.train()


def loss(
    peer: FiringRateEncoder, images: Float[Tensor, "B H W"], responses: Float[Tensor, "B N"], scale: float
) -> Float[Tensor, ""]:
    """Their loss of one batch: sqrt(T / B) times the summed Poisson loss, and all penalties."""
    predicted = peer(images[:, None], data_key=KEY)
    return scale * PoissonLoss(avg=False)(predicted, responses) + peer.regularizer(KEY)


def gradients(model: nn.Module, names: dict[str, str]) -> dict[str, Tensor]:
    """The gradient of each weight of `names` (theirs by ours, or ours by ours), flat."""
    found = dict(model.named_parameters())
    return {ours: found[name].grad.flatten() for ours, name in names.items() if name in found}
