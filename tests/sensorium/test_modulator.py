"""History, state and gain: their formulas, their penalties, and what each trial can know."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from neurokit.sensorium.model import Shifter
from neurokit.sensorium.modulator import HistoryStateGain, HistoryTerm, StateTerm, TrialGain

T, N, B = 240, 6, 8


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def modulator(seed: int = 0) -> HistoryStateGain:
    """All three parts, float64, with parameters large enough to matter."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = HistoryStateGain(HistoryTerm(N), StateTerm(N), TrialGain(N, T)).double()
    for index, parameter in enumerate(model.parameters()):
        parameter.data = 0.7 * drawn(*parameter.shape, seed=index)
    return model


def elu(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.expm1(values))


def half_gaussian() -> np.ndarray:
    weights = np.exp(-(np.arange(101.0) ** 2) / (2 * 30**2))
    return weights / weights.sum()


RANK = torch.tensor([0, 1, 10, 99, 100, 101, 150, T - 1])


# --- gain


def test_the_kernel_is_half_a_gaussian_of_thirty_trials() -> None:
    kernel = TrialGain(N, T).kernel.double().numpy()
    assert len(kernel) == 101 and kernel.sum() == pytest.approx(1, abs=1e-6)
    assert (kernel[0], kernel[30]) == pytest.approx((0.02627, 0.01593), abs=5e-6)
    assert kernel @ np.arange(101) == pytest.approx(23.6, abs=0.05)


def test_early_trials_are_pulled_to_a_gain_of_one() -> None:
    gain = TrialGain(N, T)
    gain.per_trial.data = torch.full((T,), 2.0)
    shared = gain.of_trial(torch.tensor([10, 100, T - 1])).tolist()
    assert shared[0] == pytest.approx(1 + 2 * 0.283, abs=1e-3)
    assert shared[1:] == pytest.approx([3, 3], abs=1e-5)


def test_the_gather_equals_a_one_hot_row_convolved() -> None:
    gain = modulator().gain
    kernel = torch.zeros(201, dtype=torch.float64)
    kernel[100:] = gain.kernel  # tap 100 is lag 0
    one_hot = F.one_hot(RANK, T).double()[:, None]
    past, future = (
        F.elu(F.conv1d(one_hot, taps[None, None], padding="same")[:, 0] @ gain.per_trial) + 1
        for taps in (kernel, kernel.flip(0))
    )
    torch.testing.assert_close(gain.of_trial(RANK), past, atol=1e-12, rtol=0)
    assert not torch.allclose(gain.of_trial(RANK), future, atol=1e-3)


def test_a_gain_reads_its_own_trial_and_a_hundred_before() -> None:
    gain = modulator().gain
    (gradient,) = torch.autograd.grad(gain.of_trial(torch.tensor([150])).sum(), gain.per_trial)
    assert gradient.nonzero().flatten().tolist() == list(range(50, 151))


def test_the_gain_of_a_neuron_by_hand() -> None:
    gain = modulator().gain
    own, coupling = gain.per_trial.detach().numpy(), gain.coupling.detach().numpy()
    weights = half_gaussian()
    smoothed = np.array([sum(weights[d] * own[r - d] for d in range(min(r, 100) + 1)) for r in RANK.tolist()])
    strength = elu(coupling + gain.coupling_offset.detach().numpy()) + 1
    expected = elu(strength * elu(smoothed)[:, None]) + 1
    np.testing.assert_allclose(gain(RANK).detach(), expected, atol=1e-7)  # the kernel was made in float32
    assert (gain(RANK) > 0).all()


def test_the_kernel_moves_with_the_module_and_is_not_saved() -> None:
    gain = TrialGain(N, T).double()
    assert gain.kernel.dtype == gain(RANK).dtype == torch.float64
    assert set(gain.state_dict()) == {"per_trial", "coupling", "coupling_offset"}
    assert gain.to("meta").kernel.device.type == "meta"


# --- the whole


def test_the_modulator_by_hand() -> None:
    model = modulator()
    drive, history, state = drawn(B, N), drawn(B, N, 5, seed=2), drawn(B, 10, seed=3)
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    added = np.einsum("bnl,nl->bn", history, weights["history.weights"]) + weights["history.bias"]
    added += elu(state.numpy() @ weights["state.encoder.weight"].T + weights["state.encoder.bias"])
    expected = (elu(drive.numpy() + added) + 1) * model.gain(RANK).detach().numpy()
    np.testing.assert_allclose(model(drive, history, state, RANK).detach(), expected, atol=1e-12)


def test_what_is_not_given_contributes_nothing() -> None:
    model, drive = modulator(), drawn(B, N)
    torch.testing.assert_close(model(drive), F.elu(drive) + 1)
    history = drawn(B, N, 5, seed=2)
    torch.testing.assert_close(model(drive, history), F.elu(drive + model.history(history)) + 1)
    torch.testing.assert_close(model(drive, rank=RANK), (F.elu(drive) + 1) * model.gain(RANK))
    everything = model(drive, history, drawn(B, 10, seed=3), RANK)
    assert not torch.allclose(everything, model(drive, history, None, RANK), atol=1e-3)


def test_parts_that_are_absent_have_no_parameters_and_no_penalty() -> None:
    plain, drive = HistoryStateGain(), drawn(B, N)
    assert not list(plain.parameters()) and plain.regulariser().item() == 0
    torch.testing.assert_close(plain(drive), F.elu(drive) + 1)
    assert set(HistoryStateGain(gain=TrialGain(N, T)).state_dict()) == {
        "gain.per_trial",
        "gain.coupling",
        "gain.coupling_offset",
    }


def test_the_penalties_by_hand() -> None:
    model = modulator()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    steps = weights["gain.per_trial"][1:] - weights["gain.per_trial"][:-1]
    absolute = [weights[name] for name in ("gain.coupling", "history.weights", "state.encoder.weight")]
    expected = 100 * np.sum(steps**2) + 0.3 * sum(np.abs(values).sum() for values in absolute)
    assert model.regulariser().item() == pytest.approx(expected, rel=1e-12)
    model.history.bias.data += 5
    model.state.encoder.bias.data += 5
    model.gain.coupling_offset.data += 5
    model.gain.per_trial.data += 5
    assert model.regulariser().item() == pytest.approx(expected, rel=1e-12)


def test_each_penalty_has_a_weight_of_its_own() -> None:
    parts = modulator()
    none = dict.fromkeys(("gamma_gain", "gamma_coupling", "gamma_history", "gamma_state"), 0.0)
    found = {
        name: HistoryStateGain(parts.history, parts.state, parts.gain, **(none | {name: 2.0})).regulariser()
        for name in none
    }
    assert found["gamma_gain"].item() == pytest.approx(2 * parts.gain.roughness().item())
    assert found["gamma_coupling"].item() == pytest.approx(2 * parts.gain.coupling.abs().sum().item())
    assert found["gamma_history"].item() == pytest.approx(2 * parts.history.weights.abs().sum().item())
    assert found["gamma_state"].item() == pytest.approx(2 * parts.state.encoder.weight.abs().sum().item())


def test_parameters_start_uniform_within_their_bounds() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        history, gain, state = HistoryTerm(2000), TrialGain(2000, 3000), StateTerm(2000)
    bounds = [
        (history.weights, 5**-0.5),
        (history.bias, 5**-0.5),
        (gain.per_trial, 3000**-0.5),
        (gain.coupling, 2000**-0.5),
        (state.encoder.weight, 10**-0.5),
    ]
    for values, bound in bounds:
        assert 0.99 * bound < float(values.detach().abs().max()) <= bound
        assert float(values.detach().std()) == pytest.approx(bound / np.sqrt(3), rel=0.05)
    assert gain.coupling_offset.item() == 0


# --- shifter


def test_the_shifter_by_hand() -> None:
    model, pupil = Shifter().double(), drawn(B, 2)
    weights = [value.detach().numpy() for value in model.parameters()]
    hidden = pupil.numpy()
    for weight, bias in zip(weights[::2], weights[1::2], strict=True):
        hidden = np.tanh(hidden @ weight.T + bias)
    np.testing.assert_allclose(model(pupil).detach(), hidden, atol=1e-12)
    assert [weight.shape for weight in weights[::2]] == [(5, 2), (5, 5), (2, 5)]
    assert float(model(1e6 * pupil).detach().abs().max()) <= 1
