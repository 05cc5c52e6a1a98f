"""From scans to batches: what a SENSORIUM model is given of each trial, and what it is to predict.

Behaviour and eye are a scan's raw values on a common scale: `neurokit.sensorium.scaling`.

Nothing is copied per window or per epoch: a mouse's tensors lie on the device when they fit there, else
they stay in the mapped pack and reach it in large blocks. What a model reads beyond image, behaviour
and eye (history, state, rank) comes from past responses and is only made where it is asked for. `ManyMice`
trains on several mice at once: one batch of each in every step.

Letters: T trials of a scan in file order, B trials of a batch, N neurons.
"""

import copy
import itertools
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurokit.config import Config
from neurokit.errors import DataError
from neurokit.sensorium.files import TIERS
from neurokit.sensorium.history import LAGS, HistoryBank, known_trials
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.scaling import BehaviourScale, scale_behaviour, scale_pupil_center
from neurokit.sensorium.state import StateSettings, StateTransform, fit_state
from neurokit.training.checkpoint import fingerprint

BLOCKS = 16  # batches that are read from the pack at once where it does not fit on the device


class InputSettings(Config):
    """What the model reads beside the image.

    History, state and rank stand for past responses, so a score that rests on them has to say so.
    """

    behaviour: BehaviourScale | None = None
    """How it is scaled: 'std' as in the baselines, 'range' as in Model 4; None: it is not read."""
    pupil_center: bool = False
    """Whether the pupil's centre is read."""
    history: bool = False
    """Whether each neuron's own last responses are read."""
    state: bool = False
    """Whether the behavioural state is read, which is fitted to responses."""
    rank: bool = False
    """Whether the place of a trial in the session is read, at which the gain of other trials is known."""
    state_settings: StateSettings = StateSettings()
    """How the state is fitted."""

    @property
    def uses_past_responses(self) -> bool:
        """Whether a prediction of one trial needs the responses of others."""
        return self.history or self.state or self.rank


@dataclass(frozen=True)
class MouseBatch:
    """Some trials of one mouse: `inputs` are the arguments of `MouseModel.forward` by name.

    `scale` is sqrt(T / B), with which the competition's baselines weigh the loss of a batch.
    """

    key: str
    inputs: dict[str, Tensor]
    responses: Float[Tensor, "B N"]
    scale: float


class MouseTrials:
    """One mouse's trials, ready for a model.

    `tiers` replace the scan's own (a member's of an ensemble); history and state go by the scan's
    own, so that they are the same for all members. A `state` that was fitted before is used as it
    is. Raises DataError for a scan without what is to be read: behaviour, the order of its trials.
    """

    def __init__(
        self,
        scan: Scan,
        inputs: InputSettings = InputSettings(),  # noqa: B008  frozen
        *,
        tiers: np.ndarray | None = None,
        state: StateTransform | None = None,
    ) -> None:
        _check(scan, inputs, tiers)
        self.scan, self.inputs = scan, inputs
        self.tiers = scan.tiers if tiers is None else tiers
        self.state = fit_scan_state(scan, inputs.state_settings) if state is None and inputs.state else state
        self.images, self.responses = _mapped(scan.images), _mapped(scan.responses)
        self._bank = _history(scan) if inputs.history or inputs.state else None
        self._small = self._small_inputs()
        self.device, self.resident = torch.device("cpu"), True

    def to(self, device: torch.device | str, *, most_bytes: int | float | None = None) -> "MouseTrials":
        """Moves what fits to the device and returns itself.

        Images and responses move where they take `most_bytes` or less (default: half of what is free
        on a GPU); the rest always does.
        """
        self.device = torch.device(device)
        size = sum(tensor.nbytes for tensor in (self.images, self.responses))
        self.resident = size <= (_free_bytes(self.device) if most_bytes is None else most_bytes)
        if self.resident:
            self.images, self.responses = (t.to(self.device) for t in (self.images, self.responses))
        self._small = {name: tensor.to(self.device) for name, tensor in self._small.items()}
        if self._bank is not None and self.resident:
            self._bank = self._bank.to(self.device)
        return self

    def with_tiers(self, tiers: np.ndarray) -> "MouseTrials":
        """The same trials dealt to other tiers, on the same memory."""
        _check(self.scan, self.inputs, tiers)
        other = copy.copy(self)
        other.tiers = tiers
        return other

    def trials(self, tier: str) -> Int[Tensor, "K"]:
        """File indices of a tier, ascending, none for a tier without trials; DataError for another word."""
        if tier not in TIERS:
            raise DataError(f"{tier!r} is no tier: choose one of {', '.join(TIERS)}.")
        return torch.from_numpy(np.flatnonzero(self.tiers == tier))

    def batches(
        self, trials: Int[Tensor, "K"], size: int, generator: torch.Generator | None = None
    ) -> Iterator[MouseBatch]:
        """Batches of `size` trials (the last may be smaller), shuffled where a generator is given.

        No trials give no batch.
        """
        if generator is not None:
            trials = trials[torch.randperm(len(trials), generator=generator)]
        if not len(trials):
            return  # torch would split nothing into one batch of nothing
        trials = trials.to(self.device) if self.resident else trials  # once, not with every batch
        for block in trials.split(size if self.resident else size * BLOCKS):
            parts = (rows.split(size) for rows in (block, *self._rows(block)))
            yield from itertools.starmap(self._batch, zip(*parts, strict=True))

    def _rows(self, trials: Int[Tensor, "K"]) -> tuple[Tensor, Tensor]:
        """Images and responses of these trials, on the device; from the pack in the file's order."""
        if self.resident:  # index_select copies rows, brackets pick numbers
            return self.images.index_select(0, trials), self.responses.index_select(0, trials)
        order = trials.argsort()
        back = order.argsort()
        images, responses = (
            tensor[trials[order]].to(self.device)[back] for tensor in (self.images, self.responses)
        )
        return images, responses

    def _batch(self, trials: Tensor, images: Tensor, responses: Tensor) -> MouseBatch:
        inputs = {"images": images} | {name: values[trials] for name, values in self._small.items()}
        if self.inputs.history and self._bank is not None:
            inputs["history"] = self._bank(trials).to(self.device)
        return MouseBatch(self.scan.key, inputs, responses, sqrt(len(self.tiers) / len(trials)))

    def _small_inputs(self) -> dict[str, Tensor]:
        found: dict[str, np.ndarray] = {}
        if self.inputs.behaviour is not None:
            found["behaviour"] = scale_behaviour(self.scan, self.inputs.behaviour)
        if self.inputs.pupil_center:
            found["pupil_center"] = scale_pupil_center(self.scan)
        if self.inputs.state and self._bank is not None and self.state is not None:
            last = self._bank.last_known(torch.arange(len(self.tiers)))
            found["state"] = self.state.states(last.numpy()).astype(np.float32)
        if self.inputs.rank:
            found["rank"] = self.scan.rank
        return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in found.items()}


def fit_scan_state(scan: Scan, settings: StateSettings) -> StateTransform:
    """The behavioural state of one scan, by its own tiers; minutes for a scan of 8,000 neurons."""
    return fit_state(scan.responses, scan.rank, known_trials(scan.tiers), settings)


def _mapped(array: np.ndarray) -> Tensor:
    """A tensor on the same memory, which is mapped read-only; nothing here writes to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


def _free_bytes(device: torch.device) -> float:
    """Bytes that images and responses of one mouse may take."""
    return torch.cuda.mem_get_info(device)[0] / 2 if device.type == "cuda" else float("inf")


def _history(scan: Scan) -> HistoryBank:
    known = torch.from_numpy(known_trials(scan.tiers))
    return HistoryBank(_mapped(scan.responses), torch.from_numpy(scan.rank), known, LAGS)


def _check(scan: Scan, inputs: InputSettings, tiers: np.ndarray | None) -> None:
    if (inputs.behaviour or inputs.pupil_center) and not scan.has_behaviour:
        raise DataError(
            f"Scan {scan.key} has no behaviour (all zero); leave it out, or use a model without behaviour "
            "and shifter."
        )
    if inputs.uses_past_responses and not scan.ordered:
        raise DataError(
            f"Scan {scan.key} does not tell the order of its trials; use a model without history, state and "
            "gain."
        )
    unknown = [] if tiers is None else np.setdiff1d(tiers, TIERS).tolist()
    if unknown:
        raise DataError(f"tiers hold {str(unknown[0])!r} for scan {scan.key}; use {', '.join(TIERS)}.")
    if tiers is not None and len(tiers) != len(scan.tiers):
        raise DataError(f"{len(tiers)} tiers for {len(scan.tiers)} trials of scan {scan.key}; give one each.")


class ManyMice:
    """The training trials of all mice: what `fit` trains on.

    An epoch has as many steps as the mouse with most trials has batches; a step is one batch of each
    mouse. Mice with fewer trials start anew, in a new order, within the epoch. `note` says what else a
    broken-off training must agree in to go on. Raises DataError for no mice, or one without trials of
    the tier.
    """

    def __init__(self, mice: Mapping[str, MouseTrials], tier: str = "train", note: str = "") -> None:
        _check_trials(mice, tier)
        self.mice, self.tier, self.note = dict(mice), tier, note
        self.device = next(iter(self.mice.values())).device

    def fingerprint(self) -> str:
        """Which scans, tiers, inputs and fitted states these are."""
        mice = self.mice.values()
        facts = [f"{mouse.scan.key} {mouse.scan.fingerprint} {mouse.inputs}" for mouse in mice]
        tiers = [np.asarray(mouse.tiers).astype("U10") for mouse in mice]
        states = [array for mouse in mice if mouse.state for array in mouse.state.arrays().values()]
        return fingerprint(np.array([self.tier, self.note, *facts]), *tiers, *states)

    def steps(self, size: int, generator: torch.Generator, epoch: int = 0) -> Iterator[list[MouseBatch]]:
        """One batch of each mouse, again and again until all trials of every mouse were seen."""
        streams = [self._endless(mouse, size, generator) for mouse in self.mice.values()]
        longest = max(len(mouse.trials(self.tier)) for mouse in self.mice.values())
        for _ in range(-(-longest // size)):
            yield [next(stream) for stream in streams]

    def _endless(self, mouse: MouseTrials, size: int, generator: torch.Generator) -> Iterator[MouseBatch]:
        while True:
            yield from mouse.batches(mouse.trials(self.tier), size, generator)


def _check_trials(mice: Mapping[str, MouseTrials], tier: str) -> None:
    without = [key for key, mouse in mice.items() if not len(mouse.trials(tier))]
    if without or not mice:
        finding = f"Scan {', '.join(without)} has" if without else "Without a scan there are"
        raise DataError(f"{finding} no trials of tier {tier!r}; give scans that have some.")
