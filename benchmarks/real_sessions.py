"""What baselines explain of real sessions: PSTH, condition and slow drift, with two ways to split.

    python benchmarks/real_sessions.py      (sessions of NEUROKIT_REAL_DATA, or those in the package)
    python benchmarks/real_sessions.py --downloaded      (all 39 that `--source full` has)

Sessions of Steinmetz et al. (2019), spikes from 0 to 0.4 s after the stimulus. The score is R² on test trials
against the mean of the training trials, averaged over regions of at least 20 units, and over seeds that draw
the random split. One conclusion a row over all sessions: median, lowest, highest; `values` has each session.
"""

import argparse
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from neurokit import Experiment, pupil_encoder, settings
from neurokit.metrics import r2
from neurokit.pupil_encoder import TrialRecording, baselines
from record import save

FEWEST = 20  # units of a region
MODELS = {
    "PSTH": baselines.psth,
    "PSTH by contrast": baselines.psth_by_condition,
    "PSTH + drift": baselines.psth_and_drift,
}


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Scores all sessions that are there and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--downloaded", action="store_true", help="all sessions of the full source")
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    found = {}
    for recording in downloaded() if options.downloaded else at_hand():
        found[recording.name] = score(recording, options.seeds)
        print(
            recording.name,
            *(f"{key}: {value:.3f}" for key, value in found[recording.name].items()),
            sep=" | ",
        )
    rows = [row(split, model, found) for split in ("random", "blocked") for model in MODELS]
    if not options.no_file:
        save("real_sessions", rows, seeds=options.seeds, sessions=list(found))
    return rows


def row(split: str, model: str, found: dict[str, dict[str, float]]) -> dict[str, Any]:
    """One model and split over all sessions; all models hold the PSTH, and `gain` is what they add to it."""
    values = [each[f"{model}, {split}"] for each in found.values()]
    gains = [each[f"{model}, {split}"] - each[f"PSTH, {split}"] for each in found.values()]
    above = None if model == "PSTH" else f"{sum(gain > 0 for gain in gains)} of {len(gains)}"
    return {
        "split": split,
        "model": model,
        "median": float(np.median(values)),
        "low": min(values),
        "high": max(values),
        "gain": None if model == "PSTH" else float(np.median(gains)),
        "above_psth": above,
        "values": values,
    }


def at_hand() -> Iterator[TrialRecording]:
    """Sessions in the folder of real recordings, or those without behaviour in the package."""
    if not os.environ.get("NEUROKIT_REAL_DATA"):
        held = pupil_encoder.sessions("cutout")
        for name in held["session"][held["behaviour"] == "none"]:
            yield pupil_encoder.load(source="cutout", session=name)
        return
    folder = settings.real_data_folder() / "steinmetz2019" / "sessions"
    for name in pupil_encoder.sessions("cutout", folder=folder)["session"]:
        yield pupil_encoder.load(folder=folder, session=name)


def downloaded() -> Iterator[TrialRecording]:
    """All sessions of the published files."""
    for name in pupil_encoder.sessions("full")["session"]:
        yield pupil_encoder.load(source="full", session=name)


def score(recording: TrialRecording, seeds: int) -> dict[str, float]:
    """R² by model and split, mean over regions and seeds."""
    found: dict[str, list[float]] = {}
    for split in ("random", "blocked"):
        for seed in range(seeds):
            values = {"split": split, "regions": list(recording.regions(FEWEST))}
            task = Experiment("pupil-encoder", recording=recording, values=values, seed=seed).task
            mean, bins = baselines.mean_rate(task), task.bins("test")
            for name, model in MODELS.items():
                value = float(r2(task.rates, model(task), mean, bins).mean())
                found.setdefault(f"{name}, {split}", []).append(value)
    return {name: float(np.mean(values)) for name, values in found.items()}


if __name__ == "__main__":
    main()
