"""Scans in the competition's layout that a lab has written: other sizes, colours, shapes, ids, no places."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurokit import sensorium
from neurokit.sensorium.grid import place, to_grid
from neurokit.sensorium.recording import load_scan
from tests.sensorium.scan_files import NEURONS, TRIALS, Files, load, scan_files, write
from tests.sensorium.toys import PLAIN, PLUS

COORDINATES = "meta/neurons/cell_motor_coordinates"


def every(files: Files, field: str, change: Callable[[np.ndarray], np.ndarray]) -> Files:
    names = [f"data/{field}/{trial}" for trial in range(TRIALS)]
    return files | {name: change(files[name]) for name in names}


def repeated_files() -> Files:
    """Test images that are shown twice, as their ids say."""
    files = scan_files()
    return files | {f"data/images/{trial + 1}": files[f"data/images/{trial}"] for trial in (8, 10)}


@pytest.mark.parametrize(
    "change",
    [
        lambda files: every(files, "images", lambda image: image[0]),
        lambda files: every(files, "images", np.asfortranarray),
        lambda files: every(files, "images", lambda image: image.astype(">f4")),
        lambda files: every(files, "responses", lambda values: values[:, None]),
        lambda files: every(files, "responses", lambda values: values[None].astype(">f8")),
        lambda files: every(files, "behavior", lambda values: values[None]),
        lambda files: files | {"meta/neurons/unit_ids": files["meta/neurons/unit_ids"].astype(float)},
        lambda files: files | {"meta/trials/tiers": files["meta/trials/tiers"].astype("S")},
    ],
)
def test_other_layouts_of_the_same_arrays_are_the_same_scan(
    tmp_path: Path, change: Callable[[Files], Files]
) -> None:
    found, wanted = load(tmp_path / "one", change(scan_files())), load(tmp_path / "two", scan_files())
    for name in ("images", "responses", "behaviour", "unit_ids", "tiers"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ["{}", "{:05d}"])
def test_trials_are_counted_in_any_way(tmp_path: Path, name: str, first: int) -> None:
    wanted, source = load(tmp_path / "one", scan_files()), write(tmp_path / "two", scan_files())
    for field in ("images", "responses", "behavior", "pupil_center"):
        for trial in reversed(range(TRIALS)):
            file = source / f"data/{field}/{trial}.npy"
            file.rename(file.with_name(f"{name.format(trial + first)}.npy"))
    found = load_scan(source, tmp_path / "packed")
    np.testing.assert_array_equal(found.images, wanted.images)
    np.testing.assert_array_equal(found.responses, wanted.responses)


def test_trials_without_the_first_are_not_counted_from_1(tmp_path: Path) -> None:
    files = {name: values for name, values in scan_files().items() if not name.endswith("/0")}
    assert [each.names for each in load(tmp_path, files).omissions] == [("23",)]


def test_ids_may_be_texts(tmp_path: Path) -> None:
    files = scan_files()
    images, units = files["meta/trials/frame_image_id"], files["meta/neurons/unit_ids"]
    texts = {"meta/neurons/unit_ids": np.array([f"cell {each}" for each in units])}
    texts |= {"meta/trials/frame_image_id": np.array([f"img_{each}.png" for each in images])}
    found = load(tmp_path, files | texts)
    assert found.unit_ids.tolist() == [f"cell {each}" for each in units]
    assert np.array_equal(np.equal.outer(*2 * [found.image_ids]), np.equal.outer(images, images))


@pytest.mark.parametrize("size", [(48, 86), (100, 100), (20, 30), (300, 200)])
def test_images_of_another_size_are_brought_to_the_grid(tmp_path: Path, size: tuple[int, int]) -> None:
    height, width = size
    files = every(scan_files(), "images", lambda image: np.resize(image, (1, height, width)))
    scan = load(tmp_path, files)
    top, left, rows, columns = place(height, width)
    assert scan.image_size == size and scan.notes[0].startswith(f"images of {height} x {width} pixels")
    assert (rows == 36 or columns == 64) and abs(rows / columns - height / width) < 0.03
    beside = np.ones((36, 64), bool)
    beside[top : top + rows, left : left + columns] = False
    assert not scan.images[:, beside].any() and scan.images[:, ~beside].all(axis=1).all()


def test_a_picture_keeps_its_place_and_its_mean_on_the_grid() -> None:
    image = np.zeros((72, 100))
    image[:36, 50:] = 1  # above, on the right
    found = to_grid(image)
    assert found.sum() == pytest.approx(image.sum() / 4, rel=1e-3)
    assert found[:17, 33:56].min() > 0.99 and found[19:].max() < 0.01 and found[:, :30].max() < 0.01


def test_colours_are_averaged(tmp_path: Path) -> None:
    grey = scan_files()
    statistics = {name: grey[name] for name in grey if name.startswith("meta/statistics/images")}
    colour = every(grey, "images", lambda image: np.concatenate([image, image]))
    found, wanted = load(tmp_path / "one", colour | statistics), load(tmp_path / "two", grey)
    np.testing.assert_allclose(found.images, wanted.images, atol=1e-6)
    assert "images are in colour" in found.notes[0] and not wanted.notes


@pytest.mark.parametrize(
    "places",
    [None, np.zeros((NEURONS, 3)), np.full((NEURONS, 3), np.nan), np.full((NEURONS, 2), 7.0)],
    ids=["missing", "zero", "NaN", "one point"],
)
@pytest.mark.parametrize("start", ["random", "receptive_fields"])
def test_neurons_without_a_place_have_free_positions(
    tmp_path: Path, places: np.ndarray | None, start: str
) -> None:
    files = repeated_files()
    files.pop(COORDINATES)
    scan = load(tmp_path, files if places is None else files | {COORDINATES: places})
    assert scan.neurons == NEURONS and not scan.has_coordinates and not scan.omissions
    task = sensorium.task({scan.key: scan}, config := PLUS.replace(start=start))
    model = sensorium.build(task, config)
    assert model.configuration["mice"][scan.key]["free"]
    assert type(model.mouse(scan.key).readout.positions).__name__ == "FreePositions"
    assert "each has a readout position of its own" in sensorium.facts(task)["remarks"][scan.key][0]
    assert "each has a readout position of its own" in sensorium.describe({scan.key: scan})
    assert np.isfinite(sensorium.train(model, task, config, show_progress=False).best_loss)


def test_places_in_a_plane_are_places(tmp_path: Path) -> None:
    files = repeated_files()
    flat, whole = load(tmp_path / "two", files | {COORDINATES: files[COORDINATES][:, :2]}), files[COORDINATES]
    np.testing.assert_array_equal(flat.coordinates[:, :2], whole[:, :2])
    assert flat.has_coordinates and np.isnan(flat.coordinates[:, 2]).all() and not flat.omissions
    task = sensorium.task({flat.key: flat}, PLAIN)
    assert not sensorium.build(task, PLAIN).configuration["mice"][flat.key]["free"]
    assert "remarks" not in sensorium.facts(task)


@pytest.mark.parametrize("neurons", [1, 2])
def test_one_or_two_neurons_are_trained_on(tmp_path: Path, neurons: int) -> None:
    files = every(repeated_files(), "responses", lambda values: values[:neurons])
    files |= {name: values[:neurons] for name, values in files.items() if name.startswith("meta/neurons")}
    some = {n: v[:neurons] for n, v in files.items() if n.startswith("meta/statistics/responses")}
    scan = load(tmp_path, files | some)
    config = PLAIN.replace(start="receptive_fields")
    task = sensorium.task({scan.key: scan}, config)
    model = sensorium.build(task, config)
    assert np.isfinite(sensorium.train(model, task, config, show_progress=False).best_loss)
