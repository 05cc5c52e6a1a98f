"""SENSORIUM 2022 as a whole: prepare scans, build, train, predict, score, save.

The command line, the notebooks, the ensemble and the benchmarks all call these functions. A `Recipe`
says everything that makes one trained model out of scans; the published ones stand here.

Letters: T trials, N neurons.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurokit import checkpoint, metrics
from neurokit.data.sensorium import Scan
from neurokit.device import choose_device
from neurokit.errors import CheckpointError, DataError
from neurokit.features.mouse_trials import InputSettings, ManyMice, MouseBatch, MouseTrials
from neurokit.features.state import StateSettings, StateTransform
from neurokit.fit import Fitted, fit
from neurokit.fit_settings import FitSettings
from neurokit.models.sensorium import SensoriumModel, build, poisson_loss
from neurokit.models.sensorium_settings import CNN_PLUS, MODEL_4, ModelSettings, MouseShape
from neurokit.predict import evaluating, predicting_as_in_training

Mode = Literal["evaluation", "training"]
PUBLISHED_FIT = FitSettings(
    epochs=200,
    batch_size=128,
    learning_rate=0.009,
    clip=None,
    patience=5,
    schedule="rounds",
    rounds=4,
    tolerance=1e-6,
    evaluate_first=True,
    seed=42,
)


@dataclass(frozen=True)
class Recipe:
    """A model, how its behaviour is scaled, its state is fitted, and how it is trained.

    `seed` draws the weights; `fit.seed` everything random in training. The default is the
    competition's CNN with behaviour.
    """

    model: ModelSettings = CNN_PLUS
    fit: FitSettings = PUBLISHED_FIT
    behaviour_scale: Literal["std", "range"] = "std"
    state: StateSettings = field(default_factory=StateSettings)
    seed: int = 42

    @property
    def inputs(self) -> InputSettings:
        """What this model reads of each trial."""
        return InputSettings(
            behaviour=self.behaviour_scale if self.model.behaviour else None,
            pupil_center=self.model.shifter,
            history=self.model.history,
            state=self.model.state,
            rank=self.model.gain,
            state_settings=self.state,
        )


MODEL_4_RECIPE = Recipe(model=MODEL_4, behaviour_scale="range", seed=100)


def prepare(
    scans: Mapping[str, Scan],
    recipe: Recipe,
    *,
    tiers: Mapping[str, np.ndarray] | None = None,
    states: Mapping[str, StateTransform] | None = None,
    device: str = "auto",
) -> dict[str, MouseTrials]:
    """The trials of all mice as the recipe's model reads them, on the device.

    `tiers` and `states` replace those of a scan, by key. Raises DataError for scans that lack what
    the model reads.
    """
    if not scans:
        raise DataError("There is no scan to prepare; give at least one.")
    where, tiers, states = choose_device(device), tiers or {}, states or {}
    return {
        key: MouseTrials(scan, recipe.inputs, tiers=tiers.get(key), state=states.get(key)).to(where)
        for key, scan in scans.items()
    }


def build_model(mice: Mapping[str, MouseTrials], recipe: Recipe) -> SensoriumModel:
    """An untrained model of these mice, its weights drawn from the recipe's seed."""
    shapes = {key: MouseShape(mouse.scan.neurons, len(mouse.tiers)) for key, mouse in mice.items()}
    coordinates = {key: mouse.scan.coordinates for key, mouse in mice.items()}
    return build(shapes, recipe.model, seed=recipe.seed, coordinates=coordinates)


def train_model(
    mice: Mapping[str, MouseTrials],
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    **options: Any,
) -> Fitted:
    """Builds and trains; stops by the mean correlation on validation trials. `options` go to `fit`."""
    objective = ValidationCorrelation(mice, recipe.fit.batch_size)
    model = build_model(mice, recipe)
    return fit(model, loss, ManyMice(mice), objective, recipe.fit, checkpoint=checkpoint, **options)


def loss(model: nn.Module, batch: MouseBatch) -> tuple[Tensor, Tensor]:
    """The baselines' loss of one batch of one mouse: sqrt(T / B) x Poisson, and all penalties."""
    predicted = model.mouse(batch.key)(**batch.inputs)
    total = poisson_loss(predicted, batch.responses, batch.scale) + model.regulariser(batch.key)
    return total, torch.ones_like(total)


class ValidationCorrelation:
    """Minus the correlation on single validation trials, averaged over all neurons of all mice."""

    def __init__(self, mice: Mapping[str, MouseTrials], batch_size: int, tier: str = "validation") -> None:
        self.mice, self.batch_size, self.tier = mice, batch_size, tier

    def fingerprint(self) -> str:
        """Which trials of which scans."""
        return ManyMice(self.mice, self.tier).fingerprint()

    def __call__(self, model: nn.Module) -> float:
        """The number for this model, measured in evaluation mode."""
        found = predict_tier(model, self.mice, self.tier, batch_size=self.batch_size)
        return -float(
            np.concatenate([_single_trial(self.mice[k], self.tier, p) for k, p in found.items()]).mean()
        )


def predict_tier(
    model: nn.Module,
    mice: Mapping[str, MouseTrials],
    tier: str,
    *,
    mode: Mode = "evaluation",
    batch_size: int = 256,
) -> dict[str, Float[np.ndarray, "_ _"]]:
    """Rates for a tier's trials in ascending file order, by mouse; the model is left as found.

    Mode 'training' reproduces the published Model 4 submission, which was predicted with random readout
    positions and the statistics of the test batch; nobody should want it for anything else.
    """
    change = evaluating if mode == "evaluation" else predicting_as_in_training
    with change(model), torch.no_grad():
        return {key: _predicted(model, mouse, tier, batch_size) for key, mouse in mice.items()}


def _predicted(model: nn.Module, mouse: MouseTrials, tier: str, batch_size: int) -> np.ndarray:
    view, trials = model.mouse(mouse.scan.key), mouse.trials(tier)
    parts = [view(**batch.inputs) for batch in mouse.batches(trials, batch_size)]
    return torch.cat(parts).float().cpu().numpy() if parts else np.empty((0, mouse.scan.neurons), np.float32)


def score_table(
    mice: Mapping[str, MouseTrials], predictions: Mapping[str, Float[np.ndarray, "_ _"]], tier: str = "test"
) -> pd.DataFrame:
    """One row per mouse and one, 'all', over all neurons.

    Columns: mouse, neurons, single_trial, spread (standard deviation over neurons), to_average, feve
    (mean over neurons whose explainable variance is 15 % or more; NaN without repeated images). Raises
    DataError for a tier whose responses the competition withholds.
    """
    tables = [
        _neuron_scores(mice[key], predicted, tier).assign(mouse=key) for key, predicted in predictions.items()
    ]
    neurons = pd.concat([*tables, *(table.assign(mouse="all") for table in tables)])
    grouped = neurons.groupby("mouse", sort=False)
    return pd.DataFrame(
        {
            "neurons": grouped.size(),
            "single_trial": grouped.single_trial.mean(),
            "spread": grouped.single_trial.std(),
            "to_average": grouped.to_average.mean(),
            "feve": grouped.feve.mean(),
        }
    ).reset_index()


def _neuron_scores(mouse: MouseTrials, predicted: np.ndarray, tier: str) -> pd.DataFrame:
    scan = mouse.scan
    if scan.withheld(tier):
        raise DataError(f"Scan {scan.key} withholds the responses of tier {tier!r}; score another tier.")
    trials = mouse.trials(tier).numpy()
    responses, images = scan.responses[trials], scan.image_ids[trials]
    explained = metrics.feve(responses, predicted, images)
    return pd.DataFrame(
        {
            "single_trial": metrics.correlation(responses, predicted),
            "to_average": metrics.correlation_to_average(responses, predicted, images),
            "feve": np.where(explained.kept, explained.fraction_explained, np.nan),
        }
    )


def _single_trial(mouse: MouseTrials, tier: str, predicted: np.ndarray) -> Float[np.ndarray, "N"]:
    return metrics.correlation(mouse.scan.responses[mouse.trials(tier).numpy()], predicted)


def save_model(fitted: Fitted, mice: Mapping[str, MouseTrials], recipe: Recipe, path: str | Path) -> Path:
    """Weights, recipe, fitted states and which scans, as one checkpoint."""
    arrays = {
        f"{key}/{name}": array
        for key, mouse in mice.items()
        if mouse.state is not None
        for name, array in mouse.state.arrays().items()
    }
    facts = {
        "recipe": asdict(recipe),
        "scans": {key: mouse.scan.fingerprint for key, mouse in mice.items()},
        "validation_correlation": -fitted.best_loss,
        "uses_past_responses": recipe.inputs.uses_past_responses,
    }
    return checkpoint.save(fitted.model, path, fitted.model.configuration, arrays=arrays, **facts)


def load_model(path: str | Path) -> tuple[SensoriumModel, Recipe, dict[str, StateTransform]]:
    """A saved model, its recipe, and the state transforms that it was trained on."""
    model, description = checkpoint.load(path, SensoriumModel)
    try:
        recipe = _recipe(description["recipe"])
        states = {
            key: StateTransform.from_arrays(_of_mouse(description["arrays"], key))
            for key in model.mice
            if recipe.model.state
        }
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The side-car of {path} holds no recipe of this version; train it anew."
        ) from error
    return model, recipe, states


def _recipe(found: dict[str, Any]) -> Recipe:
    parts = {"model": ModelSettings, "fit": FitSettings, "state": StateSettings}
    return replace(Recipe(**found), **{name: kind(**found[name]) for name, kind in parts.items()})


def _of_mouse(arrays: dict[str, np.ndarray], key: str) -> dict[str, np.ndarray]:
    return {name.split("/")[1]: array for name, array in arrays.items() if name.split("/")[0] == key}
