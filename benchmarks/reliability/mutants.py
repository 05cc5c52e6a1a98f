"""Mutation testing of metrics, splits and digests: does a test notice a fault in the code?

    python benchmarks/reliability/mutants.py

A seeded sample of small faults (`code_faults.py`) is put into a copy of the project one at a time, and the
fast tests of that subject are run until the first one fails. A fault that no test notices survives; rows give
the counts by subject and kind, `survivors` each fault that survived. The tests run in processes that are
forked from one that has imported torch and the like, but nothing of this package. A mutant that runs five
times as long as the sound code counts as noticed.
"""

import argparse
import contextlib
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "benchmarks")]

from reliability.code_faults import Mutant, list_mutants  # noqa: E402

HEAVY = ("torch", "pandas", "scipy", "matplotlib.pyplot", "hypothesis", "pydantic", "h5py", "jaxtyping")
SUBJECTS: dict[str, tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = {
    # subject: module, its functions and constants (none: all), its tests
    "metrics": (
        ("metrics/neurons", (), ("metrics/test_neurons.py",)),
        ("metrics/rates", (), ("metrics/test_rates.py",)),
        ("metrics/repeats", (), ("metrics/test_repeats.py", "metrics/test_uneven_repeats.py")),
    ),
    "splits": (
        (
            "pupil_encoder/features",
            ("split_trials", "_deal_groups", "_check_split"),
            ("pupil_encoder/test_features.py",),
        ),
        (
            "v1_transformer/features",
            ("split_movie", "split_movie_leaking", "join_splits", "_possible_ends", "_count_ends"),
            ("v1_transformer/test_movie_split.py",),
        ),
        ("digital_twin/conversion", ("split_movie", "split_trials"), ("digital_twin/test_conversion.py",)),
    ),
    "digests": (
        ("files/sealed", (), ("files/test_sealed.py",)),
        (
            "training/checkpoint",
            ("_sha256", "read_facts", "check_version", "fingerprint", "_weights", "_restore"),
            ("training/test_checkpoint.py", "files/test_sealed.py"),
        ),
        (
            "sensorium/pack",
            ("read_pack", "_digest_blocks", "_digest", "_read_header", "_view_tensor"),
            ("sensorium/test_pack.py",),
        ),
    ),
}


def main(arguments: list[str] | None = None) -> None:
    """Runs the sample and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=320, help="of mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--subjects", nargs="+", choices=tuple(SUBJECTS), default=tuple(SUBJECTS))
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    for name in HEAVY:
        importlib.import_module(name)
    with copy_of_project() as folder:
        sample = draw(options.subjects, options.number, options.seed)
        found = [(subject, mutant, survives(folder, mutant, tests)) for subject, mutant, tests in sample]
    rows, survivors = tabulate(found)
    for row in rows:
        print(row)
    if not options.no_file:
        from record import save  # imports the package, which a fork must not have

        save("reliability_mutants", rows, seed=options.seed, survivors=survivors)


@contextlib.contextmanager
def copy_of_project():
    """A copy of package and tests that may be broken; the current folder while it is there."""
    with tempfile.TemporaryDirectory() as name:
        folder, before = Path(name), Path.cwd()
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for each in filter(None, listed.decode().split("\0")):
            if each.startswith(("neurokit/", "tests/")) or each == "pyproject.toml":
                (folder / each).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / each, folder / each)
        (folder / "data").mkdir()
        os.environ["NEUROKIT_DATA"] = str(folder / "data")
        os.environ["NEUROKIT_QUIET"] = "1"
        sys.dont_write_bytecode = True
        os.chdir(folder)
        sys.path[:0] = [name]
        try:
            yield folder
        finally:
            os.chdir(before)
            sys.path.remove(name)


def draw(subjects: Sequence[str], number: int, seed: int) -> list[tuple[str, Mutant, tuple[str, ...]]]:
    """A sample of all mutants, as many of each subject as its share of them."""
    everything = [
        (subject, mutant, tests)
        for subject in subjects
        for module, functions, tests in SUBJECTS[subject]
        for mutant in list_mutants(module, (ROOT / "neurokit" / f"{module}.py").read_text(), functions)
    ]
    chosen = random.Random(seed).sample(range(len(everything)), min(number, len(everything)))
    print(f"{len(chosen)} of {len(everything)} mutants")
    return [everything[index] for index in sorted(chosen)]


_sound_time: dict[tuple[str, ...], float] = {}  # s, of tests on the sound code


def survives(folder: Path, mutant: Mutant, tests: tuple[str, ...]) -> bool:
    """Whether all tests pass on the mutant; they must pass on the sound code."""
    if tests not in _sound_time:
        started = time.monotonic()
        if not passes(tests, 600):
            raise SystemExit(f"{', '.join(tests)} fail on the sound code: mend that first.")
        _sound_time[tests] = time.monotonic() - started
    path = folder / "neurokit" / f"{mutant.module}.py"
    sound = path.read_text()
    path.write_text(mutant.source)
    try:
        survived = passes(tests, 5 * _sound_time[tests] + 5)
    finally:
        path.write_text(sound)
    if survived:
        print(
            f"survives: {mutant.module}:{mutant.line} {_line(mutant.before)} -> {_line(mutant.after)}",
            flush=True,
        )
    return survived


def passes(tests: tuple[str, ...], limit: float) -> bool:
    """Whether the fast tests of these files pass in a forked process, within a limit in s."""
    child = os.fork()
    if child == 0:
        os.setsid()
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        files = [f"tests/{name}" for name in tests]
        code = pytest.main(["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist", *files])
        os._exit(int(code))
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def tabulate(found: list[tuple[str, Mutant, bool]]) -> tuple[list[dict], list[dict]]:
    """Counts by subject and kind with a sum of all, and the survivors."""
    tried = Counter((subject, mutant.kind) for subject, mutant, _ in found)
    left = Counter((subject, mutant.kind) for subject, mutant, survived in found if survived)
    rows = [
        {"subject": subject, "kind": kind, "mutants": number, "survivors": left[subject, kind]}
        for (subject, kind), number in sorted(tried.items())
    ]
    whole = {"subject": "all", "kind": "all", "mutants": len(found), "survivors": sum(left.values())}
    survivors = [
        {
            "module": mutant.module,
            "line": mutant.line,
            "kind": mutant.kind,
            "before": _line(mutant.before),
            "after": _line(mutant.after),
        }
        for _, mutant, survived in found
        if survived
    ]
    return [*rows, whole], survivors


def _line(code: str) -> str:
    return code.splitlines()[0]


if __name__ == "__main__":
    main()
