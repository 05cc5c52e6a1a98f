"""What benchmarks/gpu.py measures: published models, and noise of the real recordings' sizes.

Noise costs what recordings cost, since no step depends on values. Everything lies on the device before a
clock runs, drawn from fixed seeds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from neurokit.digital_twin.clips import ClipBatch
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.network.config import SMALL as SMALL_NETWORK
from neurokit.digital_twin.network.network import build_network
from neurokit.digital_twin.training import ClipLoss, ClippedDescent, CohortNetwork, transfer_core
from neurokit.sensorium import training as sensorium
from neurokit.sensorium.config import MODELS
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.past_responses import StateTransform
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.sources import SCANS
from neurokit.sensorium.training import ManyMice
from neurokit.training.settings import FitSettings
from neurokit.v1_transformer import MovieTask, TransformerConfig
from neurokit.v1_transformer import build as build_transformer
from neurokit.v1_transformer.clips import REPEATS
from neurokit.v1_transformer.config import SMALL as SMALL_TRANSFORMER
from neurokit.v1_transformer.features import split_movie
from neurokit.v1_transformer.model import PartLoss, absolute_error

UNITS = 8509  # of the mouse whose transfer is public
CELLS = 200  # of an Allen session


@dataclass(frozen=True)
class Work:
    """A training as `fit` takes it; an epoch shows `shown` of `unit`, and `facts` follow from its seconds."""

    name: str
    model: Callable[[], nn.Module]
    loss: Callable[..., Any]
    train: Any
    validation: Any
    settings: FitSettings
    shown: int
    unit: str
    facts: Callable[[float], dict[str, float]]
    optimise: Any = None


def model_4(device: torch.device, quick: bool) -> Work:
    """Six scans, one batch of each in a step, as one member is trained; validation correlation included."""
    keys = [key for key in SCANS if key != "26872-17-20"]  # it has no behaviour
    config, small = MODELS["model_4"].published, {"neurons": 40, "trials": 90}
    if quick:
        keys = keys[:2]
        config = config.with_values({"channels": 8, "batch_size": 16})
    mice = {}
    for seed, key in enumerate(keys):
        size = small if quick else {"neurons": SCANS[key].neurons, "trials": SCANS[key].trials}
        scan = noise_scan(key, seed, **size, train=50 if quick else 4490, validation=20 if quick else 500)
        mice[key] = MouseTrials(scan, config.inputs, state=noise_state(scan.neurons)).to(device)
    trials = [len(mouse.trials("train")) for mouse in mice.values()]  # as many of each: all shown once
    # Their own log of the competition's CNN with behaviour ends after 100 epochs; 200 is the config's limit.
    minutes = {f"five_members_{n}_epochs_min": 5 * n / 60 for n in (100, config.fit.epochs)}
    return Work(
        name=f"Model 4, {len(mice)} scans",
        model=lambda: sensorium.build(mice, config),
        loss=sensorium.loss,
        train=ManyMice(mice),
        validation=sensorium.ValidationCorrelation(mice, config.fit.batch_size),
        settings=config.fit.replace(evaluate_first=False),
        shown=sum(trials),
        unit="images",
        facts=lambda epoch: {name: epoch * number for name, number in minutes.items()} | {"aim_min": 15.0},
    )


def v1_transformer(device: torch.device, quick: bool) -> Work:
    """A movie of two minutes in ten repeats; a sample is a clip in one repeat."""
    config = SMALL_TRANSFORMER if quick else TransformerConfig()
    frames, repeats, cells = (240, 4, 6) if quick else (3600, 10, CELLS)
    shape, random = config.shape, np.random.default_rng(1)
    task = MovieTask(
        frames=random.integers(0, 256, (frames, *config.model.frame), dtype=np.uint8),
        responses=random.standard_normal((repeats, frames, cells), dtype=np.float32),
        running=random.standard_normal((repeats, frames), dtype=np.float32),
        split=split_movie(frames, clip=shape.span, lag=shape.reach),
        shape=shape,
    )
    clips = task.clips().to(device)
    shown = REPEATS * len(clips.ends("train"))
    return Work(
        name="V1 Transformer",
        model=lambda: build_transformer(task, config),
        loss=absolute_error,
        train=clips,
        validation=PartLoss(clips, absolute_error, size=config.fit.batch_size),
        settings=config.fit,
        shown=shown,
        unit="samples",
        facts=lambda epoch: {"training_min": epoch * config.fit.epochs / 60},
    )


def transfer(device: torch.device, quick: bool) -> Work:
    """A frozen core, and what belongs to a new mouse trained; without its validation loss."""
    network = build_network(1, SMALL_NETWORK if quick else TwinConfig().network)
    units = 20 if quick else UNITS
    return _twin("digital twin, transfer", lambda: transfer_core(network, units), units, device, quick)


def foundation(device: torch.device, quick: bool) -> Work:
    """All of the network trained, on one mouse."""
    units, sizes = 20 if quick else UNITS, SMALL_NETWORK if quick else TwinConfig().network
    return _twin("digital twin, all trained", lambda: build_network(units, sizes), units, device, quick)


def _twin(name: str, build: Callable, units: int, device: torch.device, quick: bool) -> Work:
    config = TwinConfig()
    if quick:
        config = config.replace(network=SMALL_NETWORK, window=8, burn_in=2, batch=2)
    steps, whole = 2 if quick else 8, config.cycles.epochs * config.batches
    return Work(
        name=name,
        model=lambda: CohortNetwork({"mouse": build()}),
        loss=ClipLoss(config.burn_in),
        train=Fixed([noise_clips(config, units, stream, device) for stream in range(steps)]),
        validation=Unmeasured(),
        settings=config.fit_settings,
        shown=steps * config.batch * config.window,
        unit="frames",
        facts=lambda epoch: {f"{whole}_steps_h": epoch / steps * whole / 3600},
        optimise=ClippedDescent(config),
    )


class Fixed:
    """The same batches in every epoch, each a step."""

    def __init__(self, batches: list[ClipBatch]) -> None:
        self.batches, self.device = batches, batches[0].video.device

    def fingerprint(self) -> str:
        return "noise"

    def steps(self, size: int, generator: torch.Generator, epoch: int) -> Iterator[list[ClipBatch]]:
        return ([batch] for batch in self.batches)


class Unmeasured:
    """A validation that takes no time."""

    def fingerprint(self) -> str:
        return "nothing"

    def __call__(self, model: nn.Module) -> float:
        return 0.0


def noise_clips(config: TwinConfig, units: int, number: int, device: torch.device) -> ClipBatch:
    """Video, behaviour and responses of one step, drawn on the device; streams take turns."""
    random = torch.Generator(device).manual_seed(number)
    shape, options = (config.window, config.batch), {"device": device, "generator": random}
    video = torch.randint(256, (*shape, *config.network.monitor), dtype=torch.uint8, **options)
    pupil, behaviour = (torch.randn(*shape, 2, **options) for _ in range(2))
    responses = torch.rand(*shape, units, **options) * 2
    noise = torch.Generator().manual_seed(number)
    return ClipBatch("mouse", video, pupil, behaviour, responses, number % config.network.streams, noise)


def noise_scan(key: str, seed: int, *, neurons: int, trials: int, train: int, validation: int) -> Scan:
    """A scan of this size; trials beyond those of training and validation are for tests."""
    random = np.random.default_rng(seed)
    tiers = np.full(trials, "test", dtype="<U10")
    dealt = random.permutation(trials)
    tiers[dealt[:train]], tiers[dealt[train : train + validation]] = "train", "validation"
    behaviour, eye = random.gamma(4.0, 1.0, (trials, 3)), random.standard_normal((trials, 2))
    return Scan(
        key=key,
        images=random.standard_normal((trials, 36, 64), dtype=np.float32),
        responses=random.standard_exponential((trials, neurons), dtype=np.float32),
        behaviour=behaviour,
        pupil_center=eye,
        tiers=tiers,
        image_ids=np.arange(trials),
        trial_ids=np.arange(trials),
        rank=random.permutation(trials),
        unit_ids=np.arange(1, neurons + 1),
        coordinates=random.uniform(-300, 300, (neurons, 3)),
        response_scale=np.ones(neurons),
        statistics={"behavior": _statistics(behaviour), "pupil_center": _statistics(eye)},
        fingerprint=f"noise {seed}",
    )


def noise_state(neurons: int, rank: int = 10, factors: int = 10) -> StateTransform:
    """Made and not fitted, which takes minutes and happens once for all members."""
    random = np.random.default_rng(7)
    shapes = (neurons,), (neurons, rank), (rank, neurons), (factors, neurons)
    arrays = (random.random(shape, dtype=np.float32) / shape[0] for shape in shapes)  # states near 1
    return StateTransform(*arrays, root=True, converged=True)


def _statistics(values: np.ndarray) -> dict[str, np.ndarray]:
    words = {"mean": np.mean, "std": np.std, "min": np.min, "max": np.max, "median": np.median}
    return {word: function(values, axis=0) for word, function in words.items()}
