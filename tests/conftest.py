"""What every test stands on: shapes checked while the code runs, one thread, the user's cache left alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch

jaxtyping.install_import_hook("neurokit", "beartype.beartype")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The last digits of a sum depend on the number of threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def data_in_a_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("NEUROKIT_DATA"):
            patch.setenv("NEUROKIT_DATA", str(tmp_path_factory.mktemp("neurokit-data")))
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
