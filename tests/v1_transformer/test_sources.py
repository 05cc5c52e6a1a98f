"""Sessions by source: the demo is simulated once and read as a real one, the full source is fetched."""

import os
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError, SettingsError
from neurokit.v1_transformer import sources as allen_sessions
from neurokit.v1_transformer.simulation import SessionParameters
from neurokit.v1_transformer.sources import load_movie_session, load_simulated_session, session_truth

TINY = SessionParameters(
    cells=5, session_type="three_session_B", frames=60, height=8, width=16, repeats=2, spontaneous=2.0
)


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    return tmp_path


def test_a_session_is_simulated_once_and_its_truth_fits(folder: Path) -> None:
    session, truth = load_simulated_session(TINY), session_truth(TINY)
    assert (session.cell_ids == truth.cell_ids).all()
    assert session.dff.shape == truth.expected.shape
    files = {file: os.stat(file).st_mtime_ns for file in folder.rglob("*.nwb")}
    chosen = load_simulated_session(TINY, cells=session.cell_ids[:2].tolist())
    np.testing.assert_array_equal(chosen.dff, session.dff[:2])
    assert {file: os.stat(file).st_mtime_ns for file in folder.rglob("*.nwb")} == files and len(files) == 1


@pytest.mark.parametrize("pattern", ["*.nwb", "*_truth.npz"])
def test_a_damaged_session_is_simulated_anew(folder: Path, pattern: str) -> None:
    before = load_simulated_session(TINY).dff
    (file,) = folder.rglob(pattern)
    file.write_bytes(file.read_bytes()[:200])
    assert session_truth(TINY).expected.shape == before.shape
    np.testing.assert_array_equal(load_simulated_session(TINY).dff, before)


def test_the_demo_is_the_seeds_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allen_sessions, "SessionParameters", lambda seed: SessionParameters(**_of(seed)))
    one, other = (load_movie_session(source="demo", seed=seed) for seed in (0, 1))
    assert one.session_id != other.session_id and not np.array_equal(one.dff, other.dff)


def test_the_full_source_fetches_the_session_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    load_simulated_session(TINY)
    (made,) = folder.rglob("*.nwb")
    asked = []
    monkeypatch.setattr(allen_sessions, "fetch_session", lambda _, *which: asked.append(which) or made)
    assert load_movie_session(7, source="full").session_id == TINY.session_id
    load_movie_session(source="full", movies=["natural_movie_one"])
    load_movie_session(0, source="full")
    assert asked == [(7, None), (allen_sessions.SESSION, ["natural_movie_one"]), (0, None)]


@pytest.mark.parametrize(
    ("session", "options", "says"),
    [
        (None, {"source": "Full"}, "no source 'Full'; use one of demo, cutout, full"),
        (
            7,
            {"source": "full", "movies": ["natural_movie_4"]},
            "'natural_movie_4'; use natural_movie_one, nat",
        ),
        (7, {"source": "full", "movies": "natural_movie"}, "No movie is named 'natural_movie'; use"),
        (7, {"source": "demo"}, "Session 7 is not on the demo source; with seed 0 it has 900000001 alone"),
    ],
)
def test_a_source_that_is_not_there_is_refused_first(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    session: int | None,
    options: dict[str, str | list[str]],
    says: str,
) -> None:
    """Before anything is simulated, downloaded or made."""
    for name in ("open_cache", "fetch_session", "simulate_session"):
        monkeypatch.setattr(allen_sessions, name, lambda *_: pytest.fail("too late"))
    monkeypatch.setattr(allen_sessions, "SessionParameters", lambda seed: SessionParameters(**_of(seed)))
    unchecked = getattr(load_movie_session, "__wrapped__", load_movie_session)  # the import hook would answer
    with pytest.raises((DataError, SettingsError), match=says):
        unchecked(session, **options)
    assert not list(folder.iterdir())


def test_the_cutout_source_has_none() -> None:
    with pytest.raises(SettingsError, match=r"^The source 'cutout' has no session with movies: [^\n]*\.$"):
        load_movie_session(source="cutout")


def test_a_wrong_option_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    load_simulated_session(TINY)
    monkeypatch.setattr(allen_sessions, "simulate_session", lambda _: pytest.fail("nothing was damaged"))
    with pytest.raises(DataError, match="no natural_movie_three, only"):
        load_simulated_session(TINY, movies=["natural_movie_three"])


def _of(seed: int) -> dict[str, object]:
    return TINY.to_dict() | {"seed": seed}
