"""Steinmetz 2019 in the original release: one folder of ALF files a session, continuous in time.

`read_alf` cuts such a folder into trials as Neuromatch did: t0 is 0.5 s before the visual stimulus;
a spike falls into bin floor((t - t0) / 10 ms); cameras are read at bin centres (time to frame index
by linear interpolation between the clock's (frame, seconds) rows, then the frame below) and are NaN
where their clock does not run; the wheel is the difference of positions at the bin edges; neurons
are clusters annotated 2 or higher that spiked.
Folder layout: Steinmetz et al., Nature 576, 266-273 (2019), figshare 9598406.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Integer, Shaped

from neurokit.data.alf_clocks import BIN_SIZE, BINS, at_frames, count_events, inside, interpolated
from neurokit.data.alf_folder import AlfFolder
from neurokit.data.trial_recording import TrialRecording, read_from, trial_table
from neurokit.errors import DataError

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
TRIAL_TIMES = {  # told from the stimulus
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
        """The whole recording; raises DataError, with the missing files, without spikes."""
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
        position = interpolated(values, clock, edges)
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
    area, kept = _areas(folder)
    times, clusters = _spike_train(folder, len(kept))
    order = np.argsort(clusters, kind="stable")
    bounds = np.searchsorted(clusters[order], np.arange(len(kept) + 1))
    counts = np.zeros((len(kept), len(starts), BINS), dtype=np.uint8)
    for cluster in np.flatnonzero(kept):  # one at a time keeps memory at the spikes of one neuron
        own = np.sort(times[order[bounds[cluster] : bounds[cluster + 1]]])
        counts[cluster] = np.minimum(count_events(own, starts), 255)
    kept &= counts.any(axis=(1, 2))
    return counts[kept], area[kept]


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
