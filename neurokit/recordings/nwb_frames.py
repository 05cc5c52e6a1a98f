"""The images and movies in an NWB 2 file, without holding in memory what is large.

Letters: F frames, H x W pixels.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Real

from neurokit.recordings.nwb_series import NUMBERS, Nwb

SMALL = 2**27  # bytes of a movie that is read at once; a larger one is mapped
PIECE = 2**24  # bytes that are read at a time
MOST_IMAGES = 100_000
COLOURS = (3, 4)  # lengths of a last axis that holds red, green, blue, and opacity
CALLED = re.compile(r"_(image_stack|images?|templates?|stimulus|stimuli|presentations?)$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Template:
    """Images or a movie in the file.

    Attributes:
        place: the group.
        frames: how many, F.
        names: of the images, where they have any.
    """

    place: str
    frames: int
    names: Sequence[str] = ()


def plain_name(name: str) -> str:
    """The name of a stimulus without the words that files add, such as natural_movie_one_image_stack."""
    while (shorter := CALLED.sub("", name)) not in (name, ""):
        name = shorter
    return name


def find_template(nwb: Nwb, place: str) -> Template | None:
    """The images or the movie of a group; None where it holds none, such as a movie in another file."""
    data = nwb.stored.find(f"{place}/data")
    if isinstance(data, h5py.Dataset):
        if data.ndim not in (3, 4) or not data.size:
            return None
        described = f"{place}/control_description"
        names = nwb.stored.texts(described) if nwb.has(described) else []
        return Template(place, len(data), names if len(names) == len(data) else ())
    names = _ordered_images(nwb, place)
    return Template(place, len(names), names) if names else None


def read_frames(nwb: Nwb, template: Template, path: Path | None) -> Real[np.ndarray, "F H W"] | None:
    """Grey values as stored; colours are averaged. None, with a note, for images of unequal size.

    What is large is mapped: from the file itself at `path` where it lies there in one piece, else from a
    temporary file that ends with the program.
    """
    if nwb.has(f"{template.place}/data"):
        return _read_movie(nwb, f"{template.place}/data", path)
    images = [_read_image(nwb, f"{template.place}/{name}") for name in template.names]
    sizes = {image.shape for image in images}
    if len(sizes) > 1:
        listed = ", ".join(f"{height} x {width}" for height, width in sorted(sizes)[:3])
        nwb.note(f"{template.place}: images of unequal size ({listed}) are left out.")
        return None
    return np.stack(images)


def _read_movie(nwb: Nwb, place: str, path: Path | None) -> Real[np.ndarray, "F H W"]:
    stored = nwb.stored.array(place, NUMBERS)
    if stored.ndim == 4 and stored.shape[3] not in (1, *COLOURS):
        raise nwb.stored.error(place, f"has the shape {stored.shape}, not frames x height x width")
    offset = stored.id.get_offset()
    plain = stored.ndim == 3 and stored.chunks is None and not stored.id.get_create_plist().get_nfilters()
    if plain and path is not None and offset is not None and offset + stored.nbytes <= nwb.stored.size:
        return np.memmap(path, stored.dtype, "r", offset, stored.shape)
    if stored.ndim == 4:
        nwb.note(f"{place}: colours are averaged to grey.")
    dtype = stored.dtype if stored.ndim == 3 else np.dtype(np.float32)
    frames = _empty(stored.shape[:3], dtype)
    step = max(1, PIECE // max(stored.dtype.itemsize * int(np.prod(stored.shape[1:])), 1))
    for first in range(0, len(stored), step):
        piece = stored[first : first + step]
        frames[first : first + step] = piece if piece.ndim == 3 else _grey(piece)
    return frames


def _empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    if dtype.itemsize * int(np.prod(shape)) <= SMALL:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:  # its map stays, and takes it along
        return np.memmap(file, dtype, "w+", shape=shape)


def _grey(pixels: Real[np.ndarray, "... C"]) -> Real[np.ndarray, "..."]:
    return pixels[..., :3].mean(axis=-1, dtype=np.float32)


def _read_image(nwb: Nwb, place: str) -> Real[np.ndarray, "H W"]:
    pixels = nwb.stored.read(place, NUMBERS)
    if pixels.ndim == 3 and pixels.shape[2] in COLOURS:
        nwb.note(f"{place.rsplit('/', 1)[0]}: colours are averaged to grey.")
        return _grey(pixels)
    if pixels.ndim != 2 or not pixels.size:
        raise nwb.stored.error(place, f"has the shape {pixels.shape}, not height x width")
    return pixels


def _ordered_images(nwb: Nwb, place: str) -> list[str]:
    """Names of the images of a group, in the order that it gives, or that of the numbers in them."""
    names = [
        name
        for name in nwb.names(place)
        if isinstance(found := nwb.stored.find(f"{place}/{name}"), h5py.Dataset)
        and found.ndim in (2, 3)
        and found.dtype.kind in NUMBERS
    ]
    if len(names) > MOST_IMAGES:
        raise nwb.stored.error(place, f"has more than {MOST_IMAGES} images")
    given = f"{place}/order_of_images"
    if nwb.has(given):
        order = nwb.stored.array(given, "O", (None,))[()]
        ordered = [nwb.reference(given, each).rsplit("/", 1)[-1] for each in order]
        if sorted(ordered) != names:
            raise nwb.stored.error(given, f"orders {len(ordered)} images, and there are {len(names)}")
        return ordered
    return sorted(names, key=_natural)


def _natural(name: str) -> list[tuple[bool, int | str]]:
    """So that image10 comes after image9."""
    parts = re.findall(r"\d+|\D+", name)
    return [(not part.isdigit(), int(part) if part.isdigit() else part) for part in parts]
