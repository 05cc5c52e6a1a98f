"""A scan from its files: what is read, how it is standardised, what is refused."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from neurokit.errors import DataError
from neurokit.progress import progress
from neurokit.sensorium.grid import shrink
from neurokit.sensorium.recording import load_scan
from tests.sensorium.scan_files import (
    NAME,
    NEURONS,
    ORDER,
    TIERS,
    TRIALS,
    Files,
    load,
    raw,
    scan_files,
    shorter,
    with_array,
    with_value,
    without,
    write,
)

# --- what is read


def test_a_scan_is_what_its_files_hold(tmp_path: Path) -> None:
    files = scan_files()
    scan = load(tmp_path, files)
    assert (scan.key, scan.neurons, scan.ordered, scan.has_behaviour) == ("1-2-3", NEURONS, True, True)
    np.testing.assert_array_equal(scan.behaviour, raw(files, "behavior"))
    np.testing.assert_array_equal(scan.pupil_center, raw(files, "pupil_center"))
    np.testing.assert_array_equal(scan.rank, ORDER)
    for field, name in {
        "tiers": "trials/tiers",
        "image_ids": "trials/frame_image_id",
        "trial_ids": "trials/trial_idx",
        "unit_ids": "neurons/unit_ids",
        "coordinates": "neurons/cell_motor_coordinates",
    }.items():
        np.testing.assert_array_equal(getattr(scan, field), files[f"meta/{name}"])
    for field, words in scan.statistics.items():
        for word, values in words.items():
            np.testing.assert_array_equal(values, files[f"meta/statistics/{field}/all/{word}"])


def test_tiers_are_found_and_unknown_ones_refused(tmp_path: Path) -> None:
    scan = load(tmp_path, scan_files())
    assert scan.trials("train").tolist() == list(range(6))
    assert scan.trials("test").tolist() == [8, 9, 10, 11]
    assert scan.trials("final_test").tolist() == []
    assert not any(scan.withheld(tier) for tier in ("train", "validation", "test", "final_test"))
    with pytest.raises(DataError, match="'live' is no tier: choose one of train, validation"):
        scan.trials("live")


def test_responses_are_on_the_scale_of_the_competition(tmp_path: Path) -> None:
    files = scan_files()
    scan = load(tmp_path, files)
    std = files["meta/statistics/responses/all/std"].astype(float)
    scale = 1 / np.append(std[:4], 0.01 * std.mean())  # the last neuron is silent
    np.testing.assert_allclose(scan.response_scale, scale, rtol=1e-12)
    np.testing.assert_allclose(scan.responses, raw(files, "responses") * scale, rtol=1e-6)
    assert scan.responses.dtype == np.float32 and not scan.responses.flags.writeable


def interpolated(images: np.ndarray) -> np.ndarray:
    """The competition's rescaling, by torch."""
    options = {"scale_factor": 0.25, "mode": "bilinear", "align_corners": False, "antialias": False}
    return torch.nn.functional.interpolate(torch.tensor(images), **options).numpy()[:, 0]


def test_images_are_z_scored_and_interpolated(tmp_path: Path) -> None:
    files = scan_files()
    scan = load(tmp_path, files)
    known = {word: float(files[f"meta/statistics/images/all/{word}"]) for word in ("mean", "std")}
    expected = interpolated((raw(files, "images") - known["mean"]) / known["std"])
    np.testing.assert_allclose(scan.images, expected, atol=1e-6)
    assert scan.images.dtype == np.float32 and not scan.images.flags.writeable


def test_shrinking_is_bilinear_interpolation() -> None:
    image = np.random.default_rng(1).normal(size=(144, 256))
    np.testing.assert_allclose(shrink(image), interpolated(image[None, None])[0], atol=1e-12)
    blocks = image.reshape(36, 4, 64, 4).mean((1, 3))  # control: the mean of the whole block is another
    assert np.abs(blocks - shrink(image)).max() > 0.5


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64, ">f4"])
def test_small_images_are_taken_as_they_are(tmp_path: Path, kind: type | str) -> None:
    files = scan_files()
    small = np.random.default_rng(2).integers(0, 256, (TRIALS, 1, 36, 64)).astype(kind)
    files |= {f"data/images/{i}": small[i] for i in range(TRIALS)}
    files["meta/statistics/images/all/mean"] = np.array([[[100.0]]])
    files["meta/statistics/images/all/std"] = np.array([50.0])
    scan = load(tmp_path, files)
    np.testing.assert_allclose(scan.images, (small[:, 0].astype(float) - 100) / 50, atol=1e-6)


def test_other_test_trials_leave_the_others_as_they_are(tmp_path: Path) -> None:
    files = scan_files()
    first = load(tmp_path / "first", files)
    for i in np.flatnonzero(TIERS == "test"):
        files[f"data/responses/{i}"] = 1000 + files[f"data/responses/{i}"]
        files[f"data/images/{i}"] = 255 - files[f"data/images/{i}"]
    second = load(tmp_path / "second", files)
    np.testing.assert_array_equal(second.responses[:8], first.responses[:8])
    np.testing.assert_array_equal(second.images[:8], first.images[:8])
    np.testing.assert_array_equal(second.response_scale, first.response_scale)
    assert (second.responses[8:] > first.responses[8:]).all()


# --- the scans of the competition


def withheld(files: Files, *fields: str) -> Files:
    """Zeros for the fields: responses in the test tier, the others everywhere and in the statistics."""
    for field in fields:
        trials = np.flatnonzero(TIERS == "test") if field == "responses" else range(TRIALS)
        files |= {f"data/{field}/{i}": 0 * files[f"data/{field}/{i}"] for i in trials}
    zeros = {name for name in files for field in set(fields) - {"responses"} if f"statistics/{field}" in name}
    hashes = np.array([f"{place:032x}" for place in np.random.default_rng(3).permutation(TRIALS)])
    return files | {name: 0 * files[name] for name in zeros} | {"meta/trials/trial_idx": hashes}


def test_a_competition_scan_is_ordered_by_its_stamps(tmp_path: Path) -> None:
    files = withheld(scan_files(), "responses")
    scan = load(tmp_path, files)
    assert scan.withheld("test") and not scan.withheld("train")
    assert not scan.responses[scan.trials("test")].any()
    np.testing.assert_array_equal(scan.trial_ids, files["meta/trials/trial_idx"])
    np.testing.assert_array_equal(scan.rank, ORDER)
    assert scan.ordered


def test_zero_filled_behaviour_is_read_without_nan(tmp_path: Path) -> None:
    scan = load(tmp_path, withheld(scan_files(), "responses", "behavior", "pupil_center"))
    assert not scan.has_behaviour
    assert not scan.behaviour.any() and not scan.pupil_center.any()


def test_without_any_clue_the_scan_says_that_its_order_is_unknown(tmp_path: Path) -> None:
    files = withheld(scan_files(), "responses")
    del files["meta/trials/frame_trial_ts"]
    scan = load(tmp_path, files)
    assert not scan.ordered
    np.testing.assert_array_equal(scan.rank, np.arange(TRIALS))


# --- what is refused


def without_folder(field: str) -> Callable[[Files], None]:
    return lambda files: [files.pop(name) for name in list(files) if f"data/{field}/" in name] and None


BAD = {
    "missing": [
        (without("meta/trials/tiers"), r"meta/trials/tiers\.npy of .* is missing"),
        (without("meta/trials/trial_idx"), r"meta/trials/trial_idx\.npy of .* is missing"),
        (without("meta/neurons/unit_ids"), r"meta/neurons/unit_ids\.npy of .* is missing"),
        (without("meta/statistics/images/all/std"), r"images/all/std\.npy of .* is missing"),
    ],
    "trial counts": [
        (without_folder("images"), r"data/images of .* 0 files for the 12 trials"),
        (without_folder("responses"), r"data/responses of .* 0 files for the 12 trials"),
        (with_array("data/responses/12", np.ones(5)), r"data/responses of .* 13 files for the 12 trials"),
        (shorter("meta/trials/tiers"), r"data/images of .* 12 files for the 11 trials"),
        (shorter("meta/trials/trial_idx"), r"trial_idx\.npy of .* \(11,\) instead of \(12,\)"),
        (shorter("meta/trials/frame_image_id"), r"frame_image_id\.npy of .* \(11,\) instead"),
        (shorter("meta/trials/frame_trial_ts"), r"frame_trial_ts\.npy of .* \(11,\) instead"),
    ],
    "neuron counts": [
        (shorter("meta/neurons/cell_motor_coordinates"), r"coordinates\.npy of .* \(4, 3\) instead"),
        (shorter("meta/statistics/responses/all/std"), r"responses/all/std\.npy of .* \(4,\) instead"),
        (shorter("meta/neurons/unit_ids"), r"\(5, 3\) instead of \(4, 3\)"),
    ],
    "shapes": [
        (with_array("meta/trials/tiers", np.array("train")), r"tiers\.npy of .* one word a trial"),
        (
            with_array("meta/statistics/images/all/mean", np.zeros(7)),
            r"images/0\.npy .* statistics \(7,\)",
        ),
    ],
    "texts": [
        (with_array(f"meta/trials/{name}", np.full(12, b"\xff")), rf"{name}\.npy of .* no plain texts")
        for name in ("tiers", "trial_idx", "frame_trial_ts")
    ],
    "values": [
        (with_value("meta/trials/tiers", "live", 3), r"unknown tiers \['live'\]"),
        (with_value("meta/trials/tiers", "validation", slice(6)), "no train trials"),
        (with_value("meta/trials/tiers", "train", slice(6, 8)), "no validation trials"),
        (with_value("meta/trials/trial_idx", 11), "names a trial twice"),
        (with_value("meta/neurons/unit_ids", 2), "names a neuron twice"),
        (with_array("meta/neurons/unit_ids", np.zeros(0, dtype=int)), "twice or none"),
        (with_array("meta/trials/frame_image_id", np.full(12, 0.5)), "instead of whole numbers"),
        (with_array("meta/trials/frame_image_id", np.full(12, np.nan)), "instead of whole numbers"),
        (with_array("meta/statistics/responses/all/std", np.zeros(5)), r"responses/all/std\.npy of .* zero"),
        (with_array("meta/statistics/images/all/std", np.zeros(())), r"images/all/std\.npy of .* zero"),
        (
            with_array("meta/statistics/images/all/min", np.array(np.nan)),
            r"images/all/min\.npy .* not finite",
        ),
        (with_array("meta/statistics/images/all/std", np.array(1e-40)), r"images/all/std\.npy .* too small"),
        (with_value("meta/neurons/unit_ids", -2), r"unit_ids\.npy of .* 1 ids that are negative or beyond"),
        (with_value("meta/trials/trial_idx", -5), r"trial_idx\.npy of .* 1 ids that are negative or beyond"),
        (with_value("meta/trials/frame_image_id", -1, slice(3)), r"image_id\.npy of .* 3 ids that are neg"),
        (
            with_array("meta/neurons/unit_ids", np.array([1, 2, 5, 6, 2**63], np.uint64)),
            "1 ids .* 2\\^63 - 1",
        ),
        (with_array("meta/neurons/unit_ids", np.array([1, 2, 5, 6, 1e19])), "1 ids .* write whole numbers"),
    ],
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("change", "says"), [case for cases in BAD.values() for case in cases])
def test_bad_input_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, change: Callable[[Files], None], says: str, packed: bool
) -> None:
    files = scan_files()
    change(files)
    source = write(tmp_path, files)
    if packed:
        source = tmp_path / f"{NAME}.zip"
        source.write_bytes(zipped(files))
    with pytest.raises(DataError, match=says) as caught:
        load_scan(source, tmp_path / "packed")
    assert re.search(rf"of \S*{NAME}(\.zip)? ", str(caught.value)) and str(caught.value).endswith(".")
    assert not list((tmp_path / "packed").glob("*.safetensors*"))
    assert not list((tmp_path / "packed").glob(".*.safetensors"))


def test_an_error_while_packing_a_zip_is_not_laid_on_the_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ValueError("a defect of ours")

    monkeypatch.setattr("neurokit.sensorium.recording.read_arrays", defect)
    (tmp_path / f"{NAME}.zip").write_bytes(zipped(scan_files()))
    with pytest.raises(ValueError, match=r"^a defect of ours$"):
        load_scan(tmp_path / f"{NAME}.zip", tmp_path / "packed")


def test_one_silent_neuron_is_no_error_but_all_are(tmp_path: Path) -> None:
    files = scan_files()
    assert files["meta/statistics/responses/all/std"][4] == 0
    assert np.isfinite(load(tmp_path, files).responses).all()


# --- zip, pack and source


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in files.items():
            with archive.open(f"{NAME}/{name}.npy", "w") as stream:
                np.lib.format.write_array(stream, array)
    return buffer.getvalue()


def test_zip_and_folder_give_the_same_scan(tmp_path: Path) -> None:
    files = scan_files()
    (tmp_path / f"{NAME}.zip").write_bytes(zipped(files))
    from_zip = load_scan(tmp_path / f"{NAME}.zip", tmp_path / "from-zip")
    from_folder = load(tmp_path, files)
    for field in ("images", "responses", "behaviour", "rank", "tiers", "coordinates"):
        np.testing.assert_array_equal(getattr(from_zip, field), getattr(from_folder, field))
    assert from_zip.fingerprint != from_folder.fingerprint


@pytest.mark.parametrize("part", [0.3, 0.999])
def test_a_truncated_zip_is_named(tmp_path: Path, part: float) -> None:
    whole = zipped(scan_files())
    (tmp_path / f"{NAME}.zip").write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(DataError, match=rf"{NAME}\.zip is truncated"):
        load_scan(tmp_path / f"{NAME}.zip", tmp_path / "packed")


def test_a_scan_is_packed_once_and_anew_when_a_file_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = []
    monkeypatch.setattr(
        "neurokit.sensorium.standardised.progress",
        lambda *a, **k: bars.append(k["desc"]) or progress(*a, **k),
    )
    files = scan_files()
    before = load(tmp_path, files)
    assert bars == ["packing 1-2-3 images", "packing 1-2-3 responses"]
    load_scan(tmp_path / NAME, tmp_path / "packed")
    assert len(bars) == 2
    np.save(tmp_path / NAME / "data/responses/0.npy", 2 * files["data/responses/0"])
    after = load_scan(tmp_path / NAME, tmp_path / "packed")
    assert len(bars) == 4 and after.fingerprint != before.fingerprint
    np.testing.assert_allclose(after.responses[0], 2 * before.responses[0])  # the old map still reads
    np.testing.assert_array_equal(after.responses[1:], before.responses[1:])
    packs = [file.name for file in (tmp_path / "packed").glob("*.safetensors")]
    assert packs == [f"1-2-3-{after.fingerprint}.safetensors"]


def test_packs_lie_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    scan = load_scan(write(tmp_path, scan_files()))
    assert (tmp_path / "data" / "packed" / f"1-2-3-{scan.fingerprint}.safetensors").exists()
