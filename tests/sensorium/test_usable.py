"""What of a damaged scan is left out: by which rule, how much of it, and that the rest is as it was."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from neurokit import sensorium
from neurokit.errors import DataError
from neurokit.experiment import Experiment
from neurokit.sensorium.experiment import describe
from neurokit.sensorium.files import FIELDS
from neurokit.sensorium.limits import find_bounds, grey_limits, usual_magnitude
from neurokit.sensorium.past_responses import HistoryBank, fit_state, known_trials, neighbours
from neurokit.sensorium.recording import Scan, load_scan
from neurokit.sensorium.standardised import STATISTICS
from neurokit.training import checkpoint
from tests.sensorium.scan_files import (
    NAME,
    ORDER,
    TIERS,
    TRIALS,
    Files,
    load,
    raw,
    scan_files,
    with_array,
    with_value,
    without,
    write,
)
from tests.sensorium.test_experiment import written
from tests.sensorium.toys import FULL, PLAIN, PLUS

Change = Callable[[Files], None]
Found = list[tuple[str, str, tuple[str, ...], int, str]]


def listed(scan: Scan) -> Found:
    assert all(each.session == scan.key for each in scan.omissions)
    return [(each.rule, each.pieces, each.names, each.number, each.part) for each in scan.omissions]


def both(*changes: Change) -> Change:
    return lambda files: [change(files) for change in changes] and None


def as_double(name: str) -> Change:
    return lambda files: files.update({name: files[name].astype(float)})


def in_trials(field: str, value: float, index: int | slice, trials: range) -> Change:
    """The value in one place of a field in several trials."""
    return both(*(with_value(f"data/{field}/{trial}", value, index) for trial in trials))


def trial_id(trial: int) -> str:
    return str(3 * ORDER[trial] + 2)


def trial(number: int, part: str, of: int, rule: str = "not_finite") -> Found:
    return [(rule, "trials", (trial_id(number),), of, part)]


def unit(name: int, rule: str = "not_finite") -> Found:
    return [(rule, "units", (str(name),), 5, "")]


def channels(*names: str, rule: str = "not_finite") -> Found:
    return [(rule, "channels", names, 5, "")]


def copied(source: int, *others: int) -> Change:
    """The responses of a trial in others, too."""

    def change(files: Files) -> None:
        files.update({f"data/responses/{other}": files[f"data/responses/{source}"] for other in others})

    return change


def same_neurons(source: int, other: int, trial: int) -> Change:
    """The response of a neuron in another's place, too."""

    def change(files: Files) -> None:
        responses = files[f"data/responses/{trial}"].copy()
        responses[other] = responses[source]
        files[f"data/responses/{trial}"] = responses

    return change


def computed_with(
    field: str, trial: int, value: float, index: int, words: tuple[str, ...] = STATISTICS
) -> Change:
    """The value in one trial, and in the statistics that were computed from all trials with it."""

    def change(files: Files) -> None:
        as_double(f"data/{field}/{trial}")(files)
        with_value(f"data/{field}/{trial}", value, index)(files)
        held = raw(files, field)[:, index]
        for word in words:
            as_double(name := f"meta/statistics/{field}/all/{word}")(files)
            with_value(name, getattr(np, word)(held), index)(files)

    return change


FRACTIONS = np.linspace(0, 1, 36 * 64).reshape(1, 36, 64)
WIDE = with_array("data/images/7", np.full((1, 144, 256), 300, np.uint16))
UNRECORDED = {
    field: both(*(without(f"data/{field}/{i}") for i in range(TRIALS)))
    for field in ("behavior", "pupil_center")
}
LEFT_OUT: dict[str, tuple[Change, Found]] = {
    "nothing": (lambda files: None, []),
    "NaN in a response": (with_value("data/responses/7", np.nan), trial(7, "validation", 2)),
    "infinite response": (with_value("data/responses/0", np.inf), trial(0, "train", 6)),
    "negative response": (with_value("data/responses/7", -1e-3), trial(7, "validation", 2, "out_of_range")),
    "response beyond single precision": (
        with_array("data/responses/9", np.full(5, 1e300)),
        trial(9, "test", 4, "out_of_range"),
    ),
    "NaN in behaviour": (with_value("data/behavior/7", np.nan), trial(7, "validation", 2)),
    "behaviour beyond double precision": (
        with_array("data/behavior/2", np.full(3, np.longdouble("1e4000"))),
        trial(2, "train", 6),
    ),
    "behaviour beyond single precision": (
        with_array("data/behavior/2", np.full(3, 1e300)), trial(2, "train", 6, "out_of_range")
    ),
    "eye beyond single precision": (
        with_array("data/pupil_center/7", np.array([1.0, -1e300])),
        trial(7, "validation", 2, "out_of_range"),
    ),
    "running far beyond the statistics": (
        with_value("data/behavior/2", 1e6, 2), trial(2, "train", 6, "out_of_range")
    ),
    "eye far beyond the statistics": (
        with_value("data/pupil_center/7", -1e30, 1), trial(7, "validation", 2, "out_of_range")
    ),
    "response far beyond the statistics": (
        with_value("data/responses/0", 1e30, 1), trial(0, "train", 6, "out_of_range")
    ),
    "neuron far beyond the statistics in a third": (
        in_trials("responses", 1e30, 2, range(3, 7)), unit(5, "out_of_range")
    ),
    "running far beyond the statistics throughout": (
        in_trials("behavior", 1e20, 2, range(TRIALS)), channels("running", rule="out_of_range")
    ),
    "NaN in the eye": (with_value("data/pupil_center/7", np.nan, 1), trial(7, "validation", 2)),
    "responses of one trial in others": (copied(0, 7, 9), [
        *trial(0, "train", 6, "doubled"), *trial(7, "validation", 2, "doubled")  # 9 was shown first
    ]),
    "neuron with the responses of another": (
        both(*(same_neurons(1, 4, trial) for trial in range(TRIALS))), unit(9, "doubled")
    ),
    "copies of a trial that is left out": (
        both(copied(0, 7, 9), with_value("data/behavior/9", np.nan)),
        [*trial(7, "validation", 2, "doubled"), *trial(9, "test", 4)],
    ),
    "NaN in an image": (
        with_array("data/images/7", np.full((1, 144, 256), np.nan)), trial(7, "validation", 2)
    ),
    "image beyond its range": (WIDE, trial(7, "validation", 2, "out_of_range")),
    "image of fractions among grey values": (
        with_array("data/images/7", FRACTIONS), trial(7, "validation", 2, "out_of_range")
    ),
    **{
        f"{field} of one trial {how}": (change(f"data/{field}/7"), trial(7, "validation", 2, rule))
        for field in FIELDS
        for how, (change, rule) in {
            "missing": (without, "missing"),
            "of another shape": (lambda name: with_array(name, np.zeros((7, 7))), "misfit"),
            "shorter": (lambda name: with_array(name, np.zeros(1)), "misfit"),
            "of texts": (lambda name: with_array(name, np.array(["a", "b"])), "misfit"),
        }.items()
    },
    "first file missing of a field that may be absent": (
        without("data/behavior/0"), trial(0, "train", 6, "missing")
    ),
    "all files of a trial": (
        both(*(without(f"data/{field}/3") for field in FIELDS)), trial(3, "train", 6, "missing")
    ),
    "behaviour missing in most trials": (
        both(*(without(f"data/behavior/{i}") for i in range(8))),
        channels("pupil_size", "pupil_change", "running"),
    ),
    "neuron whose statistics know a value that cannot be": (
        computed_with("responses", 3, 1e9, 1), unit(2, "out_of_range")
    ),
    "neuron whose standard deviation alone knows one": (
        computed_with("responses", 3, 1e9, 1, words=("std",)), unit(2, "out_of_range")
    ),
    "channel whose statistics know a value that cannot be": (
        computed_with("behavior", 3, 1e9, 0), channels("pupil_size", rule="out_of_range")
    ),
    "eye whose statistics know a value that cannot be": (
        computed_with("pupil_center", 7, -1e9, 1), channels("pupil_y", rule="out_of_range")
    ),
    "images of one grey, which are no fault": (
        both(*(with_array(f"data/images/{i}", np.full((1, 144, 256), 9, np.uint8)) for i in range(5))), []
    ),
    "trial that the recording labels": (
        with_value("meta/trials/tiers", "left_out", 3),
        [("labelled", "trials", (trial_id(3),), 12, "")],
    ),
    "neuron lost in a third": (in_trials("responses", np.nan, 2, range(3, 7)), unit(5)),
    "neuron negative in a third": (in_trials("responses", -1, 2, range(3, 7)), unit(5, "out_of_range")),
    "statistics of a neuron": (with_value("meta/statistics/responses/all/std", np.nan, 1), unit(2)),
    "statistics of a neuron beyond single precision": (
        both(as_double("meta/statistics/responses/all/std"),
             with_value("meta/statistics/responses/all/std", 1e300, 1)),
        unit(2),
    ),
    "place of a neuron": (
        with_array("meta/neurons/cell_motor_coordinates", np.where(np.eye(5, 3) > 0, np.nan, 1.0)[::-1]),
        [("not_finite", "units", ("5", "6", "9"), 5, "")],
    ),
    "running all NaN": (in_trials("behavior", np.nan, 2, range(TRIALS)), channels("running")),
    "eye lost in most trials": (
        in_trials("pupil_center", np.nan, slice(None), range(8)), channels("pupil_x", "pupil_y")
    ),
    "running constant": (
        in_trials("behavior", 0, 2, range(TRIALS)), channels("running", rule="constant")
    ),
    "statistics of behaviour": (
        with_value("meta/statistics/behavior/all/max", np.inf, 1), channels("pupil_change")
    ),
    "negative standard deviation of behaviour": (
        with_value("meta/statistics/behavior/all/std", -1, 1),
        channels("pupil_change", rule="out_of_range"),
    ),
    "statistics of behaviour beyond single precision": (
        both(
            as_double("meta/statistics/behavior/all/mean"),
            with_value("meta/statistics/behavior/all/mean", 1e300, 1),
        ),
        channels("pupil_change"),
    ),
    "eye not recorded": (
        UNRECORDED["pupil_center"], channels("pupil_x", "pupil_y", rule="not_recorded")
    ),
    "behaviour not recorded": (
        UNRECORDED["behavior"],
        channels("pupil_size", "pupil_change", "running", rule="not_recorded"),
    ),
    "neither recorded, which is no fault": (both(*UNRECORDED.values()), []),
    "test withheld as NaN, which is no fault": (
        in_trials("responses", np.nan, slice(None), range(8, 12)), []
    ),
    "all at once": (
        both(
            in_trials("responses", np.nan, 2, range(3, 7)),
            with_value("data/behavior/7", np.nan),
            WIDE,
            with_value("data/responses/8", np.nan, 0),
            in_trials("behavior", np.nan, 1, range(TRIALS)),
        ),
        [*trial(7, "validation", 2), *trial(8, "test", 4), *unit(5), *channels("pupil_change")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_one_bad_piece_costs_one_piece(tmp_path: Path, name: str) -> None:
    change, expected = LEFT_OUT[name]
    sound, files = load(tmp_path / "sound", scan_files()), scan_files()
    change(files)
    scan = load(tmp_path / "damaged", files)
    assert listed(scan) == expected
    again = load_scan(next((tmp_path / "damaged").glob("static*")), tmp_path / "damaged" / "packed")
    assert again.omissions == scan.omissions  # the pack has them
    lost = {trial for each in scan.omissions if each.pieces == "trials" for trial in each.names}
    kept = ~np.isin(sound.trial_ids.astype(str), sorted(lost))
    units = np.isin(sound.unit_ids, scan.unit_ids)
    assert np.array_equal(scan.tiers == "left_out", ~kept)
    assert np.array_equal(scan.tiers[kept], TIERS[kept]) and np.array_equal(scan.rank, sound.rank)
    assert len(scan.unit_ids) == scan.neurons == len(scan.coordinates) == units.sum()
    for field in ("images", "responses", "behaviour", "pupil_center"):
        assert np.isfinite(getattr(scan, field)).all()
    known = kept & (scan.tiers != "test")  # these may be withheld
    if "one grey" not in name:
        assert np.array_equal(scan.images[kept], sound.images[kept])
    np.testing.assert_allclose(scan.responses[known], sound.responses[known][:, units], rtol=0.3)
    for each in scan.statistics["responses"].values():
        assert len(each) == units.sum()


def test_what_is_not_left_out_is_as_it_was(tmp_path: Path) -> None:
    """To the bit: one neuron and one trial less change nothing in the others."""
    sound, files = load(tmp_path / "sound", scan_files()), scan_files()
    LEFT_OUT["all at once"][0](files)
    scan = load(tmp_path / "damaged", files)
    kept, units = scan.tiers != "left_out", np.isin(sound.unit_ids, scan.unit_ids)
    assert np.array_equal(scan.responses[kept], sound.responses[kept][:, units])
    assert np.array_equal(scan.response_scale, sound.response_scale[units])
    assert np.array_equal(scan.behaviour[kept][:, [0, 2]], sound.behaviour[kept][:, [0, 2]])
    assert not scan.behaviour[:, 1].any()
    assert all(scan.statistics["behavior"][word][1] == 0 for word in STATISTICS)
    assert np.array_equal(raw(files, "pupil_center")[kept], scan.pupil_center[kept])


def test_statistics_with_a_value_that_cannot_be_change_no_other_neuron(tmp_path: Path) -> None:
    """Nor is a neuron left out that is louder than the others in many trials."""
    sound, files = load(tmp_path / "sound", scan_files()), scan_files()
    computed_with("responses", 3, 1e9, 1)(files)
    scan = load(tmp_path / "damaged", files)
    others = np.delete(np.arange(5), 1)
    active = scan.response_scale[:3] == sound.response_scale[others][:3]
    assert active.all() and np.array_equal(scan.responses[:, :3], sound.responses[:, others][:, :3])
    assert (scan.tiers != "left_out").all()
    loud = scan_files()
    for name in [name for name in loud if "responses" in name and "frame" not in name]:
        loud[name] = loud[name].astype(float) * [1, 1e6, 1, 1, 1]
    assert not load(tmp_path / "loud", loud).omissions


def test_a_file_that_is_cut_short_costs_its_trial(tmp_path: Path) -> None:
    path = write(tmp_path, scan_files()) / "data/responses/7.npy"
    path.write_bytes(path.read_bytes()[:-3])
    scan = load_scan(tmp_path / NAME, tmp_path / "packed")
    assert listed(scan) == trial(7, "validation", 2, "unreadable")
    assert load_scan(tmp_path / NAME, tmp_path / "packed").omissions == scan.omissions


def test_what_is_usual_for_a_neuron() -> None:
    values = np.arange(1000.0)[:, None] * [1, -1, 0] + [[0, 0, 5.0]]
    assert usual_magnitude(values).tolist() == [989, 989, 5]
    values[::2] = np.nan
    values[1] = np.inf
    assert usual_magnitude(values).tolist() == [989, 989, 5]
    assert usual_magnitude(np.array([[1.0, np.nan, 3.0], [9.0, np.nan, np.nan]])).tolist() == [1, 0, 3]


def test_a_silent_neuron_stays(tmp_path: Path) -> None:
    """As in the official scores, which count every neuron."""
    scan = load(tmp_path, scan_files())
    assert not scan.responses[:, 4].any() and scan.neurons == 5 and not scan.omissions


def test_a_neuron_that_hardly_fires_in_training_may_fire_later(tmp_path: Path) -> None:
    """Its bound is that of the median neuron, and a neuron that is silent in training has none."""
    files = scan_files()
    for word in ("mean", "std", "min", "max", "median"):
        with_value(f"meta/statistics/responses/all/{word}", 1e-9, 3)(files)
    with_value("data/responses/8", 40, slice(3, 5))(files)
    assert not load(tmp_path, files).omissions


@pytest.mark.parametrize("values", [[0, 0, 0, 0, 0], [0, 0.5, 0.25, 0.75, 0], [3, 1, 2, 4, 5]])
def test_few_values_and_counts_may_be_the_same_by_chance(tmp_path: Path, values: list[float]) -> None:
    files = scan_files()
    files["data/responses/0"] = np.array(values)
    copied(0, 3, 7, 9)(files)
    assert not load(tmp_path, files).omissions


@pytest.mark.parametrize(
    ("least", "most", "bound"),
    [(0, 2, 200), (-3, 2, 300), (0, 0, np.inf), (np.nan, 2, np.inf), (0, np.inf, np.inf), (0, 1e300, np.inf)],
)
def test_what_a_value_may_be(least: float, most: float, bound: float) -> None:
    assert find_bounds(np.array([float(least)]), np.array([float(most)])).tolist() == [bound]


REFUSED: dict[str, tuple[Change, str]] = {
    "all validation trials": (
        in_trials("behavior", np.nan, 0, range(6, 8)),
        r"^data/behavior of \S+ leaves none of the 2 validation trials \(values are missing[^)]*\): mend",
    ),
    "images in another unit": (
        both(*(with_array(f"data/images/{i}", FRACTIONS) for i in range(TRIALS))),
        r"^data/images of \S+ leaves none of the 6 train trials \(values that cannot be\): write finite im",
    ),
    "all neurons negative": (
        both(*(in_trials("responses", -1, unit, range(2 * unit, 2 * unit + 2)) for unit in range(5))),
        r"^data/responses of \S+ leaves none of the 5 neurons \(5 with values that cannot be\): write "
        r".* clipped at 0\.$",
    ),
}


MISSHAPEN = {"images": (60, 36, 64), "responses": (4,), "behavior": (2,), "pupil_center": (3,)}
REFUSED |= {
    f"{field} misshapen throughout": (
        both(*(with_array(f"data/{field}/{i}", np.zeros(shape)) for i in range(TRIALS))),
        rf"^data/{field} of \S+ (leaves none of the 6 train trials|holds no file that can be used).*: "
        rf"data/{field}/0\.npy of \S+ has shape {re.escape(str(shape))} instead of .*: write .*[^.]\.$",
    )
    for field, shape in MISSHAPEN.items()
}
REFUSED |= {
    "images of one grey throughout": (
        both(*(with_array(f"data/images/{i}", np.full((1, 144, 256), i, np.uint8)) for i in range(TRIALS))),
        r"^data/images of \S+ shows one grey in each of the 6 training trials: write the images that were",
    ),
    "images whose statistics know a value that cannot be": (
        both(
            with_array("data/images/3", np.where(np.eye(144, 256)[None] > 0, 1e9, 5)),
            with_array("meta/statistics/images/all/max", np.array(1e9)),
            with_array("meta/statistics/images/all/std", np.array(1e7)),
        ),
        r"^meta/statistics/images/all/std\.npy of \S+ says 1e\+07, and hardly an image holds more than 255: "
        r"compute it from images that can be \(data/images/3\.npy holds 1e\+09\)\.$",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_only_what_cannot_be_saved_is_refused(tmp_path: Path, name: str) -> None:
    change, says = REFUSED[name]
    files = scan_files()
    change(files)
    with pytest.raises(DataError, match=says) as caught:
        load(tmp_path, files)
    assert "download" not in str(caught.value)
    assert not list((tmp_path / "packed").glob("*.safetensors*"))


@pytest.mark.parametrize(
    ("least", "most", "limits"),
    [
        (0, 255, (0, 255)),
        (3, 240, (0, 255)),
        (0, 1, (0, 1)),
        (-2, 2, (-4, 4)),
        (0, 1000, (-500, 1500)),
        (0, 0, (-np.inf, np.inf)),
    ],
)
def test_what_an_image_may_hold(least: float, most: float, limits: tuple[float, float]) -> None:
    assert grey_limits(np.array(float(least)), np.array([float(most), float(least)])) == limits


# --- time


def test_a_trial_that_is_left_out_is_a_gap_in_time(tmp_path: Path) -> None:
    """Its neighbours are no pair for the state, and it is in nobody's history."""
    sound, files = load(tmp_path / "sound", scan_files()), scan_files()
    in_time = np.argsort(ORDER)
    place = next(t for t in range(1, 11) if known_trials(TIERS[in_time[t - 1 : t + 2]]).all())
    with_value(f"data/responses/{in_time[place]}", np.nan)(files)
    scan = load(tmp_path / "damaged", files)
    known, before = (known_trials(each.tiers)[in_time] for each in (scan, sound))
    lost = set(neighbours(before).tolist()) - set(neighbours(known).tolist())
    assert lost == {place - 1, place} and place - 1 not in neighbours(known)
    bank = HistoryBank(*map(_tensor, (scan.responses, scan.rank, known_trials(scan.tiers))), lags=(1, 2))
    after = bank(_tensor(in_time[place + 1 : place + 2])).numpy()
    np.testing.assert_allclose(after[0, :, 0], scan.responses[in_time[place - 1]], rtol=1e-5)
    settings = FULL.state.replace(components=2, rank=1, factors=1, seed=3)
    assert np.isfinite(fit_state(scan.responses, scan.rank, known_trials(scan.tiers), settings).parts).all()


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(values))


# --- from the files to the scores


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan, unpacked beside its truth, with two bad trials, a bad neuron, and no running."""
    folder = written(tmp_path_factory.mktemp("damaged") / "mice", ("pretraining",))
    (path,) = folder.glob("*.zip")
    zipfile.ZipFile(path).extractall(folder)
    path.unlink()
    (scan,) = (each for each in folder.iterdir() if each.is_dir())
    tiers = np.load(scan / "meta/trials/tiers.npy")
    train, test = (np.flatnonzero(tiers == tier) for tier in ("train", "test"))
    _spoil(scan / f"data/responses/{train[3]}.npy", 5)
    _spoil(scan / f"data/pupil_center/{test[0]}.npy", 0)
    for index in train[10:16]:
        _spoil(scan / f"data/responses/{index}.npy", 2)
    for index in range(len(tiers)):
        _spoil(scan / f"data/behavior/{index}.npy", 2)
    ids = np.load(scan / "meta/trials/frame_image_id.npy")
    ids[test[1]] = 9999  # shown once
    np.save(scan / "meta/trials/frame_image_id.npy", ids)
    image = np.load(scan / f"data/images/{test[2]}.npy")
    np.save(scan / f"data/images/{train[0]}.npy", image)  # under another id
    return folder


def _spoil(path: Path, index: int) -> None:
    values = np.load(path).astype(np.float32)
    values[index] = np.nan
    np.save(path, values)


@pytest.mark.parametrize("config", [PLAIN, PLUS, FULL], ids=["plain", "plus", "full"])
def test_a_damaged_scan_is_trained_on_scored_and_asked(
    damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: sensorium.SensoriumConfig,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    folder = damaged
    experiment = Experiment("sensorium", config=config, folder=folder, device="cpu").train()
    printed = capsys.readouterr().out
    scores = experiment.evaluate()
    assert np.isfinite(scores.single_trial).all() and set(scores.neurons) == {21}
    assert np.isfinite(scores.to_average[scores.model != "ceiling"]).all()
    (key, scan), = experiment.recording.items()  # fmt: skip
    found = {(o.rule, o.pieces, o.part): o for o in experiment.omissions}
    assert {name: (len(o.names), o.number) for name, o in found.items()} == {
        ("not_finite", "trials", "train"): (1, 60),
        ("not_finite", "trials", "test"): (1, 12),
        ("not_finite", "units", ""): (1, 22),
        ("not_finite", "channels", ""): (1, 5),
        ("shown_in_two_parts", "trials", "train"): (1, 59),
        ("shown_once", "images", "test"): (1, 5),
    }
    assert found["not_finite", "units", ""].names == ("3",)
    assert found["not_finite", "channels", ""].names == ("running",)
    assert found["shown_once", "images", "test"].names == ("9999",)
    assert all(str(each) in printed and each.session == key for each in experiment.omissions)
    assert f"{key}: 1 of 22 units left out" in describe(experiment.recording)
    held = checkpoint.read_facts(experiment.path)
    assert held["left_out"] == [each.to_dict() for each in experiment.omissions]
    assert len(held["unit_ids"][key]) == 21 and 3 not in held["unit_ids"][key]
    assert experiment.predict()[key].shape == (11, 21)
    again = Experiment("sensorium", config=config, folder=folder, device="cpu")
    assert np.array_equal(again.predict()[key], experiment.predict()[key])
    if not config.inputs.uses_past_responses:
        _ask(experiment, scan)


def _ask(experiment: Experiment, scan: Scan) -> None:
    """The checkpoint answers where running is unknown, and only there."""
    behaviour, grey = np.array([[20.0, 0.0, np.nan]]), np.full((1, 36, 64), 100)
    eye = scan.statistics["pupil_center"]["mean"]
    given = {"images": grey, "behaviour": behaviour, "pupil_center": eye[None]}
    if experiment.config.inputs.behaviour is None:
        given = {"images": grey}
    opened = checkpoint.load(experiment.path)
    assert sensorium.respond(opened, given)["rates"].shape == (1, 21)
    if "behaviour" in given:
        with pytest.raises(DataError, match="behaviour holds float64 values, not all of them finite"):
            sensorium.respond(opened, given | {"behaviour": behaviour[:, ::-1]})


def test_the_ceiling_is_that_of_the_trials_and_neurons_that_are_left(damaged: Path) -> None:
    recording = sensorium.load(folder=damaged, config=PLAIN)
    (mouse,) = (task := sensorium.task(recording, PLAIN, device="cpu")).values()
    (found,) = sensorium.ceiling(task, "image", "test").values()
    truth = sensorium.read_truth(mouse.scan.truth)
    trials, units = mouse.trials("test").numpy(), np.delete(np.arange(22), 2)
    for place, neuron in enumerate(units):
        responses, best = (each[trials, neuron] for each in (truth.responses, truth.expected_from_image))
        assert found[place] == pytest.approx(np.corrcoef(responses, best)[0, 1], abs=1e-5)


def test_a_competition_takes_no_scan_without_some_of_its_neurons(tmp_path: Path) -> None:
    files = scan_files()
    LEFT_OUT["neuron lost in a third"][0](files)
    scan = load(tmp_path / "neuron", files)
    with pytest.raises(DataError, match=r"scores every neuron and trial .* 1-2-3: 1 of 5 units left out"):
        sensorium.write_submission(tmp_path, scan, {"test": np.ones((4, 4), np.float32)})
    files = scan_files()
    with_value("data/behavior/9", np.nan)(files)
    scan = load(tmp_path / "trial", files)
    for call in (
        lambda: sensorium.write_submission(tmp_path, scan, {"test": np.ones((3, 5), np.float32)}),
        lambda: sensorium.write_ground_truth(tmp_path, scan, {"test": np.ones((3, 5), np.float32)}),
        lambda: sensorium.validate(tmp_path / "submission_file_live_test.csv", scan, "test"),
    ):
        with pytest.raises(DataError, match=r"1-2-3: 1 of 4 test trials left out"):
            call()
    assert not list(tmp_path.glob("*.csv"))
    files = scan_files()
    with_value("data/behavior/2", np.nan)(files)  # of training: the table has all that is scored
    scan = load(tmp_path / "train", files)
    means = scan.statistics["responses"]["mean"] * scan.response_scale
    assert sensorium.write_submission(tmp_path, scan, {"test": np.tile(means, (4, 1))})


def test_a_competition_scan_is_refused_before_anything_is_trained(damaged: Path, tmp_path: Path) -> None:
    recording = sensorium.load(folder=damaged)
    for scan in recording.values():
        scan.tiers[scan.tiers == "test"] = "final_test"
    with pytest.raises(DataError, match=r"in scan 90000-1-1: 1 of 12 test trials left out"):
        sensorium.submit(lambda: recording, PLUS, tmp_path / "files", members_folder=tmp_path / "members")
    assert not (tmp_path / "members").exists()


def test_an_unknown_word_for_a_tier_names_the_one_that_leaves_out(tmp_path: Path) -> None:
    files = scan_files()
    with_value("meta/trials/tiers", "bad", 3)(files)
    with pytest.raises(
        DataError, match="use train, validation, test, final_test, or left_out for a trial of none"
    ):
        load_scan(write(tmp_path, files), tmp_path / "packed")
