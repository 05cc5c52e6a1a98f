"""Model 4's six additions on simulated mice, each alone on the baseline, and all of them; over seeds.

    python benchmarks/sensorium_ladder.py
    python benchmarks/sensorium_ladder.py --controls

Each seed draws three new mice and the weights. Test trials are scored once. The numbers of the winning
entry's own ablation on the real recordings stand beside ours as `published`; they are not reproduced
here. Four additions have a mechanism planted in the mice. `--controls` trains the same pairs on mice
without it, where the difference has to vanish: pupils in the units of arousal itself, or nothing slow,
since past responses tell history, state and gain of anything that is.

Networks are small (32 channels, two layers) and so are the mice (150 neurons, 500 training images each).
"""

import argparse
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from scipy import stats

from neurokit import sensorium, settings
from neurokit.sensorium import (
    MODEL_4,
    MODELS,
    MouseParameters,
    ScanParameters,
    SensoriumConfig,
    load_simulated,
    scan_truth,
    single_trial,
    train_ensemble,
)
from record import code_version, save
from run_once import run_once

# Single-trial correlation on the real test tier (5 mice), of the author's walk-through.
WALKTHROUGH = {
    "baseline": 0.3831,
    "+ 0-1 behaviour": 0.3926,
    "+ hyper-parameters": 0.3672,
    "+ history": 0.4315,
    "+ state": 0.4203,
    "+ gain": 0.3967,
    "+ ensemble": 0.4027,
    "all, ensemble": 0.4578,
}
NOTHING_SLOW = {"history": 0.0, "state": 0.0, "gain": 0.0}
WITHOUT = {  # an addition's mechanism
    "+ 0-1 behaviour": {"behaviour_scale": 0.0},
    "+ history": NOTHING_SLOW,
    "+ state": NOTHING_SLOW,
    "+ gain": NOTHING_SLOW,
}
Strengths = tuple[tuple[str, float], ...]  # of mechanisms that are not 1
Job = tuple[str, int, Strengths]  # rung, seed, what is taken out
SCAN = ("train", "validation", "test_images", "repeats")
HYPER_PARAMETERS = (
    "position_layers",
    "position_hidden",
    "position_activation",
    "init_sigma",
    "gamma_input",
    "gamma_readout",
)


def configs(epochs: int) -> dict[str, SensoriumConfig]:
    """Every rung by name; the ensembles are the rungs of the same name without 'ensemble', five times."""
    baseline = MODELS["cnn_plus"].small.with_epochs(epochs)
    model = baseline.model
    other = {name: getattr(MODEL_4, name) for name in HYPER_PARAMETERS}
    tuned = model.replace(**other, hidden_kernel=model.hidden_kernel + 1)  # even, as Model 4's 10
    everything = tuned.replace(history=True, state=True, gain=True)
    return {
        "baseline": baseline,
        "+ 0-1 behaviour": baseline.replace(behaviour_scale="range"),
        "+ hyper-parameters": baseline.replace(model=tuned),
        "+ history": baseline.replace(model=model.replace(history=True)),
        "+ state": baseline.replace(model=model.replace(state=True)),
        "+ gain": baseline.replace(model=model.replace(gain=True)),
        "+ ensemble": baseline,
        "all": baseline.replace(model=everything, behaviour_scale="range"),
        "all, ensemble": baseline.replace(model=everything, behaviour_scale="range"),
    }


def mice(seed: int, strengths: dict[str, float], size: dict[str, int]) -> list[ScanParameters]:
    """Three pre-training mice of this seed, with mechanisms of these strengths."""
    scan = {name: size[name] for name in SCAN}
    return [
        ScanParameters(
            mouse=MouseParameters(neurons=size["neurons"], seed=1000 + 10 * seed + number, **strengths),
            **scan,
        )
        for number in range(3)
    ]


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Trains all rungs for all seeds and writes the result file."""
    options = _options(arguments)
    size = {name: getattr(options, name) for name in ("neurons", "epochs", "members", *SCAN)}
    jobs = list(dict.fromkeys(_controls(options) if options.controls else _planted(options)))
    _simulate_first(jobs, size, options.workers)
    run = Parallel(n_jobs=options.workers, verbose=10)
    found = pd.DataFrame(run(delayed(one_job)(*job, size) for job in jobs))
    table = controls(found) if options.controls else summary(found)
    print(table.round(4).to_string(index=False))
    if not options.no_file:
        name = "sensorium_controls" if options.controls else "sensorium_ladder"
        save(name, _plain(table), seeds=options.seeds, size=size)
    return table


def _planted(options: argparse.Namespace) -> list[Job]:
    rungs = ["baseline", *options.rungs]
    return [(rung, seed, ()) for seed in range(options.seeds) for rung in rungs]


def _controls(options: argparse.Namespace) -> list[Job]:
    """Each addition and the baseline on mice without its mechanism; additions may share these."""
    absent = {rung: tuple(WITHOUT[rung].items()) for rung in options.rungs if rung in WITHOUT}
    seeds = range(options.seeds)
    return [
        (each, seed, out) for seed in seeds for rung, out in absent.items() for each in ("baseline", rung)
    ]


def one_job(rung: str, seed: int, out: Strengths, size: dict[str, int]) -> dict[str, Any]:
    """Test score and ceilings of one rung and seed, saved so that it is never computed twice."""
    strengths = dict(out)
    job = {"rung": rung, "seed": seed, "off": " ".join(strengths), "size": size}
    return run_once("sensorium_ladder", job, lambda: _trained(rung, seed, strengths, size))


def _trained(rung: str, seed: int, strengths: dict[str, float], size: dict[str, int]) -> dict[str, float]:
    torch.set_num_threads(1)
    parameters = mice(seed, strengths, size)
    config = configs(size["epochs"])[rung].with_values({"seed": seed, "fit.seed": seed})
    load = partial(load_simulated, parameters)
    if "ensemble" in rung:
        folder = settings.data_folder() / "benchmarks" / "ensembles" / _name(rung, seed, strengths, size)
        ensemble = train_ensemble(load, config, folder, members=size["members"], device="cpu")
        trials = ensemble.mice[0]
        predictions = {key: each.mean(axis=0) for key, each in ensemble.predict("test").items()}
    else:
        trials = sensorium.task(load(), config, device="cpu")
        fitted = sensorium.train(sensorium.build(trials, config), trials, config, show_progress=False)
        predictions = sensorium.predict(fitted.model, trials, "test")
    scores = [single_trial(trials[key], "test", predicted) for key, predicted in predictions.items()]
    given = "everything" if config.inputs.uses_past_responses else "behaviour"
    ceilings = [scan_truth(each).ceiling(given) for each in parameters]
    return {"score": float(np.concatenate(scores).mean()), "ceiling": float(np.concatenate(ceilings).mean())}


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """One row a rung: mean and spread over seeds, ceiling, gain over the baseline with a 95 % interval."""
    rows = [_row(found, rung) | {"published": WALKTHROUGH.get(rung)} for rung in found["rung"].unique()]
    return pd.DataFrame(rows)


def controls(found: pd.DataFrame) -> pd.DataFrame:
    """The same gains where the planted mechanism has strength 0."""
    chosen = [rung for rung in WITHOUT if rung in set(found["rung"])]
    return pd.DataFrame(
        [
            _row(found[found["off"] == " ".join(WITHOUT[rung])], rung) | {"rung": f"{rung}, strength 0"}
            for rung in chosen
        ]
    )


def _row(found: pd.DataFrame, rung: str) -> dict[str, Any]:
    scores = found.pivot(index="seed", columns="rung", values="score")
    gain = scores[rung] - scores["baseline"]
    half = stats.t.ppf(0.975, max(1, len(gain) - 1)) * gain.std() / np.sqrt(len(gain))
    return {
        "rung": rung,
        "score": scores[rung].mean(),
        "sd": scores[rung].std(),
        "ceiling": found[found["rung"] == rung]["ceiling"].mean(),
        "gain": gain.mean(),
        "low": gain.mean() - half,
        "high": gain.mean() + half,
    }


def _simulate_first(jobs: list[Job], size: dict[str, int], workers: int) -> None:
    """Writes all scans before any job wants them, each once."""
    every = {repr(each): each for _, seed, out in jobs for each in mice(seed, dict(out), size)}
    Parallel(n_jobs=workers)(delayed(scan_truth)(each) for each in every.values())


def _name(rung: str, seed: int, strengths: dict[str, float], size: dict[str, int]) -> str:
    """A folder for this code, too: members of an older one must not be taken for new ones."""
    words = (rung.replace("+ ", "").replace(", ", "-"), str(seed), *strengths, *map(str, size.values()))
    return "-".join((code_version().replace(" ", "-"), *words))


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON can hold them: no NaN."""
    return [{k: None if v != v else v for k, v in row.items()} for row in table.round(4).to_dict("records")]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--neurons", type=int, default=150)
    parser.add_argument("--train", type=int, default=500, help="training images of each mouse")
    parser.add_argument("--validation", type=int, default=100, help="validation images of each mouse")
    parser.add_argument("--test-images", type=int, default=25, help="test images of each mouse")
    parser.add_argument("--repeats", type=int, default=8, help="of each test image")
    parser.add_argument("--rungs", nargs="+", choices=list(configs(1)), default=list(configs(1)))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--controls", action="store_true", help="the mechanisms taken out")
    parser.add_argument("--no-file", action="store_true", help="print only")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
