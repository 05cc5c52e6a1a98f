"""Scores: `rates` for regions in time bins, `neurons` for images, `repeats` for repeated stimuli, and
`similarity` for whole populations.
"""

from neurokit.metrics.neurons import ExplainedVariance, correlation, correlation_to_average, feve
from neurokit.metrics.rates import (
    FEWEST_SHIFTS,
    NEAREST_SHIFT,
    block_bootstrap,
    far_shifts,
    p_value,
    pearson,
    pooled_r2,
    r2,
    shift_null,
    split_half_reliability,
    trial_errors,
)
from neurokit.metrics.repeats import RepeatScores, cc_max, repeat_scores
from neurokit.metrics.similarity import average_repeats, dissimilarity, rsa, split_half_rsa

__all__ = [
    "FEWEST_SHIFTS",
    "NEAREST_SHIFT",
    "ExplainedVariance",
    "RepeatScores",
    "average_repeats",
    "block_bootstrap",
    "cc_max",
    "correlation",
    "correlation_to_average",
    "dissimilarity",
    "far_shifts",
    "feve",
    "p_value",
    "pearson",
    "pooled_r2",
    "r2",
    "repeat_scores",
    "rsa",
    "shift_null",
    "split_half_reliability",
    "split_half_rsa",
    "trial_errors",
]
