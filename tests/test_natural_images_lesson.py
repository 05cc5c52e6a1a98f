"""What the lesson on natural images prints is what its sentences say: read from its stored outputs."""

import re
from io import StringIO

import nbformat
import pandas as pd
import pytest

from notebook_rules import text_outputs
from tests.conftest import ROOT

LESSON = ROOT / "notebooks" / "06_natural_images.ipynb"


@pytest.fixture(scope="module")
def printed() -> str:
    book = nbformat.read(LESSON, as_version=4)
    return "\n".join(text for cell in book.cells if cell.cell_type == "code" for text in text_outputs(cell))


def number(printed: str, pattern: str) -> float:
    """The number that the first group of the pattern holds."""
    found = re.search(pattern, printed)
    assert found, pattern
    return float(found[1])


def test_a_filter_fails_on_complex_cells_and_the_cnn_mends_it(printed: str) -> None:
    lines = printed.splitlines()
    start = next(n for n, line in enumerate(lines) if line.split()[:2] == ["score", "spread"])
    table = pd.read_fwf(StringIO("\n".join(lines[start : start + 7])), index_col=0)
    assert table.loc["LN", "complex"] < 0.1 < 0.3 < table.loc["LN", "simple"]
    assert table.loc["CNN", "complex"] > 0.25
    assert abs(table.loc["CNN", "simple"] - table.loc["LN", "simple"]) < 0.1
    assert table.loc["CNN + behaviour", "score"] > table.loc["CNN", "ceiling"]
    assert table.loc["30 epochs", "share"] > 0.85 > table.loc["CNN + behaviour", "share"]
    assert table.loc["untrained", "share"] < 0.2


def test_a_readout_position_is_not_a_receptive_field(printed: str) -> None:
    distance = {
        name: number(printed, rf"{re.escape(name)} +([\d.]+) px")
        for name in (
            "field, from gradients",
            "of another neuron",
            "readout position",
            "position + shift",
        )
    }
    assert distance["field, from gradients"] < 1.5 > distance["position + shift"]
    assert min(distance["readout position"], distance["of another neuron"]) > 3


def test_fields_are_the_planted_ones_and_not_those_of_other_neurons(printed: str) -> None:
    assert number(printed, r"its own Gabor: (-?[\d.]+)") > 0.6
    assert number(printed, r"another's Gabor: (-?[\d.]+)") < 0.2
    inside = number(printed, r"trained ([\d.]+), another's")
    assert inside > 0.6
    for control in (r"another's circle ([\d.]+)", r"untrained ([\d.]+), chance", r"chance by area ([\d.]+)"):
        assert inside > 2 * number(printed, control)


def test_maps_of_a_complex_cell_depend_on_the_baseline(printed: str) -> None:
    assert number(printed, r"simple cell (-?[\d.]+), complex") > 0.6
    assert number(printed, r"complex cell (-?[\d.]+)\n") < 0.4


def test_most_of_a_most_exciting_image_is_its_gabor(printed: str) -> None:
    assert [int(share) > 50 for share in re.findall(r", (\d+)% of the energy", printed)] == [True, True]
