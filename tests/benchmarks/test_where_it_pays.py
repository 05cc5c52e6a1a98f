"""Where lessons' models pay: ends are found, results are whole, what was expected is kept with them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from sklearn.linear_model import Ridge

import where_it_pays
from neurokit import Experiment, metrics
from neurokit.pupil_encoder.baselines import mean_rate, stack_lags
from pays.search import FIXED, NAMES, Filter
from pays.study import Study, stretches
from where_it_pays import STUDIES, find, main

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"


@pytest.mark.parametrize(
    ("lead", "found"),
    [
        ([-1, -1, 1], [(20, 40)]),  # half way from 10 to 40 on a logarithmic axis
        ([1, 1, 1], [(1, 40)]),
        ([1, 0, 1], [(1, 10), (10, 40)]),
        ([-1, 1, -1], [(10**0.5, 20)]),
        ([-1, 0, -1], []),
    ],
)
def test_a_model_pays_where_its_lead_is_above_zero(
    lead: list[float], found: list[tuple[float, float]]
) -> None:
    same = np.array(lead)[:, None] * np.ones(3)
    assert np.array(stretches(np.array([1, 10, 40]), same)) == pytest.approx(np.array(found))


def test_an_amount_at_which_only_the_mean_leads_does_not_pay() -> None:
    leads = np.array([[1.0, 1.0, 1.0], [3.0, 3.0, -1.0]])
    assert stretches(np.array([1, 10]), leads) == [pytest.approx((1, 1))]
    assert stretches(np.array([1, 10]), leads[[1, 1]]) == []


def test_a_worth_moves_the_ends() -> None:
    found = stretches(np.array([0, 10]), np.array([[-1.0], [3.0]]), worth=1, logarithmic=False)
    assert found == [pytest.approx((5, 10))]


def toy(seed: int, amounts: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    for amount in amounts:
        yield {"amount": amount, "model": "line", "score": 0.3}
        yield {"amount": amount, "model": "network", "score": 0.1 * amount + 0.001 * seed}
    yield {"amount": None, "model": "truth", "score": 0.9}


TOY = Study("ahead from 3", "minutes", "R²", "line", "network", "truth", (1, 2, 4, 8), (10, 11, 12), toy)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for results, and a study that costs nothing."""
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")  # put back afterwards
    monkeypatch.setattr(where_it_pays, "find", lambda lesson: TOY)
    monkeypatch.setattr(where_it_pays, "RESULTS", tmp_path)
    monkeypatch.setattr("record.RESULTS", tmp_path)
    return tmp_path


def test_a_result_keeps_every_seed_and_says_where_the_lines_cross(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--lesson", "03"])
    content = json.loads((results / "pays_03.json").read_text())
    assert len(content["rows"]) == 3 * 9
    assert content["expected"] == "ahead from 3" and content["pays"] == [[2.72, 8]]
    assert "ahead by more than 0: 2.72 to 8 (minutes)" in capsys.readouterr().out


def test_a_run_that_was_broken_off_goes_on(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--lesson", "03", "--seeds", "10", "11"])
    main(["--lesson", "03"])
    assert capsys.readouterr().out.count("in the result file") == 2
    rows = json.loads((results / "pays_03.json").read_text())["rows"]
    assert sorted({row["seed"] for row in rows}) == [10, 11, 12] and len(rows) == 3 * 9


def test_printing_alone_leaves_no_file(results: Path) -> None:
    main(["--lesson", "03", "--seeds", "10", "--no-file"])
    assert not list(results.iterdir())


@pytest.mark.parametrize("file", sorted(RESULTS.glob("pays_*.json")), ids=lambda file: file.stem)
def test_a_committed_result_is_that_of_its_study(file: Path) -> None:
    content, study = json.loads(file.read_text()), find(file.stem[-2:])
    assert content["expected"] == study.expected
    seeds = {row["seed"] for row in content["rows"]}
    assert seeds == set(study.seeds) and len(seeds) >= 3 and min(seeds) >= 10
    for name in (study.simple, study.model):
        asked = {(row["seed"], row["amount"]) for row in content["rows"] if row["model"] == name}
        assert asked == {(seed, amount) for seed in seeds for amount in study.amounts}
    assert any(row["model"] == study.ceiling for row in content["rows"])
    assert content["pays"] == where_it_pays.pays(study, content["rows"])


@pytest.mark.parametrize("file", sorted(RESULTS.glob("pays_*.json")), ids=lambda file: file.stem)
def test_its_lesson_shows_the_picture(file: Path) -> None:
    (lesson,) = (ROOT / "notebooks").glob(f"{file.stem[-2:]}_*.ipynb")
    text = "\n".join(cell.source for cell in nbformat.read(lesson, as_version=4).cells)
    assert f"../figures/{file.stem}.png" in text and file.stem[-2:] in STUDIES
    assert f"where_it_pays.py --lesson {file.stem[-2:]}" in text
    assert (ROOT / "figures" / f"{file.stem}.png").is_file()


# --- Lesson 03 ---


@pytest.mark.slow
def test_a_filter_is_ahead_of_a_network_where_trials_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mouse, 15 training trials; both stay below what the pupil allows."""
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    rows = main(["--lesson", "03", "--seeds", "0", "--amounts", "15", "--no-file"])
    score = {row["model"]: row["score"] for row in rows}
    assert 0 < score["PupilEncoder (GRU)"] < score["linear filter"] - 0.02
    assert max(score, key=lambda name: score[name]) == "best reachable"


# --- Lesson 04 ---


@pytest.mark.slow
def test_a_search_pays_where_trials_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mouse: a fixed penalty is worse than the mean rate with ten trials, a searched one is not."""
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    rows = main(["--lesson", "04", "--seeds", "0", "--amounts", "10", "--no-file"])
    score = {row["model"]: row["score"] for row in rows}
    assert score[FIXED] < 0 < score[NAMES["tpe"]]
    assert score[NAMES["tpe"]] - score[FIXED] > 0.1


@pytest.mark.slow
def test_the_filter_of_all_penalties_is_ridge_regression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    task = Experiment("pupil-encoder", seed=0).task
    fitted = Filter(task, 10)
    bins = task.bins("train").copy()
    bins[np.flatnonzero(bins.any(axis=1))[10:]] = False
    start = mean_rate(task)
    ridge = Ridge(alpha=1e4).fit(fitted.design[bins], (task.rates - start)[bins])
    wanted = start[:3] + ridge.predict(fitted.design[:3].reshape(-1, fitted.design.shape[-1])).reshape(
        start[:3].shape
    )
    np.testing.assert_allclose(fitted.rates(1e4)[:3], wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_the_lesson_and_the_study_fit_the_same_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lesson 04 builds it by hand; the next number of trials is the control."""
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    lesson = nbformat.read(ROOT / "notebooks" / "04_tpe_tuning.ipynb", as_version=4)
    (by_hand,) = [cell.source for cell in lesson.cells if cell.source.startswith("def penalty_study")]
    known = {"np": np, "metrics": metrics, "mean_rate": mean_rate, "stack_lags": stack_lags}
    exec(by_hand, known)
    task = Experiment("pupil-encoder", seed=0).task
    for penalty in (1.0, 1e5):
        found = known["penalty_study"](task, 10)(penalty)[1]
        assert found == pytest.approx(Filter(task, 10).score(penalty), abs=1e-4)
        assert abs(found - Filter(task, 20).score(penalty)) > 1e-3
