"""SENSORIUM from scans to saved models and submissions, for the command line and the notebooks.

    plan = Plan("cnn_plus")           # on the tier of NEUROKIT_TIER
    train_and_save(plan)
    evaluate_saved(plan)
    submit(Plan("model_4"), "submission", members=5)

Letters: N neurons.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from neurokit import settings
from neurokit.compiling import Compile, check_compile
from neurokit.data import scans
from neurokit.data.scan_truth import ScanTruth
from neurokit.data.sensorium import Scan
from neurokit.device import choose_device
from neurokit.errors import DataError
from neurokit.fast import check_usable
from neurokit.features.mouse_trials import MouseTrials
from neurokit.sensorium import training
from neurokit.sensorium.ensemble import Engine, Ensemble, train_ensemble
from neurokit.sensorium.plan import Plan
from neurokit.sensorium.prediction import predict_tier, score_table
from neurokit.sensorium.saved import check_saved, load_model, save_model
from neurokit.submission import TRACKS, file_name, score, validate, write_ground_truth, write_submission

SUBMITTED = ("test", "final_test")


@dataclass(frozen=True)
class Trained:
    """A finished training run; `correlation` is that on single validation trials, of the best epoch."""

    path: Path
    parameters: int
    best_epoch: int
    correlation: float


@dataclass(frozen=True)
class Submission:
    """An ensemble's files, and how it scores where that can be known.

    `members` has the test scores of each member and of the ensemble, over all neurons of the scans
    whose test responses are known; `scores` those of each file against the simulation's ground truth,
    empty for a real scan, whose responses are withheld.
    """

    files: tuple[Path, ...]
    members: pd.DataFrame
    scores: pd.DataFrame


def prepare(plan: Plan, device: str = "auto") -> dict[str, MouseTrials]:
    """The trials of the plan's scans as its model reads them; raises what loading and preparing do."""
    return training.prepare(plan.scans(), plan.recipe, device=device)


def train_and_save(plan: Plan, device: str = "auto", compile: Compile = "none") -> Trained:
    """Trains the plan's model on all its scans and saves it; a killed run goes on."""
    _check_switches(compile, device)  # before anything is simulated or downloaded
    mice, unfinished = prepare(plan, device), plan.unfinished
    fitted = training.train_model(mice, plan.recipe, checkpoint=unfinished, compile=compile)
    path = save_model(fitted, mice, plan.recipe, plan.path)
    unfinished.unlink(missing_ok=True)
    parameters = sum(parameter.numel() for parameter in fitted.model.parameters())
    return Trained(path, parameters, fitted.best_epoch, -fitted.best_loss)


def is_saved(plan: Plan) -> bool:
    """Whether a model lies at the plan's path."""
    return plan.path.with_name(f"{plan.path.name}.json").is_file()


def evaluate_saved(plan: Plan) -> pd.DataFrame:
    """Test scores of the saved model, by scan; where none is saved it is trained first.

    Columns as in `score_table`; on the demo tier also `ceiling`, the mean correlation of a prediction
    that knows the truth and what the model is given. Raises CheckpointError where the saved model was
    trained on other scans.
    """
    found = plan.scans()
    if not is_saved(plan):
        train_and_save(plan)
    model, recipe, states = load_model(plan.path)
    check_saved(plan.path, found, recipe)  # that recipe may have other epochs than the plan
    scored = {key: found[key] for key in _scored(found)}
    mice = training.prepare(scored, recipe, states=states)
    device = next(iter(mice.values())).device
    table = score_table(mice, predict_tier(model.to(device), mice, "test"), "test")
    return _with_ceiling(table, plan) if plan.tier == "demo" else table


def submit(
    plan: Plan,
    folder: str | Path,
    *,
    members: int = 5,
    engine: Engine = "here",
    workers: int | None = None,
    device: str = "auto",
    compile: Compile = "none",
) -> Submission:
    """Trains an ensemble (finished members are kept), and writes and validates its submission.

    Each scan of the competition gets a folder of its own below `folder`, called by its track. Raises
    DataError where no scan has a final test, and what training and writing raise.
    """
    _check_switches(compile, device)
    found = plan.scans()
    competing = [key for key, scan in found.items() if len(scan.trials("final_test"))]
    if not competing:
        raise DataError(
            f"None of {', '.join(found)} has final_test trials; submit a scan of the competition."
        )
    how = {"engine": engine, "workers": workers, "device": device, "compile": compile}
    ensemble = train_ensemble(plan.scans, plan.recipe, plan.members, members=members, **how)
    scored = _part(ensemble, _scored(found)).score("test")
    places = {key: Path(folder) / TRACKS.get(key, key) for key in competing}
    files = _write(_part(ensemble, competing), places)
    scores = _local_scores(plan, found, places) if plan.tier == "demo" else pd.DataFrame()
    return Submission(files, scored[scored.mouse == "all"].reset_index(drop=True), scores)


def _scored(found: Mapping[str, Scan]) -> list[str]:
    """Keys of the scans whose test responses are known."""
    return [key for key, scan in found.items() if len(scan.trials("test")) and not scan.withheld("test")]


def _part(ensemble: Ensemble, keys: Iterable[str]) -> Ensemble:
    """The same members for some of the mice."""
    keys = list(keys)
    return Ensemble(ensemble.members, tuple({key: mice[key] for key in keys} for mice in ensemble.mice))


def _write(ensemble: Ensemble, places: Mapping[str, Path]) -> tuple[Path, ...]:
    """Both files of each scan, validated."""
    predictions = {tier: ensemble.predict(tier) for tier in SUBMITTED}
    files = []
    for key, place in places.items():
        scan = ensemble.mice[0][key].scan
        means = {tier: predicted[key].mean(axis=0) for tier, predicted in predictions.items()}
        written = write_submission(place, scan, means)
        for tier, file in zip(means, written, strict=True):
            validate(file, scan, tier)
        files += written
    return tuple(files)


def _local_scores(plan: Plan, found: Mapping[str, Scan], places: Mapping[str, Path]) -> pd.DataFrame:
    """The competition's scores of each file, against what the simulation has kept back."""
    rows = []
    for key, place in places.items():
        scan, truth = found[key], _truth(plan, key)
        standardised = truth.responses * scan.response_scale.astype(np.float32)
        responses = {tier: standardised[scan.trials(tier)] for tier in SUBMITTED}
        truths = write_ground_truth(place, scan, responses)
        for tier, file in zip(SUBMITTED, truths, strict=True):
            ceiling = float(truth.ceiling(plan.given, tier).mean())
            submitted = place / file_name(tier)
            rows.append({"scan": key, "tier": tier, **score(file, submitted), "ceiling": ceiling})
    return pd.DataFrame(rows)


def _with_ceiling(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    keys = [key for key in table["mouse"] if key != "all"]
    ceilings = {key: _truth(plan, key).ceiling(plan.given, "test") for key in keys}
    ceilings["all"] = np.concatenate(list(ceilings.values()))
    means = {key: float(values.mean()) for key, values in ceilings.items()}
    return table.assign(ceiling=table["mouse"].map(means))


def _truth(plan: Plan, key: str) -> ScanTruth:
    simulated = {parameters.key: parameters for parameters in scans.demo_parameters(plan.seed)}
    return scans.scan_truth(simulated[key])


def _check_switches(compile: Compile, device: str) -> None:
    """Raises SettingsError for what this machine cannot do."""
    chosen = choose_device(device)
    check_compile(compile, chosen)
    if settings.fast():
        check_usable(chosen)
