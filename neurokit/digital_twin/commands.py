"""The commands of `--recording microns`: they print what `neurokit.digital_twin` does."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurokit import settings
from neurokit.cli_options import given
from neurokit.errors import SettingsError

if TYPE_CHECKING:
    from neurokit.digital_twin.experiment import Plan

SCORES = """\
medians over units, on videos never trained on; cc_norm: cc_abs over cc_max (low, high: quartiles over units);
cc_abs: correlation of the means over repeats; cc_max: the most that noise allows it; single_trial:
correlation over all frames of all repeats"""
CEILING = """\
ceiling: a prediction that knows the simulated mouse, its eye and its running, which cc_max counts as noise"""


def data(options: argparse.Namespace) -> None:
    """Prints what a recording holds, or which scans released weights are of; source full downloads them."""
    if options.weights and options.folder:
        raise SettingsError("--weights and --folder cannot both be shown; give one of them.")
    if options.weights or (settings.source() == "full" and options.folder is None):
        _show_weights(options.weights)
    else:
        _show_recording(_plan(options).recording())


def simulate(options: argparse.Namespace) -> None:
    """Writes a simulated mouse's trial folders, and its truth."""
    from neurokit.digital_twin.experiment import write_simulated

    folder = options.output or settings.data_folder() / "simulated" / f"video-mouse-{options.seed}"
    made = write_simulated(folder, seed=options.seed)
    print(f"wrote {made.folder}")
    print("best reachable, median over cells: single-trial correlation, that of means over repeats, cc_max")
    for kind, found in made.ceilings.items():
        medians = (np.median(values) for values in (found.single_trial, found.repeat_mean, found.cc_max))
        print(f"  {kind}: " + ", ".join(f"{value:.3f}" for value in medians))


def train(options: argparse.Namespace) -> None:
    """Trains a digital twin, resuming a killed run, and saves it beside the data."""
    from neurokit.digital_twin.experiment import train_and_save

    plan = _plan(options)
    print(plan.description)
    run = train_and_save(plan, **given(options, "device", "compile"))
    best = f"best epoch {run.best_epoch}, validation loss {run.loss:.4f}"
    print(f"{run.parameters} parameters, {run.trained} of them trained, {best}")
    print(f"saved {run.path}")


def evaluate(options: argparse.Namespace) -> None:
    """Prints scores of the saved digital twin (trained first if there is none) and its baselines."""
    from neurokit.digital_twin.experiment import evaluate_saved, is_saved

    plan = _plan(options)
    print(plan.description)
    if not is_saved(plan):
        print(f"no twin at {plan.path}: training one")
    print(evaluate_saved(plan).round(3).to_string(index=False))
    print(SCORES)
    if plan.simulated:
        print(CEILING)


def _show_weights(folder: Path | None) -> None:
    from neurokit.digital_twin.released import fetch_weights, list_scans

    folder = folder or fetch_weights()
    print(f"weights of digital twins in {folder}")
    print(list_scans(folder).to_string(index=False))
    print("neurokit.digital_twin.released.load_twin(folder, session, scan_idx) opens one")


def _show_recording(folder: Path) -> None:
    from neurokit.digital_twin.recording import load_trials
    from neurokit.digital_twin.scores import held_out_videos

    recording = load_trials(folder / "training_data")
    rows, columns = recording.frame
    lengths = [len(trial.stimulus) for trial in recording.trials]
    seen = np.concatenate([np.isfinite(trial.perspective).all(axis=1) for trial in recording.trials])
    fitted = len(recording.part(True))
    print(f"{folder} (source {settings.source()})")
    print(f"  {recording.units} units, video of {rows} x {columns} pixels at 30 Hz")
    print(f"  {fitted} trials to fit, {len(lengths) - fitted} to validate, {sum(lengths) / 1800:.1f} minutes")
    for kind, videos in held_out_videos(folder).items():
        repeats = sorted({len(video.repeats) for video in videos})
        print(f"  {kind}: {len(videos)} videos, repeats {', '.join(map(str, repeats))}")
    print(f"  pupil seen in {100 * seen.mean():.1f} % of frames")


def _plan(options: argparse.Namespace) -> "Plan":
    """What the options ask for."""
    from neurokit.digital_twin.experiment import Plan

    return Plan(seed=options.seed, **given(options, "folder", "foundation", "size", "epochs", "gaps"))
