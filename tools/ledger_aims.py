"""Prints which of the project's aims the result files miss; `make ledger` calls it after the tables.

Nothing fails: a missed aim is work to do, and a finding that no longer holds is a sentence to change where
results are described. `--all` prints those that are reached too.
"""

import argparse
import json
import operator
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
COMPARE: dict[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge, "<": operator.lt}
PLANTED = ("+ 0-1 behaviour", "+ history", "+ state", "+ gain")
MOVIE_BASELINES = ("mean", "running only", "lagged ridge", "3-D CNN")

Row = dict[str, Any]


@dataclass(frozen=True)
class Aim:
    """A number of a result file beside its bound; NaN is a number that was not measured."""

    what: str
    found: float
    relation: str
    bound: float

    @property
    def verdict(self) -> str:
        """reached, missed or not measured."""
        if not (isfinite(self.found) and isfinite(self.bound)):
            return "not measured"
        return "reached" if COMPARE[self.relation](self.found, self.bound) else "missed"

    def __str__(self) -> str:
        """One line of the report."""
        return f"{self.verdict:12}  {self.what}: {self.found:.3g}, to be {self.relation} {self.bound:.3g}"


def main(arguments: list[str] | None = None) -> int:
    """Prints one line an aim, then how many were missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="print what is reached too")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of the result files")
    options = parser.parse_args(arguments)
    aims = [aim for study in STUDIES for aim in study(options.results)]
    missed = [aim for aim in aims if aim.verdict != "reached"]
    for aim in aims if options.all else missed:
        print(aim)
    print(f"{len(aims)} aims, {len(missed)} of them missed or not measured")
    return 0


def sensorium(results: Path) -> Iterator[Aim]:
    """The network nears its ceiling, controls do not, and each addition helps where its cause is planted."""
    model = _by(results, "sensorium_accuracy", "model")
    yield Aim("cnn_plus, share of its ceiling", _number(model, "cnn_plus", "of_ceiling_mean"), ">=", 0.9)
    for name, bound in {"ln": 0.7, "ln_plus": 0.7, "cnn_plus untrained": 0.3}.items():
        yield Aim(f"{name}, share of its ceiling", _number(model, name, "of_ceiling_mean"), "<", bound)
    shuffled = "cnn_plus, responses shuffled"
    yield Aim(f"{shuffled}, share of its ceiling", _number(model, shuffled, "of_ceiling_mean"), "<", 0.3)
    for what, relation, bound in (("field", "<", 1.5), ("shuffled", ">", 5), ("readout", ">", 1.5)):
        distance = _number(model, "cnn_plus", f"{what}_distance_mean")
        yield Aim(f"cnn_plus, {what} distance to the truth (px)", distance, relation, bound)
    ladder, controls = (_by(results, f"sensorium_{name}", "rung") for name in ("ladder", "controls"))
    for rung in PLANTED:
        yield Aim(f"{rung}: lower end of its gain", _number(ladder, rung, "low"), ">", 0)
        absent = f"{rung}, strength 0"
        yield Aim(f"{absent}: upper end of its gain", _number(controls, absent, "high"), ">=", 0)
        yield Aim(f"{absent}: lower end of its loss", -_number(controls, absent, "low"), ">=", 0)
    for rows, score in ((model, "score_mean"), (ladder, "score"), (controls, "score")):
        for name in rows:
            ceiling = _number(rows, name, score.replace("score", "ceiling"))
            yield Aim(f"{name}, beside its ceiling", _number(rows, name, score), "<", ceiling)
    yield from _seeds(results, 3, "sensorium_accuracy", "sensorium_ladder", "sensorium_controls")


def movies(results: Path) -> Iterator[Aim]:
    """The V1 Transformer passes weak baselines, not the strong; controls do not follow, running helps."""
    files = ("v1_transformer", "v1_described", "v1_controls", "v1_lines")
    rows = {model: row for name in files for model, row in _by(results, name, "model").items()}
    score = {name: _number(rows, name, "cc_norm") for name in rows}
    ours = score.get("V1 Transformer", nan)
    yield Aim("V1 Transformer, CC_norm", ours, ">=", 0.8)
    yield Aim("V1 Transformer, CC_norm beside the truth's", ours, "<", score.get("truth", nan))
    yield Aim("lagged ridge, CC_norm", score.get("lagged ridge", nan), "<", 0.7)
    for name in MOVIE_BASELINES:
        yield Aim(f"V1 Transformer, CC_norm beyond {name}", ours - score.get(name, nan), ">", 0.05)
    for name in ("untrained", "other responses"):
        yield Aim(f"{name}, CC_norm", score.get(name, nan), "<", 0.2)
    yield Aim("short movies, CC_norm lost", ours - score.get("short movies", nan), ">", 0.05)
    line, both = "motion energy + ridge", "motion energy x running"
    for name in (line, both):
        yield Aim(f"{name}, CC_norm beyond the network's", score.get(name, nan) - ours, ">", 0)
    single = {name: _number(rows, name, "single_trial") for name in (line, both, "V1 Transformer")}
    ahead = single["V1 Transformer"] - single[line]
    yield Aim(f"V1 Transformer, single trials beyond {line}", ahead, ">", 0)
    apart, spread = abs(single["V1 Transformer"] - single[both]), _number(rows, both, "single_trial_sd")
    yield Aim(f"V1 Transformer, single trials off {both}", apart, "<", spread)
    lost = _number(rows, f"{both} shuffled", "single_trial") - single[line]
    yield Aim(f"{both} of another repeat, single trials off {line}", abs(lost), "<", 0.01)
    for name in ("no attention", "random start"):
        yield Aim(f"{name}, CC_norm off the network's", abs(score.get(name, nan) - ours), "<", 0.05)
    for without in ("no running", "running shuffled"):
        for kind in ("single_trial", "cc_norm"):
            pair = [_number(rows, name, kind) for name in ("V1 Transformer", without)]
            spread = max(_number(rows, name, f"{kind}_sd") for name in ("V1 Transformer", without))
            yield Aim(f"{without}, {kind} lost, beside its spread", pair[0] - pair[1], ">", spread)
    yield from _seeds(results, 3, *files)


def gratings(results: Path) -> Iterator[Aim]:
    """On real gratings the network is level with separable tuning, and running explains next to nothing."""
    rows = _read(results, "real_gratings")["rows"]

    def found(dataset: str, cells: str) -> dict[str, Row]:
        return {row["model"]: row for row in rows if (row["dataset"], row["cells"]) == (dataset, cells)}

    for dataset in ("drifting", "static"):
        chosen = found(dataset, "chosen")
        network, tuning = (_number(chosen, name, "score") for name in ("V1Transformer", "separable tuning"))
        spread = max(_number(chosen, name, "score_sd") for name in ("V1Transformer", "separable tuning"))
        yield Aim(f"{dataset} gratings, network off separable tuning", abs(network - tuning), "<", spread)
        for control in ("mean", "V1Transformer, responses shuffled"):
            beyond = network - _number(chosen, control, "score")
            yield Aim(f"{dataset} gratings, network beyond {control}", beyond, ">", 0.2)
    running = found("running", "all")
    most = max((_number(running, name, "explained") for name in running), default=nan)
    yield Aim("running, the most that it explains of a real mouse", most, "<", 0.01)
    others = [
        _number(running, f"V1Transformer, {kind}", "score") for kind in ("no running", "running shifted")
    ]
    score = _number(running, "V1Transformer, running", "score")
    yield Aim("score with running, beside twice that without", score, ">", 2 * max(others))
    yield from _seeds(results, 5, "real_gratings")


def twins(results: Path) -> Iterator[Aim]:
    """A transferred core wins with few minutes, a random one nowhere; nobody is better than the truth."""
    content, longer = _read(results, "digital_twins"), _by(results, "digital_twins_longer", "model")
    rows = {(row["model"], row["minutes"]): row for row in content["rows"]}
    each = {(row["model"], row["minutes"], row["seed"]): row["cc_norm"] for row in content["each"]}
    for minutes in (1.0, 3.0):
        seeds = [key[2] for key in each if key[:2] == ("transferred", minutes)]
        for other in ("from scratch", "lagged ridge", "random core"):
            lead = [
                each["transferred", minutes, seed] - each.get((other, minutes, seed), nan) for seed in seeds
            ]
            yield Aim(f"{minutes:g} min, least lead of a transferred core on {other}", _least(lead), ">", 0)
    for minutes in (1.0, 3.0, 9.0):
        for name in ("transferred", "lagged ridge"):
            lead = _number(rows, (name, minutes), "cc_norm") - _number(
                rows, ("random core", minutes), "cc_norm"
            )
            yield Aim(f"{minutes:g} min, lead of {name} on a random core", lead, ">", 0)
    for (name, minutes), row in rows.items():
        left = _number(rows, ("truth", minutes), "single_trial") - row["single_trial"]
        yield Aim(f"{minutes:g} min, {name}: single trials left to the truth", left, ">=", 0)
    bank = "motion energy + ridge"
    for minutes in (1.0, 9.0):
        lead = _number(rows, (bank, minutes), "cc_norm") - _number(rows, ("transferred", minutes), "cc_norm")
        yield Aim(f"{minutes:g} min, CC_norm lead of {bank} on the twin", lead, ">", 0)
    for minutes in (3.0, 9.0):
        pair = [_number(rows, (name, minutes), "single_trial") for name in ("transferred", bank)]
        yield Aim(f"{minutes:g} min, single-trial lead of the twin on {bank}", pair[0] - pair[1], ">", 0)
    score = {name: _number(longer, name, "cc_norm") for name in ("transferred", "random core")}
    best = _number(rows, (bank, 9.0), "cc_norm")
    yield Aim(f"longer, CC_norm of the twin beside {bank}", score["transferred"], ">", best)
    yield Aim(f"longer, CC_norm of a random core beside {bank}", score["random core"], "<", best)
    gained = score["transferred"] - _number(rows, ("transferred", 9.0), "cc_norm")
    yield Aim("longer, CC_norm gained by more steps", gained, ">", 0.02)
    error = {name: _number(longer, name, "orientation_error") for name in longer}
    ours = error.get("transferred", nan)
    yield Aim("longer, orientation error (degrees)", ours, "<", 15)
    chance = _number(longer, "transferred", "orientation_error_shuffled")
    yield Aim("longer, orientation error of other cells (degrees)", chance, ">", 35)
    control = error.get("random core", nan)
    yield Aim("longer, orientation error of a random core beside twice the twin's", control, ">", 2 * ours)
    yield from _seeds(results, 3, "digital_twins")


def speed(results: Path) -> Iterator[Aim]:
    """How many times faster or smaller ours is, if equal; how sizes grow; what a second worker adds."""
    for path in sorted(results.glob("speed_*.json")):
        for row in _read(results, path.stem)["rows"]:
            name = f"{path.stem.split('-')[0]}, {row['work']}"
            if row.get("ratio") is not None:
                yield Aim(f"{name}, times better than {row['peer']}", row["ratio"], ">=", row["aim"])
            if "rounds" in row:
                yield Aim(f"{name}, largest difference", row["largest_difference"], "<", 1e-2)
            if "aim" in row and "seconds" in row:
                yield Aim(f"{name}, seconds left", row["aim"] - row["seconds"], ">=", 0)
    for path in sorted(results.glob("ray_throughput-*.json")):
        for row in _read(results, path.stem)["rows"]:
            yield Aim(f"Ray, {row['work']}, two workers beside one", row["ratio"], ">", 1.5)
            yield Aim(f"Ray, {row['work']}, scores equal", float(row["scores_equal"]), ">", 0)
    for path in sorted(results.glob("growth-*.json")):
        for row in _read(results, path.stem)["rows"]:
            if "sizes" in row and "frame by frame" in row["what"]:
                yield Aim(f"{row['what']}, exponent of memory", abs(row["mb_exponent"]), "<", 0.15)
            elif "sizes" in row and "gradients of a window" in row["what"]:
                yield Aim(f"{row['what']}, exponent of memory", row["mb_exponent"], ">", 0.8)


STUDIES = (sensorium, movies, gratings, twins, speed)


def _read(results: Path, name: str) -> dict[str, Any]:
    """A result file's content; nothing where there is none."""
    path = results / f"{name}.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {"rows": [], "each": [], "seeds": nan} | found


def _by(results: Path, name: str, column: str) -> dict[str, Row]:
    return {row[column]: row for row in _read(results, name)["rows"]}


def _number(rows: dict[Any, Row], name: object, column: str) -> float:
    """NaN for a row or a number that is not there."""
    found = rows.get(name, {}).get(column)
    return nan if found is None else float(found)


def _least(numbers: list[float]) -> float:
    """NaN for none, and where one is NaN."""
    return nan if not numbers or any(one != one for one in numbers) else min(numbers)


def _seeds(results: Path, least: int, *names: str) -> Iterator[Aim]:
    for name in names:
        yield Aim(f"{name}, seeds", _read(results, name)["seeds"], ">=", least)


if __name__ == "__main__":
    sys.exit(main())
