"""The pictures of a notebook, made small: 64 colours are enough for a plot, and a third of the bytes."""

import base64
import io

import nbformat
from PIL import Image

COLOURS = 64


def shrink_pictures(book: nbformat.NotebookNode) -> None:
    """Replaces every PNG among the outputs by its palette version, where that is smaller."""
    for cell in book.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                before = base64.b64decode(data["image/png"])
                data["image/png"] = base64.b64encode(min(before, shrunk(before), key=len)).decode() + "\n"


def shrunk(png: bytes) -> bytes:
    """The same picture with a palette of its own, without transparency, which plots here do not use."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(white, picture).convert("RGB")
    out = io.BytesIO()
    flat.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
