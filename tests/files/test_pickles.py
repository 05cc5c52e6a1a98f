"""The allow-list unpickler reads what numpy writes, and runs nothing that a pickle asks for."""

import datetime
import io
import os
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.files.pickles import load_object_array, unpickle

LIMIT = 1_000_000
PROTOCOLS = range(6)


def session(seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    pupil = rng.normal(size=(3, 4, 5))
    return {
        "spks": rng.integers(0, 3, (2, 4, 5)).astype(np.int8),
        "pupil": pupil,
        "turned": pupil.T,
        "big_endian": pupil.astype(">f4"),
        "nothing": np.zeros((3, 0, 5)),
        "brain_area": np.array(["VISp", "CA1"]),
        "cellid_orig": np.array([True, False]),
        "mouse_name": "Cori",
        "bin_size": 0.01,
        "contrast": np.float64(0.25),
        "label": np.str_("ä"),
        "blank": np.str_(""),
        "ccf_axes": ["ap", "dv", "lr"],
        "nested": np.array([[1, "q"], [None, (2, b"x")]], dtype=object),
    }


def assert_same(found: object, wanted: object) -> None:
    assert type(found) is type(wanted)
    if isinstance(wanted, np.ndarray):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        assert found.flags.writeable
        np.testing.assert_array_equal(found, wanted)
    else:
        assert found == wanted


def objects(*values: object) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def read(pickled: bytes, limit: int = LIMIT) -> object:
    return unpickle(io.BytesIO(pickled), limit, "some.npz (dat)")


def npz(path: Path, member: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("dat.npy", member)
    return path


def npy(array: np.ndarray, pickled: bytes) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, np.lib.format.header_data_from_array_1_0(array))
    return out.getvalue() + pickled


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_read(protocol: int) -> None:
    wanted = [session(0), session(1)]
    found = read(pickle.dumps(objects(*wanted), protocol))
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        for key in other:
            assert_same(one[key], other[key])


@pytest.mark.parametrize("protocol", [0, 2])
def test_module_names_of_numpy_1_and_2(protocol: int) -> None:
    pickled = pickle.dumps(objects(session()), protocol)
    new, old = b"numpy._core", b"numpy.core"
    older = pickled.replace(new, old)
    assert old in older and new not in older
    newer = older.replace(old, new)
    for variant in (older, newer):
        assert_same(read(variant)[0]["pupil"], session()["pupil"])


def test_npz_as_numpy_writes_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "part.npz", dat=objects(session(0), session(1)))
    found = load_object_array(tmp_path / "part.npz", "dat", LIMIT)
    assert found.shape == (2,) and found.dtype == object
    assert_same(found[1]["spks"], session(1)["spks"])
    with (tmp_path / "part.npz").open("rb") as stream:
        assert_same(load_object_array(stream, "dat", LIMIT)[0]["pupil"], session()["pupil"])


def test_shared_and_circular_values_stay_so() -> None:
    pupil = np.ones(3)
    circle = objects({"a": pupil}, {"a": pupil}, None)
    circle[2] = circle
    found = read(pickle.dumps(circle))
    assert found[0]["a"] is found[1]["a"]
    assert found[2] is found


class Call:
    """Pickles into a call of any function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_call_of_the_system_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "marker"
    pickled = pickle.dumps(objects({"a": Call(os.system, f"touch {marker}")}), protocol)
    with pytest.raises(DataError, match=r"asks for \w+\.system"):
        load_object_array(npz(tmp_path / "bad.npz", npy(objects(0), pickled)), "dat", LIMIT)
    assert not marker.exists()
    pickle.loads(pickled)  # the same bytes do run elsewhere, so the refusal above is what stopped them
    assert marker.exists()


@pytest.mark.parametrize("function", [eval, exec, np.load, np.fromfile, getattr, __import__, np.array])
def test_other_names_are_refused(function: object) -> None:
    with pytest.raises(DataError, match=rf"asks for .*{function.__name__}"):
        read(pickle.dumps(Call(function, "1 + 1")))


def named(module: str, name: str, rest: bytes = b".") -> bytes:
    """A protocol-4 pickle that starts with the global `module.name`."""
    words = b"".join(b"\x8c" + bytes([len(word)]) + word.encode() for word in (module, name))
    return b"\x80\x04" + words + b"\x93" + rest


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("numpy", "ndarray.tofile"),
        ("numpy", "dtype.type.__class__"),
        ("_codecs", "encode.__self__"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy._core.multiarray", "_reconstruct.__globals__"),
        ("neurokit.files.pickles", "_Call"),
    ],
)
def test_attributes_of_allowed_names_are_refused(module: str, name: str) -> None:
    with pytest.raises(DataError, match=f"asks for {module}.{name}"):
        read(named(module, name))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_ignored_becomes_none_and_is_not_made(protocol: int, tmp_path: Path) -> None:
    class Marks:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "made"),)

    day = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    pickled = pickle.dumps(
        {"fs": 30.0, "date": day, "where": PurePosixPath("/a"), "other": Marks()}, protocol
    )
    names = {("datetime", name) for name in ("datetime", "timezone", "timedelta")}
    names |= {(PurePosixPath.__module__, "PurePosixPath"), (os.mkdir.__module__, "mkdir")}
    found = unpickle(io.BytesIO(pickled), LIMIT, "ops.npy", names)
    assert found == {"fs": 30.0, "date": None, "where": None, "other": None}
    assert not (tmp_path / "made").exists()
    with pytest.raises(DataError, match="datetime"):
        read(pickled)


def test_numpy_ndarray_can_be_named_but_neither_called_nor_changed() -> None:
    with pytest.raises(DataError, match="not callable"):
        read(named("numpy", "ndarray", b"K\x03\x85R."))
    with pytest.raises(DataError, match="type object"):
        read(named("numpy", "ndarray", b"K\x03\x85\x81."))
    for name, module in [("ndarray", "numpy"), ("dtype", "numpy"), ("encode", "_codecs")]:
        with pytest.raises(DataError, match="tries to change a function"):
            read(named(module, name, b"N}\x8c\x01aK\x01s\x86b."))
    with pytest.raises(DataError, match="not data"):
        read(named("numpy", "ndarray"))


@pytest.mark.parametrize("encoding", ["utf-8", "rot13", "hex", "unicode_escape", ""])
def test_codecs_encode_only_does_latin1(encoding: str) -> None:
    word = b"\x8c" + bytes([len(encoding)]) + encoding.encode()
    with pytest.raises(DataError, match="only latin1"):
        read(named("_codecs", "encode", b"\x8c\x01a" + word + b"\x86R."))
    assert read(named("_codecs", "encode", b"\x8c\x01a\x8c\x06latin1\x86R.")) == b"a"


class Claim:
    """Pickles like a numpy array whose state says what we like."""

    def __init__(self, shape: tuple, dtype: object, content: object) -> None:
        self.state = (1, shape, dtype, False, content)

    def __reduce__(self) -> tuple:
        rebuild, arguments, _ = np.zeros(0).__reduce__()
        return rebuild, arguments, self.state


class DtypeClaim:
    """Pickles like a numpy dtype whose state says what we like."""

    def __init__(self, code: str, *state: object) -> None:
        self.reduced = (np.dtype, (code, False, True), state)

    def __reduce__(self) -> tuple:
        return self.reduced


F8, O8 = np.dtype("f8"), np.dtype("O")


@pytest.mark.parametrize(
    "claim",
    [
        Claim((10**12,), F8, b"\0" * 8),
        Claim((10**12,), O8, [None]),
        Claim((10**30,), F8, b""),
        Claim((-1,), F8, b"\0" * 8),
        Claim((2**61, 8), F8, b""),
        Claim((10**12,), np.dtype("U0"), b""),
        Claim((10**12,), np.dtype("S0"), b""),
        Claim((1,), DtypeClaim("O", 3, "|", None, None, None, -1, -1, 0), b"\x41" * 8),
        Claim((1,), DtypeClaim("f8", 3, "<", (F8, (10**9,)), None, None, -1, -1, 0), b"\0" * 8),
        Claim((1,), np.dtype([("a", "O")]), b"\x41" * 8),
        Claim((1,), np.dtype("M8[s]"), b"\0" * 8),
        Claim((1,), F8, [1.0]),
        Claim((1,), F8, None),
        Claim("ab", F8, b"\0" * 8),
        Claim((1,), None, b"\0" * 8),
        Call(np.zeros(0).__reduce__()[0], np.ndarray, (10**12,), b"b"),
        Call(np.float64(0).__reduce__()[0], F8, b"\0"),
        Call(np.float64(0).__reduce__()[0], O8, b"\0" * 8),
    ],
)
def test_claims_that_the_content_does_not_bear_out(claim: object) -> None:
    pickled = pickle.dumps(claim, 4)
    assert len(pickled) < 500
    with pytest.raises(DataError):
        read(pickled)


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x04" + b"N" + b"r" + struct.pack("<I", 2**32 - 1) + b".",  # a memo of 2^32 places
        b"\x80\x04\x8e" + struct.pack("<Q", 10**12) + b"abc.",  # bytes of 1 TB
        b"\x80\x05\x96" + struct.pack("<Q", 10**12) + b"abc.",  # a bytearray of 1 TB
        b"\x80\x04\x95" + struct.pack("<Q", 10**12) + b"N.",  # a frame of 1 TB
        b"(" * 10_000 + b"t" * 10_000 + b".",  # tuples in tuples
        b"\x80\x04P1\n.",
        b"",
        b"no pickle",
        b"\x80\xff.",
    ],
)
def test_tiny_pickles_that_ask_for_much_or_for_nonsense(pickled: bytes) -> None:
    try:
        assert read(pickled) is None
    except DataError as error:
        assert "some.npz (dat)" in str(error)


def test_a_bytearray_takes_no_more_memory_than_there_are_bytes() -> None:
    tracemalloc.start()
    with pytest.raises(DataError):
        read(b"\x80\x05\x96" + struct.pack("<Q", 10**8) + b"abc.")
    assert tracemalloc.get_traced_memory()[1] < 10**6
    bytearray(10**8)  # the control: so much would have been seen
    assert tracemalloc.get_traced_memory()[1] > 10**7
    tracemalloc.stop()
    content = pickle.dumps(bytearray(b"abc"), protocol=5)
    assert pickle._loads(content) == b"abc"  # Python's own reads it, and here it is no data
    with pytest.raises(DataError, match="bytearray, which is not data"):
        read(content)


def test_arrays_are_bounded_together() -> None:
    content = np.zeros(1000)
    pickled = pickle.dumps(objects(content, content + 1))
    assert len(read(pickled, limit=16_016)) == 2
    with pytest.raises(DataError, match="more than 16015 bytes"):
        read(pickled, limit=16_015)


def test_one_block_of_bytes_cannot_be_spent_many_times() -> None:
    content = bytes(8000)
    pickled = pickle.dumps([Claim((1000,), F8, content) for _ in range(100)])
    assert len(pickled) < 20_000
    with pytest.raises(DataError, match="more than 100000 bytes"):
        read(pickled, limit=100_000)


def test_truncation_anywhere_is_one_sentence() -> None:
    pickled = pickle.dumps(objects(session()), 4)
    for end in range(0, len(pickled), 7):
        with pytest.raises(DataError, match=r"^some\.npz \(dat\) "):
            read(pickled[:end])


def test_damage_never_raises_anything_but_data_error() -> None:
    rng = np.random.default_rng(3)
    intact = bytearray(pickle.dumps(objects(session()), 4))
    refused = 0
    for _ in range(400):
        damaged = bytearray(intact)
        for place in rng.integers(0, len(intact), 3):
            damaged[place] = rng.integers(0, 256)
        try:
            read(bytes(damaged))
        except DataError:
            refused += 1
    assert refused > 50


def test_an_npz_that_is_not_what_it_says(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.npz is missing"):
        load_object_array(tmp_path / "absent.npz", "dat", LIMIT)
    np.savez(tmp_path / "plain.npz", dat=np.zeros(3))
    with pytest.raises(DataError, match=r"\(dat\) holds float64"):
        load_object_array(tmp_path / "plain.npz", "dat", LIMIT)
    with pytest.raises(DataError, match=r"has no array 'other'.*dat"):
        load_object_array(tmp_path / "plain.npz", "other", LIMIT)
    for header, content in [(objects(0, 0), objects(1)), (objects(0), {"a": 1})]:
        npz(tmp_path / "lying.npz", npy(header, pickle.dumps(content)))
        with pytest.raises(DataError, match="does not hold the object array"):
            load_object_array(tmp_path / "lying.npz", "dat", LIMIT)
    npz(tmp_path / "long.npz", npy(objects(0), pickle.dumps(objects(1)) + b"more"))
    with pytest.raises(DataError, match="data after its pickle"):
        load_object_array(tmp_path / "long.npz", "dat", LIMIT)
