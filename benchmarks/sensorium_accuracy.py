"""The SENSORIUM ladder against known ceilings, and receptive fields against the planted ones; over seeds.

    python benchmarks/sensorium_accuracy.py

Three new simulated mice a seed (200 neurons, 1,000 training images each). Models: LN and CNN, from the
image alone and with behaviour and eye; the CNN with behaviour untrained and trained on shuffled responses
as controls. Networks are small (32 channels, two layers, LN three).

Receptive fields: root mean square gradient at mean pupil position and mean behaviour, over 32 validation
images, of neurons whose ceiling is above the median; the distance of its centre from the planted one in
pixels, as median over neurons. Controls: the same centres with neurons shuffled, and those of the untrained
network; beside them the distance of the readout's own position.
"""

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from neurokit import sensorium
from neurokit.insilico import centers, receptive_fields
from neurokit.sensorium import (
    MODELS as CONFIGS,
)
from neurokit.sensorium import (
    FixedState,
    MouseParameters,
    MouseTrials,
    Scan,
    ScanParameters,
    SensoriumConfig,
    SensoriumModel,
    load_simulated,
    scan_truth,
    single_trial,
)
from record import save
from run_once import run_once

MODELS = ("ln", "ln_plus", "cnn", "cnn_plus", "cnn_plus untrained", "cnn_plus, responses shuffled")


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Trains all models for all seeds and writes the result file."""
    options = _options(arguments)
    size = {name: getattr(options, name) for name in ("neurons", "epochs", "train", "images")}
    jobs = [(model, seed) for seed in range(options.seeds) for model in options.models]
    for seed in range(options.seeds):
        Parallel(n_jobs=options.workers)(delayed(scan_truth)(each) for each in mice(seed, size))
    run = Parallel(n_jobs=options.workers, verbose=10)
    found = pd.DataFrame(run(delayed(one_job)(*job, size) for job in jobs))
    table = summary(found)
    print(table.round(3).to_string(index=False))
    if not options.no_file:
        save("sensorium_accuracy", table.round(4).to_dict("records"), seeds=options.seeds, size=size)
    return table


def mice(seed: int, size: dict[str, int]) -> list[ScanParameters]:
    """Three pre-training mice of this seed."""
    return [
        ScanParameters(
            mouse=MouseParameters(neurons=size["neurons"], seed=2000 + 10 * seed + n), train=size["train"]
        )
        for n in range(3)
    ]


def one_job(model: str, seed: int, size: dict[str, int]) -> dict[str, Any]:
    """Scores and distances of one model and seed, saved so that it is never computed twice."""
    job = {"model": model, "seed": seed, "size": size}
    return run_once("sensorium_accuracy", job, lambda: _measured(model, seed, size))


def _measured(model: str, seed: int, size: dict[str, int]) -> dict[str, Any]:
    torch.set_num_threads(1)
    name, _, change = model.replace(",", "").partition(" ")
    config = CONFIGS[name].small.with_epochs(size["epochs"])
    config = config.with_values({"behaviour_scale": "range", "seed": seed, "fit.seed": seed})
    parameters = mice(seed, size)
    scans = load_simulated(parameters)
    taught = {key: _shuffled(scan, seed) for key, scan in scans.items()} if "shuffled" in change else scans
    network = _network(taught, config, trained=change != "untrained")
    trials = sensorium.task(scans, config, device="cpu")
    predictions = sensorium.predict(network, trials, "test")
    scores = np.concatenate([single_trial(trials[key], "test", each) for key, each in predictions.items()])
    given = "behaviour" if config.inputs.behaviour else "image"
    ceilings = np.concatenate([scan_truth(each).ceiling(given) for each in parameters])
    found = {"score": float(scores.mean()), "ceiling": float(ceilings.mean())}
    return found | (
        _distances(network, trials, parameters, size["images"], seed) if name == "cnn_plus" else {}
    )


def _network(scans: dict[str, Scan], config: SensoriumConfig, *, trained: bool) -> SensoriumModel:
    trials = sensorium.task(scans, config, device="cpu")
    model = sensorium.build(trials, config)
    if trained:
        sensorium.train(model, trials, config, show_progress=False)
    return model


def _shuffled(scan: Scan, seed: int) -> Scan:
    """The same scan with responses of other training and validation trials."""
    responses = np.array(scan.responses)
    known = np.flatnonzero(np.isin(scan.tiers, ("train", "validation")))
    responses[known] = responses[np.random.default_rng(seed).permutation(known)]
    return replace(scan, responses=responses, fingerprint=f"{scan.fingerprint}-shuffled")


def _distances(
    network: SensoriumModel,
    trials: dict[str, MouseTrials],
    parameters: list[ScanParameters],
    images: int,
    seed: int,
) -> dict[str, float]:
    """Median distances from the planted centres, pixels."""
    random, kinds = np.random.default_rng(seed), {"field": [], "shuffled": [], "readout": []}
    for each in parameters:
        mouse, truth = trials[each.key], scan_truth(each)
        driven = truth.ceiling("behaviour") > np.median(truth.ceiling("behaviour"))
        found = _centers(network, mouse, images)[driven]
        planted = truth.cells.center[driven]
        places = network.readouts[each.key].positions().detach().numpy()[driven]  # x, y in -1 to 1
        readout = network.core.geometry().pixels(places)
        others = found[random.permutation(len(found))]
        for kind, centre in (("field", found), ("shuffled", others), ("readout", readout)):
            kinds[kind].append(np.hypot(*(centre - planted).T))
    return {f"{kind}_distance": float(np.median(np.concatenate(each))) for kind, each in kinds.items()}


def _centers(network: SensoriumModel, mouse: MouseTrials, images: int) -> np.ndarray:
    """Receptive-field centres, row and column, at mean behaviour and mean pupil position."""
    batch = next(mouse.batches(mouse.trials("validation")[:images], images))
    behaviour, eye = batch.inputs["behaviour"].mean(dim=0), torch.zeros(2)  # z-scored: 0 is the mean
    seen = FixedState(network.mouse(mouse.scan.key), behaviour, eye)
    return centers(receptive_fields(seen, batch.inputs["images"], show_progress=False)).numpy()


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """One row a model: means and spread over seeds."""
    found["of_ceiling"] = found["score"] / found["ceiling"]
    figures = ["score", "ceiling", "of_ceiling", "field_distance", "shuffled_distance", "readout_distance"]
    grouped = found.groupby("model", sort=False)[[name for name in figures if name in found]]
    table = grouped.agg(["mean", "std"])
    table.columns = ["_".join(column) for column in table.columns]
    return table.reset_index()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--neurons", type=int, default=200)
    parser.add_argument("--train", type=int, default=1000, help="training images of each mouse")
    parser.add_argument("--images", type=int, default=32, help="for the receptive fields")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-file", action="store_true", help="print only")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
