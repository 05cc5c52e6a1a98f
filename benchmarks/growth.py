"""How time and memory grow: with neurons, pixels, mice, trials, snippet length, frames and members.

    python benchmarks/growth.py

Every point is measured in a process of its own: first the memory, by which the peak exceeds what the process
holds before anything is made (after a small piece of the same work, which loads the code), then the time, the
median of up to five calls. Sizes double. Each curve gets its exponents and its line (`growth_fit`), and some
lines are drawn on to what is not measured here: 100,000 neurons, an hour of video, 1,000 members.
"""

import multiprocessing
import os
import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import torch

import growth_fit as fits
from growth_curves import AHEAD, CURVES, MEMBERS, NEURONS, STEP, STEPS
from paired import Work, machine, options, peak_growth, processor, seconds
from record import save

NOISE = 1.0  # MB; less memory cannot be measured
SAME = 0.1  # share by which the memory of one work differs from run to run: a smaller rise counts as none
PATIENCE = 3.0  # s after which a point is not timed again
IMPORTED = (
    "neurokit.sensorium",
    "neurokit.digital_twin.training",
    "neurokit.v1_transformer",
    "torch._dynamo",
)  # for Adam
Row = dict[str, Any]


def main(arguments: list[str] | None = None) -> list[Row]:
    """Measures all curves, looks ahead, and writes the result file."""
    given = options(__doc__, arguments)
    load = round(os.getloadavg()[0], 2)  # of others
    rounds = given.rounds or (1 if given.quick else 5)
    rows: list[Row] = []
    for number in range(len(CURVES)):
        rows.append(measured_curve(number, given.quick, rounds))
        print(sentence(rows[-1]))
    further = looked_ahead(rows)
    print(*map(sentence, further), sep="\n")
    if not given.quick:
        facts = {"processor": processor(), "memory_mb": round(installed()), "load": load}
        save(f"growth-{machine()}", rows + further, allocator="as it comes", **facts)
    return rows + further


def measured_curve(number: int, quick: bool, rounds: int) -> Row:
    """One row: the figures at each size, their exponents and lines."""
    curve = CURVES[number]
    sizes, given = curve.quick if quick else (curve.sizes, curve.given)
    points = []
    for size in sizes:
        if curve.on_disk:
            apart(written, number, size, given)
        points.append(apart(point, number, size, given, rounds))
    row = {"what": curve.what, "axis": curve.axis, "given": given, "sizes": list(sizes)}
    row |= grown("ms", sizes, [found["ms"] for found in points])
    row |= grown("mb", sizes, [found["mb"] for found in points], NOISE)
    return rounded(row | {"fills_this_machine": full_at(row["mb_fixed"], row["mb_of_each"])})


def grown(name: str, sizes: tuple[int, ...], values: list[float], least: float = 0.0) -> Row:
    """Figures of one kind (ms or mb), the exponents of all and of the upper half, the line and its test."""
    flat = max(least, SAME * min(values)) if least else 0.0
    fixed, each = fits.line(sizes, values, flat)
    return {
        name: values,
        f"{name}_exponent": fits.exponent(sizes, values, least),
        f"{name}_exponent_upper": fits.exponent(fits.upper(sizes), fits.upper(values), least),
        f"{name}_fixed": fixed,
        f"{name}_of_each": each,
        f"{name}_largest_foretold": fits.largest_foretold(sizes, values, flat),
    }


def looked_ahead(rows: list[Row]) -> list[Row]:
    """Rows of what is not measured."""
    found = [beyond(row, size) for row in rows for size in AHEAD.get((row["what"], row["axis"]), ())]
    (of_neurons,) = (row for row in rows if (row["what"], row["axis"]) == (STEP, "neurons"))
    one = beyond(of_neurons, NEURONS)
    del one["times_the_largest"]
    several = {"what": f"SENSORIUM CNN of {NEURONS:,} neurons, an epoch each", "axis": "members"}
    unknown = {"mb": float("nan")}  # as in `beyond`
    return [*found, one | several | unknown | rounded({"size": MEMBERS, "ms": MEMBERS * STEPS * one["ms"]})]


def beyond(row: Row, size: int) -> Row:
    """A row for a size that was not measured: what its curve's lines say.

    Not of the memory of members: what few of them keep is too little to be distinguished from noise.
    """
    found = {name: row[f"{name}_fixed"] + row[f"{name}_of_each"] * size for name in ("ms", "mb")}
    found |= {"mb": float("nan")} if row["axis"] == "members" else {}
    same = {name: row[name] for name in ("what", "axis", "given")}
    times = size / max(row["sizes"])
    return rounded({**same, "size": size, "extrapolated": True, "times_the_largest": times, **found})


def full_at(fixed: float, each: float) -> float:
    """The size at which the line reaches the memory of this machine; NaN where it does not rise."""
    return max(0.0, installed() - fixed) / each if each > 0 else float("nan")


def installed() -> float:
    """Memory of this machine, MB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20


def point(number: int, size: int, given: dict[str, Any], rounds: int) -> dict[str, float]:
    """Memory (MB) and time (ms) at one size; to be called in a fresh process."""
    curve = CURVES[number]
    (smallest, *_), small = curve.quick
    curve.make(**{curve.axis: smallest}, **small)()
    made: list[Work] = []

    def first() -> None:
        made.append(curve.make(**{curve.axis: size}, **given))
        made[0]()

    mb, times = peak_growth(first), [seconds(made[0])]
    while len(times) < rounds and sum(times) < PATIENCE:
        times.append(seconds(made[0]))
    return {"ms": 1000 * statistics.median(times), "mb": mb}


def written(number: int, size: int, given: dict[str, Any]) -> None:
    """Writes what a point reads from disk, so that its own process does not."""
    CURVES[number].make(**{CURVES[number].axis: size}, **given)


def apart(work: Callable[..., Any], *given: Any) -> Any:
    """What the call gives in a process in which nothing has run."""
    with ProcessPoolExecutor(1, _fresh(), _threads, (torch.get_num_threads(),)) as pool:
        return pool.submit(work, *given).result()


def _threads(number: int) -> None:
    torch.set_num_threads(number)


def _fresh() -> multiprocessing.context.BaseContext:
    """Forked, where that can be done, by a server that has only imported: a point need not import again."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED])
    return context


def rounded(row: Row) -> Row:
    """Four digits of every fraction."""
    return {name: _rounded(value) for name, value in row.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    finite = isinstance(value, float) and np.isfinite(value)
    return float(f"{value:.4g}") if finite else value


def sentence(row: Row) -> str:
    """A row as a line of text."""
    if row.get("extrapolated"):
        took, gb = row["ms"] / 1000, row["mb"] / 1024
        return f"{row['what']}, {row['size']:,} {row['axis']}: {took:.4g} s, {gb:.4g} GB, extrapolated"
    parts = [
        f"{name} {' '.join(f'{value:.4g}' for value in row[name])} grow as {row['axis']}^"
        f"{row[f'{name}_exponent']:.2f}, in the upper half ^{row[f'{name}_exponent_upper']:.2f}"
        for name in ("ms", "mb")
    ]
    return f"{row['what']}, {row['axis']} {row['sizes']}: " + "; ".join(parts)


if __name__ == "__main__":
    main()
