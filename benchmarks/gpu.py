"""Training and attribution on a GPU: plain, in mixed precision, compiled, and as CUDA graphs.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --works model_4 --options none amp
    python benchmarks/gpu.py --quick --device cpu

Every figure is an epoch of the package's own loop, optimiser and (but for digital twins) validation
included. Data are noise of the real sizes that lies on the device already: loading is in no figure. The
first epoch, in which kernels are compiled and graphs recorded, is reported apart as `first_s`. Peak memory is
what torch has allocated, data and all. Float32 products are exact: TF32 is left off, as torch has it.

Of Model 4 an epoch is one member's on six scans of the published sizes; `five_members_..._min` are five
members one after another, in minutes, for 100 epochs, at which the published log of the competition's CNN
with behaviour ends, and for the config's limit of 200. The aim is below 15 minutes. A whole transfer of a
digital twin is 100 epochs of 500 steps of 4 windows of 100 frames (`50000_steps_h`, hours).

A result file is written where the device is a GPU and everything is of full size.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch

import gpu_works
from gpu_works import Work
from neurokit.attribution import integrated_gradients, region_rate
from neurokit.errors import NeurokitError
from neurokit.pupil_encoder.model import PupilEncoder
from neurokit.training.device import choose_device
from neurokit.training.fit import fit
from paired import machine, processor
from record import save

WORKS = {
    "model_4": gpu_works.model_4,
    "v1_transformer": gpu_works.v1_transformer,
    "transfer": gpu_works.transfer,
    "foundation": gpu_works.foundation,
}
OPTIONS: dict[str, dict[str, str]] = {
    "none": {},
    "amp": {"precision": "bfloat16"},
    "compile": {"compile": "default"},
    "graphs": {"compile": "graphs"},
    "amp_graphs": {"precision": "bfloat16", "compile": "graphs"},
}
ON_A_CPU = ("none", "amp")  # to compile a step takes a CPU minutes, and it has no graphs
Row = dict[str, Any]


def main(arguments: list[str] | None = None) -> list[Row]:
    """Measures and prints; writes benchmarks/results/gpu-<machine>.json."""
    given = _options(arguments)
    try:
        device = choose_device(given.device)
    except NeurokitError as error:
        raise SystemExit(
            f"{error} Without a GPU: --quick --device cpu, whose figures mean nothing."
        ) from None
    named = given.options or (list(OPTIONS) if device.type == "cuda" else ON_A_CPU)
    rows: list[Row] = []
    for name in given.works:
        if name == "attribution":
            rows.append(_shown(attribution(device, given.rounds, given.quick)))
            continue
        work = WORKS[name](device, given.quick)
        rows += [_shown(training(work, option, device, given.rounds)) for option in named]
        del work  # and its data, before the next one's are made
    if device.type == "cuda" and not given.quick:
        save(f"gpu-{machine()}", rows, processor=processor(), rounds=given.rounds)
    return rows


def training(work: Work, option: str, device: torch.device, rounds: int) -> Row:
    """A row of one work with one option; what failed says why, and keeps the other rows."""
    row = {"work": work.name, "option": option}
    _forget(device)
    try:
        first, *later = epochs(work, OPTIONS[option], 1 + rounds)
    except (NeurokitError, RuntimeError) as error:  # no compiler, no graphs, no memory: torch has many kinds
        return row | {"failed": str(error).strip().split("\n")[0]}
    epoch = statistics.median(later)
    facts = {name: _rounded(value) for name, value in work.facts(epoch).items()}
    speed = {f"{work.unit}_per_s": _rounded(work.shown / epoch), "first_s": _rounded(first)}
    return row | _spread("epoch_s", later) | speed | facts | _peak(device)


def epochs(work: Work, option: dict[str, str], number: int) -> list[float]:
    """Seconds of each epoch; the loop has read its losses then, so the device is done too."""
    precision = option.get("precision", "float32")
    settings = work.settings.replace(epochs=number, patience=None, precision=precision)
    ends = [time.perf_counter()]
    fit(
        work.model(),
        work.loss,
        work.train,
        work.validation,
        settings,
        optimise=work.optimise,
        compile=option.get("compile", "none"),
        on_epoch=lambda *_: ends.append(time.perf_counter()),
        show_progress=False,
    )
    return [after - before for before, after in pairwise(ends)]


def attribution(device: torch.device, rounds: int, quick: bool) -> Row:
    """Integrated gradients of one region's rate for trials of 2.5 s: an RNN, in evaluation mode."""
    trials, bins, steps = (3, 20, 4) if quick else (60, 250, 32)
    model = PupilEncoder().to(device).eval()
    random = torch.Generator(device).manual_seed(0)
    inputs = torch.randn(trials, bins, 3, device=device, generator=random)
    outputs, baseline = region_rate(0), torch.zeros(bins, 3, device=device)
    _forget(device)

    def work() -> Any:
        return integrated_gradients(model, inputs, baseline, outputs, steps=steps, tolerance=1.0)

    first, *later = (_seconds(work, device) for _ in range(1 + rounds))
    row = {"work": f"integrated gradients, RNN, {steps} steps", "option": "none"} | _spread("set_s", later)
    speed = {"trials_per_s": _rounded(trials / statistics.median(later)), "first_s": _rounded(first)}
    return row | speed | _peak(device)


def _seconds(work: Callable[[], Any], device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _spread(name: str, seconds: list[float]) -> Row:
    """Median, lowest and highest."""
    found = {name: statistics.median(seconds), "lowest": min(seconds), "highest": max(seconds)}
    return {key: _rounded(value) for key, value in found.items()}


def _forget(device: torch.device) -> None:
    """What was compiled and counted before."""
    torch.compiler.reset()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: torch.device) -> Row:
    return (
        {"peak_gb": _rounded(torch.cuda.max_memory_allocated(device) / 1e9)} if device.type == "cuda" else {}
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _shown(row: Row) -> Row:
    facts = ", ".join(f"{name} {value}" for name, value in row.items() if name not in ("work", "option"))
    print(f"{row['work']}, {row['option']}: {facts}", flush=True)
    return row


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    works = [*WORKS, "attribution"]
    parser.add_argument("--works", nargs="+", choices=works, default=works)
    parser.add_argument(
        "--options", nargs="+", choices=list(OPTIONS), help="default: all; on a CPU none, amp"
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=3, help="epochs after the first")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, no result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
