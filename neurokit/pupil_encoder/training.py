"""PupilEncoder as a whole: build, train, predict, score, search.

The command line, the notebooks and the benchmarks all call these functions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, SupportsIndex

import numpy as np
import pandas as pd
import torch
from hyperopt import hp
from torch import nn

from neurokit import metrics
from neurokit.config import Count, Seed, checked
from neurokit.errors import SettingsError
from neurokit.pupil_encoder import baselines
from neurokit.pupil_encoder.baselines import Prediction
from neurokit.pupil_encoder.features import EncodingTask
from neurokit.pupil_encoder.model import PupilEncoder, TemporalCNN, WindowMLP
from neurokit.training.device import choose_device
from neurokit.training.fit import Fitted, Rows, fit, masked_squared_error
from neurokit.training.predict import predict
from neurokit.training.settings import FitSettings

Family = Literal["rnn", "gru", "lstm", "mlp", "cnn"]
WINDOW = 1.0  # s, what a perceptron sees on each side of a bin
MODELS: dict[Family, type[nn.Module]] = {
    "rnn": PupilEncoder,
    "gru": PupilEncoder,
    "lstm": PupilEncoder,
    "mlp": WindowMLP,
    "cnn": TemporalCNN,
}
DEFAULTS = FitSettings(epochs=100, batch_size=32, learning_rate=3e-3, weight_decay=1e-4, patience=20)
BASELINES = {
    "mean rate": baselines.mean_rate,
    "PSTH": baselines.psth,
    "PSTH + drift": baselines.psth_and_drift,
    "FIR": baselines.fir,
    "PSTH + FIR": lambda task: baselines.fir(task, on_psth=True),
}


def build_encoder(
    task: EncodingTask,
    *,
    cell: Family = "rnn",
    hidden: SupportsIndex = 27,
    layers: SupportsIndex = 1,
    seed: SupportsIndex = 0,
) -> nn.Module:
    """An untrained encoder for the task, its rates starting at the training mean.

    `cell` is a recurrent cell, or 'mlp' or 'cnn'. Weights are drawn from `seed`. Raises
    SettingsError for another word.
    """
    check_sizes(cell, hidden, layers)
    hidden, layers = checked("hidden", hidden, Count), checked("layers", layers, Count)
    sizes = len(task.channels), len(task.regions), hidden
    with torch.random.fork_rng():
        torch.manual_seed(checked("seed", seed, Seed))
        own = {
            PupilEncoder: {"cell": cell},
            WindowMLP: {"window": round(WINDOW / task.bin_size)},
        }.get(MODELS[cell], {})
        model = MODELS[cell](*sizes, layers=layers, **own)
    model.rates.start_at(torch.from_numpy(task.rates[task.bins("train")].mean(axis=0)))
    return model


def check_sizes(cell: str, hidden: int, layers: int) -> None:
    """Raises SettingsError for a cell that is none of MODELS, or a size below 1."""
    if cell not in MODELS:
        raise SettingsError(f"cell is {cell!r}; use one of {', '.join(MODELS)}.")
    for name, value in (("hidden", hidden), ("layers", layers)):
        checked(name, value, Count)


def train_encoder(
    task: EncodingTask,
    model: nn.Module,
    settings: FitSettings = DEFAULTS,
    *,
    device: str = "auto",
    **options: Any,
) -> Fitted:
    """Fits `model` to training trials, stops on validation trials; `options` go to `fit`."""
    where = choose_device(device)
    train, validation = (rows(task, part, where) for part in ("train", "validation"))
    return fit(model, masked_squared_error, train, validation, settings, **options)


def rows(task: EncodingTask, part: str, device: torch.device) -> Rows:
    """Inputs, rates and scored bins of one part's trials, on the device."""
    trials = getattr(task.split, part)
    arrays = task.inputs[trials], task.rates[trials], task.scored[trials]
    return Rows(*(torch.from_numpy(array) for array in arrays), device=device)


def encoder_rates(model: nn.Module, task: EncodingTask) -> Prediction:
    """The model's rates for every trial of the task, Hz."""
    return predict(model, torch.from_numpy(task.inputs)).float().cpu().numpy()


def baseline_rates(task: EncodingTask, trials: pd.DataFrame) -> dict[str, Prediction]:
    """Every baseline's rates for every trial; `trials` is the recording's table."""
    found = {name: function(task) for name, function in BASELINES.items()}
    return found | {"PSTH by contrast and choice": baselines.psth_by_condition(task, trials)}


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


def search_space(cells: tuple[Family, ...] = ("rnn", "gru", "lstm"), most_layers: int = 2) -> dict[str, Any]:
    """What TPE searches, in hyperopt's terms: cell, sizes, learning rate, weight decay."""
    return {
        "cell": hp.choice("cell", list(cells)),
        "hidden": hp.uniformint("hidden", 10, 60),
        "layers": hp.choice("layers", list(range(1, most_layers + 1))),
        "learning_rate": hp.loguniform("learning_rate", np.log(3e-4), np.log(3e-2)),
        "weight_decay": hp.loguniform("weight_decay", np.log(1e-6), np.log(1e-2)),
    }


@dataclass(frozen=True)
class EncoderObjective:
    """The validation loss (Hz²) of an encoder with the sampled parameters; the test trials stay
    untouched.

    `settings` gives what is not searched. It can be sent to another process.
    """

    task: EncodingTask
    settings: FitSettings = DEFAULTS
    device: str = "auto"
    seed: int = 0

    def model_and_settings(self, parameters: dict[str, Any]) -> tuple[nn.Module, FitSettings]:
        """The untrained encoder and the settings that a point of the space stands for."""
        sizes = {name: parameters[name] for name in ("cell", "hidden", "layers")}
        rates = {name: parameters[name] for name in ("learning_rate", "weight_decay")}
        return build_encoder(self.task, **sizes, seed=self.seed), self.settings.replace(**rates)

    def __call__(self, parameters: dict[str, Any], report: Callable[[int, float], None]) -> float:
        """Trains and returns the best validation loss; `report` may stop the trial early."""
        model, settings = self.model_and_settings(parameters)
        fitted = train_encoder(
            self.task, model, settings, device=self.device, on_epoch=report, show_progress=False
        )
        return fitted.best_loss
