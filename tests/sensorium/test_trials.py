"""The order of a scan's trials, and the seven scans that were published."""

import re

import numpy as np
import pytest

from neurokit.files.registry import read_registry
from neurokit.sensorium.files import presentation_order
from neurokit.sensorium.recording import SCANS


def stamp(second: int) -> str:
    return f"Timestamp('2019-05-04 10:00:{second:02d}')"


HASHES = np.array(["b", "a", "d", "c"])


@pytest.mark.parametrize(
    ("ids", "stamps", "rank", "known"),
    [
        (np.array([40, -1, 7, 8]), None, [3, 0, 1, 2], True),
        (np.array([40, -1, 7, 8]), [stamp(0)] * 4, [3, 0, 1, 2], True),
        (HASHES, [stamp(9), stamp(10), stamp(2), stamp(1)], [2, 3, 1, 0], True),
        (HASHES, [stamp(5), stamp(4), stamp(5), stamp(4)], [2, 0, 3, 1], True),
        (HASHES, [f"2019-05-04T10:00:00.{tenth}" for tenth in (4, 1, 3, 2)], [3, 0, 2, 1], True),
        (HASHES, ["__import__('os')"] * 4, [0, 1, 2, 3], False),
        (HASHES, [stamp(1), stamp(2), stamp(3), "NaT"], [0, 1, 2, 3], False),
        (HASHES, [stamp(77)] * 4, [0, 1, 2, 3], False),
        (HASHES, None, [0, 1, 2, 3], False),
    ],
)
def test_order_of_presentation(
    ids: np.ndarray, stamps: list[str] | None, rank: list[int], known: bool
) -> None:
    found, ordered = presentation_order(ids, None if stamps is None else np.array(stamps))
    assert (found.tolist(), ordered) == (rank, known)


def test_trials_of_the_same_second_keep_the_order_of_the_files() -> None:
    """Many ties: an unstable sort shuffles them."""
    seconds = np.random.default_rng(0).integers(0, 60, 900)
    rank, _ = presentation_order(np.full(900, "x"), np.array([stamp(second) for second in seconds]))
    in_time = np.argsort(rank)
    assert sorted(rank) == list(range(900))
    for second in range(60):
        files = in_time[seconds[in_time] == second]
        assert (np.diff(files) > 0).all()
    assert (np.diff(seconds[in_time]) >= 0).all()


def test_the_seven_published_scans_are_in_the_registry() -> None:
    entries = {name: entry for name, entry in read_registry().items() if entry.recording == "sensorium2022"}
    assert entries.keys() == {scan.archive for scan in SCANS.values()}
    assert len(SCANS) == 7
    for key, scan in SCANS.items():
        assert re.fullmatch(rf"static{key}-GrayImageNet-[0-9a-f]{{32}}\.zip", scan.archive)
        assert "arXiv:2206.08666" in entries[scan.archive].citation
        assert all(url.endswith(f"/{scan.archive}") for url in entries[scan.archive].urls)
    five = sum(scan.neurons for scan in SCANS.values() if not scan.track)
    assert (five, sum(scan.neurons for scan in SCANS.values())) == (39_255, 54_569)  # the published sums
