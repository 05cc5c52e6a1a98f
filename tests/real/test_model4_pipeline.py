"""History, pairs, reduced-rank regression and members' tiers against the published pipeline's numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from neurokit.sensorium.ensemble import ensemble_tiers
from neurokit.sensorium.past_responses import HistoryBank, known_trials, neighbours, reduced_rank


@pytest.fixture(scope="module")
def golden(real_data: Path) -> Iterator[dict[str, np.ndarray]]:
    with np.load(real_data / "model4_golden" / "pipeline.npz", allow_pickle=False) as arrays:
        yield dict(arrays)


@pytest.fixture(scope="module")
def history(golden: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """The bank's three arguments in file order."""
    rank = np.argsort(golden["history_file_index_of_rank"])
    in_file_order = {
        "responses": golden["history_activity_time"][rank],
        "rank": rank,
        "known": known_trials(golden["history_tier_names_time"])[rank],
    }
    return {name: torch.from_numpy(values) for name, values in in_file_order.items()}


def features(history: dict[str, torch.Tensor], lags: np.ndarray) -> np.ndarray:
    return HistoryBank(**history, lags=tuple(lags.tolist()))(torch.arange(len(history["rank"]))).numpy()


def test_history(golden: dict[str, np.ndarray], history: dict[str, torch.Tensor]) -> None:
    found = features(history, golden["history_lags"])
    np.testing.assert_allclose(found, golden["history_file"], rtol=0, atol=1e-12)
    in_time = found[golden["history_file_index_of_rank"]]
    np.testing.assert_allclose(in_time, golden["history_time"], rtol=0, atol=1e-12)


def test_history_of_other_trials_is_far_off(
    golden: dict[str, np.ndarray], history: dict[str, torch.Tensor]
) -> None:
    leaking = features({**history, "known": torch.ones_like(history["known"])}, golden["history_lags"])
    assert np.abs(leaking - golden["history_file"]).max() > 0.1


def test_pairs(golden: dict[str, np.ndarray]) -> None:
    known = known_trials(golden["history_tier_names_time"])
    published = neighbours(known, "as_published")
    assert neighbours(known).tolist() == golden["pairs_t_intended"].tolist()
    assert published.tolist() == golden["pairs_t_upstream"].tolist()
    assert (published + 1).tolist() == golden["pairs_t_plus_one_upstream"].tolist()
    assert len(neighbours(known)) < len(published)


def test_reduced_rank_regression(golden: dict[str, np.ndarray]) -> None:
    x1, x2, rank = golden["rrr_x1"], golden["rrr_x2"], int(golden["rrr_rank"])
    w, v = reduced_rank(x1, x2, rank)
    np.testing.assert_allclose(w @ v, golden["rrr_product"], rtol=0, atol=1e-9)
    w, v = reduced_rank(x1, x2, rank - 1)
    assert np.abs(w @ v - golden["rrr_product"]).max() > 1e-3


def test_tiers_of_the_members(golden: dict[str, np.ndarray]) -> None:
    tiers = golden["ensemble_input_tiers"]
    assert (ensemble_tiers(tiers) == golden["ensemble_tiers"]).all()
    assert (ensemble_tiers(tiers, seed=35383) != golden["ensemble_tiers"]).any()
