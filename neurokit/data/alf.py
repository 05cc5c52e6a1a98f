"""Steinmetz 2019 in the original release: one folder of ALF files a session, continuous in time.

`read_alf` cuts such a folder into trials as Neuromatch did: t0 is 0.5 s before the visual stimulus;
a spike falls into bin floor((t - t0) / 10 ms); cameras are read at bin centres (time to frame index by
linear interpolation between the clock's (frame, seconds) rows, then the frame below); the wheel is the
difference of positions at the bin edges; neurons are clusters annotated 2 or higher that spiked.
Folder layout: Steinmetz et al., Nature 576, 266-273 (2019), figshare 9598406.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from neurokit.data.trial_recording import TrialRecording, read_from, trial_table
from neurokit.errors import DataError

BIN_SIZE, BEFORE, BINS = 0.01, 0.5, 250
GOOD_ANNOTATION = 2  # 0 noise, 1 multi-unit, 2 good, 3 unsorted

NEEDED_FOR_TRIALS = ("trials.visualStim_times",)
NEEDED_FOR_SPIKES = (
    "spikes.times",
    "spikes.clusters",
    "clusters._phy_annotation",
    "clusters.peakChannel",
    "channels.brainLocation.tsv",
)
CHANNELS = {  # channel: (values, clock)
    "pupil_area": ("eye.area", "eye.timestamps"),
    "pupil_x": ("eye.xyPos", "eye.timestamps"),
    "pupil_y": ("eye.xyPos", "eye.timestamps"),
    "blink": ("eye.blink", "eye.timestamps"),
    "face_motion": ("face.motionEnergy", "face.timestamps"),
}


@dataclass(frozen=True)
class AlfTrials:
    """What could be read of a folder, on the trial clock, and what is missing for the rest.

    `spikes` (N x K x 250 counts), and `brain_area` (N) are None where the folder has no spikes.
    """

    name: str
    time: Float[np.ndarray, "T"]
    behaviour: dict[str, Float[np.ndarray, "K T"]]
    trials: pd.DataFrame
    spikes: np.ndarray | None
    brain_area: np.ndarray | None
    missing: tuple[str, ...]

    def recording(self) -> TrialRecording:
        """The whole recording; raises DataError with the missing files where there are no spikes."""
        if self.spikes is None or self.brain_area is None:
            raise DataError(
                f"{self.name}: no spikes, these files are missing: {', '.join(self.missing)}; "
                "put the original files there, or use behaviour and trials alone."
            )
        return TrialRecording(
            self.name, self.time, self.spikes, 0, self.brain_area, self.behaviour, self.trials
        )


class _Folder:
    """Loads arrays by ALF name and remembers which were not there."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise DataError(f"{path} is no folder; expected an ALF session such as Cori_2016-12-17.")
        self.path, self.missing = path, []

    def has(self, *names: str) -> bool:
        absent = [self._file(name).name for name in names if not self._file(name).is_file()]
        self.missing += [name for name in absent if name not in self.missing]
        return not absent

    def load(self, name: str) -> np.ndarray:
        file = self._file(name)
        try:
            values = np.load(file, allow_pickle=False)
        except FileNotFoundError:
            raise DataError(f"{file} is missing; without it the session cannot be cut into trials.") from None
        except (ValueError, EOFError, OSError) as error:
            raise DataError(f"{file} cannot be read ({error}); copy or download it again.") from error
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    def load_pairs(self, name: str) -> np.ndarray:
        """A clock (frame, seconds) or intervals (start, end), in order of time."""
        pairs = self.load(name)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0 or not (np.diff(pairs[:, 1]) > 0).all():
            raise DataError(f"{self._file(name)}: expected rows of two numbers in order of time, found shape "
                            f"{pairs.shape}; copy or download it again.")  # fmt: skip
        return pairs

    def load_values(self, name: str) -> np.ndarray:
        """One row or more of what a camera or sensor saw."""
        values = self.load(name)
        if values.ndim == 0 or len(values) == 0:
            raise DataError(f"{self._file(name)} is empty; copy or download it again.")
        return values

    def _file(self, name: str) -> Path:
        return self.path / (name if name.endswith(".tsv") else f"{name}.npy")


def read_alf(path: str | Path, *, eye_clock: str = "eye.timestamps") -> AlfTrials:
    """Cuts the session in `path` into trials; `eye_clock` names another clock file for the eye camera.

    Missing camera, wheel, lick or spike files are listed in `missing` and the rest is read. Raises
    DataError for a folder without stimulus times or with a file that cannot be read.
    """
    folder = _Folder(Path(path))
    onsets = folder.load(NEEDED_FOR_TRIALS[0]).astype(float)
    if onsets.ndim != 1 or len(onsets) == 0 or not np.isfinite(onsets).all():
        raise DataError(f"{folder.path}/trials.visualStim_times.npy: expected one finite time per trial, "
                        f"found shape {onsets.shape}.")  # fmt: skip
    spikes, brain_area = _spikes(folder, onsets - BEFORE)
    return AlfTrials(
        name=folder.path.name,
        time=(np.arange(BINS) + 0.5) * BIN_SIZE - BEFORE,
        behaviour=_behaviour(folder, onsets, eye_clock),
        trials=_trials(folder, onsets),
        spikes=spikes,
        brain_area=brain_area,
        missing=tuple(folder.missing),
    )


def _behaviour(folder: _Folder, onsets: np.ndarray, eye_clock: str) -> dict[str, np.ndarray]:
    centres = onsets[:, None] - BEFORE + (np.arange(BINS) + 0.5) * BIN_SIZE  # K T
    edges = onsets[:, None] - BEFORE + np.arange(BINS + 1) * BIN_SIZE
    found = {}
    for channel, (values, clock) in CHANNELS.items():
        clock = eye_clock if clock == "eye.timestamps" else clock
        if folder.has(values, clock):
            found[channel] = _at_frames(_column(folder, values, channel), folder.load_pairs(clock), centres)
    if folder.has("wheel.position", "wheel.timestamps"):
        position = _interpolated(
            folder.load_values("wheel.position"), folder.load_pairs("wheel.timestamps"), edges
        )
        found["wheel"] = np.diff(position, axis=1).astype(np.float32)
    if folder.has("wheelMoves.intervals"):
        found["wheel_moving"] = _inside(folder.load_pairs("wheelMoves.intervals"), centres)
    if folder.has("licks.times"):
        found["licks"] = count_events(np.sort(folder.load("licks.times")), onsets - BEFORE).astype(np.float32)
    return found


def _column(folder: _Folder, name: str, channel: str) -> np.ndarray:
    values = folder.load_values(name)
    if channel not in ("pupil_x", "pupil_y"):
        return values
    if values.ndim != 2 or values.shape[1] != 2:
        raise DataError(f"{folder.path}/{name}.npy has shape {values.shape}, expected frames x 2.")
    return values[:, ("pupil_x", "pupil_y").index(channel)]


def _frame(clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Frame index, with fraction, at each time: a clock is rows of (frame, seconds)."""
    return np.interp(time, clock[:, 1], clock[:, 0])


def _at_frames(values: np.ndarray, clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    # a time that falls on a frame must not slip to the one before by rounding
    frame = np.floor(_frame(clock, time) + 1e-6).astype(int)
    return values[np.clip(frame, 0, len(values) - 1)].astype(np.float32)


def _interpolated(values: np.ndarray, clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    return np.interp(_frame(clock, time), np.arange(len(values)), values)


def _inside(intervals: np.ndarray, time: np.ndarray) -> np.ndarray:
    """1 where a time lies in one of the sorted, disjoint intervals (start, end), else 0."""
    before = np.searchsorted(intervals[:, 0], time, side="right") - 1
    return ((before >= 0) & (time < intervals[np.maximum(before, 0), 1])).astype(np.float32)


def count_events(times: Float[np.ndarray, "E"], starts: Float[np.ndarray, "K"]) -> Int[np.ndarray, "K T"]:
    """Events in each 10-ms bin of the 2.5 s after each start; `times` sorted, s."""
    counts = np.zeros((len(starts), BINS), dtype=np.int64)
    first = np.searchsorted(times, starts - BIN_SIZE)
    last = np.searchsorted(times, starts + (BINS + 1) * BIN_SIZE)
    trial = np.repeat(np.arange(len(starts)), last - first)
    event = np.concatenate(
        [np.arange(a, b) for a, b in zip(first, last, strict=True)] or [np.zeros(0)]
    ).astype(int)
    bins = np.floor((times[event] - starts[trial]) / BIN_SIZE).astype(int)
    inside = (bins >= 0) & (bins < BINS)
    np.add.at(counts, (trial[inside], bins[inside]), 1)
    return counts


def _spikes(folder: _Folder, starts: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    if not folder.has(*NEEDED_FOR_SPIKES):
        return None, None
    times, clusters = folder.load("spikes.times"), folder.load("spikes.clusters").astype(int)
    area, kept = _areas(folder)
    if times.shape != clusters.shape or not ((clusters >= 0) & (clusters < len(kept))).all():
        raise DataError(
            f"{folder.path}/spikes.clusters.npy does not fit: {len(clusters)} entries, {len(times)} spikes "
            f"of {len(kept)} clusters; the files come from different sessions."
        )
    order = np.argsort(clusters, kind="stable")
    bounds = np.searchsorted(clusters[order], np.arange(len(kept) + 1))
    counts = np.zeros((len(kept), len(starts), BINS), dtype=np.uint8)
    for cluster in np.flatnonzero(kept):  # one neuron at a time keeps memory at the spikes of one neuron
        own = np.sort(times[order[bounds[cluster] : bounds[cluster + 1]]])
        counts[cluster] = np.minimum(count_events(own, starts), 255)
    kept &= counts.any(axis=(1, 2))
    return counts[kept], area[kept]


def _areas(folder: _Folder) -> tuple[np.ndarray, np.ndarray]:
    """Allen acronym of every cluster's peak channel (counted from 1), and which clusters are good."""
    table = pd.read_csv(folder.path / "channels.brainLocation.tsv", sep="\t")
    peak, annotation = (
        folder.load("clusters.peakChannel").astype(int) - 1,
        folder.load("clusters._phy_annotation"),
    )
    if "allen_ontology" not in table or len(table) == 0 or peak.shape != annotation.shape:
        raise DataError(
            f"{folder.path}: channels.brainLocation.tsv needs a column allen_ontology with a row a channel, "
            "and the clusters.* files one entry a cluster; copy or download them again."
        )
    names = table["allen_ontology"].to_numpy(dtype=str)
    inside = (peak >= 0) & (peak < len(names))
    good = (annotation >= GOOD_ANNOTATION) & inside
    return np.where(inside, names[np.clip(peak, 0, len(names) - 1)], "root"), good


def _trials(folder: _Folder, onsets: np.ndarray) -> pd.DataFrame:
    absolute = {"response_time": "response_times", "go_cue": "goCue_times", "feedback_time": "feedback_times"}
    plain = {
        "contrast_left": "visualStim_contrastLeft",
        "contrast_right": "visualStim_contrastRight",
        "response": "response_choice",
        "feedback_type": "feedbackType",
    }
    columns = {
        name: folder.load(f"trials.{file}")
        for name, file in (absolute | plain).items()
        if folder.has(f"trials.{file}")
    }
    with read_from(folder.path):
        table = trial_table(len(onsets), stimulus_time=onsets, **columns)
    times = list(absolute)
    table[times] = table[times].sub(onsets, axis=0)
    return table
