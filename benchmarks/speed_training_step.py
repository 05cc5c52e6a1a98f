"""A training step of the SENSORIUM 2022 CNN: ours, plain and with kernels, against neuralpredictors.

    python benchmarks/speed_training_step.py

The competition's baseline (4 layers of 64 channels, separable 7 x 7 kernels, a full Gaussian readout with
positions from cortex), 128 images of 36 x 64, 8,000 neurons: Poisson loss and penalties, backward, Adam. Ours
is the loss and the optimiser of `neurokit.sensorium.training`; "fast" is the same model after
`neurokit.sensorium.kernels.accelerate`. All start from the peer's weights and draw the same positions.
Before timing, the loss and every gradient are compared: in double precision on a small batch, where two ways
of computing the same agree to 1e-9, and in single precision on the timed batch, where either is off by its
own rounding.

The allocator ("as it comes", or "reused" by `neurokit.training.device`) cannot be changed back, so each
has a process of its own with all models in it, and the processes take turns.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import torch
from torch import Tensor, nn

import peers
from neurokit.sensorium import kernels as fast
from neurokit.sensorium import training
from neurokit.sensorium.config import CNN, PUBLISHED_FIT
from neurokit.sensorium.official import official_names
from neurokit.training.device import keep_freed_memory
from neurokit.training.settings import optimizer_and_schedule
from paired import Times, assert_equal, compared, options, report, timed

EXACT, ROUNDING = 1e-9, 1e-3  # of a gradient's largest entry: double precision, single precision
SIZES = {"images": 128, "neurons": 8000, "channels": 64, "layers": 4}
QUICK = {"images": 4, "neurons": 30, "channels": 8, "layers": 2}
SMALL = {"images": 8, "neurons": 200}  # the batch in double precision
ALLOCATORS = ("as it comes", "reused")
PEER, OURS, FAST = "neuralpredictors", "neurokit", "neurokit, fast"
AIMS = {OURS: (1.5, 2.0), FAST: (3.0, 4.0)}  # equal allocators; ours reused, theirs as it comes
Step = Callable[[], None]
steps: dict[str, Step] = {}  # of this process


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Equality, then time."""
    chosen = options(__doc__, arguments)
    peers.require("numba")
    size, rounds = QUICK if chosen.quick else SIZES, chosen.rounds or (1 if chosen.quick else 7)
    processes = {name: ProcessPoolExecutor(1, mp_context=get_context("spawn")) for name in ALLOCATORS}
    try:
        threads = torch.get_num_threads()
        made = {key: each.submit(prepare, key, size, threads) for key, each in processes.items()}
        differences = [each.result() for each in made.values()]  # either raises where models differ
        names = [(name, key) for name in (PEER, OURS, FAST) for key in ALLOCATORS]
        works = {f"{name}, {key}": partial(_turn, processes[key], name) for name, key in names}
        times = timed(works, rounds)
    finally:
        for each in processes.values():
            each.shutdown(cancel_futures=True)
    return report("training_step", rows(times, {**size, "threads": threads} | differences[0]), chosen.quick)


def _turn(process: ProcessPoolExecutor, name: str) -> None:
    process.submit(step, name).result()


def step(name: str) -> None:
    """One step of that model in this process."""
    steps[name]()


def rows(times: Times, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Equal allocators, and ours with reused memory against the peer as it comes."""
    pairs = [("as it comes", "as it comes"), ("reused", "reused"), ("as it comes", "reused")]
    return [
        compared(
            times,
            f"{PEER}, {theirs}",
            f"{ours}, {own}",
            work="training step",
            aim=aims[theirs != own],
            allocators={"peer": theirs, "ours": own},
            **facts,
        )
        for ours, aims in AIMS.items()
        for theirs, own in pairs
    ]


def prepare(allocator: str, size: dict[str, int], threads: int) -> dict[str, float]:
    """Makes this process's steps; returns the largest differences that were found between them."""
    peers.importable()
    torch.set_num_threads(threads)
    if allocator == "reused" and not keep_freed_memory():
        raise SystemExit("Memory cannot be reused with this C library; run this on Linux with glibc.")
    differences = {
        "largest_difference_in_double": differ({**size, **SMALL}, torch.float64, (OURS,), EXACT),
        "largest_difference": differ(size, torch.float32, (OURS, FAST), ROUNDING),
    }
    steps.update({name: _step(*each) for name, each in losses(size, torch.float32).items()})
    return differences


def losses(size: dict[str, int], dtype: torch.dtype) -> dict[str, tuple[nn.Module, Callable[[], Tensor]]]:
    """The models by name, each with the loss of the one batch that all are given."""
    import peer_baseline

    settings = CNN.replace(channels=size["channels"], layers=size["layers"])
    (peer, ours), (_, other) = (peer_baseline.pair(size["neurons"], settings, dtype=dtype) for _ in range(2))
    given = peer_baseline.batch(size["images"], size["neurons"], dtype=dtype)
    found = {
        PEER: (peer, lambda: peer_baseline.loss(peer, given)),
        OURS: (ours, lambda: training.loss(ours, given)[0]),
    }
    if dtype == torch.float32:
        fast.accelerate(other)
        found[FAST] = (other, lambda: training.loss(other, given)[0])
    return found


def differ(size: dict[str, int], dtype: torch.dtype, names: tuple[str, ...], tolerance: float) -> float:
    """The largest difference of loss and gradients from the peer's; AssertionError above `tolerance`."""
    import peer_baseline

    made, found = losses(size, dtype), {}
    own = official_names(made[OURS][0])
    for name, (model, loss) in made.items():
        torch.manual_seed(1)  # the same positions are drawn
        value = loss()
        value.backward()
        known = own if name == PEER else {each: each for each in own}
        found[name] = {"loss": value.detach()} | peer_baseline.gradients(model, known)
    wanted = found[PEER]
    return max(_assert_equal(found[name], wanted, tolerance) for name in names)


def _assert_equal(found: dict[str, Tensor], wanted: dict[str, Tensor], tolerance: float) -> float:
    """As `assert_equal`; the loss apart, beside which any gradient would be negligible."""
    gradients = [{name: each for name, each in all_.items() if name != "loss"} for all_ in (found, wanted)]
    losses = [{"loss": all_["loss"]} for all_ in (found, wanted)]
    return max(assert_equal(*gradients, tolerance), assert_equal(*losses, tolerance))


def _step(model: nn.Module, loss: Callable[[], Tensor]) -> Step:
    """A complete step, as `neurokit.training.fit` takes it."""
    optimizer, _ = optimizer_and_schedule(model, PUBLISHED_FIT)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    main()
