"""What the tests of digital twins share: a tiny network, and mice that watch a tiny monitor."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from neurokit.digital_twin import optimisation, several
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.network.network import FoundationNetwork, build_network
from neurokit.digital_twin.optimisation import SgdClipSettings
from neurokit.digital_twin.preparation import TrainingStatistics
from neurokit.digital_twin.recording import Trial, TrialFolder, Video, load_trials
from neurokit.digital_twin.writing import write_trials

MONITOR = (12, 16)
NETWORK = FoundationSettings(
    monitor=MONITOR,
    retina=(8, 12),
    streams=2,
    eye_features=4,
    eye_layers=1,
    modulation_features=2,
    memory_features=2,
    input_kernel=4,
    channels=(4,),
    groups=(1,),
    layers=(1,),
    frames=(2,),
    kernel=(3,),
    pools=(1,),
    features=4,
    hidden=4,
    common=8,
    heads=2,
    outputs=4,
)
BOLD = SgdClipSettings(clip=0.1, eps=0.02)  # learns something in a dozen steps
CONFIG = TwinConfig(
    network=NETWORK, window=12, burn_in=2, batch=2, batches=3, validation_batches=2, sgd=BOLD, seed=3
).with_epochs(2)


def flicker(frames: int, random: np.random.Generator) -> np.ndarray:
    """A monitor whose halves change their grey now and then, T H W."""
    halves = random.integers(0, 256, (-(-frames // 4), 1, 2), dtype=np.uint8).repeat(4, axis=0)[:frames]
    return halves.repeat(MONITOR[0], axis=1).repeat(MONITOR[1] // 2, axis=2)


def toy_trial(name: str, frames: int = 24, units: int = 3, *, training: bool = True, seed: int = 0) -> Trial:
    """Unit by unit the brightness of the left or the right half, in multiples of its mean."""
    random = np.random.default_rng([seed, *name.encode()])
    video = flicker(frames, random)
    bright = video[:, 0, [0, -1]] / 127.5
    return Trial(
        name=name,
        training=training,
        stimulus=video,
        perspective=random.normal(size=(frames, 2)).astype(np.float32),
        modulation=random.normal(size=(frames, 2)).astype(np.float32),
        units=bright[:, np.arange(units) % 2].astype(np.float32),
    )


def toy_trials(number: int = 6, frames: int = 24, units: int = 3, seed: int = 0) -> list[Trial]:
    """The last third is for validation."""
    fitted = number - number // 3
    return [toy_trial(str(i), frames, units, training=i < fitted, seed=seed) for i in range(number)]


def toy_recording(
    folder: Path, change: Callable[[Trial], Trial] = lambda trial: trial, **size: int
) -> TrialFolder:
    """Written and read again, so that videos are mapped; `change` is made to each trial before."""
    return load_trials(write_trials(folder, [change(trial) for trial in toy_trials(**size)]))


def toy_video(name: str, repeats: int, frames: int = 24, units: int = 3) -> Video:
    """The same frames each time, behaviour of its own."""
    first = toy_trial(name, frames, units, training=False)
    others = [toy_trial(f"{name}{repeat}", frames, units, training=False) for repeat in range(repeats)]
    trials = (replace(o, name=str(i), stimulus=first.stimulus) for i, o in enumerate(others))
    return Video(name, tuple(trials))


def awake(network: FoundationNetwork, seed: int = 5, size: float = 0.5) -> FoundationNetwork:
    """The network with random numbers in weights that start at zero, so that its output says something."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, values in network.named_parameters():
            if not values.any() and not name.startswith("perspective"):
                values += size * torch.randn(values.shape, generator=random)
        for weight in network.perspective.mlp.linears[0].weights:
            weight += 0.1 * torch.randn(weight.shape, generator=random)
    return network


def toy_network(units: int = 3, seed: int = 0, **changes: object) -> FoundationNetwork:
    return awake(build_network(units, NETWORK.replace(**changes), seed=seed))


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy."""
    return {name: values.detach().clone() for name, values in module.state_dict().items()}


def train_apart(rank: int, folders: dict[str, Path], config: TwinConfig, output: Path, meeting: Path) -> None:
    """A process that trains its mouse and tells the others nothing of its gradients."""
    torch.set_num_threads(1)
    optimisation._add_over_processes = lambda shared: None
    several.keep_equal = lambda shared: None
    where = {"init_method": (meeting / "meet").as_uri(), "rank": rank, "world_size": len(folders)}
    with several.join_group("cpu", **where):
        several.train_my_mouse(folders, config, output, device="cpu")


def values_of(statistics: TrainingStatistics) -> np.ndarray:
    """All its numbers."""
    pairs = ("perspective_mean", "perspective_std", "modulation_mean", "modulation_std", "units_mean")
    return np.concatenate([getattr(statistics, name) for name in pairs])
