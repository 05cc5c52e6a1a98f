"""Simulated scans through the reader of the real ones: layout, order, what is withheld, statistics."""

import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from neurokit.sensorium.recording import Scan, load_scan
from neurokit.sensorium.simulated_mouse import Mouse, MouseParameters
from neurokit.sensorium.simulation import KINDS, ScanParameters, SimulatedScan, simulate_scan, write_scan
from neurokit.simulation import scenes

SMALL = ScanParameters(
    mouse=MouseParameters(neurons=30, seed=5), train=60, validation=12, test_images=4, repeats=3
)
PARAMETERS = {kind: SMALL.replace(kind=kind) for kind in KINDS}
TINY = SMALL.replace(mouse=MouseParameters(neurons=4), train=4, validation=2, test_images=2, repeats=2)


@pytest.fixture(scope="module", autouse=True)
def small_canvases() -> Iterator[None]:
    """Painting leaves would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "CANVAS", 360)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[SimulatedScan, Scan, Path]]:
    """One mouse in scans of the three kinds: as simulated, as read, and the zip."""
    found = {}
    for kind, parameters in PARAMETERS.items():
        folder, simulated = tmp_path_factory.mktemp(kind), simulate_scan(parameters)
        path = write_scan(simulated, folder)
        found[kind] = (simulated, load_scan(path, folder), path)
    return found


def raw(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a scan's zip, by their names in its folder."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        return {name.split("/", 1)[1][:-4]: np.load(archive.open(name)) for name in names}


@pytest.mark.parametrize("kind", KINDS)
def test_the_reader_finds_what_was_simulated(made: dict, kind: str) -> None:
    simulated, scan, path = made[kind]
    trials = 60 + 12 + 12 * (1 if kind == "pretraining" else 2)
    assert scan.responses.shape == (trials, 30) and path.name.startswith(f"static{scan.key}-GrayImageNet-")
    np.testing.assert_array_equal(scan.tiers, simulated.tiers)
    np.testing.assert_array_equal(scan.coordinates, simulated.cells.coordinates)
    known = ~np.isin(scan.tiers, withheld_tiers(kind))
    expected = (simulated.responses * scan.response_scale)[known]
    np.testing.assert_allclose(scan.responses[known], expected, rtol=1e-5)
    assert scan.ordered and np.diff(scan.unit_ids).max() > 1


@pytest.mark.parametrize("kind", ["pretraining", "sensorium_plus"])
def test_behaviour_and_eye_are_those_of_the_trial(made: dict, kind: str) -> None:
    simulated, scan, _ = made[kind]
    rank = simulated.rank
    brain = Mouse(simulated.parameters.mouse, len(rank)).brain
    assert np.corrcoef(scan.behaviour[:, 0], brain.arousal[rank])[0, 1] > 0.95
    assert np.corrcoef(scan.behaviour[:, 2], brain.running[rank])[0, 1] > 0.95
    ones = np.column_stack([scan.pupil_center, np.ones(len(rank))])
    assert np.linalg.lstsq(ones, brain.eye[rank])[1].max() < 0.1 * (brain.eye**2).sum(axis=0).min()
    assert abs(np.corrcoef(scan.behaviour[:, 0], brain.arousal)[0, 1]) < 0.4


def withheld_tiers(kind: str) -> tuple[str, ...]:
    return () if kind == "pretraining" else ("test", "final_test")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_withholds_what_the_competition_does(made: dict, kind: str) -> None:
    simulated, scan, _ = made[kind]
    tiers = ("train", "validation", "test", "final_test")
    assert {tier for tier in tiers if scan.withheld(tier)} == set(withheld_tiers(kind))
    assert simulated.responses[scan.trials("test")].any(axis=1).all()  # the truth has them
    assert scan.has_behaviour == (kind != "sensorium") == scan.pupil_center.any()
    assert len(scan.trials("final_test")) == (0 if kind == "pretraining" else 12)
    hashed = [len(name) == 32 and set(name) <= set("0123456789abcdef") for name in scan.trial_ids.astype(str)]
    assert all(hashed) if kind != "pretraining" else not any(hashed)
    assert kind == "pretraining" or scan.trial_ids.dtype.kind == "U"


def test_trial_numbers_give_the_order_where_stamps_have_ties(made: dict) -> None:
    simulated, scan, path = made["pretraining"]
    np.testing.assert_array_equal(scan.rank, simulated.rank)
    assert (scan.rank != np.arange(len(scan.rank))).mean() > 0.9
    assert len(np.unique(raw(path)["meta/trials/frame_trial_ts"])) < len(scan.rank)


@pytest.mark.parametrize("kind", ["sensorium_plus", "sensorium"])
def test_hashed_trials_are_ordered_by_their_stamps_up_to_ties(made: dict, kind: str) -> None:
    simulated, scan, path = made[kind]
    stamps = raw(path)["meta/trials/frame_trial_ts"]
    wrong = scan.rank != simulated.rank
    assert np.abs(scan.rank - simulated.rank).max() == 1
    assert all((stamps == stamp).sum() == 2 for stamp in stamps[wrong])
    assert np.corrcoef(np.argsort(scan.trial_ids), simulated.rank)[0, 1] < 0.4  # the hash tells nothing


@pytest.mark.parametrize("kind", KINDS)
def test_test_images_are_repeated_and_others_shown_once(made: dict, kind: str) -> None:
    _, scan, _ = made[kind]
    for tier, repeats in {"train": 1, "validation": 1, "test": 3, "final_test": 3}.items():
        assert set(np.unique(scan.image_ids[scan.trials(tier)], return_counts=True)[1]) <= {repeats}
    for image in np.unique(scan.image_ids[scan.trials("test")]):
        shown = scan.images[scan.image_ids == image]
        assert (shown == shown[0]).all()
    assert len(np.unique(scan.images, axis=0)) == len(np.unique(scan.image_ids))


def test_tiers_share_no_canvas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call for scenes paints canvases of its own; here its images show the call's number."""
    calls: list[int] = []

    def numbered(images: int, random: np.random.Generator) -> np.ndarray:
        calls.append(images)
        pictures = random.integers(0, 255, (images, 144, 256), dtype=np.uint8)
        pictures[:, 0, 0] = len(calls)
        return pictures

    monkeypatch.setattr("neurokit.sensorium.simulation.scenes", numbered)
    scan = simulate_scan(TINY.replace(kind="sensorium_plus"))
    assert calls == [4, 2, 2, 2]
    for call, tier in enumerate(("train", "validation", "test", "final_test"), start=1):
        assert set(scan.images[scan.image[scan.tiers == tier], 0, 0]) == {call}


@pytest.mark.parametrize("kind", ["pretraining", "sensorium_plus"])
def test_statistics_are_those_of_the_training_trials(made: dict, kind: str) -> None:
    _, scan, path = made[kind]
    arrays, trials = raw(path), range(len(scan.tiers))
    for field in ("responses", "behavior", "pupil_center", "images"):
        values = np.stack([arrays[f"data/{field}/{i}"] for i in trials]).astype(float)
        axis = None if field == "images" else 0
        for word, found in scan.statistics[field].items():
            figure = getattr(np, word)
            of_train = figure(values[scan.trials("train")], axis=axis)
            np.testing.assert_allclose(found, of_train, rtol=1e-4)
            if word in ("mean", "std"):
                assert not np.allclose(found, figure(values, axis=axis), rtol=1e-4)


def test_the_same_parameters_write_the_same_arrays(tmp_path: Path) -> None:
    state = np.random.get_state()[1].copy()
    first, again, other = (
        raw(write_scan(simulate_scan(TINY.replace(mouse=TINY.mouse.replace(seed=seed))), tmp_path))
        for seed in (5, 5, 6)
    )
    assert all(first[name].tobytes() == again[name].tobytes() for name in first.keys() | again.keys())
    for name in ("data/images/0", "data/responses/0", "data/behavior/0", "meta/trials/trial_idx"):
        assert first[name].tobytes() != other[name].tobytes()
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_the_clock_is_no_part_of_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan, content = simulate_scan(TINY), []
    for year in (1970, 2001):  # a zip knows no year before 1980
        clock = time.struct_time((year, 1, 1, 0, 0, 0, 3, 1, 0))
        monkeypatch.setattr("zipfile.time.localtime", lambda *_, clock=clock: clock)
        content.append(write_scan(scan, tmp_path / str(year)).read_bytes())
    assert content[0] == content[1]


def test_a_scan_tells_nothing_of_the_truth(made: dict) -> None:
    words = ("truth", "rates", "expected", "cell_", "gain", "factor")
    names = [name.removesuffix("cell_motor_coordinates") for name in raw(made["sensorium_plus"][2])]
    assert not [name for name in names if any(word in name for word in words)]
