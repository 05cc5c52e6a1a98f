"""The screen of an experanto session: which images and videos were shown, and when each frame was.

experanto writes one file for each presentation. Here presentations of one content are repeats of one
stimulus: those with the same `image_name`, or whose files hold the same values; the keys `stimulus` and
`frame`, where a `meta/00000.yml` has them, say it themselves.

Letters: F frames, H x W pixels, K presentations.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int, Real

from neurokit.errors import DataError, read_from
from neurokit.files.archives import map_npy, read_npy
from neurokit.files.reading import check_is_file
from neurokit.recordings.beside import as_numbers
from neurokit.recordings.recording import Stimulus
from neurokit.recordings.yaml_files import MOST_BYTES, number, read_yaml

KINDS: Mapping[str, Literal["images", "movie"]] = {"image": "images", "video": "movie"}
BLANKS = ("blank", "invalid")  # nothing was on the screen; what was on it is not known
MOST_FRAMES = 2**31  # of a stimulus
PARTS = {"val": "validation"}
PICTURES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, eq=False)
class _Shown:
    """One presentation: its frames (None: blank), where they lie and are in a stimulus, when they began."""

    stimulus: str
    kind: Literal["images", "movie"]
    frames: Real[np.ndarray, "F H W"] | None
    file: Path | None
    place: int | None
    time: Float[np.ndarray, "F"]
    part: str


def read_intervals(folder: Path, meta: Mapping[str, Any]) -> dict[str, Float[np.ndarray, "_ 2"]]:
    """Rows (start, end), s, of each label of a folder of intervals."""
    labels = meta.get("labels")
    if not isinstance(labels, dict):
        raise DataError(f"{folder}: labels in meta.yml is {labels!r}; name the file of each label.")
    found = {}
    for label, name in labels.items():
        if Path(str(name)).name != str(name):
            raise DataError(f"{folder}: the file {name!r} of {label} lies elsewhere; name a file beside it.")
        rows = read_npy(folder / str(name))
        if rows.ndim != 2 or rows.shape[1:] != (2,) or rows.dtype.kind not in "iuf":
            raise DataError(f"{folder / str(name)} has shape {rows.shape}; write rows of start and end.")
        found[str(label)] = rows.astype(float)
    return found


def read_screen(
    folder: Path, intervals: Mapping[str, Float[np.ndarray, "_ 2"]], notes: list[str]
) -> list[Stimulus]:
    """The stimuli of a screen, in order of their first presentation.

    `intervals` give the part of presentations that have none of their own. Frames without a time are left
    out. Raises DataError where a file is missing, damaged or of other frames than its description.
    """
    times = read_npy(folder / "timestamps.npy").reshape(-1)
    if times.dtype.kind not in "iuf":
        raise DataError(f"{folder / 'timestamps.npy'} holds {times.dtype}; write the s of each frame.")
    described = _descriptions(folder)
    presentations = [_read_one(folder, name, meta, times.astype(float)) for name, meta in described.items()]
    known = [each for each in presentations if each is not None]
    if unknown := len(presentations) - len(known):
        notes.append(f"{folder.name}: {unknown} trials are marked invalid: left out.")
    with read_from(folder):
        return [_gather(name, group, intervals, notes) for name, group in _groups(known).items()]


def _descriptions(folder: Path) -> dict[str, dict[str, Any]]:
    files = sorted(each for each in (folder / "meta").glob("*.yml") if re.fullmatch(r"\d+", each.stem))
    if files:
        return {each.stem: read_yaml(each) for each in sorted(files, key=lambda file: int(file.stem))}
    combined = folder / "combined_meta.json"
    if not combined.is_file():
        raise DataError(f"{folder} describes no trial: it has neither meta/00000.yml nor combined_meta.json.")
    if check_is_file(combined).stat().st_size > 16 * MOST_BYTES:
        raise DataError(f"{combined} is too large for a description of trials; copy the file again.")
    try:
        found = json.loads(combined.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{combined} is no JSON ({error}); copy the file again.") from error
    fits = isinstance(found, dict) and all(isinstance(each, dict) for each in found.values())
    if not fits or not all(re.fullmatch(r"\d+", each) for each in found):
        raise DataError(f"{combined} is not of trials by number; copy the file again.")
    return {name: found[name] for name in sorted(found, key=int)}


def _read_one(folder: Path, name: str, meta: Mapping[str, Any], times: np.ndarray) -> _Shown | None:
    modality, where = str(meta.get("modality")).lower(), folder / "meta" / f"{name}.yml"
    if modality not in KINDS and modality not in BLANKS:
        raise DataError(f"{where}: modality is {meta.get('modality')!r}; write image, video or blank.")
    if modality == "invalid":
        return None
    first = int(number(where, meta, "first_frame_idx", least=0))
    count = int(number(where, meta, "num_frames", least=1)) if modality == "video" else 1
    if first + count > len(times):
        raise DataError(
            f"{where}: frames {first} to {first + count - 1} are of this trial, and timestamps.npy has "
            f"{len(times)} times; give a time for each frame."
        )
    frames, file = None, None
    if modality in KINDS:
        file = _find(folder, name, meta)
        frames = _as_frames(file, _load(file))
        if len(frames) != count:
            raise DataError(f"{file} holds {len(frames)} frames, and {where.name} says {count}; correct one.")
    place, part = meta.get("frame"), str(meta.get("tier") or "")
    return _Shown(
        stimulus=str(meta.get("stimulus", "")),
        kind=KINDS.get(modality, "images"),
        frames=frames,
        file=file,
        place=place if isinstance(place, int) and 0 <= place < MOST_FRAMES else None,
        time=times[first : first + count],
        part=PARTS.get(part, part),
    )


def _find(folder: Path, name: str, meta: Mapping[str, Any]) -> Path:
    """The file of a trial: of its own number, or of an image that several trials name."""
    own = [folder / "data" / f"{name}{suffix}" for suffix in (".npy", *PICTURES)]
    shared, image = [], str(meta.get("image_name") or "")
    if image and Path(image).name == image:
        shared = [
            place / f"{image}{suffix}"
            for place in (folder / "data", folder.parent / "stimuli", folder.parent.parent / "stimuli")
            for suffix in (".npy", *PICTURES)
        ]
    found = next((each for each in (*own, *shared) if each.is_file()), None)
    if found is not None:
        return found
    if (video := own[0].with_suffix(".mp4")).is_file() or str(meta.get("file_format")) == ".mp4":
        raise DataError(
            f"{video} is a compressed video, which is not read; write its frames as {own[0].name}."
        )
    raise DataError(f"{own[0]} is missing; trial {name} of the screen has no frames without it.")


def _load(file: Path) -> np.ndarray:
    if file.suffix == ".npy":
        return map_npy(file)
    check_is_file(file)
    from PIL import Image  # which matplotlib needs anyway

    try:
        with Image.open(file) as picture:
            return np.asarray(picture.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} cannot be read ({error}); copy the file again.") from error


def _as_frames(file: Path, values: np.ndarray) -> Real[np.ndarray, "F H W"]:
    """Grey frames, F x H x W, of an image or a video, with or without an axis of one channel."""
    if values.ndim == 4 and 1 in (values.shape[1], values.shape[3]):
        values = values[:, 0] if values.shape[1] == 1 else values[..., 0]
    if values.ndim == 2:
        values = values[None]
    elif values.ndim == 3 and values.shape[2] == 1:
        values = np.moveaxis(values, 2, 0)
    if values.ndim != 3 or values.shape[2] == 3 or values.dtype.kind not in "biuf" or not values.size:
        raise DataError(
            f"{file} holds {values.dtype} of shape {values.shape}; write grey values, frames x height "
            "x width."
        )
    return as_numbers(values)


def _digest(frames: np.ndarray) -> str:
    content = hashlib.sha256(f"{frames.dtype.str} {frames.shape}".encode())
    content.update(np.ascontiguousarray(frames).data)
    return content.hexdigest()


def _groups(presentations: Iterable[_Shown]) -> dict[str, list[_Shown]]:
    """Presentations by stimulus: the one they name, else all images, and all videos, of one size.

    A blank that names none goes with what came before it, or first after it.
    """
    found: dict[str, list[_Shown]] = {}
    last: str | None = None
    early: list[_Shown] = []
    for each in presentations:
        name: str | None = each.stimulus
        if not name and each.frames is not None:
            name = each.kind
            sizes = [other.frames.shape[1:] for other in found.get(name, []) if other.frames is not None]
            if sizes and each.frames.shape[1:] != sizes[0]:
                name = f"{name}_{each.frames.shape[1]}x{each.frames.shape[2]}"
        name = name or last
        if name is None:
            early.append(each)
            continue
        found.setdefault(name, []).extend([*early, each])
        last, early = name, []
    return found


def _gather(
    name: str,
    group: Sequence[_Shown],
    intervals: Mapping[str, Float[np.ndarray, "_ 2"]],
    notes: list[str],
) -> Stimulus:
    pictures = [each for each in group if each.frames is not None]
    if not pictures:
        raise DataError(f"{name}: only blanks were shown; describe at least one image or video.")
    with read_from(name):
        frames, places = _by_place(pictures) or _by_content(pictures)
    shown = iter(places)
    of_each = [np.full(1, -1) if each.frames is None else next(shown) for each in group]
    time = np.concatenate([each.time for each in group])
    parts = np.repeat([each.part for each in group], [len(each.time) for each in group])
    parts = _fill_parts(parts, time, intervals)
    known, all_shown = np.isfinite(time), np.concatenate(of_each)
    if not known.all():
        notes.append(f"{name}: {int((~known).sum())} of {len(time)} frames have no time: left out.")
    return Stimulus(
        name=name,
        kind=pictures[0].kind,
        frames=frames,
        shown=all_shown[known],
        time=time[known],
        part=parts[known] if (parts != "").any() else None,
    )


def _by_place(
    pictures: Sequence[_Shown],
) -> tuple[Real[np.ndarray, "F H W"], list[Int[np.ndarray, "_"]]] | None:
    """Frames where the recording itself says which they are; None where it does not for all of them."""
    places = [each.place + np.arange(len(each.time)) for each in pictures if each.place is not None]
    if len(places) < len(pictures):
        return None
    numbers, inverse = np.unique(np.concatenate(places), return_inverse=True)
    found = [each.frames for each in pictures if each.frames is not None]
    frames = np.empty((len(numbers), *_one_size(found)), np.result_type(*(each.dtype for each in found)))
    filled = np.zeros(len(numbers), bool)
    for each, where in zip(found, places, strict=True):
        rows = np.searchsorted(numbers, where)
        again = filled[rows]
        if not np.array_equal(frames[rows[again]], np.asarray(each)[again]):
            raise DataError(f"frame {where[again][0]} and those after it were shown with different pictures.")
        if not filled[rows].all():
            frames[rows], filled[rows] = each, True
    return frames, np.split(inverse.reshape(-1), np.cumsum([len(each) for each in places])[:-1])


def _by_content(
    pictures: Sequence[_Shown],
) -> tuple[Real[np.ndarray, "F H W"], list[Int[np.ndarray, "_"]]]:
    """Frames of each content once, one content after the other, and which each presentation showed."""
    first: dict[str, int] = {}
    digests: dict[Path, str] = {}
    kept, total, places = [], 0, []
    for each in pictures:
        assert each.frames is not None and each.file is not None
        file = each.file.resolve()  # several trials may show one
        if file not in digests:
            digests[file] = _digest(each.frames)
        if (content := digests[file]) not in first:
            first[content] = total
            kept.append(each.frames)
            total += len(each.frames)
        places.append(first[content] + np.arange(len(each.frames)))
    _one_size(kept)
    return np.concatenate(kept), places


def _one_size(frames: Sequence[np.ndarray]) -> tuple[int, ...]:
    sizes = sorted({each.shape[1:] for each in frames})
    if len(sizes) > 1:
        raise DataError(
            f"frames of {sizes[0]} and {sizes[1]} pixels are of one stimulus; give each its own name."
        )
    return sizes[0]


def _fill_parts(
    parts: np.ndarray, time: np.ndarray, intervals: Mapping[str, Float[np.ndarray, "_ 2"]]
) -> np.ndarray:
    """The parts, and where there is none the label of an interval that holds its time."""
    found = parts.astype(object)
    for label, rows in intervals.items():
        inside = ((time[:, None] >= rows[:, 0]) & (time[:, None] < rows[:, 1])).any(axis=1)
        found[(found == "") & inside] = PARTS.get(label, label)
    return found.astype(str)
