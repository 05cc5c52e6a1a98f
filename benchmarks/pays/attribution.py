"""When attribution pays: which input drives a region, and with what lag, where the effect has no fixed sign.

Two regions are planted on the recorded pupil of a simulated mouse. Each fires more when the eye is far from
the middle in one direction (horizontal, vertical), to either side, by a lag drawn between -0.4 and 0.4 s. A
region counts as found where channel and lag are right. Integrated gradients explain a perceptron; the simple
rival reads the weights of a linear filter, and a third one those of a filter that is given the squares, too.
A seed draws the mouse, its split, what is planted, noise, spikes and the network's first weights.

Letters: K trials, T bins, C channels, L lags, R regions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from neurokit import Experiment, attribution
from neurokit.models.ridge import best_ridge
from neurokit.pupil_encoder import EncodingTask, PupilConfig, build, causal_boxcar, train
from neurokit.pupil_encoder.baselines import mean_rate, stack_lags
from neurokit.simulation.brain_state import autoregression
from pays.study import Study

CHANNELS = (1, 2)  # that drive the regions: pupil_x, pupil_y
NEURONS, RATE, GAIN, LATENT = 60, 3.5, 0.35, 0.22  # rate in Hz; sizes as in the simulated sessions
BOXCAR = 10  # bins of 0.01 s
FARTHEST, LOOKS_BACK, TOLERANCE = 40, 0.09, 0.07  # bins; s; s: the rate is a boxcar that looks back
LONGEST = 0.75  # s
BINS = list(range(90, 170, 10))
LAGS = np.arange(-100, 101, 2)  # bins, of the filters
PENALTIES = 10.0 ** np.arange(2, 8)
PERCEPTRON = {"cell": "mlp", "hidden": 32, "learning_rate": 1e-3, "weight_decay": 0.1, "batch_size": 8}
WEIGHTS, GRADIENTS, SQUARES, CEILING = (
    "weights of a linear filter",
    "integrated gradients",
    "weights with squares",
    "all",
)
Profiles = tuple[list[np.ndarray], np.ndarray]  # L C of each region, and the lags in s


@dataclass(frozen=True)
class Planted:
    """A task whose rates follow its own inputs, and by which lags, in s; the channels are CHANNELS."""

    task: EncodingTask
    lags: tuple[float, ...]

    def found(self, profiles: list[np.ndarray], lags: np.ndarray) -> float:
        """Share of the regions whose profile (L C) points to the planted channel and lag."""
        right = []
        for channel, lag, profile in zip(CHANNELS, self.lags, profiles, strict=True):
            tensors = (torch.as_tensor(values, dtype=torch.float32) for values in (profile, lags))
            at_channel, at_lag = attribution.find_strongest(*tensors)
            off = max(lag - at_lag, at_lag - lag - LOOKS_BACK)
            right.append(at_channel == channel and off <= TOLERANCE)
        return float(np.mean(right))


def plant(task: EncodingTask, seed: int) -> Planted:
    """Regions that follow the task's channels to both sides, with a shared fluctuation and Poisson spikes."""
    random = np.random.default_rng(seed)
    lags = random.integers(-FARTHEST, FARTHEST + 1, len(CHANNELS))
    rates = np.empty((*task.inputs.shape[:2], len(CHANNELS)), dtype=np.float32)
    for region, (channel, lag) in enumerate(zip(CHANNELS, lags, strict=True)):
        place = stack_lags(task.inputs[..., [channel]], np.array([lag]))[..., 0]  # K T
        drive = GAIN * np.tanh(1.5 * np.abs(place) - 1)
        latent = LATENT * autoregression(drive.size, 0.1 / task.bin_size, random).reshape(drive.shape)
        expected = NEURONS * task.bin_size * RATE * np.exp(drive - drive.mean() + latent)  # spikes
        rates[..., region] = causal_boxcar(random.poisson(expected) / (NEURONS * task.bin_size), BOXCAR)
    regions = tuple(f"far in {task.channels[channel]}" for channel in CHANNELS)
    return Planted(
        replace(task, rates=rates, regions=regions), tuple(float(lag) * task.bin_size for lag in lags)
    )


def fewer(task: EncodingTask, trials: int) -> EncodingTask:
    """The task with that many of its training trials."""
    return replace(task, split=replace(task.split, train=task.split.train[:trials]))


def fit(task: EncodingTask, seed: int) -> nn.Module:
    """A perceptron on one second to each side of a bin."""
    config = PupilConfig().with_values(PERCEPTRON | {"seed": seed})
    model = build(task, config)
    train(model, task, config, device="cpu", show_progress=False)
    return model


def explain(task: EncodingTask, model: nn.Module) -> Profiles:
    """By integrated gradients, from the mean trace of the training trials."""
    inputs = torch.from_numpy(task.inputs[task.split.test[:16]])
    baseline = torch.from_numpy(task.inputs[task.split.train].mean(axis=0))
    profiles = []
    for region in range(len(task.regions)):
        outputs = attribution.rate_at(region, BINS)
        values = attribution.integrated_gradients(
            model, inputs, baseline, outputs, steps=16, tolerance=0.2
        ).values
        lags, profile = attribution.lag_profile(values, BINS, LONGEST, task.bin_size)
        profiles.append(profile.numpy())
    return profiles, lags.numpy()


def weigh(task: EncodingTask, *, squares: bool = False) -> Profiles:
    """By the sizes of a ridge filter's weights; of a channel and its square, the larger one counts."""
    kinds = [task.inputs, task.inputs**2] if squares else [task.inputs]
    design = stack_lags(np.concatenate(kinds, axis=-1), LAGS)  # K T L*C
    left, bins = task.rates - mean_rate(task), (task.bins("train"), task.bins("validation"))
    scale = design[bins[0]].std(axis=0)
    weights = best_ridge(*((design[rows] / scale, left[rows]) for rows in bins), PENALTIES).coef_  # R L*C
    size = np.abs(weights).reshape(len(task.regions), len(LAGS), len(kinds), -1).max(axis=2)  # R L C
    near = np.abs(LAGS * task.bin_size) <= LONGEST
    return list(size[:, near]), LAGS[near] * task.bin_size


def run(seed: int, amounts: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    """The share of planted regions that are found, for each number of training trials and way to look."""
    planted = plant(Experiment("pupil-encoder", seed=seed).task, seed)
    for amount in amounts:
        task = fewer(planted.task, int(amount))
        ways = {
            WEIGHTS: weigh(task),
            GRADIENTS: explain(task, fit(task, seed)),
            SQUARES: weigh(task, squares=True),
        }
        for name, profiles in ways.items():
            yield {"amount": amount, "model": name, "score": planted.found(*profiles)}
    yield {"amount": None, "model": CEILING, "score": 1.0}


STUDY = Study(
    # after a look at seeds 0 to 2
    expected="Integrated gradients find at most a fifth with 15 trials and at least four fifths with 40 and "
    "more; the weights of a linear filter at most a fifth with any number; those with squares at least four "
    "fifths with any.",
    amount="training trials",
    score="share of channels and lags found",
    simple=WEIGHTS,
    model=GRADIENTS,
    ceiling=CEILING,
    amounts=(15, 25, 40, 80, 150),
    seeds=(10, 11, 12, 13, 14, 15),
    run=run,
    worth=0.2,
)
