"""The files of a scan in zips and folders, the order of its trials, and the published scans."""

import io
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.files.registry import read_registry
from neurokit.sensorium import files as scan_files
from neurokit.sensorium.files import open_scan, presentation_order
from neurokit.sensorium.sources import SCANS

NAME = "static1-2-3-GrayImageNet-94c6ff995dac583098847cfecd43e7b6"
IMAGE = "data/images/0.npy"
ARRAYS = {
    IMAGE: np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "data/images/1.npy": np.array([7, 8], dtype=np.uint8),
    "meta/trials/tiers.npy": np.array(["train", "test"]),
}


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def in_folder(parent: Path, name: str = NAME) -> Path:
    for file, array in ARRAYS.items():
        (parent / name / file).parent.mkdir(parents=True, exist_ok=True)
        (parent / name / file).write_bytes(npy(array))
    return parent / name


def in_zip(path: Path, top: str = f"{NAME}/", **others: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, array in ARRAYS.items():
            archive.writestr(top + file, npy(array))
        for file, content in others.items():
            archive.writestr(top + file, content)
    return path


def fingerprint(source: Path) -> str:
    with open_scan(source) as files:
        return files.fingerprint


def sources(tmp_path: Path) -> dict[str, Path]:
    return {
        "folder": in_folder(tmp_path / "unpacked"),
        "parent": in_folder(tmp_path / "downloads").parent,
        "zip": in_zip(tmp_path / f"{NAME}.zip"),
        "renamed zip": in_zip(tmp_path / "mouse.zip"),
        "zip without a folder": in_zip(tmp_path / f"{NAME}-again.zip", top=""),
    }


@pytest.mark.parametrize("kind", ["folder", "parent", "zip", "renamed zip", "zip without a folder"])
def test_zip_and_folder_read_alike(tmp_path: Path, kind: str) -> None:
    with open_scan(sources(tmp_path)[kind]) as files:
        assert files.key == "1-2-3"
        assert set(files.sizes) == set(ARRAYS)
        for name, array in ARRAYS.items():
            read = files.read(name)
            assert read.dtype == array.dtype
            np.testing.assert_array_equal(read, array)


def test_what_lies_beside_a_scan_is_not_read(tmp_path: Path) -> None:
    path = in_zip(tmp_path / f"{NAME}.zip")
    before = fingerprint(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"__MACOSX/{NAME}/data/images/._0.npy", b"x")
        archive.writestr(f"{NAME}/data/images/._0.npy", b"x")
        archive.writestr(f"{NAME}/config.json", "{}")
    with open_scan(path) as files:
        assert set(files.sizes) == set(ARRAYS)
    assert fingerprint(path) != before  # the archive itself is another


@pytest.mark.parametrize("top", ["", f"Users/me/data/{NAME}/"])
def test_a_zip_that_a_person_made_is_read(tmp_path: Path, top: str) -> None:
    """Of the two folders together, with what macOS adds beside them, or with the folders above."""
    path = in_zip(tmp_path / f"{NAME}.zip", top=top)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/data/images/._0.npy", b"x")
        archive.writestr("__MACOSX/._data", b"x")
    with open_scan(path) as files:
        assert files.key == "1-2-3" and set(files.sizes) == set(ARRAYS)


def test_the_fingerprint_of_a_folder_follows_every_change(tmp_path: Path) -> None:
    folder = in_folder(tmp_path)
    seen = [fingerprint(folder)]
    assert fingerprint(folder) == seen[0]
    assert fingerprint(tmp_path) == seen[0]
    image = folder / IMAGE
    image.write_bytes(npy(np.arange(6.0, 12.0).reshape(2, 3)))
    os.utime(image, ns=(1, 1))
    seen.append(fingerprint(folder))
    image.with_name("2.npy").write_bytes(npy(np.zeros(2)))
    seen.append(fingerprint(folder))
    image.unlink()
    seen.append(fingerprint(folder))
    assert len(set(seen)) == 4


def test_the_fingerprint_of_a_zip_follows_its_content(tmp_path: Path) -> None:
    path = in_zip(tmp_path / f"{NAME}.zip", **{"data/images/2.npy": b"1234"})
    first = fingerprint(path)
    os.utime(path, ns=(1, 1))
    assert fingerprint(path) == first
    in_zip(path, **{"data/images/2.npy": b"1235"})
    assert fingerprint(path) != first


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (npy(np.arange(9.0))[:-1], "claims"),
        (npy(np.arange(9.0)) + b"0", "claims"),
        (npy(np.arange(9.0)).replace(b"(9,)", b"(8,)"), "claims"),
        (npy(np.arange(9.0)).replace(b"(9,), }  ", b"(9**9,), }"), "plain npy"),
        (npy(np.arange(9.0))[:100], "plain npy"),
        (npy(np.arange(9.0)).replace(b"}", b" "), "plain npy"),
        (npy(np.array([{}], dtype=object)), "pickled"),
        (b"", "plain npy"),
        (b"<!DOCTYPE html>", "plain npy"),
        (b"\x93NUMPY\x07\x00" + bytes(99), "version"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_arrays_are_named(tmp_path: Path, packed: bool, content: bytes, says: str) -> None:
    source = in_folder(tmp_path)
    (source / "data/images/2.npy").write_bytes(content)
    if packed:
        source = in_zip(tmp_path / f"{NAME}.zip", **{"data/images/2.npy": content})
    with open_scan(source) as files, pytest.raises(DataError, match=rf"2\.npy of .*{NAME}.*{says}"):
        files.read("data/images/2.npy")


def test_a_header_seen_before_vouches_for_no_other_file(tmp_path: Path) -> None:
    """Of four files with the same header, the two whole ones are read and the others refused."""
    whole, other = npy(np.arange(9.0)), npy(np.arange(9.0)[::-1])
    folder = in_folder(tmp_path)
    contents = {"2": whole, "3": whole[:-8], "4": other, "5": whole + whole[-8:]}
    for name, content in contents.items():
        (folder / f"data/images/{name}.npy").write_bytes(content)
    with open_scan(folder) as files:
        np.testing.assert_array_equal(files.read("data/images/2.npy"), np.arange(9.0))
        np.testing.assert_array_equal(files.read("data/images/4.npy"), np.arange(9.0)[::-1])
        for name in ("3", "5"):
            with pytest.raises(DataError, match=rf"{name}\.npy .*claims \(9,\)"):
                files.read(f"data/images/{name}.npy")


def test_both_versions_of_npy_are_read_and_their_lengths_not_trusted(tmp_path: Path) -> None:
    folder = in_folder(tmp_path)
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.arange(9.0), version=(2, 0))
    image = folder / IMAGE
    for length in (None, 0, 1, 1 << 31):
        content = bytearray(stream.getvalue())
        if length is not None:
            content[8:12] = length.to_bytes(4, "little")
        image.write_bytes(content)
        with open_scan(folder) as files:
            if length is None:
                np.testing.assert_array_equal(files.read(IMAGE), np.arange(9.0))
                continue
            with pytest.raises(DataError, match="is no plain npy array"):
                files.read(IMAGE)


def test_a_header_that_claims_more_than_memory_holds(tmp_path: Path) -> None:
    source = in_folder(tmp_path)
    huge = npy(np.arange(9.0)).replace(b"(9,), }          ", b"(99999999999,), }")
    assert b"(99999999999,)" in huge
    (source / IMAGE).write_bytes(huge)
    with open_scan(source) as files, pytest.raises(DataError, match="claims"):
        files.read(IMAGE)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_missing_and_oversized_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    with open_scan(sources(tmp_path)[kind]) as files:
        with pytest.raises(DataError, match=r"meta/trials/trial_idx\.npy of .* is missing"):
            files.read("meta/trials/trial_idx.npy")
        monkeypatch.setattr(scan_files, "MOST_BYTES_OF_ARRAY", 100)
        with pytest.raises(DataError, match="more than 100"):
            files.read(IMAGE)


def test_sources_that_are_not_one_scan(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    in_folder(tmp_path / "two", NAME)
    in_folder(tmp_path / "two", NAME.replace("1-2-3", "4-5-6"))
    for source, says in {
        "absent": "absent is missing",
        "empty": "does not hold one scan but none",
        "two": "static1-2-3.*static4-5-6",
    }.items():
        with pytest.raises(DataError, match=says), open_scan(tmp_path / source):
            pass


def test_archives_that_are_not_one_scan(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.zip"
    with zipfile.ZipFile(nothing, "w") as archive:
        archive.writestr(f"{NAME}/images/0.npy", b"x")
    with pytest.raises(DataError, match="does not hold one scan but none"), open_scan(nothing):
        pass


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (NAME, "1-2-3"),
        (f"{NAME} (1)", "1-2-3"),
        ("static20457-5-9-preproc0", "20457-5-9"),
        ("static25311-4-6-ColorImageNet-104e446ed0128d89c639eef0abe4655b", "25311-4-6"),
        ("mouse7_day2", "mouse7_day2"),
        ("Mouse 7, day 2.5", "Mouse-7-day-2-5"),
        ("training", "scan-training"),
        ("...", "own"),
    ],
)
def test_a_scan_under_another_name_is_known_by_it(tmp_path: Path, name: str, key: str) -> None:
    for source in (in_folder(tmp_path, name), in_zip(tmp_path / f"{name}.zip", top="")):
        with open_scan(source) as files:
            assert files.key == key


def test_hostile_and_damaged_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = in_zip(tmp_path / f"{NAME}.zip").read_bytes()
    (tmp_path / "truncated.zip").write_bytes(whole[: len(whole) // 2])
    in_zip(tmp_path / "escape.zip", **{"../../x.npy": b"x"})
    for name, says in (("truncated", "truncated"), ("escape", "outside its folder")):
        with pytest.raises(DataError, match=says), open_scan(tmp_path / f"{name}.zip"):
            pass
    monkeypatch.setattr(scan_files, "MOST_BYTES", 100)
    with pytest.raises(DataError, match="unpacks to"), open_scan(tmp_path / f"{NAME}.zip"):
        pass
    monkeypatch.undo()
    monkeypatch.setattr(scan_files, "MOST_MEMBERS", 2)
    with pytest.raises(DataError, match="3 members"), open_scan(tmp_path / f"{NAME}.zip"):
        pass


def test_a_flipped_bit_in_a_member_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{NAME}/{IMAGE}", npy(np.arange(9.0)))
    content = path.read_bytes().replace(np.float64(3).tobytes(), np.float64(4).tobytes())
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"), open_scan(path) as files:
        files.read(IMAGE)


def test_the_bounds_hold_the_largest_published_scan() -> None:
    trials, neurons = 7_000, 8_400
    assert 4 * trials + 60 <= scan_files.MOST_MEMBERS
    assert trials * 8 * (144 * 256 + neurons + 3 + 2) <= scan_files.MOST_BYTES
    assert 4 * 32 * trials <= scan_files.MOST_BYTES_OF_ARRAY  # texts of 32 letters


# --- the order of trials, and the seven published scans


def stamp(second: int) -> str:
    return f"Timestamp('2019-05-04 10:00:{second:02d}')"


HASHES = np.array(["b", "a", "d", "c"])


@pytest.mark.parametrize(
    ("ids", "stamps", "rank", "known"),
    [
        (np.array([40, -1, 7, 8]), None, [3, 0, 1, 2], True),
        (np.array([40, -1, 7, 8]), [stamp(0)] * 4, [3, 0, 1, 2], True),
        (HASHES, [stamp(9), stamp(10), stamp(2), stamp(1)], [2, 3, 1, 0], True),
        (HASHES, [stamp(5), stamp(4), stamp(5), stamp(4)], [2, 0, 3, 1], True),
        (HASHES, [f"2019-05-04T10:00:00.{tenth}" for tenth in (4, 1, 3, 2)], [3, 0, 2, 1], True),
        (HASHES, ["__import__('os')"] * 4, [0, 1, 2, 3], False),
        (HASHES, [stamp(1), stamp(2), stamp(3), "NaT"], [0, 1, 2, 3], False),
        (HASHES, [stamp(77)] * 4, [0, 1, 2, 3], False),
        (HASHES, None, [0, 1, 2, 3], False),
    ],
)
def test_order_of_presentation(
    ids: np.ndarray, stamps: list[str] | None, rank: list[int], known: bool
) -> None:
    found, ordered = presentation_order(ids, None if stamps is None else np.array(stamps))
    assert (found.tolist(), ordered) == (rank, known)


def test_trials_of_the_same_second_keep_the_order_of_the_files() -> None:
    """Many ties: an unstable sort shuffles them."""
    seconds = np.random.default_rng(0).integers(0, 60, 900)
    rank, _ = presentation_order(np.full(900, "x"), np.array([stamp(second) for second in seconds]))
    in_time = np.argsort(rank)
    assert sorted(rank) == list(range(900))
    for second in range(60):
        files = in_time[seconds[in_time] == second]
        assert (np.diff(files) > 0).all()
    assert (np.diff(seconds[in_time]) >= 0).all()


def test_the_seven_published_scans_are_in_the_registry() -> None:
    entries = {name: entry for name, entry in read_registry().items() if entry.recording == "sensorium2022"}
    assert entries.keys() == {scan.archive for scan in SCANS.values()}
    assert len(SCANS) == 7
    for key, scan in SCANS.items():
        assert re.fullmatch(rf"static{key}-GrayImageNet-[0-9a-f]{{32}}\.zip", scan.archive)
        assert "arXiv:2206.08666" in entries[scan.archive].citation
        assert all(url.endswith(f"/{scan.archive}") for url in entries[scan.archive].urls)
    five = sum(scan.neurons for scan in SCANS.values() if not scan.track)
    assert (five, sum(scan.neurons for scan in SCANS.values())) == (39_255, 54_569)  # the published sums
