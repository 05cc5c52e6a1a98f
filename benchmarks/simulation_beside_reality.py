"""Where the simulated mice are like real ones and where they are not: the same measure of both.

    python benchmarks/simulation_beside_reality.py

NEUROKIT_REAL_DATA names the folder of real recordings.

Each row has one measure, its values of simulated mice (one a seed) and of real recordings (one each):

- half-decay of calcium: from the peak of the mean dF/F after a lone spike (none within 1 s) to half of it;
  real cells were recorded with a pipette on them, simulated ones fire events of 0.3 Hz.
- ceiling of movie responses: median CC_max in bins of 0.1 s; real: inferred spikes of one session, simulated:
  dF/F, which is smoother, so the two measures are not quite the same.
- share of the pupil's variance in its largest hundredth of bins, before cleaning.
- reliability of the rate of 60 neurons of a region beyond the PSTH, and what PSTH, contrast and choice, and
  slow drift explain of a region's rate (R² on test trials, random and blocked split).
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter1d

from neurokit import Experiment, settings, v1_transformer
from neurokit.files.archives import read_npz
from neurokit.metrics import cc_max, r2, split_half_reliability
from neurokit.pupil_encoder import TrialRecording, baselines
from neurokit.simulation.movie_cells import calcium
from record import save

CALCIUM, MOVIES = Path("calcium_groundtruth_v1"), Path("allen_vc2p_movies_501574836")
SENSORS = {"DS09_GCaMP6f": "GCaMP6f", "DS10_GCaMP6f": "GCaMP6f", "DS11_GCaMP6f": "GCaMP6f"}
ALONE, SMOOTHING = 1.0, 5  # s around a spike without another; hundredths of a second
RATE = 10.0  # Hz, of movie responses
REPEAT = 905.1 / 30.17  # s, of the real movie
MAXIMUM_BYTES = 2**30
FEWEST = 20  # neurons of a region
NEURONS = 60  # of a region, as simulated ones have
Cell = tuple[np.ndarray, np.ndarray, np.ndarray]  # spike times (s), times of samples (s), dF/F


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Measures both worlds and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    seeds = range(options.seeds)
    rows = [
        {
            "measure": "half-decay of calcium (s)",
            "simulated": [simulated_half_decay(seed) for seed in seeds],
            "real": list(real_half_decays().values()),
            "recordings": list(real_half_decays()),
        },
        {
            "measure": "ceiling of movie responses (CC_max)",
            "simulated": [simulated_ceiling(seed) for seed in seeds],
            "real": [real_ceiling()],
            "recordings": ["Allen 501574836"],
        },
    ]
    worlds = {"simulated": [("demo", seed) for seed in seeds], "real": [("cutout", 0)]}
    found = {name: [rates_of(*each) for each in world] for name, world in worlds.items()}
    rows += [
        {
            "measure": measure,
            "simulated": [each[measure] for each in found["simulated"]],
            "real": [each[measure] for each in found["real"]],
            "recordings": ["Cori 2016-12-17"],
        }
        for measure in found["real"][0]
    ]
    for row in rows:
        print(
            row["measure"], *(f"{name} {np.round(row[name], 3)}" for name in ("simulated", "real")), sep=" | "
        )
    if not options.no_file:
        save("simulation_beside_reality", rows, seeds=options.seeds)
    return rows


def real_half_decays() -> dict[str, float]:
    """Of the mean over all lone spikes of a set's cells, by data set."""
    folder = settings.real_data_folder() / CALCIUM
    return {name: half_decay(_cells(folder / f"{name}.npz")) for name in SENSORS}


def _cells(path: Path) -> Iterator[Cell]:
    found = read_npz(path, MAXIMUM_BYTES)
    for name in (each.removesuffix("__t") for each in found if each.endswith("__t")):
        spikes, time, dff = (found[f"{name}__{key}"].astype(float) for key in ("spikes", "t", "dff"))
        yield spikes, time, dff


def simulated_half_decay(seed: int, cells: int = 10, seconds: float = 300.0, rate: float = 60.0) -> float:
    """Of the mean over lone events of the simulation's calcium, with noise as it adds."""
    random = np.random.default_rng(seed)
    events = random.poisson(0.3 / rate, size=(round(seconds * rate), cells)).astype(float)
    dff = calcium(events, rate) + 0.1 * random.standard_normal(events.shape)
    time = np.arange(len(events)) / rate
    return half_decay(
        (np.repeat(time, n.astype(int)), time, each) for n, each in zip(events.T, dff.T, strict=True)
    )


def half_decay(cells: Iterable[Cell]) -> float:
    """s from the peak to half of it of the mean dF/F after lone spikes, above the 0.2 s before."""
    after = np.arange(-0.2, ALONE, 0.01)
    pieces = []
    for spikes, time, dff in cells:
        gaps = np.diff(spikes, prepend=-np.inf, append=np.inf)
        alone = spikes[(gaps[:-1] > ALONE) & (gaps[1:] > ALONE)]
        alone = alone[(alone > time[0] + ALONE) & (alone < time[-1] - ALONE)]
        pieces.append(np.interp(alone[:, None] + after, time, dff))
    mean = uniform_filter1d(np.concatenate(pieces).mean(axis=0), SMOOTHING)
    mean -= mean[after < -0.05].mean()
    peak = int(np.argmax(mean))
    return float(0.01 * np.argmax(mean[peak:] <= mean[peak] / 2))


def real_ceiling() -> float:
    """Median CC_max of natural movie one, spikes in bins of 0.1 s."""
    found = read_npz(settings.real_data_folder() / MOVIES / "session_501574836_events.npz", MAXIMUM_BYTES)
    seconds = found["spike_sample"] / 30.17
    starts = np.sort(found["movie_one_start_ESTIMATED"]) / 30.17
    bins = int(REPEAT * RATE)
    counts = np.zeros((len(starts), bins, int(found["spike_cell"].max()) + 1))
    for repeat, start in enumerate(starts):
        place = np.floor((seconds - start) * RATE).astype(int)
        inside = (place >= 0) & (place < bins)
        np.add.at(counts[repeat], (place[inside], found["spike_cell"][inside]), 1)
    return float(np.median(cc_max(counts)))


def simulated_ceiling(seed: int) -> float:
    """Median CC_max of natural movie one, dF/F averaged in bins of 0.1 s."""
    session = v1_transformer.load(source="demo", seed=seed)
    movie = next(iter(session.movies.values()))
    rate = 1 / np.median(np.diff(session.time))
    width = round(rate / RATE)
    starts, samples = movie.starts[:, 0], int(np.ptp(movie.starts[0])) // width * width
    traces = np.stack([session.dff[:, start : start + samples] for start in starts])  # R N S
    binned = traces.reshape(*traces.shape[:2], -1, width).mean(axis=-1)
    return float(np.median(cc_max(binned.transpose(0, 2, 1).astype(float))))


def rates_of(source: settings.Source, seed: int) -> dict[str, float]:
    """All measures of a session with trials."""
    experiment = Experiment("pupil-encoder", source=source, seed=seed)
    recording = experiment.recording
    pupil = recording.behaviour["pupil_area"]
    found = {"share of pupil variance in 1 % of bins": largest_share(pupil[np.isfinite(pupil)])}
    regions = recording.regions(FEWEST)
    reliability = [
        split_half_reliability(draw_neurons(recording, region, seed).astype(float), seed=seed)
        for region in regions
    ]
    found["reliability of the rate of 60 neurons of a region"] = float(np.mean(reliability))
    models: dict[str, Callable[[Any], Any]] = {
        "PSTH": baselines.psth,
        "PSTH by contrast and choice": baselines.psth_by_condition,
        "PSTH + drift": baselines.psth_and_drift,
    }
    for split in ("random", "blocked"):
        task = experiment.with_values({"split": split}).task
        mean, bins = baselines.mean_rate(task), task.bins("test")
        for name, model in models.items():
            score = r2(task.rates, model(task), mean, bins).mean()
            found[f"R² of {name}, {split} split"] = float(score)
    return found


def draw_neurons(recording: TrialRecording, region: str, seed: int) -> np.ndarray:
    """Spikes of NEURONS neurons of a region: two halves share more, the more neurons they have."""
    found = np.flatnonzero(recording.brain_area == region)
    chosen = np.random.default_rng(seed).permutation(found)[:NEURONS]
    return recording.spikes[np.sort(chosen)]


def largest_share(values: np.ndarray) -> float:
    """The part of the variance that the hundredth of values farthest from the mean carries."""
    squares = np.sort((values - values.mean()) ** 2)
    return float(squares[-max(1, len(squares) // 100) :].sum() / squares.sum())


if __name__ == "__main__":
    main()
