"""The commands of `--recording sensorium`: they print what `neurokit.sensorium` does."""

import argparse
from typing import TYPE_CHECKING

from neurokit import settings
from neurokit.cli_options import given
from neurokit.errors import SettingsError

if TYPE_CHECKING:
    from neurokit.sensorium.experiment import Plan

SCORES = """\
single_trial: correlation over single test trials, mean over neurons (spread: standard deviation over
neurons); to_average: over images' averages; feve: fraction of explainable variance explained"""
CEILING = "ceiling: single_trial of a prediction that knows the simulated mouse, given: {}"


def data(options: argparse.Namespace) -> None:
    """Prints what the source's scans are; downloads all seven where the source is full."""
    from neurokit.sensorium.sources import describe_scans, every_scan

    table = describe_scans(every_scan(seed=options.seed))
    print(f"SENSORIUM 2022 (source {settings.source()}, files under {settings.data_folder()})")
    print(table.to_string(index=False))


def simulate(options: argparse.Namespace) -> None:
    """Writes one scan of the pre-training kind, and its truth."""
    from neurokit.sensorium.sources import write_simulated

    folder = options.output or settings.data_folder() / "simulated" / f"scan-{options.seed}"
    made = write_simulated(folder, seed=options.seed, **given(options, "trials"))
    print(f"wrote {made.scan}\nwrote {made.truth}")
    scores = ", ".join(f"{what} {score:.3f}" for what, score in made.ceilings.items())
    print(f"best reachable correlation on single test trials, knowing: {scores}")


def train(options: argparse.Namespace) -> None:
    """Trains a SENSORIUM model, resuming a killed run, and saves it beside the data."""
    from neurokit.sensorium.experiment import train_and_save

    plan = _plan(options)
    run = train_and_save(plan, **given(options, "device", "compile"))
    best = f"best epoch {run.best_epoch} of {plan.recipe.fit.epochs} at most"
    print(f"{run.parameters} parameters, {best}, validation correlation {run.correlation:.3f}")
    print(f"saved {run.path}")


def evaluate(options: argparse.Namespace) -> None:
    """Prints test scores of the saved SENSORIUM model (trained first if there is none)."""
    from neurokit.sensorium.experiment import evaluate_saved, is_saved

    plan = _plan(options)
    if not is_saved(plan):
        print(f"no model at {plan.path}: training one")
    print(evaluate_saved(plan).round(3).to_string(index=False))
    _explain(plan)


def submit(options: argparse.Namespace) -> None:
    """Trains an ensemble and prints its files and scores."""
    from neurokit.sensorium.experiment import submit

    if options.workers is not None and options.engine in (None, "here"):
        raise SettingsError("--workers needs --engine processes or ray; here members are trained in turn.")
    plan = _plan(options, model="model_4")
    folder = options.output or settings.data_folder() / "submissions" / plan.path.name
    made = submit(plan, folder, **given(options, "members", "engine", "workers", "device", "compile"))
    print(made.members.round(3).to_string(index=False))
    single = made.members.single_trial[made.members.model != "ensemble"]
    print(f"members: {single.mean():.3f} ± {single.std(ddof=0):.3f} (spread over members)")
    if len(made.scores):
        print(made.scores.round(3).to_string(index=False))
    _explain(plan)
    print("\n".join(f"wrote {file} (valid)" for file in made.files))


def _explain(plan: "Plan") -> None:
    print(SCORES)
    if plan.source == "demo":
        print(CEILING.format(plan.given))


def _plan(options: argparse.Namespace, **default: str) -> "Plan":
    """What the options ask for; prints it, and which scans are left out."""
    from neurokit.sensorium.experiment import Plan

    plan = Plan(seed=options.seed, **default | given(options, "model", "epochs", "published"))
    print(plan.description)
    for key in plan.left_out:
        print(f"scan {key} is left out: it has no behaviour")
    return plan
