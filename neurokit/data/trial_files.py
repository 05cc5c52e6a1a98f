"""Which files a trial folder holds: the same names in each of its folders, in the order of their numbers."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from neurokit.data.trial_arrays import bad
from neurokit.errors import DataError


def inner_folders(folder: Path, kinds: Sequence[str]) -> list[Path]:
    """The folders of those names inside `folder`.

    Raises DataError where one is missing, with the folder to give instead where that can be seen.
    """
    missing = [kind for kind in kinds if not (folder / kind).is_dir()]
    if not missing:
        return [folder / kind for kind in kinds]
    if not folder.is_dir():
        raise bad(folder, "is no folder", "look at the path")
    below = [inner for inner in folder.iterdir() if all((inner / kind).is_dir() for kind in kinds)]
    needed = f"give the folder that holds {', '.join(kinds)}"
    remedy = f"give {in_order(map(str, below))[0]} inside it" if below else needed
    raise bad(folder, f"has no folder {', '.join(missing)}", remedy)


def shared_names(
    folders: Sequence[Path], listed: Callable[[Path], set[str]], what: str, remedy: str
) -> list[str]:
    """The names that `listed` finds in each folder; DataError where one has fewer or all have none."""
    held = {folder: listed(folder) for folder in folders}
    every = set().union(*held.values())
    if not every:
        raise bad(folders[0], f"holds no {what}", remedy)
    for folder, names in held.items():
        if missing := in_order(every - names):
            finding = f"lacks {missing[0]} ({len(missing)} missing of {len(every)} in the folders beside it)"
            raise bad(folder, finding, "add the file or remove its namesakes")
    return in_order(every)


def npy_files(folder: Path) -> set[str]:
    """Names of the npy files in a folder without their suffix; none where there is no folder."""
    return {file.stem for file in folder.glob("*.npy") if not file.name.startswith(".")}


def subfolders(folder: Path) -> set[str]:
    """Names of the folders in a folder."""
    return {inner.name for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith(".")}


def in_order(names: Iterable[str]) -> list[str]:
    """Names sorted with the numbers in them as numbers, so that 10 comes after 9."""
    return sorted(names, key=lambda name: [_sortable(part) for part in re.split(r"(\d+)", name)])


def file_name(name: str) -> str:
    """The name itself; DataError where it is no name of a file."""
    if not re.fullmatch(r"[^\s./\\][^/\\]*", name):
        raise DataError(f"{name!r} is no name for a file: name trials and videos by numbers or words.")
    return name


def _sortable(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() else (-1, part)
