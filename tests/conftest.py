"""What every test stands on: shapes checked while the code runs, one thread, the user's cache left alone.

There are two sets of tests. The slow set are those marked `slow` or `distributed`: full-size goldens, Ray,
benchmarks in small, processes that are killed, result files, the wheel, Binder's plan, and whatever else
takes more than a few seconds; `make test-slow` runs it. All others are the fast set, which `make test` runs
and which has to end within six minutes on two cores. `pytest` alone runs the fast set too; given files,
tests, `-k` or `-m` it runs what was asked for, so `-m "slow or not slow"` is both sets.

Two workers (pytest-xdist) share the tests of either set, file by file: a fixture of a module is made once,
one of a session once in each worker. Only tests of Ray, which has two workers of its own, run in one process.
Simulated recordings lie in one data folder for both workers. A test that damages a recording damages a copy.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch

jaxtyping.install_import_hook("neurokit", "beartype.beartype")

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Chooses the fast set where nothing says what to run."""
    folder = config.invocation_params.dir
    files = [argument for argument in config.args if (folder / argument.split("::")[0]).is_file()]
    if not (files or config.option.markexpr or config.option.keyword):
        config.option.markexpr = "not slow"


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests of Ray as slow."""
    for item in items:
        if item.get_closest_marker("distributed") is not None:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    """Fixtures start Ray too."""
    return (yield from a_machine_too_busy_for_ray_skips())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    return (yield from a_machine_too_busy_for_ray_skips())


def a_machine_too_busy_for_ray_skips() -> Generator[None]:
    """Ray gives its processes a fixed time to start in, which says nothing of this package."""
    try:
        return (yield)
    except Exception as error:  # also one that another process has said
        if "Ray did not start" not in str(error):
            raise
        pytest.skip("Ray did not start: this machine is too busy")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The last digits of a sum depend on the number of threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def data_in_a_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One data folder for all workers: what one has simulated, the others read."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("NEUROKIT_DATA"):
            patch.setenv("NEUROKIT_DATA", str(folder / "neurokit-data"))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of small real recordings, read only; skips where there is none."""
    found = os.environ.get("NEUROKIT_REAL_DATA")
    folder = Path(found).expanduser().absolute() if found else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no small real recordings: {folder} is no folder (NEUROKIT_REAL_DATA names it)")
    return folder
