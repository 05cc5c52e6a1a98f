"""dF/F from fluorescence: how far it is above a baseline that moves slowly.

Letters: S samples, N units.
"""

import numpy as np
from jaxtyping import Float, Real

WINDOW, PERCENTILE = 60.0, 8.0  # s; as in suite2p's default baseline of a moving window
STEPS = 6  # in which the window moves; the baseline is drawn on straight lines between them


def to_dff(
    fluorescence: Real[np.ndarray, "S N"],
    rate: float,
    *,
    window: float = WINDOW,
    percentile: float = PERCENTILE,
) -> Float[np.ndarray, "S N"]:
    """dF/F as a fraction, of fluorescence from which neuropil has been taken, `rate` samples per s.

    The baseline is the percentile over `window` s around each sample. NaN where fluorescence is, and for all
    samples of a unit whose baseline is not above zero everywhere.
    """
    values = np.asarray(fluorescence, dtype=float)
    baseline = _baseline(values, max(1, round(window * rate)), percentile)
    sound = (baseline > 0).all(axis=0)
    return np.where(sound, values / np.where(sound, baseline, 1) - 1, np.nan)


def _baseline(values: Float[np.ndarray, "S N"], width: int, percentile: float) -> Float[np.ndarray, "S N"]:
    samples = len(values)
    centres = np.arange(0, samples + 1, max(1, width // STEPS)).clip(max=samples - 1)
    half = width // 2
    found = np.array(
        [_percentile(values[max(0, centre - half) : centre + half + 1], percentile) for centre in centres]
    )
    right = np.searchsorted(centres, np.arange(samples)).clip(1, max(len(centres) - 1, 1))
    if len(centres) == 1:
        return np.broadcast_to(found, values.shape)
    between = np.maximum(centres[right] - centres[right - 1], 1)
    share = ((np.arange(samples) - centres[right - 1]) / between)[:, None].clip(0, 1)
    return found[right - 1] * (1 - share) + found[right] * share


def _percentile(values: Float[np.ndarray, "S N"], percentile: float) -> Float[np.ndarray, "N"]:
    """Of what was measured; NaN for a unit of which nothing was."""
    found = np.full(values.shape[1], np.nan)
    known = np.isfinite(values)
    measured = known.any(axis=0)
    if known.all():
        return np.percentile(values, percentile, axis=0)
    found[measured] = np.nanpercentile(np.where(known, values, np.nan)[:, measured], percentile, axis=0)
    return found
