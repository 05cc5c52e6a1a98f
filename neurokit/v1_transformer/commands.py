"""The commands of `--recording allen`: they print what `neurokit.v1_transformer` does."""

import argparse
from typing import TYPE_CHECKING

import numpy as np

from neurokit import settings
from neurokit.cli_options import MOVIES, given

if TYPE_CHECKING:
    from neurokit.v1_transformer.experiment import Plan

SCORES = """\
medians over the cells that are reliable in training frames; single_trial: correlation over all test frames
of all repeats; cc_abs: of the means over repeats; cc_norm: cc_abs over the most that noise allows (low, high:
quartiles over cells); absolute_error: of single trials, in standard deviations of a cell"""
CEILING = "ceiling: a prediction that knows the simulated cells, the movie{}"


def data(options: argparse.Namespace) -> None:
    """Prints what the source's session holds; downloads it where the source is full."""
    plan = _plan(options)
    session = plan.load()
    samples, rate = len(session.time), 1 / np.diff(session.time).mean()
    print(f"session {session.session_id} (source {plan.source}, {session.session_type})")
    print(f"  {session.structure}, {session.depth} µm deep, {session.cre_line}, pipeline {session.pipeline}")
    print(f"  {len(session.cell_ids)} cells, {samples} samples at {rate:.1f} Hz")
    for name, movie in session.movies.items():
        repeats, frames = movie.starts.shape
        print(f"  {name}: {frames} frames x {repeats} repeats")
    measured = 100 * np.isfinite(session.running).mean()
    print(f"  running measured at {measured:.1f} % of samples, pupil {_recorded(session.pupil)}")
    print(f"  file {plan.file(session)}")


def simulate(options: argparse.Namespace) -> None:
    """Writes one session as AllenSDK's cache reads it, and its truth."""
    from neurokit.v1_transformer.experiment import write_simulated
    from neurokit.v1_transformer.simulated_files import truth_path

    folder = options.output or settings.data_folder() / "simulated" / f"allen-session-{options.seed}"
    made = write_simulated(folder, seed=options.seed, **given(options, "session_type"))
    print(f"wrote {made.path}\nwrote {truth_path(made.path)}\n(open {folder} as a cache of AllenSDK)")
    print("best reachable correlation, median over cells, with single trials and with means over repeats:")
    for known, found in made.ceilings.items():
        single, mean = np.median(found.single_trial), np.median(found.repeat_mean)
        print(f"  knowing {known}: {single:.3f}, {mean:.3f}")


def train(options: argparse.Namespace) -> None:
    """Trains a V1 Transformer, resuming a killed run, and saves it beside the data."""
    from neurokit.v1_transformer.experiment import train_and_save

    plan = _plan(options)
    print(plan.description)
    run = train_and_save(plan, **given(options, "device", "compile"))
    best = f"best epoch {run.best_epoch} of {plan.recipe.fit.epochs}"
    print(f"{run.parameters} parameters, {best}, validation error {run.error:.4f} standard deviations")
    print(f"saved {run.path}")


def evaluate(options: argparse.Namespace) -> None:
    """Prints test scores of the saved V1 Transformer (trained first if there is none) and its baselines."""
    from neurokit.v1_transformer.experiment import evaluate_saved, is_saved

    plan = _plan(options)
    print(plan.description)
    if not is_saved(plan):
        print(f"no model at {plan.path}: training one")
    print(evaluate_saved(plan).round(3).to_string(index=False))
    print(SCORES)
    if plan.source == "demo":
        print(CEILING.format(" and the running" if plan.running == "measured" else ", not the running"))


def _recorded(pupil: np.ndarray | None) -> str:
    return "not recorded" if pupil is None else "recorded"


def _plan(options: argparse.Namespace) -> "Plan":
    """What the options ask for; movies each once, in the order of their numbers."""
    from neurokit.v1_transformer.experiment import Plan

    asked = {"session_id": options.session} | given(options, "running", "size", "epochs")
    if options.movies is not None:
        asked["movies"] = tuple(name for name in MOVIES if name in options.movies)
    if options.without is not None:
        asked["without"] = tuple(sorted(options.without))
    return Plan(seed=options.seed, **asked)
