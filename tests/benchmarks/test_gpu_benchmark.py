"""The benchmark for GPUs runs, on a CPU in tiny sizes; its figures there mean nothing."""

import pytest
import torch

import gpu
import gpu_works
from neurokit.sensorium import MODELS

pytestmark = pytest.mark.slow

QUICK = ["--quick", "--device", "cpu", "--rounds", "2"]


@pytest.fixture(autouse=True)
def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "save", lambda *_, **__: pytest.fail("a quick run writes no file"))


def test_every_work_is_measured_plain_and_in_mixed_precision() -> None:
    rows = gpu.main(QUICK)
    trainings = {row["work"] for row in rows if "set_s" not in row}
    assert len(trainings) == len(gpu.WORKS) and not [row for row in rows if "failed" in row]
    assert {(row["work"], row["option"]) for row in rows if "set_s" not in row} == {
        (work, option) for work in trainings for option in ("none", "amp")
    }
    (attribution,) = (row for row in rows if "set_s" in row)
    assert attribution["trials_per_s"] > 0


def test_figures_follow_from_the_seconds_of_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mice, 50 trials in batches of 16: four steps; the first epoch does not count."""
    monkeypatch.setattr(gpu, "epochs", lambda *_: [99.0, 2.0, 1.0, 6.0])
    (row,) = gpu.main([*QUICK, "--works", "model_4", "--options", "none"])
    assert (row["first_s"], row["epoch_s"], row["lowest"], row["highest"]) == (99.0, 2.0, 1.0, 6.0)
    assert row["images_per_s"] == 50 * 2 / 2.0
    assert row["five_members_200_epochs_min"] == pytest.approx(5 * 200 * 2.0 / 60, rel=1e-3)
    assert MODELS["model_4"].published.fit.epochs == 200
    (row,) = gpu.main([*QUICK, "--works", "transfer", "--options", "none"])
    assert row["50000_steps_h"] == pytest.approx(50000 * (2.0 / 2) / 3600, rel=1e-3)


def test_an_option_that_cannot_be_says_why_and_the_others_stand() -> None:
    if torch.cuda.is_available():
        pytest.skip("CUDA is here, so graphs can be")
    plain, graphs = gpu.main([*QUICK, "--works", "v1_transformer", "--options", "none", "graphs"])
    assert "compile is 'graphs', which needs CUDA" in graphs["failed"] and "epoch_s" not in graphs
    assert plain["epoch_s"] > 0


def test_without_a_gpu_it_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("CUDA is here")
    with pytest.raises(SystemExit, match=r"Device 'cuda' is not there; .*--quick --device cpu"):
        gpu.main([])


def test_a_scan_of_noise_has_the_tiers_it_was_asked_for() -> None:
    scan = gpu_works.noise_scan("k", 0, neurons=5, trials=60, train=40, validation=12)
    assert [len(scan.trials(tier)) for tier in ("train", "validation", "test")] == [40, 12, 8]
    assert scan.responses.shape == (60, 5) and (scan.responses >= 0).all()
