"""Scores: `rates` for firing rates of regions in time bins, `neurons` for neurons and repeated images."""

from neurokit.metrics.neurons import Explained, correlation, correlation_to_average, feve
from neurokit.metrics.rates import (
    block_bootstrap,
    p_value,
    pearson,
    pooled_r2,
    r2,
    shift_null,
    split_half_reliability,
    trial_errors,
)

__all__ = [
    "Explained",
    "block_bootstrap",
    "correlation",
    "correlation_to_average",
    "feve",
    "p_value",
    "pearson",
    "pooled_r2",
    "r2",
    "shift_null",
    "split_half_reliability",
    "trial_errors",
]
