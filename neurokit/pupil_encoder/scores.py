"""How well rates are predicted, region by region, beside the mean, the PSTH, chance and the ceiling.

Letters: R regions.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from neurokit import metrics
from neurokit.arguments import explain_failure
from neurokit.pupil_encoder import baselines
from neurokit.pupil_encoder.baselines import BASELINES, Prediction
from neurokit.pupil_encoder.ceiling import FEWEST_UNITS, shared_ceiling
from neurokit.pupil_encoder.config import PupilConfig
from neurokit.pupil_encoder.features import BOXCAR, EncodingTask
from neurokit.pupil_encoder.simulated_files import read_truth
from neurokit.training.fit import TrainingResult
from neurokit.training.system import Score

COLUMNS = """\
r2_mean: R² against the training mean, with its 95 % interval (low, high); r2_psth: against the training PSTH;
null: the r2_mean that 97.5 % of wrong pairings of trials stay below; p: share of wrong pairings that do as
well; shifts: how many wrong pairings there are, each 10 trials away or more; seed_style: R² over all regions
and bins, start-up of the smoothing included, one number a model"""


def score(result: TrainingResult, task: EncodingTask, config: PupilConfig) -> Score:
    """The squared error on validation trials, beside that of the mean rate, the PSTH and a linear filter."""
    simple = ("mean rate", "PSTH", "FIR")
    yardsticks = {name: _error(task, BASELINES[name](task)).mean() for name in simple}
    if (best := reachable_r2(task, config)) is not None:
        yardsticks["ceiling"] = ((1 - best) * _error(task, baselines.mean_rate(task))).mean()
    values = {name: float(value) for name, value in yardsticks.items()}
    return Score(result.best_loss, "validation error (Hz², lower is better)", values)


def _error(task: EncodingTask, predicted: Prediction) -> Float[np.ndarray, "R"]:
    """Mean squared error of each region over the bins of validation trials, Hz²."""
    bins = task.bins("validation")
    return ((task.rates - predicted)[bins] ** 2).mean(axis=0)


def reachable_r2(task: EncodingTask, config: PupilConfig) -> Float[np.ndarray, "R"] | None:
    """The best R² in each region of a simulated task; None where it is not known.

    The truth knows it for the smoothing of the first PupilEncoder alone; NaN for a region without truth.
    """
    usual = (config.width, config.smoothing) == (BOXCAR, "causal")
    if task.truth is None or not usual:
        return None
    truth = read_truth(task.truth)
    best = dict(zip((region["name"] for region in truth.parameters["regions"]), truth.best_r2, strict=True))
    return np.array([best.get(region, np.nan) for region in task.regions])


def ceiling_table(task: EncodingTask, config: PupilConfig) -> pd.DataFrame:
    """A row a region whose ceiling is known: model, region, r2_mean, and of a recorded task r2_psth."""
    if task.truth is None:
        best = shared_ceiling(task, config) if task.recording is not None else pd.DataFrame()
        return best.dropna().assign(model="ceiling")
    if (known := reachable_r2(task, config)) is None:
        return pd.DataFrame()
    return pd.DataFrame({"model": "ceiling", "region": task.regions, "r2_mean": known})


def explain_ceiling(task: EncodingTask, config: PupilConfig) -> str:
    """Where the ceiling in the scores comes from, or why there is none, in a line."""
    found = ceiling_table(task, config)
    if task.truth is not None:
        if len(found):
            return "ceiling: the best R² that what was planted in the simulated session allows"
        return "no ceiling: the simulated session knows it for causal smoothing over 0.1 s alone"
    if lacking := [region for region in task.regions if not len(found) or region not in set(found["region"])]:
        few = f"no ceiling in {', '.join(lacking)}: it takes {FEWEST_UNITS} active units or more"
        if len(lacking) == len(task.regions):
            return few
    said = (
        "ceiling: from this recording, what halves of a region's units share in the test trials, beside the "
        "PSTH; what one unit does alone counts as noise"
    )
    return f"{said}; {few}" if lacking else said


@explain_failure
def score_table(
    task: EncodingTask, predictions: Mapping[str, Prediction], *, part: str = "test", seed: int = 0
) -> pd.DataFrame:
    """One row per model and region: R², its interval and null, and the correlation.

    Columns: model, region, r2_mean, low, high (95 % block bootstrap, drawn from `seed`), r2_psth (against the
    training PSTH), pearson, null (97.5 % point of r2_mean over the circular shifts by 10 trials or more), p,
    shifts (their number). With fewer than 39 shifts null and p are NaN, and a printed note says so.
    """
    if (shifts := len(metrics.far_shifts(len(task.rates)))) < metrics.FEWEST_SHIFTS:
        print(f"note: {_explain_few(len(task.rates), shifts)}", flush=True)
    bins, mean, common = task.bins(part), baselines.mean_rate(task), baselines.psth(task)
    tables = []
    for name, predicted in predictions.items():
        score = metrics.r2(task.rates, predicted, mean, bins)
        low, high = metrics.block_bootstrap(task.rates, predicted, mean, bins, seed=seed)
        null, p = _compare_shifts(task, predicted, mean, bins, score)
        columns = {
            "model": name,
            "region": task.regions,
            "r2_mean": score,
            "low": low,
            "high": high,
            "r2_psth": metrics.r2(task.rates, predicted, common, bins),
            "pearson": metrics.pearson(task.rates, predicted, bins),
            "null": null,
            "p": p,
            "shifts": shifts,
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _compare_shifts(
    task: EncodingTask,
    predicted: Prediction,
    mean: Prediction,
    bins: Bool[np.ndarray, "K T"],
    score: Float[np.ndarray, "R"],
) -> tuple[Float[np.ndarray, "R"], Float[np.ndarray, "R"]]:
    """Null and p of a score; NaN where the recording has too few trials for them."""
    if len(metrics.far_shifts(len(task.rates))) < metrics.FEWEST_SHIFTS:
        return np.full(len(score), np.nan), np.full(len(score), np.nan)
    null = metrics.shift_null(task.rates, predicted, mean, bins)
    return np.percentile(null, 97.5, axis=0), metrics.p_value(score, null)


def _explain_few(trials: int, shifts: int) -> str:
    nearest = metrics.NEAREST_SHIFT
    return (
        f"{trials} trials leave too few shifts by {nearest} trials or more ({shifts}) for a null: null and p "
        f"are not given; {2 * nearest + metrics.FEWEST_SHIFTS - 1} trials are needed."
    )


@explain_failure
def seed_style_r2(task: EncodingTask, predicted: Prediction) -> float:
    """Pooled R² over every recorded bin of test trials, the ramp included: the first PupilEncoder's way."""
    return metrics.pooled_r2(task.rates, predicted, task.bins("test", with_ramp=True))


def seed_style_column(task: EncodingTask, predictions: Mapping[str, Prediction]) -> dict[str, float]:
    """`seed_style_r2` of each model; mean rate and PSTH are fitted with the ramp, as they were then.

    The other models were fitted past the ramp and miss it, so theirs is less than the original's way of
    fitting would have given them.
    """
    ramp = {"mean rate": baselines.mean_rate, "PSTH": baselines.psth}
    return {
        name: seed_style_r2(task, ramp[name](task, with_ramp=True) if name in ramp else rates)
        for name, rates in predictions.items()
    }
