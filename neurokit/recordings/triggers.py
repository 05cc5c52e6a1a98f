"""Times of a movie's frames that are numbered by counting them: whether a trigger was counted twice.

One trigger too many, or too few, and all frames after it are taken for their neighbours, even where as many
are lost as doubled, so that their number is right.

Letters: R stretches in which frames follow each other, such as repeats, F frames, S samples of the activity.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import maximum_filter1d

from neurokit.errors import DataError

LONGEST_PAUSE = 15  # frames, or samples of a microscope; after a longer one a movie begins anew
RATES = (0.5, 1000.0)  # per s, of microscopes and movies; times in milliseconds give less
SOON, LATE = 0.5, 1.5  # usual intervals, from a frame to the next
SAME = 0.001  # of a sample's interval; times that differ less are of one sample
MANY = 0.05  # of the frames; where more share a time, times are those of a slower clock
NEAR = 10  # frames; of times on a clock as fast as the movie, one is late and another early by rounding


def check_triggers(
    time: Float[np.ndarray, "R F"], what: str, remedy: str, clock: Float[np.ndarray, "S"] | None = None
) -> None:
    """Raises DataError for times (s, NaN for a frame that was not shown) that cannot be counted.

    That is for times that are not in seconds, and for frames that follow another within half a frame. Sound
    are a frame that comes late with the next on time again, and two frames at the time of one sample, where
    all times are those of a slower clock: perhaps that of the activity, `clock`.
    """
    usual = check_frame_rate(time, what)
    if usual is None:
        return
    steps = np.diff(time, axis=1)
    second = _find_second(steps, usual, _is_on(time, clock, usual))
    if not second.any():
        return
    late = int(((steps > LATE * usual) & (steps < LONGEST_PAUSE * usual)).sum())
    lost = f", and {late} come late, as after a lost one" if late else ""
    raise DataError(
        f"{what}: {int(second.sum())} frames follow the one before within half a frame, such as at "
        f"{time[:, 1:][second][0]:.6g} s, as where a trigger is counted twice{lost}; {remedy}."
    )


def check_frame_rate(time: Float[np.ndarray, "R F"], what: str) -> float | None:
    """The usual s from a frame to the next; None where there is one alone.

    Raises DataError for one that no movie has, as times in ms.
    """
    steps = np.diff(time, axis=1)
    moving = steps[(steps > 0) & np.isfinite(steps)]
    if not len(moving):
        return None
    usual = float(np.median(moving))
    if not RATES[0] <= 1 / usual <= RATES[1]:
        raise DataError(
            f"{what} are {usual:g} s apart, {1 / usual:g} frames a second; give times in seconds, not "
            "milliseconds or samples."
        )
    return usual


def _find_second(steps: Float[np.ndarray, "R _"], usual: float, rounded: bool) -> Bool[np.ndarray, "R _"]:
    """Steps after which a frame came too soon, though none was late beside it."""
    soon, late = steps < SOON * usual, (steps > LATE * usual) & (steps < LONGEST_PAUSE * usual)
    if rounded:
        nearby = maximum_filter1d(late.astype(np.uint8), 2 * NEAR + 1, axis=1, mode="constant") > 0
        return soon & ~nearby & late.any()
    if (steps == 0).sum() > MANY * steps.size:
        soon &= steps != 0
    padded = np.pad(steps, ((0, 0), (1, 1)))
    made_up = np.maximum(padded[:, :-2], padded[:, 2:]) + steps >= LATE * usual
    return soon & ~made_up


def _is_on(time: Float[np.ndarray, "R F"], clock: Float[np.ndarray, "S"] | None, usual: float) -> bool:
    """Whether the times are those of samples of a clock that is hardly faster than the movie."""
    if clock is None or len(clock) < 2 or usual > LATE * (step := float(np.median(np.diff(clock)))):
        return False
    known = time[np.isfinite(time)]
    right = np.clip(np.searchsorted(clock, known), 1, len(clock) - 1)
    away = np.minimum(np.abs(known - clock[right - 1]), np.abs(known - clock[right]))
    return bool((away <= SAME * step).mean() > 1 - MANY)
