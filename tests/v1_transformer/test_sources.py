"""Sessions by source: the demo is simulated once and read as a real one, the full source is fetched."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError, SettingsError
from neurokit.simulation.movies import MOVIES
from neurokit.v1_transformer import (
    TransformerConfig,
    load,
    load_simulated,
    read_truth,
    sessions,
    truth_path,
    write_session,
)
from neurokit.v1_transformer import allensdk_cache as allen_sdk
from neurokit.v1_transformer import sources as allen_sessions
from neurokit.v1_transformer.config import SMALL
from neurokit.v1_transformer.simulation import SessionParameters, SimulatedSession, simulate_session

TINY = SessionParameters(
    cells=5, session_type="three_session_B", frames=60, height=8, width=16, repeats=2, spontaneous=2.0
)
ONE = "natural_movie_one"


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of each test's own."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("NEUROKIT_DATA", str(folder))
    return folder


@pytest.fixture(scope="module")
def simulated() -> SimulatedSession:
    return simulate_session(TINY)


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's sessions in small."""
    monkeypatch.setattr(allen_sessions, "SessionParameters", lambda seed: TINY.replace(seed=seed))


# The demo


def test_a_session_is_simulated_once_and_its_truth_lies_beside_it(data: Path) -> None:
    session = load_simulated(TINY)
    truth = read_truth(session.truth)
    assert (session.cell_ids == truth.cell_ids).all()
    assert session.dff.shape == truth.expected.shape
    files = {file: os.stat(file).st_mtime_ns for file in data.rglob("*.nwb")}
    fewer = load_simulated(TINY, TransformerConfig(without=session.cell_ids[2:]))
    np.testing.assert_array_equal(fewer.dff, session.dff[:2])
    assert {file: os.stat(file).st_mtime_ns for file in data.rglob("*.nwb")} == files and len(files) == 1


@pytest.mark.parametrize("pattern", ["*.nwb", "*_truth.npz"])
def test_a_damaged_session_is_simulated_anew(data: Path, pattern: str) -> None:
    before = load_simulated(TINY).dff
    (file,) = data.rglob(pattern)
    file.write_bytes(file.read_bytes()[:200])
    after = load_simulated(TINY)
    assert read_truth(after.truth).expected.shape == before.shape
    np.testing.assert_array_equal(after.dff, before)


def test_the_demo_is_the_seeds_own(small_demo: None) -> None:
    one, other = (load(source="demo", seed=seed) for seed in (0, 1))
    assert one.session_id != other.session_id and not np.array_equal(one.dff, other.dff)
    assert load(source="demo", seed=1, session=str(other.session_id)).session_id == other.session_id


def test_a_wrong_movie_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    load_simulated(TINY)
    monkeypatch.setattr(allen_sessions, "simulate_session", lambda _: pytest.fail("nothing was damaged"))
    with pytest.raises(DataError, match="no natural_movie_three, only"):
        load_simulated(TINY, TransformerConfig(movies="natural_movie_three"))


def test_a_config_says_what_is_read() -> None:
    every = load_simulated(TINY)
    assert every.movies[ONE].frames.shape[1:] == (8, 16) and np.isfinite(every.running).any()
    model = SMALL.model.replace(frame=(4, 8), patch=2, step=2)
    config = TransformerConfig(model=model, running="none", movies=ONE, without=every.cell_ids[1:2])
    session = load_simulated(TINY, config)
    assert list(session.movies) == [ONE] and session.movies[ONE].frames.shape[1:] == (4, 8)
    assert np.isnan(session.running).all()
    np.testing.assert_array_equal(session.cell_ids, np.delete(every.cell_ids, 1))


# A folder of one's own


def test_a_folder_has_its_sessions_and_their_truth(simulated: SimulatedSession, tmp_path: Path) -> None:
    path = write_session(simulated, tmp_path / "one")
    session = load(folder=tmp_path / "one")
    np.testing.assert_array_equal(session.dff, load(folder=str(tmp_path / "one"), session=[path.stem]).dff)
    assert session.session_id == TINY.session_id and session.truth == truth_path(path)
    truth_path(path).unlink()
    assert load(folder=tmp_path / "one").truth is None
    with pytest.raises(DataError, match=f"holds no session 7, only {path.stem}"):
        load(folder=tmp_path / "one", session="7")
    path.with_name("12.nwb").write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=f"holds the sessions 12, {path.stem}: name one of them"):
        load(folder=tmp_path / "one")
    with pytest.raises(DataError, match=r"data holds no session \(ophys_experiment_data"):
        load(folder=tmp_path / "data")


def test_a_session_is_read_by_itself_and_out_of_any_folder(
    simulated: SimulatedSession, tmp_path: Path
) -> None:
    path = write_session(simulated, tmp_path / "cache")
    (moved := tmp_path / "mine").mkdir()
    wanted, alone = load(folder=tmp_path / "cache"), moved / "mouse 7.nwb"
    alone.write_bytes(path.read_bytes())
    for folder in (path, path.parent, alone, moved):
        found = load(folder=folder)
        assert found.session_id == TINY.session_id and list(found.movies) == list(wanted.movies)
        np.testing.assert_array_equal(found.dff, wanted.dff)
        name = path.stem if folder in (path, path.parent) else "mouse 7"
        assert sessions("demo", folder=folder).session.tolist() == [name]
    assert load(folder=alone, session=str(TINY.session_id)).session_id == TINY.session_id
    with pytest.raises(DataError, match=f"mouse 7.nwb holds session {TINY.session_id}: name that"):
        load(folder=alone, session="12")


def test_a_folder_of_sessions_and_other_files_names_the_sessions(
    simulated: SimulatedSession, tmp_path: Path
) -> None:
    path = write_session(simulated, tmp_path / "cache")
    (path.parent / "12.nwb").write_bytes(path.read_bytes())
    (path.parent / "other.nwb").write_bytes(b"of another kind")
    with pytest.raises(DataError, match=f"holds the sessions 12, {path.stem}: name one of them"):
        load(folder=path.parent)
    assert load(folder=path.parent, session=path.stem).session_id == TINY.session_id


# The full source


def test_the_full_source_fetches_the_session_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, simulated: SimulatedSession, tmp_path: Path
) -> None:
    made = write_session(simulated, tmp_path / "made")
    asked = []
    monkeypatch.setattr(allen_sessions, "fetch_session", lambda _, *which: asked.append(which) or made)
    assert load(source="full", session="7").session_id == TINY.session_id
    load(source="full", config=TransformerConfig(movies=ONE))
    load(source="full", session=("0",))
    assert asked == [(7, None), (allen_sessions.SESSION, (ONE,)), (0, None)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"source": "Full"}, "no source 'Full'; use one of demo, cutout, full"),
        ({"source": "demo", "session": "7"}, "Session 7 is not on the demo .* seed 0 that has 900000001"),
        ({"source": "full", "session": "seven"}, "Session 'seven' is no number"),
        (
            {"source": "demo", "config": TransformerConfig(movies=("natural_movie_4",))},
            f"No movie is named 'natural_movie_4'; movies are {', '.join(MOVIES)}",
        ),
        ({"source": "full", "session": ("7", "8")}, "reads one session, and 2 are named"),
        ({"source": "cutout"}, "The source 'cutout' has no session with movies: set NEUROKIT_SOURCE to demo"),
    ],
)
def test_what_is_not_there_is_refused_first(
    monkeypatch: pytest.MonkeyPatch, small_demo: None, data: Path, options: dict[str, object], says: str
) -> None:
    """Before anything is simulated, downloaded or made."""
    for name in ("open_cache", "fetch_session", "simulate_session"):
        monkeypatch.setattr(allen_sessions, name, lambda *_: pytest.fail("too late"))
    unchecked = getattr(load, "__wrapped__", load)  # the import hook would answer
    with pytest.raises((DataError, SettingsError), match=says):
        unchecked(**options)
    assert not list(data.iterdir())


@pytest.mark.parametrize("source", ["demo", "full"])
def test_without_allensdk_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, data: Path, source: str) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("No module named 'allensdk'", name="allensdk")

    monkeypatch.setattr(allen_sdk, "_import_modules", missing)
    monkeypatch.setattr(allen_sessions, "simulate_session", lambda _: pytest.fail("too late"))
    with pytest.raises(DataError, match="needs AllenSDK, which is not installed"):
        load(source=source)
    assert not list(data.iterdir())


# What there is


def test_sessions_are_listed_without_downloading(
    monkeypatch: pytest.MonkeyPatch, simulated: SimulatedSession, data: Path
) -> None:
    monkeypatch.setattr("requests.get", lambda *_, **__: pytest.fail("it would download"))
    (demo,) = sessions("demo", 2).to_dict("records")
    assert demo["session"] == "900000020" and demo["movies"] == "natural_movie_one, natural_movie_three"
    (known,) = sessions("full").to_dict("records")
    assert known == {
        "session": "501704220",
        "session_type": "three_session_A",
        "movies": "natural_movie_one, natural_movie_three",
    }
    assert sessions("cutout").empty and not list(data.iterdir())
    write_session(simulated, data / "allen")
    (listed,) = sessions("full").to_dict("records")
    assert listed["session"] == str(TINY.session_id) and listed["depth"] == 175


FULL_DISK = """
import gc, resource, sys
from neurokit.errors import DiskError
from neurokit.v1_transformer import SessionParameters, load_simulated
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
parameters = SessionParameters(
    cells=5, session_type="three_session_B", frames=60, height=8, width=16, repeats=2, spontaneous=2.0
)
try:
    load_simulated(parameters)
except DiskError as error:
    gc.collect()
    print("alive:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
def test_a_full_disk_ends_the_simulation_in_a_sentence(data: Path) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FULL_DISK], capture_output=True, text=True)
    assert done.returncode == 0 and "900000001.nwb could not be written" in done.stdout, done.stderr
    assert not [file for file in data.rglob("*") if file.is_file() and file.suffix != ".lock"]


def test_a_file_under_another_sessions_name_is_refused(simulated: SimulatedSession, tmp_path: Path) -> None:
    path = write_session(simulated, tmp_path / "one")
    path.rename(path.with_name("12.nwb"))
    with pytest.raises(DataError, match=rf"12\.nwb holds session {TINY.session_id}: name that"):
        load(folder=tmp_path / "one", session="12")
    assert load(folder=tmp_path / "one").session_id == TINY.session_id
