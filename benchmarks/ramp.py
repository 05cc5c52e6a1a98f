"""What the start-up of the causal boxcar is worth: the PSTH's score without and with it, over seeds.

    python benchmarks/ramp.py      (the real cut-out too, where NEUROKIT_REAL_DATA names its folder)

The reference is the training mean over the same bins as the score. `pooled` is the first PupilEncoder's
way: all regions together against one grand mean, every recorded bin.
"""

import argparse
import os

import pandas as pd

from neurokit import Experiment, metrics, settings
from neurokit.pupil_encoder import baselines, seed_style_r2
from record import save


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Scores all seeds of the sources that are there and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    sources = ["demo", "cutout"] if os.environ.get("NEUROKIT_REAL_DATA") else ["demo"]
    rows = [one_seed(source, seed) for source in sources for seed in range(options.seeds)]
    found = pd.DataFrame(rows).groupby("source", sort=False).agg(["mean", "std"])
    found.columns = ["_".join(column) for column in found.columns]
    found = found.reset_index()
    print(found.round(3).to_string(index=False))
    if not options.no_file:
        save("ramp", found.round(4).to_dict("records"), seeds=options.seeds)
    return found


def one_seed(source: settings.Source, seed: int) -> dict[str, object]:
    """The PSTH's R² on test trials, mean over regions, past the ramp and with it; then pooled."""
    task = Experiment("pupil-encoder", source=source, seed=seed).task
    row: dict[str, object] = {"source": source}
    for name, with_ramp in (("past_ramp", False), ("with_ramp", True)):
        psth = baselines.psth(task, with_ramp=with_ramp)
        mean = baselines.mean_rate(task, with_ramp=with_ramp)
        bins = task.bins("test", with_ramp=with_ramp)
        row[name] = metrics.r2(task.rates, psth, mean, bins).mean()
        if with_ramp:
            row["pooled_mean_rate"] = seed_style_r2(task, mean)
            row["pooled_psth"] = seed_style_r2(task, psth)
    return row


if __name__ == "__main__":
    main()
