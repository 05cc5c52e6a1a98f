"""The table of public functions with sound arguments, in which `absurd_calls.py` replaces one at a time."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hyperopt import hp
from torch import nn

from neurokit import (
    Experiment,
    attribution,
    digital_twin,
    fit,
    insilico,
    load_pretrained,
    metrics,
    pupil_encoder,
    sensorium,
    tune,
    v1_transformer,
)
from neurokit.digital_twin.config import TwinConfig
from neurokit.figures.ceilings import plot_ceiling
from neurokit.files.archives import extract, read_npz
from neurokit.files.fetch import fetch
from neurokit.files.pickles import load_object_array
from neurokit.files.registry import sha256
from neurokit.metrics.repeats import equal_repeats, uneven_cc_max, uneven_repeat_scores
from neurokit.notebook import setup
from neurokit.training.checkpoint import load as load_checkpoint
from neurokit.training.checkpoint import read_facts
from neurokit.training.checkpoint import save as save_checkpoint
from neurokit.training.fit import Rows, masked_squared_error
from neurokit.training.settings import FitSettings
from neurokit.v1_transformer import ClipShape, TransformerSettings
from reliability.own_calls import own_calls
from reliability.recordings import WRITERS
from reliability.sizes import NETWORK
from reliability.sound_call import SoundCall

FRAMES = TransformerSettings(
    frame=(10, 20), patch=5, step=5, width=8, heads=2, spatial_layers=1, temporal_layers=1
)
SMALL = {"channels": 4, "layers": 2, "input_kernel": 5, "hidden_kernel": 3}
CONFIGS = {
    "pupil-encoder": pupil_encoder.MODELS["rnn"].small.replace(hidden=4),
    "sensorium": sensorium.MODELS["cnn_plus"].small.replace(model=sensorium.CNN_PLUS.replace(**SMALL)),
    "v1-transformer": v1_transformer.MODELS["transformer"].small.replace(
        shape=ClipShape(length=4, stride=2, before=1), model=FRAMES
    ),
    "digital-twin": TwinConfig(
        network=NETWORK, window=12, burn_in=2, batch=2, batches=2, validation_batches=1, seed=3
    ),
}
PACKAGES = {
    "pupil-encoder": pupil_encoder,
    "sensorium": sensorium,
    "v1-transformer": v1_transformer,
    "digital-twin": digital_twin,
}
SIZES: dict[str, dict[str, Any]] = {
    "pupil-encoder": {"trials": 30},
    "sensorium": {"trials": 20},
    "v1-transformer": {"session_type": "three_session_C", "cells": 2, "frames": 60, "repeats": 2},
    "digital-twin": {"minutes": 0.2, "cells": 2, "repeats": 2, "height": 12, "width": 16, "clip_frames": 40},
}
MEASURED = {  # inputs that `respond` takes, for the models above
    "pupil-encoder": lambda: {"bin_size": 0.01, **{name: np.ones((2, 250)) for name in pupil_encoder.PUPIL}},
    "sensorium": lambda: {
        "images": np.full((2, 36, 64), 90.0),
        "behaviour": np.ones((2, 3)),
        "pupil_center": np.array([[315.0, 184.0]] * 2),
        "session": "90000-1-1",
    },
    "v1-transformer": lambda: {
        "frames": np.zeros((30, 10, 20), np.uint8),
        "running": np.ones(30),
        "frame_rate": 30.0,
    },
    "digital-twin": lambda: {
        "stimulus": np.zeros((20, 12, 16), np.uint8),
        "rate": 30.0,
        "perspective": np.zeros((20, 2)),
        "modulation": np.zeros((20, 2)),
    },
}


class Reader(nn.Module):
    """Any model of images: rates of three neurons from the mean of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(1, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.line(images.flatten(1).mean(dim=1, keepdim=True)).exp()


def sound_calls(work: Path) -> list[SoundCall]:
    """The table; recordings and models are written below `work`."""
    return [*_metrics(), *_models(work), *_files(work), *_systems(work), *own_calls(work)]


def _metrics() -> Iterator[SoundCall]:
    random = np.random.default_rng(0)
    neurons = {"responses": random.random((8, 3)), "predictions": random.random((8, 3))}
    ids = {"image_ids": np.array([0, 0, 1, 1, 2, 2, 3, 3])}
    yield SoundCall("metrics.correlation", metrics.correlation, neurons)
    yield SoundCall("metrics.correlation_to_average", metrics.correlation_to_average, neurons | ids)
    yield SoundCall("metrics.feve", metrics.feve, neurons | ids | {"threshold": 0.1})
    rates = {name: random.random((24, 5, 2)) for name in ("rates", "predicted", "reference")}
    bins = {"bins": np.ones((24, 5), dtype=bool)}
    both = {name: rates[name] for name in ("rates", "predicted")} | bins
    for name in ("r2", "shift_null"):
        yield SoundCall(f"metrics.{name}", getattr(metrics, name), rates | bins)
    for name in ("pooled_r2", "pearson", "trial_errors"):
        yield SoundCall(f"metrics.{name}", getattr(metrics, name), both)
    yield SoundCall(
        "metrics.block_bootstrap", metrics.block_bootstrap, rates | bins | {"seed": 0, "draws": 9, "block": 2}
    )
    yield SoundCall("metrics.p_value", metrics.p_value, {"score": np.ones(2), "null": np.ones((5, 2))})
    yield SoundCall(
        "metrics.split_half_reliability",
        metrics.split_half_reliability,
        {"counts": random.random((4, 5, 6)), "seed": 0, "draws": 3},
    )
    repeats = {"responses": random.random((4, 9, 3)), "predictions": random.random((4, 9, 3))}
    yield SoundCall("metrics.repeat_scores", metrics.repeat_scores, repeats)
    yield SoundCall("metrics.cc_max", metrics.cc_max, {"responses": repeats["responses"]})
    videos = [random.random((3, 20, 2)), random.random((2, 18, 2))]
    several = {"responses": videos, "predictions": videos, "burn_in": 3}
    yield SoundCall("metrics.uneven_repeat_scores", uneven_repeat_scores, several)
    yield SoundCall("metrics.uneven_cc_max", uneven_cc_max, {"responses": videos, "burn_in": 3})
    yield SoundCall("metrics.equal_repeats", equal_repeats, {"videos": videos})


def _models(work: Path) -> Iterator[SoundCall]:
    torch.manual_seed(0)
    model, images = Reader(), torch.randn(4, 8, 10)
    quiet = {"show_progress": False}
    explained = {"inputs": images, "baseline": 0.0, "outputs": attribution.neuron_rate([0, 1])}
    yield SoundCall(
        "attribution.integrated_gradients",
        attribution.integrated_gradients,
        {"model": model, **explained, "steps": 4, "rows_at_once": 8, "tolerance": 0.5},
    )
    yield SoundCall(
        "attribution.lag_profile",
        attribution.lag_profile,
        {"attribution": torch.ones(2, 2, 30, 2), "bins": [10, 12], "longest": 0.05, "bin_size": 0.01},
    )
    yield SoundCall(
        "attribution.find_strongest",
        attribution.find_strongest,
        {"profile": torch.ones(11, 2), "lags": torch.linspace(-0.05, 0.05, 11), "around": 0.01},
    )
    yield SoundCall(
        "insilico.most_exciting_images",
        insilico.most_exciting_images,
        {"model": model, "neurons": [0], "shape": (8, 10), "norm": 5.0, "steps": 2, "step_size": 0.1}
        | {"smoothing": 1.0, "seed": 0, "batch_size": 2, **quiet},
    )
    yield SoundCall(
        "insilico.receptive_fields",
        insilico.receptive_fields,
        {"model": model, "images": images, "neurons": [0, 1], "rows_at_once": 4, **quiet},
    )
    yield SoundCall(
        "insilico.mean_gradients",
        insilico.mean_gradients,
        {"model": model, "images": images, "neurons": [0, 1], "rows_at_once": 4, **quiet},
    )
    yield SoundCall(
        "insilico.centers",
        insilico.centers,
        {"fields": torch.rand(2, 8, 10), "smoothing": 1.0, "radius": 3.0},
    )
    angles, frequencies = np.arange(4) * np.pi / 4, np.array([0.05, 0.1])
    yield SoundCall(
        "insilico.tuning",
        insilico.tuning,
        {"model": model, "orientations": angles, "frequencies": frequencies, "phases": np.array([0.0, 1.0])}
        | {"contrast": 1.0, "shape": (8, 10), "batch_size": 4, **quiet},
    )
    yield SoundCall("insilico.at_best_frequency", insilico.at_best_frequency, {"curves": torch.rand(3, 4, 2)})
    for name in ("orientation_selectivity", "preferred_orientation"):
        yield SoundCall(
            f"insilico.{name}", getattr(insilico, name), {"curves": torch.rand(3, 4), "orientations": angles}
        )
    yield SoundCall(
        "insilico.angles_between",
        insilico.angles_between,
        {"first": angles, "second": angles, "turn": 180},
    )
    rows = Rows(torch.randn(6, 5, 2), torch.randn(6, 5, 1), torch.ones(6, 5, dtype=torch.bool))
    yield SoundCall(
        "fit",
        fit,
        {
            "model": nn.Linear(2, 1),
            "loss": masked_squared_error,
            "train": rows,
            "validation": rows,
            "settings": FitSettings(epochs=1, batch_size=3),
            "compile": "none",
            "checkpoint": work / "fit.training",
            "on_epoch": None,
            **quiet,
        },
    )
    yield SoundCall(
        "tune.search",
        tune.search,
        {"objective": lambda values: values["x"] ** 2, "space": {"x": hp.uniform("x", -1, 1)}, "trials": 2}
        | {"seed": 0, "algorithm": "tpe", "start_up_trials": 1, "workers": 1, "stop": None, "progress": False}
        | {"file": work / "fit.search.json"},
    )
    yield SoundCall("notebook.setup", setup, {"seed": 0, "device": "cpu"})


def _files(work: Path) -> Iterator[SoundCall]:
    npz = work / "sound.npz"
    np.savez(npz, a=np.ones(3), b=np.array([{"x": 1}], dtype=object))
    model = nn.Linear(2, 1)
    save_checkpoint(model, work / "line", {"in_features": 2, "out_features": 1})
    yield SoundCall("files.read_npz", read_npz, {"source": npz, "limit": 10**6, "keys": ["a"]})
    yield SoundCall("files.load_object_array", load_object_array, {"source": npz, "key": "b", "limit": 10**6})
    yield SoundCall(
        "files.extract", extract, {"source": npz, "folder": work / "unpacked", "limit": 10**6, "members": 9}
    )
    yield SoundCall(
        "checkpoint.save",
        save_checkpoint,
        {"model": model, "path": work / "line", "configuration": {"in_features": 2, "out_features": 1}}
        | {"arrays": {"a": np.ones(3)}},
    )
    yield SoundCall("checkpoint.load", load_checkpoint, {"path": work / "line", "model": nn.Linear})
    yield SoundCall("checkpoint.read_facts", read_facts, {"path": work / "line"})
    (work / "downloads").mkdir()
    (work / "downloads" / "x.txt").write_text("x")
    registry = work / "registry.json"
    entry = {"name": "x.txt", "recording": "x", "bytes": 1, "sha256": sha256(work / "downloads" / "x.txt")}
    entry |= {"md5": None}
    entry |= {"urls": [], "licence": "", "citation": "", "page": "", "note": ""}
    registry.write_text(json.dumps({"files": [entry]}))
    yield SoundCall(
        "files.fetch", fetch, {"file": "x.txt", "folder": work / "downloads", "registry": registry}
    )


def _systems(work: Path) -> Iterator[SoundCall]:
    for name, package in PACKAGES.items():
        folder, config = WRITERS[name](work / name), CONFIGS[name].with_epochs(1)
        made = Experiment(name, config=config, folder=folder, device="cpu")
        made.train(show_progress=False)
        where = {"source": None, "folder": folder, "session": (), "seed": 0, "config": config}
        given = {"recording": made.recording, "config": config, "arrays": None, "device": "cpu"}
        yield SoundCall(f"{name} load", package.load, where)
        yield SoundCall(f"{name} task", package.task, given)
        yield SoundCall(f"{name} build", package.build, {"task": made.task, "config": config})
        yield SoundCall(
            f"{name} train",
            package.train,
            {"model": made.untrained(), "task": made.task, "config": config, "device": "cpu"}
            | {"checkpoint": work / f"{name}.training", "show_progress": False},
            only=("model", "task", "config", "device", "checkpoint"),
        )
        yield SoundCall(
            f"{name} predict",
            package.predict,
            {"model": made.result.model, "task": made.task, "part": "test"},
        )
        yield SoundCall(
            f"{name} evaluate",
            package.evaluate,
            {"model": made.result.model, "task": made.task, "config": config},
        )
        yield (
            SoundCall(f"{name} describe", package.describe, {"recording": made.recording})
            if name != ("sensorium")
            else SoundCall(f"{name} describe", package.describe_scans, {"found": made.recording})
        )
        yield (
            SoundCall(f"{name} sessions", package.sessions, {"source": "full", "seed": 0})
            if name != ("digital-twin")
            else SoundCall(f"{name} sessions", package.sessions, {"source": "demo", "seed": 0})
        )
        yield SoundCall(
            f"{name} respond",
            load_pretrained(made.path).respond,
            MEASURED[name](),
        )
        yield SoundCall(
            f"{name} simulate",
            _simulate(package.simulate),
            {"folder": work / f"{name}-own", "seed": 0} | SIZES[name],
        )
        yield from _experiment(name, made, work)
        if name == "sensorium":
            yield from _submission(made, work)
    yield SoundCall("load_pretrained", load_pretrained, {"name": made.path, "session": None})
    yield from _figures()


def _simulate(function: Callable[..., Any]) -> Callable[..., Any]:
    """`simulate` with its folder as the only positional argument."""
    return lambda folder, **options: function(folder, **options)


def _experiment(name: str, made: Experiment, work: Path) -> Iterator[SoundCall]:
    where = {
        "system": name,
        "model": None,
        "config": made.config,
        "values": {"seed": 1},
        "epochs": 1,
        "size": "small",
        "source": None,
        "folder": work / name,
        "recording": None,
        "session": None,
        "seed": 0,
        "build": None,
        "device": "cpu",
        "compile": "none",
    }
    if name == "sensorium":  # all systems share the class
        yield SoundCall("Experiment", lambda **given: Experiment(**given).path, where)
        yield SoundCall("Experiment.save_scores", made.save_scores, {"scores": made.evaluate()})
        yield SoundCall("Experiment.with_values", made.with_values, {"values": {"seed": 2}})
        yield SoundCall(
            "Experiment.tune",
            made.tune,
            {
                "trials": 1,
                "space": {"fit.learning_rate": hp.uniform("r", 1e-3, 1e-2)},
                "file": work / "s.json",
            }
            | {"seed": 0},
        )
        yield SoundCall(
            "Experiment.submit", made.submit, {"folder": work / "entry", "members": 1, "engine": "here"}
        )
        yield SoundCall("Experiment.train", made.train, {"again": False})
    yield SoundCall(f"{name} Experiment.predict", made.predict, {"part": "test"})


def _submission(made: Experiment, work: Path) -> Iterator[SoundCall]:
    scan = next(iter(made.recording.values()))
    tiers = {tier: np.abs(made.predict(tier)[scan.key]) + 0.1 for tier in ("test",)}
    ids = scan.trials("test")
    yield SoundCall(
        "sensorium.write_rows",
        sensorium.write_rows,
        {
            "path": work / "rows.csv",
            "values": tiers["test"],
            "trial_ids": scan.trial_ids[ids],
            "image_ids": scan.image_ids[ids],
            "unit_ids": scan.unit_ids,
        },
    )
    yield SoundCall(
        "sensorium.load_scan", sensorium.load_scan, {"source": next((work / "sensorium").glob("*.zip"))}
    )
    yield SoundCall("sensorium.file_name", sensorium.file_name, {"tier": "test"})
    yield SoundCall(
        "sensorium.fit_state",
        sensorium.fit_state,
        {
            "responses": scan.responses.astype(float),
            "rank": np.arange(len(scan.responses)),
            "known": np.ones(len(scan.responses), dtype=bool),
            "settings": sensorium.StateSettings(components=4, rank=2, factors=3),
        },
    )
    yield SoundCall(
        "sensorium.ensemble_tiers", sensorium.ensemble_tiers, {"tiers": scan.tiers, "members": 2, "seed": 0}
    )
    yield SoundCall(
        "sensorium.score_table",
        sensorium.score_table,
        {"mice": made.task, "predictions": made.predict("validation"), "tier": "validation"},
    )


def _figures() -> Iterator[SoundCall]:
    random = np.random.default_rng(1)
    history = pd.DataFrame({"epoch": [0, 1], "train_loss": [2.0, 1.0], "validation_loss": [2.0, 1.5]})
    yield SoundCall(
        "pupil_encoder.plot_history", pupil_encoder.plot_history, {"history": history, "best_epoch": 1}
    )
    yield SoundCall(
        "digital_twin.plot_repeats",
        digital_twin.plot_repeats,
        {"recorded": random.random((3, 20)), "predictions": {"twin": random.random((3, 20))}},
    )
    yield SoundCall("digital_twin.plot_losses", digital_twin.plot_losses, {"histories": {"twin": history}})
    yield SoundCall(
        "sensorium.plot_neuron_scores",
        sensorium.plot_neuron_scores,
        {"scores": {"a": random.random(5)}, "ceilings": {"a": random.random(5)}},
    )
    yield SoundCall(
        "v1_transformer.plot_repeats",
        v1_transformer.plot_repeats,
        {"responses": random.random((3, 20)), "seconds": np.arange(20) / 30},
    )
    scores = uneven_repeat_scores([random.random((3, 20, 4))], [random.random((3, 20, 4))], burn_in=0)
    yield SoundCall("figures.plot_ceiling", plot_ceiling, {"scores": scores})
