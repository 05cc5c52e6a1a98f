"""One mapped file for a scan: whole or not there, made once, read lazily."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from neurokit.errors import DataError, DiskError
from neurokit.sensorium import pack as scan_pack
from neurokit.sensorium.pack import Contents, Rows, read_or_pack, read_pack, write_pack

KEY, FINGERPRINT, OTHER = "1-2-3", "0123456789abcdef", "fedcba9876543210"
ROWS = np.random.default_rng(0).normal(size=(7, 4, 3)).astype(np.float32)


def contents(rows: np.ndarray = ROWS) -> Contents:
    return {
        "images": Rows(rows.shape, iter(rows)),
        "ids": np.arange(3),
        "words": np.array(["train", 'a "quoted" word', "µm"]),
        "flag": np.array(1),
        "values": np.linspace(0, 1, 5),
    }


def pack(folder: Path, fingerprint: str = FINGERPRINT, key: str = KEY, **options) -> dict[str, np.ndarray]:
    return read_or_pack(folder, key, fingerprint, lambda: contents(**options))


def never() -> Contents:
    raise AssertionError("packed again")


def path_of(folder: Path, fingerprint: str = FINGERPRINT, key: str = KEY) -> Path:
    return folder / f"{key}-{fingerprint}.safetensors"


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    arrays = pack(tmp_path)
    expected = {**contents(), "images": ROWS}
    assert arrays.keys() == expected.keys()
    for name, values in expected.items():
        assert arrays[name].dtype == values.dtype and arrays[name].shape == values.shape
        np.testing.assert_array_equal(arrays[name], values)
        assert arrays[name].flags.aligned
    assert names(tmp_path) == {path_of(tmp_path).name}


def test_safetensors_itself_reads_a_pack(tmp_path: Path) -> None:
    pack(tmp_path)
    with safe_open(path_of(tmp_path), framework="np") as file:
        assert set(file.keys()) == {"images", "ids", "flag", "values", scan_pack.DIGESTS}
        np.testing.assert_array_equal(file.get_tensor("images"), ROWS)
        np.testing.assert_array_equal(file.get_tensor("values"), np.linspace(0, 1, 5))
        assert file.metadata()["fingerprint"] == FINGERPRINT


def test_a_mapped_array_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        pack(tmp_path)["images"][0] = 0


def test_a_pack_is_made_once(tmp_path: Path) -> None:
    pack(tmp_path)
    written = path_of(tmp_path).stat().st_mtime_ns
    np.testing.assert_array_equal(read_or_pack(tmp_path, KEY, FINGERPRINT, never)["images"], ROWS)
    assert path_of(tmp_path).stat().st_mtime_ns == written


def test_another_fingerprint_replaces_the_pack_of_its_key_alone(tmp_path: Path) -> None:
    pack(tmp_path)
    pack(tmp_path, key="1-2")
    pack(tmp_path, key="1-2-3-4")
    (tmp_path / f"{KEY}-notes.safetensors").write_text("mine")
    np.testing.assert_array_equal(pack(tmp_path, OTHER, rows=ROWS + 1)["images"], ROWS + 1)
    kept = {path_of(tmp_path, key=key).name for key in ("1-2", "1-2-3-4")}
    found = {name for name in names(tmp_path) if name.endswith("tensors")}
    assert found == kept | {path_of(tmp_path, OTHER).name, f"{KEY}-notes.safetensors"}


@pytest.mark.parametrize("left", [0, 4, 30, 500, -200, -1])
def test_a_pack_that_is_not_whole_is_made_anew(tmp_path: Path, left: int) -> None:
    pack(tmp_path)
    whole = path_of(tmp_path).read_bytes()
    for damaged in (whole[:left], whole + b"0"):  # safetensors itself refuses both
        path_of(tmp_path).write_bytes(damaged)
        np.testing.assert_array_equal(pack(tmp_path)["images"], ROWS)
        assert path_of(tmp_path).read_bytes() == whole


def test_a_flipped_bit_anywhere_is_noticed_and_the_pack_made_anew(tmp_path: Path) -> None:
    """In the header, in every array, in the digests themselves; also in a file of several blocks."""
    rows = np.random.default_rng(0).normal(size=(8, 40_000)).astype(np.float32)
    for number, shown in enumerate((ROWS, rows)):
        folder = tmp_path / str(number)
        pack(folder, rows=shown)
        whole = path_of(folder).read_bytes()
        start = 8 + int.from_bytes(whole[:8], "little")
        step = 1 if number == 0 else 29_989
        for place in [*range(0, start, 7), *range(start, len(whole), step), len(whole) - 1]:
            damaged = bytearray(whole)
            damaged[place] ^= 1 << place % 8
            path_of(folder).write_bytes(damaged)
            facts = {"version": scan_pack.VERSION, "key": KEY, "fingerprint": FINGERPRINT}
            assert scan_pack.read_pack(path_of(folder), facts) is None, place
        pack(folder, rows=shown)
        assert path_of(folder).read_bytes() == whole


def test_the_digests_of_blocks_by_hand() -> None:
    words = np.arange(scan_pack.BLOCK // 8 + 2, dtype=np.uint64)
    words[0] = 2**64 - 1
    found = scan_pack._digest_blocks(np.append(words.view(np.uint8), np.uint8(7)))
    number = scan_pack.BLOCK // 8 // scan_pack.LINE
    last = np.zeros(scan_pack.BLOCK // 8, np.uint64)
    last[:3] = [*words[-2:], 7]
    for block, digest in zip((words[:-2], last), found.tolist(), strict=True):
        held = block.reshape(number, scan_pack.LINE)
        sums = [sum(map(int, line)) % 2**64 for line in (*held, *held.T)]
        hashed = hashlib.blake2b(np.array(sums, "<u8").tobytes(), digest_size=8).digest()
        assert digest == int.from_bytes(hashed, "little", signed=True)


@pytest.mark.parametrize("length", [8, 64, 1000, 4096, 1 << 18])
def test_stretches_that_change_places_are_noticed(tmp_path: Path, length: int) -> None:
    """Within a block or across; also such as differ in the sign alone, or not in what they sum up to."""
    rows = np.random.default_rng(0).normal(size=(6, 80_000)).astype(np.float32)
    rows[3] = -rows[0]
    rows[4] = rows[0, ::-1]
    pack(tmp_path, rows=rows)
    whole = path_of(tmp_path).read_bytes()
    first = whole.index(rows[0].tobytes())
    facts = {"version": scan_pack.VERSION, "key": KEY, "fingerprint": FINGERPRINT}
    random = np.random.default_rng(length)
    exact = [(0, 3 * rows[0].nbytes), (0, 4 * rows[0].nbytes), (0, length), (8, 8 + scan_pack.LINE * 8)]
    drawn = random.integers(0, rows.nbytes - length, (20, 2)).tolist()
    for one, two in [*exact, *drawn]:
        if abs(one - two) < length:
            continue
        damaged, (one, two) = bytearray(whole), (first + one, first + two)
        damaged[one : one + length] = whole[two : two + length]
        damaged[two : two + length] = whole[one : one + length]
        assert bytes(damaged) != whole
        path_of(tmp_path).write_bytes(damaged)
        assert scan_pack.read_pack(path_of(tmp_path), facts) is None, (one, two)
    path_of(tmp_path).write_bytes(whole)
    assert scan_pack.read_pack(path_of(tmp_path), facts) is not None


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff" * 300,
        bytes(64),  # a header of 0 bytes
        b"\x08" + bytes(7) + b"[1,2,3] ",
        b"\x10" + bytes(7) + b'{"ids": 3}      ',
        b"x",
    ],
)
def test_a_scrambled_pack_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    path_of(tmp_path).write_bytes(damage)
    np.testing.assert_array_equal(pack(tmp_path)["images"], ROWS)


def without_texts(header: dict) -> None:
    header["__metadata__"]["texts"] = "{}"


def with_a_text_less(header: dict) -> None:
    texts = json.loads(header["__metadata__"]["texts"])
    header["__metadata__"]["texts"] = json.dumps({name: text[:-1] for name, text in texts.items()})


EDITS: dict[str, Callable[[dict], object]] = {
    "no images": lambda header: header.pop("images"),
    "no ids": lambda header: header.pop("ids"),
    "an array more": lambda header: header.update(more=header["ids"]),
    "another shape": lambda header: header["images"].update(shape=[7, 3, 4]),
    "another type": lambda header: header["ids"].update(dtype="F64"),
    "an exchange": lambda header: header.update(images=header["values"], values=header["images"]),
    "no texts": without_texts,
    "a text less": with_a_text_less,
    "no digest": lambda header: header["__metadata__"].pop("digest"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_pack_that_does_not_hold_what_was_written_is_made_anew(tmp_path: Path, edit: str) -> None:
    pack(tmp_path)
    whole = path_of(tmp_path).read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    EDITS[edit](header)
    text = json.dumps(header).encode()
    path_of(tmp_path).write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + length :])
    pack(tmp_path)
    assert path_of(tmp_path).read_bytes() == whole


def test_another_version_or_key_in_the_metadata_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(tmp_path, rows=ROWS + 1)
    monkeypatch.setattr(scan_pack, "VERSION", "of another layout")
    np.testing.assert_array_equal(pack(tmp_path)["images"], ROWS)
    os.rename(path_of(tmp_path), path_of(tmp_path, OTHER))
    np.testing.assert_array_equal(pack(tmp_path, OTHER, rows=ROWS + 2)["images"], ROWS + 2)


def broken_off(error: BaseException) -> Contents:
    def rows() -> Iterator[np.ndarray]:
        yield from ROWS[:3]
        raise error

    return {**contents(), "images": Rows(ROWS.shape, rows())}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DataError("3.npy is damaged."), MemoryError()])
def test_a_packing_that_breaks_off_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        read_or_pack(tmp_path, KEY, FINGERPRINT, lambda: broken_off(error))
    assert names(tmp_path) == set()
    pack(tmp_path)
    with pytest.raises(type(error)):
        read_or_pack(tmp_path, KEY, OTHER, lambda: broken_off(error))
    assert names(tmp_path) == {path_of(tmp_path).name}
    np.testing.assert_array_equal(read_or_pack(tmp_path, KEY, FINGERPRINT, never)["images"], ROWS)


PROCESS = """
import os, sys, time
from pathlib import Path
import numpy as np
from neurokit.sensorium.pack import Rows, read_or_pack

folder, kill = Path(sys.argv[1]), sys.argv[2] == "kill"
def contents():
    (folder / f"packed-by-{os.getpid()}").touch()
    def rows():
        for row in range(7):
            time.sleep(0.05)
            if kill and row == 3:
                os.kill(os.getpid(), 9)
            yield np.full((4, 3), row, dtype=np.float32)
    return {"images": Rows((7, 4, 3), rows())}
assert read_or_pack(folder, "1-2-3", "0123456789abcdef", contents)["images"][6, 0, 0] == 6
"""


def start(folder: Path, how: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", PROCESS, str(folder), how], cwd=Path(__file__).parents[2])


@pytest.mark.slow
@pytest.mark.parametrize("following", [FINGERPRINT, OTHER])
def test_a_killed_packing_is_cleared_away_by_the_next(tmp_path: Path, following: str) -> None:
    assert start(tmp_path, "kill").wait(600) == -9
    assert len([name for name in names(tmp_path) if name.endswith(".safetensors")]) == 1  # the remains
    assert not path_of(tmp_path).exists()
    np.testing.assert_array_equal(pack(tmp_path, following)["images"], ROWS)
    kept = [name for name in names(tmp_path) if "packed-by" not in name]
    assert kept == [path_of(tmp_path, following).name]


def test_processes_that_start_together_pack_once(tmp_path: Path) -> None:
    running = [start(tmp_path, "finish") for _ in range(3)]
    assert [process.wait(600) for process in running] == [0, 0, 0]
    assert len(list(tmp_path.glob("packed-by-*"))) == 1


def test_rows_that_end_too_early_are_no_pack(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="could not be read back"):
        read_or_pack(tmp_path, KEY, FINGERPRINT, lambda: {"images": Rows(ROWS.shape, iter(ROWS[:-1]))})


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match=r"file.* could not be written"):
        pack(tmp_path / "file")


def test_large_arrays_are_not_held(tmp_path: Path) -> None:
    """64 MiB go in row by row, and are mapped when they are opened; a copy (the control) holds all."""
    shape = (256, 256, 256)
    rows = (np.full(shape[1:], row, dtype=np.float32) for row in range(shape[0]))
    tracemalloc.start()
    write_pack(tmp_path / "large.safetensors", {}, {"images": Rows(shape, rows)})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20
    tracemalloc.start()
    arrays = read_pack(tmp_path / "large.safetensors", {})
    assert arrays is not None and arrays["images"].shape == shape
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    copied = np.array(arrays["images"])
    assert tracemalloc.get_traced_memory()[1] > 48 << 20
    tracemalloc.stop()
    assert copied.sum(dtype=np.float64) == 256 * 256 * sum(range(256))


def test_a_folder_that_must_not_be_written_keeps_no_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("CI", "NEUROKIT_QUIET"):
        monkeypatch.delenv(name, raising=False)
    wanted = pack(tmp_path / "other")
    (tmp_path / "packed").mkdir()
    real = os.open

    def read_only(path: object, flags: int, *arguments: object, **options: object) -> int:
        if str(path).startswith(str(tmp_path)) and flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", read_only)
    found = pack(tmp_path / "packed")
    assert list(found) == list(wanted)
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    assert names(tmp_path / "packed") == set() and "no pack is kept" in capsys.readouterr().err
