"""The optional kernels against plain torch: outputs, all gradients, checkpoints, and where they do not go."""

import copy
import sys
from collections.abc import Callable
from inspect import unwrap
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from neurokit import settings as switches
from neurokit.errors import DataError, SettingsError
from neurokit.sensorium import build, task, train
from neurokit.sensorium import kernels as fast
from neurokit.sensorium.config import CNN, CNN_PLUS, LN, MODEL_4, ModelSettings, MouseShape, SensoriumConfig
from neurokit.sensorium.model import SensoriumModel, make_model
from neurokit.sensorium.readout import GaussianReadout, read_bilinear
from neurokit.sensorium.submission import entry
from neurokit.training import checkpoint
from tests.sensorium.own_core import contrast, residual
from tests.sensorium.toys import PLAIN, same, toy_scans, weights

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

TOLERANCE = 1e-5  # of each tensor's largest entry
SMALL = {"channels": 6, "layers": 3}
MICE = {"a": MouseShape(neurons=9, trials=20), "b": MouseShape(neurons=4, trials=20)}
KINDS = {"cnn": CNN, "ln": LN, "cnn_plus": CNN_PLUS, "model_4": MODEL_4}


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def off(found: Tensor, wanted: Tensor) -> float:
    """The largest difference as a share of the largest entry."""
    assert found.shape == wanted.shape
    return float((found - wanted).abs().max() / wanted.abs().max())


def with_gradients(function: Callable[..., Tensor], *inputs: Tensor) -> list[Tensor]:
    """The output, and the gradient of a random weighting of it by each input."""
    leaves = [each.detach().clone(memory_format=torch.preserve_format).requires_grad_() for each in inputs]
    output = function(*leaves)
    return [output.detach(), *torch.autograd.grad(output, leaves, drawn(*output.shape, seed=9))]


# --- the readout


def on_edges(images: int, neurons: int) -> Tensor:
    """Corners, edges and centre of the map, and the same places one map further out."""
    places = torch.cartesian_prod(*[torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0])] * 2)
    return places.repeat(images * neurons // 25 + 1, 1)[: images * neurons].reshape(images, neurons, 2)


POSITIONS = {
    "on the map": lambda B, N: drawn(B, N, 2, seed=1).tanh(),
    "around the map": lambda B, N: 2 * drawn(B, N, 2, seed=1),
    "on its edges": on_edges,
    "on its pixels": lambda B, N: (
        torch.randint(-7, 8, (B, N, 2), generator=torch.Generator().manual_seed(1)) / 6
    ),
}


@pytest.mark.parametrize("where", POSITIONS)
@pytest.mark.parametrize(("C", "H", "W"), [(1, 2, 2), (5, 7, 13), (67, 13, 7)])
def test_reading_is_plain_reading(C: int, H: int, W: int, where: str) -> None:
    features, positions = drawn(3, C, H, W, seed=0), POSITIONS[where](3, 30)
    inputs = features, positions, drawn(C, 30, seed=2)
    found, wanted = (with_gradients(read, *inputs) for read in (fast.read_fused, read_bilinear))
    assert all(off(*pair) < TOLERANCE for pair in zip(found, wanted, strict=True))
    other = with_gradients(fast.read_fused, features, 0.9 * positions + 0.01, inputs[2])
    assert min(off(*pair) for pair in zip(other, wanted, strict=True)) > 100 * TOLERANCE


def test_maps_in_either_order_and_positions_shared_by_all_images() -> None:
    features, weights = drawn(3, 5, 7, 13, seed=0), drawn(5, 30, seed=2)
    shared = POSITIONS["on the map"](1, 30)
    wanted = with_gradients(
        lambda x, p, w: read_bilinear(x, p.expand(3, -1, -1), w), features, shared, weights
    )
    for maps in (features, features.contiguous(memory_format=torch.channels_last)):
        found = with_gradients(
            lambda x, p, w: fast.read_fused(x, p.expand(3, -1, -1), w), maps, shared, weights
        )
        assert all(off(*pair) < TOLERANCE for pair in zip(found, wanted, strict=True))


def test_an_unknown_position_reads_an_unknown_drive() -> None:
    positions = POSITIONS["on the map"](2, 4)
    positions[0, 1, 0] = torch.nan
    drives = fast.read_fused(drawn(2, 3, 5, 6, seed=0), positions, drawn(3, 4, seed=1))
    assert drives.isnan().nonzero().tolist() == [[0, 1]]


@pytest.mark.parametrize("threads", [2, 5])  # more than images
def test_the_number_of_threads_changes_nothing(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = drawn(3, 5, 7, 13, seed=0), POSITIONS["around the map"](3, 30), drawn(5, 30, seed=2)
    alone = with_gradients(fast.read_fused, *inputs)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    together = with_gradients(fast.read_fused, *inputs)
    assert all(off(*pair) < 1e-6 for pair in zip(together, alone, strict=True))


# --- depthwise convolutions


@pytest.mark.parametrize("kernel", [1, 3, 7, 10, (4, 3)])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_a_depthwise_convolution_is_the_plain_one(
    kernel: int | tuple[int, int], order: torch.memory_format
) -> None:
    padding = kernel // 2 if isinstance(kernel, int) else (2, 1)
    plain = nn.Conv2d(5, 5, kernel, padding=padding, groups=5, bias=False)
    plain.weight.data = drawn(*plain.weight.shape, seed=3)
    maps = drawn(3, 5, 11, 14, seed=0).contiguous(memory_format=order)
    model = fast.accelerate(nn.Sequential(plain))
    assert isinstance(model[0], fast.DepthwiseConvolution) and model[0].weight is plain.weight

    def run(convolution: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda x, weight: torch.func.functional_call(convolution, {"weight": weight}, x)

    found, wanted = (with_gradients(run(each), maps, plain.weight) for each in (model[0], plain))
    assert all(off(*pair) < TOLERANCE for pair in zip(found, wanted, strict=True))
    assert off(found[2].flip(2), wanted[2]) > 0.1 or plain.kernel_size[0] == 1


@pytest.mark.parametrize(
    "options",
    [
        {"groups": 2},
        {"stride": 2},
        {"dilation": 2},
        {"bias": True},
        {"padding": 3},
        {"padding": "same"},
        {"padding_mode": "circular", "padding": 1},
        {"out_channels": 8},
    ],
    ids=str,
)
def test_other_convolutions_stay_as_they_are(options: dict[str, object]) -> None:
    plain = nn.Conv2d(4, **{"out_channels": 4, "kernel_size": 3, "groups": 4, "bias": False} | options)
    with pytest.raises(SettingsError, match="no readout and no depthwise convolution"):
        fast.accelerate(nn.Sequential(plain))


# --- whole models


def made(settings: ModelSettings) -> SensoriumModel:
    small = settings.replace(
        **SMALL, init_sigma=0.8
    )  # wide: some draws reach the edge, some eyes look past it
    coordinates = {key: drawn(shape.neurons, 2, seed=4).numpy() for key, shape in MICE.items()}
    return make_model(MICE, small, seed=5, coordinates=coordinates)


def inputs(settings: ModelSettings, neurons: int = 9) -> dict[str, Tensor]:
    every = {
        "images": drawn(5, 36, 64, seed=0),
        "behaviour": drawn(5, 3, seed=1),
        "pupil_center": 9 * drawn(5, 2, seed=2),
        "history": drawn(5, neurons, 5, seed=3),
        "state": drawn(5, 10, seed=4),
        "rank": torch.arange(5),
    }
    uses = {"images": True, "behaviour": settings.behaviour, "pupil_center": settings.shifter}
    return {name: each for name, each in every.items() if uses.get(name, settings.gain)}


def rates_and_gradients(model: SensoriumModel, settings: ModelSettings) -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        rates = model.mouse("a")(**inputs(settings))
    (rates * drawn(*rates.shape, seed=7)).sum().backward()
    found = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
    return {"rates": rates.detach()} | found


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_models_keep_rates_gradients_and_names(settings: ModelSettings, training: bool) -> None:
    plain = made(settings).train(training)
    other = fast.accelerate(copy.deepcopy(plain))
    assert list(other.state_dict()) == list(plain.state_dict())
    wanted, found = (rates_and_gradients(model, settings) for model in (plain, other))
    assert found.keys() == wanted.keys() and len(found) > 10
    largest = max(float(each.abs().max()) for each in wanted.values())
    sizeable = {name for name, each in wanted.items() if float(each.abs().max()) > 1e-5 * largest}
    assert {
        name: off(found[name], wanted[name]) for name in sizeable if off(found[name], wanted[name]) > 1e-4
    } == {}


def test_a_checkpoint_fits_either_kind_and_a_copy_reads_its_own_weights(tmp_path: Path) -> None:
    model = fast.accelerate(made(CNN)).eval()
    path = checkpoint.save(model, tmp_path / "model", model.configuration)
    again = checkpoint.load(path, SensoriumModel).model
    images = inputs(CNN)
    with torch.no_grad():
        wanted, found = model.mouse("a")(**images), again.mouse("a")(**images)
    plain = [type(each) for each in again.modules()]
    assert fast.DepthwiseConvolution not in plain and off(found, wanted) < TOLERANCE
    duplicate = copy.deepcopy(model)
    duplicate.readouts["a"].features.data.zero_()
    assert torch.equal(model.mouse("a")(**images), wanted)
    assert not torch.equal(duplicate.mouse("a")(**images), wanted)


# --- switching it on


@pytest.mark.parametrize("value", ["1", None])
def test_training_is_accelerated_where_the_user_asks(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEUROKIT_FAST", raising=False)
    mice = task(toy_scans(), PLAIN, device="cpu")
    plain = train(build(mice, PLAIN), mice, PLAIN, show_progress=False)
    if value is not None:
        monkeypatch.setenv("NEUROKIT_FAST", value)
    fitted = train(build(mice, PLAIN), mice, PLAIN, show_progress=False)
    kinds = [type(each) for each in fitted.model.modules()]
    assert (fast.DepthwiseConvolution in kinds) == (value == "1")
    reads = {each.read for each in fitted.model.modules() if isinstance(each, GaussianReadout)}
    assert reads == {fast.read_fused if value else read_bilinear}
    losses = fitted.history["train_loss"], plain.history["train_loss"]
    assert losses[0].to_numpy() == pytest.approx(losses[1].to_numpy(), rel=1e-4)


def test_without_numba_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fast._compile.cache_clear()
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(
        SettingsError, match=r"^numba is missing; install neurokit's extra `fast`, or go without it\.$"
    ):
        fast.accelerate(made(CNN))


def test_other_numbers_and_devices_are_refused_when_asked_and_when_called() -> None:
    with pytest.raises(SettingsError, match=r"not in torch\.float64 on cpu; go without them"):
        fast.accelerate(made(CNN).double())
    with pytest.raises(SettingsError, match=r"not in torch\.float32 on meta"):
        fast.accelerate(made(CNN).to("meta"))
    model = fast.accelerate(made(CNN))
    with (
        torch.autocast("cpu", dtype=torch.bfloat16),
        pytest.raises(SettingsError, match=r"not in torch\.bfloat16"),
    ):
        model.mouse("a")(**inputs(CNN))
    with pytest.raises(SettingsError, match=r"not in torch\.float64"):
        model.double().mouse("a")(drawn(2, 36, 64, seed=0).double())


def test_second_derivatives_are_refused() -> None:
    positions = POSITIONS["on the map"](2, 4).requires_grad_()
    drives = fast.read_fused(drawn(2, 3, 5, 6, seed=0), positions, drawn(3, 4, seed=1))
    with pytest.raises(SettingsError, match="first derivatives only; go without them here"):
        torch.autograd.grad(drives.sum(), positions, create_graph=True)


@pytest.mark.parametrize(
    ("positions", "weights"),
    [((2, 4, 2), (3, 4)), ((1, 4, 2), (6, 4)), ((2, 3, 2), (6, 4)), ((2, 4, 1), (6, 4))],
)
def test_sizes_that_do_not_belong_together_are_refused(
    positions: tuple[int, ...], weights: tuple[int, ...]
) -> None:
    """The loops would read beyond; shapes are checked by hand, since only tests check annotations."""
    with pytest.raises(DataError, match="do not belong together"):
        unwrap(fast.read_fused)(torch.randn(2, 6, 5, 5), torch.rand(positions), torch.randn(weights))


def test_positions_in_double_precision_are_refused() -> None:
    with pytest.raises(SettingsError, match="float64"):
        fast.read_fused(torch.randn(2, 6, 5, 5), torch.rand(2, 4, 2, dtype=torch.float64), torch.randn(6, 4))


def test_a_device_without_kernels_is_refused_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEUROKIT_FAST", "1")
    mice = task(toy_scans(), PLAIN, device="cpu")
    for mouse in mice.values():
        mouse.device = torch.device("cuda")
    with pytest.raises(SettingsError, match="on a CPU, not on cuda"):
        train(build(mice, PLAIN), mice, PLAIN, on_epoch=lambda *_: pytest.fail("trained"))


def test_a_device_without_kernels_takes_no_submission_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEUROKIT_FAST", "1")
    monkeypatch.setattr(entry, "choose_device", lambda name: torch.device("cuda"))
    with pytest.raises(SettingsError, match="on a CPU, not on cuda"):
        entry.submit(lambda: pytest.fail("it was loaded"), PLAIN, "nowhere", members_folder="nowhere")


@pytest.mark.parametrize(("own", "config"), [(residual, PLAIN), (contrast, PLAIN)])
def test_models_of_ones_own_are_left_alone(
    own: Callable, config: SensoriumConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They train as without the switch, to the last bit."""
    mice = task(toy_scans(), config, device="cpu")
    plain = train(own(mice, config), mice, config, show_progress=False)
    monkeypatch.setenv("NEUROKIT_FAST", "1")
    fitted = train(own(mice, config), mice, config, show_progress=False)
    assert same(weights(fitted.model), weights(plain.model))
    assert fast.DepthwiseConvolution not in [type(each) for each in fitted.model.modules()]


@pytest.mark.parametrize(("word", "found"), [(" 1", True), ("on", True), ("0", False), ("", False)])
def test_switches_are_words(word: str, found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_FAST", word)
    assert switches.fast() is found


def test_a_switch_that_says_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_KEEP_MEMORY", "ture")
    with pytest.raises(SettingsError, match="NEUROKIT_KEEP_MEMORY is 'ture'; set it to 1 or 0"):
        switches.keep_memory()
