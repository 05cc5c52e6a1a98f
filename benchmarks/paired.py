"""Two ways of doing one thing, timed in turn, so that a busy machine slows both alike.

Figures are ratios of one run: the median over rounds of the peer's time over ours, and the lowest and the
highest round.
"""

import argparse
import gc
import multiprocessing
import os
import platform
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from record import save

Work = Callable[[], Any]
Times = dict[str, list[float]]  # s, one of each name a round


def timed(works: dict[str, Work], rounds: int, warm_up: int = 1) -> Times:
    """Seconds of each work in each round, after `warm_up` untimed rounds; the order of a round alternates."""
    for work in [*works.values()] * warm_up:
        work()
    gc.collect()
    times: Times = {name: [] for name in works}
    for number in range(rounds):
        for name in sorted(works, reverse=bool(number % 2)):
            times[name].append(seconds(works[name]))
    return times


def seconds(work: Work) -> float:
    """What one call takes, on the GPU to its end."""
    start = time.perf_counter()
    made = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    took = time.perf_counter() - start
    del made  # to free it is no part of the work
    return took


def compared(times: Times, peer: str, ours: str, *, work: str, aim: float, **facts: Any) -> dict[str, Any]:
    """One row of a result file: how many times faster `ours` is than `peer`; `aim` is the least we want."""
    ratios = [theirs / own for theirs, own in zip(times[peer], times[ours], strict=True)]
    row = {
        "work": work,
        "peer": peer,
        "ours": ours,
        "peer_ms": _rounded(1000 * statistics.median(times[peer])),
        "ours_ms": _rounded(1000 * statistics.median(times[ours])),
        "ratio": _rounded(statistics.median(ratios)),
        "lowest": _rounded(min(ratios)),
        "highest": _rounded(max(ratios)),
        "rounds": len(ratios),
        "aim": aim,
    }
    return row | facts


def memory(theirs: float, own: float, *, peer: str, ours: str, work: str, aim: float, **facts: Any) -> dict:
    """One row of a result file: how many times less memory ours takes; MB."""
    found = {
        "peer_mb": _rounded(theirs),
        "ours_mb": _rounded(own),
        "ratio": _rounded(theirs / max(own, 1e-9)),
    }
    return {"work": work, "peer": peer, "ours": ours, **found, "aim": aim, **facts}


def peak_growth(work: Work) -> float:
    """MB by which the process's peak memory exceeds what it holds before the call; Linux only, else NaN.

    Memory that the allocator retained from earlier calls hides growth: measure in a fresh process, or the
    smaller work first.
    """
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return float("nan")
    before = _status("VmRSS")
    work()
    return max(0.0, _status("VmHWM") - before)


def peak_alone(prepare: Callable[..., Work], *arguments: Any) -> float:
    """`peak_growth` of the work that `prepare` returns, in a fresh process; all are functions of a module."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_peak, torch.get_num_threads(), prepare, *arguments).result()


def _peak(threads: int, prepare: Callable[..., Work], *arguments: Any) -> float:
    torch.set_num_threads(threads)
    return peak_growth(prepare(*arguments))


def assert_equal(
    found: dict[str, torch.Tensor],
    wanted: dict[str, torch.Tensor],
    tolerance: float,
    negligible: float = 1e-5,
) -> float:
    """The largest difference of any tensor, as a share of its largest entry; AssertionError if intolerable.

    A tensor below `negligible` of the largest of all is zero but for rounding; ours must be as small then.
    """
    assert found.keys() == wanted.keys(), f"{sorted(found)} and {sorted(wanted)}"
    assert all(torch.isfinite(each).all() for each in wanted.values()), "the peer's values are not finite"
    scale = max(float(each.abs().max()) for each in wanted.values())
    worst = 0.0
    for name, each in wanted.items():
        assert found[name].shape == each.shape, f"{name} is {found[name].shape}, the peer's {each.shape}"
        largest, off = float(each.abs().max()), float((found[name] - each).abs().max())
        if largest > negligible * scale:
            assert off <= tolerance * largest, f"{name} differs by {off / largest:.2g} of its largest entry"
            worst = max(worst, off / largest)
        else:
            assert off <= 2 * negligible * scale, f"{name} differs by {off:.2g}, where the peer has zero"
    return float(f"{worst:.2g}")


def options(description: str | None, arguments: list[str] | None) -> argparse.Namespace:
    """What every speed benchmark understands."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds, no result file")
    parser.add_argument("--rounds", type=int, default=0, help="instead of the benchmark's own number")
    found = parser.parse_args(arguments)
    if found.rounds < 0:
        parser.error(f"--rounds is {found.rounds}; give 1 or more, or 0 for the benchmark's own number")
    return found


def report(name: str, rows: list[dict[str, Any]], quick: bool, **facts: Any) -> list[dict[str, Any]]:
    """Prints the rows and, unless quick, writes benchmarks/results/speed_<name>-<machine>.json."""
    for row in rows:
        print(_sentence(row))
    if not quick:
        save(f"speed_{name}-{machine()}", rows, processor=processor(), **facts)
    return rows


def machine() -> str:
    """A short name of this kind of machine, for file names: linux-x86_64-2cpu."""
    name = f"{platform.system()}-{platform.machine()}-{len(_cores())}cpu"
    if torch.cuda.is_available():
        name += f"-{torch.cuda.get_device_name()}"
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower())


def processor() -> str:
    """The processor's own name, and the GPU's."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    name = found[1].strip() if found else platform.processor()
    return f"{name}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else name


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _sentence(row: dict[str, Any]) -> str:
    unit = "ms" if "peer_ms" in row else "MB"
    spread = f" ({row['lowest']:g} to {row['highest']:g})" if "lowest" in row else ""
    figures = f"{row[f'peer_{unit.lower()}']:g} {unit} / {row[f'ours_{unit.lower()}']:g} {unit}"
    reached = ", MISSED" if row["ratio"] < row["aim"] else ""  # NaN: not measured here
    return (
        f"{row['work']}: {row['peer']} / {row['ours']} = {figures} = {row['ratio']:g}{spread}, "
        f"aim {row['aim']:g}{reached}"
    )


def _status(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def _rounded(value: float) -> float:
    return float(np.format_float_positional(value, 4, fractional=False))
