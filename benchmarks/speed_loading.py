"""Batches of a SENSORIUM scan: ours against neuralpredictors' FileTreeDataset and its DataLoader.

    python benchmarks/speed_loading.py

One epoch is every trial of a scan of 5,000 trials and 8,000 neurons (noise in the files of the
competition, images 144 x 256 in float32, responses in float64), shuffled, in batches of 128: images
normalised and a quarter of their size, responses over their standard deviation, behaviour over its own
without centring ("std" of `scale_behaviour`; Model 4's "range" has no counterpart there), the eye's
position z-scored. The peer has the starter kit's transforms and its cache of raw trials. Where behaviour
or eye never vary the two differ: the peer divides by zero, we give 0.

Our first epoch from the trial files checks and packs all of them, and its pack is removed again within the
time. With a pack from an earlier run it looks for changed files, and maps the pack. The files lie in the
page cache for both. Memory is what the peak of a fresh process grows by in the first epoch from the files.
"""

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, SequentialSampler, SubsetRandomSampler

import peers
from neurokit.sensorium.features import InputSettings, MouseTrials
from neurokit.sensorium.recording import load_scan
from paired import assert_equal, compared, memory, options, peak_alone, report, timed

SIZES = {"trials": 5000, "neurons": 8000}
QUICK = {"trials": 150, "neurons": 300}
BATCH = 128
TOLERANCE = 1e-6  # of a batch's largest entry; both work in double precision and end in single
NAME = "static1-2-3-GrayImageNet-0123456789abcdef0123456789abcdef"
KEYS = ("images", "responses", "behavior", "pupil_center")
BASELINE = InputSettings(behaviour="std", pupil_center=True)
PEER = "neuralpredictors' FileTreeDataset"


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Equality, then time, then memory."""
    chosen = options(__doc__, arguments)
    peers.require()
    size, rounds = QUICK if chosen.quick else SIZES, chosen.rounds or (1 if chosen.quick else 5)
    with tempfile.TemporaryDirectory(prefix="speed_loading-") as folder:
        scan = write_scan(Path(folder), **size)
        facts = {
            **size,
            "largest_difference": same_batches(scan),
            "threads": torch.get_num_threads(),
            "allocator": "as it comes",
            "cache": "files in the page cache",
        }
        rows = [*speed(scan, rounds, facts), growth(scan, facts)]
    return report("loading", rows, chosen.quick, batch=BATCH)


def write_scan(folder: Path, trials: int, neurons: int) -> Path:
    """Noise in the files of a scan, with statistics that are not quite its own; returns its folder."""
    random = np.random.default_rng(0)
    scan, pool = folder / NAME, random.integers(0, 256, (64, 1, 144, 256)).astype(np.float32)
    for field in KEYS:
        (scan / "data" / field).mkdir(parents=True)
    for trial in range(trials):
        arrays = (pool[trial % 64], random.standard_exponential(neurons), random.random(3), random.random(2))
        for field, values in zip(KEYS, arrays, strict=True):
            np.save(scan / f"data/{field}/{trial}.npy", values)
    for name, values in _meta(trials, neurons, random).items():
        (scan / "meta" / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(scan / f"meta/{name}.npy", values)
    return scan


def _meta(trials: int, neurons: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    spread = random.uniform(0.5, 2, neurons)
    spread[0] = 0.001  # one that is all but silent
    middle = {"images": np.array(110.0), "responses": spread, "behavior": random.random(3)}
    middle["pupil_center"] = random.random(2)
    words = ("mean", "std", "min", "max", "median")
    return {
        **{f"statistics/{field}/all/{word}": middle[field] for field in KEYS for word in words},
        "statistics/images/all/std": np.array(60.0),
        "neurons/unit_ids": 1 + np.arange(neurons),
        "neurons/cell_motor_coordinates": random.uniform(-300, 300, (neurons, 3)),
        "trials/tiers": np.where(np.arange(trials) % 10, "train", "validation"),
        "trials/frame_image_id": np.arange(trials),
        "trials/frame_image_class": np.full(trials, "noise"),
        "trials/trial_idx": random.permutation(trials),
    }


def peer_loader(scan: Path, shuffled: bool = True) -> DataLoader:
    """The starter kit's loader, its cache empty."""
    from neuralpredictors.data.datasets import FileTreeDataset
    from neuralpredictors.data.transforms import NeuroNormalizer, ScaleInputs, Subsample, ToTensor

    data = FileTreeDataset(str(scan), *KEYS)
    neurons = np.arange(len(np.load(scan / "meta/neurons/unit_ids.npy")))
    data.transforms += [NeuroNormalizer(data), ScaleInputs(0.25), Subsample(neurons), ToTensor()]
    sampler = SubsetRandomSampler(range(len(data))) if shuffled else SequentialSampler(data)
    return DataLoader(data, batch_size=BATCH, sampler=sampler)


def our_trials(scan: Path, packs: Path) -> MouseTrials:
    return MouseTrials(load_scan(scan, packs), BASELINE)


def our_batches(mouse: MouseTrials, shuffled: bool = True) -> Iterator[dict[str, Tensor]]:
    """Batches under the peer's names."""
    generator = torch.Generator().manual_seed(0) if shuffled else None
    for batch in mouse.batches(torch.arange(len(mouse.scan.tiers)), BATCH, generator):
        given = batch.inputs
        values = (given["images"][:, None], batch.responses, given["behaviour"], given["pupil_center"])
        yield dict(zip(KEYS, values, strict=True))


def exhaust(batches: Iterable[Any]) -> None:
    """Takes every batch and keeps none."""
    deque(batches, maxlen=0)


def peer_epoch(scan: Path) -> DataLoader:
    """The first epoch; then the loader, with all raw trials in its cache."""
    loader = peer_loader(scan)
    exhaust(loader)
    return loader


def our_epoch(scan: Path, packs: Path) -> MouseTrials:
    """The first epoch, from the pack in `packs`, or from the trial files where there is none."""
    mouse = our_trials(scan, packs)
    exhaust(our_batches(mouse))
    return mouse


def our_epoch_from_files(scan: Path) -> None:
    packs = scan.with_name("packs of one epoch")
    our_epoch(scan, packs)
    shutil.rmtree(packs)


def same_batches(scan: Path) -> float:
    """The largest difference in any batch, as a share of its largest entry; AssertionError if intolerable."""
    mouse, worst = our_trials(scan, scan.with_name("packs")), 0.0
    for ours, theirs in zip(our_batches(mouse, False), peer_loader(scan, False), strict=True):
        wanted = dict(zip(KEYS, theirs, strict=True))
        assert all(ours[field].shape == each.shape for field, each in wanted.items())
        worst = max(worst, assert_equal(ours, wanted, TOLERANCE, negligible=0.0))
    return worst


def speed(scan: Path, rounds: int, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Three rows; the first epochs of one round begin with nothing but what lies on the disk."""
    packs = scan.with_name("packs")
    files, packed = "neurokit from the trial files", "neurokit from a packed file"
    works = {
        PEER: lambda: peer_epoch(scan),
        files: lambda: our_epoch_from_files(scan),
        packed: lambda: our_epoch(scan, packs),
    }
    first = timed(works, rounds)
    loader, mouse = peer_epoch(scan), our_epoch(scan, packs)
    later = timed({PEER: lambda: exhaust(loader), "neurokit": lambda: exhaust(our_batches(mouse))}, rounds)
    return [
        compared(first, PEER, files, work="first epoch, from trial files", aim=3, **facts),
        compared(first, PEER, packed, work="first epoch, a packed file there", aim=15, **facts),
        compared(later, PEER, "neurokit", work="later epochs", aim=25, **facts),
    ]


def growth(scan: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """One row, each side in a process of its own."""
    found = [peak_alone(first_epoch, scan, which) for which in ("peer", "ours")]
    return memory(*found, peer=PEER, ours="neurokit", work="memory of a prepared scan", aim=4, **facts)


def first_epoch(scan: Path, which: str) -> Callable[[], Any]:
    """The first epoch of either side, from the trial files; modules, which are no part of it, imported."""
    peers.importable()
    if which == "ours":
        return lambda: our_epoch_from_files(scan)
    import neuralpredictors.data.transforms  # noqa: F401

    return lambda: peer_epoch(scan)


if __name__ == "__main__":
    main()
