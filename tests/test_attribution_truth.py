"""Attribution on the simulated recording finds what was planted, and random weights do not.

The target is a causal boxcar of 0.1 s, so a drive planted at some lag acts between that lag and
0.09 s after it; the error of a found lag is its distance from this range.
"""

import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from neurokit.attribution import find_strongest, integrated_gradients, lag_profile, rate_at
from neurokit.pupil_encoder.config import FIT, PupilConfig
from neurokit.pupil_encoder.experiment import build, train
from neurokit.pupil_encoder.features import EncodingTask, encoding_task, split_trials
from neurokit.pupil_encoder.sources import load, simulated_truth
from pays.attribution import weigh

SEEDS = (0, 1, 2, 6, 7, 8)  # 3 to 5 are the mice on which the window was chosen
REGIONS = ("SCs", "SCm", "LGd")
BINS = list(range(90, 170, 10))
LOOKS_BACK = 0.09  # s
# s. Stated before seeds 1 and 2 were run and unchanged when the first run missed two of nine: the MLP's
# window was widened from 0.6 to 1 s instead, a choice made on three other mice (seeds 3 to 5). With one of
# three channels and 24 of 151 lags that count as right, a guess is right in 5 % of cases.
TOLERANCE = 0.07


@pytest.fixture(scope="module")
def tasks() -> list[EncodingTask]:
    recordings = [load(source="demo", seed=seed) for seed in SEEDS]
    return [encoding_task(r, split_trials(len(r.trials), seed=0), regions=REGIONS) for r in recordings]


def found(model: nn.Module, task: EncodingTask) -> list[tuple[str, float]]:
    """Channel and lag (s) that the model listens to, for each region."""
    inputs = torch.from_numpy(task.inputs[task.split.test[:16]])
    baseline = torch.from_numpy(task.inputs[task.split.train].mean(axis=0))
    answers = []
    for region in range(len(task.regions)):
        values = integrated_gradients(model, inputs, baseline, rate_at(region, BINS), tolerance=0.1).values
        lags, profile = lag_profile(values, BINS, longest=0.75, bin_size=task.bin_size)
        channel, lag = find_strongest(profile, lags)
        answers.append((task.channels[channel], lag))
    return answers


def hits(answers: list[tuple[str, float]], seed: int) -> list[bool]:
    """Whether channel and lag are the planted ones."""
    planted = {region["name"]: region for region in simulated_truth(seed).parameters["regions"]}
    right = []
    for name, (channel, lag) in zip(REGIONS, answers, strict=True):
        truth = planted[name]
        error = max(truth["lag"] - lag, lag - truth["lag"] - LOOKS_BACK, 0)
        right.append(channel == truth["channel"] and error <= TOLERANCE)
    return right


@pytest.mark.slow
def test_trained_encoder_finds_channel_and_lag(tasks: list[EncodingTask]) -> None:
    """In more than half of 18 (six mice, three regions), which is 13 or more at p < 0.05.

    Seeds 6 to 8 were named before they were run. What is missed are lags, by 0.01 s or more.
    """
    how = FIT.replace(learning_rate=1e-3, weight_decay=0.1)
    right = []
    for seed, task in zip(SEEDS, tasks, strict=True):
        encoder = build(task, PupilConfig(cell="mlp", hidden=32))
        train(encoder, task, PupilConfig(fit=how), device="cpu", show_progress=False)
        answers = found(encoder, task)
        print(seed, answers)
        right += hits(answers, seed)
    assert binomtest(sum(right), len(right), 0.5, alternative="greater").pvalue < 0.05, right
    assert sum(right[:9]) >= 7, right


@pytest.mark.slow
def test_random_weights_do_not(tasks: list[EncodingTask]) -> None:
    """At most three of 18, by luck; two of the first nine."""
    right = []
    for seed, task in zip(SEEDS, tasks, strict=True):
        right += hits(found(build(task, PupilConfig(cell="mlp", hidden=32, seed=seed + 10)), task), seed)
    assert sum(right) <= 3 and sum(right[:9]) <= 2, right


@pytest.mark.slow
def test_the_weights_of_a_linear_filter_find_all(tasks: list[EncodingTask]) -> None:
    """The simple tool is the better one where a rate rises steadily with the pupil: lesson 05 says so."""
    right = []
    for seed, task in zip(SEEDS, tasks, strict=True):
        profiles, lags = weigh(task)
        points = (find_strongest(torch.tensor(each), torch.tensor(lags)) for each in profiles)
        right += hits([(task.channels[channel], lag) for channel, lag in points], seed)
    assert all(right), right
