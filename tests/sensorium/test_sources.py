"""Simulated scans that are kept, their truth, and the scans of a source."""

import os
import signal
import subprocess
import sys
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
from neurokit.sensorium import sources as recordings
from neurokit.sensorium import sources as scans
from neurokit.sensorium.recording import SCANS, load_scan
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import ScanParameters, ScanTruth, SimulatedScan, simulate_scan
from neurokit.sensorium.sources import (
    demo_parameters,
    load_scans,
    load_simulated,
    read_truth,
    scan_truth,
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
    with pytest.raises(DataError, match=r"choose of|no trial"):
        ScanTruth.ceiling.__wrapped__(truth, given, tier)


def test_the_truth_is_that_of_the_scan() -> None:
    plus = TINY.replace(kind="sensorium_plus")
    simulated, held = simulate_scan(plus), scan_truth(plus)
    for name in ("responses", "rates", "expected", "expected_from_image"):
        np.testing.assert_allclose(getattr(held, name), getattr(simulated, name), rtol=1e-6)
    np.testing.assert_array_equal(held.rank, simulated.rank)
    np.testing.assert_array_equal(held.tiers, simulated.tiers)
    for name, values in vars(simulated.mouse.cells).items():
        np.testing.assert_array_equal(getattr(held.cells, name), values)
    assert held.parameters == plus.to_dict()


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip"])
def test_a_damaged_truth_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "truth.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"truth\.npz is not the truth of a simulated scan"):
        read_truth(path)


# --- kept files


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
    truth = simulated_scan(TINY).with_name("truth.npz")
    truth.unlink()
    assert simulated_scan(TINY) and truth.is_file() and len(simulations) == 2


@pytest.mark.parametrize("name", ["zip", "truth.npz"])
@pytest.mark.parametrize("damage", ["cut", "removed", "flipped"])
def test_a_damaged_file_is_simulated_anew(
    simulations: list, monkeypatch: pytest.MonkeyPatch, name: str, damage: str
) -> None:
    monkeypatch.setattr(scans, "demo_parameters", lambda seed: (TINY,))
    path = simulated_scan(TINY)
    hurt = path if name == "zip" else path.with_name(name)
    content = bytearray(hurt.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 200] = b"\xff" * 200
    {
        "cut": lambda: hurt.write_bytes(content[:-300]),
        "removed": hurt.unlink,
        "flipped": lambda: hurt.write_bytes(content),
    }[damage]()
    assert load_scans(source="demo")[TINY.key].neurons == scan_truth(TINY).rates.shape[1] == 4
    assert len(simulations) == 2
    assert load_scan(simulated_scan(TINY), path.parent / "again").neurons == 4


KILLED = """
import os, signal, sys
from neurokit.sensorium import simulated_files as sensorium_files
from neurokit.sensorium import sources as scans
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import ScanParameters
from neurokit.simulation import scenes

scenes.CANVAS = 360
npy, members = sensorium_files._npy, []

def last(array):
    members.append(array)
    if len(members) == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return npy(array)

sensorium_files._npy = last
mouse = MouseParameters(neurons=4)
scans.simulated_scan(ScanParameters(mouse=mouse, train=4, validation=2, test_images=2, repeats=2))
"""


@pytest.mark.slow
def test_a_killed_simulation_leaves_nothing_under_the_final_name(empty_data_folder: Path) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED], env=os.environ, capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    left = [path for path in empty_data_folder.rglob("*") if path.is_file()]
    assert [path for path in left if path.suffix == ".zip"], "it was killed too early to show anything"
    assert all(path.name.startswith(".") for path in left)
    path = simulated_scan(TINY)
    assert {file.name for file in path.parent.iterdir()} == {path.name, "truth.npz"}
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
    with pytest.raises(DiskError, match=r"simulated cannot be written .*NEUROKIT_DATA"):
        simulated_scan(TINY)


# --- the tiers


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
    assert list(load_scans([second])) == [second] and len(simulations) == 1
    found = load_scans()
    assert list(found) == [each.key for each in mice] == [scan.key for scan in found.values()]
    with pytest.raises(DataError, match=rf"No scan is named '27204-5-13': choose of .*{second}"):
        load_scans(["27204-5-13", second])


def test_scans_of_one_key_and_other_parameters_keep_their_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = (TINY, TINY.replace(mouse=TINY.mouse.replace(history=0.0)))
    assert parameters[0].key == parameters[1].key
    for _ in range(2):
        for each in parameters:
            monkeypatch.setattr(scans, "demo_parameters", lambda seed, each=each: (each,))
            load_scans(source="demo")
    packs = sorted(simulated_scan(TINY).parent.parent.rglob("*.safetensors"))
    assert len(packs) == 2


def test_the_full_tier_fetches_the_published_zips(
    simulations: list, monkeypatch: pytest.MonkeyPatch, empty_data_folder: Path
) -> None:
    fetched: list[str] = []

    def fetch(name: str, folder: Path) -> Path:
        assert folder == empty_data_folder / "sensorium2022"
        fetched.append(name)
        return simulated_scan(TINY)

    monkeypatch.setattr(scans, "fetch", fetch)
    found = load_scans(source="full")
    assert len(found) == 6 and "27204-5-13" in found and "26872-17-20" not in found
    assert fetched == [SCANS[key].archive for key in found]
    assert list(load_scans(["26872-17-20"], source="full")) == ["26872-17-20"]
    with pytest.raises(DataError, match=r"'x': choose of 26872-17-20, .*23964-4-22"):
        load_scans(["x"], source="full")


@pytest.mark.parametrize("load", [load_scans, recordings.every_scan])
def test_an_unknown_tier_is_refused_before_the_download(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    monkeypatch.setattr(scans, "fetch", lambda *_: pytest.fail("it would download"))
    unchecked = getattr(load, "__wrapped__", load)  # the import hook would answer
    with pytest.raises(SettingsError, match="no source 'Demo'; use one of demo, cutout, full"):
        unchecked(source="Demo")


def test_there_is_no_cutout() -> None:
    with pytest.raises(SettingsError, match=r"no small real SENSORIUM recording.*demo or full"):
        load_scans(source="cutout")
