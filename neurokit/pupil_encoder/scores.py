"""How well rates are predicted, region by region, beside the mean, the PSTH and chance."""

import numpy as np
import pandas as pd

from neurokit import metrics
from neurokit.pupil_encoder import baselines
from neurokit.pupil_encoder.baselines import Prediction
from neurokit.pupil_encoder.features import EncodingTask

COLUMNS = """\
r2_mean: R² against the training mean, with its 95 % interval (low, high); r2_psth: against the training PSTH;
null: the r2_mean that 97.5 % of wrong pairings of trials stay below; p: share of wrong pairings that do as
well; seed_style: R² over all regions and bins, start-up of the smoothing included, one number a model"""


def score_table(
    task: EncodingTask, predictions: dict[str, Prediction], *, part: str = "test", seed: int = 0
) -> pd.DataFrame:
    """One row per model and region: R², its interval and null, and the correlation.

    Columns: model, region, r2_mean, low, high (95 % block bootstrap), r2_psth (against the training
    PSTH), pearson, null (97.5 % point of the circular trial shifts of r2_mean), p.
    """
    bins, mean, common = task.bins(part), baselines.mean_rate(task), baselines.psth(task)
    tables = []
    for name, predicted in predictions.items():
        score = metrics.r2(task.rates, predicted, mean, bins)
        low, high = metrics.block_bootstrap(task.rates, predicted, mean, bins, seed=seed)
        null = metrics.shift_null(task.rates, predicted, mean, bins)
        columns = {
            "model": name,
            "region": task.regions,
            "r2_mean": score,
            "low": low,
            "high": high,
            "r2_psth": metrics.r2(task.rates, predicted, common, bins),
            "pearson": metrics.pearson(task.rates, predicted, bins),
            "null": np.percentile(null, 97.5, axis=0),
            "p": metrics.p_value(score, null),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def seed_style_r2(task: EncodingTask, predicted: Prediction, part: str = "test") -> float:
    """Pooled R² over every recorded bin, the ramp included: the first PupilEncoder's way."""
    return metrics.pooled_r2(task.rates, predicted, task.bins(part, with_ramp=True))


def seed_style_column(task: EncodingTask, predictions: dict[str, Prediction]) -> dict[str, float]:
    """`seed_style_r2` of each model; mean rate and PSTH are fitted with the ramp, as they were then.

    The other models were fitted past the ramp and miss it, so theirs is less than the original's way of
    fitting would have given them.
    """
    ramp = {"mean rate": baselines.mean_rate, "PSTH": baselines.psth}
    return {
        name: seed_style_r2(task, ramp[name](task, with_ramp=True) if name in ramp else rates)
        for name, rates in predictions.items()
    }
