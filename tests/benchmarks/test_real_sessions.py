"""The study of real sessions finds a planted PSTH, contrast and drift, and none where none was planted."""

import numpy as np
import pytest

import real_sessions
from neurokit import pupil_encoder
from neurokit.pupil_encoder import TrialRecording

UNITS, TRIALS, BINS, SIZE = 40, 150, 60, 0.01
SIDE = np.random.default_rng(7).choice([0.0, 1.0], TRIALS)  # where the contrast is stronger


def session(name: str, *, evoked: float = 0.0, contrast: float = 0.0, drift: float = 0.0) -> TrialRecording:
    """Poisson counts whose log rate has a bump in the trial, a side that the contrast drives, a slow wave."""
    time, trial = (np.arange(BINS) - 10) * SIZE, np.arange(TRIALS)
    bump = evoked * np.exp(-(((time - 0.15) / 0.05) ** 2))
    wave = np.sin(2 * np.pi * trial / 50)  # slower than the blocks of a blocked split, so that these lose it
    log = bump + (drift * wave + contrast * (SIDE - 0.5))[:, None]
    counts = np.random.default_rng(0).poisson(0.1 * np.exp(log), (UNITS, TRIALS, BINS))
    facts = {"contrast_left": SIDE, "contrast_right": 1 - SIDE}
    return pupil_encoder.from_counts(counts, time, regions=np.full(UNITS, "V1"), trials=facts, name=name)


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, float]]:
    made = (
        session("noise"),
        session("evoked", evoked=1.5),
        session("contrast", evoked=1.5, contrast=1.0),
        session("drift", evoked=1.5, drift=0.6),
    )
    return {each.name: real_sessions.score(each, seeds=2) for each in made}


def gain(scores: dict[str, float], model: str, split: str) -> float:
    return scores[f"{model}, {split}"] - scores[f"PSTH, {split}"]


@pytest.mark.parametrize("split", ["random", "blocked"])
def test_only_what_was_planted_is_found(found: dict[str, dict[str, float]], split: str) -> None:
    assert all(abs(found["noise"][f"{model}, {split}"]) < 0.05 for model in real_sessions.MODELS)
    assert found["evoked"][f"PSTH, {split}"] > 0.3
    assert gain(found["contrast"], "PSTH by contrast", split) > 0.15
    for name in ("noise", "evoked", "drift"):
        assert abs(gain(found[name], "PSTH by contrast", split)) < 0.05, name
    for name in ("noise", "evoked", "contrast"):
        assert gain(found[name], "PSTH + drift", split) < 0.05, name


def test_neighbours_tell_slow_drift_in_a_random_split_and_less_in_a_blocked_one(
    found: dict[str, dict[str, float]],
) -> None:
    random, blocked = (gain(found["drift"], "PSTH + drift", split) for split in ("random", "blocked"))
    assert random > 0.1 and random > blocked + 0.05


def test_a_row_has_each_session_and_what_a_model_adds(found: dict[str, dict[str, float]]) -> None:
    row = real_sessions.row("random", "PSTH by contrast", found)
    values = [each["PSTH by contrast, random"] for each in found.values()]
    assert row["values"] == values and (row["low"], row["high"]) == (min(values), max(values))
    assert row["median"] == np.median(values)
    gains = [gain(each, "PSTH by contrast", "random") for each in found.values()]
    assert row["gain"] == np.median(gains) and row["above_psth"] == f"{sum(g > 0 for g in gains)} of 4"
    plain = real_sessions.row("random", "PSTH", found)
    assert plain["gain"] is None and plain["above_psth"] is None


def test_each_session_is_scored_and_nothing_is_written_unless_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [session("one", evoked=1.5), session("two")]
    monkeypatch.setattr(real_sessions, "at_hand", lambda: iter(made))
    monkeypatch.setattr(real_sessions, "save", lambda *_, **__: pytest.fail("a result file was written"))
    rows = real_sessions.main(["--seeds", "1", "--no-file"])
    assert [(row["split"], row["model"]) for row in rows] == [
        (split, model) for split in ("random", "blocked") for model in real_sessions.MODELS
    ]
    assert all(row["values"][0] > row["values"][1] + 0.2 for row in rows)
    assert [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()] == ["one", "two"]
