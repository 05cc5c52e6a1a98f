"""Training of several mice with one core, and transfer of what they share to a new mouse.

Wang et al., Nature 640, 470-477 (2025): the core is trained on many mice, then frozen together with the
memory of modulation; for a new mouse, only perspective, the entrance of modulation and the readout are
trained.

Letters: T frames of a clip (30 Hz), B clips, U units.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, SupportsIndex, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from neurokit.digital_twin.clips import ClipBatch, Cohort, MouseClips, draw_once
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.network.base import TwinNetwork, UpdateRule, check_network
from neurokit.digital_twin.network.network import FoundationNetwork, build_network
from neurokit.digital_twin.optimisation import (
    CosineCycles,
    SgdClip,
    average_gradients,
    mean_over_processes,
)
from neurokit.digital_twin.recording import TrialFolder
from neurokit.digital_twin.starting import start_positions, start_readouts
from neurokit.errors import DataError, FitError, SettingsError
from neurokit.training.checkpoint import fingerprint
from neurokit.training.device import choose_device, first_tensor
from neurokit.training.fit import TrainingResult, fit
from neurokit.training.predict import evaluating
from neurokit.training.settings import FitSettings

LEAST, MOST = 0.01, 100.0  # mean of a typical unit; that of a part of a recording differs from 1


class CohortNetwork(nn.Module):
    """Networks that share core and modulation memory: all others take those of the first.

    `mice` holds the network of each mouse by name. Raises DataError for no network, for several that share
    nothing, and for a name with a dot in it.
    """

    def __init__(self, networks: Mapping[str, TwinNetwork]) -> None:
        super().__init__()
        if not networks:
            raise DataError("A cohort needs the network of at least one mouse.")
        first, *others = networks.values()
        for network in others:
            network.share(first)
        try:
            self.mice = nn.ModuleDict(networks)
        except KeyError as error:
            raise DataError(
                f"A mouse cannot have that name ({error.args[0]}): use letters, digits and hyphens."
            ) from error

    def network(self, mouse: str) -> TwinNetwork:
        """The network of one mouse."""
        return cast(TwinNetwork, self.mice[mouse])  # of what a ModuleDict holds, torch says Module

    def shared_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of what all mice have in common."""
        for module in self.network(next(iter(self.mice))).shared.values():
            yield from module.parameters()

    def trained_parameters(self) -> list[tuple[nn.Parameter, UpdateRule]]:
        """Each parameter that is not frozen, once, with its update rule."""
        found: dict[nn.Parameter, UpdateRule] = {}
        for network in map(self.network, self.mice):
            rules = network.update_rules()
            found |= {p: rules[name] for name, p in network.named_parameters() if p.requires_grad}
        return list(found.items())


class ClipLoss:
    """The mean loss over frames, clips and units, as the sum and number that `fit` takes.

    The first `burn_in` frames of a clip are not scored.
    """

    def __init__(self, burn_in: int) -> None:
        self.burn_in = burn_in

    def __call__(self, model: CohortNetwork, clips: ClipBatch) -> tuple[Tensor, Tensor]:
        """In training mode the noise is drawn from the clips' generator.

        On a CPU, where a gradient from NaN can crash torch, raises FitError where the loss is not finite. On
        a GPU the check would have to wait for the result; there `fit` makes it at the epoch's end.
        """
        network = model.network(clips.mouse)
        state = network.begin(clips.video.shape[1], stream=clips.stream, generator=clips.generator)
        drive = network(clips.video, clips.pupil, clips.behaviour, state)
        loss = network.unit.loss(drive[self.burn_in :], clips.responses[self.burn_in :])
        total = loss.sum()
        if total.device.type == "cpu" and not total.isfinite():
            raise FitError(
                f"The loss on clips of {clips.mouse} became {total.item()}: lower learning_rate, or look "
                "for non-finite inputs; the best weights so far are restored."
            )
        return total, total.new_full((), loss.numel())


class ValidationLoss:
    """The loss on clips that are drawn once, all streams together: an objective for `fit`.

    It is the mean over mice, of all processes where several train together.
    """

    def __init__(self, mice: Mapping[str, MouseClips], config: TwinConfig) -> None:
        self.clips = draw_once(mice, config, config.seed)
        self.loss = ClipLoss(config.burn_in)
        self.facts = "".join(mouse.fingerprint() for mouse in mice.values())

    def fingerprint(self) -> str:
        """Which clips of which mice."""
        return self.facts

    def __call__(self, model: CohortNetwork) -> float:
        """Mean over mice; each has equally many clips."""
        with evaluating(model), torch.no_grad():
            parts = [torch.stack(self.loss(model, clips)) for clips in self.clips]
        means = torch.stack([total / number for total, number in parts])
        return float(mean_over_processes(means.mean()))


class ClippedDescent:
    """Optimiser and schedule of a config, for `fit`: what mice share gets the mean of their gradients.

    With torch.distributed running, that is the mean over all processes, which must hold one mouse each.
    """

    def __init__(self, config: TwinConfig) -> None:
        self.config = config

    def __call__(self, model: CohortNetwork, settings: FitSettings) -> tuple[SgdClip, LRScheduler]:
        """Both, made for the parameters that are not frozen."""
        cycles = self.config.cycles
        optimizer = SgdClip(model.trained_parameters(), lr=cycles.learning_rate, **self.config.sgd.to_dict())
        shared = [p for p in model.shared_parameters() if p.requires_grad]
        optimizer.register_step_pre_hook(lambda *_: average_gradients(shared, len(model.mice)))
        return optimizer, CosineCycles(optimizer, cycles)


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

    The result's model is a `CohortNetwork`. `rank` and `world` are for several processes with a mouse each
    (see `neurokit.digital_twin.several`). An interrupted run with the same `checkpoint` is resumed; `options`
    go to `fit`, which may raise, too. Raises DataError for recordings that do not fit the config or the
    networks, SettingsError for a config with a `foundation` and no networks.
    """
    _check_core(config, networks)
    for mouse, recording in recordings.items():
        _check_read(mouse, recording)
        if networks is not None and mouse not in networks:
            raise DataError(f"There is no network for mouse {mouse}: give one for each recording.")
        _check_sizes(mouse, recording, config, (networks or {}).get(mouse))
        _check_responses(recording)
    target = choose_device(device)
    training, validation = (
        [MouseClips(mouse, _part(folder, part), config, target) for mouse, folder in recordings.items()]
        for part in (True, False)
    )
    if networks is None:
        networks = {
            mouse: build_network(folder.units, config.network, seed=config.seed)
            for mouse, folder in recordings.items()
        }
    if config.start == "map":
        for mouse, network in networks.items():
            _start(network.to(target), recordings[mouse])
    return fit(
        CohortNetwork(networks),
        ClipLoss(config.burn_in),
        Cohort(
            training,
            config,
            rank=rank,
            world=world,
            frozen=_fingerprint_frozen(networks) if checkpoint else "",
        ),
        ValidationLoss({mouse.mouse: mouse for mouse in validation}, config),
        config.fit_settings,
        optimise=ClippedDescent(config),
        checkpoint=checkpoint,
        **options,
    )


def _start(network: TwinNetwork, recording: TrialFolder) -> None:
    """Places readouts that no training has moved, and reads a frozen core with those that weigh nothing.

    On a frozen core the places and the monitor's pose then stay: only where both together look is seen, and
    a few hundred steps would move them away from the fields.
    """
    if not isinstance(network, FoundationNetwork):
        return
    position = network.readout.position.mu
    if not position.any():
        start_positions(network, recording.part(True))
        if network.frozen and position.any():
            position.requires_grad_(False)
            network.perspective.monitor.requires_grad_(False)
    if network.frozen and not any(weights.any() for weights in network.readout.feature.weights):
        start_readouts(network, recording.part(True))


def transfer_core(
    foundation: FoundationNetwork, units: SupportsIndex, *, seed: SupportsIndex = 0, monitor: bool = False
) -> FoundationNetwork:
    """An untrained network for `units` new neurons with the shared parts of `foundation`, frozen.

    With `monitor` its monitor stands where that of `foundation` does; else right before the eye.
    """
    network = build_network(units, foundation.settings, seed=seed)
    if monitor:
        network.perspective.monitor.load_state_dict(foundation.perspective.monitor.state_dict())
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
    """A digital twin of one mouse: transferred from `foundation`, or trained from scratch without it.

    The result's model is a FoundationNetwork; the sizes of a `foundation` count, whatever the config says.
    See `train_cohort` for the rest.
    """
    _check_core(config, foundation)
    _check_read("mouse", recording)
    if foundation is None:
        network = build_network(recording.units, config.network, seed=config.seed)
    else:
        network = transfer_core(foundation, recording.units, seed=config.seed, monitor=config.start == "map")
    return train_network(network, recording, config, **options)


def train_network(
    network: nn.Module, recording: TrialFolder, config: TwinConfig, **options: Any
) -> TrainingResult:
    """Trains a network for one mouse in place; its sizes count, whatever the config says.

    It may be one of your own (`neurokit.digital_twin.network.base`). Raises SettingsError for a model that is
    not a `TwinNetwork`; see `train_cohort` for the rest.
    """
    network = check_network(network)
    if not isinstance(network, FoundationNetwork):
        _check_answers(network)
    config = config.replace(network=network.settings)
    fitted = train_cohort({"mouse": recording}, config, {"mouse": network}, **options)
    return TrainingResult(fitted.model.network("mouse"), fitted.history, fitted.best_epoch, fitted.best_loss)


def _check_answers(network: TwinNetwork) -> None:
    """Checks the answers to two dark frames: a shape that only broadcasts would train without an error."""
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


def _fingerprint_frozen(networks: Mapping[str, TwinNetwork]) -> str:
    """The fingerprint of the weights that are not trained."""
    every = [p for network in networks.values() for p in network.parameters() if not p.requires_grad]
    return fingerprint(*(parameter.detach().cpu().numpy() for parameter in every))


def _part(recording: TrialFolder, training: bool) -> tuple:
    if not (trials := recording.part(training)):
        purpose = "to fit" if training else "to validate with"
        raise DataError(
            f"{recording.path} has no trial {purpose}: write {training} into some files of "
            f"{recording.path / 'training'}."
        )
    return trials


def _check_core(config: TwinConfig, given: object) -> None:
    """An experiment opens the config's foundation; these functions take its network."""
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


def _check_responses(recording: TrialFolder) -> None:
    """Some cells may be silent in the first minutes of a recording, but not all of them."""
    trials = _part(recording, True)
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


def _check_sizes(mouse: str, recording: TrialFolder, config: TwinConfig, network: TwinNetwork | None) -> None:
    settings = network.settings if network else config.network
    if recording.frame != settings.monitor:
        raise DataError(
            f"{recording.path} has frames of {recording.frame} pixels, and the network reads "
            f"{settings.monitor}: convert the recording at that size (--monitor, or size=), or build a "
            "network of the other."
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
