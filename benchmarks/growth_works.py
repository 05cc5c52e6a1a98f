"""Pieces of work whose growth is measured: each function makes, for one size, what is then done repeatedly.

Models have their published sizes unless said otherwise; what they see is noise, since time and memory do not
depend on it.
"""

import itertools
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neurokit import settings
from neurokit.digital_twin.clips import ClipBatch as TwinClips
from neurokit.digital_twin.network.config import RELEASED, SMALL
from neurokit.digital_twin.network.network import build_network
from neurokit.digital_twin.training import ClipLoss, CohortNetwork
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.sensorium import CNN, MODELS, MouseShape, SensoriumConfig, make_model, train_ensemble
from neurokit.sensorium.features import MouseBatch, MouseTrials
from neurokit.sensorium.recording import load_scan
from neurokit.sensorium.simulated_mouse import Mouse, MouseParameters
from neurokit.sensorium.simulation import ScanParameters, SimulatedScan, scan_name, write_scan
from neurokit.sensorium.sources import load_simulated
from neurokit.sensorium.training import ManyMice, loss
from neurokit.v1_transformer import model as transformer
from neurokit.v1_transformer.clips import ClipBatch
from neurokit.v1_transformer.config import TransformerSettings
from paired import Work

NETWORKS = {"released": RELEASED, "small": SMALL}
Load = Callable[[], Mapping[str, Any]]


def sensorium_step(neurons: int, mice: int = 1, batch: int = 128, pixels: int = 36 * 64) -> Work:
    """A step of Adam on the SENSORIUM CNN: one batch of each mouse; images of 9 to 16."""
    rows = isqrt(pixels * 9 // 16)
    shapes = {f"mouse-{number}": MouseShape(neurons=neurons) for number in range(mice)}
    place = np.random.default_rng(0).normal(size=(neurons, 3))
    model = make_model(shapes, CNN, seed=0, coordinates=dict.fromkeys(shapes, place))
    batches = [_image_batch(key, neurons, batch, (rows, pixels // rows)) for key in shapes]
    return _step(model, partial(_add_gradients, model, loss, batches))


def transformer_step(snippet: int, neurons: int = 200) -> Work:
    """A step on the V1 Transformer: 64 end frames in eight stretches of eight, in two repeats."""
    sizes = TransformerSettings(clip_length=snippet)
    model = transformer.build(neurons, sizes, seed=0)
    batch = _snippet_batch(sizes, neurons)
    return _step(model, partial(_add_gradients, model, transformer.absolute_error, [batch]))


def twin_step(frames: int, neurons: int = 1000, size: str = "released") -> Work:
    """Loss and gradients of the foundation network, one stream, unrolled over one window of frames."""
    network = NETWORKS[size]
    model = CohortNetwork({"mouse": build_network(neurons, network)})
    random = torch.Generator().manual_seed(0)
    video = torch.randint(256, (frames, 1, *network.monitor), dtype=torch.uint8, generator=random)
    eye, state = torch.randn(2, frames, 1, 2, generator=random)
    clips = TwinClips("mouse", video, eye, state, torch.rand(frames, 1, neurons), 0, random)
    return _step(model, partial(_add_gradients, model, ClipLoss(burn_in=0), [clips]))


def twin_stream(frames: int, neurons: int = 1000, size: str = "released") -> Work:
    """A digital twin that answers each frame as it comes; the answers are dropped."""
    network = NETWORKS[size]
    twin = DigitalTwin(build_network(neurons, network), device="cpu")
    random = np.random.default_rng(0)
    stills = random.integers(0, 256, (8, *network.monitor), dtype=np.uint8)

    def work() -> None:
        for _ in twin.respond(itertools.islice(itertools.cycle(stills), frames)):
            pass

    return work


def scan_opening(trials: int, neurons: int = 2000) -> Work:
    """The first opening of a scan: its trial files read from the archive, checked and packed."""
    archive = written_scan(trials, neurons)

    def work() -> None:
        with tempfile.TemporaryDirectory(dir=archive.parent) as packed:
            load_scan(archive, packed)

    return work


def scan_epoch(trials: int, neurons: int = 2000) -> Work:
    """An epoch of batches of 128 out of a packed scan, which the system's cache holds."""
    archive = written_scan(trials, neurons)
    scan = load_scan(archive, archive.parent)
    mice = ManyMice({scan.key: MouseTrials(scan)})

    def work() -> None:
        for _ in mice.steps(128, torch.Generator().manual_seed(0)):
            pass

    return work


def ensemble(members: int, batch: int) -> Work:
    """An epoch of each member of an ensemble of small CNNs on a small mouse, one after another."""
    load, config = small_ensemble(epochs=1, batch=batch)
    load()  # writes the mouse's files if they are not there yet

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            train_ensemble(load, config, folder, members=members, device="cpu")

    return work


def small_ensemble(epochs: int, batch: int) -> tuple[Load, SensoriumConfig]:
    """What members are trained on and how: 240 trials of 50 simulated neurons, the demo's small CNN."""
    scan = ScanParameters(
        mouse=MouseParameters(neurons=50, seed=900), train=200, validation=40, test_images=8
    )
    config = MODELS["cnn"].small.with_epochs(epochs).with_values({"batch_size": batch})
    return partial(load_simulated, (scan,)), config


def written_scan(trials: int, neurons: int) -> Path:
    """The archive of a scan of noise in the files of the competition, written on the first call."""
    folder = settings.data_folder() / "benchmarks" / "growth" / f"{trials}-{neurons}"
    train = trials - trials // 10
    parameters = ScanParameters(
        mouse=MouseParameters(neurons=neurons), train=train, validation=trials - train
    )
    if (archive := folder / f"{scan_name(parameters)}.zip").is_file():
        return archive
    random = np.random.default_rng(0)
    responses = random.random((trials, neurons))
    scan = SimulatedScan(
        parameters=parameters,
        cells=Mouse(parameters.mouse, trials).cells,
        images=random.integers(0, 256, (64, 144, 256), dtype=np.uint8),
        image=np.arange(trials) % 64,
        tiers=np.repeat(["train", "validation"], [train, trials - train]),
        rank=random.permutation(trials),
        responses=responses,
        behaviour=random.random((trials, 3)),
        pupil_center=random.random((trials, 2)),
        rates=responses,
        expected=responses,
        expected_from_image=responses,
    )
    return write_scan(scan, folder)


def _image_batch(key: str, neurons: int, batch: int, shape: tuple[int, int]) -> MouseBatch:
    random = torch.Generator().manual_seed(0)
    images = torch.randn(batch, *shape, generator=random)
    return MouseBatch(key, {"images": images}, torch.rand(batch, neurons, generator=random), scale=6.0)


def _snippet_batch(sizes: TransformerSettings, neurons: int) -> ClipBatch:
    """Frames that neighbouring snippets share are there once, as in training."""
    random, length = torch.Generator().manual_seed(0), sizes.clip_length
    firsts = torch.arange(8)[:, None] * (length + 7) + torch.arange(8)  # of each snippet
    shown = firsts.reshape(-1, 1) + torch.arange(length)  # E T
    frames = torch.randn(8 * (length + 7), 1 + sizes.before, *sizes.frame, generator=random)
    running = torch.randn(2, 64, length, 2, generator=random)
    return ClipBatch(frames, shown, running, torch.randn(2, 64, neurons, generator=random))


def _add_gradients(model: torch.nn.Module, objective: Callable, batches: list[Any]) -> None:
    for batch in batches:
        total, number = objective(model, batch)
        (total / number).backward()


def _step(model: torch.nn.Module, add_gradients: Work) -> Work:
    """Gradients and a step of Adam in training mode."""
    optimizer = torch.optim.Adam(model.train().parameters(), lr=1e-4)

    def work() -> None:
        add_gradients()
        optimizer.step()
        optimizer.zero_grad()

    return work
