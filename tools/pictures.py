"""The pictures of a notebook, made small, and told in words for readers who do not see them.

128 colours are enough for a plot, and a third of the bytes. The words of a picture stand in the metadata of
its cell, under `alt`, where a run of the notebook leaves them; readers look for them in the output's.
"""

import base64
import html
import io

import nbformat
from PIL import Image

COLOURS = 128  # with fewer, the rare ends of a colour map merge
UNTOLD = 'alt="No description has been provided for this image"'  # nbconvert's words for every picture


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


def tell_pictures(book: nbformat.NotebookNode) -> None:
    """Copies the alternative text of every cell to its pictures."""
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}) and "alt" in cell.metadata:
                output["metadata"] = {
                    **output.get("metadata", {}),
                    "image/png": {"alt": cell.metadata["alt"]},
                }


def told_page(page: str, book: nbformat.NotebookNode) -> str:
    """nbconvert's page of a notebook with the words of each picture in their place."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    for output in outputs:
        if "image/png" in output.get("data", {}):
            words = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            page = page.replace(UNTOLD, f'alt="{html.escape(words)}"', 1)
    return page
