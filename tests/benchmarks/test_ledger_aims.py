"""What `make ledger` says of the aims: each beside the number of its result file; nothing fails."""

import json
from math import nan
from pathlib import Path

import pytest

from ledger_aims import Aim, main, movies, speed


@pytest.mark.parametrize(
    ("found", "relation", "bound", "verdict"),
    [
        (0.9, ">=", 0.9, "reached"),
        (0.9, ">", 0.9, "missed"),
        (0.9, "<", 0.9, "missed"),
        (0.8, "<", 0.9, "reached"),
        (nan, "<", 0.9, "not measured"),
        (0.8, "<", nan, "not measured"),
    ],
)
def test_verdicts(found: float, relation: str, bound: float, verdict: str) -> None:
    assert Aim("score", found, relation, bound).verdict == verdict


def write(folder: Path, name: str, rows: list[dict[str, object]], **facts: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps({"rows": rows, **facts}), encoding="utf-8")


def test_a_missed_aim_is_printed_and_nothing_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"work": "adding", "peer": "fingers", "ratio": 1.5, "aim": 2.0, "rounds": 3, "largest_difference": 0},
        {"work": "taking away", "peer": "paper", "ratio": 2.5, "aim": 2.0},
    ]
    write(tmp_path, "speed_toy-linux", rows)
    assert [aim.verdict for aim in speed(tmp_path)] == ["missed", "reached", "reached"]
    assert main(["--results", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "missed        speed_toy, adding, times better than fingers: 1.5, to be >= 2" in said
    assert "taking away" not in said
    assert main(["--all", "--results", str(tmp_path)]) == 0
    assert "reached       speed_toy, taking away" in capsys.readouterr().out


def test_a_network_is_held_against_its_baselines(tmp_path: Path) -> None:
    scores = {"truth": 1.0, "V1 Transformer": 0.85, "lagged ridge": 0.82, "mean": 0.0}
    write(tmp_path, "v1_transformer", [{"model": m, "cc_norm": s} for m, s in scores.items()], seeds=3)
    verdicts = {aim.what: aim.verdict for aim in movies(tmp_path)}
    assert verdicts["V1 Transformer, CC_norm"] == "reached"
    assert verdicts["V1 Transformer, CC_norm beyond mean"] == "reached"
    assert verdicts["V1 Transformer, CC_norm beyond lagged ridge"] == "missed"
    assert verdicts["V1 Transformer, CC_norm beyond 3-D CNN"] == "not measured"
    assert verdicts["v1_transformer, seeds"] == "reached"
    assert verdicts["v1_controls, seeds"] == "not measured"


@pytest.mark.slow
def test_every_aim_is_measured_by_the_result_files(capsys: pytest.CaptureFixture[str]) -> None:
    """A row or a column that was renamed would leave its aim unseen."""
    assert main([]) == 0
    assert "not measured  " not in capsys.readouterr().out
