"""Steinmetz 2019 in the original release: one folder of ALF files a session, continuous in time.

Arrays are found by name and checked when read. `read_alf` cuts such a folder into trials as Neuromatch did:
t0 is 0.5 s before the visual stimulus; a spike falls into bin floor((t - t0) / 10 ms); cameras are read at
bin centres (time to frame index by linear interpolation between the clock's rows, then the frame below) and
are NaN where their clock does not run; the wheel is the difference of positions at the bin edges; neurons are
clusters annotated 2 or higher that spiked. A device's clock is rows of (frame, seconds), between which time
runs evenly.

Folder layout: Steinmetz et al., Nature 576, 266-273 (2019), figshare 9598406.

Letters: F frames, C rows of a clock, E events, K trials, T bins of a trial, N neurons.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Integer, Shaped

from neurokit.errors import DataError, read_from
from neurokit.files.atomic import restore_folder
from neurokit.pupil_encoder.recording import TrialRecording, trial_table

BIN_SIZE, BINS = 0.01, 250  # s; bins of a trial
BEFORE = 0.5  # s before the stimulus
GOOD_ANNOTATION = 2  # 0 noise, 1 multi-unit, 2 good, 3 unsorted
AGAIN = "copy or download it again"
BRAIN_LOCATION = "channels.brainLocation.tsv"
NEEDED_FOR_SPIKES = (
    "spikes.times",
    "spikes.clusters",
    "clusters._phy_annotation",
    "clusters.peakChannel",
    BRAIN_LOCATION,
)
CAMERAS = {  # channel: (values, column of them, clock)
    "pupil_area": ("eye.area", None, "eye.timestamps"),
    "pupil_x": ("eye.xyPos", 0, "eye.timestamps"),
    "pupil_y": ("eye.xyPos", 1, "eye.timestamps"),
    "blink": ("eye.blink", None, "eye.timestamps"),
    "face_motion": ("face.motionEnergy", None, "face.timestamps"),
}
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


@dataclass(frozen=True)
class AlfTrials:
    """What could be read of a folder, on the trial clock, and what is missing for the rest.

    Attributes:
        name: of the folder.
        time: bin centres, s from stimulus onset.
        behaviour: channels in the recording's own units; NaN in bins in which a camera did not run.
        trials: a row a trial, columns `TRIAL_COLUMNS`.
        spikes: counts; None where the folder has no spikes.
        brain_area: Allen acronym of each neuron; None without spikes.
        missing: files that are not there.
    """

    name: str
    time: Float[np.ndarray, "T"]
    behaviour: dict[str, Float[np.ndarray, "K T"]]
    trials: pd.DataFrame
    spikes: Integer[np.ndarray, "N K T"] | None
    brain_area: Shaped[np.ndarray, "N"] | None
    missing: tuple[str, ...]

    def recording(self) -> TrialRecording:
        """The recording; without spikes, raises DataError with the missing files."""
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

    Missing camera, wheel, lick or spike files are listed in `missing` and the rest is read. Raises DataError
    for a folder without stimulus times or with a file that cannot be read.
    """
    folder = AlfFolder(Path(path))
    onsets = folder.load_onsets()
    spikes, brain_area = _read_spikes(folder, onsets - BEFORE)
    return AlfTrials(
        name=folder.path.name,
        time=(np.arange(BINS) + 0.5) * BIN_SIZE - BEFORE,
        behaviour=_read_behaviour(folder, onsets, eye_clock),
        trials=_read_trials(folder, onsets),
        spikes=spikes,
        brain_area=brain_area,
        missing=tuple(folder.missing),
    )


class AlfFolder:
    """Loads arrays by ALF name (such as eye.area) and remembers which were not there.

    Raises DataError where `path` is not a folder.
    """

    def __init__(self, path: Path) -> None:
        if not restore_folder(path).is_dir():
            raise DataError(f"{path} is not a folder; name an ALF session such as Cori_2016-12-17.")
        self.path = path
        self.missing: list[str] = []

    def has(self, *names: str) -> bool:
        """Whether all these files are there; absent ones go into `missing`."""
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
            raise DataError(f"{file} is missing; without it the session cannot be cut into trials.") from None
        except (ValueError, EOFError, OSError) as error:
            raise DataError(f"{file} cannot be read ({error}); {AGAIN}.") from error
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    def load_onsets(self) -> Float[np.ndarray, "K"]:
        """The times of the visual stimulus, one a trial, s; DataError where one is not finite."""
        name = "trials.visualStim_times"
        onsets = self.load(name).astype(float)
        usable = onsets.ndim == 1 and len(onsets) > 0 and bool(np.isfinite(onsets).all())
        self._require(usable, name, "one finite time per trial", onsets)
        return onsets

    def load_pairs(self, name: str) -> Shaped[np.ndarray, "C 2"]:
        """A clock (frame, seconds) or intervals (start, end); DataError unless time rises."""
        pairs = self.load(name)
        usable = pairs.ndim == 2 and pairs.shape[1] == 2 and len(pairs) > 0
        usable = usable and bool((np.diff(pairs[:, 1]) > 0).all())
        self._require(usable, name, "rows of two numbers in order of time", pairs)
        return pairs

    def load_values(self, name: str, column: int | None = None) -> np.ndarray:
        """What a camera or sensor saw, or one of the two columns of a position; DataError for neither."""
        values = self.load(name)
        if values.ndim == 0 or len(values) == 0:
            raise DataError(f"{self._file(name)} is empty; {AGAIN}.")
        if column is None:
            return values
        self._require(values.ndim == 2 and values.shape[1] == 2, name, "frames x 2", values)
        return values[:, column]

    def _require(self, usable: bool, name: str, wanted: str, found: np.ndarray) -> None:
        if not usable:
            raise DataError(f"{self._file(name)}: expected {wanted}, found shape {found.shape}; {AGAIN}.")

    def _file(self, name: str) -> Path:
        return self.path / (name if name == BRAIN_LOCATION else f"{name}.npy")


def _read_behaviour(
    folder: AlfFolder, onsets: Float[np.ndarray, "K"], eye_clock: str
) -> dict[str, Float[np.ndarray, "K T"]]:
    edges = onsets[:, None] - BEFORE + np.arange(BINS + 1) * BIN_SIZE
    centres = onsets[:, None] - BEFORE + (np.arange(BINS) + 0.5) * BIN_SIZE
    found = {}
    for channel, (name, column, usual_clock) in CAMERAS.items():
        clock_name = eye_clock if usual_clock == "eye.timestamps" else usual_clock
        if folder.has(name, clock_name):
            values = folder.load_values(name, column)
            found[channel] = _see_frames(values, folder.load_pairs(clock_name), centres)
    if folder.has("wheel.position", "wheel.timestamps"):
        values, clock = folder.load_values("wheel.position"), folder.load_pairs("wheel.timestamps")
        position = np.interp(_frame_at(clock, edges), np.arange(len(values)), values)
        found["wheel"] = np.diff(position, axis=1).astype(np.float32)
    if folder.has("wheelMoves.intervals"):
        found["wheel_moving"] = _lie_inside(folder.load_pairs("wheelMoves.intervals"), centres)
    if folder.has("licks.times"):
        licks = np.sort(folder.load("licks.times"))
        found["licks"] = _count_events(licks, onsets - BEFORE).astype(np.float32)
    return found


def _see_frames(
    values: Shaped[np.ndarray, "F"], clock: Float[np.ndarray, "C 2"], time: Float[np.ndarray, "K T"]
) -> Float[np.ndarray, "K T"]:
    """What the camera saw at each time (s): its frame at or before; NaN where it has none."""
    # a time that falls on a frame must not slip to the one before by rounding
    frame = np.floor(_frame_at(clock, time) + 1e-6).astype(int)
    seen = values[np.clip(frame, 0, len(values) - 1)].astype(np.float32)
    return np.where(_runs(clock, time) & (frame < len(values)), seen, np.float32(np.nan))


def _frame_at(clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Frame index, with fraction, at each time; the nearest beyond the clock."""
    return np.interp(time, clock[:, 1], clock[:, 0])


def _runs(clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Whether a time lies between the clock's first and last row, give or take one frame there."""
    frames, seconds = clock.T
    one = np.diff(seconds) / np.maximum(np.diff(frames), 1) if len(clock) > 1 else np.zeros(1)
    rounding = 1e-9  # s
    started = time >= seconds[0] - one[0] - rounding
    return started & (time <= seconds[-1] + one[-1] + rounding)


def _lie_inside(
    intervals: Float[np.ndarray, "E 2"], time: Float[np.ndarray, "K T"]
) -> Float[np.ndarray, "K T"]:
    """1 where a time (s) lies in one of the sorted, disjoint intervals (start, end), else 0."""
    before = np.searchsorted(intervals[:, 0], time, side="right") - 1
    ends = intervals[np.maximum(before, 0), 1]
    return ((before >= 0) & (time < ends)).astype(np.float32)


def _count_events(times: Float[np.ndarray, "E"], starts: Float[np.ndarray, "K"]) -> Int[np.ndarray, "K T"]:
    """Events in each 10-ms bin of the 2.5 s after each start; `times` sorted, s."""
    first, last = np.searchsorted(times, [starts - BIN_SIZE, starts + (BINS + 1) * BIN_SIZE])
    near = [np.arange(*ends) for ends in zip(first, last, strict=True)]
    trial = np.repeat(np.arange(len(starts)), last - first)
    bins = np.floor((times[np.concatenate(near)] - starts[trial]) / BIN_SIZE).astype(int)
    within = (bins >= 0) & (bins < BINS)
    places = trial[within] * BINS + bins[within]
    return np.bincount(places, minlength=len(starts) * BINS).reshape(-1, BINS)


def _read_spikes(
    folder: AlfFolder, starts: Float[np.ndarray, "K"]
) -> tuple[Integer[np.ndarray, "N K T"] | None, Shaped[np.ndarray, "N"] | None]:
    if not folder.has(*NEEDED_FOR_SPIKES):
        return None, None
    area, included = _read_areas(folder)
    total = len(included)
    times, clusters = folder.load("spikes.times"), folder.load("spikes.clusters").astype(int)
    if times.shape != clusters.shape or not ((clusters >= 0) & (clusters < total)).all():
        raise DataError(
            f"{folder.path}/spikes.clusters.npy does not fit: {len(clusters)} entries, "
            f"{len(times)} spikes of {total} clusters; the files come from different sessions."
        )
    order = np.argsort(clusters, kind="stable")
    bounds = np.searchsorted(clusters[order], np.arange(total + 1))
    counts = np.zeros((total, len(starts), BINS), dtype=np.uint8)
    for cluster in np.flatnonzero(included):  # one at a time keeps memory at the spikes of one neuron
        own = np.sort(times[order[bounds[cluster] : bounds[cluster + 1]]])
        counts[cluster] = np.minimum(_count_events(own, starts), 255)
    included &= counts.any(axis=(1, 2))
    return counts[included], area[included]


def _read_areas(folder: AlfFolder) -> tuple[np.ndarray, np.ndarray]:
    """Allen acronym of every cluster's peak channel (counted from 1), and which clusters are good."""
    try:
        table = pd.read_csv(folder.path / BRAIN_LOCATION, sep="\t")
    except (ValueError, OSError):  # pandas' own errors for an empty or torn table are ValueErrors
        table = pd.DataFrame()
    annotation = folder.load("clusters._phy_annotation")
    peak = folder.load("clusters.peakChannel").astype(int) - 1
    if "allen_ontology" not in table or len(table) == 0 or peak.shape != annotation.shape:
        raise DataError(
            f"{folder.path}: {BRAIN_LOCATION} needs a column allen_ontology with a row a channel, and the "
            "clusters.* files one entry a cluster; copy or download them again."
        )
    names = table["allen_ontology"].to_numpy(dtype=str)
    on_probe = (peak >= 0) & (peak < len(names))
    area = np.where(on_probe, names[np.clip(peak, 0, len(names) - 1)], "root")
    return area, (annotation >= GOOD_ANNOTATION) & on_probe


def _read_trials(folder: AlfFolder, onsets: Float[np.ndarray, "K"]) -> pd.DataFrame:
    files = {name: f"trials.{file}" for name, file in (TRIAL_TIMES | TRIAL_FACTS).items()}
    columns = {name: folder.load(file) for name, file in files.items() if folder.has(file)}
    with read_from(folder.path):
        table = trial_table(len(onsets), stimulus_time=onsets, **columns)
    times = list(TRIAL_TIMES)
    table[times] = table[times].sub(onsets, axis=0)
    return table
