"""PupilEncoder and every baseline over seeds: R² with spread, null and the best that is reachable.

    python benchmarks/pupil_study.py --source cutout      (the real cut-out of the package)
    python benchmarks/pupil_study.py --source demo        (a new simulated mouse for each seed)

Each seed draws a split into training, validation and test trials and the weights. Test trials are
scored once per seed. One row per model, inputs, split and region; scores are means over seeds.
"""

import argparse
import os

import pandas as pd
import torch
from joblib import Parallel, delayed

from neurokit import Experiment, pupil_encoder, settings
from neurokit.pupil_encoder import baseline_rates, score_table, simulated_truth
from neurokit.pupil_encoder.scores import seed_style_column
from record import save


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Runs all seeds, two at a time, and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", choices=("demo", "cutout", "full"), default="demo")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--splits", nargs="+", default=["random", "blocked"])
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    os.environ["NEUROKIT_SOURCE"] = options.source
    jobs = [
        (inputs, split, seed, options.epochs)
        for inputs in ("pupil", "behaviour")
        for split in options.splits
        for seed in range(options.seeds)
    ]
    tables = Parallel(n_jobs=options.workers, verbose=10)(delayed(one_seed)(*job) for job in jobs)
    table = summary(pd.concat(tables, ignore_index=True))
    print(table.round(3).to_string(index=False))
    if not options.no_file:
        save(f"pupil_{options.source}", table.round(4).to_dict("records"), seeds=options.seeds)
    return table


def one_seed(inputs: str, split: str, seed: int, epochs: int) -> pd.DataFrame:
    """Test scores of every model for one split."""
    torch.set_num_threads(1)
    values = {"inputs": inputs, "split": split}
    experiment = Experiment("pupil-encoder", values=values, epochs=epochs, seed=seed, device="cpu")
    task = experiment.task
    rates = baseline_rates(task)
    for cell in ("rnn", "gru"):
        config = experiment.config.replace(cell=cell)
        encoder = pupil_encoder.build(task, config)
        rates[f"untrained {cell.upper()}"] = pupil_encoder.rates(encoder, task)
        pupil_encoder.train(encoder, task, config, device="cpu", show_progress=False)
        rates[f"PupilEncoder ({cell.upper()})"] = pupil_encoder.rates(encoder, task)
    table = score_table(task, rates, seed=seed)
    table["seed_style"] = table["model"].map(seed_style_column(task, rates))
    table["best"] = table["region"].map(_best(seed))
    return table.assign(inputs=inputs, split=split, seed=seed)


def _best(seed: int) -> dict[str, float]:
    """The best reachable R² of each region: known where the recording is simulated."""
    if settings.source() != "demo":
        return {}
    truth = simulated_truth(seed)
    names = [region["name"] for region in truth.parameters["regions"]]
    return dict(zip(names, truth.best_r2.tolist(), strict=True))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds, `r2_sd` (standard deviation of r2_mean over seeds), `r2_each` (of each seed), and how
    many seeds beat the null.

    The region 'mean' is the mean of a seed's regions, averaged over seeds like the others.
    """
    keys = ["inputs", "split", "model", "seed"]
    mean = table.groupby(keys, sort=False).mean(numeric_only=True).reset_index().assign(region="mean")
    table = pd.concat([table, mean], ignore_index=True)
    table["beats_null"] = table["r2_mean"] > table["null"]
    groups = table.groupby(["inputs", "split", "model", "region"], sort=False)
    measures = ["r2_mean", "low", "high", "r2_psth", "pearson", "null", "p", "seed_style", "best"]
    found = groups[measures].mean()
    found.insert(1, "r2_sd", groups["r2_mean"].std(ddof=1))
    found["seeds_above_null"] = groups["beats_null"].sum()
    found["r2_each"] = groups["r2_mean"].agg(lambda values: [round(value, 4) for value in values])
    return found.reset_index()


if __name__ == "__main__":
    main()
