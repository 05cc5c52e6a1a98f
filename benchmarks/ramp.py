"""What the start-up of the causal boxcar is worth: the PSTH's score without and with it, over seeds.

    python benchmarks/ramp.py

The real cut-out has spikes in 40 bins, the simulated sessions in 250; so these are also scored cut to the
same 40. The reference is the training mean over the same bins as the score. `pooled` is the first
PupilEncoder's way: all regions together against one grand mean, every recorded bin.
"""

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd

from neurokit import Experiment, metrics, settings
from neurokit.pupil_encoder import TrialRecording, baselines, seed_style_r2
from record import save

RECORDINGS: tuple[tuple[settings.Source, int | None], ...] = (("demo", None), ("demo", 40), ("cutout", None))


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Scores all seeds of all recordings and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    rows = [one_seed(*each, seed) for each in RECORDINGS for seed in range(options.seeds)]
    groups = pd.DataFrame(rows).groupby("source", sort=False)
    found = groups.agg(["mean", "std"])
    found.columns = ["_".join(column) for column in found.columns]
    for name in ("past_ramp", "with_ramp"):
        found[f"{name}_each"] = groups[name].agg(lambda values: [round(value, 4) for value in values])
    found = found.reset_index()
    print(found.round(3).to_string(index=False))
    if not options.no_file:
        save("ramp", found.round(4).to_dict("records"), seeds=options.seeds)
    return found


def one_seed(source: settings.Source, bins_kept: int | None, seed: int) -> dict[str, object]:
    """The PSTH's R² on test trials, mean over regions, past the ramp and with it; then pooled."""
    experiment = Experiment("pupil-encoder", source=source, seed=seed)
    row: dict[str, object] = {"source": source if bins_kept is None else f"{source}, {bins_kept} bins"}
    if bins_kept is not None:
        recording, config = cut(experiment.recording, bins_kept), experiment.config
        experiment = Experiment("pupil-encoder", recording=recording, config=config, seed=seed)
    task = experiment.task
    for name, with_ramp in (("past_ramp", False), ("with_ramp", True)):
        psth = baselines.psth(task, with_ramp=with_ramp)
        mean = baselines.mean_rate(task, with_ramp=with_ramp)
        bins = task.bins("test", with_ramp=with_ramp)
        row[name] = metrics.r2(task.rates, psth, mean, bins).mean()
        if with_ramp:
            row["pooled_mean_rate"] = seed_style_r2(task, mean)
            row["pooled_psth"] = seed_style_r2(task, psth)
    return row


def cut(recording: TrialRecording, bins: int) -> TrialRecording:
    """The same session with spikes in its first bins after the stimulus alone."""
    first = int(np.searchsorted(recording.time, 0))
    start = first - recording.first_spike_bin
    return replace(recording, spikes=recording.spikes[:, :, start : start + bins], first_spike_bin=first)


if __name__ == "__main__":
    main()
