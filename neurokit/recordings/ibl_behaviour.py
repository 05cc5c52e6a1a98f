"""What the mouse of an IBL session did: wheel, licks, and what cameras saw, each on its own clock.

A camera's times must be those of its frames. Where there are a few more times, the first frames were not
written to its file (cameras of before 2020), and IBL itself leaves out the first times
(brainbox.io.one.SessionLoader): so does this. Any other difference is said, with both numbers, and the
camera left out.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from neurokit.errors import DataError
from neurokit.recordings.alf_files import AlfFiles, lick_trace, make_trace, state_trace
from neurokit.recordings.recording import Trace

MOST_EARLY = 150  # frames: a second of the fastest camera
MOTION = {"leftCamera": "face_motion", "rightCamera": "face_motion_right", "bodyCamera": "body_motion"}
PUPILS = {"leftCamera": "pupil_size", "rightCamera": "pupil_size_right"}


def read_behaviour(files: AlfFiles) -> dict[str, Trace]:
    """Each channel that is there and can be used; notes say why another cannot."""
    found: dict[str, Trace | None] = {}
    for read in (_read_wheel, _read_licks, *(_reader(camera) for camera in MOTION)):
        try:
            found |= read(files)
        except DataError as error:
            files.notes.append(f"Behaviour is left out: {error}")
    return {name: trace for name, trace in found.items() if trace is not None}


def _read_wheel(files: AlfFiles) -> dict[str, Trace | None]:
    position, time = files.numbers("wheel.position"), files.numbers("wheel.timestamps")
    if position is None or time is None:
        return {}
    if len(position) != len(time):
        files.notes.append(
            f"wheel is left out: {len(position)} positions have {len(time)} times; fetch both again."
        )
        return {}
    wheel = make_trace("wheel", position, time, "rad", files.notes)
    moves = files.numbers("wheelMoves.intervals", axes=2)
    if wheel is None or moves is None or moves.shape[1] != 2:
        return {"wheel": wheel}
    span = float(wheel.time[0]), float(wheel.time[-1])
    return {"wheel": wheel, "wheel_moving": state_trace(moves, span)}


def _read_licks(files: AlfFiles) -> dict[str, Trace | None]:
    times = files.numbers("licks.times")
    return {} if times is None else {"licks": lick_trace(times, files.notes)}


def _reader(camera: str) -> Callable[[AlfFiles], dict[str, Trace | None]]:
    return lambda files: _read_camera(files, camera)


def _read_camera(files: AlfFiles, camera: str) -> dict[str, Trace | None]:
    """Motion energy and pupil diameter of a camera."""
    found: dict[str, Trace | None] = {}
    motion = files.numbers(f"{camera}.ROIMotionEnergy")
    if motion is not None:
        found[MOTION[camera]] = _on_clock(files, camera, "ROIMotionEnergy", motion, "arbitrary")
    try:
        features = files.table(f"{camera}.features") if camera in PUPILS else None
    except DataError as error:
        files.notes.append(f"pupil is left out: {error}")
        return found
    if features is None:
        return found
    for column, ending in (("pupilDiameter_raw", ""), ("pupilDiameter_smooth", "_smooth")):
        if column in features:
            values = pd.to_numeric(features[column], errors="coerce").to_numpy(dtype=float)
            found[PUPILS[camera] + ending] = _on_clock(files, camera, column, values, "px")
    return found


def _on_clock(files: AlfFiles, camera: str, what: str, values: np.ndarray, unit: str) -> Trace | None:
    """A camera's values on its times, of which a few of the first are left out where there are more."""
    times, what = files.numbers(f"{camera}.times"), f"{camera}.{what}"
    if times is None:
        files.notes.append(f"{what} is left out: {camera}.times is missing.")
        return None
    more = len(times) - len(values)
    if not 0 <= more <= MOST_EARLY:
        files.notes.append(
            f"{what} is left out: it has {len(values)} frames, and {camera}.times {len(times)} times."
        )
        return None
    if more:
        files.notes.append(
            f"{what}: {len(times)} times of {len(values)} frames; the first {more} are left out, as IBL does."
        )
    return make_trace(what, values, times[more:].astype(float), unit, files.notes)
