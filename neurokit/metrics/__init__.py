"""Scores: `rates` for regions in time bins, `neurons` for images, `repeats` for repeated stimuli."""

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

__all__ = [
    "FEWEST_SHIFTS",
    "NEAREST_SHIFT",
    "ExplainedVariance",
    "RepeatScores",
    "block_bootstrap",
    "cc_max",
    "correlation",
    "correlation_to_average",
    "far_shifts",
    "feve",
    "p_value",
    "pearson",
    "pooled_r2",
    "r2",
    "repeat_scores",
    "shift_null",
    "split_half_reliability",
    "trial_errors",
]
