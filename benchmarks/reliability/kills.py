"""Works that are killed at a random instant, then run again: what differs, fails or stays behind?

Half of the kills come at an instant drawn from the time that the work takes, a third of these from its last
tenth; the other half before a file operation drawn from those that it does, since what is lost is lost
between two of them. A kill counts as a hit where it ended the work. What the work has then left, run again to
its end, must be the files of a work that was never killed, byte for byte.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from reliability import trying
from reliability.server import serving
from reliability.trying import Place
from reliability.works import Named, list_works, make_inputs, warm_up

LATE, LATE_SHARE = 0.1, 1 / 3  # the last tenth of the time, and how many of the timed kills fall there
MOST_TRIES = 3  # for each hit that is wanted


@dataclass
class Count:
    """What became of the tries of one work, and the words of those that went wrong."""

    work: str
    tries: int = 0
    hits: int = 0
    timed: int = 0
    differing: int = 0
    failures: int = 0
    leftovers: int = 0
    words: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """For a result file."""
        names = ("work", "tries", "hits", "timed", "differing", "failures", "leftovers")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Target:
    """A work, what its folder holds before, and what a work that nobody kills makes of it."""

    named: Named
    place: Place
    template: Path
    wanted: dict[str, str]
    seconds: float
    operations: int

    @classmethod
    def measured(cls, named: Named, place: Place) -> "Target":
        """Runs the work twice; RuntimeError where it fails, or twice makes different files."""
        template = place.root / "template"
        shutil.rmtree(template, ignore_errors=True)
        if named.before is not None:
            place.clear(template)
            _succeed(named.before, place)
            shutil.copytree(place.folder, template)
        found, seconds = [], []
        for _ in range(2):
            place.clear(template)
            seconds.append(_succeed(named.work, place))
            found.append(trying.tree(place.folder))
        if found[0] != found[1]:
            different = [name for name in found[0] | found[1] if found[0].get(name) != found[1].get(name)]
            raise RuntimeError(f"{named.name} twice makes different files: {', '.join(different)}")
        return cls(named, place, template, found[0], max(seconds), trying.operations(place))

    def attempt(self, random: np.random.Generator, count: Count) -> None:
        """One try: a kill, what it has left run again, and a look at the files."""
        self.place.clear(self.template)
        timed = random.random() < 0.5
        instant = self._at_a_time(random) if timed else self._before_an_operation(random)
        count.tries += 1
        if instant is None:
            return
        count.hits, count.timed = count.hits + 1, count.timed + timed
        ended = trying.run(self.named.work, self.place)
        found = trying.tree(self.place.folder)
        if ended.status != 0:
            count.failures += 1
            count.words.append(f"{self.named.name}, killed {instant}: {ended.said.strip()[-1500:]}")
            return
        more = [name for name in found if name not in self.wanted]
        other = [name for name, content in self.wanted.items() if found.get(name) != content]
        count.leftovers, count.differing = count.leftovers + bool(more), count.differing + bool(other)
        if more or other:
            count.words.append(f"{self.named.name}, killed {instant}: left {more}, differ {other}")

    def _at_a_time(self, random: np.random.Generator) -> str | None:
        first = 1 - LATE if random.random() < LATE_SHARE else 0.0
        seconds = self.seconds * random.uniform(first, 1)
        process = trying.start(self.named.work, self.place)
        time.sleep(seconds)
        return f"after {seconds:.3f} s" if trying.kill(process) < 0 else None

    def _before_an_operation(self, random: np.random.Generator) -> str | None:
        number = int(random.integers(self.operations))
        process = trying.start(self.named.work, self.place, kill_before=number)
        ended = trying.wait(process, self.place)
        return f"before operation {number}" if (ended.status or 0) < 0 else None


def _succeed(work: trying.Work, place: Place) -> float:
    """Runs a work and returns its seconds; RuntimeError where it fails."""
    ended = trying.run(work, place)
    if ended.status != 0:
        raise RuntimeError(ended.said)
    return ended.seconds


def run(hits: int, seed: int = 0, only: Sequence[str] = (), workers: int = 2) -> list[Count]:
    """The counts of each work, whose hits together are at least `hits`; `only` names some works.

    So many `workers` share the works; the instants of a work depend on the seed alone.
    """
    root = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        make_inputs(root / "inputs")
        with serving() as address:
            works = list_works(root / "inputs", address)
            works = [each for each in works if not only or any(word in each.name for word in only)]
            warm_up(works, Place(root / "warm-up"))
            parts = sum(map(_parts, works))
            with ProcessPoolExecutor(workers, get_context("fork")) as pool:
                jobs = [
                    pool.submit(_try_one, root, each.name, address, -(-hits * _parts(each) // parts), seed)
                    for each in works
                ]
                return [job.result() for job in jobs]
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _parts(named: Named) -> int:
    """Works that train take ten times as long, so they get half as many of the kills."""
    return 1 if any(word in named.name for word in ("training", "search", "ensemble")) else 2


def _try_one(root: Path, name: str, address: str, hits: int, seed: int) -> Count:
    (named,) = [each for each in list_works(root / "inputs", address) if each.name == name]
    place, random = Place(root / str(os.getpid())), np.random.default_rng([seed, *name.encode()])
    target, count, begin = Target.measured(named, place), Count(name), time.perf_counter()
    while count.hits < hits and count.tries < MOST_TRIES * hits:
        target.attempt(random, count)
    bad = f"{count.differing} differ, {count.failures} fail, {count.leftovers} leave something"
    print(
        f"{count.work}: {count.hits} hits of {count.tries} tries, {bad}; {time.perf_counter() - begin:.0f} s",
        *count.words,
        sep="\n  ",
        flush=True,
    )
    return count
