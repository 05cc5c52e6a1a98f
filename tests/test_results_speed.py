"""What book/speed.md and book/scale.md say is what the result files say, beside the aims we set out with."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # nothing here changes with the code

AIMS = {  # the least number of times that ours is to be faster or smaller, row by row
    "speed_loading": [3, 15, 25, 4],
    "speed_training_step": [1.5, 1.5, 2, 3, 3, 4],
    "speed_readout": [1.6, 6],
    "speed_correlation": [2.5, 5, 1],
    "speed_predictions": [10, 1],
    "speed_integrated_gradients": [8, 2.2],
    "speed_v1_transformer": [1.25, 2, 1.25, 2, 0.95, 0.95],
    "speed_foundation": [0.95, 1],
}


def rows(root: Path, name: str) -> list[list[dict[str, Any]]]:
    """The rows of a benchmark's result files, one file a machine."""
    found = sorted((root / "benchmarks" / "results").glob(f"{name}-*.json"))
    assert found, f"{name} was measured nowhere"
    return [json.loads(path.read_text(encoding="utf-8"))["rows"] for path in found]


MISSED = "V1Transformer by default, step"  # attention is a small part of it; book/speed.md says so


@pytest.mark.parametrize("name", AIMS)
def test_every_aim_but_one_is_reached_by_the_median_round(root: Path, name: str) -> None:
    for measured in rows(root, name):
        assert sorted(row["aim"] for row in measured) == sorted(AIMS[name])
        assert all(row["ratio"] >= row["aim"] for row in measured if row["work"] != MISSED)


@pytest.mark.parametrize("name", AIMS)
def test_ours_equalled_the_peer_before_it_was_timed(root: Path, name: str) -> None:
    for measured in rows(root, name):
        assert all(row["largest_difference"] < 1e-2 for row in measured if "rounds" in row)


def test_all_notebooks_run_in_ten_minutes(root: Path) -> None:
    for *each, every in rows(root, "speed_notebooks"):
        assert len(each) == 8 and every["seconds"] <= every["aim"] == 600


def test_two_workers_do_more_than_one_and_find_the_same(root: Path) -> None:
    for measured in rows(root, "ray_throughput"):
        assert {row["work"] for row in measured} == {"trials", "members"}
        assert all(row["scores_equal"] and 1.5 < row["ratio"] < 2.2 for row in measured)


def test_a_stream_of_video_takes_the_same_memory_however_long(root: Path) -> None:
    for measured in rows(root, "growth"):
        streams = [row for row in measured if "frame by frame" in row["what"] and "sizes" in row]
        window = next(row for row in measured if "gradients of a window" in row["what"] and "sizes" in row)
        assert streams and all(abs(row["mb_exponent"]) < 0.15 for row in streams)
        assert window["mb_exponent"] > 0.8  # what a stream is spared
