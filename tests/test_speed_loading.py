"""The loading benchmark in its reduced size, and that its equality would see another scaling."""

from pathlib import Path

import pytest

import peers
import speed_loading
from neurokit.features.mouse_trials import InputSettings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not peers.importable(), reason="neuralpredictors is not installed (extra `benchmarks`)"
    ),
]


def test_the_reduced_benchmark_runs() -> None:
    rows = speed_loading.main(["--quick"])
    assert [row["aim"] for row in rows] == [3, 15, 25, 4]
    assert all(row["largest_difference"] <= speed_loading.TOLERANCE for row in rows)


def test_batches_on_another_scale_are_not_called_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = speed_loading.write_scan(tmp_path, trials=12, neurons=3)
    assert speed_loading.same_batches(scan) < 1e-6
    monkeypatch.setattr(speed_loading, "BASELINE", InputSettings(behaviour="range", pupil_center=True))
    with pytest.raises(AssertionError, match="behavior differs"):
        speed_loading.same_batches(scan)
