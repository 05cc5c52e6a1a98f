"""MLP, temporal CNN, GRU, LSTM and RNN at equal TPE budget, and TPE beside random search, over seeds.

    python benchmarks/encoder_families.py                                      (simulated mice)
    python benchmarks/encoder_families.py --source cutout --inputs behaviour   (the real cut-out)

Every family gets the same number of TPE trials over hidden size, layers, learning rate and weight
decay; the best by validation is trained again for longer and scored once on the test trials. A seed
draws the split, the weights and the search, and the mouse where it is simulated. `--families` runs some of
them; those that the result file has besides stay, with the command and the commit of their run.
"""

import argparse
import os
from typing import Any

import pandas as pd
import torch
from joblib import Parallel, delayed

from neurokit import Experiment
from neurokit.pupil_encoder import rates, score_table, search_space
from neurokit.tune import search
from record import RESULTS, load, save

FAMILIES = ("mlp", "cnn", "gru", "lstm", "rnn")


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Runs all families and seeds and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", choices=("demo", "cutout", "full"), default="demo")
    parser.add_argument("--inputs", choices=("pupil", "behaviour"), default="pupil")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES))
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    os.environ["NEUROKIT_SOURCE"] = options.source
    jobs = [
        (family, algorithm, seed, options.trials, options.epochs, options.inputs)
        for family in options.families
        for algorithm in ("tpe", "random")
        for seed in range(options.seeds)
    ]
    rows = Parallel(n_jobs=options.workers, verbose=10)(delayed(one_search)(*job) for job in jobs)
    table = pd.DataFrame(rows).groupby(["family", "search"], sort=False)
    found = table[["validation_error", "r2_mean"]].agg(["mean", "std"])
    found.columns = ["_".join(column) for column in found.columns]
    found["r2_each"] = table["r2_mean"].agg(lambda values: [round(value, 4) for value in values])
    found = found.reset_index()
    print(found.round(3).to_string(index=False))
    if not options.no_file:
        how = {"seeds": options.seeds, "trials": options.trials, "epochs": options.epochs}
        name = "encoder_families" if options.source == "demo" else f"encoder_families_{options.source}"
        save(name, [*(rows := found.round(4).to_dict("records")), *others(name, rows, how)], **how)
    return found


def others(name: str, rows: list[dict[str, Any]], how: dict[str, int]) -> list[dict[str, Any]]:
    """The rows of other families in the result file, if made in the same way; each says by which run."""
    if not (RESULTS / f"{name}.json").is_file():
        return []
    content = load(name)
    if any(content[key] != value for key, value in how.items()):
        return []
    run = {"command": content["command"], "commit": content["commit"]}
    new = {row["family"] for row in rows}
    return [run | row for row in content["rows"] if row["family"] not in new]


def one_search(
    family: str, algorithm: str, seed: int, trials: int, epochs: int, inputs: str
) -> dict[str, object]:
    """The best of one search, trained for four times as long and scored on the test trials."""
    torch.set_num_threads(1)
    experiment = Experiment(
        "pupil-encoder",
        model=family,
        values={"inputs": inputs},
        epochs=epochs,
        seed=seed,
        device="cpu",
    )
    most_layers = 5 if family == "cnn" else 2
    study = search(
        experiment.objective(),
        search_space((family,), most_layers),
        trials=trials,
        seed=seed,
        algorithm=algorithm,
        start_up_trials=max(1, trials // 2),
        progress=False,
    )
    best = experiment.with_values(study.best | {"epochs": 4 * epochs})
    model, task = best.untrained(), best.task
    best.system.train(model, task, best.config, device="cpu", show_progress=False)
    score = score_table(task, {family: rates(model, task)})["r2_mean"].mean()
    return {
        "family": family,
        "search": algorithm,
        "seed": seed,
        "validation_error": study.best_loss,
        "r2_mean": score,
    }


if __name__ == "__main__":
    main()
