"""Pre-training on several mice, and transfer of what they share to a new one.

Wang et al., Nature 640, 470-477 (2025): the core is trained on many mice, then frozen together with the
memory of modulation; for a new mouse, perspective, the entrance of modulation and the readout are trained
alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import torch
from torch import nn

from neurokit.digital_twin.cohort import ClippedDescent, CohortNetwork, ValidationLoss, WindowLoss
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.network.base import TwinNetwork, check_network
from neurokit.digital_twin.network.network import FoundationNetwork, build_network
from neurokit.digital_twin.recording import TrialFolder
from neurokit.digital_twin.windows import Cohort, MouseWindows
from neurokit.errors import DataError, SettingsError
from neurokit.training.checkpoint import fingerprint
from neurokit.training.device import choose_device, first_tensor
from neurokit.training.fit import TrainingResult, fit
from neurokit.training.predict import evaluating

LEAST, MOST = 0.01, 100.0  # mean of a typical unit; that of a part of a recording differs from 1


def train_cohort(
    recordings: Mapping[str, TrialFolder],
    config: TwinConfig,
    networks: Mapping[str, TwinNetwork] | None = None,
    *,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    rank: int = 0,
    world: int | None = None,
    **options: Any,
) -> TrainingResult[CohortNetwork]:
    """Trains one network for each mouse with a shared core; `networks` may be given, as for a transfer.

    The model found is a `CohortNetwork`. `rank` and `world` are for several processes with a mouse each (see
    `neurokit.digital_twin.several`). A `checkpoint` of a broken-off run is gone on with; `options` go to
    `fit`, which says what is raised. Raises DataError for recordings that do not fit the config or the
    networks, SettingsError for a config with a `foundation` and no networks.
    """
    _check_core(config, networks)
    for mouse, recording in recordings.items():
        _check_read(mouse, recording)
        if networks is not None and mouse not in networks:
            raise DataError(f"There is no network for mouse {mouse}: give one for each recording.")
        _check(mouse, recording, config, (networks or {}).get(mouse))
        _check_responses(mouse, recording)
    target = choose_device(device)
    training, validation = (
        [
            MouseWindows(mouse, _part(mouse, folder, part), config, target)
            for mouse, folder in recordings.items()
        ]
        for part in (True, False)
    )
    if networks is None:
        networks = {
            mouse: build_network(folder.units, config.network, seed=config.seed)
            for mouse, folder in recordings.items()
        }
    return fit(
        CohortNetwork(networks),
        WindowLoss(config.burn_in),
        Cohort(training, config, rank=rank, world=world, frozen=_frozen(networks) if checkpoint else ""),
        ValidationLoss({mouse.mouse: mouse for mouse in validation}, config),
        config.fit_settings,
        optimise=ClippedDescent(config),
        checkpoint=checkpoint,
        **options,
    )


def transfer_core(
    foundation: FoundationNetwork, units: SupportsIndex, *, seed: SupportsIndex = 0
) -> FoundationNetwork:
    """An untrained network for `units` new neurons with the shared parts of `foundation`, frozen."""
    network = build_network(units, foundation.settings, seed=seed)
    for name, module in network.shared.items():
        module.load_state_dict(foundation.get_submodule(name).state_dict())
    network.freeze_shared()
    return network


def train_twin(
    recording: TrialFolder,
    config: TwinConfig,
    foundation: FoundationNetwork | None = None,
    **options: Any,
) -> TrainingResult[FoundationNetwork]:
    """A digital twin of one mouse: transferred from `foundation`, or trained from nothing without it.

    The model found is a FoundationNetwork; a `foundation` brings its sizes, whatever the config says. See
    `train_cohort` for the rest.
    """
    _check_core(config, foundation)
    _check_read("mouse", recording)
    if foundation is None:
        network = build_network(recording.units, config.network, seed=config.seed)
    else:
        network = transfer_core(foundation, recording.units, seed=config.seed)
    return train_network(network, recording, config, **options)


def train_network(
    network: nn.Module, recording: TrialFolder, config: TwinConfig, **options: Any
) -> TrainingResult:
    """Trains a network for one mouse in place; its sizes count, whatever the config says.

    It may be one of your own (`neurokit.digital_twin.network.base`). Raises SettingsError for a model that is
    no twin's network; see `train_cohort` for the rest.
    """
    network = check_network(network)
    if not isinstance(network, FoundationNetwork):
        _check_answers(network)
    config = config.replace(network=network.settings)
    fitted = train_cohort({"mouse": recording}, config, {"mouse": network}, **options)
    return TrainingResult(fitted.model.network("mouse"), fitted.history, fitted.best_epoch, fitted.best_loss)


def _check_answers(network: TwinNetwork) -> None:
    """Of two dark frames; a shape that only broadcasts would be trained on without a word."""
    like = first_tensor(network)
    video = torch.zeros(2, 1, *network.settings.monitor, dtype=torch.uint8, device=like.device)
    still = torch.zeros(2, 1, 2, device=like.device)
    with evaluating(network), torch.no_grad():
        answers = network(video, still, still)
    found = tuple(answers.shape) if isinstance(answers, torch.Tensor) else type(answers).__name__
    if found != (2, 1, network.units):
        raise SettingsError(
            f"The drive of {type(network).__name__} is {found} for 2 frames of 1 clip; return frames x clips "
            f"x units, {(2, 1, network.units)}."
        )


def _frozen(networks: Mapping[str, TwinNetwork]) -> str:
    """The fingerprint of what is not trained: weights that are frozen."""
    every = [p for network in networks.values() for p in network.parameters() if not p.requires_grad]
    return fingerprint(*(parameter.detach().cpu().numpy() for parameter in every))


def _part(mouse: str, recording: TrialFolder, training: bool) -> tuple:
    if not (trials := recording.part(training)):
        word = "training" if training else "validation"
        raise DataError(
            f"{recording.path} of {mouse} has no {word} trial: mark some as {training} in its folder "
            "'training'."
        )
    return trials


def _check_core(config: TwinConfig, given: object) -> None:
    """An experiment opens the config's foundation; here its network is given."""
    if given is None and config.foundation is not None:
        raise SettingsError(
            f"foundation is {config.foundation}; give the network that `load_foundation` of "
            "neurokit.digital_twin opens, or set it to None."
        )


def _check_read(mouse: str, recording: object) -> None:
    if not isinstance(recording, TrialFolder):
        raise DataError(
            f"The recording of {mouse} is {recording!r}; give what `load_trials` of "
            "neurokit.digital_twin.recording reads from its folder."
        )


def _check_responses(mouse: str, recording: TrialFolder) -> None:
    """Rare cells may be silent in the first minutes of a recording, but not all of its cells."""
    trials = _part(mouse, recording, True)
    frames = sum(len(trial.units) for trial in trials)
    means = sum(trial.units.sum(axis=0, dtype=np.float64) for trial in trials) / frames
    if not means.any():
        raise DataError(
            f"All units of {recording.path} are 0 throughout training: look at how it was written."
        )
    if not LEAST <= (typical := float(np.median(means[means != 0]))) <= MOST:
        raise DataError(
            f"Units of {recording.path} have a mean of {typical:.3g} in training, and it should be near 1: "
            "divide each by its mean over the training trials."
        )


def _check(mouse: str, recording: TrialFolder, config: TwinConfig, network: TwinNetwork | None) -> None:
    settings = network.settings if network else config.network
    if recording.frame != settings.monitor:
        raise DataError(
            f"{recording.path} of {mouse} has frames of {recording.frame} pixels, and the network reads "
            f"{settings.monitor}: resize the videos, or build a network of that size."
        )
    if network and network.units != recording.units:
        raise DataError(
            f"{recording.path} has {recording.units} units, and the network of {mouse} {network.units}: give "
            "the network of this recording."
        )
    if settings != config.network:
        raise DataError(
            f"The network of {mouse} has other sizes than the config says: give a config with "
            "network=network.settings."
        )
