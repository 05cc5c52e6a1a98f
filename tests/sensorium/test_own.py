"""Plain arrays of a lab's own become the scan that the native files make; what cannot is one sentence."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from neurokit import sensorium
from neurokit.errors import DataError
from neurokit.sensorium import from_arrays
from neurokit.sensorium.recording import Scan, identity
from neurokit.sensorium.simulation import SimulatedScan, write_scan
from neurokit.sensorium.splits import slow_drift
from tests.sensorium.own_mouse import UNITS, as_arrays, own_mouse
from tests.sensorium.toys import PLAIN, PLUS

FIELDS = ("images", "responses", "behaviour", "pupil_center", "coordinates", "response_scale")
SAME = ("tiers", "rank", "trial_ids", "unit_ids")


@pytest.fixture(scope="module")
def mouse() -> SimulatedScan:
    return own_mouse()


@pytest.fixture(scope="module")
def native(mouse: SimulatedScan, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    folder = tmp_path_factory.mktemp("native")
    return sensorium.load_scan(write_scan(mouse, folder), folder / "packed")


def assert_equal(found: Scan, wanted: Scan) -> None:
    """Up to rounding, and up to the names of images."""
    for name in FIELDS:
        values, known = getattr(found, name), getattr(wanted, name)
        assert values.dtype == known.dtype, name
        np.testing.assert_allclose(values, known, rtol=1e-5, atol=1e-5, err_msg=name)
    for name in SAME:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    for field, known in wanted.statistics.items():
        for word, values in known.items():
            np.testing.assert_allclose(found.statistics[field][word], values, rtol=1e-4, atol=1e-6)
    alike = [np.equal.outer(scan.image_ids, scan.image_ids) for scan in (found, wanted)]
    np.testing.assert_array_equal(*alike)
    assert found.omissions == wanted.omissions == () and found.ordered == wanted.ordered


# --- the same mouse


def test_arrays_are_the_scan_that_the_files_make(mouse: SimulatedScan, native: Scan) -> None:
    (found,) = from_arrays(**as_arrays(mouse)).values()
    assert_equal(found, native)
    assert found.notes == () and found.channels == native.channels == (
        "pupil_size", "pupil_change", "running", "pupil_x", "pupil_y",
    )  # fmt: skip


@pytest.mark.parametrize("config", [PLAIN, PLUS], ids=["plain", "plus"])
def test_scores_are_those_of_the_files(mouse: SimulatedScan, native: Scan, config: Any) -> None:
    tables = []
    for scans in (from_arrays(**as_arrays(mouse), name=native.key), {native.key: native}):
        task = sensorium.task(scans, config, device="cpu")
        result = sensorium.train(model := sensorium.build(task, config), task, config, show_progress=False)
        assert np.isfinite(result.best_loss)
        tables.append(sensorium.evaluate(model, task, config).set_index(["model", "mouse"]))
    pd.testing.assert_frame_equal(*tables, rtol=1e-3, atol=1e-3)


def read_only(values: np.ndarray) -> np.ndarray:
    values = np.array(values)
    values.flags.writeable = False
    return values


LAYOUTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "float64": lambda given: {"responses": given["responses"].astype(float)},
    "read-only": lambda given: {name: read_only(given[name]) for name in ("images", "responses", "running")},
    "Fortran": lambda given: {name: np.asfortranarray(given[name]) for name in ("images", "responses")},
    "big-endian": lambda given: {"responses": given["responses"].astype(">f4")},
    "units first": lambda given: {"responses": given["responses"].T},
    "tensors": lambda given: {
        n: torch.from_numpy(given[n].copy()) for n in ("images", "responses", "tiers") if n != "tiers"
    },
    "lists": lambda given: {
        name: given[name].tolist() for name in ("responses", "running", "image_ids", "tiers")
    },
    "tables": lambda given: {
        "responses": pd.DataFrame(given["responses"]),
        "running": pd.Series(given["running"]),
    },
    "float images": lambda given: {"images": given["images"].astype(float)},
    "an image a trial": lambda given: {"images": given["images"][given["image_ids"]], "image_ids": None},
    "a list of images": lambda given: {"images": list(given["images"])},
    "a channel of colour": lambda given: {"images": given["images"][..., None]},
    "times as order": lambda given: {"order": 0.7 * given["order"] + 12.5},
    "tiers as bytes": lambda given: {"tiers": given["tiers"].astype("S")},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_other_layouts_are_the_same_scan(mouse: SimulatedScan, native: Scan, name: str) -> None:
    given = as_arrays(mouse)
    (found,) = from_arrays(**given | LAYOUTS[name](given)).values()
    if name == "units first":
        assert found.notes == (f"responses came as units x trials ({UNITS} x 92) and were turned",)
    assert_equal(replace(found, notes=()), native)


def test_grey_values_may_have_any_unit(mouse: SimulatedScan, native: Scan) -> None:
    given = as_arrays(mouse)
    for images in (mouse.images / 255, mouse.images.astype(np.int16) * 100 - 5000, mouse.images / 7.5 - 3):
        (found,) = from_arrays(**given | {"images": images}).values()
        np.testing.assert_allclose(found.images, native.images, atol=1e-5)


def test_an_identity_is_that_of_the_values(mouse: SimulatedScan) -> None:
    given = as_arrays(mouse)
    first = identity(from_arrays(**given))
    again = given | {name: np.asfortranarray(given[name]) for name in ("images", "responses")}
    assert identity(from_arrays(**again)) == first
    changed = given["responses"].copy()
    changed[3, 2] += 1
    assert identity(from_arrays(**given | {"responses": changed})) != first
    other = given["images"].copy()
    other[0, 0, 0] ^= 1
    assert identity(from_arrays(**given | {"images": other})) != first


# --- what was not recorded


def test_what_is_not_given_is_absent(mouse: SimulatedScan) -> None:
    scans = from_arrays(mouse.images, mouse.responses, image_ids=mouse.image)
    (scan,) = scans.values()
    assert scan.channels == () and not scan.has_behaviour and not scan.has_coordinates and scan.ordered
    assert scan.unit_ids.tolist() == list(range(UNITS)) and not scan.omissions
    text = sensorium.describe(scans)
    assert (
        "models that read neither can be trained (cnn, ln)" in text and "readout position of its own" in text
    )
    assert "in the order in which they were shown" in text and " no " in text.splitlines()[1]
    with pytest.raises(DataError, match="has no behaviour"):
        sensorium.task(scans, PLUS)
    task = sensorium.task(scans, PLAIN)
    assert sensorium.build(task, PLAIN).configuration["mice"]["own"]["free"]
    assert sensorium.facts(task)["remarks"]["own"] == list(scan.remarks)


def test_a_channel_that_is_not_given_is_left_out_by_name(mouse: SimulatedScan) -> None:
    given = as_arrays(mouse) | {"pupil_size": None, "pupil_change": None, "pupil_center": None}
    (scan,) = from_arrays(**given).values()
    (omission,) = scan.omissions
    assert (omission.rule, omission.names) == (
        "not_recorded", ("pupil_size", "pupil_change", "pupil_x", "pupil_y"),
    )  # fmt: skip
    assert scan.channels == ("running",) and scan.has_behaviour
    task = sensorium.task({"own": scan}, PLUS)
    read = next(task["own"].batches(task["own"].trials("train"), 60)).inputs
    assert not read["behaviour"][:, :2].any() and not read["pupil_center"].any()


def test_a_few_lost_values_cost_their_trials_or_units(mouse: SimulatedScan) -> None:
    given = as_arrays(mouse)
    responses, running = given["responses"].copy(), given["running"].copy()
    responses[5] = np.nan
    responses[:, 7] = np.nan
    running[9] = np.inf
    (scan,) = from_arrays(**given | {"responses": responses, "running": running}).values()
    found = {(each.pieces, each.names) for each in scan.omissions}
    assert ("units", (str(given["unit_ids"][7]),)) in found
    lost = {name for pieces, names in found if pieces == "trials" for name in names}
    assert lost == {str(mouse.rank[5]), str(mouse.rank[9])}
    assert np.isfinite(scan.responses).all() and scan.neurons == UNITS - 1


def test_activity_below_zero_is_lifted_and_said(mouse: SimulatedScan) -> None:
    given = as_arrays(mouse)
    (wanted,) = from_arrays(**given).values()
    lowest = given["responses"].min(axis=0)
    (found,) = from_arrays(**given | {"responses": given["responses"].astype(float) - 0.5 - lowest}).values()
    assert f"responses of {UNITS} of {UNITS} units go below 0, as dF/F does" in found.notes[0]
    np.testing.assert_allclose(np.ptp(found.responses, axis=0), np.ptp(wanted.responses, axis=0), rtol=1e-4)
    assert (found.responses.min(axis=0) == 0).all() and not found.omissions


# --- parts


def test_images_that_are_shown_again_are_the_test(mouse: SimulatedScan) -> None:
    (scan,) = from_arrays(mouse.images, mouse.responses, image_ids=mouse.image).values()
    np.testing.assert_array_equal(scan.tiers == "test", mouse.tiers == "test")
    assert (scan.tiers == "validation").sum() == 8
    assert any(
        "of 76 images 4 test (4 of them shown several times), 8 validate" in note for note in scan.notes
    )


@pytest.mark.parametrize("repeats", [1, 4])
@pytest.mark.parametrize("seed", [0, 5])
def test_no_image_is_in_two_parts(repeats: int, seed: int) -> None:
    """By content: the second half holds the same images under other numbers."""
    random = np.random.default_rng(3)
    images = random.random((40, 36, 64)).repeat(2, axis=0)
    shown = random.permutation(np.repeat(np.arange(80), repeats))
    (scan,) = from_arrays(images, random.random((len(shown), 3)), image_ids=shown, seed=seed).values()
    parts = {
        tier: set(scan.image_digests[scan.tiers == tier].tolist()) for tier in ("train", "validation", "test")
    }
    assert all(parts.values()) and sum(map(len, parts.values())) == len(set.union(*parts.values())) == 40
    assert sensorium.task({"own": scan}, PLAIN)["own"].omissions == ()
    (again,) = from_arrays(images, random.random((len(shown), 3)), image_ids=shown, seed=seed).values()
    np.testing.assert_array_equal(again.tiers, scan.tiers)


def test_training_images_validate_where_none_do(mouse: SimulatedScan) -> None:
    tiers = np.where(mouse.tiers == "validation", "train", mouse.tiers)
    (scan,) = from_arrays(**as_arrays(mouse, tiers=tiers)).values()
    assert (scan.tiers == "validation").sum() == 7 and "7 of 72 training images validate" in scan.notes[0]


def test_drift_is_said_and_chance_is_not(mouse: SimulatedScan) -> None:
    given = as_arrays(mouse)
    (steady,) = from_arrays(**given).values()
    slow = np.sin(np.arange(92) / 10)[given["order"]] * 3 + 3
    drifting = given["responses"] / given["responses"].std(axis=0) + slow[:, None]
    (scan,) = from_arrays(**given | {"responses": drifting}).values()
    assert not any("drift" in note for note in steady.notes)
    assert any("responses drift" in note and "flatter" in note for note in scan.notes)
    assert slow_drift(scan.responses, scan.rank) > 0.4 > 0.1 > abs(slow_drift(steady.responses, steady.rank))


# --- what is refused

RANDOM = np.random.default_rng(1)
IMAGES, RESPONSES = RANDOM.random((30, 36, 64)), RANDOM.random((30, 4))
TIERS = ["train"] * 20 + ["validation"] * 5 + ["test"] * 5
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "one trial too few": ({"responses": RESPONSES[1:]}, "responses is 29 x 4, and 30 images were shown"),
    "no trials": ({"responses": RESPONSES[:0]}, "responses is empty (0 x 4); give trials x units"),
    "no units": ({"responses": RESPONSES[:, :0]}, "responses is empty (30 x 0)"),
    "bins too": (
        {"responses": RESPONSES[:, None]},
        "responses is 30 x 1 x 4; give trials x units or trials.",
    ),
    "all NaN": ({"responses": RESPONSES * np.nan}, "responses holds no finite value in 30 x 4"),
    "never the same": (
        {"responses": RESPONSES * 0 + 2},
        "responses of all units are the same in all training",
    ),
    "counts below zero": (
        {"responses": np.where(RESPONSES > 0.9, -1, 3)},
        f"responses holds {(RESPONSES > 0.9).sum()} whole numbers below 0, such as -1, and counts have none",
    ),
    "texts": ({"responses": RESPONSES.astype(str)}, "responses holds texts; give numbers."),
    "complex": ({"responses": RESPONSES + 1j}, "responses holds complex numbers"),
    "truth values": ({"responses": RESPONSES > 0.5}, "responses holds true and false"),
    "ragged": ({"responses": [[1.0, 2.0], [3.0]]}, "responses is no array"),
    "nothing": ({"responses": None}, "responses is None; give an array."),
    "one image": ({"images": IMAGES[:1]}, "images holds a single image"),
    "flat images": ({"images": IMAGES[:, 0]}, "images is 30 x 64; give images x rows x columns"),
    "videos": (
        {"images": IMAGES[:, :, :, None].repeat(9, 3)},
        "images is 30 x 36 x 64 x 9; give images x rows",
    ),
    "grey images": ({"images": IMAGES * 0 + 7}, "one and the same image was shown in 30 trials; a split by"),
    "grey training": (
        {"images": np.where(np.arange(30)[:, None, None] < 20, 7, IMAGES), "tiers": TIERS},
        "images: all training images are the same grey, 7",
    ),
    "NaN images": ({"images": IMAGES * np.nan}, "images holds no finite value in 30 images"),
    "NaN training": (
        {"images": np.where(np.arange(30)[:, None, None] < 20, np.nan, IMAGES), "tiers": TIERS},
        "images: none of the training trials has finite grey values",
    ),
    "ids beyond": (
        {"image_ids": np.arange(30) + 1},
        "image_ids name images 1 to 30, and images has 0 to 29; give the row of each trial's image, counted",
    ),
    "ids below": ({"image_ids": np.arange(30) - 1}, "image_ids name images -1 to 28, and images has 0 to 29"),
    "ids in words": ({"image_ids": [f"{n}.png" for n in range(30)]}, "image_ids holds texts such as '0.png'"),
    "ids of another length": ({"image_ids": np.arange(20)}, "responses is 30 x 4, and 20 images were shown"),
    "few images": ({"image_ids": np.arange(30) % 9}, "9 different images were shown in 30 trials"),
    "running": ({"running": np.ones(29)}, "running is 29, trials: 29 trials, and there are 30"),
    "pupil": ({"pupil_size": ["wide"] * 30}, "pupil_size holds texts"),
    "eye": ({"pupil_center": np.ones((30, 3))}, "pupil_center is 30 x 3, trials x directions: 3 directions"),
    "places": ({"coordinates": np.ones((4, 4))}, "coordinates is 4 x 4; give x and y, or x, y and z"),
    "places of others": (
        {"coordinates": np.ones((5, 3))},
        "coordinates is 5 x 3, units x axes: 5 units, and",
    ),
    "order twice": ({"order": np.arange(30) // 2}, "order holds 15 values twice among 30"),
    "order NaN": ({"order": np.full(30, np.nan)}, "order holds 30 of 30 values that are not finite"),
    "parts": ({"tiers": ["train"] * 29 + ["hidden"]}, "tiers hold 'hidden'; use train, validation, test"),
    "no training": ({"tiers": ["test"] * 30}, "tiers name no train trials among 30"),
    "units twice": ({"unit_ids": [1, 1, 2, 3]}, "unit_ids holds 1 2 times"),
    "units below 0": ({"unit_ids": [1, -1, 2, 3]}, "unit_ids hold -1 in 1 of 4 entries"),
    "units of others": ({"unit_ids": [1, 2, 3]}, "unit_ids is 3, units: 3 units, and there are 4"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_one_true_sentence(name: str) -> None:
    change, says = BAD[name]
    with pytest.raises(DataError, match=re.escape(says)) as caught:
        from_arrays(**{"images": IMAGES, "responses": RESPONSES} | change)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_a_square_is_taken_as_trials_and_units_and_said() -> None:
    (scan,) = from_arrays(IMAGES, RANDOM.random((30, 30))).values()
    assert "responses is 30 x 30: rows are taken as trials, columns as units" in scan.notes


def test_a_name_is_one_that_files_and_models_take() -> None:
    assert list(from_arrays(IMAGES, RESPONSES, name="mouse 7.2/left")) == ["mouse-7-2-left"]


def test_units_may_have_names(tmp_path: Path) -> None:
    scans = from_arrays(IMAGES, RESPONSES, unit_ids=["a", "b", "c", "d"])
    task = sensorium.task(scans, PLAIN)
    assert sensorium.facts(task)["unit_ids"]["own"] == ["a", "b", "c", "d"]
    files = sensorium.write_submission(
        tmp_path, scans["own"], {"test": scans["own"].responses[scans["own"].trials("test")]}
    )
    sensorium.validate(files[0], scans["own"], "test")
