"""Optimiser, schedule and scores of digital twins: what the released code made of the same inputs.

Each tolerance is that of the goldens' description. Controls change one thing and must leave it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurokit.digital_twin.clips import epoch_seed
from neurokit.digital_twin.network.base import UpdateRule
from neurokit.digital_twin.optimisation import CycleSettings, SgdClip, learning_rate
from neurokit.metrics.repeats import equal_repeats, uneven_repeat_scores

RATES = (0.1, 0.1, 0.05)
RESTS = "core.recurrent.out.biases.1"  # has no gradient in the second step
ONE, EPS = 1e-6, 1e-12


# --- the optimiser


def rules(folder: Path) -> dict[str, UpdateRule]:
    """What the released code does to each parameter."""
    attributes = json.loads((folder / "sgdclip_parameter_attributes.json").read_text())
    found = {}
    for name, values in attributes.items():
        over = values["norm_dim"]
        over = over if over is None else tuple(np.atleast_1d(over).tolist())
        found[name] = UpdateRule(values["decay"], over, values["scale"])
    return found


Gradients = dict[str, Tensor]
Spoil = Callable[[Gradients, dict[str, nn.Parameter]], Gradients]


def parts(tensors: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(f"{kind}/"): value for key, value in tensors.items() if key.startswith(f"{kind}/")
    }


def trained(
    tensors: dict[str, Tensor],
    own: dict[str, UpdateRule],
    spoil: Spoil = lambda gradients, parameters: gradients,
    **numbers: float | bool,
) -> Iterator[tuple[dict[str, nn.Parameter], SgdClip]]:
    """The parameters after each of the three steps; the state of a killed run goes on in a new optimiser."""
    parameters = {name: nn.Parameter(value.clone()) for name, value in parts(tensors, "before").items()}
    state = None
    for step, rate in enumerate(RATES, start=1):
        optimizer = SgdClip([(p, own[name]) for name, p in parameters.items()], rate, **numbers)
        if state is not None:
            optimizer.load_state_dict(state)
            for group in optimizer.param_groups:
                group["lr"] = rate
        for name, gradient in spoil(parts(tensors, f"grad{step}"), parameters).items():
            parameters[name].grad = gradient.clone() if gradient.numel() else None
        optimizer.step()
        state = optimizer.state_dict()
        yield parameters, optimizer


def distance(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    assert found.keys() == expected.keys()
    return max(float((found[name] - expected[name]).abs().max().detach()) for name in expected)


@pytest.fixture
def folder(real_data: Path) -> Path:
    return real_data / "fnn_golden" / "tiny"


@pytest.fixture
def tensors(folder: Path) -> dict[str, Tensor]:
    return torch.load(folder / "sgdclip.pt", weights_only=True)


def test_three_steps_of_the_optimiser_are_those_of_the_released_one(
    folder: Path, tensors: dict[str, Tensor]
) -> None:
    steps = trained(tensors, rules(folder))
    first = {name: p.detach().clone() for name, p in next(steps)[0].items()}
    assert distance(first, parts(tensors, "after1")) < ONE
    second = {name: p.detach().clone() for name, p in next(steps)[0].items()}
    assert torch.equal(second[RESTS], first[RESTS])
    parameters, optimizer = next(steps)
    assert distance(parameters, parts(tensors, "after3")) < ONE
    momenta = {name: optimizer.state[p]["momentum"] for name, p in parameters.items()}
    assert distance(momenta, parts(tensors, "momentum3")) < ONE


def resting(gradients: Gradients, parameters: dict[str, nn.Parameter]) -> Gradients:
    """A gradient of zero in place of none."""
    return {n: g if g.numel() else torch.zeros_like(parameters[n]) for n, g in gradients.items()}


RULES = {
    "one norm for a tensor": lambda rule: replace(rule, norm_over=None),
    "everything decays": lambda rule: replace(rule, decay=True),
    "nothing decays": lambda rule: replace(rule, decay=False),
    "the readout's gradients are not scaled": lambda rule: replace(rule, scale=1.0),
}
NUMBERS = [{"nesterov": False}, {"momentum": 0.8}, {"clip": 0.011}, {"eps": 0.0011}, {"decay": 2e-4}]


@pytest.mark.parametrize("change", RULES.values(), ids=RULES)
def test_other_rules_leave_the_tolerance(
    folder: Path, tensors: dict[str, Tensor], change: Callable[[UpdateRule], UpdateRule]
) -> None:
    own = {name: change(rule) for name, rule in rules(folder).items()}
    *_, (parameters, _) = trained(tensors, own)
    assert distance(parameters, parts(tensors, "after3")) > 2 * ONE


@pytest.mark.parametrize("numbers", NUMBERS)
def test_other_numbers_leave_the_tolerance(
    folder: Path, tensors: dict[str, Tensor], numbers: dict[str, float]
) -> None:
    *_, (parameters, _) = trained(tensors, rules(folder), **numbers)
    assert distance(parameters, parts(tensors, "after3")) > 2 * ONE


def test_decay_that_momentum_carries_leaves_the_tolerance(folder: Path, tensors: dict[str, Tensor]) -> None:
    own = rules(folder)

    def coupled(gradients: Gradients, parameters: dict[str, nn.Parameter]) -> Gradients:
        decaying = {name for name, g in gradients.items() if own[name].decay and g.numel()}
        add = {n: 1e-4 * parameters[n].detach() / own[n].scale for n in decaying}
        return {n: g + add.get(n, 0) for n, g in gradients.items()}

    *_, (parameters, _) = trained(tensors, own, coupled, decay=0.0)
    assert distance(parameters, parts(tensors, "after3")) > 2 * ONE


def test_a_zero_gradient_is_not_no_gradient(folder: Path, tensors: dict[str, Tensor]) -> None:
    *_, (parameters, _) = trained(tensors, rules(folder), resting)
    expected = parts(tensors, "after3")
    moved = {n for n, p in parameters.items() if float((p - expected[n]).abs().max().detach()) > 2 * ONE}
    assert moved == {RESTS}


# --- the schedule

CYCLES = {
    "release": (CycleSettings(), 2),
    "short": (CycleSettings(epochs=20, warm_up=5, warm_up_cycles=2), 3),
    "plain": (CycleSettings(epochs=12, warm_up=0, warm_up_cycles=0), 2),
}


@pytest.mark.parametrize("name", CYCLES)
def test_rates_and_seeds_are_those_of_the_released_schedule(folder: Path, name: str) -> None:
    settings, cycles = CYCLES[name]
    expected = np.load(folder / "schedule.npz")
    assert sum(key.startswith(name) for key in expected) == 2 * cycles
    for cycle in range(cycles):
        epochs = range(settings.epochs)
        rates = [learning_rate(epoch, cycle, settings) for epoch in epochs]
        np.testing.assert_allclose(rates, expected[f"{name}_cycle{cycle}_lr"], rtol=0, atol=EPS)
        seeds = [epoch_seed(0, 1, epoch + cycle * settings.epochs, 0) for epoch in epochs]
        np.testing.assert_array_equal(seeds, expected[f"{name}_cycle{cycle}_seed"])


@pytest.mark.parametrize("change", [{"warm_up": 11}, {"warm_up_cycles": 0}, {"epochs": 101}])
def test_other_cycles_leave_the_tolerance(folder: Path, change: dict[str, int]) -> None:
    expected = np.load(folder / "schedule.npz")["release_cycle0_lr"]
    rates = [learning_rate(epoch, 0, CycleSettings().replace(**change)) for epoch in range(100)]
    assert np.abs(rates - expected).max() > 1e-6


# --- scores of uneven repeats


@pytest.fixture
def scored(folder: Path) -> dict[str, np.ndarray]:
    return dict(np.load(folder / "cc.npz"))


def videos(scored: dict[str, np.ndarray], kind: str) -> list[np.ndarray]:
    return [scored[f"{kind}_video{number}"] for number in range(3)]


def test_scores_of_uneven_repeats_are_those_of_the_released_code(scored: dict[str, np.ndarray]) -> None:
    found = uneven_repeat_scores(videos(scored, "responses"), videos(scored, "predictions"))
    for name in ("cc_abs", "cc_max", "cc_norm", "cc_abs_f64", "cc_max_f64"):
        ours = getattr(found, name.removesuffix("_f64"))
        np.testing.assert_allclose(ours, scored[name], rtol=0, atol=ONE)
    assert found.median == pytest.approx(float(scored["cc_norm_median"]), abs=ONE)
    assert 0 < np.isnan(found.cc_max).sum() < len(found.cc_max)


def test_the_ceiling_of_the_repeats_that_all_videos_have(scored: dict[str, np.ndarray]) -> None:
    responses, predictions = (equal_repeats(videos(scored, kind)) for kind in ("responses", "predictions"))
    found = uneven_repeat_scores(responses, predictions).cc_max
    np.testing.assert_allclose(found, scored["cc_max_equal_repeats_f64"], rtol=0, atol=ONE)


def test_the_burn_in_counts(scored: dict[str, np.ndarray]) -> None:
    full = uneven_repeat_scores(videos(scored, "responses"), videos(scored, "predictions"), burn_in=0)
    assert np.nanmax(np.abs(full.cc_max - scored["cc_max"])) > 1e-3


def test_predictions_of_another_video_leave_the_tolerance(scored: dict[str, np.ndarray]) -> None:
    shifted = [np.roll(video, 1, axis=1) for video in videos(scored, "predictions")]
    found = uneven_repeat_scores(videos(scored, "responses"), shifted)
    assert np.abs(found.cc_abs - scored["cc_abs"]).max() > 1e-2
