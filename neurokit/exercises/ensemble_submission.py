"""Exercises of lesson 07: what a feature made of responses may read, and how an ensemble is asked."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from neurokit.exercises.checking import Exercise
from neurokit.training.predict import predict

RESPONSES = np.array([0.5, 2.0, 1.0, 4.0, 0.0, 3.0, 5.0, 1.5])  # in order of time
KNOWN = np.array([True, True, False, True, True, False, False, True])
NUMBERS = np.array([0.0, 1.0, 0.0, -0.5, 0.0, 2.0])  # one a trial, in order of time
UNSEEN = np.random.default_rng(70)  # inputs that no answer can hold by heart
LONG_RESPONSES, LONG_KNOWN = UNSEEN.gamma(1.0, size=40), UNSEEN.random(40) < 0.7
LONG_NUMBERS, BATCH = UNSEEN.standard_normal(25), torch.tensor(UNSEEN.standard_normal((4, 1))).float()


def _history(responses: np.ndarray, known: np.ndarray, trial: int, lag: int) -> float:
    return float(responses[:trial][known[:trial]][-lag:].sum() / lag)


def _weights(width: float, reach: int) -> np.ndarray:
    return np.exp(-0.5 * (np.arange(reach + 1) / width) ** 2)


def _smooth(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums over the trial itself and those before it; `weights` of 0, 1, 2 ... trials back."""
    return np.asarray(np.convolve(numbers, weights)[: len(numbers)])


def _normalised(numbers: np.ndarray, width: float, reach: int) -> np.ndarray:
    weights = _weights(width, reach)
    return _smooth(numbers, weights / weights.sum())


def _centred(numbers: np.ndarray, width: float, reach: int) -> np.ndarray:
    weights = _weights(width, reach)
    return np.asarray(np.convolve(numbers, weights / weights.sum(), mode="same"))


def _without_half(numbers: np.ndarray, width: float, reach: int) -> np.ndarray:
    return _normalised(numbers, width / np.sqrt(2), reach)


def _both_sides(numbers: np.ndarray, width: float, reach: int) -> np.ndarray:
    half = _weights(width, reach)
    weights = np.concatenate([half[:0:-1], half])
    return np.convolve(numbers, weights / weights.sum())[reach : reach + len(numbers)]


def _wrapped(numbers: np.ndarray, width: float, reach: int) -> np.ndarray:
    weights = _weights(width, reach)
    back = np.arange(len(numbers))[:, None] - np.arange(reach + 1)
    return np.asarray(numbers[back] @ weights / weights.sum())


def _member(slope: float) -> nn.Module:
    """A network of one input and two neurons, in training mode as every new module is."""
    linear, norm = nn.Linear(1, 2), nn.BatchNorm1d(2)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[slope], [1.0]]))
        linear.bias.copy_(torch.tensor([0.2, -0.1]))
    return nn.Sequential(linear, norm, nn.Softplus())


def _rates(members: Sequence[nn.Module], inputs: torch.Tensor) -> torch.Tensor:
    return torch.stack([predict(member, inputs) for member in members])  # members, trials, neurons


def _rank(rates: torch.Tensor) -> torch.Tensor:
    return rates.argsort(dim=1).argsort(dim=1).float()


def _training_mode(members: Sequence[nn.Module], inputs: torch.Tensor) -> torch.Tensor:
    return torch.stack([member(inputs) for member in members]).mean(dim=0)


def _to_a_tenth(answer: float) -> float:
    return round(float(answer), 1)


def _before_the_last_step(members: Sequence[nn.Sequential], inputs: torch.Tensor) -> torch.Tensor:
    drives = torch.stack([predict(member[:-1], inputs) for member in members])
    return torch.nn.functional.softplus(drives.mean(dim=0))


def _both_faults(members: Sequence[nn.Sequential], inputs: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.softplus(_training_mode([member[:-1] for member in members], inputs))


def _of_rates(
    combine: Callable[[torch.Tensor], torch.Tensor],
) -> Callable[[Sequence[nn.Module], torch.Tensor], torch.Tensor]:
    return lambda members, inputs: combine(_rates(members, inputs))


EXERCISES = {
    "07.history": Exercise(
        inputs=(
            (RESPONSES, KNOWN, 7, 2),
            (RESPONSES, KNOWN, 4, 2),
            (RESPONSES, KNOWN, 1, 2),
            (LONG_RESPONSES, LONG_KNOWN, 30, 5),
        ),
        right=_history,
        wrong=(
            (
                lambda responses, known, trial, lag: _history(responses, known, trial + 1, lag),
                "the window ends with the present trial, whose response is what is to be predicted.",
            ),
            (
                lambda responses, known, trial, lag: _history(responses, known | True, trial, lag),
                "a test response was read, and on a withheld test set there is none.",
            ),
            (
                lambda responses, known, trial, lag: float((responses * known)[:trial][-lag:].sum() / lag),
                "you put zeros for the unknown trials; go further back, to the last known ones.",
            ),
            (
                lambda responses, known, trial, lag: float(responses[:trial][known[:trial]][-lag:].mean()),
                "at the start of a session there are fewer trials; divide the sum by `lag` all the same.",
            ),
            (
                lambda responses, known, trial, lag: float(responses[known][:trial][-lag:].sum() / lag),
                "later trials enter: `trial` counts unknown ones, too; cut at `trial`, then keep the known.",
            ),
            (
                lambda responses, known, trial, lag: _history(responses, known, trial, lag) * lag,
                "that is the sum; divide it by `lag`.",
            ),
            (
                lambda responses, known, trial, lag: float(responses[trial - lag : trial].sum() / lag),
                "your window holds unknown trials, too, and with fewer than `lag` trials before, its start "
                "is below zero, which Python counts from the end.",
            ),
            (
                lambda responses, known, trial, lag: float(
                    responses[known][known[:trial].sum() - lag : known[:trial].sum()].sum() / lag
                ),
                "with fewer than `lag` known trials before, the start of your window is below zero, which "
                "Python counts from the end; start at zero then.",
            ),
        ),
        praise="Strictly past, known trials only; while test trials run, the bank holds what it had.",
    ),
    "07.small_leak": Exercise(
        choices=(0.64, 0.71, 0.85, 1.00),
        right=0.71,
        wrong=(
            (0.64, "this noise has a memory, so a window that never goes stale knows a little more."),
            (
                0.85,
                "the noise forgets in three trials, so the trial just before says 0.72 at most.",
            ),
            (1.00, "that takes the response of the present trial itself; here only earlier ones are read."),
        ),
        praise="Seven hundredths, about the size of an improvement that anyone would like to believe.",
    ),
    "07.half_gaussian": Exercise(
        inputs=((NUMBERS, 1.5, 3), (NUMBERS[::-1].copy(), 2.0, 2), (LONG_NUMBERS, 4.0, 9)),
        right=_normalised,
        wrong=(
            (
                _both_sides,
                "the weights reach to both sides, so the gain of a trial is made of later trials, too.",
            ),
            (
                _centred,
                '`mode="same"` lays the middle of the weights on each trial, so later trials enter; convolve '
                "in full and keep the first `len(numbers)` values.",
            ),
            (
                _without_half,
                "the ½ in the exponent is missing, so the weights fall too fast.",
            ),
            (
                lambda numbers, width, reach: _smooth(numbers, _weights(width, reach)),
                "the weights do not sum to 1, so a constant comes out larger than it was.",
            ),
            (
                lambda numbers, width, reach: _normalised(numbers, width, reach - 1),
                "the last weight is missing: k goes from 0 to `reach`, both included.",
            ),
            (
                lambda numbers, width, reach: _normalised(numbers[::-1], width, reach)[::-1],
                "that is the other half: each trial is made of those after it.",
            ),
            (
                lambda numbers, width, reach: _smooth(
                    numbers, _weights(width, reach)[::-1] / _weights(width, reach).sum()
                ),
                "the weights are reversed: the trial itself (k = 0) weighs most, not the one farthest back.",
            ),
            (
                lambda numbers, width, reach: _smooth(
                    numbers, np.append(0, _weights(width, reach)[1:] / _weights(width, reach)[1:].sum())
                ),
                "the trial itself is left out: k begins at 0.",
            ),
            (
                _wrapped,
                "near the start your index falls below zero, which Python counts from the end, so the last "
                "trials enter the first; leave out what lies before the session.",
            ),
            (
                lambda numbers, width, reach: (
                    _normalised(numbers, width, reach) / _normalised(np.ones(len(numbers)), width, reach)
                ),
                "the first trials are divided by the weights that are there; before the session there are "
                "zeros, which pull the gain to 1.",
            ),
        ),
        praise="Half a Gaussian: the trial itself weighs most, and nothing later enters.",
    ),
    "07.whose_validation": Exercise(
        choices=(0, 1, 2.5, 4.4),
        compared=_to_a_tenth,
        right=4.4,
        wrong=(
            (0, "the words are redrawn for each member, so one member's validation trial trains others."),
            (1, "that is near the number of members that do not train on it: 5 · 40 / 340 = 0.6."),
            (2.5, "the two words are not equally frequent: 300 of the 340 trials are for training."),
        ),
        praise="5 · 300 / 340: the ensemble was trained on nearly all of these responses.",
    ),
    "07.ensemble": Exercise(
        inputs=(
            ([_member(2.0), _member(-1.0), _member(0.5)], torch.tensor([[0.0], [1.0], [3.0]])),
            ([_member(-0.7), _member(1.3)], BATCH),
        ),
        right=_of_rates(lambda rates: rates.mean(dim=0)),
        wrong=(
            (
                _training_mode,
                "the members are in training mode, as every module is when it is built, so the rates of a "
                "trial depend on the other trials of its batch.",
            ),
            (
                _of_rates(lambda rates: rates.log().mean(dim=0).exp()),
                "that is the mean of the logarithms, which the member with the lowest rate pulls down; take "
                "the mean of the rates themselves.",
            ),
            (
                _of_rates(lambda rates: _rank(rates).mean(dim=0)),
                "ranks forget how large a rate is, and a submission is scored on rates.",
            ),
            (
                _of_rates(lambda rates: rates.median(dim=0).values),
                "that is the median of the members; the published ensemble takes their mean.",
            ),
            (
                _of_rates(lambda rates: rates),
                "these are the rates of each member; the ensemble is their mean over members.",
            ),
            (
                _of_rates(lambda rates: rates.sum(dim=0)),
                "that is the sum; a correlation would not notice, the explained variance would.",
            ),
            (
                _before_the_last_step,
                "you averaged before the last non-linearity; average the rates that come out of it.",
            ),
            (
                _both_faults,
                "two faults: the members are in training mode, and you averaged before the last step.",
            ),
        ),
        praise="Evaluation mode, and the plain mean over members of rates after the last non-linearity.",
    ),
}
