"""The numbers of all four systems to the last bit: what a change of the code's form must not change.

    python benchmarks/equal_numbers.py            writes benchmarks/results/equal_numbers.json
    python benchmarks/equal_numbers.py --check    compares with it: exit status 1 where an entry differs

Each system is run from its simulated files to its scores in small, on one thread and with fixed seeds:
recordings, features, training history, weights, predictions, baselines, scores, a submission. Bits may differ
on another processor or with other libraries; a check there says so. About three minutes.

Only the functions of the first half call the package. Where its names change, change the calls and nothing
else: names of entries, sizes, seeds and epochs stay.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

import record
from digests import columns, differences, digest, digests, file_digest, machine, scores, weights
from neurokit import digital_twin as twins
from neurokit import pupil_encoder as pupil
from neurokit import sensorium as images
from neurokit import settings
from neurokit.digital_twin import MouseClips, Trial, TrialFolder, TwinConfig
from neurokit.experiment import Experiment
from neurokit.pupil_encoder import EncodingTask, PupilConfig, TrialRecording, simulated_truth
from neurokit.pupil_encoder.scores import seed_style_column
from neurokit.sensorium import MODELS, MouseTrials, Scan, demo_parameters, scan_truth
from neurokit.training import checkpoint
from neurokit.v1_transformer import baselines as movie_baselines
from neurokit.v1_transformer import experiment as movies
from neurokit.v1_transformer.config import SMALL as SMALL_TRANSFORMER
from neurokit.v1_transformer.config import TransformerConfig
from neurokit.v1_transformer.recording import MovieSession

Numbers = dict[str, Any]
NAME = "equal_numbers"
SHOWN = 20  # differing entries that are printed
HERE: Numbers = {"device": "cpu", "show_progress": False}
KNOWLEDGE = ("image", "behaviour", "everything")  # for which SENSORIUM's ceiling is known
SMALL_MOUSE = {"minutes": 1.5, "cells": 20, "test_clips": 2, "new_clips": 1, "repeats": 3}


def environment(data: str) -> dict[str, str]:
    """The variables that the package reads."""
    off = dict.fromkeys(("NEUROKIT_FAST", "NEUROKIT_KEEP_MEMORY", "CUDA_VISIBLE_DEVICES"), "")
    return off | {"NEUROKIT_DATA": data, "NEUROKIT_SOURCE": "demo", "NEUROKIT_QUIET": "1"}


# PupilEncoder


def pupil_encoder() -> Numbers:
    """All five families on the pupil, every baseline, and what all behaviour is turned into."""
    recording, other = pupil.load(seed=0), pupil.load(seed=1)
    task = pupil.task(recording)
    wider = pupil.task(other, PupilConfig(inputs="behaviour", split="blocked", seed=1))
    models, rates = {}, {}
    for family in ("rnn", "gru", "lstm", "mlp", "cnn"):
        config = PupilConfig(cell=family, hidden=27, layers=1, seed=0).with_epochs(3)
        encoder = pupil.build(task, config)
        fitted = pupil.train(encoder, task, config, **HERE)
        models[family] = trained(fitted)
        rates[family] = pupil.rates(fitted.model, task)
    baselines = pupil.baseline_rates(task)
    table = pupil.score_table(task, rates | baselines)
    table["seed_style"] = table["model"].map(seed_style_column(task, rates | baselines))
    return {
        "recording": trial_recording(recording),
        "best reachable R2": digest(simulated_truth(0).best_r2),
        "task": encoding_task(task),
        "task of all behaviour, blocked": encoding_task(wider),
        "models": models,
        "predictions": digests(**{name: each[task.split.test] for name, each in rates.items()}),
        "baselines": digests(**{name: each[task.split.test] for name, each in baselines.items()}),
        "scores": scores(table, "model", "region"),
    }


def trial_recording(recording: TrialRecording) -> Numbers:
    """Every array of the recording."""
    named = {f"behaviour {name}": values for name, values in recording.behaviour.items()}
    held = {"time": recording.time, "spikes": recording.spikes, "areas": recording.brain_area, **named}
    return digests(**held, trials=recording.trials.to_numpy(dtype=float))


def encoding_task(task: EncodingTask) -> Numbers:
    """Inputs, targets, what is scored, the split and the scales."""
    names = ("inputs", "rates", "recorded", "scored", "channels", "regions")
    held = {name: np.asarray(getattr(task, name)) for name in names}
    scales = np.array([[task.scales[name].centre, task.scales[name].spread] for name in task.channels])
    return digests(**held, split=parts(task.split), scales=scales)


# SENSORIUM


def sensorium() -> Numbers:
    """cnn_plus on the demo's mice, model_4 on one of them, and an ensemble's submission of all."""
    config = MODELS["cnn_plus"].small.with_epochs(2)
    scans = images.load(config=config)
    mice = images.task(scans, config, device="cpu")
    fitted = images.train(images.build(mice, config), mice, config, show_progress=False)
    return {
        "recordings": {key: scan_arrays(scan) for key, scan in scans.items()},
        "cnn_plus": {
            "task": {key: mouse_inputs(mouse) for key, mouse in mice.items()},
            **trained(fitted),
            "predictions": digests(**images.predict(fitted.model, mice, "test")),
            "scores": scores(beside_ceiling(images.evaluate(fitted.model, mice, config)), "mouse"),
        },
        "model_4": model_4(scans),
        "ensemble of model_4": ensemble(),
    }


def beside_ceiling(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the model, each with its ceiling."""
    best = table[table.model == "ceiling"].set_index("mouse").single_trial
    own = table[table.model == "SensoriumModel"].drop(columns="model")
    return own.assign(ceiling=own.mouse.map(best))


def model_4(scans: dict[str, Scan]) -> Numbers:
    """With history, state and gain, on the first mouse alone; its ceilings beside it."""
    config = MODELS["model_4"].small.with_epochs(2)
    first = demo_parameters(0)[0]
    mice = images.task({first.key: scans[first.key]}, config, device="cpu")
    fitted = images.train(images.build(mice, config), mice, config, show_progress=False)
    predictions = images.predict(fitted.model, mice, "test")
    truth, (mouse,) = scan_truth(first), mice.values()
    return {
        "task": mouse_inputs(mouse),
        "states": digests(**mouse.state.arrays()),
        **trained(fitted),
        "predictions": digests(**predictions),
        "scores": scores(images.score_table(mice, predictions), "mouse"),
        "ceilings": digests(**{given: truth.ceiling(given) for given in KNOWLEDGE}),
    }


def ensemble() -> Numbers:
    """Two members of one epoch, and the files that they submit."""
    config = MODELS["model_4"].small.with_epochs(1)
    load, place = partial(images.load, config=config), settings.data_folder() / "checkpoints" / "submission"
    made = place.with_name("members")
    submission = images.submit(load, config, place, members_folder=made, members=2, device="cpu")
    members = [checkpoint.load(made / f"member-{number}").model for number in range(2)]
    return {
        "weights": [weights(member) for member in members],
        "files": {path.name: file_digest(path) for path in submission.files},
        "scores of members": scores(submission.members, "model", "mouse"),
        "scores of files": scores(submission.scores, "scan", "tier"),
    }


def scan_arrays(scan: Scan) -> Numbers:
    """Every array of the recording."""
    names = (
        "images", "responses", "behaviour", "pupil_center", "tiers", "image_ids", "trial_ids", "rank",
        "unit_ids", "coordinates", "response_scale",
    )  # fmt: skip
    return digests(**{name: getattr(scan, name) for name in names})


def mouse_inputs(mouse: MouseTrials) -> Numbers:
    """All that a model is given of the validation trials, and their responses."""
    batches = list(mouse.batches(mouse.trials("validation"), 64))
    inputs = {name: [batch.inputs[name] for batch in batches] for name in batches[0].inputs}
    return digests(**inputs, responses=[batch.responses for batch in batches])


# V1 Transformer


def v1_transformer() -> Numbers:
    """Trained on one movie; the task of all movies beside it."""
    every = SMALL_TRANSFORMER
    all_movies = movies.load(source="demo", config=every)
    config = every.with_epochs(2).replace(movies=("natural_movie_one",))
    session = movies.load(source="demo", config=config)
    task = movies.task(session, config)
    fitted = movies.train(movies.build(task, config), task, config, **HERE)
    names = ("lagged_pixels", "mean_response", "motion_energy", "running_only")
    baselines = {name: getattr(movie_baselines, name)(task) for name in names}
    return {
        "recording": movie_session(all_movies),
        "task of all movies": movie_task(all_movies, every),
        "task": movie_task(session, config),
        **trained(fitted),
        "predictions": digest(movies.predict(fitted.model, task)),
        "baselines": digests(**baselines),
        "scores": scores(movies.evaluate(fitted.model, task, config), "model"),
    }


def movie_session(session: MovieSession) -> Numbers:
    """Every array of the recording."""
    names = ("time", "dff", "running", "pupil", "cell_ids")
    movies = session.movies.items()
    return digests(
        **{name: getattr(session, name) for name in names},
        **{f"frames of {name}": movie.frames for name, movie in movies},
        **{f"starts of {name}": movie.starts for name, movie in movies},
    )


def movie_task(session: MovieSession, config: TransformerConfig) -> Numbers:
    """Inputs, targets, split and scales."""
    task = movies.task(session, config)
    held = {name: getattr(task, name) for name in ("frames", "responses", "running")}
    scales = [np.asarray(value) for value in task.clips().scales.arrays().values()]
    return digests(**held, split=parts(task.split), scales=scales)


# Digital twin


def digital_twin() -> Numbers:
    """A core trained on the demo's mouse, and its transfer to a smaller recording of another mouse."""
    experiment = Experiment("digital-twin", epochs=2, device="cpu").train(show_progress=False)
    task, fitted = experiment.task, experiment.result
    recording, videos = task.trials, task.videos["natural"][:2]
    predictions = twins.predict_videos(twins.DigitalTwin(fitted.model, device="cpu"), videos)
    known = twins.load_truth(task.recording.folder).expected["natural"][: len(videos)]
    table = twins.score_table({"natural": videos}, {"digital twin": predictions, "ceiling": list(known)})
    return {
        "recording": trial_folder(recording),
        "videos": trials(repeat for video in videos for repeat in video.repeats),
        "windows": first_windows(recording, experiment.config),
        **trained(fitted),
        "predictions": digest(*predictions),
        "scores": scores(table, "stimulus", "model"),
        "transfer": transfer(experiment.path),
    }


def transfer(core: Path) -> Numbers:
    """To a mouse whose recording is given as a folder."""
    folder = twins.load_simulated_mouse(twins.MouseParameters(seed=1, **SMALL_MOUSE))
    experiment = Experiment(
        "digital-twin",
        folder=folder,
        values={"foundation": core},
        seed=1,
        size="small",
        epochs=2,
        device="cpu",
    ).train(show_progress=False)
    task, fitted = experiment.task, experiment.result
    videos, table = task.part("test"), experiment.evaluate()
    return {
        "recording": trial_folder(task.trials),
        "videos": trials(repeat for video in videos for repeat in video.repeats),
        **trained(fitted),
        "predictions": digest(*experiment.predict()),
        "baselines": {
            name: digest(*getattr(twins, name)(task.trials, videos))
            for name in ("lagged_pixels", "motion_energy")
        },
        "scores": scores(table[table.model != "ceiling"], "stimulus", "model"),
    }


def trial_folder(recording: TrialFolder) -> Numbers:
    """Every array of the trials, and which of them are to fit."""
    return trials(recording.trials) | digests(training=[trial.training for trial in recording.trials])


def trials(shown: Iterable[Trial]) -> Numbers:
    """Every array of some trials."""
    shown = list(shown)
    names = ("stimulus", "perspective", "modulation", "units")
    return digests(**{name: [getattr(trial, name) for trial in shown] for name in names})


def first_windows(recording: TrialFolder, config: TwinConfig) -> Numbers:
    """What one step of training is given."""
    mouse = MouseClips("mouse", recording.part(True), config)
    drawn = mouse.draw(config.batch, torch.Generator().manual_seed(0))
    return digests(**{name: getattr(drawn, name) for name in ("video", "pupil", "behaviour", "responses")})


# What the systems share


def trained(fitted: Any) -> Numbers:
    """History, best epoch and loss, weights."""
    return {
        "history": columns(fitted.history),
        "best": columns(pd.DataFrame({"epoch": [fitted.best_epoch], "loss": [fitted.best_loss]})),
        "weights": weights(fitted.model),
    }


def parts(split: Any) -> list[np.ndarray]:
    """The indices of a split's three parts."""
    return [getattr(split, part) for part in ("train", "validation", "test")]


SYSTEMS = (pupil_encoder, sensorium, v1_transformer, digital_twin)

# From here on nothing knows the package.


def numbers() -> list[Numbers]:
    """Those of all systems, in a data folder of its own that is removed at the end."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        os.environ.update(environment(folder))
        return [{"system": system.__name__, **system()} for system in SYSTEMS]


def main(arguments: list[str] | None = None) -> int:
    """Writes the file, or with --check compares with it; returns the exit status."""
    parser = argparse.ArgumentParser(description="The numbers of all four systems to the last bit.")
    parser.add_argument("--check", action="store_true", help="compare with the committed file")
    if not parser.parse_args(arguments).check:
        record.save(NAME, numbers(), made_on=machine())
        return 0
    return check(record.load(NAME))


def check(recorded: Numbers) -> int:
    """Prints the first entries that differ from those recorded; 1 where one does, else 0."""
    elsewhere = list(differences(recorded["made_on"], machine()))
    if elsewhere:
        print("The record was made on another machine, so the last bits may differ:", *elsewhere, sep="\n  ")
    expected, found = ({row["system"]: row for row in rows} for rows in (recorded["rows"], numbers()))
    differing = list(differences(expected, found))
    for line in differing[:SHOWN]:
        print(line)
    print(f"{len(differing)} entries differ from benchmarks/results/{NAME}.json")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
