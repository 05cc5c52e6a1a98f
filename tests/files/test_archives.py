"""Archives stay within their bounds and their folder, and damage is one sentence."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError, DiskError
from neurokit.files.archives import LEAST_MAPPED, extract, limit_of, map_npy, open_archive, read_npz
from neurokit.files.pickles import load_object_array

LIMIT = 100_000


def made(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_extract_gives_every_file(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(5000)
    members = {"one/two.npy": content, "three.tsv": b"x\ty\n", "empty/": b""}
    archive = made(tmp_path / "a.zip", members)
    folder = extract(archive, tmp_path / "out", LIMIT)
    assert (folder / "one/two.npy").read_bytes() == content
    assert (folder / "three.tsv").read_bytes() == b"x\ty\n"
    assert (folder / "empty").is_dir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "out"]


def test_the_limit_is_on_the_sum_and_exact(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {"a": bytes(60_000), "b": bytes(60_000)})
    assert archive.stat().st_size < 1000
    with pytest.raises(DataError, match=r"a\.zip unpacks to 120000 bytes, more than 119999"):
        extract(archive, tmp_path / "out", 119_999)
    assert not (tmp_path / "out").exists()
    extract(archive, tmp_path / "out", 120_000)


def test_a_size_that_lies_unpacks_nothing(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {"a": bytes(60_000)})
    raw = archive.read_bytes()
    assert raw.count(struct.pack("<I", 60_000)) == 2  # in its header and the directory
    archive.write_bytes(raw.replace(struct.pack("<I", 60_000), struct.pack("<I", 10)))
    with pytest.raises(DataError, match=r"a\.zip is truncated, damaged"):
        extract(archive, tmp_path / "out", 1000)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_the_number_of_members_is_bounded(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {str(number): b"" for number in range(11)})
    with pytest.raises(DataError, match="11 members, more than 10"):
        extract(archive, tmp_path / "out", LIMIT, members=10)
    extract(archive, tmp_path / "out", LIMIT, members=11)


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/a", "a\\..\\b", "C:a", "."])
def test_no_member_leaves_the_folder(tmp_path: Path, name: str) -> None:
    archive = made(tmp_path / "a.zip", {"good": b"1", name: b"2"})
    with pytest.raises(DataError, match="outside its folder"):
        extract(archive, tmp_path / "out", LIMIT)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_names_with_backslashes_are_said_to_be_that(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {"scan\\data\\0.npy": b"1"})
    with pytest.raises(DataError, match=r"backslashes in the names .* unpack it with the tool that made it"):
        extract(archive, tmp_path / "out", LIMIT)


def test_no_links(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="link or device, 'link'"):
        extract(tmp_path / "a.zip", tmp_path / "out", LIMIT)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_doubled_names_and_no_unbounded_packing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("same", b"1")
        archive.writestr("same", b"2")
    with pytest.raises(DataError, match="names a member twice"):
        extract(tmp_path / "a.zip", tmp_path / "out", LIMIT)
    with pytest.raises(DataError, match="encrypted or"):
        extract(made(tmp_path / "b.zip", {"a": b"1"}, zipfile.ZIP_LZMA), tmp_path / "out", LIMIT)


def test_truncation_anywhere_is_one_sentence(tmp_path: Path) -> None:
    intact = made(tmp_path / "a.zip", {"a": np.random.default_rng(0).bytes(400)}).read_bytes()
    for end in range(0, len(intact), 11):
        (tmp_path / "cut.zip").write_bytes(intact[:end])
        with pytest.raises(DataError, match=r"cut\.zip is truncated, damaged"):
            extract(tmp_path / "cut.zip", tmp_path / "out", LIMIT)
    assert not (tmp_path / "out").exists()


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(400)
    archive = made(tmp_path / "a.zip", {"a": content}, zipfile.ZIP_STORED)
    raw = bytearray(archive.read_bytes())
    raw[raw.index(content) + 200] ^= 1
    archive.write_bytes(raw)
    with pytest.raises(DataError, match="Bad CRC"):
        extract(archive, tmp_path / "out", LIMIT)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {"a": b"new"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(b"old")
    with pytest.raises(DataError, match="already exists"):
        extract(archive, tmp_path / "out", LIMIT)
    assert (tmp_path / "out/a").read_bytes() == b"old"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {"a": b"1"})
    with pytest.raises(DiskError, match="could not be written"):
        extract(archive, archive / "out", LIMIT)


def test_missing_archive(tmp_path: Path) -> None:
    absent = tmp_path / "absent.zip"
    with pytest.raises(DataError, match=r"absent\.zip is missing"), open_archive(absent, LIMIT):
        pass


def test_an_error_of_the_block_is_not_laid_on_the_archive(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {"a": b"1"})
    with pytest.raises(ValueError, match=r"^a defect of ours$"), open_archive(archive, LIMIT):
        raise ValueError("a defect of ours")


@pytest.mark.parametrize("where", [1, 2])
def test_a_name_that_is_no_text_is_damage(tmp_path: Path, where: int) -> None:
    """In the member's own header, or in the directory too."""
    archive = made(tmp_path / "a.zip", {"\u00b5.npy": bytes(200)})
    archive.write_bytes(archive.read_bytes().replace("\u00b5".encode(), b"\xff\xff", where))
    with pytest.raises(DataError, match=r"a\.zip is truncated, damaged"):
        extract(archive, tmp_path / "out", LIMIT)


def test_read_npz_is_what_was_saved(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays = {
        "a": rng.normal(size=(3, 4)),
        "b": np.array(["VISp", "CA1"]),
        "c": np.asfortranarray(rng.normal(size=(2, 5))),
        "scalar": np.float64(3),
        "none": np.zeros((0, 4), np.int16),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_npz(tmp_path / "a.npz", LIMIT)
    assert found.keys() == arrays.keys()
    for key, wanted in arrays.items():
        assert found[key].dtype == wanted.dtype
        np.testing.assert_array_equal(found[key], wanted)
    assert list(read_npz(tmp_path / "a.npz", LIMIT, keys=["b"])) == ["b"]
    with pytest.raises(DataError, match="has no array 'd': it holds a, b, c"):
        read_npz(tmp_path / "a.npz", LIMIT, keys=["d"])


def test_read_npz_opens_no_pickles_and_respects_the_limit(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", a=np.array([None], object))
    with pytest.raises(DataError, match="pickled objects in 'a'"):
        read_npz(tmp_path / "objects.npz", LIMIT)
    np.savez_compressed(tmp_path / "large.npz", a=np.zeros(LIMIT))
    with pytest.raises(DataError, match=r"large\.npz unpacks to"):
        read_npz(tmp_path / "large.npz", LIMIT)


def test_what_a_file_may_unpack_to_grows_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(bytes(1000))
    assert limit_of(tmp_path / "a.npz", 2**40) == 2**28 + 100_000
    assert limit_of(tmp_path / "a.npz", 5000) == 5000
    with pytest.raises(DataError, match=r"none\.npz"):
        limit_of(tmp_path / "none.npz", 5000)


def test_a_size_that_claims_more_than_is_there(tmp_path: Path) -> None:
    member = header((2,)) + bytes(8)
    archive = made(tmp_path / "a.npz", {"x.npy": member})
    size, claim = (struct.pack("<I", length) for length in (len(member), len(member) + 8))
    archive.write_bytes(archive.read_bytes().replace(size, claim))
    with pytest.raises(DataError, match=r"a\.npz is truncated, damaged.*expected 16 bytes got 8"):
        read_npz(archive, LIMIT)


def test_a_pickle_without_a_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.npz is truncated, damaged"):
        load_object_array(made(tmp_path / "a.npz", {"x.npy": b"no header"}), "x", LIMIT)


def header(shape: tuple, descr: str = "<f8") -> bytes:
    out = io.BytesIO()
    claims = {"shape": shape, "fortran_order": False, "descr": descr}
    np.lib.format.write_array_header_1_0(out, claims)
    return out.getvalue()


@pytest.mark.parametrize(
    "member",
    [
        header((10**12,)) + bytes(8),
        header((2,)) + bytes(8),
        header((2,)) + bytes(24),
        header((-1,)) + bytes(8),
        header((2**61, 8)),
        header((10**12,), "|S0"),
        header((1,))[:40],
        b"",
        b"\x93NUMPY\x09\x00",
        header((1,))[:10] + b"{".ljust(118) + bytes(8),
        header((1,))[:10] + b"{[]: 1}".ljust(118) + bytes(8),
        b"text",
    ],
)
def test_an_array_that_is_not_what_its_header_says(tmp_path: Path, member: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.npz"):
        read_npz(made(tmp_path / "a.npz", {"x.npy": member}), LIMIT)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [3, LEAST_MAPPED // 16])
def test_a_large_array_is_mapped_and_none_can_be_written(tmp_path: Path, rows: int, order: str) -> None:
    values = np.asarray(np.random.default_rng(0).random((rows, 2)), order=order)
    np.save(tmp_path / "a.npy", values)
    found = map_npy(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, values)
    assert isinstance(found, np.memmap) == (rows > 3)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 0


def test_a_large_array_that_is_cut_short_or_of_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(LEAST_MAPPED))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(
        DataError, match=r"a.npy cannot be read \(its header claims 8388608 .* holds 8388600\)"
    ):
        map_npy(path)
    np.save(path, np.array([b"x" * LEAST_MAPPED, None]), allow_pickle=True)
    with pytest.raises(DataError, match="it holds pickled objects"):
        map_npy(path)
