"""Steinmetz 2019 in the original release: one folder of ALF files a session, continuous in time.

Arrays are found by name and checked when read. `read_alf` cuts such a folder into trials as Neuromatch did:
t0 is 0.5 s before the visual stimulus; a spike falls into bin floor((t - t0) / 10 ms); cameras are read at
bin centres (time to frame index by linear interpolation between the clock's rows, then the frame below) and
are NaN where their clock does not run; the wheel is the difference of positions at the bin edges; neurons are
clusters annotated 2 or higher that spiked. Trials without a stimulus time, and those before the first or
after the last spike of the session, are left out.

Folder layout: Steinmetz et al., Nature 576, 266-273 (2019), figshare 9598406.

Letters: F frames, C rows of a clock, E events, M spikes, K trials, T bins of a trial, U edges, N neurons.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Integer, Shaped

from neurokit.errors import DataError, read_from
from neurokit.pupil_encoder.alf_folder import AlfFolder
from neurokit.pupil_encoder.alf_spikes import Spikes, count_good, read_spikes
from neurokit.pupil_encoder.binning import TrialBins, count_events
from neurokit.pupil_encoder.recording import TrialRecording, record_usable, trial_table
from neurokit.pupil_encoder.unusable import forget_impossible
from neurokit.training.omissions import Omission, leave_out

BEFORE = 0.5  # s before the stimulus
BIN_SIZE, BINS = 0.01, 250  # s; bins of a trial
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
        behaviour: channels in the recording's own units; NaN in bins in which a camera or sensor did not run.
        trials: a row a trial, columns `TRIAL_COLUMNS`; its index is the row of the trial in the files.
        spikes: counts; None where the folder has no spikes.
        brain_area: Allen acronym of each neuron; None without spikes.
        missing: files that are not there.
        omissions: what cannot be used: trials by their row, units by the number of their cluster.
    """

    name: str
    time: Float[np.ndarray, "T"]
    behaviour: dict[str, Float[np.ndarray, "K T"]]
    trials: pd.DataFrame
    spikes: Integer[np.ndarray, "N K T"] | None
    brain_area: Shaped[np.ndarray, "N"] | None
    missing: tuple[str, ...]
    omissions: tuple[Omission, ...] = ()

    def recording(self) -> TrialRecording:
        """The recording; without spikes, raises DataError with the missing files."""
        if self.spikes is None or self.brain_area is None:
            raise DataError(
                f"{self.name}: no spikes, these files are missing: {', '.join(self.missing)}; "
                "put the original files there, or use behaviour and trials alone."
            )
        return TrialRecording(
            self.name,
            self.time,
            self.spikes,
            0,
            self.brain_area,
            self.behaviour,
            self.trials,
            omissions=self.omissions,
        )


def read_alf(path: str | Path, *, eye_clock: str = "eye.timestamps") -> AlfTrials:
    """Cuts the session in `path` into trials; `eye_clock` names the eye camera's clock file.

    Missing camera, wheel, lick or spike files are listed in `missing`, what cannot be used in `omissions`,
    and the rest is read. Raises DataError for a folder without stimulus times, or with a file that cannot be
    read.
    """
    folder = AlfFolder(Path(path))
    trials, omissions = _read_trials(folder)
    spikes = read_spikes(folder)
    if spikes is not None:
        trials, outside = _drop_outside(folder, trials, spikes.times)
        omissions += outside
    onsets = trials["stimulus_time"].to_numpy()
    behaviour = _read_behaviour(folder, onsets, eye_clock)
    read = AlfTrials(
        name=folder.path.name,
        time=(np.arange(BINS) + 0.5) * BIN_SIZE - BEFORE,
        behaviour=behaviour,
        trials=trials,
        spikes=None,
        brain_area=None,
        missing=tuple(folder.missing),
        omissions=omissions + tuple(folder.omissions),
    )
    if spikes is None:
        table, unknown = forget_impossible(trials)
        return replace(read, trials=table, omissions=read.omissions + unknown)
    return _add_spikes(read, spikes, onsets - BEFORE)


def _add_spikes(read: AlfTrials, spikes: Spikes, starts: Float[np.ndarray, "K"]) -> AlfTrials:
    """What was read, with the counts of the clusters that spiked, as far as they can be used."""
    with read_from(read.name):
        counts, again = count_good(spikes, TrialBins(starts, BINS, BIN_SIZE))
    spiking = counts.any(axis=(1, 2))
    counts, area, units = counts[spiking], spikes.area[spiking], spikes.clusters[spiking]
    if not len(counts):
        return replace(read, spikes=counts, brain_area=area)
    found = record_usable(
        counts,
        area,
        read.behaviour,
        read.trials,
        units=units,
        omissions=read.omissions + spikes.omissions + again,
        name=read.name,
        time=read.time,
        first_spike_bin=0,
    )
    return replace(
        read,
        spikes=found.spikes,
        brain_area=found.brain_area,
        behaviour=found.behaviour,
        trials=found.trials,
        omissions=found.omissions,
    )


def _read_behaviour(
    folder: AlfFolder, onsets: Float[np.ndarray, "K"], eye_clock: str
) -> dict[str, Float[np.ndarray, "K T"]]:
    bins = TrialBins(onsets - BEFORE, BINS, BIN_SIZE)
    edges, centres = bins.edges, bins.centres
    found = {}
    for channel, (name, column, usual_clock) in CAMERAS.items():
        clock_name = eye_clock if usual_clock == "eye.timestamps" else usual_clock
        if folder.has(name, clock_name):
            values = folder.load_values(name, column)
            found[channel] = _see_frames(values, folder.load_clock(clock_name, len(values)), centres)
    if folder.has("wheel.position", "wheel.timestamps"):
        values = folder.load_values("wheel.position")
        clock = folder.load_clock("wheel.timestamps", len(values))
        with np.errstate(over="ignore", invalid="ignore"):
            found["wheel"] = np.diff(_see_position(values, clock, edges), axis=1).astype(np.float32)
    if folder.has("wheelMoves.intervals"):
        found["wheel_moving"] = _lie_inside(folder.load_intervals("wheelMoves.intervals"), centres)
    if folder.has("licks.times"):
        licks = count_events(folder.load_times("licks.times"), bins)
        found["licks"] = licks.astype(np.float32)
    return found


def _see_frames(
    values: Shaped[np.ndarray, "F"], clock: Float[np.ndarray, "C 2"], time: Float[np.ndarray, "K T"]
) -> Float[np.ndarray, "K T"]:
    """What the camera saw at each time (s): its frame at or before; NaN where it has none."""
    # a time that falls on a frame must not slip to the one before by rounding
    frame = np.floor(_frame_at(clock, time) + 1e-6).astype(int)
    with np.errstate(over="ignore"):  # beyond single precision is infinite, and counts as not measured
        seen = values[np.clip(frame, 0, len(values) - 1)].astype(np.float32)
    there = _runs(clock, time) & (frame >= 0) & (frame < len(values))
    return np.where(there, seen, np.float32(np.nan))


def _see_position(
    values: Shaped[np.ndarray, "F"], clock: Float[np.ndarray, "C 2"], time: Float[np.ndarray, "K U"]
) -> Float[np.ndarray, "K U"]:
    """Position at each time (s), by a line between its samples; NaN where the sensor did not run."""
    sample = _frame_at(clock, time)
    there = _runs(clock, time) & (sample >= 0) & (sample <= len(values) - 1 + 1e-6)
    return np.where(there, np.interp(sample, np.arange(len(values)), values), np.nan)


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


def _read_trials(folder: AlfFolder) -> tuple[pd.DataFrame, tuple[Omission, ...]]:
    """The trials whose stimulus has a time, in order of it, and those without."""
    onsets = folder.load_onsets()
    files = {name: f"trials.{file}" for name, file in (TRIAL_TIMES | TRIAL_FACTS).items()}
    columns = {name: folder.load(file) for name, file in files.items() if folder.has(file)}
    with read_from(folder.path):
        table = trial_table(len(onsets), stimulus_time=onsets, **columns)
    times = list(TRIAL_TIMES)
    table[times] = table[times].sub(onsets, axis=0)
    known = np.isfinite(onsets)
    omissions = leave_out(~known, np.arange(len(onsets)), "time_unknown", "trials")
    return table[known].sort_values("stimulus_time", kind="stable"), omissions


def _drop_outside(
    folder: AlfFolder, trials: pd.DataFrame, times: Float[np.ndarray, "M"]
) -> tuple[pd.DataFrame, tuple[Omission, ...]]:
    """The trials during which spikes were recorded; DataError where there are none."""
    starts, times = trials["stimulus_time"].to_numpy() - BEFORE, times[np.isfinite(times)]
    if not len(times):
        return trials, ()
    outside = (starts + BINS * BIN_SIZE <= times.min()) | (starts > times.max())
    if outside.all():
        raise DataError(
            f"{folder.path}: trials start from {starts[0]:g} to {starts[-1]:g}, and spikes.times go from "
            f"{times.min():g} to {times.max():g}; give both in seconds of one clock."
        )
    return trials[~outside], leave_out(outside, trials.index.to_numpy(), "outside_clock", "trials")
