"""Two small scans as the official loader of SENSORIUM 2022 reads them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from neurokit.sensorium.features import scale_behaviour, scale_pupil_center
from neurokit.sensorium.recording import Scan, load_scan

SCANS = {"pretraining": "static91001-3-7", "competition": "static92001-5-13"}
TIERS = ("train", "validation", "test", "final_test")


@pytest.fixture(scope="module")
def golden(real_data: Path) -> Mapping[str, np.ndarray]:
    return dict(np.load(real_data / "sensorium_scorer_golden" / "loader_golden.npz"))


@pytest.fixture(scope="module")
def archives(real_data: Path) -> dict[str, Path]:
    folder = real_data / "sensorium_scorer_golden" / "dataset"
    return {kind: next(folder.glob(f"{name}-*.zip")) for kind, name in SCANS.items()}


@pytest.fixture(scope="module", params=["zip", "folder", "zip of the bare folder"])
def scans(
    request: pytest.FixtureRequest, archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Scan]:
    folder = tmp_path_factory.mktemp("scans")
    found = {kind: source(path, folder, request.param) for kind, path in archives.items()}
    return {kind: load_scan(path, folder / "packed") for kind, path in found.items()}


def source(path: Path, folder: Path, form: str) -> Path:
    """The scan as it was published, unpacked, or zipped again without its folder."""
    if form == "zip":
        return path
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    if form == "folder":
        return folder / path.stem
    with zipfile.ZipFile(folder / path.name, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((folder / path.stem).rglob("*.npy")):
            archive.write(file, file.relative_to(folder / path.stem))
    return folder / path.name


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("kind", SCANS)
def test_the_official_loader_reads_the_same(
    scans: dict[str, Scan], golden: Mapping[str, np.ndarray], kind: str, tier: str
) -> None:
    scan, name = scans[kind], f"{kind}/{tier}"
    np.testing.assert_array_equal(scan.trials(tier), golden[f"{name}/all_indices"])
    if not len(scan.trials(tier)):
        assert (kind, tier) == ("pretraining", "final_test")
        return
    first = scan.trials(tier)[:3]
    behaviour = scale_behaviour(scan, "std")[first]
    channels = np.broadcast_to(behaviour[:, :, None, None], (3, 3, 36, 64))
    images = np.concatenate([scan.images[first][:, None], channels], axis=1)
    np.testing.assert_allclose(images, golden[f"{name}/images"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(scan.images[first[:1]], golden[f"{name}/image_plain"][:, 0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(scan.responses[first], golden[f"{name}/responses"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(behaviour, golden[f"{name}/behavior"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        scale_pupil_center(scan)[first], golden[f"{name}/pupil_center"], rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("kind", SCANS)
def test_another_scaling_would_be_noticed(
    scans: dict[str, Scan], golden: Mapping[str, np.ndarray], kind: str
) -> None:
    """Controls: scaling by range, the trial beside, and raw responses are all far from the golden ones."""
    scan, first = scans[kind], scans[kind].trials("train")[:3]
    expected = {name: golden[f"{kind}/train/{name}"] for name in ("images", "behavior", "responses")}
    assert np.abs(scale_behaviour(scan, "range")[first] - expected["behavior"]).max() > 0.1
    assert np.abs(scan.images[first[::-1]] - expected["images"][:, 0]).max() > 0.1
    assert np.abs(scan.responses[first] / scan.response_scale - expected["responses"]).max() > 0.1


@pytest.mark.parametrize("kind", SCANS)
def test_order_and_names(scans: dict[str, Scan], golden: Mapping[str, np.ndarray], kind: str) -> None:
    scan = scans[kind]
    assert scan.key == str(golden[f"{kind}/data_key"])
    assert scan.ordered and scan.has_behaviour
    np.testing.assert_array_equal(scan.rank, golden[f"{kind}/rank_of_file"])
    np.testing.assert_array_equal(scan.unit_ids, golden[f"{kind}/unit_ids"])
    assert scan.trial_ids.dtype.kind == ("i" if kind == "pretraining" else "U")


def test_trial_and_image_ids_are_those_of_the_official_submission(
    scans: dict[str, Scan], real_data: Path
) -> None:
    folder = real_data / "sensorium_scorer_golden" / "submission"
    for kind, tier, name in (
        ("competition", "test", "live_test"),
        ("competition", "final_test", "final_test"),
        ("pretraining", "test", "pretraining_test"),
    ):
        rows = (folder / f"submission_file_{name}.csv").read_text().splitlines()[1:]
        trials = scans[kind].trials(tier)
        ids = zip(scans[kind].trial_ids[trials], scans[kind].image_ids[trials], strict=True)
        assert [row.split(",")[:2] for row in rows] == [[str(trial), str(image)] for trial, image in ids]


def test_only_the_competition_withholds_responses(scans: dict[str, Scan]) -> None:
    found = {kind: [tier for tier in TIERS if scan.withheld(tier)] for kind, scan in scans.items()}
    assert found == {"pretraining": [], "competition": ["test", "final_test"]}


def test_the_nearly_silent_neuron_is_scaled_by_the_threshold(scans: dict[str, Scan]) -> None:
    for scan in scans.values():
        std = scan.statistics["responses"]["std"]
        silent = std <= 0.01 * std.mean()
        assert np.flatnonzero(silent).tolist() == [5]
        np.testing.assert_allclose(scan.response_scale[silent], 1 / (0.01 * std.mean()))
        np.testing.assert_allclose(scan.response_scale[~silent], 1 / std[~silent])
