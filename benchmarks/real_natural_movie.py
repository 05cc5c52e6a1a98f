"""Running and pupil beside a natural movie: units of nine areas, 20 repeats in one session.

    python benchmarks/real_natural_movie.py      (NEUROKIT_REAL_DATA names the folder of real recordings)

Natural movie one of the Allen Brain Observatory, session 791319847, counts in bins of 1 s. A unit's count in
a repeat is predicted by the mean of the training repeats in that second (PSTH), or by that mean and the
animal's running, pupil, or both: by least squares on 1, m, r and m r, with m the mean of the other training
repeats, so that no repeat is predicted from itself. Scored on repeats that were held out (a quarter, drawn by
a seed): correlation over single repeats and seconds, mean over units. The control gives each repeat the
running and pupil of the one ten repeats away, since behaviour changes slowly from repeat to repeat.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from neurokit import settings
from neurokit.files.archives import read_npz
from record import save

FILE = Path("allen_neuropixels_natural_movie_one") / "session_791319847_natural_movie_one_1s.npz"
MODELS: dict[str, tuple[str, ...]] = {
    "PSTH": (),
    "PSTH x running": ("running",),
    "PSTH x pupil": ("pupil",),
    "PSTH x both": ("running", "pupil"),
}
TEST = 4  # every so many repeats are held out
MAXIMUM_BYTES = 2**28


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Scores all areas and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--fewest", type=int, default=20, help="units of an area")
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    found = read_npz(settings.real_data_folder() / FILE, MAXIMUM_BYTES)
    size = np.sqrt(found["pupil_width"] * found["pupil_height"])
    channels = {"running": found["running_speed"], "pupil": size}
    areas, numbers = np.unique(found["unit_area"].astype(str), return_counts=True)
    chosen = [area for area, number in zip(areas, numbers, strict=True) if number >= options.fewest]
    rows = []
    for area in sorted(chosen, key=lambda area: (area != "VISp", area)):
        counts = found["spike_counts"][found["unit_area"].astype(str) == area].astype(float)
        rows += [
            {"area": area, "units": len(counts), "model": model}
            | {
                name: [score(counts, channels, used, seed, shift) for seed in range(options.seeds)]
                for name, shift in (("own", 0), ("other", counts.shape[1] // 2))
                if used or not shift
            }
            for model, used in MODELS.items()
        ]
    for row in rows:
        print(
            row["area"],
            row["model"],
            *(round(np.mean(row[key]), 3) for key in ("own", "other") if key in row),
        )
    if not options.no_file:
        save("real_natural_movie", rows, seeds=options.seeds)
    return rows


def score(
    counts: np.ndarray, channels: dict[str, np.ndarray], used: tuple[str, ...], seed: int, shift: int
) -> float:
    """Mean over units of the correlation over held-out repeats and seconds; counts N x R x F."""
    repeats = counts.shape[1]
    order = np.random.default_rng(seed).permutation(repeats)
    test, train = order[: repeats // TEST], order[repeats // TEST :]
    behaviour = [_scaled(np.roll(channels[name], shift, axis=0), train) for name in used]
    total = counts[:, train].sum(axis=1, keepdims=True)
    others = (total - counts[:, train]) / (len(train) - 1)  # N R F: the mean without the repeat itself
    known = _design(others, [each[train] for each in behaviour])
    asked = _design(
        np.broadcast_to(total / len(train), counts[:, test].shape), [each[test] for each in behaviour]
    )
    predicted = asked @ _least_squares(known, counts[:, train].reshape(len(counts), -1, 1))
    return float(np.mean(_correlate(predicted[..., 0], counts[:, test].reshape(len(counts), -1))))


def _scaled(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    known = values[train]
    return (values - np.nanmean(known)) / np.nanstd(known)


def _design(mean: np.ndarray, behaviour: list[np.ndarray]) -> np.ndarray:
    """Columns 1, m, and for each channel r and m r: N x (R F) x columns."""
    columns = [np.ones_like(mean), mean]
    for each in behaviour:
        r = np.broadcast_to(each, mean.shape)
        columns += [r, mean * r]
    return np.stack(columns, axis=-1).reshape(len(mean), -1, len(columns))


def _least_squares(inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights of every unit at once."""
    turned = inputs.transpose(0, 2, 1)
    return np.linalg.pinv(turned @ inputs, hermitian=True) @ (turned @ targets)


def _correlate(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of each row; 0 for a row that never changes."""
    one, other = (each - each.mean(axis=1, keepdims=True) for each in (one, other))
    size = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.divide((one * other).sum(axis=1), size, out=np.zeros_like(size), where=size > 0)


if __name__ == "__main__":
    main()
