"""What may stand where a trial folder is written: it is replaced, and nobody's other files go with it."""

from collections.abc import Iterable
from pathlib import Path

from neurokit.data.trial_arrays import bad

FILES = (".npy", ".npz")  # the only kinds of file in trial folders and recordings


def check_replaceable(folder: str | Path, names: Iterable[str]) -> None:
    """Raises DataError where `folder` is there and holds anything but `names` and arrays in them."""
    folder, known = Path(folder), set(names)
    for path in folder.rglob("*") if folder.is_dir() else ():
        inside = path.relative_to(folder)
        if path.name == ".DS_Store":  # macOS leaves it everywhere
            continue
        if inside.parts[0] not in known or not (path.is_dir() or path.suffix in FILES):
            raise bad(folder, f"holds {inside}, which writing there would remove", "choose another folder")
