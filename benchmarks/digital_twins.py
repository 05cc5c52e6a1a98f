"""What a foundation model is worth to a new mouse with few minutes of recording; over seeds.

    python benchmarks/digital_twins.py

For each seed a core is trained on two simulated mice (400 cells and ten minutes each), then transferred to a
new one, of whose recording the first 1, 3 and 9 minutes are fitted (one more minute chooses the epoch). Its
core is a CvT-LSTM, as the released one; a Conv-LSTM, the paper's other core, is trained and transferred
beside it. Beside them: the same network trained from scratch for as many steps, and with a frozen core of
random weights; ridge regression on lagged pixels, and on motion energy; the truth of the simulation. Scores
are medians over the new mouse's cells, on natural video shown ten times and on four kinds of stimulus that
nothing was trained on. The networks with most minutes are asked for the cells' preferred orientations, of the
half of the cells whose responses repeat best. No number was tuned on these mice. A finished job is not
computed again by the same code."""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from neurokit import settings
from neurokit.digital_twin.baselines import lagged_pixels, motion_energy
from neurokit.digital_twin.checkpoints import load_foundation, save_twin
from neurokit.digital_twin.config import SMALL, TwinConfig
from neurokit.digital_twin.network.config import Recurrence
from neurokit.digital_twin.network.network import FoundationNetwork, build_network
from neurokit.digital_twin.recording import Trial, TrialFolder, Video, load_trials, load_videos
from neurokit.digital_twin.scores import TwinScores, predict_videos, score_videos
from neurokit.digital_twin.simulated_files import load_simulated_mouse, load_truth, videos_folder
from neurokit.digital_twin.simulation import KINDS, MouseParameters
from neurokit.digital_twin.training import train_cohort, train_twin
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.insilico.video import (
    Batched,
    angles_between,
    direction_properties,
    direction_tuning,
    planted_directions,
)
from record import code_version, save
from run_once import run_once

STUDY = "digital_twins"
FIRST_MOUSE = 300  # the config was settled on mice 1000 to 2003
NEW = 9  # of the ten numbers of a seed, that of the new mouse; the others are pre-trained on
BASELINES = {"lagged ridge": lagged_pixels, "motion energy + ridge": motion_energy}
CONV = "transferred, Conv-LSTM"
NETWORKS = ("transferred", CONV, "from scratch", "random core")
SIZES = ("mice", "mice_cells", "mice_minutes", "mice_epochs", "cells", "epochs", "batches", "repeats")
MODELS = (*NETWORKS, *BASELINES, "truth")
RECURRENCE: dict[str, Recurrence] = {"transferred": "attention", CONV: "convolution"}
CONTROLS, CONTROLS_AT = (CONV, "random core"), 3.0  # what is asked with so many minutes alone
WAVELENGTHS, FREQUENCIES = np.array([10.0, 14.0, 20.0]), np.array([1.0, 2.0])  # pixels, Hz
WELL_DRIVEN = 0.5  # the share of cells, by CC_max on natural video, that are asked for their orientation


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Runs all unfinished jobs and writes the result file."""
    options = _options(arguments)
    size = {
        name: getattr(options, name)
        for name in (
            "mice",
            "mice_cells",
            "mice_minutes",
            "mice_epochs",
            "cells",
            "epochs",
            "batches",
            "repeats",
        )
    }
    size |= {"longest": max(options.minutes), "foundations": options.foundations}
    jobs = [
        {"model": model, "minutes": minutes, "seed": seed} | size
        for minutes in options.minutes
        for model in options.models
        for seed in options.seeds
        if minutes == CONTROLS_AT or model not in CONTROLS
    ]
    run = Parallel(n_jobs=options.workers, verbose=10)
    for model in {"transferred", CONV} & set(options.models):
        run(delayed(foundation)(seed, size, RECURRENCE[model]) for seed in options.seeds)
    found = run(delayed(one_job)(job) for job in jobs)
    table = summary(pd.DataFrame(found))
    print(table.round(3).to_string(index=False))
    if not options.no_file:
        each = [{key: row[key] for key in _EACH if key in row} for row in found]
        save(options.name, table.round(4).to_dict("records"), seeds=len(options.seeds), size=size, each=each)
    return table


def one_job(job: dict[str, Any]) -> dict[str, Any]:
    """Scores of one model of one new mouse; those with most minutes meet new stimuli, too."""
    torch.set_num_threads(1)
    return run_once(STUDY, job, lambda: measured(job))


def measured(job: dict[str, Any]) -> dict[str, Any]:
    """Medians over the cells of the new mouse."""
    everything = job["minutes"] == job["longest"]
    folder = load_simulated_mouse(new_mouse(job["seed"], job))
    predictor = trained(job, folder)
    found: dict[str, Any] = {}
    for kind in KINDS if everything else KINDS[:1]:
        videos = load_videos(videos_folder(folder, kind))
        scores = score_videos(videos, predictor(videos))
        medians = scores.medians()
        found |= medians if kind == KINDS[0] else {kind: medians["cc_norm"]}
        if everything and kind == KINDS[0] and isinstance(predictor, _Asked):
            found |= orientation_errors(predictor.animal, folder, well_driven(scores))
    return found


def well_driven(scores: TwinScores) -> np.ndarray:
    """Cells whose responses repeat best, whatever predicts them."""
    ceiling = np.nan_to_num(scores.repeats.cc_max)
    return ceiling >= np.quantile(ceiling, 1 - WELL_DRIVEN)


def trained(job: dict[str, Any], folder: Path) -> "_Asked | _Fitted":
    """The model of a job, fitted to the new mouse's first minutes."""
    if job["model"] == "truth":
        return _Asked(load_truth(folder))
    recording = first_minutes(load_trials(folder / "training_data"), job["minutes"])
    if job["model"] in BASELINES:
        return _Fitted(job["model"], recording)
    core = {
        **{name: partial(foundation, job["seed"], job, kind) for name, kind in RECURRENCE.items()},
        "from scratch": lambda: None,
        "random core": lambda: build_network(1, SMALL.network, seed=1000 + job["seed"]),
    }[job["model"]]()
    config = _config(job, job["epochs"])
    return _Asked(DigitalTwin(train_twin(recording, config, core, device="cpu", show_progress=False).model))


class _Asked:
    """Predictions of a twin, or of the mouse itself, one for each repeat."""

    def __init__(self, animal: Any) -> None:
        self.animal = animal

    def __call__(self, videos: tuple[Video, ...]) -> list[np.ndarray]:
        if isinstance(self.animal, DigitalTwin):
            return predict_videos(self.animal, videos)
        return [np.stack([self._response(repeat) for repeat in video.repeats]) for video in videos]

    def _response(self, repeat: Trial) -> np.ndarray:
        return self.animal.predict(np.array(repeat.stimulus), repeat.perspective, repeat.modulation)


class _Fitted:
    """Predictions of a baseline."""

    def __init__(self, name: str, recording: TrialFolder) -> None:
        self.name, self.recording = name, recording

    def __call__(self, videos: tuple[Video, ...]) -> list[np.ndarray]:
        return BASELINES[self.name](self.recording, videos)


def orientation_errors(animal: Any, folder: Path, asked_for: np.ndarray) -> dict[str, float]:
    """How far preferred orientations are off: deg, medians over all cells, those asked for, and shuffled."""
    truth = load_truth(folder)
    asked = animal if isinstance(animal, DigitalTwin) else Batched(animal)
    shape = truth.parameters.height, truth.parameters.width
    tuning = direction_tuning(asked, WAVELENGTHS, FREQUENCIES, shape=shape, show_progress=False)
    found = direction_properties(tuning).pref_ori.to_numpy()
    planted = planted_directions(truth.mouse.sight.cells) % 180
    order = np.random.default_rng(0).permutation(len(planted))
    off, shuffled = (angles_between(found, known, 180) for known in (planted, planted[order]))
    return {
        "orientation_error": float(np.median(off[asked_for])),
        "orientation_error_all": float(np.median(off)),
        "orientation_error_shuffled": float(np.median(shuffled[asked_for])),
    }


def foundation(seed: int, size: dict[str, Any], recurrence: Recurrence) -> FoundationNetwork:
    """The network of the first of the mice that share a core; trained on the first call, then read."""
    torch.set_num_threads(1)
    made_of = [
        size["foundations"] or code_version(),
        recurrence,
        seed,
        *(size[name] for name in SIZES if name.startswith(("mice", "batches"))),
    ]
    name = "-".join(["foundation", *map(str, made_of)]).replace(" ", "_")
    path = settings.data_folder() / "benchmarks" / STUDY / name
    if not path.with_name(f"{name}.safetensors").is_file():
        mice = [load_simulated_mouse(old_mouse(seed, number, size)) for number in range(size["mice"])]
        recordings = {f"mouse{i}": load_trials(folder / "training_data") for i, folder in enumerate(mice)}
        config = _config({"seed": seed} | size, size["mice_epochs"])
        config = config.replace(network=config.network.replace(recurrence=recurrence))
        fitted = train_cohort(recordings, config, device="cpu", show_progress=False)
        save_twin(fitted.model.mice["mouse0"], path, config)
    return load_foundation(path)


def old_mouse(seed: int, number: int, size: dict[str, Any]) -> MouseParameters:
    """A mouse to pre-train on; nothing is shown to it twice."""
    return MouseParameters(
        seed=FIRST_MOUSE + 10 * seed + number,
        minutes=float(size["mice_minutes"]),
        cells=size["mice_cells"],
        test_clips=0,
        new_clips=0,
    )


def new_mouse(seed: int, size: dict[str, Any]) -> MouseParameters:
    """The mouse to transfer to; a tenth of its recording is for validation."""
    return MouseParameters(
        seed=FIRST_MOUSE + 10 * seed + NEW,
        minutes=size["longest"] / 0.9,
        cells=size["cells"],
        repeats=size["repeats"],
    )


def first_minutes(recording: TrialFolder, minutes: float) -> TrialFolder:
    """The first trials to fit, and all trials to validate with."""
    seconds = len(recording.trials[0].stimulus) / 30
    fitted = recording.part(True)[: max(1, round(60 * minutes / seconds))]
    return replace(recording, trials=(*fitted, *recording.part(False)))


def _config(job: dict[str, Any], epochs: int) -> TwinConfig:
    return SMALL.with_epochs(epochs).replace(seed=job["seed"], batches=job["batches"])


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """One row for each model and number of minutes: means over seeds, and their spread."""
    grouped = found.drop(columns="seed").groupby(["model", "minutes"], sort=False)
    names = [name for name in _COLUMNS if name in found]
    table = grouped[names].mean()
    table["cc_norm_sd"] = grouped.cc_norm.std(ddof=1)
    table["single_trial_sd"] = grouped.single_trial.std(ddof=1)
    return table.reset_index()


_COLUMNS = (
    "cc_norm",
    "cc_abs",
    "cc_max",
    "single_trial",
    *KINDS[1:],
    "orientation_error",
    "orientation_error_all",
    "orientation_error_shuffled",
)

_EACH = ("model", "minutes", "seed", "cc_norm", "orientation_error", "orientation_error_all")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 3.0, 9.0])
    parser.add_argument("--mice", type=int, default=2, help="that the core is trained on")
    parser.add_argument("--mice-cells", type=int, default=400)
    parser.add_argument("--mice-minutes", type=float, default=10.0)
    parser.add_argument("--mice-epochs", type=int, default=10)
    parser.add_argument("--cells", type=int, default=100, help="of the new mouse")
    parser.add_argument("--epochs", type=int, default=4, help="of the new mouse's networks")
    parser.add_argument("--batches", type=int, default=SMALL.batches, help="in an epoch")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--foundations", help="commit of an earlier run whose cores are transferred")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--name", default=STUDY, help="of the result file")
    parser.add_argument("--no-file", action="store_true", help="print only")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
