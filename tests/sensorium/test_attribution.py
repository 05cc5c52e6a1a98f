"""Neurons' attributions from patches against captum's own from whole images, at the edge of the map too."""

from inspect import unwrap

import pytest
import torch
import torch.nn.functional as F
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from neurokit.attribution import integrated_gradients, neuron_rate
from neurokit.errors import DataError, FitError
from neurokit.sensorium import attribution as receptive_crop
from neurokit.sensorium.attribution import FixedState, neuron_attribution
from neurokit.sensorium.config import CNN, LN_PLUS, MODEL_4, ModelSettings, MouseShape
from neurokit.sensorium.model import SensoriumModel, make_model

# Centre, corners, edges, and between cells; an eye moves them, some off the map.
PLACES = [[0, 0], [1, 1], [-1, -1], [1, -1], [0.1, 1], [-1, 0.3], [0.37, -0.61], [-0.98, 0.97]]
CENTRE, CORNERS = 0, [1, 2, 3]
EYE = torch.tensor([0.5, -1.0])
SETTINGS = {"CNN": CNN, "LN+": LN_PLUS, "Model 4": MODEL_4, "one layer": CNN.replace(layers=1)}
STEPS = 6


def noise(images: int, seed: int = 0) -> Tensor:
    return torch.randn(images, 36, 64, generator=torch.Generator().manual_seed(seed))


BASELINE = 0.3 * noise(1, seed=9)[0]


def at_state(settings: ModelSettings) -> FixedState:
    """A small network with statistics that are not those of a fresh one, and neurons at PLACES."""
    small = settings.replace(channels=6, positions="free", gauss="isotropic")
    model = make_model({"a": MouseShape(neurons=len(PLACES), trials=9)}, small, seed=0).mouse("a").eval()
    chance = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for norm in model.core.norms:
            norm.running_mean.uniform_(-0.5, 0.5, generator=chance)
            norm.running_var.uniform_(0.5, 2, generator=chance)
            norm.weight.uniform_(0.5, 2, generator=chance)
            norm.bias.uniform_(-0.5, 0.5, generator=chance)  # what lies off the map is not what zeros give
        model.readout.features.normal_(0, 1, generator=chance)
        model.readout.positions.before_tanh.copy_(torch.atanh(torch.tensor(PLACES)).clamp(-20, 20))
    return FixedState(model, torch.tensor([1.0, 0.2, 0.5]), EYE) if settings.behaviour else FixedState(model)


def off(found: Tensor, wanted: Tensor) -> Tensor:
    """The largest difference of each neuron, as a share of the largest attribution of all."""
    return (found - wanted).abs().amax(dim=(0, 2, 3)) / wanted.abs().max()


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_neuron_is_what_captum_finds_for_it_alone(settings: ModelSettings) -> None:
    model, images = at_state(settings), noise(2)
    found = neuron_attribution(model, images, BASELINE, steps=STEPS, tolerance=torch.inf)
    method, ends = IntegratedGradients(model), (images, BASELINE.expand_as(images))
    alone = [
        method.attribute(*ends, target=neuron, n_steps=STEPS, method="gausslegendre")
        for neuron in range(len(PLACES))
    ]
    wanted = torch.stack(alone, dim=1).float()
    assert off(found.values, wanted).max() < 1e-5
    assert (wanted.abs().amax(dim=(0, 2, 3)) > 1e-3 * wanted.abs().max()).sum() >= 4  # half read something


def test_the_attribution_is_the_general_functions() -> None:
    model, images, asked = at_state(MODEL_4), noise(3), [6, 0, 6]
    found = neuron_attribution(model, images, BASELINE, asked, steps=STEPS)
    wanted = integrated_gradients(model, images, BASELINE, neuron_rate(asked), steps=STEPS)
    torch.testing.assert_close(found.values, wanted.values, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.change, wanted.change, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.gap, wanted.gap, atol=1e-4, rtol=0)
    assert wanted.values.abs().max() > 0.01 and found.relative_gap < 0.02


@pytest.mark.parametrize("kernel", [7, 10])
def test_patches_that_go_on_beyond_the_map_are_wrong_at_its_edge_alone(
    kernel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the slope at the edge goes on where the model has nothing but zeros."""
    model, images = at_state(CNN.replace(hidden_kernel=kernel)), noise(2).repeat(1, 2, 1)  # room for 10
    baseline = images.mean(dim=0)
    right = neuron_attribution(model, images, baseline, steps=STEPS, tolerance=torch.inf).values
    with monkeypatch.context() as patched:
        patched.setattr(receptive_crop, "_pad", lambda v, n: F.pad(v, (n,) * 4, mode="replicate"))
        wrong = neuron_attribution(model, images, baseline, steps=STEPS, tolerance=torch.inf).values
    differences = off(wrong, right)
    assert differences[CENTRE] < 1e-6 and (differences[CORNERS] > 0.01).all()


def test_a_neuron_beyond_the_map_has_no_attribution() -> None:
    model = at_state(MODEL_4)
    with torch.no_grad():
        model.model.shifter[4].bias.copy_(torch.tensor([9.0, 0.0]))  # an eye all to the right
    found = neuron_attribution(model, noise(2), BASELINE, [1, 3, 5], steps=STEPS)
    assert not found.values[:, :2].any() and not found.change[:, :2].any()
    assert found.values[:, 2].any()


@pytest.mark.parametrize(("rows_at_once", "most"), [(1, 6), (12, 12), (64, 30)])
def test_memory_is_bounded_and_does_not_show_in_the_result(rows_at_once: int, most: int) -> None:
    model, images = at_state(CNN), noise(5)
    wanted = neuron_attribution(model, images, BASELINE, steps=STEPS)
    rows: list[int] = []
    model.model.core.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    found = neuron_attribution(model, images, BASELINE, steps=STEPS, rows_at_once=rows_at_once)
    assert max(rows) == most  # one image's steps at least
    assert sum(rows) == 5 * STEPS + 6  # shared by all neurons; the line's ends once more
    torch.testing.assert_close(found.values, wanted.values, atol=1e-6, rtol=0)


def test_an_incomplete_attribution_is_refused() -> None:
    model, images = at_state(CNN), 20 * noise(2)
    with pytest.raises(FitError, match=r"miss completeness by .* raise steps above 1,"):
        neuron_attribution(model, images, BASELINE, steps=1)
    nowhere = SensoriumModel({"a": MouseShape(neurons=3)}, CNN.replace(channels=2)).mouse("a")
    with pytest.raises(FitError, match="are NaN: the model answers NaN"):
        neuron_attribution(FixedState(nowhere), noise(1), BASELINE)  # without coordinates


def test_what_it_cannot_serve_is_one_sentence() -> None:
    model = at_state(CNN)
    for other in (model.model, nn.Linear(2, 2)):
        with pytest.raises(DataError, match=r"give FixedState of a SENSORIUM mouse's model"):
            neuron_attribution(other, noise(1), BASELINE)
    with pytest.raises(DataError, match="give at least one number from 0 to 7"):
        neuron_attribution(model, noise(1), BASELINE, [8])
    with pytest.raises(FitError, match="0 images and 32 steps: at least one"):
        neuron_attribution(model, noise(0), BASELINE)
    with pytest.raises(DataError, match="This model reads behaviour"):
        neuron_attribution(FixedState(at_state(MODEL_4).model), noise(1), BASELINE)


def test_a_baseline_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match=r"baseline is \(18, 32\), images are \(36, 64\)"):
        unwrap(neuron_attribution)(at_state(CNN), noise(1), BASELINE[::2, ::2], [0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_finds_the_same() -> None:
    model, images = at_state(MODEL_4), noise(2)
    wanted = neuron_attribution(model, images, BASELINE, steps=STEPS, tolerance=torch.inf)
    found = neuron_attribution(model.to("cuda"), images, BASELINE, steps=STEPS, tolerance=torch.inf)
    assert float(off(found.values, wanted.values).max()) < 1e-3
