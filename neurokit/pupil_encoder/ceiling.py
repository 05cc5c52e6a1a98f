"""The ceiling of a recorded session, whose truth nobody knows: what a region's units have in common.

A model knows at most what is the same in all units of a region, beside the PSTH. Two halves of the units say
how much that is (`neurokit.metrics.split_half_reliability`): of the variance about the PSTH the share rho,
Spearman-Brown corrected to all units. The rest is noise, which no model can predict:

    noise = (1 - rho) var(rate about the PSTH of these trials),    best R² = 1 - noise / error of a reference.

It is measured in the trials and bins in which models are scored. What one unit alone does with behaviour
counts as noise, so in a region of few units a model may come out a little better.

Letters: N units, K trials, T bins, S bins that hold spikes, R regions.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float

from neurokit import metrics
from neurokit.pupil_encoder import baselines
from neurokit.pupil_encoder.config import PupilConfig
from neurokit.pupil_encoder.features import EncodingTask, ramp, smooth

FEWEST_UNITS = 4  # two in each half


def shared_ceiling(task: EncodingTask, config: PupilConfig, part: str = "test") -> pd.DataFrame:
    """The best R² in each region of a recorded task: region, r2_mean (against the training mean), r2_psth.

    NaN in a region of fewer than four units, without shared activity to measure, or whose reference makes no
    error.
    """
    shared = np.array([_shared(task, config, region, part) for region in task.regions])
    noise = (1 - np.clip(shared, 0, 1)) * _variance_about_psth(task, part)
    found = pd.DataFrame({"region": task.regions})
    for name, reference in {"r2_mean": baselines.mean_rate, "r2_psth": baselines.psth}.items():
        error = ((task.rates - reference(task))[task.bins(part)] ** 2).mean(axis=0, dtype=np.float64)
        found[name] = np.where(error > 0, 1 - noise / np.where(error > 0, error, 1), np.nan)
    return found


def _shared(task: EncodingTask, config: PupilConfig, region: str, part: str) -> float:
    """Of the variance about the PSTH, the share that the units of a region have in common."""
    assert task.recording is not None
    units = task.recording.brain_area == region
    if units.sum() < FEWEST_UNITS:
        return np.nan
    bins = round(config.width / task.bin_size)
    trials = getattr(task.split, part)
    counts = task.recording.spikes[units][:, trials].astype(np.float32)  # N K S
    counts = smooth(counts, bins, config.smoothing)
    return metrics.split_half_reliability(counts[..., ramp(bins, config.smoothing) :], seed=0)


def _variance_about_psth(task: EncodingTask, part: str) -> Float[np.ndarray, "R"]:
    """Of each region's rate, Hz², over the trials that are scored in a bin, mean over bins."""
    scored = task.bins(part)[..., None]  # K T 1
    trials = scored.sum(axis=0)  # T 1
    psth = np.where(scored, task.rates, 0).sum(axis=0, dtype=np.float64) / np.maximum(trials, 1)
    squares = np.where(scored, (task.rates - psth) ** 2, 0).sum(axis=0)  # T R
    several = trials[:, 0] > 1
    if not several.any():
        return np.full(len(task.regions), np.nan)
    variance = squares[several] / (trials[several] - 1)
    return np.average(variance, axis=0, weights=trials[several, 0])
