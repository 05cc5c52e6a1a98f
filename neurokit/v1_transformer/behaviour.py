"""Running and pupil of a session, on the microscope's clock.

Running is NaN where it was not measured; where the microscope paused, or lost samples, it is drawn from its
own clock. A pupil off its own clock is left out. Seconds for which a channel's clock did not run are named.

AllenSDK reads the values, once the file was seen to hold what it claims.

Letters: S samples of the microscope, R samples of running.
"""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32

from neurokit.errors import DataError
from neurokit.files.hdf5 import Hdf5Reader, to_float32
from neurokit.recordings.clocks import resample
from neurokit.recordings.recording import Trace
from neurokit.training.omissions import Omission, Pieces, leave_out
from neurokit.v1_transformer.allensdk_cache import explain_failure
from neurokit.v1_transformer.simulated_files import PIPELINE

RUNNING = f"{PIPELINE}/BehavioralTimeSeries/running_speed"
LOCATION = f"{PIPELINE}/EyeTracking/pupil_location_spherical"
SIZE = f"{PIPELINE}/PupilTracking/pupil_size"
CHANNELS = ("running", "pupil")
PUPIL = ("pupil azimuth", "pupil altitude", "pupil size")
MOST_SPEED = 500.0  # cm/s, several times what a mouse can run
MOST_APART = 5  # s, by which devices start and stop before or after each other
ANGLES = (-180.0, 180.0)  # deg
SIZES = (0.0, 1e6)  # pixels; no eye camera has more


def read_running(
    stored: Hdf5Reader, dataset: Any, time: Float[np.ndarray, "S"]
) -> tuple[Float32[np.ndarray, "S"], tuple[Omission, ...]]:
    """cm/s, NaN where not measured or beyond what a mouse can run, and which samples these were.

    Running that never changes says nothing, and is named. Raises DataError where no sample was measured, or
    there is no running.
    """
    path = Path(stored.file.filename)
    own = None
    for place in (RUNNING, f"{PIPELINE}/Fluorescence/imaging_plane_1"):
        if stored.find(f"{place}/timestamps") is not None:  # else AllenSDK says that there is none
            stored.array(f"{place}/timestamps", "f", (None,))
    if stored.find(f"{RUNNING}/data") is not None:
        stored.array(f"{RUNNING}/data", "f")
        own = stored.read(f"{RUNNING}/timestamps", "f", (None,))
        _check_overlap(own, time, path)
    fits = False
    if own is None or np.isin(own, time).all():
        with explain_failure(
            path, "running speed on the microscope's clock (running=False reads it without)"
        ):
            speed, times = dataset.get_running_speed()
        fits = np.array_equal(times, time) and speed.shape == time.shape
    if own is not None and not fits:
        speed, fits = _draw_running(stored.read(f"{RUNNING}/data", "f"), own, time)
    if not fits:
        number = len(time) if own is None else len(own)
        raise DataError(
            f"The running speed in {path} has {len(speed)} values and {number} times ({RUNNING}), and needs "
            "a time for each value, in order: read the session with running=False (--running none), or "
            "choose another."
        )
    speed = to_float32(speed)
    with np.errstate(invalid="ignore"):
        beyond = np.isfinite(speed) & (np.abs(speed) > MOST_SPEED)
    measured = np.isfinite(speed) & ~beyond
    if not measured.any():
        finding = f"beyond {MOST_SPEED:g} cm/s" if beyond.any() else "NaN"
        raise DataError(
            f"The running speed in {path} is {finding} throughout: "
            "read it with running=False (--running none)."
        )
    still = np.array([np.ptp(speed[measured]) == 0, False])
    omissions = leave_out(beyond, [f"{each:.2f} s" for each in time], "out_of_range", "samples of running")
    omissions += leave_out(still, CHANNELS, "constant", "channels")
    if own is not None:
        omissions += seconds_outside(time, own, "seconds of running")
    return np.where(measured, speed, np.float32(np.nan)), omissions


def _draw_running(
    speed: Float[np.ndarray, "..."], own: Float[np.ndarray, "R"], time: Float[np.ndarray, "S"]
) -> tuple[Float[np.ndarray, "..."], bool]:
    """Running on a clock of its own at the samples of a microscope that paused, NaN where not measured.

    Also says whether it could be drawn: a time for each value, in order.
    """
    if speed.size != len(own) or not (np.diff(own) > 0).all():
        return speed, False
    return resample(Trace(speed.reshape(-1), own), time), True


def seconds_outside(
    time: Float[np.ndarray, "S"], clock: Float[np.ndarray, "_"], pieces: Pieces
) -> tuple[Omission, ...]:
    """Whole seconds of the session before a channel's clock began or after it ended, where they are several.

    Devices start and stop some seconds apart; a clock that is shifted or short leaves more out.
    """
    outside = (time < clock[0]) | (time > clock[-1])
    seconds = np.floor(time).astype(int)
    every = np.unique(seconds)
    bad = ~np.isin(every, seconds[~outside])
    if bad.sum() <= MOST_APART or bad.all():
        return ()
    return leave_out(bad, [f"{second} s" for second in every.tolist()], "outside_clock", pieces)


def _check_overlap(times: Float[np.ndarray, "_"], time: Float[np.ndarray, "S"], path: Path) -> None:
    """Raises DataError for times of running that lie outside the session, as those in ms do."""
    if 2 * _are_inside(times, time).sum() < len(times):
        raise DataError(
            f"The times of running in {path} ({RUNNING}/timestamps) go from {times.min():g} to "
            f"{times.max():g} s, and those of dF/F from {time[0]:g} to {time[-1]:g} s: give both in seconds "
            "on one clock, or read the session with running=False (--running none)."
        )


def read_pupil(
    stored: Hdf5Reader, dataset: Any, time: Float[np.ndarray, "S"]
) -> tuple[Float32[np.ndarray, "S 3"] | None, tuple[Omission, ...]]:
    """Azimuth and altitude (deg) and size (pixels) on the microscope's clock; None where not recorded.

    NaN before the first time and after the last, beside a NaN of the file, and beside angles and sizes that
    cannot be, which are counted. A pupil is left out, by name, whose times do not ascend, do not fit its
    values or lie outside the session, as those in ms do, and whose values never change or are never possible.
    """
    path = Path(stored.file.filename)
    missing = importlib.import_module("allensdk.brain_observatory.brain_observatory_exceptions")
    for place in (f"{place}/{part}" for place in (LOCATION, SIZE) for part in ("data", "timestamps")):
        if stored.find(place) is not None:
            stored.array(place, "f")
    with explain_failure(path, "pupil that can be read"):
        try:
            times, angles = dataset.get_pupil_location()
            size_times, size = dataset.get_pupil_size()
        except missing.NoEyeTrackingException:
            return None, ()
    size = size.reshape(-1)
    fits = angles.shape == (len(times), 2) and size.shape == size_times.shape
    if not fits or not all(_is_clock(each, time) for each in (times, size_times)):
        return None, _without_pupil("off_the_clock")
    found = np.column_stack([_on_clock(time, times, angles), _on_clock(time, size_times, size[:, None])])
    angles, size = (_mask(each, *limits) for each, limits in ((angles, ANGLES), (size, SIZES)))
    possible = np.column_stack([_on_clock(time, times, angles), _on_clock(time, size_times, size[:, None])])
    pupil, omissions = _clean_pupil(to_float32(found), to_float32(possible), time)
    if pupil is not None:
        omissions += seconds_outside(time, times, "seconds of pupil")
    return pupil, omissions


def _on_clock(
    time: Float[np.ndarray, "S"], times: Float[np.ndarray, "_"], values: Float[np.ndarray, "_ J"]
) -> Float[np.ndarray, "S J"]:
    return np.stack([np.interp(time, times, each, left=np.nan, right=np.nan) for each in values.T], axis=1)


def _mask(values: Float[np.ndarray, "*K"], low: float, high: float) -> Float[np.ndarray, "*K"]:
    with np.errstate(invalid="ignore"):
        return np.where((values >= low) & (values <= high), values, np.nan)


def _is_clock(times: Float[np.ndarray, "_"], time: Float[np.ndarray, "S"]) -> bool:
    """Whether the times ascend, and most of them lie in the session."""
    ascend = len(times) > 0 and bool((np.diff(times) > 0).all())
    return ascend and 2 * int(_are_inside(times, time).sum()) >= len(times)


def _are_inside(times: Float[np.ndarray, "_"], time: Float[np.ndarray, "S"]) -> Bool[np.ndarray, "_"]:
    return (times >= time[0] - 1) & (times <= time[-1] + 1)


def _without_pupil(rule: str) -> tuple[Omission, ...]:
    return leave_out(np.array([False, True]), CHANNELS, rule, "channels")


def _clean_pupil(
    found: Float32[np.ndarray, "S 3"], possible: Float32[np.ndarray, "S 3"], time: Float[np.ndarray, "S"]
) -> tuple[Float32[np.ndarray, "S 3"] | None, tuple[Omission, ...]]:
    """What is `possible`, None where nothing of it changes, and what of all that was `found` was left out."""
    measured, seen = np.isfinite(found), np.isfinite(possible)
    never = ~seen.any(axis=0)
    beyond = (measured & ~seen)[:, ~never].any(axis=1)
    if never.all() or beyond.all():
        return None, _without_pupil("out_of_range" if measured.any() else "not_finite")
    still = np.nanmin(possible[:, ~never], axis=0) == np.nanmax(possible[:, ~never], axis=0)
    flaws = {"not_finite": never & ~measured.any(axis=0), "out_of_range": never & measured.any(axis=0)}
    flaws["constant"] = np.zeros(len(PUPIL), dtype=bool)
    flaws["constant"][~never] = still
    if still.all():
        return None, _without_pupil("constant")
    omissions = leave_out(beyond, [f"{each:.2f} s" for each in time], "out_of_range", "samples of pupil")
    for rule, bad in flaws.items():
        omissions += leave_out(np.array([False, *bad]), CHANNELS[:1] + PUPIL, rule, "channels")
    return np.where(flaws["constant"], np.float32(np.nan), possible), omissions
