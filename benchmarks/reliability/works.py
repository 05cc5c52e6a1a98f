"""The works that are killed and raced: small, deterministic, of a fraction of a second to two.

Each is a function of its private folder, in which the data folder lies; the inputs are made once and read.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hyperopt import hp

from neurokit import digital_twin, pupil_encoder, settings, v1_transformer
from neurokit.config import Config
from neurokit.digital_twin.config import TwinConfig
from neurokit.experiment import Experiment
from neurokit.files.atomic import atomic_write_folder
from neurokit.files.fetch import fetch
from neurokit.files.registry import Entry
from neurokit.pupil_encoder.model import PupilEncoder
from neurokit.sensorium import sources as scan_sources
from neurokit.sensorium.config import CNN, SensoriumConfig
from neurokit.sensorium.ensemble import train_ensemble
from neurokit.sensorium.recording import load_scan
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import ScanParameters, simulate_scan, truth_path, write_scan, write_truth
from neurokit.sensorium.submission.table import write_ground_truth, write_submission
from neurokit.simulation import scenes
from neurokit.training import checkpoint
from neurokit.training.settings import FitSettings
from reliability.sizes import NETWORK
from reliability.trying import Place

FAST: dict[str, Any] = {"device": "cpu"}
SCAN = ScanParameters(
    mouse=MouseParameters(neurons=6), train=40, validation=8, test_images=4, repeats=3, kind="sensorium_plus"
)
BRIEF = FitSettings(epochs=3, batch_size=16, learning_rate=0.009, clip=None, patience=None, seed=3)
CNN_CONFIG = SensoriumConfig(
    model=CNN.replace(channels=4, layers=2, input_kernel=5, hidden_kernel=3), fit=BRIEF, seed=11
)
MOVIES: dict[str, Any] = {"session_type": "three_session_C", "cells": 6, "frames": 150, "repeats": 4}
MOUSE: dict[str, Any] = {
    "minutes": 0.5, "cells": 5, "height": 12, "width": 16, "clip_frames": 40, "repeats": 3,
}  # fmt: skip
TWIN_CONFIG = TwinConfig(
    network=NETWORK, window=12, burn_in=2, batch=2, batches=3, validation_batches=2, seed=3
).with_epochs(3)

SIZES: dict[str, Any] = {"channels": 2, "regions": 3, "hidden": 64, "cell": "gru", "layers": 2}


@dataclass(frozen=True)
class Named:
    """A work, and what fills its private folder before each try."""

    name: str
    work: Callable[[Path], Any]
    before: Callable[[Path], Any] | None = None


def make_inputs(inputs: Path) -> None:
    """The four systems' simulated recordings, and two scans."""
    scenes.CANVAS = 360  # drawn sooner
    pupil_encoder.simulate(inputs / "pupil", trials=30)
    v1_transformer.simulate(inputs / "movies", **MOVIES)
    digital_twin.simulate(inputs / "twin", **MOUSE)
    for number in range(2):
        scan = simulate_scan(SCAN.replace(mouse=SCAN.mouse.replace(seed=number)))
        path = write_scan(scan, inputs / "scans")
        write_truth(scan, truth_path(path))


def experiments(inputs: Path) -> dict[str, Callable[[], Experiment]]:
    """A tiny experiment of each system on the inputs."""
    shape = v1_transformer.ClipShape(length=4, stride=2, before=1)
    sizes = {"frame": (10, 20), "patch": 5, "step": 5, "width": 8, "heads": 2}
    model = v1_transformer.TransformerSettings(**sizes, spatial_layers=1, temporal_layers=1)
    small = v1_transformer.MODELS["transformer"].small.replace(shape=shape, model=model).with_epochs(2)
    configs: Mapping[str, tuple[str, Config]] = {
        "sensorium": ("scans", CNN_CONFIG),
        "v1-transformer": ("movies", small),
        "digital-twin": ("twin", TWIN_CONFIG),
    }
    made: dict[str, Callable[[], Experiment]] = {
        name: partial(Experiment, name, folder=inputs / place, config=config, **FAST)
        for name, (place, config) in configs.items()
    }
    values = {"hidden": 4, "epochs": 6}
    made["pupil-encoder"] = partial(
        Experiment, "pupil-encoder", folder=inputs / "pupil", values=values, **FAST
    )
    return made


def list_works(inputs: Path, address: str) -> list[Named]:
    """All works; the file to download is at `address`."""
    made = experiments(inputs)
    trainings = [Named(f"training, {name}", partial(_train, made[name])) for name in settings.SYSTEMS]
    pupil, scans = made["pupil-encoder"], made["sensorium"]
    (first, *_) = sorted((inputs / "scans").glob("*.zip"))
    return [
        *trainings,
        Named("training anew", partial(_train, pupil, again=True), partial(_train, pupil)),
        Named("training, evaluation", partial(_evaluate, pupil)),
        Named("search", partial(_tune, pupil)),
        Named("packing", partial(_pack, first)),
        Named("submission, tables", partial(_write_tables, first), partial(_write_tables, first, factor=2)),
        Named("submission, ensemble", partial(_submit, scans)),
        Named("ensemble", partial(_train_members, inputs / "scans")),
        Named("download", partial(_download, address)),
        Named("folder write", partial(_write_folder, word=b"new"), partial(_write_folder, word=b"old")),
        Named("simulation, own folder", _simulate, partial(_simulate, seed=1)),
        Named("simulation, kept", _keep_simulated),
        Named("checkpoint", partial(save_model, seed=1), partial(save_model, seed=0)),
        Named("checkpoint, first", partial(save_model, seed=1)),
    ]


def _train(make: Callable[[], Experiment], folder: Path, *, again: bool = False) -> None:
    make().train(again=again, show_progress=False)


def _evaluate(make: Callable[[], Experiment], folder: Path) -> None:
    experiment = make().train(show_progress=False)
    experiment.save_scores(experiment.evaluate())


def _tune(make: Callable[[], Experiment], folder: Path) -> None:
    space = {"learning_rate": hp.loguniform("learning_rate", -7, -3)}
    make().tune(3, space=space, start_up_trials=2, progress=False)


def _pack(scan: Path, folder: Path) -> None:
    load_scan(scan)


def _write_tables(scan: Path, folder: Path, factor: int = 1) -> None:
    found = load_scan(scan)
    trials = {tier: len(found.trials(tier)) for tier in ("test", "final_test")}
    random, mean = np.random.default_rng(0), np.asarray(found.responses)[found.trials("train")].mean(axis=0)
    rates = {
        tier: factor**0.1 * mean * (1 + 0.1 * random.random((number, found.neurons)))
        for tier, number in trials.items()
    }
    write_submission(folder / "submission", found, rates)
    write_ground_truth(folder / "submission", found, rates)


def _submit(make: Callable[[], Experiment], folder: Path) -> None:
    make().submit(members=2)


def _train_members(scans: Path, folder: Path) -> None:
    load = partial(scan_sources.load, folder=scans, config=CNN_CONFIG)
    train_ensemble(load, CNN_CONFIG, folder / "members", members=2, **FAST)


def _download(address: str, folder: Path) -> None:
    entry = Entry("file.bin", "a test", None, None, (address,), "none", "none")
    fetch(entry, folder / "downloads")


def _write_folder(folder: Path, word: bytes) -> None:
    with atomic_write_folder(folder / "recording") as new:
        for number in range(30):
            (new / f"{number}.bin").write_bytes(word * 20_000)


def _simulate(folder: Path, seed: int = 0) -> None:
    pupil_encoder.simulate(folder / "own", trials=30, seed=seed)


def _keep_simulated(folder: Path) -> None:
    scenes.CANVAS = 360  # drawn sooner
    scan_sources.load_simulated([SCAN])


def save_model(folder: Path, seed: int) -> None:
    """Saves a model whose weights are drawn from the seed, which its side-car names."""
    torch.manual_seed(seed)
    checkpoint.save(PupilEncoder(**SIZES), folder / "models" / "model", seed=seed)


def warm_up(works: list[Named], place: Place) -> None:
    """Runs each work once in this process, so that what it imports lazily is there in every fork."""
    before = os.environ.get("NEUROKIT_DATA")
    for each in works:
        place.clear(place.root / "nothing")
        os.environ["NEUROKIT_DATA"] = str(place.folder / "data")
        each.work(place.folder)
    os.environ.pop("NEUROKIT_DATA")
    os.environ.update({"NEUROKIT_DATA": before} if before is not None else {})
