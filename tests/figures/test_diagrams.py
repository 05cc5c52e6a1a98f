"""Diagrams say in words what they show, keep to one style, and each is used; their text stays inside."""

import re
import xml.etree.ElementTree as Tree
from pathlib import Path

import numpy as np
import pytest
from matplotlib.textpath import TextPath

from neurokit.figures.style import COLOURS, GREY, INK

ROOT = Path(__file__).resolve().parents[2]
DIAGRAMS = sorted((ROOT / "figures" / "diagrams").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
COLOUR = re.compile(r"#[0-9a-fA-F]{3,6}\b")
TAKEN = {colour.lower() for colour in (*COLOURS, GREY, INK, "#ffffff")}


def faults(text: str) -> list[str]:
    """All that is wrong with a diagram."""
    image = Tree.fromstring(text)
    found = [f"no {name}" for name in ("title", "desc") if not (image.findtext(f"{SVG}{name}") or "").strip()]
    if image.get("role") != "img" or not image.get("viewBox"):
        found.append("no role img, or no viewBox")
        return found
    strange = {colour for colour in COLOUR.findall(text) if colour.lower() not in TAKEN and _tinted(colour)}
    found += [f"the colour {colour}" for colour in sorted(strange)]
    width = float(image.get("viewBox", "").split()[2])
    for element in image.iter(f"{SVG}text"):
        said = "".join(element.itertext())
        left, right = _reach(element, said, _size(image, element), _anchor(image, element))
        if left < -1 or right > width + 1:
            found.append(f"text that leaves the picture: {said!r}")
    return found


def _tinted(colour: str) -> bool:
    """Whether it is neither a grey nor a colour of the style, mixed with white or not."""
    rgb = _parts(colour)
    if rgb.max() - rgb.min() <= 40:
        return False
    away = 255 - np.array([_parts(each) for each in (*COLOURS, INK)])  # from white
    share = ((255 - rgb) @ away.T / (away**2).sum(axis=1)).clip(0, 1)
    return bool(np.abs(share[:, None] * away - (255 - rgb)).max(axis=1).min() > 6)


def _parts(colour: str) -> np.ndarray:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return np.array([int(digits[place : place + 2], 16) for place in (0, 2, 4)])


def _parents(image: Tree.Element) -> dict[Tree.Element, Tree.Element]:
    return {child: parent for parent in image.iter() for child in parent}


def _inherited(image: Tree.Element, element: Tree.Element, name: str, default: str) -> str:
    parents, here = _parents(image), element
    while here is not None:
        if here.get(name):
            return str(here.get(name))
        here = parents.get(here)  # type: ignore[assignment]
    return default


def _size(image: Tree.Element, element: Tree.Element) -> float:
    return float(_inherited(image, element, "font-size", "13").removesuffix("px"))


def _anchor(image: Tree.Element, element: Tree.Element) -> str:
    return _inherited(image, element, "text-anchor", "start")


def _reach(element: Tree.Element, said: str, size: float, anchor: str) -> tuple[float, float]:
    """From where to where a text reaches in DejaVu Sans; what is turned is taken as it is."""
    x, long = float(element.get("x", "0").split()[0]), TextPath((0, 0), said, size=size).get_extents().width
    if element.get("transform"):
        return 0, 0
    start = {"start": x, "middle": x - long / 2, "end": x - long}[anchor]
    return start, start + long


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_a_diagram_keeps_the_style(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_a_diagram_is_used(path: Path) -> None:
    pages = [*(ROOT / "notebooks").glob("*.ipynb"), ROOT / "README.md", *(ROOT / "book").rglob("*.md")]
    assert any(f"figures/diagrams/{path.name}" in page.read_text(encoding="utf-8") for page in pages)


GOOD = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 20" role="img" font-size="13">
<title>A box</title><desc>A box with a word.</desc><rect fill="#ffffff" stroke="{INK}"/>
<text x="50" y="10" text-anchor="middle">word</text></svg>"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("A box</title>", "</title>", "no title"),
        ("A box with a word.", " ", "no desc"),
        (' role="img"', "", "no role img"),
        (INK, "#ff00ff", "the colour #ff00ff"),
        (">word<", ">a very long sentence<", "leaves the picture"),
        ('x="50"', 'x="95"', "leaves the picture"),
    ],
)
def test_a_spoilt_diagram_is_noticed(old: str, new: str, says: str) -> None:
    assert faults(GOOD) == [] and old in GOOD
    assert any(says in fault for fault in faults(GOOD.replace(old, new)))
