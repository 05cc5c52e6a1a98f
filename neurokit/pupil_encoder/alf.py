"""Steinmetz 2019 in the original release: one folder of ALF files a session, continuous in time.

Arrays are found by name and checked when read. `read_alf` cuts such a folder into trials as Neuromatch did:
t0 is 0.5 s before the visual stimulus; a spike falls into bin floor((t - t0) / 10 ms); cameras are read at
bin centres (time to frame index by linear interpolation between the clock's rows, then the frame below) and
are NaN where their clock does not run; the wheel is the difference of positions at the bin edges; neurons are
clusters annotated 2 or higher that spiked. A device's clock is rows of (frame, seconds), between which time
runs evenly.

Folder layout: Steinmetz et al., Nature 576, 266-273 (2019), figshare 9598406.

Letters: F frames, C rows of a clock, E events, K trials, T bins of a trial.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Integer, Shaped

from neurokit.errors import DataError, read_from
from neurokit.pupil_encoder.recording import TrialRecording, trial_table

BIN_SIZE, BINS = 0.01, 250  # s; bins of a trial
AGAIN = "copy or download it again"
BEFORE = 0.5  # s before the stimulus
GOOD_ANNOTATION = 2  # 0 noise, 1 multi-unit, 2 good, 3 unsorted
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
COLUMNS = {"pupil_x": 0, "pupil_y": 1}
TRIAL_TIMES = {  # measured from the stimulus
    "response_time": "response_times",
    "go_cue": "goCue_times",
    "feedback_time": "feedback_times",
}
TRIAL_FACTS = {
    "contrast_left": "visualStim_contrastLeft",
    "contrast_right": "visualStim_contrastRight",
    "response": "response_choice",
    "feedback_type": "feedbackType",
}


def at_frames(
    values: Shaped[np.ndarray, "F"],
    clock: Float[np.ndarray, "C 2"],
    time: Float[np.ndarray, "*K"],
) -> Float[np.ndarray, "*K"]:
    """What the camera saw at each time (s): its frame at or before; NaN where it has none."""
    # a time that falls on a frame must not slip to the one before by rounding
    frame = np.floor(_frame(clock, time) + 1e-6).astype(int)
    seen = values[np.clip(frame, 0, len(values) - 1)].astype(np.float32)
    return np.where(_running(clock, time) & (frame < len(values)), seen, np.float32(np.nan))


def interpolate(
    values: Float[np.ndarray, "F"],
    clock: Float[np.ndarray, "C 2"],
    time: Float[np.ndarray, "*K"],
) -> Float[np.ndarray, "*K"]:
    """A sensor's value at each time (s), linear between its samples; beyond them the nearest."""
    return np.interp(_frame(clock, time), np.arange(len(values)), values)


def inside(
    intervals: Float[np.ndarray, "E 2"],
    time: Float[np.ndarray, "*K"],
) -> Float[np.ndarray, "*K"]:
    """1 where a time (s) lies in one of the sorted, disjoint intervals (start, end), else 0."""
    before = np.searchsorted(intervals[:, 0], time, side="right") - 1
    ends = intervals[np.maximum(before, 0), 1]
    return ((before >= 0) & (time < ends)).astype(np.float32)


def count_events(
    times: Float[np.ndarray, "E"],
    starts: Float[np.ndarray, "K"],
) -> Int[np.ndarray, "K T"]:
    """Events in each 10-ms bin of the 2.5 s after each start; `times` sorted, s."""
    counts = np.zeros((len(starts), BINS), dtype=np.int64)
    first = np.searchsorted(times, starts - BIN_SIZE)
    last = np.searchsorted(times, starts + (BINS + 1) * BIN_SIZE)
    trial = np.repeat(np.arange(len(starts)), last - first)
    runs = [np.arange(a, b) for a, b in zip(first, last, strict=True)]
    event = np.concatenate(runs or [np.zeros(0)]).astype(int)
    bins = np.floor((times[event] - starts[trial]) / BIN_SIZE).astype(int)
    within = (bins >= 0) & (bins < BINS)
    np.add.at(counts, (trial[within], bins[within]), 1)
    return counts


def _frame(clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Frame index, with fraction, at each time."""
    return np.interp(time, clock[:, 1], clock[:, 0])


def _running(clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Whether a time lies between the clock's first and last row, give or take one frame there."""
    frames, seconds = clock.T
    one = np.diff(seconds) / np.maximum(np.diff(frames), 1) if len(clock) > 1 else np.zeros(1)
    rounding = 1e-9  # s
    started = time >= seconds[0] - one[0] - rounding
    return started & (time <= seconds[-1] + one[-1] + rounding)


class AlfFolder:
    """Loads arrays by ALF name (such as eye.area) and remembers which were not there.

    Raises DataError where `path` is no folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise DataError(f"{path} is no folder; name an ALF session such as Cori_2016-12-17.")
        self.path = path
        self.missing: list[str] = []

    def has(self, *names: str) -> bool:
        """Whether all these files are there; those that are not go into `missing`."""
        files = [self._file(name) for name in names]
        absent = [file.name for file in files if not file.is_file()]
        self.missing += [name for name in absent if name not in self.missing]
        return not absent

    def load(self, name: str) -> np.ndarray:
        """An array, without the singleton axis of a column; DataError where it cannot be read."""
        file = self._file(name)
        try:
            values = np.load(file, allow_pickle=False)
        except FileNotFoundError:
            finding = f"{file} is missing; without it the session cannot be cut into trials."
            raise DataError(finding) from None
        except (ValueError, EOFError, OSError) as error:
            raise DataError(f"{file} cannot be read ({error}); {AGAIN}.") from error
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    def load_onsets(self) -> np.ndarray:
        """The times of the visual stimulus, one a trial, s; DataError where one is not finite."""
        name = "trials.visualStim_times"
        onsets = self.load(name).astype(float)
        usable = onsets.ndim == 1 and len(onsets) > 0 and bool(np.isfinite(onsets).all())
        self._require(usable, name, "one finite time per trial", onsets)
        return onsets

    def load_pairs(self, name: str) -> np.ndarray:
        """A clock (frame, seconds) or intervals (start, end); DataError where time falls."""
        pairs = self.load(name)
        usable = pairs.ndim == 2 and pairs.shape[1] == 2 and _rises(pairs[:, 1])
        self._require(usable, name, "rows of two numbers in order of time", pairs)
        return pairs

    def load_values(self, name: str) -> np.ndarray:
        """One row or more of what a camera or sensor saw; DataError where there is none."""
        values = self.load(name)
        if values.ndim == 0 or len(values) == 0:
            raise DataError(f"{self._file(name)} is empty; {AGAIN}.")
        return values

    def load_column(self, name: str, column: int) -> np.ndarray:
        """One of the two columns of a position, frames x 2; DataError for another shape."""
        values = self.load_values(name)
        self._require(values.ndim == 2 and values.shape[1] == 2, name, "frames x 2", values)
        return values[:, column]

    def _require(self, usable: bool, name: str, wanted: str, found: np.ndarray) -> None:
        if not usable:
            finding = f"{self._file(name)}: expected {wanted}, found shape {found.shape}"
            raise DataError(f"{finding}; {AGAIN}.")

    def _file(self, name: str) -> Path:
        return self.path / (name if name.endswith(".tsv") else f"{name}.npy")


def _rises(times: np.ndarray) -> bool:
    return len(times) > 0 and bool((np.diff(times) > 0).all())


@dataclass(frozen=True)
class AlfTrials:
    """What could be read of a folder, on the trial clock, and what is missing for the rest.

    `behaviour` is NaN in bins for which a camera did not run. `spikes` (counts in 250 bins) and
    `brain_area` are None where the folder has no spikes.
    """

    name: str
    time: Float[np.ndarray, "T"]
    behaviour: dict[str, Float[np.ndarray, "K T"]]
    trials: pd.DataFrame
    spikes: Integer[np.ndarray, "N K T"] | None
    brain_area: Shaped[np.ndarray, "N"] | None
    missing: tuple[str, ...]

    def recording(self) -> TrialRecording:
        """The recording; raises DataError, with the missing files, without spikes."""
        if self.spikes is None or self.brain_area is None:
            raise DataError(
                f"{self.name}: no spikes, these files are missing: {', '.join(self.missing)}; "
                "put the original files there, or use behaviour and trials alone."
            )
        return TrialRecording(
            self.name, self.time, self.spikes, 0, self.brain_area, self.behaviour, self.trials
        )


def read_alf(path: str | Path, *, eye_clock: str = "eye.timestamps") -> AlfTrials:
    """Cuts the session in `path` into trials; `eye_clock` names the eye camera's clock file.

    Missing camera, wheel, lick or spike files are listed in `missing` and the rest is read.
    Raises DataError for a folder without stimulus times or with a file that cannot be read.
    """
    folder = AlfFolder(Path(path))
    onsets = folder.load_onsets()
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


def _behaviour(
    folder: AlfFolder,
    onsets: Float[np.ndarray, "K"],
    eye_clock: str,
) -> dict[str, Float[np.ndarray, "K T"]]:
    edges = onsets[:, None] - BEFORE + np.arange(BINS + 1) * BIN_SIZE
    centres = onsets[:, None] - BEFORE + (np.arange(BINS) + 0.5) * BIN_SIZE
    found = _cameras(folder, centres, eye_clock)
    if folder.has("wheel.position", "wheel.timestamps"):
        values, clock = folder.load_values("wheel.position"), folder.load_pairs("wheel.timestamps")
        position = interpolate(values, clock, edges)
        found["wheel"] = np.diff(position, axis=1).astype(np.float32)
    if folder.has("wheelMoves.intervals"):
        found["wheel_moving"] = inside(folder.load_pairs("wheelMoves.intervals"), centres)
    if folder.has("licks.times"):
        licks = np.sort(folder.load("licks.times"))
        found["licks"] = count_events(licks, onsets - BEFORE).astype(np.float32)
    return found


def _cameras(
    folder: AlfFolder, time: Float[np.ndarray, "K T"], eye_clock: str
) -> dict[str, Float[np.ndarray, "K T"]]:
    found = {}
    for channel, (name, clock) in CHANNELS.items():
        clock = eye_clock if clock == "eye.timestamps" else clock
        if not folder.has(name, clock):
            continue
        column = COLUMNS.get(channel)
        values = folder.load_values(name) if column is None else folder.load_column(name, column)
        found[channel] = at_frames(values, folder.load_pairs(clock), time)
    return found


def _spikes(
    folder: AlfFolder, starts: Float[np.ndarray, "K"]
) -> tuple[Integer[np.ndarray, "N K T"] | None, Shaped[np.ndarray, "N"] | None]:
    if not folder.has(*NEEDED_FOR_SPIKES):
        return None, None
    area, included = _areas(folder)
    times, clusters = _spike_train(folder, len(included))
    order = np.argsort(clusters, kind="stable")
    bounds = np.searchsorted(clusters[order], np.arange(len(included) + 1))
    counts = np.zeros((len(included), len(starts), BINS), dtype=np.uint8)
    for cluster in np.flatnonzero(included):  # one at a time keeps memory at the spikes of one neuron
        own = np.sort(times[order[bounds[cluster] : bounds[cluster + 1]]])
        counts[cluster] = np.minimum(count_events(own, starts), 255)
    included &= counts.any(axis=(1, 2))
    return counts[included], area[included]


def _spike_train(folder: AlfFolder, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Time (s) and cluster of every spike, of `total` clusters."""
    times, clusters = folder.load("spikes.times"), folder.load("spikes.clusters").astype(int)
    if times.shape != clusters.shape or not ((clusters >= 0) & (clusters < total)).all():
        raise DataError(
            f"{folder.path}/spikes.clusters.npy does not fit: {len(clusters)} entries, "
            f"{len(times)} spikes of {total} clusters; the files come from different sessions."
        )
    return times, clusters


def _areas(folder: AlfFolder) -> tuple[np.ndarray, np.ndarray]:
    """Allen acronym of every cluster's peak channel (counted from 1), and which are good."""
    try:
        table = pd.read_csv(folder.path / "channels.brainLocation.tsv", sep="\t")
    except (ValueError, OSError):  # pandas' own errors for an empty or torn table are ValueErrors
        table = pd.DataFrame()
    annotation = folder.load("clusters._phy_annotation")
    peak = folder.load("clusters.peakChannel").astype(int) - 1
    if "allen_ontology" not in table or len(table) == 0 or peak.shape != annotation.shape:
        raise DataError(
            f"{folder.path}: channels.brainLocation.tsv needs a column allen_ontology with a row a "
            "channel, and the clusters.* files one entry a cluster; copy or download them again."
        )
    names = table["allen_ontology"].to_numpy(dtype=str)
    on_probe = (peak >= 0) & (peak < len(names))
    area = np.where(on_probe, names[np.clip(peak, 0, len(names) - 1)], "root")
    return area, (annotation >= GOOD_ANNOTATION) & on_probe


def _trials(folder: AlfFolder, onsets: Float[np.ndarray, "K"]) -> pd.DataFrame:
    columns = {
        name: folder.load(f"trials.{file}")
        for name, file in (TRIAL_TIMES | TRIAL_FACTS).items()
        if folder.has(f"trials.{file}")
    }
    with read_from(folder.path):
        table = trial_table(len(onsets), stimulus_time=onsets, **columns)
    times = list(TRIAL_TIMES)
    table[times] = table[times].sub(onsets, axis=0)
    return table
