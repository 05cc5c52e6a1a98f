"""Trained networks of mouse V1 beside real cells: the geometry of gratings, and orientation selectivity.

    python benchmarks/real_networks.py      (NEUROKIT_REAL_DATA names the folder of real recordings)

The networks are two that the organisers of SENSORIUM 2022 published. Geometry: 120 static gratings (Allen
Brain Observatory, session 527676626, 269 cells of layer 2/3) are drawn from their labels and shown to the
networks; the dissimilarities of all pairs are compared by rank (`neurokit.metrics.rsa`). A seed draws the
cells, with replacement, and the halves of repeats that say how far one half of the recording agrees with the
other. Gratings finer than a pixel fade as an average over the pixel's area would; `PIXEL` is the size that
the organisers state. Selectivity: the median global orientation selectivity of the networks' units for
gratings at their best frequency, beside that of cells in vivo (SENSORIUM 2023 and MICrONS, from tables of
mean responses, which noise makes more selective than they are).
"""

import argparse
from typing import Any

import numpy as np
import pandas as pd
import torch

from neurokit import settings
from neurokit.files.archives import read_npz
from neurokit.insilico import at_best_frequency, orientation_selectivity, tuning
from neurokit.metrics import average_repeats, dissimilarity, rsa, split_half_rsa
from neurokit.recordings.park import read_static
from neurokit.sensorium.attribution import FixedState
from neurokit.sensorium.official import load_official
from neurokit.simulation.scenes import gratings
from neurokit.training.predict import predict
from record import save

PIXEL = 2.1  # degrees of visual angle, at 36 x 64 pixels
SHAPE = (36, 64)
NETWORKS = {"CNN": "sensorium_sota_model.pth", "LN": "sensorium_p_ln_model.pth"}
CROP = (slice(9, 27), slice(16, 48))  # the middle of the screen, where most readouts look
ORIENTATIONS = np.arange(12) * np.pi / 12
FREQUENCIES = np.array([0.04, 0.06, 0.09, 0.13, 0.19])  # cycles per pixel
MAXIMUM_BYTES = 2**28


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Both comparisons, into one result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    networks = {name: load_network(file) for name, file in NETWORKS.items()}
    rows = geometry(networks, options.seeds) + selectivity(networks)
    for row in rows:
        value = np.mean(row["values"])
        print(row["measure"], "|", row["what"], "|", row["how"], "|", round(float(value), 3))
    if not options.no_file:
        save("real_networks", rows, seeds=options.seeds)
    return rows


def load_network(file: str) -> FixedState:
    """A published network as a function of images; one that reads behaviour gets its average."""
    model = load_official(settings.real_data_folder() / "sensorium2022_checkpoints" / file)
    (mouse,) = model.mice
    held = (torch.zeros(3), torch.zeros(2)) if model.settings.behaviour else ()
    return FixedState(model.mouse(mouse), *held)


def _rates(model: FixedState, images: np.ndarray) -> np.ndarray:
    return predict(model, torch.from_numpy(images).float(), batch_size=64).cpu().numpy()


def geometry(networks: dict[str, FixedState], seeds: int) -> list[dict[str, Any]]:
    """Rank correlation of the cells' dissimilarities with those of pixels and of each network."""
    cells = read_static()
    labels = np.stack([cells.orientation, cells.spatial_frequency, cells.phase], axis=1)
    shown = np.isfinite(labels).all(axis=1)
    conditions, stimuli = np.unique(labels[shown], axis=0, return_inverse=True)
    responses, stimuli = cells.dff[:, shown].T.astype(float), stimuli.ravel()
    images = draw_gratings(conditions)
    cropped = np.zeros_like(images)
    cropped[:, *CROP] = images[:, *CROP]
    models = {"pixels": images.reshape(len(images), -1)}
    models |= {name: _rates(network, images) for name, network in networks.items()}
    models |= {
        f"{name}, middle of the screen": _rates(network, cropped) for name, network in networks.items()
    }
    mean = average_repeats(responses, stimuli)
    rows = []
    for z_scored in (True, False):
        how = "z-scored" if z_scored else "raw rates"
        own = {
            name: dissimilarity(_varied(values), z_scored=z_scored and name != "pixels")
            for name, values in models.items()
        }
        drawn = [
            np.random.default_rng(seed).integers(mean.shape[1], size=mean.shape[1]) for seed in range(seeds)
        ]
        real = [dissimilarity(mean[:, chosen], z_scored=z_scored) for chosen in drawn]
        rows += [
            {
                "measure": "RSA, static gratings",
                "what": name,
                "how": how,
                "values": [rsa(values, each) for each in real],
            }
            for name, values in own.items()
        ]
        halves = [split_half_rsa(responses, stimuli, seed=seed, z_scored=z_scored) for seed in range(seeds)]
        rows.append(
            {"measure": "RSA, static gratings", "what": "half of the repeats", "how": how, "values": halves}
        )
    return rows


def draw_gratings(conditions: np.ndarray) -> np.ndarray:
    """Images of (orientation in degrees, cycles per degree, phase in cycles), K x 36 x 64, standardised."""
    angle, frequency, phase = (
        np.deg2rad(conditions[:, 0]),
        conditions[:, 1] * PIXEL,
        2 * np.pi * conditions[:, 2],
    )
    fading = np.sinc(frequency * np.cos(angle)) * np.sinc(frequency * np.sin(angle))
    images = gratings(angle, frequency, phase, SHAPE) * fading[:, None, None]
    return images / images.std()


def _varied(values: np.ndarray) -> np.ndarray:
    return values[:, np.ptp(values, axis=0) > 1e-9]


def selectivity(networks: dict[str, FixedState]) -> list[dict[str, Any]]:
    """Median gOSI of the units of each network, and of each population in vivo."""
    folder = settings.real_data_folder()
    found: dict[tuple[str, str], list[float]] = {}
    for name, network in networks.items():
        curves = at_best_frequency(tuning(network, ORIENTATIONS, FREQUENCIES, show_progress=False))
        found[name, "network, full contrast"] = [_median(curves.numpy(), ORIENTATIONS)]
    mice = []
    for mouse in "BCE":  # those with tuning curves
        table = read_npz(folder / "sensorium2023_metadata" / f"mouse{mouse}.npz", MAXIMUM_BYTES)
        curve = table["tuning__tuning_curve"].reshape(-1, 2, 4).mean(axis=1)  # directions to orientations
        mice.append(_median(curve, np.arange(4) * np.pi / 4))
    found["SENSORIUM 2023, in vivo", "a value a mouse"] = mice
    table = pd.read_csv(folder / "microns" / "activity_table_v1300.csv.gz")
    curve = table.pivot(index="neuron_id", columns="angle_shown", values="rate").dropna().to_numpy()
    found["MICrONS, in vivo", "one mouse"] = [_median(curve, np.arange(8) * np.pi / 8)]
    return [
        {"measure": "median gOSI", "what": what, "how": how, "values": values}
        for (what, how), values in found.items()
    ]


def _median(curves: np.ndarray, orientations: np.ndarray) -> float:
    rates = torch.from_numpy(np.clip(curves, 0, None)).double()
    return float(orientation_selectivity(rates, orientations).median())


if __name__ == "__main__":
    main()
