"""SENSORIUM from scans to saved models and submissions, for the command line and the notebooks.

A plan settles all that a command needs: which model, how large, on which scans, saved where.

    plan = Plan("cnn_plus")           # on the source of NEUROKIT_SOURCE
    train_and_save(plan)
    evaluate_saved(plan)
    submit(Plan("model_4"), "submission", members=5)

Letters: N neurons.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from neurokit import settings
from neurokit.config import Seed, check_value
from neurokit.errors import DataError, SettingsError
from neurokit.sensorium import sources as scans
from neurokit.sensorium import training
from neurokit.sensorium.config import PUBLISHED, Recipe, small
from neurokit.sensorium.ensemble import Engine, Ensemble, train_ensemble
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.kernels import check_usable
from neurokit.sensorium.recording import SCANS, Scan
from neurokit.sensorium.saved import check_saved, load_model, save_model
from neurokit.sensorium.simulation import Given, ScanTruth
from neurokit.sensorium.sources import every_scan
from neurokit.sensorium.submission import (
    TRACKS,
    file_name,
    score,
    validate,
    write_ground_truth,
    write_submission,
)
from neurokit.sensorium.training import predict_tier, score_table
from neurokit.training.compiling import Compile, check_compile
from neurokit.training.device import choose_device

SEEDS = 1000  # between the seeds of two plans, so that the members of their ensembles differ
SUBMITTED = ("test", "final_test")


@dataclass(frozen=True)
class Plan:
    """A published model on the scans of a source.

    On the demo source its recipe is made small, unless `published`; `epochs` replaces the recipe's. `seed`
    picks the demo's mice, and is added, times 1000, to the seeds of weights and training. Raises
    SettingsError for a model that is none of the five, and for an unknown source.
    """

    model: str = "cnn_plus"
    seed: int | np.integer = 0
    epochs: int | None = None
    published: bool = False
    source: settings.Source = field(default_factory=settings.source)

    def __post_init__(self) -> None:
        """Looks at the names of model and source."""
        settings.check_source(self.source)
        if self.model not in PUBLISHED:
            raise SettingsError(f"There is no model {self.model!r}; choose one of {', '.join(PUBLISHED)}.")
        object.__setattr__(self, "seed", check_value("seed", self.seed, Seed))

    @property
    def size(self) -> str:
        """'small' or 'published'."""
        return "small" if self.source == "demo" and not self.published else "published"

    @property
    def recipe(self) -> Recipe:
        """What is trained, and how."""
        recipe, changed = PUBLISHED[self.model], {} if self.epochs is None else {"epochs": self.epochs}
        recipe = small(recipe, **changed) if self.size == "small" else recipe
        further = SEEDS * self.seed
        fit = recipe.fit.replace(seed=recipe.fit.seed + further, **changed)
        return recipe.replace(seed=recipe.seed + further, fit=fit)

    @property
    def given(self) -> Given:
        """What the model is told of a trial, in the words of `ScanTruth.ceiling`."""
        inputs = self.recipe.inputs
        return "everything" if inputs.uses_past_responses else "behaviour" if inputs.behaviour else "image"

    @property
    def description(self) -> str:
        """One line on which model this is."""
        model = self.recipe.model
        size = "made small for the demo" if self.size == "small" else "in its published size"
        past = "; reads past responses" if self.given == "everything" else ""
        return f"{self.model} {size}: {model.channels} channels, {model.layers} layers{past}"

    def scans(self) -> dict[str, Scan]:
        """The source's scans that the model can read; the full source downloads those alone."""
        if self.recipe.inputs.behaviour is None:
            return every_scan(self.source, self.seed)
        found = scans.load_scans(source=self.source, seed=self.seed)
        return {key: scan for key, scan in found.items() if scan.has_behaviour}

    @property
    def left_out(self) -> list[str]:
        """Keys of the source's scans without behaviour, where the model reads it."""
        if self.recipe.inputs.behaviour is None:
            return []
        if self.source == "demo":
            simulated = scans.demo_parameters(self.seed)
            return [parameters.key for parameters in simulated if parameters.kind == "sensorium"]
        return [key for key in SCANS if key not in scans.FULL]

    @property
    def path(self) -> Path:
        """Where the model is kept, without suffix."""
        return settings.data_folder() / "checkpoints" / self._name

    @property
    def unfinished(self) -> Path:
        """Where its training is kept until it is over."""
        return self.path.with_name(f"{self._name}-{self.recipe.fit.epochs}.training")

    @property
    def members(self) -> Path:
        """The folder of an ensemble's members, which may be more or fewer; another for other epochs."""
        return self.path.with_name(f"{self._name}-{self.recipe.fit.epochs}-members")

    @property
    def _name(self) -> str:
        return f"sensorium-{self.source}-{self.model}-{self.size}-{self.seed}"


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

    Columns as in `score_table`; on the demo source also `ceiling`, the mean correlation of a prediction
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
    return _with_ceiling(table, plan) if plan.source == "demo" else table


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
    scores = _local_scores(plan, found, places) if plan.source == "demo" else pd.DataFrame()
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
