"""The proofs that nothing is lost: what their files claim, what their judges see, and they in small."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import record
import reliability_proofs
from reliability import trying
from reliability.kills import Count, Target
from reliability.replaced import Clock, timed_checks, without_checks
from reliability.trying import Place
from reliability.works import Named

slow = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.clear(tmp_path / "nothing")
    return made


# --- what the result files claim


def measured(name: str) -> list[dict]:
    """The rows of a result file; skips where the proof has not been run yet."""
    if not (record.RESULTS / f"{name}.json").is_file():
        pytest.skip(f"{name}.json has not been measured yet")
    return record.load(name)["rows"]


def test_no_kill_loses_anything() -> None:
    rows = record.load("reliability_kills")["rows"]
    assert sum(row["hits"] for row in rows) >= 600
    works = " ".join(row["work"] for row in rows)
    for word in ("pupil", "sensorium", "v1", "twin", "search", "packing", "submission", "download", "folder"):
        assert word in works
    assert {row[name] for row in rows for name in ("differing", "failures", "leftovers")} == {0}
    assert all(row["tries"] >= row["hits"] > row["timed"] > 0 for row in rows)


def test_no_race_is_lost() -> None:
    rows = measured("reliability_races")
    assert {row["bad"] for row in rows} == {0} and {row["processes"] for row in rows} == {2, 4}
    assert sum("notebooks" in row["race"] for row in rows) == 1


def test_checks_cost_little() -> None:
    rows = measured("reliability_cost")
    assert len({row["system"] for row in rows}) == 4
    assert all(row["percent_inside"] <= row["aim"] == 2 for row in rows)


# --- their judges


def half(folder: Path) -> None:
    """Leaves a file and half of another where it is killed."""
    (folder / "left").write_text("")
    (folder / "result").write_text("half")
    (folder / "left").unlink()
    (folder / "result").write_text("whole")


def impatient(folder: Path) -> None:
    """Takes what it finds for its result, and fails for half of one."""
    if (folder / "result").exists():
        assert (folder / "result").read_text() == "whole"
        return
    half(folder)


def careless(folder: Path) -> None:
    """Leaves what a killed process has left."""
    (folder / str(os.getpid())).write_text("")
    (folder / str(os.getpid())).unlink()


def test_what_a_kill_leaves_is_seen(place: Place) -> None:
    random = np.random.default_rng(0)
    found = {}
    for work in (half, impatient, careless):
        target, found[work] = Target.measured(Named("", work), place), Count("")
        for _ in range(30):
            target.attempt(random, found[work])
    assert all(count.hits > 10 for count in found.values())
    assert not found[half].words
    assert found[impatient].failures and found[impatient].words
    assert found[careless].leftovers and not found[careless].failures


def test_a_process_that_fails_says_why(place: Place) -> None:
    def failing(folder: Path) -> None:
        raise ValueError("of this process")

    ended = trying.run(failing, place)
    assert ended.status == 1 and "of this process" in ended.said
    (one, two) = trying.run_together([failing, half], place)
    assert (one.status, two.status) == (1, 0)
    assert trying.wait(trying.start(lambda _: time.sleep(60), place), place, longest=0.1).status is None


def test_a_kill_comes_before_an_operation(place: Place) -> None:
    assert trying.run(half, place).status == 0 and trying.operations(place) == 4
    place.clear(place.root / "nothing")
    assert trying.wait(trying.start(half, place, kill_before=2), place).status == -signal.SIGKILL
    assert trying.tree(place.folder).keys() == {"left", "result"}


def test_checks_are_replaced_and_timed_and_come_back(tmp_path: Path) -> None:
    from neurokit.files import sealed
    from neurokit.training import state

    content = state.seal_bytes(b"content")
    broken = content[:-1] + b"x"
    with without_checks():
        assert state.open_bytes(broken) == b"contenx"
    clock = Clock()
    with timed_checks(clock), pytest.raises(ValueError, match="not the one that was written"):
        state.open_bytes(broken)
    assert clock.seconds > 0 and state.open_bytes is sealed.open_bytes
    with pytest.raises(ValueError, match="not the one that was written"):
        state.open_bytes(broken)


# --- the proofs in small


@slow
def test_kills_in_small() -> None:
    rows = reliability_proofs.main(["kills", "--hits", "30", "--no-file", "--seed", "1"])
    assert len(rows) == 17 and sum(row["hits"] for row in rows) >= 30
    assert {row[name] for row in rows for name in ("differing", "failures", "leftovers")} == {0}


@slow
def test_races_in_small() -> None:
    words = ["--only", "pupil", "search", "packing", "tables", "download", "checkpoint", "folder"]
    rows = reliability_proofs.main(["races", "--rounds", "2", "--short", "--no-file", *words])
    assert len(rows) == 7 and {row["bad"] for row in rows} == {0}


@slow
def test_cost_in_small() -> None:
    (row,) = reliability_proofs.main(["cost", "--pairs", "1", "--no-file", "--only", "pupil-encoder"])
    assert row["replaced"] > 50 and 0 < row["percent_inside"] < 20
