"""From scans to batches: what a SENSORIUM model is given of each trial, and what it is to predict.

Raw images, behaviour and eye are scaled with the scan's published statistics alone. "std" is the scaling of
behaviour in the SENSORIUM 2022 baselines (Willeke et al., 2022); "range" is that of the competition's winning
entry. Responses are scaled when a scan is read (`neurokit.sensorium.standardised.response_scale`).

Nothing is copied per window or per epoch: a mouse's tensors lie on the device when they fit there, else
they stay in the mapped pack and reach it in large blocks. What a model reads beyond image, behaviour
and eye (history, state, rank) comes from past responses and is only made on request.

Letters: T trials of a scan in file order, B trials of a batch, C values of a trial, N neurons, H x W image
(144 x 256 in most files).
"""

import copy
import itertools
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from neurokit.config import Config
from neurokit.errors import DataError
from neurokit.sensorium.files import LEFT_OUT, TIERS
from neurokit.sensorium.grid import HEIGHT, WIDTH, to_grid
from neurokit.sensorium.past_responses import (
    LAGS,
    HistoryBank,
    StateSettings,
    StateTransform,
    fit_state,
    known_trials,
)
from neurokit.sensorium.recording import Scan, find_trials
from neurokit.training.omissions import Omission

BehaviourScale = Literal["std", "range"]
BLOCK_SIZE = 16  # batches that are read from the pack at once where it does not fit on the device


class InputSettings(Config):
    """What the model reads besides the image.

    History, state and rank carry past responses, so a score that uses them has to say so.
    """

    behaviour: BehaviourScale | None = None
    """How behaviour is scaled: 'std' as in the baselines, 'range' as in Model 4; None: it is not read."""
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


def scale_images(
    images: Num[np.ndarray, "B H W"], mean: Float[np.ndarray, "..."], std: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "B 36 64"]:
    """Grey values as the scan's own images were made: standardised in double precision, shrunk, float32."""
    small = [to_grid(((image[None] - mean) / std).reshape(image.shape)) for image in images]
    return np.reshape(small, (-1, HEIGHT, WIDTH)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Scaling:
    """From raw values to what a model reads: less `start`, over `spread`."""

    start: Float[np.ndarray, "C"]
    spread: Float[np.ndarray, "C"]

    def apply(self, values: Float[np.ndarray, "T C"]) -> Float[np.ndarray, "T C"]:
        """Scaled values, float32; 0 where the spread is not above 0, never NaN."""
        centred, spread = values - self.start, np.broadcast_to(self.spread, values.shape)
        return np.divide(centred, spread, out=np.zeros(values.shape), where=spread > 0).astype(np.float32)


def behaviour_scaling(known: Mapping[str, np.ndarray], kind: BehaviourScale) -> Scaling:
    """The scaling for a scan with these statistics of behaviour; `drop_sign` comes before it."""
    if kind == "std":
        return Scaling(np.zeros(3), known["std"])
    low, high = known["min"], known["max"]
    start = np.array([low[0], 0.0, 0.0])
    return Scaling(start, np.array([high[0] - low[0], known["std"][1], max(-low[2], high[2])]))


def drop_sign(behaviour: Float[np.ndarray, "T 3"], kind: BehaviourScale) -> Float[np.ndarray, "T 3"]:
    """Raw behaviour; for "range" without the sign of running."""
    if kind == "std":
        return behaviour
    size, change, running = behaviour.T
    return np.stack([size, change, np.abs(running)], axis=1)


def scale_behaviour(scan: Scan, kind: BehaviourScale) -> Float[np.ndarray, "T 3"]:
    """Pupil size, its change, and running speed, without unit, float32.

    "std": each divided by its standard deviation, not centred. "range": pupil size from 0 at its
    smallest to 1 at its largest, its change by its standard deviation, and running without its
    sign, by the fastest run in either direction. A component that never varies is 0, never NaN.
    """
    return behaviour_scaling(scan.statistics["behavior"], kind).apply(drop_sign(scan.behaviour, kind))


def scale_pupil_center(scan: Scan) -> Float[np.ndarray, "T 2"]:
    """Eye position, each direction z-scored, float32; 0 where the eye never moved or was not seen."""
    known = scan.statistics["pupil_center"]
    return Scaling(known["mean"], known["std"]).apply(scan.pupil_center)


def input_scales(scan: Scan, inputs: InputSettings) -> dict[str, np.ndarray]:
    """What the scan's raw inputs are scaled with, by name, for a checkpoint; only of inputs that are read."""
    known, eye = scan.statistics, scan.statistics["pupil_center"]
    found = {f"images_{word}": known["images"][word] for word in ("mean", "std")}
    if inputs.behaviour is not None:
        scaling = behaviour_scaling(known["behavior"], inputs.behaviour)
        found |= {"behaviour_start": scaling.start, "behaviour_spread": scaling.spread}
    if inputs.pupil_center:
        found |= {"pupil_center_start": eye["mean"], "pupil_center_spread": eye["std"]}
    if scan.image_size is not None:
        found |= {f"images_{word}": known["images"][word].reshape(-1) for word in ("min", "max")}
        found["images_size"] = np.array(scan.image_size)
    return {name: np.asarray(values, dtype=float) for name, values in found.items()}


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

    `tiers` replace the scan's own, as for a member of an ensemble; history and state follow the scan's
    own, so that they are the same for all members. A `state` that was fitted before is used as it
    is. `omissions` are trials that the tiers leave out, beside those of the scan. Raises DataError for a scan
    without what is to be read: behaviour, the order of its trials.
    """

    def __init__(
        self,
        scan: Scan,
        inputs: InputSettings = InputSettings(),  # noqa: B008  frozen
        *,
        tiers: np.ndarray | None = None,
        state: StateTransform | None = None,
        omissions: tuple[Omission, ...] = (),
    ) -> None:
        _check_inputs(scan, inputs, tiers)
        self.scan, self.inputs, self.omissions = scan, inputs, (*scan.omissions, *omissions)
        self.tiers = scan.tiers if tiers is None else tiers
        self.state = fit_scan_state(scan, inputs.state_settings) if state is None and inputs.state else state
        self.images, self.responses = _to_tensor(scan.images), _to_tensor(scan.responses)
        self._bank = _make_bank(scan) if inputs.history or inputs.state else None
        self._small = self._make_small_inputs()
        self.device, self.resident = torch.device("cpu"), True

    def to(self, device: torch.device | str) -> "MouseTrials":
        """Moves what fits to the device and returns itself.

        Images and responses move unless they take more than half of what is free on a GPU; the rest always
        does.
        """
        self.device = torch.device(device)
        size = sum(tensor.nbytes for tensor in (self.images, self.responses))
        self.resident = size <= _count_free_bytes(self.device)
        if self.resident:
            self.images, self.responses = (t.to(self.device) for t in (self.images, self.responses))
        self._small = {name: tensor.to(self.device) for name, tensor in self._small.items()}
        if self._bank is not None and self.resident:
            self._bank = self._bank.to(self.device)
        return self

    def with_tiers(self, tiers: np.ndarray) -> "MouseTrials":
        """The same trials dealt to other tiers, on the same memory."""
        _check_inputs(self.scan, self.inputs, tiers)
        other = copy.copy(self)
        other.tiers = tiers
        return other

    def trials(self, tier: str) -> Int[Tensor, "K"]:
        """File indices of a tier, ascending, none for a tier without trials; DataError for another word."""
        return torch.from_numpy(find_trials(self.tiers, tier))

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
        for block in trials.split(size if self.resident else size * BLOCK_SIZE):
            parts = (rows.split(size) for rows in (block, *self._read_rows(block)))
            yield from itertools.starmap(self._make_batch, zip(*parts, strict=True))

    def _read_rows(self, trials: Int[Tensor, "K"]) -> tuple[Tensor, Tensor]:
        """Images and responses of these trials, on the device; from the pack in the file's order."""
        if self.resident:  # index_select copies rows, brackets pick numbers
            return self.images.index_select(0, trials), self.responses.index_select(0, trials)
        order = trials.argsort()
        back = order.argsort()
        images, responses = (
            tensor[trials[order]].to(self.device)[back] for tensor in (self.images, self.responses)
        )
        return images, responses

    def _make_batch(self, trials: Tensor, images: Tensor, responses: Tensor) -> MouseBatch:
        inputs = {"images": images} | {name: values[trials] for name, values in self._small.items()}
        if self.inputs.history and self._bank is not None:
            inputs["history"] = self._bank(trials).to(self.device)
        return MouseBatch(self.scan.key, inputs, responses, sqrt(len(self.tiers) / len(trials)))

    def _make_small_inputs(self) -> dict[str, Tensor]:
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


def leave_out_shared(scan: Scan, tiers: np.ndarray) -> tuple[np.ndarray, tuple[Omission, ...]]:
    """Tiers in which no image of training is shown in validation or test, nor one of validation in test.

    Images are compared by their content, not by their ids. Trials that show such an image are left out of
    the earlier tier. Raises DataError where that leaves none.
    """
    held, found = tiers.copy(), []
    for tier, later in (("validation", ("test", "final_test")), ("train", TIERS[1:])):
        of_tier = tiers == tier
        shared = of_tier & np.isin(scan.image_digests, scan.image_digests[np.isin(tiers, later)])
        if not shared.any():
            continue
        if not (of_tier & ~shared).any():
            raise DataError(
                f"Every image of the {of_tier.sum()} {tier} trials of scan {scan.key} is shown in "
                f"{' or '.join(later)} trials, too; split by images, not by trials."
            )
        names = tuple(map(str, scan.trial_ids[shared].tolist()))
        found.append(Omission("shown_in_two_parts", "trials", names, int(of_tier.sum()), scan.key, tier))
        held[shared] = LEFT_OUT
    return held, tuple(found)


def fit_scan_state(scan: Scan, settings: StateSettings) -> StateTransform:
    """The behavioural state of one scan, by its own tiers; minutes for a scan of 8,000 neurons."""
    return fit_state(scan.responses, scan.rank, known_trials(scan.tiers), settings)


def _to_tensor(array: np.ndarray) -> Tensor:
    """A tensor on the same memory, which is mapped read-only; nothing here writes to it.

    Other numbers than float32, as in a scan that was made by hand, are copied.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.asarray(array, dtype=np.float32))


def _count_free_bytes(device: torch.device) -> float:
    """Bytes that images and responses of one mouse may take."""
    return torch.cuda.mem_get_info(device)[0] / 2 if device.type == "cuda" else float("inf")


def _make_bank(scan: Scan) -> HistoryBank:
    known = torch.from_numpy(known_trials(scan.tiers))
    return HistoryBank(_to_tensor(scan.responses), torch.from_numpy(scan.rank), known, LAGS)


def _check_inputs(scan: Scan, inputs: InputSettings, tiers: np.ndarray | None) -> None:
    if (inputs.behaviour or inputs.pupil_center) and not scan.has_behaviour:
        raise DataError(
            f"Scan {scan.key} has no behaviour (all zero); leave it out, or use a model without behaviour "
            "and shifter, such as cnn."
        )
    if inputs.uses_past_responses and not scan.ordered:
        raise DataError(
            f"Scan {scan.key} does not tell the order of its trials; use a model without history, state and "
            "gain."
        )
    unknown = [] if tiers is None else np.setdiff1d(tiers, [*TIERS, LEFT_OUT]).tolist()
    if unknown:
        raise DataError(f"tiers hold {str(unknown[0])!r} for scan {scan.key}; use {', '.join(TIERS)}.")
    if tiers is not None and len(tiers) != len(scan.tiers):
        raise DataError(f"{len(tiers)} tiers for {len(scan.tiers)} trials of scan {scan.key}; give one each.")
