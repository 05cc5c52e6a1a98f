"""The competition's files: written whole or not at all, every fault named, scored row by row."""

import csv
import inspect
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError, DiskError
from neurokit.metrics import correlation, correlation_to_average, feve
from neurokit.sensorium import (
    TRACKS,
    file_name,
    score_neurons,
    score_submission,
    validate,
    write_ground_truth,
    write_rows,
    write_submission,
)
from neurokit.sensorium.recording import Scan

Table = list[list[str]]
LIVE = "submission_file_live_test.csv"
N = 40


def simulated(key: str = "27204-5-13", neurons: int = N, hashed: bool = True) -> Scan:
    """A competition scan of 120 trials: 60 train, then 6 images x 5 repeats in either test tier."""
    random = np.random.default_rng(11)
    tiers = np.array(["train"] * 60 + ["test"] * 30 + ["final_test"] * 30)
    images = np.concatenate([np.arange(60), np.tile(np.arange(60, 66), 5), np.tile(np.arange(66, 72), 5)])
    order = random.permutation(120)
    scale = 1 / random.lognormal(1.5, 0.8, neurons)  # a raw response is worth this many standardised
    mean = random.lognormal(-1, 0.6, neurons)
    drive = random.lognormal(0, 0.5, (72, neurons))[images] * mean
    numbers = random.permutation(900)[:120]
    return Scan(
        key=key,
        images=np.zeros((120, 36, 64), np.float32),
        responses=random.gamma(2, drive / 2)[order].astype(np.float32),
        behaviour=np.ones((120, 3)),
        pupil_center=np.ones((120, 2)),
        tiers=tiers[order],
        image_ids=images[order] * 13 % 997,
        trial_ids=np.array([f"{n * 7919:032x}" for n in numbers]) if hashed else numbers,
        rank=np.arange(120),
        unit_ids=np.cumsum(random.integers(1, 4, neurons)),
        coordinates=np.zeros((neurons, 3)),
        response_scale=scale,
        statistics={"responses": {"mean": mean / scale, "std": 1 / scale}},
        fingerprint="simulated",
    )


@pytest.fixture(scope="module")
def scan() -> Scan:
    return simulated()


def predicted(scan: Scan, tier: str = "test") -> np.ndarray:
    """A prediction that knows a third of the response."""
    observed = scan.responses[scan.trials(tier)]
    return (0.3 * observed + 0.7 * mean_response(scan)).astype(np.float32)


def mean_response(scan: Scan) -> np.ndarray:
    return scan.statistics["responses"]["mean"] * scan.response_scale


def table_of(path: Path) -> Table:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def write_table(path: Path, table: Table) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(table)
    return path


@pytest.fixture
def good(scan: Scan, tmp_path: Path) -> Path:
    return write_submission(tmp_path, scan, {"test": predicted(scan)})[0]


# --- writing


def test_each_track_has_its_own_scan() -> None:
    """As the competition announced it: the mouse of SENSORIUM+ is the one that gives its behaviour."""
    assert TRACKS == {"26872-17-20": "SENSORIUM", "27204-5-13": "SENSORIUM+"}


@pytest.mark.parametrize("key", TRACKS)
def test_both_tiers_of_both_tracks_are_written_and_valid(key: str, tmp_path: Path) -> None:
    scan = simulated(key)
    tiers = {tier: predicted(scan, tier) for tier in ("test", "final_test")}
    files = write_submission(tmp_path / key, scan, tiers)
    assert [file.name for file in files] == [LIVE, "submission_file_final_test.csv"]
    for file, tier in zip(files, tiers, strict=True):
        validate(file, scan, tier)
        trials = [row[0] for row in table_of(file)[1:]]
        assert trials == scan.trial_ids[np.flatnonzero(scan.tiers == tier)].tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_number_comes_back_in_its_own_type(scan: Scan, tmp_path: Path, dtype: type) -> None:
    values = predicted(scan).astype(dtype) * np.pi
    values[0, :4] = [0, 1e-12, 1e7, 3]
    trials = scan.trials("test")
    write_rows(tmp_path / "a.csv", values, scan.trial_ids[trials], scan.image_ids[trials], scan.unit_ids)
    read = np.array([json.loads(row[2]) for row in table_of(tmp_path / "a.csv")[1:]])
    np.testing.assert_array_equal(read.astype(dtype), values)
    text = max(map(len, table_of(tmp_path / "a.csv")[2][2].strip("[]").split(", ")))
    assert text <= (12 if dtype is np.float32 else 20)


def test_lists_are_taken_as_arrays_are(scan: Scan, tmp_path: Path) -> None:
    (array,) = write_submission(tmp_path / "array", scan, {"test": predicted(scan).astype(float)})
    (rows,) = write_submission(tmp_path / "list", scan, {"test": predicted(scan).astype(float).tolist()})
    assert array.read_bytes() == rows.read_bytes()


def test_whole_numbers_as_trial_ids(tmp_path: Path) -> None:
    scan = simulated(hashed=False)
    (file,) = write_submission(tmp_path, scan, {"test": predicted(scan)})
    validate(file, scan, "test")
    assert table_of(file)[1][0] == str(scan.trial_ids[scan.trials("test")[0]])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: p[:-1], "has the shape"),
        (lambda p: p[:, :-1], "has the shape"),
        (lambda p: p.T, "has the shape"),
        (lambda p: np.where(p == p.max(), np.nan, p), "NaN or infinite"),
        (lambda p: -p, "negative prediction"),
        (lambda p: 100 * p, "wrong scale"),
        (lambda p: p.astype(complex), "of type complex128"),
        (lambda p: p > 1, "of type bool"),
        (lambda p: p.astype(str), "of type <U"),
        (lambda p: [[1.0, 2.0], [1.0]], "is no array"),
        (lambda p: p[0].tolist(), "has the shape"),
    ],
)
def test_a_bad_prediction_is_not_written(
    scan: Scan, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], says: str
) -> None:
    tiers = {"test": predicted(scan), "final_test": change(predicted(scan, "final_test"))}
    unchecked = inspect.unwrap(write_submission)  # the tests' type checker would refuse some of these first
    with pytest.raises(DataError, match=rf"'final_test' for scan 27204-5-13.* {says}"):
        unchecked(tmp_path, scan, tiers)
    assert list(tmp_path.iterdir()) == []


def test_a_tier_that_is_not_scored_has_no_file(scan: Scan, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'train'; choose one of test, final_test"):
        write_submission(tmp_path, scan, {"train": predicted(scan, "train")})
    assert file_name("test") == LIVE


def test_a_full_disk_leaves_the_earlier_file(good: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    before, room, writer = good.read_bytes(), iter(range(8)), csv.writer

    class Filling:
        def __init__(self, file: object) -> None:
            self.file = writer(file)

        def writerow(self, row: list) -> None:
            if next(room, None) is None:
                raise OSError(28, "No space left on device")
            self.file.writerow(row)

    monkeypatch.setattr("neurokit.sensorium.submission.table.csv.writer", lambda file, **_: Filling(file))
    with pytest.raises(DiskError, match="No space left on device"):
        write_submission(good.parent, scan, {"test": predicted(scan) + 1})
    assert good.read_bytes() == before
    assert list(good.parent.iterdir()) == [good]


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_the_earlier_file(good: Path, scan: Scan) -> None:
    before = good.read_bytes()
    program = (
        "import sys, numpy as np; from neurokit.sensorium.submission.table import write_rows\n"
        "n = np.arange(200000); write_rows(sys.argv[1], np.ones((200000, 50)), n, n, n[:50])"
    )
    writing = subprocess.Popen([sys.executable, "-c", program, str(good)], env=os.environ)
    deadline = time.monotonic() + 600
    while sum(file.stat().st_size > 10_000 for file in good.parent.glob(".*")) == 0:
        assert time.monotonic() < deadline
        assert writing.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    writing.send_signal(signal.SIGKILL)
    assert writing.wait() == -signal.SIGKILL
    assert good.read_bytes() == before
    assert len(list(good.parent.iterdir())) == 2
    write_submission(good.parent, scan, {"test": predicted(scan)})
    validate(good, scan, "test")
    assert list(good.parent.iterdir()) == [good]  # the folder is what gets uploaded


# --- validating


def changed(row: list[str], field: int, change: Callable[[list], list]) -> list[str]:
    """The row with its list in that field changed."""
    row = row.copy()
    row[field] = str(change(json.loads(row[field]))).replace("NaN", "nan")
    return row


def in_row(field: int, change: Callable[[list], list], at: int = 9) -> Callable[[Table], Table]:
    """A table's change in one row below the header, the ninth: not the first, not the last."""
    return lambda table: [*table[:at], changed(table[at], field, change), *table[at + 1 :]]


def with_text(field: int, text: str) -> Callable[[Table], Table]:
    return lambda table: [
        *table[:9],
        [text if i == field else v for i, v in enumerate(table[9])],
        *table[10:],
    ]


FAULTS = {
    "column renamed": (
        lambda t: [["trial_indices", "image_ids", "predictions", "neuron_ids"], *t[1:]],
        "columns",
    ),
    "columns swapped": (lambda t: [[b, a, c, d] for a, b, c, d in t], "columns"),
    "column missing": (lambda t: [row[:3] for row in t], "columns"),
    "no header": (lambda t: t[1:], "columns"),
    "header alone": (lambda t: t[:1], "lacks 30 of the 30 trials"),
    "nothing": (lambda t: [], "columns"),
    "row missing": (lambda t: t[:7] + t[8:], "lacks 1 of the 30 trials of 'test', the first"),
    "row doubled": (lambda t: [*t, t[4]], "row 31: trial .* was given before"),
    "row of another tier": (lambda t: [*t, ["ff", *t[4][1:]]], "row 31: 'ff' is no trial of 'test'"),
    "field too many": (lambda t: [*t[:9], [*t[9], "1"], *t[10:]], "row 9 has 5 fields instead of 4"),
    "image of another trial": (with_text(1, "3"), r"row 9: trial .* has the image 3, but \d+ was shown"),
    "image no number": (with_text(1, "3.5"), "row 9: image_ids is '3.5'"),
    "image with an underscore": (with_text(1, "1_0"), "row 9: image_ids is '1_0'"),
    "image with a sign": (with_text(1, "+10"), r"row 9: image_ids is '\+10'"),
    "image in other digits": (with_text(1, "١٠"), "row 9: image_ids is '١٠'"),
    "image beyond 64 bits": (with_text(1, "9" * 30), "row 9: image_ids is '9+'"),
    "byte order mark": (lambda t: [["\ufeff" + t[0][0], *t[0][1:]], *t[1:]], "begins with a byte order mark"),
    "semicolons": (lambda t: [[";".join(t[0])], *t[1:]], "which commas have to separate"),
    "a truth value": (with_text(2, "[true, 0.5]"), r"row 9: \[true, 0.5\] is no list of numbers"),
    "neurons swapped": (in_row(3, lambda v: [v[1], v[0], *v[2:]]), "row 9 has its neurons in another order"),
    "neuron unknown": (
        in_row(3, lambda v: [*v[:-1], 10**6]),
        "row 9: 2 neuron ids are missing or not of scan",
    ),
    "neuron doubled": (
        in_row(3, lambda v: [*v[:-1], v[0]]),
        "row 9: neuron_ids must be whole numbers, each once",
    ),
    "neuron half": (
        in_row(3, lambda v: [*v[:-1], 0.5]),
        "row 9: neuron_ids must be whole numbers, each once",
    ),
    "neuron fewer": (
        lambda t: in_row(2, lambda v: v[:-1])(in_row(3, lambda v: v[:-1])(t)),
        "row 9: 1 neuron ids are missing",
    ),
    "value fewer": (in_row(2, lambda v: v[:-1]), "row 9 has 39 values for 40 neuron_ids"),
    "value more": (in_row(2, lambda v: [*v, 1.0]), "row 9 has 41 values for 40 neuron_ids"),
    "NaN": (in_row(2, lambda v: [float("nan"), *v[1:]]), "row 9 holds NaN or infinite"),
    "infinite": (in_row(2, lambda v: [float("inf"), *v[1:]]), "row 9 holds NaN or infinite"),
    "minus infinite": (in_row(2, lambda v: [float("-inf"), *v[1:]]), "row 9 holds NaN or infinite"),
    "negative": (in_row(2, lambda v: [-0.25, *v[1:]]), "row 9 holds the negative prediction -0.25"),
    "list without commas": (in_row(2, lambda v: np.array(v)), r"row 9: \[.*….* is no list of numbers"),
    "list in a list": (in_row(2, lambda v: [v]), "row 9: .* is no list of numbers"),
    "word in a list": (in_row(2, lambda v: ["a", *v[1:]]), "row 9: .* is no list of numbers"),
    "brackets gone": (with_text(2, "0.1, 0.2"), "row 9: 0.1, 0.2 is no list of numbers"),
    "program": (with_text(2, "__import__('os').getcwd()"), "row 9: .* is no list of numbers"),
    "empty list": (with_text(2, "[]"), "row 9 has 0 values for 40 neuron_ids"),
    "deep list": (with_text(2, "[" * 100_000), "row 9: .* is no list of numbers"),
    "times 100": (lambda t: scaled(t, 100), "wrong scale: its typical mean"),
    "divided by 100": (lambda t: scaled(t, 0.01), "wrong scale: its typical mean"),
    "zeros": (lambda t: scaled(t, 0), "predicts 0 for every neuron that responds"),
}


def scaled(table: Table, factor: float) -> Table:
    return [table[0], *(changed(row, 2, lambda v: [factor * x for x in v]) for row in table[1:])]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_named(good: Path, scan: Scan, fault: str) -> None:
    change, says = FAULTS[fault]
    validate(good, scan, "test")
    write_table(good, change(table_of(good)))
    with pytest.raises(DataError, match=says) as caught:
        validate(good, scan, "test")
    message = str(caught.value)
    assert message.startswith(str(good))
    assert message.endswith(".")
    assert message.count(". ") == 0, "one sentence"
    assert len(message) < 400 + len(str(good))


def test_the_order_of_rows_and_an_empty_line_are_no_fault(good: Path, scan: Scan) -> None:
    table = table_of(good)
    write_table(good, [table[0], *reversed(table[1:]), []])
    validate(good, scan, "test")


def test_the_name_belongs_to_the_tier(good: Path, scan: Scan) -> None:
    with pytest.raises(DataError, match=r"must be called submission_file_final_test\.csv"):
        validate(good, scan, "final_test")
    with pytest.raises(DataError, match="no submission of the tier 'validation'"):
        validate(good, scan, "validation")
    other = good.rename(good.with_name("submission_file_final_test.csv"))
    with pytest.raises(DataError, match="is no trial of 'final_test'"):
        validate(other, scan, "final_test")


@pytest.mark.parametrize("share", [0.999, 0.5, 0.101, 0.001])
def test_a_file_cut_off_anywhere_is_noticed(good: Path, scan: Scan, share: float) -> None:
    whole = good.read_bytes()
    good.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"cannot be read to its end|lacks|fields|columns|no list"):
        validate(good, scan, "test")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01" * 100, b"PK\x03\x04" + bytes(200)])
def test_what_is_no_text_is_named(good: Path, scan: Scan, content: bytes) -> None:
    good.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read to its end|columns"):
        validate(good, scan, "test")
    good.unlink()
    with pytest.raises(DataError, match=r"cannot be read to its end .*No such file"):
        validate(good, scan, "test")


def raw(scan: Scan, predictions: np.ndarray) -> np.ndarray:
    return predictions / scan.response_scale.astype(np.float32)


def shuffled(scan: Scan) -> np.ndarray:
    """A model that has confused its neurons."""
    return predicted(scan)[:, np.random.default_rng(5).permutation(N)]


def untrained(scan: Scan) -> np.ndarray:
    """ELU + 1 of small random drives."""
    drive = np.random.default_rng(6).normal(0, 0.3, (len(scan.trials("test")), N))
    return np.where(drive > 0, drive + 1, np.exp(drive)).astype(np.float32)


POOR = {
    "constant": lambda scan: np.ones((30, N), np.float32),
    "confused": shuffled,
    "untrained": untrained,
    "shrunken": lambda scan: np.sqrt(predicted(scan)),
    "too high": lambda scan: 3 * predicted(scan),
    "too low": lambda scan: predicted(scan) / 3,
    "noisy": lambda scan: predicted(scan) * np.random.default_rng(7).lognormal(0, 1, N).astype(np.float32),
}


@pytest.mark.parametrize("model", POOR)
def test_a_poor_model_is_valid_but_not_in_raw_units_or_times_100(
    scan: Scan, tmp_path: Path, model: str
) -> None:
    predictions = POOR[model](scan)
    write_submission(tmp_path, scan, {"test": predictions})
    validate(tmp_path / LIVE, scan, "test")
    for wrong in (raw(scan, predictions), 100 * predictions):
        with pytest.raises(DataError, match="wrong scale"):
            write_submission(tmp_path, scan, {"test": wrong})


def test_raw_units_are_noticed_where_their_size_is_no_other(tmp_path: Path) -> None:
    """The units differ between neurons but are 1 in the middle, so that the typical mean is right."""
    scan = simulated()
    scan.response_scale[:] *= np.median(1 / scan.response_scale)
    scan.statistics["responses"]["mean"][:] /= np.median(scan.statistics["responses"]["std"])
    write_submission(tmp_path, scan, {"test": predicted(scan)})
    with pytest.raises(DataError, match="grow with the unit of the raw responses"):
        write_submission(tmp_path, scan, {"test": raw(scan, predicted(scan))})


# --- scoring


@pytest.fixture
def pair(scan: Scan, tmp_path: Path, good: Path) -> tuple[Path, Path]:
    responses = scan.responses[scan.trials("test")]
    (truth,) = write_ground_truth(tmp_path, scan, {"test": responses})
    assert truth.name == "ground_truth_file_test.csv"
    return truth, good


def test_the_scores_are_those_of_the_arrays(scan: Scan, pair: tuple[Path, Path]) -> None:
    trials = scan.trials("test")
    responses, predictions, images = scan.responses[trials], predicted(scan), scan.image_ids[trials]
    explained = feve(responses, predictions, images)
    found = score_submission(*pair)
    expected = {
        "Single Trial Correlation": correlation(responses, predictions).mean(),
        "Correlation to Average": correlation_to_average(responses, predictions, images).mean(),
        "FEVE": explained.mean,
    }
    assert list(found) == list(expected)
    np.testing.assert_allclose(list(found.values()), list(expected.values()), atol=1e-6)
    neurons = score_neurons(*pair)
    assert neurons.neurons.tolist() == scan.unit_ids.tolist()
    np.testing.assert_array_equal(neurons.included, explained.included)


def test_more_neurons_than_a_block(tmp_path: Path) -> None:
    scan = simulated(neurons=300)
    responses = scan.responses[scan.trials("test")]
    predictions = (0.5 * responses + 0.1).astype(np.float32)
    write_submission(tmp_path, scan, {"test": predictions})
    write_ground_truth(tmp_path, scan, {"test": responses})
    found = score_neurons(tmp_path / "ground_truth_file_test.csv", tmp_path / LIVE)
    assert len(found.single_trial) == 300
    np.testing.assert_allclose(found.single_trial, 1, atol=1e-6)


def permuted(row: list[str], seed: int) -> list[str]:
    """The same row with its neurons, and their values, in another order."""
    order = np.random.default_rng(seed).permutation(N)
    return changed(changed(row, 2, lambda v: [v[i] for i in order]), 3, lambda v: [v[i] for i in order])


def test_rows_and_the_columns_of_each_row_are_put_in_order(pair: tuple[Path, Path]) -> None:
    before = score_neurons(*pair)
    for path in pair:
        table = table_of(path)
        rows = [permuted(row, seed) for seed, row in enumerate(table[1:], start=len(path.name))]
        write_table(path, [table[0], *reversed(rows)])
    after = score_neurons(*pair)
    back = np.argsort(after.neurons)
    assert after.neurons.tolist() != before.neurons.tolist()
    for name in ("single_trial", "to_average", "fraction_explainable", "fraction_explained"):
        np.testing.assert_allclose(getattr(after, name)[back], getattr(before, name), rtol=1e-9)


def test_values_without_their_neurons_in_order_score_less(pair: tuple[Path, Path]) -> None:
    truth, path = pair
    before, table = score_submission(truth, path), table_of(path)
    rows = [[*row[:2], permuted(row, 1)[2], row[3]] for row in table[1:]]
    write_table(path, [table[0], *rows])
    assert (
        score_submission(truth, path)["Single Trial Correlation"] < before["Single Trial Correlation"] - 0.5
    )


def test_a_constant_prediction_scores_0(pair: tuple[Path, Path]) -> None:
    truth, path = pair
    table = table_of(path)
    write_table(path, [table[0], *(changed(row, 2, lambda v: [0.1, *v[1:]]) for row in table[1:])])
    found = score_neurons(truth, path)
    assert found.single_trial[0] == 0
    assert found.to_average[0] == 0
    assert (found.single_trial[1:] != 0).all()


def test_negative_predictions_are_scored(pair: tuple[Path, Path]) -> None:
    truth, path = pair
    before, table = score_neurons(truth, path), table_of(path)
    write_table(path, scaled(table, -1))
    np.testing.assert_allclose(score_neurons(truth, path).single_trial, -before.single_trial, rtol=1e-9)


SCORING_FAULTS = {
    "row missing": (lambda t: t[:7] + t[8:], "lacks 1 of the 30 trials"),
    "row doubled": (lambda t: [*t[:9], t[4], *t[9:]], "row 9: trial .* was given before"),
    "row extra": (lambda t: [*t, ["ff", *t[4][1:]]], "row 31: trial ff is not in .*ground_truth"),
    "image": (with_text(1, "987654"), "row 9 has the image 987654, .* has"),
    "neuron other": (in_row(3, lambda v: [*v[:-1], 10**6]), "row 9 has other neuron_ids"),
    "neuron fewer": (FAULTS["neuron fewer"][0], r"row 9 has other neuron_ids .* \(39 and 40\)"),
    "NaN": (FAULTS["NaN"][0], "row 9 holds NaN or infinite"),
    "list": (with_text(2, "[0.1,"), "row 9: .* is no list"),
    "column": (FAULTS["column renamed"][0], "columns"),
}


@pytest.mark.parametrize("fault", SCORING_FAULTS)
def test_what_cannot_be_scored_is_named(pair: tuple[Path, Path], fault: str) -> None:
    change, says = SCORING_FAULTS[fault]
    write_table(pair[1], change(table_of(pair[1])))
    with pytest.raises(DataError, match=f"{pair[1].name}.*{says}"):
        score_submission(*pair)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t[:1], "has no rows"),
        (lambda t: [*t, t[4]], "row 31: trial .* was given before"),
        (in_row(3, lambda v: [*v[:-1], 10**6]), "row 9 has other neuron_ids"),
    ],
)
def test_a_bad_ground_truth_is_named(
    pair: tuple[Path, Path], change: Callable[[Table], Table], says: str
) -> None:
    write_table(pair[0], change(table_of(pair[0])))
    with pytest.raises(DataError, match=f"{pair[0].name}.*{says}"):
        score_submission(*pair)


def test_two_files_of_one_kind_are_noticed(pair: tuple[Path, Path]) -> None:
    with pytest.raises(DataError, match="columns"):
        score_submission(pair[1], pair[1])
    with pytest.raises(DataError, match="columns"):
        score_submission(pair[0], pair[0])


def test_memory_is_that_of_the_numbers_not_of_the_text(tmp_path: Path) -> None:
    """Two tables of 8 bytes a number; their text alone takes more, parsed lists four times as much."""
    trials, neurons = 100, 2000
    random = np.random.default_rng(2)
    values, ids, images = random.random((trials, neurons)), np.arange(trials), np.arange(trials) // 10
    for name, kind in (("truth.csv", "responses"), ("ours.csv", "prediction")):
        write_rows(tmp_path / name, values, ids, images, np.arange(neurons), kind)
    text = sum(file.stat().st_size for file in tmp_path.iterdir())
    tracemalloc.start()
    try:
        found = score_submission(tmp_path / "truth.csv", tmp_path / "ours.csv")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found["Single Trial Correlation"] == pytest.approx(1, abs=1e-6)
    assert peak < 2 * values.nbytes + 3e6 < text
