"""A local Ray of two workers against one of a single worker: trials of a search, members of an ensemble.

    python benchmarks/ray_throughput.py

A worker has one CPU and computes on one thread. Trials train small PupilEncoders on a simulated session,
members small CNNs on a simulated mouse; all trials are proposed at random, since TPE's later proposals depend
on which trial ended first. Losses and scores must be the same with two workers as with one. The time of a job
includes all that Ray does for it but starting the cluster; both sides have done a small job before (not with
`--quick`). Every cluster is started by a process of its own.
"""

import os
import statistics
from typing import Any

import numpy as np

from growth import apart
from neurokit.distributed.ray_cluster import import_ray
from paired import machine, options, processor
from ray_jobs import measured
from record import save

WORKERS = (1, 2)
JOBS = ("trials", "members")


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Runs both jobs on both clusters in turn, compares their scores, and writes the result file."""
    given = options(__doc__, arguments)
    import_ray("This study")
    load = round(os.getloadavg()[0], 2)  # of others
    rounds, number = given.rounds or (1 if given.quick else 2), 2 if given.quick else 6
    turns = [workers for turn in range(rounds) for workers in (WORKERS[::-1] if turn % 2 else WORKERS)]
    found = [apart(measured, number, workers, given.quick) for workers in turns]
    rows = [compared(name, number, found) for name in JOBS]
    print(*map(sentence, rows), sep="\n")
    if not given.quick:
        save(f"ray_throughput-{machine()}", rows, processor=processor(), load=load)
    return rows


def compared(name: str, number: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    """One row; raises AssertionError where two workers found other scores than one."""
    first = found[0][f"{name} scores"]
    assert np.isfinite(first).all(), f"{name} ended without a score: {first}"
    for each in found[1:]:
        where = f"{name} on {each['workers']} workers"
        np.testing.assert_array_equal(each[f"{name} scores"], first, where)
    one, two = ([each[name] for each in found if each["workers"] == workers] for workers in WORKERS)
    ratios = [alone / shared for alone, shared in zip(one, two, strict=True)]
    figures = {
        f"{name} a minute, {workers} workers": 60 * number / statistics.median(times)
        for workers, times in zip(WORKERS, (one, two), strict=True)
    }
    figures |= {"ratio": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}
    row = {"work": name, "number": number, "rounds": len(ratios), "threads_of_a_worker": 1}
    return row | {"scores_equal": True, **{key: float(f"{value:.4g}") for key, value in figures.items()}}


def sentence(row: dict[str, Any]) -> str:
    """A row as a line of text."""
    one, two = (row[f"{row['work']} a minute, {workers} workers"] for workers in WORKERS)
    spread = f"{row['ratio']:g} ({row['lowest']:g} to {row['highest']:g})"
    return f"{row['work']} a minute: {one:g} with one worker, {two:g} with two, {spread} times as many"


if __name__ == "__main__":
    main()
