"""The named tensors of a digital twin: their files, the split into core and scan, and checks of their sizes.

A file is opened so that it cannot run code. Some tensors belong to the shared core, the others to one scan.

Letters: U units of a scan, S streams, C channels of the core's output, M channels of the modulation.
"""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurokit.errors import CheckpointError
from neurokit.files.atomic import atomic_write
from neurokit.files.reading import check_no_pipe

CORE = "core."  # what the names of the core's tensors start with, buffers included
OUTPUT = re.compile(r"core\.recurrent\.out\.weights\.\d+")  # of each stream, C x ...
MODULATION = "core.recurrent.proj_x.2.weights.0"  # the core's input from the modulation, ... x M


def read_tensors(path: Path, remedy: str) -> dict[str, Tensor]:
    """The named tensors of a file of `torch.save`, on the CPU, mapped from it where its format allows.

    Raises CheckpointError, which ends with `remedy`, where the file is missing, damaged, or holds
    anything but named, complete tensors of finite numbers.
    """
    content = _open(path, remedy)
    if not isinstance(content, dict) or not content or not all(_is_plain(*row) for row in content.items()):
        raise CheckpointError(f"{path} is not a table of named tensors: {remedy}.")
    check_finite(path, content, remedy)
    return content


def check_finite(path: Path, tensors: dict[str, Tensor], remedy: str) -> None:
    """Raises CheckpointError, ending with `remedy`, where a tensor of the file is not finite."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path} has values in {name} that are not finite: {remedy}.")


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Writes named tensors, each with a memory of its own. Raises DiskError."""
    with atomic_write(path) as temporary:
        torch.save({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}, temporary)


def _open(path: Path, remedy: str) -> Any:
    check_no_pipe(path, CheckpointError)
    try:
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            if "mmap can only be used" not in str(error):
                raise
        return torch.load(path, map_location="cpu", weights_only=True)  # torch's format before 1.6
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: {remedy}.") from None
    except Exception as error:  # torch raises a dozen classes for a damaged or hostile file
        finding = f"{path} is damaged or holds more than tensors ({type(error).__name__})"
        raise CheckpointError(f"{finding}: {remedy}.") from error


def _is_plain(name: Any, value: Any) -> bool:
    """A named tensor that holds every number it claims (one with strides of 0 can claim any number)."""
    dense = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    return isinstance(name, str) and dense and value.is_contiguous()


def split_core(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors of the core, and all others."""
    core = {name: tensor for name, tensor in state.items() if name.startswith(CORE)}
    return core, {name: tensor for name, tensor in state.items() if name not in core}


def join_core(
    core_path: Path, core: dict[str, Tensor], scan_path: Path, scan: dict[str, Tensor], remedy: str
) -> dict[str, Tensor]:
    """Core and scan together; CheckpointError, ending with `remedy`, where one has the other's."""
    if both := sorted(core.keys() & scan.keys()):
        finding = f"{core_path.name} and {scan_path} both hold {both[0]}"
        raise CheckpointError(f"{finding}: take all files of the folder from one release.")
    for path, misplaced, number in (
        (core_path, list(split_core(core)[1]), len(core)),
        (scan_path, list(split_core(scan)[0]), len(scan)),
    ):
        if misplaced:
            finding = f"{path} holds {misplaced[0]} ({len(misplaced)} of {number} tensors)"
            raise CheckpointError(f"{finding}, which belongs in the other file: {remedy}.")
    return core | scan


def check_state(path: Path, state: dict[str, Tensor], units: int) -> None:
    """Raises CheckpointError, naming `path`, where readout and modulation do not fit the core, or U units.

    Also for numbers that are not of single precision (masks are true or false).
    """
    for name, tensor in state.items():
        if tensor.dtype not in (torch.float32, torch.bool):
            finding = f"{path} or its core has {name} as {tensor.dtype}, and a twin needs torch.float32"
            raise CheckpointError(f"{finding}: save the weights that were trained, in single precision.")
    streams, channels, modulation = _core_sizes(path, state)
    wanted: dict[str, tuple[int, ...]] = {"readout.position.mu": (units, 2)}
    wanted["readout.position.sigma"] = (units, 2, 2)
    for stream in range(streams):
        wanted[f"readout.feature.weights.{stream}"] = (units, 1, channels)
        wanted[f"readout.biases.{stream}"] = (units, 1)
        wanted[f"modulation.lstm.proj_o.biases.{stream}"] = (1, modulation)
    for name, shape in wanted.items():
        found = tuple(state[name].shape) if name in state else "missing"
        if found != shape:
            finding = f"{path} has {name} {found}, and its core and unit table need {shape}"
            raise CheckpointError(f"{finding}: use core, scan and tables of one release.")
    if f"readout.biases.{streams}" in state:
        finding = f"{path} has more streams than the {streams} of its core"
        raise CheckpointError(f"{finding}: use core and scan of one release.")


def _core_sizes(path: Path, state: dict[str, Tensor]) -> tuple[int, int, int]:
    """S, C and M, from the shapes of the core's tensors."""
    outputs = [name for name in state if OUTPUT.fullmatch(name)]
    if not outputs or MODULATION not in state or min(state[outputs[0]].dim(), state[MODULATION].dim()) < 2:
        finding = f"{path} cannot be used, since its core has no core.recurrent.out.weights or {MODULATION}"
        raise CheckpointError(f"{finding}: use core and scan of one release.")
    return len(outputs), state[outputs[0]].shape[0], state[MODULATION].shape[1]
