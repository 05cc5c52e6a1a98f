"""The Gaussian readout alone, forward and backward: ours, plain and with kernels, against neuralpredictors.

    python benchmarks/speed_readout.py

Maps of 64 channels and 28 x 56 pixels of 128 images, 8,000 neurons, a position drawn for each image and
neuron. Each readout gets the maps in the order in memory in which its own core leaves them. Before timing,
the output and the gradients of the maps and of every weight are compared with the peer's: in double
precision with few neurons, where two ways of computing the same agree to 1e-9, and in single precision as
timed. The allocator is as it comes on both sides.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

import peers
from neurokit.sensorium import kernels as fast
from neurokit.sensorium.config import CNN
from neurokit.sensorium.core import channels_last
from neurokit.sensorium.official import official_names
from paired import assert_equal, compared, options, report, timed

EXACT, ROUNDING = 1e-9, 1e-4  # of a tensor's largest entry: double precision, single precision
SIZES, QUICK = {"images": 128, "neurons": 8000}, {"images": 4, "neurons": 200}
MAP = (28, 56)
PEER, OURS, FAST = "neuralpredictors", "neurokit", "neurokit, fast"
AIMS = {OURS: 1.6, FAST: 6.0}
Readouts = dict[str, tuple[nn.Module, Tensor, dict[str, str]]]  # with its maps, and its names by ours


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Equality, then time."""
    chosen = options(__doc__, arguments)
    peers.require("numba")
    size, rounds = QUICK if chosen.quick else SIZES, chosen.rounds or (1 if chosen.quick else 15)
    facts = {
        **size,
        "threads": torch.get_num_threads(),
        "allocator": "as it comes",
        "largest_difference_in_double": differ(readouts(**QUICK, dtype=torch.float64), (OURS,), EXACT),
    }
    made = readouts(**size)
    facts["largest_difference"] = differ(made, (OURS, FAST), ROUNDING)
    given = torch.randn(size["images"], size["neurons"])
    times = timed({name: partial(run, *made[name][:2], given) for name in made}, rounds)
    work = "readout, forward and backward"
    rows = [compared(times, PEER, name, work=work, aim=aim, **facts) for name, aim in AIMS.items()]
    return report("readout", rows, chosen.quick)


def readouts(images: int, neurons: int, dtype: torch.dtype = torch.float32) -> Readouts:
    """Theirs and ours with the same weights; the kernels know single precision only."""
    from peer_baseline import KEY, pair

    (peer, ours), (_, other) = (pair(neurons, CNN, dtype=dtype) for _ in range(2))
    maps = torch.randn(images, CNN.channels, *MAP, generator=torch.Generator().manual_seed(1)).to(dtype)
    prefix = f"readouts.{KEY}."
    names = {own: own for own in official_names(ours) if own.startswith(prefix)}
    official = {own: official_names(ours)[own] for own in names}
    short = [{own: name.split(".", 2)[2] for own, name in each.items()} for each in (official, names)]
    found = {
        PEER: (peer.readout[KEY], maps.clone().requires_grad_(), short[0]),
        OURS: (ours.readouts[KEY], channels_last(maps).requires_grad_(), short[1]),
    }
    if dtype == torch.float32:
        fast.accelerate(other)
        found[FAST] = (other.readouts[KEY], channels_last(maps).requires_grad_(), short[1])
    return found


def run(readout: Callable[[Tensor], Tensor], maps: Tensor, given: Tensor) -> Tensor:
    """Forward and backward, from this gradient of the output; gradients of earlier runs are dropped."""
    maps.grad = None
    for weight in readout.parameters():
        weight.grad = None
    drives = readout(maps)
    drives.backward(given)
    return drives.detach()


def differ(made: Readouts, names: tuple[str, ...], tolerance: float) -> float:
    """The largest difference of output and gradients from the peer's; AssertionError above `tolerance`."""
    from peer_baseline import gradients

    found = {}
    for name, (readout, maps, own) in made.items():
        torch.manual_seed(2)  # the same positions are drawn
        given = torch.randn(len(maps), len(readout.bias)).to(maps.dtype)
        drives = run(readout, maps, given)
        found[name] = {"drives": drives, "maps": maps.grad.clone()} | gradients(readout, own)
    return max(assert_equal(found[name], found[PEER], tolerance) for name in names)


if __name__ == "__main__":
    main()
