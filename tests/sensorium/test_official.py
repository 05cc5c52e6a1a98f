"""Official names: every network goes there and back, and no other file is taken for one."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from neurokit.errors import CheckpointError
from neurokit.sensorium.config import CNN, CNN_PLUS, LN, LN_PLUS, MODEL_4, ModelSettings, MouseShape
from neurokit.sensorium.model import SensoriumModel, make_model
from neurokit.sensorium.official import LAPLACIAN, load_official, official_names, official_state

A, B = "27204-5-13", "21067-10-18"
ALL = {"LN": LN, "CNN": CNN, "LN+": LN_PLUS, "CNN+": CNN_PLUS, "Model 4": MODEL_4}
State = dict[str, Tensor]


def made(settings: ModelSettings, *keys: str) -> SensoriumModel:
    generator = np.random.default_rng(0)
    trials = 40 if settings.gain else 0
    mice = {key: MouseShape(neurons=6 + index, trials=trials) for index, key in enumerate(keys)}
    coordinates = {key: generator.uniform(0, 600, (shape.neurons, 3)) for key, shape in mice.items()}
    return make_model(mice, settings, seed=0, coordinates=coordinates).eval()


def saved(content: object, folder: Path) -> Path:
    torch.save(content, folder / "official.pth")
    return folder / "official.pth"


def rates(model: SensoriumModel, key: str) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    images, behaviour, pupil = (torch.randn(2, *size, generator=generator) for size in ((36, 64), (3,), (2,)))
    given = {"behaviour": behaviour, "pupil_center": pupil} if model.settings.behaviour else {}
    return model.mouse(key)(images, **given, rank=torch.tensor([3, 39]) if model.settings.gain else None)


@pytest.mark.parametrize("keys", [(A,), (B, A)], ids=["one mouse", "two mice"])
@pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
def test_every_network_goes_there_and_back(
    settings: ModelSettings, keys: tuple[str, ...], tmp_path: Path
) -> None:
    model = made(settings, *keys)
    before = torch.random.get_rng_state()
    again = load_official(saved(official_state(model), tmp_path))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (again.settings, again.mice, list(again.mice)) == (settings, model.mice, list(keys))
    assert not again.training
    for key in keys:
        assert torch.equal(rates(again, key), rates(model, key))


def test_a_weight_of_the_file_is_the_weight_that_acts(tmp_path: Path) -> None:
    model = made(MODEL_4, A)
    for name, tensor in official_state(model).items():
        if name == LAPLACIAN or name.endswith("num_batches_tracked"):
            continue
        changed = load_official(saved(official_state(model) | {name: tensor + 0.5}, tmp_path)).state_dict()
        own = {ours for ours, official in official_names(model).items() if official == name}
        assert {ours for ours, value in model.state_dict().items() if not value.equal(changed[ours])} == own


def test_official_shapes_have_axes_that_ours_do_without() -> None:
    state = official_state(made(CNN, A))
    assert state[f"readout.{A}.sigma"].shape == (1, 6, 2, 2)
    assert state[f"readout.{A}._features"].shape == (1, 64, 1, 6)


def test_a_model_that_has_no_official_names_says_so() -> None:
    model = make_model({A: MouseShape(neurons=3)}, CNN.replace(positions="free"), seed=0)
    with pytest.raises(CheckpointError, match="before_tanh has no official name; save this model with"):
        official_names(model)


# --- other files


def without(name: str) -> Callable[[State], State]:
    return lambda state: {key: value for key, value in state.items() if key != name}


def with_(name: str, value: Tensor) -> Callable[[State], State]:
    return lambda state: state | {name: value}


BIAS = f"readout.{A}.bias"
CHANGES = {
    "a missing name": (
        without("core.features.layer2.norm.bias"),
        r"lacks core\.features\.layer2\.norm\.bias;",
    ),
    "a mouse without readout": (without(BIAS), "lacks a mouse's readout or gain"),
    "no Laplacian": (without(LAPLACIAN), "lacks core._input_weights_regularizer"),
    "a bias of the core": (
        with_("core.features.layer1.ds_conv.in_depth_conv.bias", torch.zeros(64)),
        r"has the unknown core\.features\.layer1\.ds_conv\.in_depth_conv\.bias;",
    ),
    "another shape": (with_(f"shifter.{A}.mlp.2.weight", torch.zeros(5, 4)), r"is \(5, 4\) .*, not \(5, 5\)"),
    "another type": (
        with_(BIAS, torch.zeros(6).double()),
        r"is \(6,\) torch.float64, not \(6,\) torch.float32",
    ),
    "half precision": (
        lambda state: {name: tensor.half() for name, tensor in state.items()},
        r"float16, not .*float32; give the official file, or convert the weights to torch.float32",
    ),
    "a NaN": (with_(BIAS, torch.full((6,), torch.nan)), f"{BIAS} has non-finite values"),
    "a negative variance": (
        with_("core.features.layer1.norm.running_var", torch.full((64,), -1.0)),
        r"core\.features\.layer1\.norm\.running_var has negative values",
    ),
    "another Laplacian": (with_(LAPLACIAN, torch.ones(1, 1, 3, 3)), "is no Laplacian of 3 x 3"),
    "five layers": (
        with_("core.features.layer4.norm.bias", torch.zeros(64)),
        r"holds 5 layers on 4 channels .* none of LN, CNN, LN\+, CNN\+ and Model 4",
    ),
    "a scalar kernel": (with_("core.features.layer0.conv.weight", torch.zeros(())), "on 0 channels"),
    "a number": (with_("epochs", 3), "is no table of tensors"),
    "a nameless tensor": (with_(3, torch.zeros(1)), "is no table of tensors"),
    "more numbers than it holds": (with_(BIAS, torch.zeros(1).expand(10**12)), "is no table of tensors"),
    "weights beside other things": (
        lambda state: {"epoch": 3, "model_state_dict": state},
        "is no table of tensors; save its entry 'model_state_dict' alone",
    ),
    "numpy's number beside them": (
        lambda state: state | {"score": np.float64(0.3)},
        r"holds more than tensors .*; copy it again, or save the model's state_dict\(\) alone",
    ),
    "a whole model": (lambda state: torch.nn.Linear(2, 2), r"holds more than tensors .*state_dict\(\) alone"),
    "names of DataParallel": (
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        r"names that begin with 'module\.', as DataParallel saves them: cut it off",
    ),
    "a list": (lambda state: list(state.values()), "is no table of tensors"),
    "nothing": (lambda state: {}, "holds 0 layers"),
}


@pytest.mark.parametrize(("change", "finding"), CHANGES.values(), ids=CHANGES)
def test_other_files_are_refused_in_one_sentence(
    change: Callable[[State], object], finding: str, tmp_path: Path
) -> None:
    path = saved(change(official_state(made(CNN_PLUS, A))), tmp_path)
    with pytest.raises(CheckpointError, match=finding) as found:
        load_official(path)
    assert str(path) in str(found.value) and str(found.value).endswith(".") and "\n" not in str(found.value)


class Runs:
    """Unpickling it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def damaged(kind: str, folder: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save(official_state(made(CNN, A)), buffer)
    whole = buffer.getvalue()
    contents = {
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"version https://git-lfs.github.com/spec/v1\n",
        "a pickle with code": pickle.dumps({"core": Runs(folder / "it ran")}, protocol=2),
    }
    return contents[kind]


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "a pickle with code"])
def test_damaged_and_hostile_files_are_refused_and_run_nothing(kind: str, tmp_path: Path) -> None:
    (tmp_path / "official.pth").write_bytes(damaged(kind, tmp_path))
    with pytest.raises(
        CheckpointError, match=r"official\.pth is damaged or holds more than tensors"
    ) as found:
        load_official(tmp_path / "official.pth")
    assert "\n" not in str(found.value)
    assert not (tmp_path / "it ran").exists()


def test_a_torch_file_with_code_runs_nothing(tmp_path: Path) -> None:
    path = saved({"core": Runs(tmp_path / "it ran")}, tmp_path)
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        load_official(path)
    assert not (tmp_path / "it ran").exists()
    torch.load(path, weights_only=False)  # the control: it would have
    assert (tmp_path / "it ran").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.pth is missing; give"):
        load_official(tmp_path / "none.pth")
