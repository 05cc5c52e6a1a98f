"""Pictures of notebooks are made small without changing what they show."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from pictures import shrink_pictures, shrunk, tell_pictures, told_page


def plot() -> bytes:
    figure, axis = plt.subplots(figsize=(5, 3))
    axis.imshow(np.random.default_rng(0).random((8, 8)), cmap="gray")
    axis.plot(np.arange(8), color="C1")
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=80)
    plt.close(figure)
    return buffer.getvalue()


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


def test_a_plot_shrinks_to_less_than_half_and_looks_the_same() -> None:
    before = plot()
    after = shrunk(before)
    assert len(after) < 0.5 * len(before)
    difference = np.abs(pixels(after) - pixels(before)).max(axis=2)
    assert difference.mean() < 2
    assert np.percentile(difference, 99) < 25


def test_all_pictures_of_a_notebook_shrink_and_nothing_else_changes() -> None:
    data = {"image/png": base64.b64encode(plot()).decode(), "text/plain": "<Figure>"}
    book = new_notebook(cells=[new_code_cell("x", outputs=[new_output("display_data", data=data)])])
    shrink_pictures(book)
    shown = book.cells[0].outputs[0].data
    assert len(shown["image/png"]) < 0.5 * len(data["image/png"])
    assert shown["text/plain"] == "<Figure>"
    assert book.cells[0].source == "x"


def test_the_words_of_a_cell_reach_its_pictures_and_the_page() -> None:
    data = {"image/png": base64.b64encode(plot()).decode(), "text/plain": "<Figure>"}
    cells = [
        new_code_cell(
            "x", outputs=[new_output("display_data", data=data)], metadata={"alt": "A rising line."}
        ),
        new_code_cell("y", outputs=[new_output("display_data", data=data)]),
        new_code_cell("z", outputs=[new_output("stream", text="3")], metadata={"alt": "Not of a picture."}),
    ]
    book = new_notebook(cells=cells)
    tell_pictures(book)
    told, silent, printed = (cell.outputs[0] for cell in book.cells)
    assert told.metadata == {"image/png": {"alt": "A rising line."}}
    assert silent.metadata == {} and "metadata" not in printed
    page, _ = HTMLExporter().from_notebook_node(book)
    assert re.findall('alt="[^"]*"', told_page(page, book)) == ['alt="A rising line."', 'alt=""']
