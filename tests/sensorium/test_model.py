"""The SENSORIUM models as wholes: their sizes, their mice, their modes, their losses and their files."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from neurokit.pupil_encoder.model import parameter_count
from neurokit.sensorium.config import CNN, CNN_PLUS, LN, LN_PLUS, MODEL_4, ModelSettings, MouseShape
from neurokit.sensorium.model import SensoriumModel, make_model, poisson_loss
from neurokit.sensorium.official import official_state
from neurokit.training import checkpoint
from neurokit.training.predict import evaluating

A, B = "27204-5-13", "21067-10-18"
MICE = {A: MouseShape(neurons=7, trials=150), B: MouseShape(neurons=5, trials=130)}
SIX = {
    A: MouseShape(neurons=7538, trials=6959),
    B: MouseShape(neurons=8372, trials=5994),
    "22846-10-16": MouseShape(neurons=7344, trials=5997),
    "23343-5-17": MouseShape(neurons=7334, trials=5951),
    "23656-14-22": MouseShape(neurons=8107, trials=5966),
    "23964-4-22": MouseShape(neurons=8098, trials=5983),
}
SMALL = {"channels": 8, "layers": 2, "hidden_kernel": 4}
ALL = {"LN": LN, "CNN": CNN, "LN+": LN_PLUS, "CNN+": CNN_PLUS, "Model 4": MODEL_4}


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def coordinates() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {key: generator.uniform(0, 600, (shape.neurons, 3)) for key, shape in MICE.items()}


def made(settings: ModelSettings = MODEL_4, seed: int = 0, **changes: object) -> SensoriumModel:
    settings = settings.replace(**(SMALL | changes))
    return make_model(MICE, settings, seed=seed, coordinates=coordinates())


def inputs(key: str, images: int = 4, seed: int = 1) -> dict[str, Tensor]:
    """All that Model 4 reads, for one mouse."""
    neurons, trials = MICE[key].neurons, MICE[key].trials
    return {
        "images": drawn(images, 36, 64, seed=seed),
        "behaviour": drawn(images, 3, seed=seed + 1),
        "pupil_center": drawn(images, 2, seed=seed + 2),
        "history": drawn(images, neurons, 5, seed=seed + 3).abs(),
        "state": drawn(images, 10, seed=seed + 4).abs(),
        "rank": torch.randint(trials, (images,), generator=torch.Generator().manual_seed(seed + 5)),
    }


# --- sizes


@pytest.mark.parametrize(
    ("settings", "neurons", "tensors", "elements"),
    [
        (CNN, 7776, 39, 592_453),
        (LN, 7776, 31, 580_868),
        (CNN_PLUS, 7538, 45, 591_164),
        (LN_PLUS, 7538, 37, 579_579),
    ],
)
def test_the_official_architectures(
    settings: ModelSettings, neurons: int, tensors: int, elements: int
) -> None:
    with torch.device("meta"):
        state = official_state(SensoriumModel({A: MouseShape(neurons=neurons)}, settings))
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) == elements


def test_model_4_has_the_published_number_of_parameters_on_six_scans() -> None:
    with torch.device("meta"):
        model = SensoriumModel(SIX, MODEL_4)
    counted = [
        parameter_count(part) for part in (model.core, model.readouts, model.modulators, model.shifters)
    ]
    assert counted == [65_024, 3_236_889, 879_130, 342]
    assert parameter_count(model) == 4_181_385


def test_the_published_numbers() -> None:
    """The tables of the competition's configuration and of Model 4's: what changes, and nothing else."""
    assert (CNN.input_kernel, CNN.hidden_kernel, CNN.channels, CNN.layers, LN.layers) == (9, 7, 64, 4, 3)
    assert (CNN.gamma_input, CNN.gamma_readout, CNN.init_sigma, CNN.gauss) == (6.3831, 0.0076, 0.1, "full")
    assert (CNN.position_layers, CNN.position_hidden, CNN.position_activation) == (1, 30, "elu")
    assert LN.replace(layers=4, linear=False) == CNN and LN.linear and not CNN.linear
    for plain, plus in ((LN, LN_PLUS), (CNN, CNN_PLUS)):
        assert plus == plain.replace(behaviour=True, shifter=True) != plain
    changed = {name: value for name, value in vars(MODEL_4).items() if value != vars(CNN_PLUS)[name]}
    assert changed == {
        "gamma_input": 9.8,
        "gamma_readout": 0.48,
        "hidden_kernel": 10,
        "position_layers": 4,
        "position_hidden": 20,
        "position_activation": "relu",
        "init_sigma": 0.14,
        "init_mu_range": 0.8,
        **dict.fromkeys(("history", "state", "gain"), True),
    }
    assert (MODEL_4.gain_width, MODEL_4.gain_reach, MODEL_4.lags, MODEL_4.states) == (30, 100, 5, 10)
    penalties = MODEL_4.gamma_gain, MODEL_4.gamma_coupling, MODEL_4.gamma_history, MODEL_4.gamma_state
    assert penalties == (100, 0.3, 0.3, 0.3)


@pytest.mark.parametrize("flag", ["history", "state", "gain", "shifter"])
def test_a_part_that_is_switched_off_has_no_parameters(flag: str) -> None:
    lost = set(made().state_dict()) - set(made(**{flag: False}).state_dict())
    part = "shifters." if flag == "shifter" else "modulators."
    assert lost and all(name.startswith(part) for name in lost)
    assert flag == "shifter" or all(f".{flag}." in name for name in lost)
    assert {name.split(".")[1] for name in lost} == set(MICE)


# --- rates


@pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
def test_rates_are_positive_and_evaluation_is_repeatable(settings: ModelSettings) -> None:
    view = made(settings).eval().mouse(A)
    used = {"behaviour": settings.behaviour, "pupil_center": settings.shifter}
    used |= {name: settings.gain for name in ("history", "state", "rank")} | {"images": True}
    given = {name: value for name, value in inputs(A).items() if used[name]}
    rates = view(**given)
    assert rates.shape == (4, 7) and (rates > 0).all()
    assert torch.equal(view(**given), rates)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert not torch.allclose(view.train()(**given), rates, atol=1e-3)


def test_a_view_puts_its_parts_together() -> None:
    view, given = made().eval().mouse(A), inputs(A)
    behaviour = given["behaviour"][:, :, None, None].expand(-1, -1, 36, 64)  # after the image, in its order
    features = view.core(torch.cat([given["images"][:, None], behaviour], dim=1))
    drive = view.readout(features, view.shifter(given["pupil_center"]))
    expected = view.modulator(drive, given["history"], given["state"], given["rank"])
    torch.testing.assert_close(view(**given), expected, atol=1e-5, rtol=0)


def test_trials_do_not_see_each_other_in_evaluation() -> None:
    view = made().eval().mouse(A)
    together, alone = inputs(A), {name: value[:1] for name, value in inputs(A).items()}
    torch.testing.assert_close(view(**alone), view(**together)[:1], atol=1e-6, rtol=0)
    view.core.train()  # the control: batch statistics tie them together
    assert not torch.allclose(view(**alone), view(**together)[:1], atol=1e-3)


def test_model_4_without_past_responses_is_its_image_pathway() -> None:
    model, given = made().eval(), inputs(A)
    image_only = {name: given[name] for name in ("images", "behaviour", "pupil_center")}
    plain = made(history=False, state=False, gain=False).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    torch.testing.assert_close(model.mouse(A)(**image_only), plain.mouse(A)(**image_only))
    for name in ("history", "state", "rank"):
        with_one = model.mouse(A)(**image_only, **{name: given[name]})
        assert not torch.allclose(with_one, plain.mouse(A)(**image_only), atol=1e-4)


@pytest.mark.parametrize("name", ["images", "behaviour", "pupil_center", "history", "state", "rank"])
def test_every_input_acts(name: str) -> None:
    view, given = made().eval().mouse(A), inputs(A)
    assert not torch.allclose(view(**given), view(**(given | {name: given[name].flip(0)})), atol=1e-5)


def test_the_range_of_free_positions_does_nothing_to_cortical_ones() -> None:
    near, far = (made(init_mu_range=width).eval().mouse(A)(**inputs(A)) for width in (0.1, 0.8))
    assert torch.equal(near, far)
    near, far = (made(positions="free", init_mu_range=width).mouse(A).readout for width in (0.1, 0.8))
    assert far.positions().abs().max() > near.positions().abs().max()


def test_other_precisions_and_devices_take_everything_along() -> None:
    model = made().double().eval()
    given = {
        name: value.double() if value.is_floating_point() else value for name, value in inputs(A).items()
    }
    single = made().eval().mouse(A)(**inputs(A))
    torch.testing.assert_close(model.mouse(A)(**given).float(), single, atol=1e-4, rtol=1e-4)
    assert {value.device.type for value in made().to("meta").buffers()} == {"meta"}


# --- mice


def test_mice_share_the_core_and_nothing_else() -> None:
    model = made()
    first, second = ({id(p) for p in model.mouse(key).parameters()} for key in MICE)
    assert first & second == {id(parameter) for parameter in model.core.parameters()}
    assert first | second == {id(parameter) for parameter in model.parameters()}


def test_a_view_has_the_mode_of_its_model() -> None:
    model = made().eval()
    view = model.mouse(A)
    assert not any(module.training for module in view.modules())
    model.train()
    assert view.core.training and view.readout.training and model.mouse(A).training
    with evaluating(view):
        assert not model.core.training
    assert all(module.training for module in model.modules())


def test_an_optimiser_step_on_a_view_is_one_on_the_model() -> None:
    model = made()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        for parameter in model.mouse(A).parameters():
            parameter += 1
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {name for name, _ in model.named_parameters() if B not in name}


def test_gradients_reach_every_parameter() -> None:
    model = made().train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for key in MICE:
            loss = poisson_loss(model.mouse(key)(**inputs(key)), torch.ones(4, MICE[key].neurons))
            (loss + model.regulariser(key)).backward()
    still = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert still == []


# --- losses


def test_the_regulariser_is_core_readout_and_modulator() -> None:
    model = made(gamma_input=2.0, gamma_readout=0.5)
    kernels = model.core.convolutions[0].weight.detach().numpy()  # F C k k
    padded = np.pad(kernels, ((0, 0), (0, 0), (1, 1), (1, 1)))
    edges = 4 * kernels - padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    edges = edges - padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    smoothness = (edges**2).sum() / (kernels**2).sum()
    sparsity = np.abs(model.readouts[A].features.detach().numpy()).sum()
    expected = 2 * smoothness + 0.5 * sparsity + model.modulators[A].regulariser().item()
    assert model.regulariser(A).item() == pytest.approx(expected, rel=1e-5)
    assert made(CNN).regulariser(B).item() == pytest.approx(
        6.3831 * made(CNN).core.regulariser().item() + 0.0076 * 5, rel=1e-5
    )


def test_the_poisson_loss_by_hand() -> None:
    predicted, responses = torch.tensor([[1.0, 2.0], [0.5, 4.0]]), torch.tensor([[0.0, 1.0], [3.0, 2.0]])
    by_hand = 1 + (2 - np.log(2)) + (0.5 - 3 * np.log(0.5)) + (4 - 2 * np.log(4))
    assert poisson_loss(predicted, responses).item() == pytest.approx(by_hand, rel=1e-6)
    assert poisson_loss(predicted, responses, 3.0).item() == pytest.approx(3 * by_hand, rel=1e-6)
    silent = poisson_loss(torch.zeros(1, 1), torch.ones(1, 1)).item()
    assert silent == pytest.approx(-np.log(1e-12), rel=1e-6)


# --- building, saving


def test_a_seed_makes_the_model_and_leaves_the_generator() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        expected = torch.rand(1)
        torch.manual_seed(3)
        first = made(seed=1)
        assert torch.equal(torch.rand(1), expected)
    again, other = made(seed=1).state_dict(), made(seed=2).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in first.state_dict().items())
    assert not torch.equal(first.core.convolutions[0].weight, other["core.convolutions.0.weight"])


@pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
def test_a_checkpoint_brings_the_model_back(settings: ModelSettings, tmp_path: Path) -> None:
    model = made(settings).eval()
    json.dumps(model.configuration)
    path = checkpoint.save(model, tmp_path / "model", model.configuration)
    again = checkpoint.load(path, SensoriumModel).model
    assert (again.settings, again.mice) == (model.settings, MICE)
    drive = inputs(A)["images"], *[inputs(A)[name] for name in ("behaviour", "pupil_center")]
    given = drive if settings.behaviour else drive[:1]
    assert torch.equal(again.mouse(A).drive(*given), model.mouse(A).drive(*given))
    other = made(settings, seed=1).eval()
    assert not torch.equal(other.mouse(A).drive(*given), model.mouse(A).drive(*given))
