"""Frames of gratings, drawn from their labels.

All gratings fill the screen, so a frame is a window of it: 38 x 76 pixels of one degree (the screen of the
Allen Brain Observatory spanned about 120 x 95 degrees). Phases are counted at the centre of this window, and
that of a drifting grating is taken to be 0 at its onset: where and how the real ones started is not stored,
so a phase is right up to a shift that gratings of one direction and fineness share. Angles are degrees,
counter-clockwise, 0 for vertical bars that drift to the right; whether the laboratory turned them the same
way is not stored either.

Letters: H x W pixels, C gratings, t frames of a trial.
"""

import numpy as np
from jaxtyping import Float, UInt8

from neurokit.simulation.scenes import gratings

SHAPE = (38, 76)  # pixels
PIXELS_PER_DEGREE = 1.0  # the finest grating, 0.32 cycles/degree, still has three pixels a cycle
GREY, SWING = 128, 102  # contrast 0.8 (stimulus white paper of the Allen Brain Observatory)
DRIFT = 2.0  # s, and FINENESS: the Allen Brain Observatory's drifting gratings
FINENESS = 0.04  # cycles/degree
ROUNDING = 1e-3  # s, of a stored clock


def drifting_frames(
    direction: float, frequency: float, time: Float[np.ndarray, "t"], *, until: float = DRIFT
) -> UInt8[np.ndarray, "t H W"]:
    """A trial as it looks at these times (s from onset): grey, the grating from 0 to `until`, grey.

    `direction` degrees, `frequency` Hz; NaN, a blank, stays grey.
    """
    if np.isnan(direction):
        return np.full((len(time), *SHAPE), GREY, dtype=np.uint8)
    angle, fine = (np.full(len(time), value) for value in (np.deg2rad(direction), FINENESS))
    waves = gratings(angle, fine / PIXELS_PER_DEGREE, -2 * np.pi * frequency * time, SHAPE)
    on = (time > -ROUNDING) & (time < until - ROUNDING)
    return _grey_values(np.where(on[:, None, None], waves, 0))


def static_frames(conditions: Float[np.ndarray, "C 3"]) -> UInt8[np.ndarray, "C H W"]:
    """One frame for each orientation (degrees), frequency (cycles/degree) and phase (cycles); NaN is grey."""
    orientation, frequency, phase = np.nan_to_num(conditions).T
    waves = gratings(np.deg2rad(orientation), frequency / PIXELS_PER_DEGREE, 2 * np.pi * phase, SHAPE)
    return _grey_values(np.where(np.isnan(conditions[:, :1, None]), 0, waves))


def _grey_values(waves: Float[np.ndarray, "C H W"]) -> UInt8[np.ndarray, "C H W"]:
    return np.rint(GREY + SWING * waves).astype(np.uint8)
