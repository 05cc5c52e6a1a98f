"""The SENSORIUM 2022 baseline CNN as neuralpredictors has it, and ours with the same weights.

Import it only where `peers.importable()` was true.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from neuralpredictors.layers.cores import Stacked2dCore
from neuralpredictors.layers.encoders import FiringRateEncoder
from neuralpredictors.layers.readouts import FullGaussian2d, MultiReadoutSharedParametersBase
from neuralpredictors.measures.modules import PoissonLoss
from torch import Tensor, nn

from neurokit.sensorium.config import ModelSettings, MouseShape
from neurokit.sensorium.features import MouseBatch
from neurokit.sensorium.model import SensoriumModel, make_model
from neurokit.sensorium.official import official_names

KEY = "mouse"
IMAGE = (36, 64)  # pixels
TRIALS = 5994  # of all tiers, which weigh the loss


class Readouts(MultiReadoutSharedParametersBase):
    _base_readout = FullGaussian2d


def pair(
    neurons: int, settings: ModelSettings, seed: int = 0, dtype: torch.dtype = torch.float32
) -> tuple[FiringRateEncoder, SensoriumModel]:
    """Their model of one mouse and ours, with the same weights, in training mode.

    As after training, channels differ and positions lie apart; untrained ones do neither.
    """
    coordinates = np.random.default_rng(seed).uniform(-400, 400, (neurons, 2))
    torch.manual_seed(seed)
    peer = FiringRateEncoder(core=_core(settings), readout=_readouts(settings, coordinates))
    nn.init.normal_(peer.readout[KEY].shared_features, std=settings.channels**-0.5)
    with torch.no_grad():
        for layer in (0, -2):
            peer.readout[KEY].mu_transform[layer].weight *= 3
    ours = make_model({KEY: MouseShape(neurons=neurons)}, settings, seed=seed, coordinates={KEY: coordinates})
    theirs, own = peer.state_dict(), ours.state_dict()
    names = official_names(ours)
    ours.load_state_dict({name: theirs[names[name]].reshape(own[name].shape) for name in own})
    return peer.train().to(dtype), ours.train().to(dtype)


def batch(images: int, neurons: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> MouseBatch:
    """Noise for images, and responses with the distribution of a standardised scan's, about."""
    generator = torch.Generator().manual_seed(seed)
    shown = torch.randn(images, *IMAGE, generator=generator).to(dtype)
    responses = torch.empty(images, neurons).exponential_(1.0, generator=generator).to(dtype)
    return MouseBatch(KEY, {"images": shown}, responses, math.sqrt(TRIALS / images))


def loss(peer: FiringRateEncoder, given: MouseBatch) -> Float[Tensor, ""]:
    """Their loss: sqrt(T / B) times the summed Poisson loss, and all penalties."""
    predicted = peer(given.inputs["images"][:, None], data_key=KEY)
    return given.scale * PoissonLoss(avg=False)(predicted, given.responses) + peer.regularizer(KEY)


def gradients(model: nn.Module, names: dict[str, str]) -> dict[str, Tensor]:
    """The gradient of each weight by our name, flat; `names` are the model's own by ours."""
    found = dict(model.named_parameters())
    return {ours: found[own].grad.flatten().clone() for ours, own in names.items() if own in found}


def _core(settings: ModelSettings) -> Stacked2dCore:
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


def _readouts(settings: ModelSettings, coordinates: Float[np.ndarray, "N 2"]) -> Readouts:
    height, width = (size - settings.input_kernel + 1 for size in IMAGE)
    predictor = {
        "hidden_layers": settings.position_layers,
        "hidden_features": settings.position_hidden,
        "final_tanh": True,
    }
    return Readouts(
        in_shape_dict={KEY: (settings.channels, height, width)},
        n_neurons_dict={KEY: len(coordinates)},
        loader=None,
        bias=True,
        init_sigma=settings.init_sigma,
        init_mu_range=settings.init_mu_range,
        gamma_readout=settings.gamma_readout,
        gauss_type=settings.gauss,
        grid_mean_predictor=predictor,
        grid_mean_predictor_type="cortex",
        source_grids={KEY: coordinates},
    )
