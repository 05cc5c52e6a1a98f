"""The files of one SENSORIUM 2022 scan, alike from its zip and from the folder it unpacks to.

A scan is named `static<key>-GrayImageNet-<hash>` and holds one npy array per trial and field under
`data/`, and what is known of trials, neurons and statistics under `meta/`. `meta/trials` gives each trial's
tier and ids, and from it follows the order of presentation.

Letters: T trials of a scan, in the order of the file names.
"""

import hashlib
import io
import math
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Int, Shaped
from torch import nn

from neurokit.errors import DataError
from neurokit.files.archives import open_archive, read_header
from neurokit.files.atomic import restore_folder
from neurokit.files.reading import check_is_file, state_of

# The largest published scan has 8,372 neurons and 6,959 trials.
MOST_TRIALS = 10_000
MOST_NEURONS = 20_000
MOST_MEMBERS = 4 * MOST_TRIALS + 1_000  # four fields of a trial; metadata and folders
MOST_BYTES = 8 * MOST_TRIALS * (144 * 256 + MOST_NEURONS + 1_000)  # all in double precision
MOST_BYTES_OF_ARRAY = 1 << 26

AGAIN = "download or write the scan again"
_KEY = re.compile(r"static([A-Za-z0-9]+(?:-[A-Za-z0-9]+)*?)-(?:GrayImageNet|ColorImageNet|preproc\d)")
_TOPS = ("data", "meta")
Root = TypeVar("Root", str, Path)
SUFFIX = "GrayImageNet-94c6ff995dac583098847cfecd43e7b6"  # of the published scans
TIERS = ("train", "validation", "test", "final_test")
LEFT_OUT = "left_out"  # in place of a tier: the trial is of no part, but keeps its place in time
FIELDS = ("images", "responses", "behavior", "pupil_center")
OPTIONAL = ("behavior", "pupil_center")  # fields that a scan may lack altogether
_NUMBERED = re.compile(r"data/(\w+)/(0|[1-9]\d*)\.npy")
_COUNTED = re.compile(r"data/(\w+)/(\d+)\.npy")  # with zeros before the number, or from 1
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?")


class PieceError(DataError):
    """What is wrong with one file; if it is a trial's, that trial can be left out.

    Attributes:
        rule: by which it is left out, one of `neurokit.training.omissions.RULES`.
    """

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class ScanFiles:
    """The arrays of one scan under their names inside its folder, such as "data/images/0.npy".

    source       the zip or folder that they are read from
    key          animal, session and scan, such as "27204-5-13"
    fingerprint  16 hexadecimal digits, others when any file was changed, added or removed
    sizes        bytes of each file, unpacked
    content      the bytes of the file of a name
    """

    source: Path
    key: str
    fingerprint: str
    sizes: dict[str, int]
    content: Callable[[str], bytes]

    def read(self, name: str) -> np.ndarray:
        """The array `name`; pickled objects are never opened.

        Raises PieceError where it is missing, larger than MOST_BYTES_OF_ARRAY, damaged or not plain, and
        DataError where the disk fails.
        """
        if name not in self.sizes:
            raise self.piece_error(name, "is missing", rule="missing")
        if self.sizes[name] > MOST_BYTES_OF_ARRAY:
            raise self.piece_error(name, f"has {self.sizes[name]} bytes, more than {MOST_BYTES_OF_ARRAY}")
        try:
            return _parse_array(self.content(name))
        except OSError as error:
            raise self.error(name, f"could not be read ({error})") from error
        except (ValueError, SyntaxError) as error:
            raise self.piece_error(name, f"is no plain npy array ({error})", rule="unreadable") from error

    def error(self, name: str, finding: str, remedy: str = AGAIN) -> DataError:
        """The one sentence that names an array, its scan, what was found and what to do."""
        return DataError(f"{name} of {self.source} {finding}: {remedy}.")

    def piece_error(self, name: str, finding: str, remedy: str = AGAIN, rule: str = "misfit") -> PieceError:
        """The same of a file that may be one trial's."""
        return PieceError(str(self.error(name, finding, remedy)), rule)

    def has_field(self, field: str) -> bool:
        """Whether there is a file of any trial for one of FIELDS."""
        first = f"data/{field}/0.npy"
        return first in self.sizes or any(name.startswith(f"data/{field}/") for name in self.sizes)


@contextmanager
def open_scan(source: str | Path) -> Iterator[ScanFiles]:
    """The scan in a zip, its unpacked folder, or a folder that holds only that one, for a `with`.

    Its key is that in the competition's names, or the name of the zip or folder. Raises DataError unless
    there is exactly one scan, and for a zip as `neurokit.files.archives.open_archive` does.
    """
    source = restore_folder(source)
    if source.is_dir():
        try:
            files = _list_folder(source)
        except OSError as error:
            finding = f"{source} could not be read ({error})"
            raise DataError(f"{finding}: check its files and their permissions.") from error
        yield files
        return
    with open_archive(source, MOST_BYTES, MOST_MEMBERS) as archive:
        yield _list_zip(source, archive)


def _list_zip(source: Path, archive: zipfile.ZipFile) -> ScanFiles:
    members = {member.filename: member for member in archive.infolist() if not member.is_dir()}
    roots = (_find_root(name) for name in members)
    root = _pick_one(source, {root for root in roots if root is not None})
    inside = {name.removeprefix(root): members[name] for name in members if _find_root(name) == root}
    facts = [(name, member.file_size, member.CRC) for name, member in inside.items()]
    return ScanFiles(
        source,
        _find_key(Path(root).name, source.stem),
        _digest([*facts, ("", source.stat().st_size, 0)]),
        {name: member.file_size for name, member in inside.items()},
        lambda name: archive.read(inside[name]),
    )


def _find_root(name: str) -> str | None:
    """What stands before `data/` or `meta/`; None for other files, and for what macOS adds."""
    *folders, file = name.split("/")
    tops = [place for place, folder in enumerate(folders) if folder in _TOPS]
    if not tops or "__MACOSX" in folders or file.startswith("._"):
        return None
    return "".join(f"{folder}/" for folder in folders[: tops[-1]])


def _list_folder(source: Path) -> ScanFiles:
    folder = source
    if not _is_scan(source):
        folder = _pick_one(source, {inner for inner in source.iterdir() if _is_scan(inner)})
    found = dict(_walk(folder))
    for name, facts in found.items():
        if not stat.S_ISREG(facts.st_mode):  # a pipe would never end
            check_is_file(folder / name)
    return ScanFiles(
        source,
        _find_key(folder.name, source.absolute().name),
        _digest([(name, *state_of(facts)) for name, facts in found.items()]),
        {name: facts.st_size for name, facts in found.items()},
        lambda name: _read_bytes(f"{folder}/{name}"),
    )


def _is_scan(folder: Path) -> bool:
    return any((folder / top).is_dir() for top in _TOPS)


def _walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file's name and facts; as texts, since 28,000 paths would take longer than asking the disk."""
    for top in _TOPS:
        for parent, _, names in os.walk(folder / top):
            inside = Path(parent).relative_to(folder).as_posix()
            yield from ((f"{inside}/{name}", os.stat(f"{parent}/{name}")) for name in names)


def _read_bytes(path: str) -> bytes:
    with open(path, "rb", buffering=0) as stream:
        return stream.read()


def _pick_one(source: Path, found: set[Root]) -> Root:
    if len(found) == 1:
        return found.pop()
    held = ", ".join(sorted(Path(each).name or "data and meta" for each in found)) or "none"
    raise DataError(f"{source} does not hold one scan but {held}: give the zip or folder of one.")


def scan_key(name: str) -> str | None:
    """Which scan a zip or folder of this name holds; None for another name."""
    match = _KEY.match(name)
    return match[1] if match else None


def _find_key(*names: str) -> str:
    """The key in the first name that is a scan's, or else the last name itself."""
    return next(filter(None, map(scan_key, names)), plain_name(names[-1]))


def plain_name(text: str) -> str:
    """A name that a checkpoint and a command can hold, close to that of a file or folder."""
    name = re.sub(r"[^\w-]+", "-", text).strip("-_") or "own"
    return f"scan-{name}" if hasattr(nn.ModuleDict(), name) else name


def _digest(facts: Iterable[tuple]) -> str:
    return hashlib.sha256(repr(sorted(facts)).encode()).hexdigest()[:16]


def _parse_array(content: bytes) -> np.ndarray:
    """The array of an npy file; ValueError for another file, pickled objects or a wrong size."""
    shape, fortran_order, dtype, start = _parse_header(_cut_header(content))
    if dtype.hasobject:
        raise ValueError("it holds pickled objects")
    held = len(content) - start
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != held:
        raise ValueError(f"its header claims {shape} of {dtype}, it holds {held} bytes")
    values = np.frombuffer(content, dtype, offset=start)
    return values.reshape(shape, order="F" if fortran_order else "C")


def _cut_header(content: bytes) -> bytes:
    """The first bytes of an npy file, to the end of its header by its own count."""
    start = 10 if content[6:7] == b"\1" else 12  # npy versions 1 and 2
    return content[: start + int.from_bytes(content[8:start], "little")]


@lru_cache(maxsize=16)  # thousands of trials have the same few headers
def _parse_header(content: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether columns come first, dtype, and where the data start; ValueError for no npy header."""
    stream = io.BytesIO(content)
    return *read_header(stream), stream.tell()


def number_from_0(files: ScanFiles) -> ScanFiles:
    """The same, its trials numbered 0, 1, 2 ..., where a lab counts from 1 or puts zeros before numbers."""
    counted = {name: match for name in files.sizes if (match := _COUNTED.fullmatch(name))}
    numbers = {name: int(match[2]) for name, match in counted.items()}
    trials = len(read_tiers(files))
    first = int(min(numbers.values(), default=0) == 1 and max(numbers.values()) == trials)
    plain = {f"data/{match[1]}/{numbers[name] - first}.npy": name for name, match in counted.items()}
    if len(plain) < len(counted) or all(name == file for name, file in plain.items()):
        return files  # 1.npy beside 01.npy, or nothing to do
    held = {name: name for name in files.sizes if name not in counted} | plain
    sizes = {name: files.sizes[file] for name, file in held.items()}
    return replace(files, sizes=sizes, content=lambda name: files.content(held[name]))


def read_trials(files: ScanFiles) -> dict[str, np.ndarray]:
    """tiers, image_ids, trial_ids, rank and ordered (see `neurokit.sensorium.recording.Scan`), each T.

    Raises DataError for an unknown tier, no training or validation trials, ids that are doubled or negative,
    arrays of another number of trials, and folders that hold more files, or none.
    """
    tiers = read_tiers(files)
    _check_folders(files, len(tiers))
    trial_ids = read_trial_ids(files, len(tiers))
    stamps = "meta/trials/frame_trial_ts.npy"
    timestamps = None
    if stamps in files.sizes:
        timestamps = _to_texts(files, stamps, _read_per_trial(files, stamps, len(tiers)))
    rank, ordered = presentation_order(trial_ids, timestamps)
    image_ids = read_ids(files, "meta/trials/frame_image_id.npy", len(tiers))
    if image_ids.dtype.kind == "U":  # such as names of files
        image_ids = np.unique(image_ids, return_inverse=True)[1]
    return {
        "tiers": tiers,
        "image_ids": image_ids,
        "trial_ids": trial_ids,
        "rank": rank,
        "ordered": np.array(int(ordered)),
    }


def read_tiers(files: ScanFiles) -> np.ndarray:
    """The tier of each trial or LEFT_OUT, T; DataError for other words, no train or no validation trials."""
    name = "meta/trials/tiers.npy"
    tiers = files.read(name)
    if tiers.ndim != 1:
        raise files.error(
            name, f"has shape {tiers.shape} instead of one word a trial", "give it one for each"
        )
    tiers = _to_texts(files, name, tiers)
    unknown = sorted(set(tiers.tolist()) - {*TIERS, LEFT_OUT})
    if unknown:
        finding = f"holds the unknown tiers {unknown}"
        raise files.error(name, finding, f"use {', '.join(TIERS)}, or {LEFT_OUT} for a trial of none")
    for tier in ("train", "validation"):
        if tier not in tiers:
            raise files.error(name, f"names no {tier} trials", f"label some trials {tier!r}")
    return tiers


def read_trial_ids(files: ScanFiles, trials: int) -> np.ndarray:
    """What trial_idx holds, T: integers or texts; DataError where one is doubled."""
    name = "meta/trials/trial_idx.npy"
    ids = read_ids(files, name, trials)
    if len(np.unique(ids)) < trials:
        raise files.error(name, "names a trial twice", "give each trial an id of its own")
    return ids


def presentation_order(
    trial_ids: np.ndarray, timestamps: np.ndarray | None
) -> tuple[Int[np.ndarray, "T"], bool]:
    """The place of each trial in the order of presentation, 0 to T - 1, and whether that is known.

    Integer ids order the trials, gaps or not; else time stamps do, equal ones (to the second) in
    the order of the files. Without either, the order of the files takes its place.
    """
    keys = trial_ids if trial_ids.dtype.kind == "i" else _parse_times(timestamps)
    if keys is None:
        return np.arange(len(trial_ids)), False
    rank = np.empty(len(keys), dtype=np.int64)
    rank[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return rank, True


def read_ids(files: ScanFiles, name: str, length: int) -> Shaped[np.ndarray, "length"]:
    """Whole numbers or texts, as the array has them; DataError for others, and for another length."""
    ids = _read_per_trial(files, name, length)
    return _to_texts(files, name, ids) if ids.dtype.kind in "US" else read_whole_numbers(files, name, length)


def read_whole_numbers(files: ScanFiles, name: str, length: int) -> Int[np.ndarray, "length"]:
    """The ids in an array; DataError where it does not hold `length` whole numbers from 0 to 2^63 - 1."""
    values = _read_per_trial(files, name, length)
    remedy = "write whole numbers from 0 to 2^63 - 1"
    if values.dtype.kind not in "iuf" or not (np.isfinite(values) & (values == np.floor(values))).all():
        raise files.error(name, f"holds {values.dtype} values instead of whole numbers", remedy)
    beyond = values >= 2.0**63 if values.dtype.kind == "f" else values > np.iinfo(np.int64).max
    if impossible := int(((values < 0) | beyond).sum()):
        raise files.error(name, f"holds {impossible} ids that are negative or beyond 2^63 - 1", remedy)
    return values.astype(np.int64)


def _read_per_trial(files: ScanFiles, name: str, length: int) -> np.ndarray:
    values = files.read(name)
    if values.shape != (length,):
        finding = f"has shape {values.shape} instead of {(length,)}"
        raise files.error(name, finding, "write one value for each trial or neuron")
    return values


def _to_texts(files: ScanFiles, name: str, values: np.ndarray) -> np.ndarray:
    """The values as texts; DataError for bytes that are not ASCII."""
    try:
        return values.astype(str)
    except ValueError as error:
        finding = f"holds {values.dtype} values that are no plain texts ({error})"
        raise files.error(name, finding, "write plain ASCII texts") from None


def _check_folders(files: ScanFiles, trials: int) -> None:
    """No file beyond the trials in any of the four folders, and some in each that is not OPTIONAL."""
    found: dict[str, set[int]] = {field: set() for field in FIELDS}
    for match in filter(None, map(_NUMBERED.fullmatch, files.sizes)):
        found.get(match[1], set()).add(int(match[2]))
    for field, numbers in found.items():
        if max(numbers, default=-1) >= trials or not (numbers or field in OPTIONAL):
            finding = f"holds {len(numbers)} files for the {trials} trials of meta/trials/tiers.npy"
            raise files.error(f"data/{field}", finding)


def _parse_times(timestamps: np.ndarray | None) -> np.ndarray | None:
    """Times of texts such as "Timestamp('2019-05-04 10:00:21')"; None where one has no time in it."""
    texts = [] if timestamps is None else timestamps.tolist()
    found = [match[0] for match in map(_STAMP.search, texts) if match]
    try:
        return np.array(found, dtype="datetime64[us]") if found and len(found) == len(texts) else None
    except ValueError:  # no such day or hour
        return None
