"""HDF5 files of unknown origin are read within a bound, and those of our own survive a full disk."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.files.hdf5 import Hdf5Reader, open_hdf5, to_float32, write_hdf5

VALUES = np.arange(12.0).reshape(3, 4)
FULL_DISK = """
import gc, resource, sys
from pathlib import Path
import numpy as np
from neurokit.errors import DiskError
from neurokit.files.hdf5 import write_hdf5
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with write_hdf5(Path(sys.argv[1])) as file:
        for name in "abcdef":
            values = np.random.default_rng(0).random(50_000)
            file.create_dataset(name, data=values, chunks=(1000,), compression=1)
except DiskError as error:
    gc.collect()
    print("alive:", error)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Sound arrays, texts and links, beside links and claims that must not be followed."""
    with write_hdf5(tmp_path / "a.h5") as file:
        file["group/values"] = VALUES
        file["group"].attrs["kind"] = "Clip"
        file["group"].attrs["many"] = ["a", "b"]
        file["texts"] = ["one", "two"]
        file["fixed"] = np.array([b"one", b"two"])
        file["soft"] = h5py.SoftLink("/group/values")
        file["relative"] = h5py.SoftLink("group/values")
        file["external"] = h5py.ExternalLink("other.h5", "/secret")
        file["soft to external"] = h5py.SoftLink("/external")
        file["loop"] = h5py.SoftLink("/loop")
        file["group/away"] = h5py.ExternalLink("other.h5", "/")
        file.create_dataset("packed", data=np.zeros((500, 1000)), compression="gzip")
        file.create_dataset("claimed", (10**9,), np.float64, chunks=(1000,), compression="gzip")
        file.create_dataset("claimed flat", (10**9,), np.float64)
        file.create_dataset(
            "wide piece", (3,), np.int8, maxshape=(None,), chunks=(2**31,), compression="gzip"
        )
        file.create_dataset("wide text", (), "S1000000000")
        file.create_dataset("in pieces", (100,), "f4", chunks=(30,))[:60] = 1
        file.create_dataset("unwritten", (100,), np.float32)
        file["empty"] = h5py.Empty("f4")
        layout = h5py.VirtualLayout((3, 4), np.float64)
        layout[:] = h5py.VirtualSource("other.h5", "secret", (3, 4))
        file.create_virtual_dataset("virtual", layout)
        file["mixed"] = np.zeros(3, [("a", int), ("b", float)])
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = VALUES
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.create_dataset("stored elsewhere", (4,), np.float64, external=[("raw", 0, 32)])
    return tmp_path / "a.h5"


def test_what_is_sound_is_read(path: Path) -> None:
    with open_hdf5(path) as reader:
        for place in ("group/values", "/group/values", "soft", "relative"):
            np.testing.assert_array_equal(reader.read(place, "f", (3, None)), VALUES)
        assert reader.texts("texts") == reader.texts("fixed", 2) == ["one", "two"]
        assert reader.attribute("group", "kind") == "Clip" and "values" in reader.group("group")
        assert reader.read("packed", "f").shape == (500, 1000)
        assert reader.find("nothing") is None and reader.find("group/values/deeper") is None
        np.testing.assert_array_equal(reader.read("unwritten", "f"), np.zeros(100))


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (lambda reader: reader.read("external", "f"), "external leads to another file"),
        (lambda reader: reader.read("soft to external", "f"), "leads to another file"),
        (lambda reader: reader.read("group/away/secret", "f"), "leads to another file"),
        (lambda reader: reader.read("loop", "f"), "leads back to itself"),
        (lambda reader: reader.read("virtual", "f"), "virtual is not an array of this file"),
        (lambda reader: reader.read("stored elsewhere", "f"), "is not an array of this file"),
        (lambda reader: reader.read("empty", "f"), "is not an array of this file"),
        (lambda reader: reader.read("group", "f"), "is not an array of this file"),
        (lambda reader: reader.read("mixed", "V"), "cannot be"),
        (lambda reader: reader.read("claimed", "f"), r"claims 8000000000 bytes, and the file has 0 at most"),
        (lambda reader: reader.read("claimed flat", "f"), "claims 8000000000 bytes"),
        (lambda reader: reader.read("wide piece", "i"), "claims 2147483648 bytes"),
        (lambda reader: reader.read("in pieces", "f"), "lacks 2 of its 4 pieces"),
        (lambda reader: reader.read("wide text", "S"), "claims 1000000000 bytes"),
        (lambda reader: reader.read("packed", "f", most=10**6), "claims 4000000 bytes, more than 1000000"),
        (lambda reader: reader.read("soft", "iu"), r"holds \(3, 4\) of float64, which cannot be"),
        (lambda reader: reader.read("soft", "f", (3,)), r"shape \(3, 4\) instead of \(3\)"),
        (lambda reader: reader.read("soft", "f", (None, 5)), r"shape \(3, 4\) instead of \(any, 5\)"),
        (lambda reader: reader.read("none", "f"), "none is missing"),
        (lambda reader: reader.group("soft"), "is not a group"),
        (lambda reader: reader.attribute("group", "size"), "has no attribute size"),
        (lambda reader: reader.attribute("group", "many"), "no single value"),
    ],
)
def test_what_must_not_be_read_is_refused_before_it_takes_memory(
    path: Path, read: Callable[[Hdf5Reader], object], says: str
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=says) as caught, open_hdf5(path, "fetch it again") as reader:
            read(reader)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10**6
    assert str(caught.value).startswith(str(path)) and str(caught.value).endswith(": fetch it again.")


def test_one_long_text_that_many_refer_to_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        texts = file.create_dataset("texts", (1000,), h5py.string_dtype())
        texts[0] = "x" * 10**6
    content = bytearray((tmp_path / "a.h5").read_bytes())
    with h5py.File(tmp_path / "a.h5") as file:
        start = file["texts"].id.get_offset()
    content[start : start + 16_000] = content[start : start + 16] * 1000
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(DataError, match="claims more text than"), open_hdf5(tmp_path / "a.h5") as reader:
        reader.texts("texts")


def test_files_that_are_none_are_named(path: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "cut.h5").write_bytes(path.read_bytes()[:-100])
    (tmp_path / "page.h5").write_text("<html>")
    for name, says in (
        ("pipe", "is a pipe"),
        ("none.h5", "is missing"),
        ("cut.h5", "cut short"),
        ("page.h5", "not an HDF5 file"),
    ):
        with pytest.raises(DataError, match=says), open_hdf5(tmp_path / name):
            pass


def test_an_error_in_the_block_is_one_sentence(path: Path) -> None:
    with pytest.raises(DataError, match="damaged") as caught, open_hdf5(path) as reader:
        _ = reader.file["nothing at all"]
    assert "\n" not in str(caught.value)


def test_what_float32_cannot_hold_is_not_finite() -> None:
    found = to_float32(np.array([1.0, 1e39, -1e300, np.nan]))
    assert found.dtype == np.float32 and np.isfinite(found).tolist() == [True, False, False, False]


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stopped"), write_hdf5(tmp_path / "a.h5") as file:
        file["values"] = VALUES
        raise RuntimeError("stopped")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
def test_a_full_disk_does_not_end_python(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "a.h5")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "a.h5 could not be written" in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())
