"""Weights by their official names: the competition's pretrained networks and Model 4.

The organisers' .pth files (github.com/sinzlab/sensorium, model tutorial) and those of the winning entry
are PyTorch state dicts with the names of the library `neuralpredictors`. Names and shapes tell which
network a file holds; files are opened as plain data, so that none can run code.
"""

import re
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from neurokit.errors import CheckpointError
from neurokit.files.reading import check_no_pipe
from neurokit.sensorium.config import CNN, CNN_PLUS, LN, LN_PLUS, MODEL_4, ModelSettings, MouseShape
from neurokit.sensorium.core import StackedCore
from neurokit.sensorium.model import BEHAVIOURS, SensoriumModel

# Our name, as a pattern, and the official one; a layer's number and a mouse's key stay.
NAMES = {
    r"core\.convolutions\.0\.weight": r"core.features.layer0.conv.weight",
    r"core\.convolutions\.(\d+)\.0\.weight": r"core.features.layer\1.ds_conv.in_depth_conv.weight",
    r"core\.convolutions\.(\d+)\.1\.weight": r"core.features.layer\1.ds_conv.spatial_conv.weight",
    r"core\.convolutions\.(\d+)\.2\.weight": r"core.features.layer\1.ds_conv.out_depth_conv.weight",
    r"core\.norms\.(\d+)\.(\w+)": r"core.features.layer\1.norm.\2",
    r"readouts\.([^.]+)\.spread": r"readout.\1.sigma",
    r"readouts\.([^.]+)\.features": r"readout.\1._features",
    r"readouts\.([^.]+)\.bias": r"readout.\1.bias",
    r"readouts\.([^.]+)\.positions\.source_grid": r"readout.\1.source_grid",
    r"readouts\.([^.]+)\.positions\.network\.(.+)": r"readout.\1.mu_transform.\2",
    r"shifters\.([^.]+)\.(.+)": r"shifter.\1.mlp.\2",
    r"modulators\.([^.]+)\.gain\.per_trial": r"modulator.\1.own_gain",
    r"modulators\.([^.]+)\.gain\.coupling": r"modulator.\1.gain_coupling",
    r"modulators\.([^.]+)\.gain\.coupling_offset": r"modulator.\1.coupling_offset",
    r"modulators\.([^.]+)\.history\.weights": r"modulator.\1.history_weights",
    r"modulators\.([^.]+)\.history\.bias": r"modulator.\1.history_bias",
    r"modulators\.([^.]+)\.state\.encoder\.(\w+)": r"modulator.\1.state_encoder.\2",
}
LAPLACIAN = "core._input_weights_regularizer.laplace.filter"  # a constant that the files carry too
NEVER_NEGATIVE = ("running_var", "num_batches_tracked")


def load_official(path: str | Path) -> SensoriumModel:
    """The model of an official file, on the CPU in evaluation mode.

    Names and shapes tell LN, CNN, their versions with behaviour, and Model 4 apart, with any number of
    mice; three layers are the linear model's. The number of trials is known if there is a gain, else
    0. Raises CheckpointError for a file that is missing, damaged or holds more than plain tensors, and
    for one with unknown or missing names, other shapes, non-finite numbers or a negative variance.
    """
    tensors = _read_tensors(Path(path))
    with torch.random.fork_rng():  # the weights drawn here are replaced
        model = SensoriumModel(*_recognise(path, tensors))
    _check_tensors(path, tensors, official_state(model))
    own = model.state_dict()
    model.load_state_dict(
        {name: tensors[official].reshape(own[name].shape) for name, official in official_names(model).items()}
    )
    return model.eval()


def official_names(model: SensoriumModel) -> dict[str, str]:
    """The official name of each of the model's weights. Raises CheckpointError for one without."""
    return {name: _find_official_name(name) for name in model.state_dict()}


def official_state(model: SensoriumModel) -> dict[str, Tensor]:
    """The model's weights as an official file holds them: `torch.save` it, and `load_official` reads it."""
    own = model.state_dict()
    state = {official: _add_axes(official, own[name]) for name, official in official_names(model).items()}
    return {LAPLACIAN: cast(StackedCore, model.core).laplacian} | state


def _find_official_name(name: str) -> str:
    for ours, official in NAMES.items():
        if match := re.fullmatch(ours, name):
            return match.expand(official)
    raise CheckpointError(f"{name} has no official name; save this model with neurokit.training.checkpoint.")


def _add_axes(official: str, tensor: Tensor) -> Tensor:
    """The tensor with the axes of length 1 that official readouts have and ours do without."""
    kind = official.rsplit(".", 1)[-1]
    if kind == "sigma":
        return tensor[None]
    return tensor[None, :, None] if kind == "_features" else tensor


def _read_tensors(path: Path) -> dict[str, Tensor]:
    check_no_pipe(path, CheckpointError)
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; give the path of an official .pth file.") from None
    except Exception as error:  # torch raises a dozen classes for a damaged or hostile file
        raise CheckpointError(
            f"{path} is damaged or holds more than tensors ({type(error).__name__}); copy it again, or save "
            "the model's state_dict() alone."
        ) from error
    if not isinstance(content, dict) or not all(_is_plain(*row) for row in content.items()):
        raise CheckpointError(f"{path} is no table of tensors; {_find_remedy(content)}.")
    return content


def _find_remedy(content: Any) -> str:
    """Where in the file a table of tensors lies, if it is one entry among others."""
    entries = content.items() if isinstance(content, dict) else ()
    for name, value in entries:
        if isinstance(value, dict) and value and all(_is_plain(*row) for row in value.items()):
            return f"save its entry {name!r} alone"
    return "give a state dict with the official names"


def _is_plain(name: Any, value: Any) -> bool:
    """A named tensor that holds every number it claims (one with strides of 0 can claim any number)."""
    dense = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    return isinstance(name, str) and dense and value.is_contiguous()


def _recognise(path: str | Path, tensors: dict[str, Tensor]) -> tuple[dict[str, MouseShape], ModelSettings]:
    """The mice and the settings that names and shapes stand for."""
    layers = len({name.split(".")[2] for name in tensors if name.startswith("core.features.")})
    kernels = tensors.get("core.features.layer0.conv.weight", torch.empty(0))
    channels = kernels.shape[1] if kernels.dim() == 4 else 0
    parts = {name.split(".")[0] for name in tensors}
    if parts == {"module"}:
        raise CheckpointError(
            f"{path} has names that begin with 'module.', as DataParallel saves them: cut it off."
        )
    found = layers, channels, "shifter" in parts, "modulator" in parts
    for settings in (LN, CNN, LN_PLUS, CNN_PLUS, MODEL_4):
        inputs = 1 + BEHAVIOURS * settings.behaviour
        if found == (settings.layers, inputs, settings.shifter, settings.gain):
            return _find_mice(path, tensors, settings), settings
    raise CheckpointError(
        f"{path} holds {layers} layers on {channels} channels (shifter: {found[2]}, modulator: {found[3]}), "
        "which is none of LN, CNN, LN+, CNN+ and Model 4; load it with the code that made it."
    )


def _find_mice(
    path: str | Path, tensors: dict[str, Tensor], settings: ModelSettings
) -> dict[str, MouseShape]:
    keys = [match[1] for name in tensors if (match := re.fullmatch(r"readout\.([^.]+)\.bias", name))]
    sizes = {key: tensors[f"readout.{key}.bias"].numel() for key in keys}
    gains = {key: tensors.get(f"modulator.{key}.own_gain", torch.empty(0)).numel() for key in keys}
    if not keys or not all(sizes.values()) or (settings.gain and not all(gains.values())):
        raise CheckpointError(f"{path} lacks a mouse's readout or gain; copy it again.")
    return {key: MouseShape(neurons=sizes[key], trials=gains[key]) for key in keys}


def _check_tensors(path: str | Path, found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    for name in [*wanted, *found]:
        if name not in found or name not in wanted:
            finding = "lacks" if name in wanted else "has the unknown"
            raise CheckpointError(f"{path} {finding} {name}; copy the official file again.")
    for name, tensor in found.items():
        if (tensor.shape, tensor.dtype) != (wanted[name].shape, wanted[name].dtype):
            is_ = f"{tuple(tensor.shape)} {tensor.dtype}"
            should = f"{tuple(wanted[name].shape)} {wanted[name].dtype}"
            remedy = "copy the official file again"
            if tensor.dtype != wanted[name].dtype:
                remedy = f"give the official file, or convert the weights to {wanted[name].dtype}"
            raise CheckpointError(f"{path}: {name} is {is_}, not {should}; {remedy}.")
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path}: {name} has non-finite values; copy the official file again.")
        if name.endswith(NEVER_NEGATIVE) and (tensor < 0).any():
            raise CheckpointError(f"{path}: {name} has negative values; copy the official file again.")
    if not torch.equal(found[LAPLACIAN], wanted[LAPLACIAN]):
        raise CheckpointError(f"{path}: {LAPLACIAN} is no Laplacian of 3 x 3; copy the official file again.")
