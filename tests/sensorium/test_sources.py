"""Simulated scans that are kept, their truth, and the scans of a source."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurokit.errors import DataError, DiskError, SettingsError
from neurokit.files import cache as simulated
from neurokit.metrics import correlation
from neurokit.sensorium import pack as scan_pack
from neurokit.sensorium import sources as scans
from neurokit.sensorium.config import MODELS
from neurokit.sensorium.recording import identity, load_scan
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import (
    ScanParameters,
    ScanTruth,
    SimulatedScan,
    simulate_scan,
    truth_path,
    write_scan,
    write_truth,
)
from neurokit.sensorium.sources import (
    SCANS,
    demo_parameters,
    load,
    load_simulated,
    read_truth,
    scan_truth,
    sessions,
    simulated_scan,
)
from neurokit.simulation import scenes

SMALL = ScanParameters(
    mouse=MouseParameters(neurons=30, seed=5), train=60, validation=12, test_images=4, repeats=3
)
TINY = SMALL.replace(mouse=MouseParameters(neurons=4), train=4, validation=2, test_images=2, repeats=2)


@pytest.fixture(scope="module", autouse=True)
def small_canvases() -> Iterator[None]:
    """Painting leaves would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "CANVAS", 360)
        yield


@pytest.fixture(scope="module", autouse=True)
def simulated_once(small_canvases: None) -> Iterator[None]:
    """A scan is drawn once for all tests here; each writes files of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scans, "simulate_scan", cache(simulate_scan))
        yield


@pytest.fixture(autouse=True)
def empty_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("NEUROKIT_DATA", str(folder))
    return folder


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> ScanTruth:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROKIT_DATA", str(tmp_path_factory.mktemp("truth")))
        return scan_truth(SMALL.replace(train=120))


# --- the truth


def test_the_more_is_known_the_higher_the_ceiling(truth: ScanTruth) -> None:
    given = ("image", "behaviour", "everything")
    image, behaviour, everything = (truth.ceiling(each, "train").mean() for each in given)
    assert 0.2 < image < behaviour - 0.03 < everything - 0.06 < 0.9
    noise = truth.responses - truth.rates
    assert np.abs(correlation(noise, truth.rates)).mean() < 0.15  # nothing more is to be predicted


def test_another_mouses_truth_predicts_nothing(truth: ScanTruth) -> None:
    other = scan_truth(SMALL.replace(train=120, mouse=SMALL.mouse.replace(seed=6)))
    chosen = truth.tiers == "train"
    exchanged = replace(
        truth, rates=other.rates, expected=other.expected, tiers=np.where(chosen, "train", "")
    )
    for given in ("behaviour", "everything"):
        assert abs(exchanged.ceiling(given, "train").mean()) < 0.1 < truth.ceiling(given, "train").mean() / 2


def test_a_ceiling_is_the_scorers_correlation_in_one_tier(truth: ScanTruth) -> None:
    chosen = np.flatnonzero(truth.tiers == "test")
    assert len(chosen) == 12
    expected = [np.corrcoef(truth.responses[chosen, n], truth.expected[chosen, n])[0, 1] for n in range(30)]
    np.testing.assert_allclose(truth.ceiling("behaviour"), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "tier"), [("history", "test"), ("image", "tests"), ("image", "final_test")]
)
def test_a_ceiling_that_is_not_there(truth: ScanTruth, given: str, tier: str) -> None:
    with pytest.raises(DataError, match=r"choose one of|no trial"):
        ScanTruth.ceiling.__wrapped__(truth, given, tier)


def test_the_truth_is_that_of_the_scan() -> None:
    plus = TINY.replace(kind="sensorium_plus")
    simulated, held = simulate_scan(plus), scan_truth(plus)
    for name in ("responses", "rates", "expected", "expected_from_image"):
        np.testing.assert_allclose(getattr(held, name), getattr(simulated, name), rtol=1e-6)
    np.testing.assert_array_equal(held.rank, simulated.rank)
    np.testing.assert_array_equal(held.tiers, simulated.tiers)
    for name, values in vars(simulated.cells).items():
        np.testing.assert_array_equal(getattr(held.cells, name), values)
    assert held.parameters == plus


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip"])
def test_a_damaged_truth_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "truth.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"truth\.npz is not the truth of a simulated scan"):
        read_truth(path)


# --- simulated once


@pytest.fixture
def simulations(monkeypatch: pytest.MonkeyPatch) -> list[ScanParameters]:
    """The parameters of each simulation that was asked for from here on."""
    seen: list[ScanParameters] = []
    simulate = scans.simulate_scan

    def counted(parameters: ScanParameters) -> SimulatedScan:
        seen.append(parameters)
        return simulate(parameters)

    monkeypatch.setattr(scans, "simulate_scan", counted)
    return seen


def test_a_scan_is_simulated_once_by_all_that_want_it(simulations: list) -> None:
    with ThreadPoolExecutor(3) as pool:
        paths = set(pool.map(simulated_scan, [TINY] * 3))
    scan_truth(TINY)
    assert len(paths) == len(simulations) == 1
    assert simulated_scan(TINY.replace(train=5)) not in paths and len(simulations) == 2


def test_a_truth_that_was_removed_comes_back_with_the_scan(simulations: list) -> None:
    truth = truth_path(simulated_scan(TINY))
    truth.unlink()
    assert simulated_scan(TINY) and truth.is_file() and len(simulations) == 2


@pytest.mark.parametrize("name", ["zip", "truth"])
@pytest.mark.parametrize("damage", ["cut", "removed", "flipped"])
def test_a_damaged_file_is_simulated_anew(
    simulations: list, monkeypatch: pytest.MonkeyPatch, name: str, damage: str
) -> None:
    monkeypatch.setattr(scans, "demo_parameters", lambda seed: (TINY,))
    path = simulated_scan(TINY)
    hurt = path if name == "zip" else truth_path(path)
    content = bytearray(hurt.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 200] = b"\xff" * 200
    {
        "cut": lambda: hurt.write_bytes(content[:-300]),
        "removed": hurt.unlink,
        "flipped": lambda: hurt.write_bytes(content),
    }[damage]()
    assert load(source="demo")[TINY.key].neurons == scan_truth(TINY).rates.shape[1] == 4
    assert len(simulations) == 2
    assert load_scan(simulated_scan(TINY), path.parent / "again").neurons == 4


KILLED = """
import os, signal, sys
from neurokit.sensorium import simulation as sensorium_files
from neurokit.sensorium import sources as scans
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import ScanParameters
from neurokit.simulation import scenes

scenes.CANVAS = 360
npy, members = sensorium_files._to_npy, []

def last(array):
    members.append(array)
    if len(members) == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return npy(array)

sensorium_files._to_npy = last
mouse = MouseParameters(neurons=4)
scans.simulated_scan(ScanParameters(mouse=mouse, train=4, validation=2, test_images=2, repeats=2))
"""


@pytest.mark.slow
def test_a_killed_simulation_leaves_nothing_under_the_final_name(empty_data_folder: Path) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED], env=os.environ, capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    left = [path for path in (empty_data_folder / "simulated").rglob("*") if path.is_file()]
    assert [path for path in left if path.suffix == ".zip"], "it was killed too early to show anything"
    assert all(path.name.startswith(".") for path in left)
    path = simulated_scan(TINY)
    assert {file.name for file in path.parent.iterdir()} == {path.name, truth_path(path).name}
    assert load_scan(path).neurons == 4


def test_a_data_folder_that_holds_all_may_be_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object) -> None:
        raise DiskError("Read-only file system.")

    load_simulated([TINY])
    for module in (scan_pack, simulated):
        monkeypatch.setattr(module, "hold_lock", read_only)
    assert load_simulated([TINY])[TINY.key].neurons == scan_truth(TINY).rates.shape[1] == 4
    assert simulated_scan(TINY).is_file()
    with pytest.raises(DiskError, match="Read-only"):
        simulated_scan(TINY.replace(train=5))


def test_a_folder_that_cannot_be_made_is_named(empty_data_folder: Path) -> None:
    empty_data_folder.touch()
    with pytest.raises(DiskError, match=r"could not be written .*NEUROKIT_DATA"):
        simulated_scan(TINY)


# --- the sources


def test_the_demo_has_three_mice_of_their_own() -> None:
    first, second = demo_parameters(), demo_parameters(1)
    assert [each.kind for each in first] == ["pretraining", "pretraining", "sensorium_plus"]
    assert len({each.mouse.seed for each in first + second}) == 6
    assert len({each.key for each in first + second}) == 6


def test_demo_scans_by_their_keys(simulations: list, monkeypatch: pytest.MonkeyPatch) -> None:
    mice = tuple(TINY.replace(mouse=TINY.mouse.replace(seed=seed)) for seed in (3, 4))
    monkeypatch.setattr(scans, "demo_parameters", lambda seed: mice)
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    second = mice[1].key
    assert list(load(session=second)) == [second] and len(simulations) == 1
    found = load()
    assert list(found) == [each.key for each in mice] == [scan.key for scan in found.values()]
    with pytest.raises(DataError, match=rf"No scan is named '27204-5-13': choose one of .*{second}"):
        load(session=["27204-5-13", second])


def test_scans_of_one_key_and_other_parameters_keep_their_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = (TINY, TINY.replace(mouse=TINY.mouse.replace(history=0.0)))
    assert parameters[0].key == parameters[1].key
    for _ in range(2):
        for each in parameters:
            monkeypatch.setattr(scans, "demo_parameters", lambda seed, each=each: (each,))
            load(source="demo")
    packs = sorted(simulated_scan(TINY).parent.parent.rglob("*.safetensors"))
    assert len(packs) == 2


def test_the_full_source_fetches_the_published_zips(
    simulations: list, monkeypatch: pytest.MonkeyPatch, empty_data_folder: Path
) -> None:
    """What the model can read: of seven scans one has no behaviour."""
    fetched: list[str] = []

    def fetch(name: str, folder: Path) -> Path:
        assert folder == empty_data_folder / "sensorium2022"
        fetched.append(name)
        return simulated_scan(TINY)

    monkeypatch.setattr(scans, "fetch", fetch)
    found = load(source="full")
    assert len(found) == 6 and "27204-5-13" in found and found.left_out == ("26872-17-20",)
    assert fetched == [SCANS[key].archive for key in found]
    without = load(source="full", config=MODELS["cnn"].published)
    assert list(without) == list(SCANS) and without.left_out == ()
    assert list(load(source="full", session="26872-17-20")) == ["26872-17-20"]


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"source": "Demo"}, SettingsError, "no source 'Demo'; use one of demo, cutout, full"),
        ({"source": "full", "session": "x"}, DataError, r"'x': choose one of 26872-17-20, .*23964-4-22"),
        (
            {"source": "demo", "session": ["90000-1-1", "y"]},
            DataError,
            "No scan is named 'y': choose one of 90000",
        ),
        ({"source": "cutout"}, SettingsError, r"no small real SENSORIUM recording.*demo or full"),
    ],
)
def test_unknown_names_are_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], error: type[Exception], says: str
) -> None:
    for name in ("fetch", "simulate_scan"):
        monkeypatch.setattr(scans, name, lambda *_: pytest.fail("too late"))
    unchecked = getattr(load, "__wrapped__", load)  # the import hook would answer
    with pytest.raises(error, match=says):
        unchecked(**asked)


def test_sessions_are_listed_without_making_or_fetching_any(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fetch", "simulate_scan"):
        monkeypatch.setattr(scans, name, lambda *_: pytest.fail("too much"))
    full, demo = sessions("full").set_index("session"), sessions("demo", seed=1).set_index("session")
    assert list(full.index) == list(SCANS) and full.neurons["27204-5-13"] == 7538
    assert full.index[~full.behaviour].tolist() == ["26872-17-20"]
    assert list(demo.index) == ["90010-1-1", "90011-1-1", "90012-2-1"]
    assert demo.trials.tolist() == [840, 840, 1000]
    with pytest.raises(SettingsError, match="no small real SENSORIUM recording"):
        sessions("cutout")


# --- a folder of one's own


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A zip with its truth, an unpacked scan without, one without behaviour, and what is no scan."""
    folder = tmp_path / "own"
    for number, kind in enumerate(("pretraining", "sensorium_plus", "sensorium")):
        mouse = TINY.mouse.replace(seed=number)
        made = simulate_scan(TINY.replace(mouse=mouse, kind=kind))
        path = write_scan(made, folder)
        if number == 0:
            write_truth(made, truth_path(path))
        if number == 1:
            zipfile.ZipFile(path).extractall(folder)
            path.unlink()
    (folder / "notes.txt").write_text("mine")
    (folder / "figures").mkdir()
    return folder


def test_a_folder_of_zips_and_unpacked_scans_is_read(own: Path) -> None:
    found = load(folder=own)
    assert list(found) == ["90000-1-1", "90001-2-1"] and found.left_out == ("90002-3-1",)
    assert found["90000-1-1"].truth == truth_path(next(own.glob("static90000*.zip")))
    assert found["90001-2-1"].truth is None
    assert list(load(folder=own, session="90001-2-1")) == ["90001-2-1"]
    assert list(load(folder=own, config=MODELS["cnn"].small)) == ["90000-1-1", "90001-2-1", "90002-3-1"]
    with pytest.raises(
        DataError, match="No scan is named 'z': choose one of 90000-1-1, 90001-2-1, 90002-3-1"
    ):
        load(folder=own, session="z")


def test_a_truth_is_that_of_its_own_scan(own: Path) -> None:
    """Named like the scan, so that the truth of another in the same folder is never taken for it."""
    (truth,) = own.glob("*_truth.npz")
    found = load(folder=own)["90000-1-1"]
    held = read_truth(truth)
    assert np.array_equal(held.tiers, found.tiers) and np.array_equal(held.rank, found.rank)
    truth.rename(truth_path(next(own.glob("static90002*.zip"))))
    assert load(folder=own)["90000-1-1"].truth is None


def test_what_is_no_folder_of_scans_is_refused(own: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "missing", own / "notes.txt", own / "figures"):
        with pytest.raises(DataError, match=r"holds no scan; name the folder of static<key>-GrayImageNet"):
            load(folder=folder)
    zipfile.ZipFile(next(own.glob("static90000*.zip"))).extractall(own)
    with pytest.raises(DataError, match="holds scan 90000-1-1 twice"):
        load(folder=own)


def test_a_scan_itself_and_scans_of_any_name_are_read(own: Path, tmp_path: Path) -> None:
    zipped, unpacked = next(own.glob("static90000*.zip")), next(own.glob("static90001*"))
    assert list(load(folder=zipped)) == ["90000-1-1"] and list(load(folder=unpacked)) == ["90001-2-1"]
    other = tmp_path / "lab"
    other.mkdir()
    shutil.copy(zipped, other / "mouse 1.zip")
    shutil.copytree(unpacked, other / "mouse7_day2")
    found = load(folder=other)
    assert list(found) == ["mouse-1", "mouse7_day2"]
    assert list(load(folder=other, session="mouse7_day2")) == ["mouse7_day2"]
    wanted = load(folder=own)["90000-1-1"]
    np.testing.assert_array_equal(found["mouse-1"].responses, wanted.responses)


def test_a_folder_without_behaviour_needs_another_model(own: Path) -> None:
    next(own.glob("static90000*.zip")).unlink()
    shutil.rmtree(next(own.glob("static90001*")))
    with pytest.raises(DataError, match="None of 90002-3-1 has behaviour, which the model reads"):
        load(folder=own)


# --- which data these are


def test_an_identity_is_that_of_the_values_wherever_they_lie(own: Path, tmp_path: Path) -> None:
    """A zip and what it unpacks to are the same scan; another response or another statistic is not."""
    path = next(own.glob("static90000*.zip"))
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(path).extractall(unpacked)
    (scan,), (other,) = (load(folder=f, session="90000-1-1").values() for f in (own, unpacked))
    assert scan.fingerprint != other.fingerprint
    assert identity({"a": scan}) == identity({"a": other})
    responses = scan.responses.copy()
    responses[0, 0] += 1
    slower = scan.statistics | {"behavior": scan.statistics["behavior"] | {"std": np.ones(3)}}
    for changed in (
        replace(scan, responses=responses),
        replace(scan, statistics=slower),
        replace(scan, tiers=scan.tiers[::-1]),
        replace(scan, rank=scan.rank[::-1]),
    ):
        assert identity({"a": changed}) != identity({"a": scan})
    both = load(folder=own)
    one, two = identity(both), identity(dict(reversed(both.items())))
    assert one != two and one.keys() == two.keys() == {"scans", *both}
