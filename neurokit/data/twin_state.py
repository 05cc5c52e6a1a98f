"""The named tensors of a digital twin: which belong to the shared core, which to one scan, and if they fit.

Letters: U units of a scan, S streams, C channels of the core's output, M channels of the modulation.
"""

import re
from pathlib import Path

import torch
from torch import Tensor

from neurokit.errors import CheckpointError

CORE = "core."  # what the names of the core's tensors start with, buffers included
OUTPUT = re.compile(r"core\.recurrent\.out\.weights\.\d+")  # of each stream, C x ...
MODULATION = "core.recurrent.proj_x.2.weights.0"  # the core's input from the modulation, ... x M


def split(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors of the core, and all others."""
    core = {name: tensor for name, tensor in state.items() if name.startswith(CORE)}
    return core, {name: tensor for name, tensor in state.items() if name not in core}


def join(
    core_path: Path, core: dict[str, Tensor], scan_path: Path, scan: dict[str, Tensor], remedy: str
) -> dict[str, Tensor]:
    """Core and scan together; CheckpointError, ending with `remedy`, where one holds what is of the other."""
    if both := sorted(core.keys() & scan.keys()):
        finding = f"{core_path.name} and {scan_path} both hold {both[0]}"
        raise CheckpointError(f"{finding}: take all files of the folder from one release.")
    for path, misplaced, number in (
        (core_path, list(split(core)[1]), len(core)),
        (scan_path, list(split(scan)[0]), len(scan)),
    ):
        if misplaced:
            finding = f"{path} holds {misplaced[0]} ({len(misplaced)} of {number} tensors)"
            raise CheckpointError(f"{finding}, which belongs into the other file: {remedy}.")
    return core | scan


def check_state(path: Path, state: dict[str, Tensor], units: int) -> None:
    """Raises CheckpointError, naming `path`, where readout and modulation do not fit the core, or U units.

    So it does for numbers that are not of single precision (masks are true or false).
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
            finding = f"{path} has {name} {found}, and its core and unit table ask for {shape}"
            raise CheckpointError(f"{finding}: use core, scan and tables of one release.")
    if f"readout.biases.{streams}" in state:
        finding = f"{path} has more streams than the {streams} of its core"
        raise CheckpointError(f"{finding}: use core and scan of one release.")


def _core_sizes(path: Path, state: dict[str, Tensor]) -> tuple[int, int, int]:
    """S, C and M as the core's tensors tell them."""
    outputs = [name for name in state if OUTPUT.fullmatch(name)]
    if not outputs or MODULATION not in state or min(state[outputs[0]].dim(), state[MODULATION].dim()) < 2:
        finding = f"{path} cannot be used, since its core has no core.recurrent.out.weights or {MODULATION}"
        raise CheckpointError(f"{finding}: use core and scan of one release.")
    return len(outputs), state[outputs[0]].shape[0], state[MODULATION].shape[1]
