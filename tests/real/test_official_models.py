"""The organisers' pretrained networks and a Model 4: outputs, losses and gradients made by their own code.

Each tolerance is that of the goldens' description. Controls change one thing and must leave it.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from neurokit.sensorium.model import MouseModel, SensoriumModel, poisson_loss
from neurokit.sensorium.official import load_official, official_names
from neurokit.sensorium.readout import sample_bilinear, source_grid

# Means of images 0, 1, 2; neurons 0-3 of image 0; the last two of image 2; the largest of image 1;
# core and readout regulariser. All printed by the official library to the digits that stand here.
PRINTED = {
    "sensorium_sota_model.pth": (
        [0.36672, 0.37958, 0.32466],
        [0.37175, 0.78841, 0.24644, 0.15837],
        [0.37997, 0.01804],
        5726,
        (28.625, 571.6),
    ),
    "sensorium_p_ln_model.pth": (
        [0.33243, 0.36405, 0.38897],
        [1.26018, 0.07381, 0.49570, 0.14875],
        [0.07796, 0.51605],
        862,
        (17.452, 666.8),
    ),
}
DIGITS = 5e-6 + 1e-5  # rounding of the fifth decimal, and the tolerance


# --- the pretrained baselines


def waves() -> dict[str, Tensor]:
    """Three images of two waves, with behaviour and pupil centres that differ between them."""
    b, i, j = torch.arange(3.0)[:, None, None], torch.arange(36.0)[:, None], torch.arange(64.0)
    images = torch.sin(0.3 * i + 0.2 * j + b) + 0.5 * torch.cos(0.11 * i * (b + 1) - 0.07 * j)
    b = b.flatten()
    behaviour = torch.stack([2 + 0.5 * b, 0.1 * b - 0.1, 0.4 * b], dim=1)
    return {
        "images": images,
        "behaviour": behaviour,
        "pupil_center": torch.stack([0.2 * b, -0.3 * b], dim=1),
    }


def pretrained(real_data: Path, name: str) -> tuple[SensoriumModel, MouseModel]:
    model = load_official(real_data / "sensorium2022_checkpoints" / name)
    (key,) = model.mice
    return model, model.mouse(key)


def wave_rates(view: MouseModel) -> Tensor:
    given = waves()
    with torch.no_grad():
        return view(**given) if view.settings.behaviour else view(given["images"])


@pytest.mark.parametrize("name", PRINTED)
def test_a_pretrained_network_gives_the_printed_rates(real_data: Path, name: str) -> None:
    means, first, last, largest, _ = PRINTED[name]
    _, view = pretrained(real_data, name)
    rates = wave_rates(view)
    np.testing.assert_allclose(rates.mean(dim=1), means, atol=DIGITS, rtol=0)
    np.testing.assert_allclose(rates[0, :4], first, atol=DIGITS, rtol=0)
    np.testing.assert_allclose(rates[2, -2:], last, atol=DIGITS, rtol=0)
    assert int(rates[1].argmax()) == largest


@pytest.mark.parametrize("name", PRINTED)
def test_a_pretrained_network_has_the_printed_regularisers(real_data: Path, name: str) -> None:
    core, readout = PRINTED[name][-1]
    model, view = pretrained(real_data, name)
    assert 6.3831 * model.core.regulariser().item() == pytest.approx(core, abs=5e-4 + 1e-5 * core)
    assert 0.0076 * view.readout.sparsity().item() == pytest.approx(readout, abs=5e-2 + 1e-5 * readout)
    assert view.regulariser().item() == pytest.approx(core + readout, abs=0.051 + 1e-5 * readout)


@pytest.mark.parametrize("name", PRINTED)
def test_one_kernel_a_hundredth_larger_leaves_the_printed_rates(real_data: Path, name: str) -> None:
    means, *_ = PRINTED[name]
    model, view = pretrained(real_data, name)
    model.core.convolutions[2][1].weight.data *= 1.01
    assert np.abs(wave_rates(view).mean(dim=1).numpy() - means).max() > 3 * DIGITS


def test_the_pretrained_shapes(real_data: Path) -> None:
    cnn, linear = (pretrained(real_data, name)[0] for name in PRINTED)
    assert {key: shape.neurons for key, shape in cnn.mice.items()} == {"26872-17-20": 7776}
    assert {key: shape.neurons for key, shape in linear.mice.items()} == {"27204-5-13": 7538}
    assert cnn.core(waves()["images"][:, None]).shape == (3, 64, 28, 56)
    assert not cnn.settings.linear and linear.settings.linear


# --- Model 4


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    return real_data / "model4_golden"


@pytest.fixture(scope="module")
def golden(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "golden.npz") as content:
        return dict(content)


@pytest.fixture
def model(folder: Path) -> SensoriumModel:
    return load_official(folder / "state_dict.pth")


def keys(golden: dict[str, np.ndarray]) -> list[str]:
    return [str(key) for key in golden["data_keys"]]


def given(golden: dict[str, np.ndarray], mouse: int) -> dict[str, Tensor]:
    names = {"behaviour": "behavior", "pupil_center": "pupil_center", "history": "history", "state": "state"}
    inputs = {ours: torch.from_numpy(golden[f"mouse{mouse}/{theirs}"]) for ours, theirs in names.items()}
    inputs["images"] = torch.from_numpy(golden[f"mouse{mouse}/image"])[:, 0]
    inputs["rank"] = torch.from_numpy(golden[f"mouse{mouse}/rank_id"])[:, 0].long()
    return inputs


def image_inputs(golden: dict[str, np.ndarray], mouse: int) -> dict[str, Tensor]:
    return {name: given(golden, mouse)[name] for name in ("images", "behaviour", "pupil_center")}


def matches(found: Tensor, expected: np.ndarray) -> bool:
    return np.allclose(found.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mouse", [0, 1])
def test_model_4_gives_every_recorded_output(model: SensoriumModel, golden: dict, mouse: int) -> None:
    view, inputs = model.mouse(keys(golden)[mouse]), given(golden, mouse)
    expected = {
        name.split("/")[1]: value for name, value in golden.items() if name.startswith(f"mouse{mouse}/")
    }
    features = view.core(inputs["images"][:, None], inputs["behaviour"])
    past = {name: inputs[name] for name in ("history", "state", "rank")}
    found = {
        "output": view(**inputs),
        "output_without_shifter": view.modulator(view.readout(features), **past),
        "readout": view.drive(**image_inputs(golden, mouse)),
        "gain": view.modulator.gain(inputs["rank"]),
        "position_mean": view.readout.positions(),
        "shift": view.shifter(inputs["pupil_center"]),
        "core_channel_mean": features.mean(dim=(2, 3)),
    }
    if mouse == 0:
        found["core_first_image"] = features[0]
    wrong = [name for name, value in found.items() if not matches(value, expected[name])]
    assert wrong == []
    assert set(expected) - set(found) <= {
        *("image", "responses", "behavior", "pupil_center", "trial_id", "rank_id", "history", "state"),
        *("coordinates", "n_trials"),
    }


def larger_weight(model: SensoriumModel, golden: dict) -> None:
    model.readouts[keys(golden)[0]].features.data[:, 3] *= 1.01


def other_neuron_order(model: SensoriumModel, golden: dict) -> None:
    own = model.readouts[keys(golden)[0]].bias.data
    own[[0, 1]] = own[[1, 0]].clone()


def later_trial(model: SensoriumModel, golden: dict) -> None:
    gain = model.modulators[keys(golden)[0]].gain.per_trial
    gain.data = gain.data.roll(1)


@pytest.mark.parametrize("change", [larger_weight, other_neuron_order, later_trial])
def test_a_changed_model_4_leaves_the_tolerance(
    model: SensoriumModel, golden: dict, change: Callable[[SensoriumModel, dict], None]
) -> None:
    change(model, golden)
    view = model.mouse(keys(golden)[0])
    assert not matches(view(**given(golden, 0)), golden["mouse0/output"])


def test_a_shift_clamped_to_the_map_leaves_the_tolerance(model: SensoriumModel, golden: dict) -> None:
    view, inputs = model.mouse(keys(golden)[0]), given(golden, 0)
    features = view.core(inputs["images"][:, None], inputs["behaviour"])
    positions = view.readout.positions()[None] + view.shifter(inputs["pupil_center"])[:, None]
    drives = [
        (sample_bilinear(features, where) * view.readout.features).sum(dim=1) + view.readout.bias
        for where in (positions, positions.clamp(-1, 1))
    ]
    assert matches(drives[0], golden["mouse0/readout"])
    assert not matches(drives[1], golden["mouse0/readout"])


@pytest.mark.parametrize("mouse", [0, 1])
def test_coordinates_make_the_source_grid_of_the_file(
    model: SensoriumModel, golden: dict, mouse: int
) -> None:
    expected = model.readouts[keys(golden)[mouse]].positions.source_grid
    np.testing.assert_allclose(source_grid(golden[f"mouse{mouse}/coordinates"]), expected, atol=1e-6)


def test_the_gain_kernel_is_the_recorded_one(model: SensoriumModel, golden: dict) -> None:
    assert not golden["gain_kernel"][:100].any()
    kernel = model.modulators[keys(golden)[0]].gain.kernel
    np.testing.assert_allclose(kernel, golden["gain_kernel"][100:], atol=1e-7, rtol=0)


def test_training_mode_with_the_recorded_draws(model: SensoriumModel, golden: dict) -> None:
    """Mouse 0, then mouse 1, through one core; the running statistics are those after both."""
    model.train()
    for mouse, key in enumerate(keys(golden)):
        view, inputs = model.mouse(key), given(golden, mouse)
        noise = torch.from_numpy(golden[f"train/mouse{mouse}/noise"])
        with torch.no_grad():
            drive = view.drive(**image_inputs(golden, mouse), noise=noise)
            rates = view.modulator(drive, *[inputs[name] for name in ("history", "state", "rank")])
        assert matches(rates, golden[f"train/mouse{mouse}/output"])
    first, last = model.core.norms[0], model.core.norms[3]
    assert matches(first.running_mean, golden["train/layer0_running_mean_after"])
    assert matches(first.running_var, golden["train/layer0_running_var_after"])
    assert matches(last.running_var, golden["train/layer3_running_var_after"])


def loss_of(model: SensoriumModel, golden: dict, mouse: int, scale: float) -> Tensor:
    key = keys(golden)[mouse]
    responses = torch.from_numpy(golden[f"mouse{mouse}/responses"])
    return poisson_loss(model.mouse(key)(**given(golden, mouse)), responses, scale) + model.regulariser(key)


@pytest.mark.parametrize("mouse", [0, 1])
def test_losses_and_regularisers(folder: Path, model: SensoriumModel, golden: dict, mouse: int) -> None:
    key = keys(golden)[mouse]
    expected = json.loads((folder / "losses.json").read_text())[key]
    view, modulator = model.mouse(key), model.modulators[key]
    responses = torch.from_numpy(golden[f"mouse{mouse}/responses"])
    scale = float(np.sqrt(model.mice[key].trials / len(responses)))
    found = {
        "core_laplace": 9.8 * model.core.regulariser(),
        "core_laplace_unweighted": model.core.regulariser(),
        "readout_l1": 0.48 * view.readout.sparsity(),
        "modulator_total": modulator.regulariser(),
        "modulator_gain_smoothness": 100 * modulator.gain.roughness(),
        "modulator_coupling": 0.3 * modulator.gain.coupling.abs().sum(),
        "modulator_history": 0.3 * modulator.history.weights.abs().sum(),
        "modulator_state": 0.3 * modulator.state.encoder.weight.abs().sum(),
        "model_regularizer_method": model.regulariser(key),
        "loss_scale": torch.tensor(scale),
        "poisson_sum": poisson_loss(view(**given(golden, mouse)), responses),
        "loss": loss_of(model, golden, mouse, scale),
    }
    assert {name: value.item() for name, value in found.items()} == pytest.approx(expected, rel=1e-5)


def test_gradients_of_one_accumulated_step(folder: Path, model: SensoriumModel, golden: dict) -> None:
    expected = json.loads((folder / "gradient_norms.json").read_text())["norms"]
    for mouse, key in enumerate(keys(golden)):
        images = len(golden[f"mouse{mouse}/image"])
        loss_of(model, golden, mouse, float(np.sqrt(model.mice[key].trials / images))).backward()
    names = official_names(model)
    found = {
        names[name]: 0.0 if value.grad is None else value.grad.norm().item()
        for name, value in model.named_parameters()
    }
    assert found == pytest.approx(expected, rel=1e-3)
