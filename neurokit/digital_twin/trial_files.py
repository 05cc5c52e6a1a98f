"""The files of trial folders: their names, the content of each array, and what writing may replace.

Files keep the layout of the public digital-twin code (cajal/fnn, demo 4): `stimuli` uint8, T x H x W x 1;
`perspectives` and `modulations` float32, T x 2; `units` float32, T x U. An array is an npy file, mapped into
memory and checked.

A trial folder holds files of the same names in each of its folders, in the order of their numbers. A new one
replaces the earlier one, but not where other files would be lost.

Letters: T frames (30 Hz), H x W monitor pixels, U units.
"""

import errno
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Shaped

from neurokit.errors import DataError
from neurokit.files.archives import read_header
from neurokit.files.atomic import restore_folder
from neurokit.files.reading import check_no_pipe

ARRAYS = ("stimuli", "perspectives", "modulations", "units")
_WIDTHS = {"perspectives": 2, "modulations": 2}
_OWN_FAULT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # of this process, and of no file
FARTHEST = 50.0  # standard deviations; raw pixels of a camera lie farther
FAR = f"lies more than {FARTHEST:g} standard deviations from its mean"
STANDARDISE = "subtract the mean of training and divide by its standard deviation"
CLIP = "clip the activity at 0 before dividing by its mean"
FILES = (".npy", ".npz")  # the only kinds of file in trial folders and recordings


class PieceError(DataError):
    """What is wrong with one trial or repeat, which can be left out.

    Attributes:
        rule: by which it is left out, one of `neurokit.training.omissions.RULES`.
    """

    def __init__(self, message: str, rule: str = "misfit") -> None:
        super().__init__(message)
        self.rule = rule


def read_array(path: Path) -> Shaped[np.ndarray, "..."]:
    """The array of an npy file, mapped: it takes no memory until it is used, and writing changes no file.

    Raises PieceError where the file is missing, cut short, no npy file, or holds pickled objects.
    """
    try:
        check_no_pipe(path)
    except DataError as error:
        raise PieceError(str(error), "unreadable") from error
    try:
        with path.open("rb") as stream:
            shape, columns_first, dtype = read_header(stream)
            start = stream.tell()
        size = path.stat().st_size
        _check_claim(size - start, shape, dtype)
        # numpy's own maps keep a file open each, and a recording has more files than a process may open
        content = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8).numpy()
    except OSError as error:
        finding = f"{path} could not be read ({error.strerror or error})"
        if error.errno in _OWN_FAULT:
            raise DataError(f"{finding}: close other files or programs.") from error
        remedy = "look at the file and its permissions"
        raise PieceError(f"{finding}: {remedy}.", "unreadable") from error
    except ValueError as error:
        finding = f"{path} is not a plain npy array ({error})"
        raise PieceError(f"{finding}: write it again with numpy.save.", "unreadable") from error
    return content[start:].view(dtype).reshape(shape, order="F" if columns_first else "C")


def frame_sizes(folder: Path) -> set[tuple[int, int]]:
    """Rows and columns of the videos in a recording of trials, or in those in a folder, by the first of each;
    what cannot be read has none.
    """
    places = [folder / "training_data" / "stimuli", *folder.glob("*/training_data/stimuli")]
    found = set()
    for path in (file for place in places for file in sorted(place.glob("*.npy"))[:1]):
        with suppress(DataError):
            found.add(read_array(path).shape[1:3])
    return found


def read_scalar(path: Path, kinds: str, what: str) -> bool | int:
    """The single value of a file whose dtype is one of `kinds`; else PieceError, which asks for `what`."""
    values = read_array(path)
    if values.size != 1 or values.dtype.kind not in kinds:
        raise data_error(path, f"holds {values.dtype} of shape {values.shape}", f"store {what}")
    return values.item()


def single_precision(values: Shaped[np.ndarray, "..."], name: str | Path) -> Float32[np.ndarray, "..."]:
    """The values as float32, the same memory where they are that already; PieceError for other kinds."""
    if values.dtype.kind != "f":
        raise data_error(name, f"holds {values.dtype}", "store float32")
    with np.errstate(over="ignore"):  # too large values become infinite
        return values.astype(np.float32, copy=False)


def check_shapes(arrays: Mapping[str, np.ndarray], names: Mapping[str, str | Path]) -> None:
    """Raises PieceError where the four arrays of a trial, laid out as on disk, do not fit together.

    The keys of both arguments are ARRAYS; errors use the `names`.
    """
    frames = _frames(arrays["stimuli"], names["stimuli"])
    for kind in ARRAYS[1:]:
        _check_trace(arrays[kind], frames, _WIDTHS.get(kind), names[kind])


def check_arrays(arrays: Mapping[str, np.ndarray], names: Mapping[str, str | Path]) -> None:
    """Raises PieceError as `check_shapes`, and for values that a trial must not hold.

    NaN marks gaps in perspectives and modulations; units have none and are zero or more.
    """
    check_shapes(arrays, names)
    for kind in _WIDTHS:
        if np.isinf(arrays[kind]).any():
            raise data_error(names[kind], "holds infinite values", "mark gaps of the behaviour by NaN")
    lowest, highest = arrays["units"].min(), arrays["units"].max()  # NaN where there is one
    if not (lowest > -np.inf and highest < np.inf):
        raise data_error(names["units"], "holds values that are not finite", "leave out such units or trials")
    if lowest < 0:
        raise data_error(names["units"], "holds negative values", CLIP)


def data_error(name: str | Path, finding: str, remedy: str) -> PieceError:
    """The error about the array of that name, in one sentence."""
    return PieceError(f"{name} {finding}: {remedy}.")


def _frames(stimulus: np.ndarray, name: str | Path) -> int:
    if stimulus.dtype != np.uint8:
        raise data_error(name, f"holds {stimulus.dtype}", "store grey values from 0 to 255 as uint8")
    if stimulus.ndim != 4 or stimulus.shape[3] != 1 or 0 in stimulus.shape:
        finding = f"has shape {stimulus.shape}"
        raise data_error(name, finding, "store frames x rows x columns x 1, at least one frame")
    return len(stimulus)


def _check_trace(values: np.ndarray, frames: int, width: int | None, name: str | Path) -> None:
    if values.ndim != 2 or not values.shape[1] or width not in (None, values.shape[1]):
        raise data_error(name, f"has shape {values.shape}", f"store {frames} frames x {width or 'units'}")
    if len(values) != frames:
        remedy = "cut or resample both to the same frames at 30 Hz"
        raise data_error(name, f"has {len(values)} rows for the {frames} frames of its stimulus", remedy)


def _check_claim(held: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise ValueError("it holds pickled objects")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != held:
        raise ValueError(f"its header claims {shape} of {dtype}, it holds {held} bytes")


def inner_folders(folder: Path, kinds: Sequence[str]) -> list[Path]:
    """The folders of those names inside `folder`.

    Raises DataError where one is missing, with the folder to give instead if there is one.
    """
    missing = [kind for kind in kinds if not restore_folder(folder / kind).is_dir()]
    if not missing:
        return [folder / kind for kind in kinds]
    if not folder.is_dir():
        raise data_error(folder, "is not a folder", "look at the path")
    below = [inner for inner in folder.iterdir() if all((inner / kind).is_dir() for kind in kinds)]
    needed = f"give the folder that holds {', '.join(kinds)}"
    remedy = f"give {sort_by_number(map(str, below))[0]} inside it" if below else needed
    raise data_error(folder, f"has no folder {', '.join(missing)}", remedy)


def all_names(
    folders: Sequence[Path], listed: Callable[[Path], set[str]], what: str, remedy: str
) -> dict[str, PieceError | None]:
    """The names that `listed` finds in any folder, in the order of their numbers.

    With each comes None, or what is wrong where a folder lacks it. Raises DataError where no folder has any.
    """
    held = {folder: listed(folder) for folder in folders}
    every = set().union(*held.values())
    if not every:
        raise data_error(folders[0], f"holds no {what}", remedy)
    return {name: _find_lack(name, held, len(every)) for name in sort_by_number(every)}


def _find_lack(name: str, held: Mapping[Path, set[str]], number: int) -> PieceError | None:
    for folder, names in held.items():
        if name not in names:
            finding = f"lacks {name} ({number - len(names)} missing of {number} in the folders beside it)"
            return PieceError(f"{folder} {finding}: add the file or remove its namesakes.", "missing")
    return None


def npy_files(folder: Path) -> set[str]:
    """Names of the npy files in a folder without their suffix; none where there is not a folder."""
    return {file.stem for file in folder.glob("*.npy") if not file.name.startswith(".")}


def subfolders(folder: Path) -> set[str]:
    """Names of the folders in a folder."""
    return {inner.name for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith(".")}


def sort_by_number(names: Iterable[str]) -> list[str]:
    """Names sorted with the numbers in them as numbers, so that 10 comes after 9."""
    return sorted(names, key=lambda name: [_sortable(part) for part in re.split(r"(\d+)", name)])


def file_name(name: str) -> str:
    """The name itself; DataError where it cannot name a file."""
    if not re.fullmatch(r"[^\s./\\][^/\\]*", name):
        raise DataError(f"{name!r} is not a name for a file: name trials and videos by numbers or words.")
    return name


def _sortable(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() else (-1, part)


def check_replaceable(folder: str | Path, names: Iterable[str]) -> None:
    """Raises DataError where `folder` exists and holds anything but `names` and arrays in them."""
    folder, known = Path(folder), set(names)
    for path in folder.rglob("*") if folder.is_dir() else ():
        inside = path.relative_to(folder)
        if path.name == ".DS_Store":  # macOS leaves it everywhere
            continue
        ours = path.is_dir() or path.suffix in FILES or (path.suffix and str(inside) in known)
        if inside.parts[0] not in known or not ours:
            raise data_error(
                folder, f"holds {inside}, which writing there would remove", "choose another folder"
            )
