"""Damaged and hostile files of every format that is read: refused in a sentence, or read as they were.

    PYTHONPATH=benchmarks python -m reliability.mutated_files [--tries 100] [--only PATTERN] [--files 100]

Each try changes a file of a sound recording (`mutations.py`, seeded) and reads it (`formats.py`) in a process
of its own, with 20 s and 1 GiB of memory (`tries.py`). A try ends in one of these:

    refused      an error of neurokit that names a file below the folder of the try, or what lies in it
    equal        accepted, and everything that was read equals the sound reading
    said         accepted without what was bad: a warning says so, or NaN stands where NaN means a gap
                 (for what is infinite or beyond float32: the reading equals that of a file with NaN there)
    undetectable accepted and different, in a class that nothing in the file tells from sound values
    wrong        accepted and different, in a class that can be told: a defect
    foreign, hang, memory, killed: defects

Detectable is every change where a checksum stands over what is read ("all", or "data" for the content of
zips), and everywhere sizes, headers, names, types, shapes, NaN outside of gaps, infinite values, and negative
numbers in what cannot be negative.
"""

import argparse
import copy
import dataclasses
import hashlib
import os
import re
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

import record
from neurokit.files.locks import hold_lock
from reliability import mutations
from reliability.formats import Format, formats
from reliability.mutations import BYTES, INSTEAD, KEYS, ODD, SIZES, STRUCTURE, VALUES
from reliability.tries import MEMORY, SECONDS, Outcome, attempt, is_sentence

COMMAND = "PYTHONPATH=benchmarks python -m reliability.mutated_files"
NAME = "reliability_files"
ARRAYS = (*VALUES, *STRUCTURE, *KEYS)
ODD_KINDS = tuple(f"odd {number}" for number in range(len(ODD)))
CLASSES = {  # by the end of a file's name
    ".npz": (*ARRAYS, "bomb", "doubled member", "member outside", "foreign callable"),
    ".npy": ARRAYS[: -len(KEYS)],
    ".zip": (*ARRAYS, "bomb", "doubled member", "member outside"),
    ".nwb": (*ARRAYS, "link", "outer link"),
    ".h5": (*ARRAYS, "link", "outer link"),
    ".json": (*KEYS, "deep", *ODD_KINDS),
    ".csv": (*KEYS, "deep", "list", "row dropped", "row doubled", "mark", *ODD_KINDS),
    ".pth": (*ARRAYS, "foreign callable"),
    ".pt": (*ARRAYS, "foreign callable"),
}
REWRITTEN = (*ODD_KINDS, "extra", "row dropped", "row doubled")  # a sound file of other content
NO_NUMBERS = ("infinity", "beyond float32")
DEFECTS = ("wrong", "foreign", "hang", "memory", "killed", "unnamed")


@dataclasses.dataclass(frozen=True)
class Try:
    """One changed file: its path inside the recording, the class of the change, and where it was made."""

    file: str
    kind: str
    place: str = ""


def plan(form: Format, sound: Path, tries: int, random: np.random.Generator) -> Iterator[Try]:
    """Files drawn at random; classes in turn, so that each is tried."""
    files = sorted(path.relative_to(sound).as_posix() for path in sound.glob(form.files) if path.is_file())
    turn: dict[str, int] = {}
    for _ in range(tries):
        file = files[int(random.integers(len(files)))]
        ending = Path(file).suffix
        classes = (*BYTES, *SIZES, *INSTEAD, *CLASSES.get(ending, ()))
        offset = turn.setdefault(ending, 0)
        turn[ending] += 1
        yield Try(file, classes[offset % len(classes)])


def change(path: Path, each: Try, random: np.random.Generator) -> str | None:
    """Makes the change; returns its place, or None where this file cannot hold it."""
    if each.kind in INSTEAD:
        mutations.replace_file(path, each.kind)
        return ""
    content = path.read_bytes()
    if each.kind in (*BYTES, *SIZES):
        path.write_bytes(mutations.change_bytes(content, each.kind, random))
        return ""
    places = {
        ".npz": lambda: mutations.npz_places(content),
        ".zip": lambda: mutations.zip_places(content),
        ".nwb": lambda: mutations.hdf5_places(path),
        ".h5": lambda: mutations.hdf5_places(path),
        ".json": lambda: mutations.json_places(content),
        ".csv": lambda: content.decode().splitlines()[0].split(","),
        ".pth": lambda: mutations.tensor_places(content),
        ".pt": lambda: mutations.tensor_places(content),
    }.get(path.suffix, lambda: [""])()
    place = places[int(random.integers(len(places)))]
    if path.suffix in (".nwb", ".h5"):
        return place if mutations.change_hdf5(path, each.kind, random, place) else None
    changed = {
        ".npz": mutations.change_npz,
        ".zip": mutations.change_zip,
        ".json": mutations.change_json,
        ".csv": mutations.change_table,
        ".pth": mutations.change_tensors,
        ".pt": mutations.change_tensors,
        ".npy": lambda content, kind, random, place: mutations.change_npy(content, kind, random),
    }[path.suffix](content, each.kind, random, place)
    if changed is None or changed == content:
        return None
    path.write_bytes(changed)
    return place


def digest(value: Any) -> str:
    """Of all values in what was read; of names of places, times and functions nothing."""
    found = hashlib.sha256()
    _add(found, value, 0)
    return found.hexdigest()


def _add(found: Any, value: Any, depth: int) -> None:
    if depth > 12 or isinstance(value, Path) or (callable(value) and not isinstance(value, nn.Module)):
        return
    found.update(type(value).__name__.encode())
    if isinstance(value, np.ndarray | np.generic):
        values = np.asarray(value)
        found.update(f"{values.shape}{values.dtype.kind}".encode())
        found.update(repr(values.tolist()).encode() if values.dtype.hasobject else values.tobytes())
    elif isinstance(value, torch.Tensor):
        _add(found, value.detach().numpy(), depth)
    elif isinstance(value, nn.Module):
        _add(found, dict(value.state_dict()), depth + 1)
    elif isinstance(value, pd.DataFrame):
        _add(found, {str(name): column.to_numpy() for name, column in value.items()}, depth + 1)
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            found.update(str(key).encode())
            _add(found, entry, depth + 1)
    elif isinstance(value, list | tuple):
        for entry in value:
            _add(found, entry, depth + 1)
    elif isinstance(value, str | bytes | int | float | bool | None):
        found.update(repr(value).encode())
    elif hasattr(value, "__dict__") or dataclasses.is_dataclass(value):
        names = (
            [field.name for field in dataclasses.fields(value)]
            if dataclasses.is_dataclass(value)
            else vars(value)
        )
        _add(
            found, {name: getattr(value, name) for name in sorted(names) if name != "fingerprint"}, depth + 1
        )


def reading(form: Format, folder: Path) -> tuple[str, bool]:
    """The digest of what is read, and whether a warning was given."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always", UserWarning)
        found = digest(form.read(folder))
    return found, any(issubclass(warning.category, UserWarning) for warning in given)


def judge(form: Format, each: Try, place: str, found: Outcome, wanted: str, folder: Path) -> str:
    """The verdict on a try."""
    if found.kind == "refused":
        named = str(folder) in found.text or Path(each.file).name in found.text or _part(place) in found.text
        return "refused" if is_sentence(found.text) and named else "unnamed"
    if found.kind != "accepted":
        return "foreign" if found.kind == "python" else found.kind
    values, said = found.value
    if values == wanted:
        return "equal"
    where = f"{each.file}/{place}"
    if said or (each.kind == "NaN" and re.search(form.gaps, where)):
        return "said"
    return "wrong" if is_detectable(form, each.kind, where) else "undetectable"


def _part(place: str) -> str:
    return place.rpartition("/")[2] or "\0"


def is_detectable(form: Format, kind: str, where: str) -> bool:
    """Whether a class of change can be told from sound values in this format."""
    if kind in form.loose or (kind in ("missing", "renamed") and re.search(form.optional, where)):
        return False
    if kind in REWRITTEN or (kind == "negative" and re.search(form.signed, where)):
        return False
    return form.sums in ("all", "data") if kind in BYTES else True


def run_format(form: Format, work: Path, tries: int | None, seed: int) -> list[dict[str, Any]]:
    """A row for each class of change."""
    sound, folder = work / "sound", work / "try"
    shutil.rmtree(sound, ignore_errors=True)
    form.write(sound)
    _copy(sound, folder)
    wanted = [attempt(partial(reading, form, folder)) for _ in range(2)]
    if any(each.kind != "accepted" for each in wanted) or wanted[0].value != wanted[1].value:
        raise RuntimeError(f"{form.name}: the sound file is read as {wanted}")
    random = np.random.default_rng([seed, *form.name.encode()])
    rows: dict[str, list[tuple[str, str, str]]] = {}
    for each in plan(form, sound, tries or form.tries, random):
        _copy(sound, folder)
        drawn = copy.deepcopy(random)
        place = change(folder / each.file, each, random)
        if place is None:
            continue
        found = attempt(partial(reading, form, folder))
        verdict = judge(form, each, place, found, wanted[0].value[0], folder)
        if verdict == "wrong" and each.kind in NO_NUMBERS and re.search(form.gaps, f"{each.file}/{place}"):
            _copy(sound, folder)
            change(folder / each.file, Try(each.file, "NaN"), drawn)
            as_gap = attempt(partial(reading, form, folder))
            verdict = "said" if as_gap.value == found.value else verdict
        told = found.text.replace(str(work), "")
        rows.setdefault(each.kind, []).append((verdict, f"{each.file} {place}", told))
        if verdict in DEFECTS:
            print(f"{verdict}: {form.name}: {each.kind}: {each.file} {place}: {told[:300]}", flush=True)
    if (folder / "executed").exists() or Path("executed").exists():
        raise RuntimeError(f"{form.name}: code of a file was executed")
    return [_row(form, kind, found) for kind, found in sorted(rows.items())]


def _copy(sound: Path, folder: Path) -> None:
    for path in [folder] if folder.exists() else []:
        shutil.rmtree(path)
    shutil.copytree(sound, folder)


def _row(form: Format, kind: str, found: list[tuple[str, str, str]]) -> dict[str, Any]:
    verdicts = Counter(verdict for verdict, _, _ in found)
    row = {"format": form.name, "change": kind, "tries": len(found)}
    row |= {name: verdicts[name] for name in ("refused", "equal", "said", "undetectable", *DEFECTS)}
    bad = [f"{where}: {verdict} {text}"[:300] for verdict, where, text in found if verdict in DEFECTS]
    where = sorted({where.split(" ")[1] for verdict, where, _ in found if verdict == "undetectable"})
    return row | {"bad": bad, "undetectable_in": where[:8]}


def run(
    work: Path, tries: int | None = None, only: str = "", seed: int = 0
) -> Iterator[list[dict[str, Any]]]:
    """The rows of each format that fits the pattern, with everything written below `work`."""
    os.environ.update(NEUROKIT_DATA=str(work / "data"), NEUROKIT_QUIET="1", NEUROKIT_SOURCE="demo")
    before = Path.cwd()
    os.chdir(work)
    try:
        for form in formats():
            if re.search(only, form.name):
                yield run_format(form, work, tries, seed)
    finally:
        os.chdir(before)


def save(rows: list[dict[str, Any]], seed: int) -> None:
    """Writes the rows of one format into the result file, in place of its earlier ones."""
    path = record.RESULTS / f"{NAME}.json"
    with hold_lock(path):
        if path.is_file():
            rows = rows + [row for row in record.load(NAME)["rows"] if row["format"] != rows[0]["format"]]
        limits = {"seconds": SECONDS, "memory_bytes": MEMORY}
        rows.sort(key=lambda row: (row["format"], row["change"]))
        record.save(NAME, rows, command=COMMAND, seed=seed, limits=limits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, help="of each format (default: its own number; only then saved)")
    parser.add_argument(
        "--only", default="", help="formats whose name fits this pattern; others keep their rows"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        for rows in run(Path(work), options.tries, options.only, options.seed):
            verdicts = pd.DataFrame(rows).drop(columns=["bad", "undetectable_in", "change"])
            print(verdicts.groupby("format").sum().to_string(), flush=True)
            if options.tries is None:
                save(rows, options.seed)


if __name__ == "__main__":
    main()
