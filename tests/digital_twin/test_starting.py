"""Readouts begin at the fields that training trials show; positions of the map are known in pixels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from neurokit.digital_twin.config import SMALL, TwinConfig
from neurokit.digital_twin.network.config import SMALL as SIZES
from neurokit.digital_twin.network.network import build_network
from neurokit.digital_twin.network.perspective import to_grid
from neurokit.digital_twin.recording import Trial
from neurokit.digital_twin.starting import (
    LEAD,
    PENALTY,
    quick_map,
    readout_weights,
    start_positions,
    start_readouts,
)
from neurokit.digital_twin.training import train_network, train_twin, transfer_core
from neurokit.digital_twin.twin import DigitalTwin
from tests.digital_twin.toys import NETWORK, toy_recording, toy_trials

PLANTED = np.array([[10.0, 20.0], [25.0, 44.0], [18.0, 32.0]])  # row and column, pixels


def flicker(seed: int, frames: int = 200) -> Trial:
    """Noise in squares of four pixels; a unit's response is how much changed around its place lately."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (frames // 4, 9, 16)).repeat(4, axis=0)
    video = coarse.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
    change = np.diff(video.astype(float), axis=0, prepend=video[:1]) ** 2
    rows, columns = np.mgrid[:36, :64]
    around = [np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 32) for r, c in PLANTED]
    drive = np.stack([(change * each).sum(axis=(1, 2)) for each in around], axis=1)
    units = np.stack([np.convolve(each, np.hamming(11))[2 : frames + 2] for each in drive.T], axis=1)
    still = np.zeros((frames, 2), dtype=np.float32)
    return Trial(str(seed), True, video, still, still, (units / units.mean(axis=0)).astype(np.float32))


def distance(network: torch.nn.Module) -> np.ndarray:
    """From the planted places, pixels."""
    return np.hypot(*(network.field_centers().numpy() - PLANTED).T)


def test_positions_begin_within_two_pixels_of_where_something_drives_the_units() -> None:
    network = build_network(3, SIZES, seed=0)
    assert (distance(network)[:2] > 12).all()  # the third is planted in the middle
    start_positions(network, [flicker(seed) for seed in range(8)])
    assert (distance(network) < 2).all()


def test_the_map_of_a_unit_that_follows_nothing_explains_nothing() -> None:
    """The control: another trial's responses."""
    trials = [flicker(seed) for seed in range(8)]
    turned = [replace(a, units=b.units) for a, b in zip(trials, trials[1:] + trials[:1], strict=True)]
    network = build_network(3, SIZES, seed=0)
    places, share = quick_map(network, trials)
    assert places.shape == (12 * 18, 2) and share.shape == (12 * 18, 3)
    assert share.amax(dim=0).min() > quick_map(network, turned)[1].amax()


def test_trials_of_less_than_half_a_second_move_nothing() -> None:
    network = build_network(3, NETWORK, seed=0)
    start_positions(network, toy_trials(frames=LEAD))
    assert not network.readout.position.mu.any()


@pytest.mark.parametrize("start", ["middle", "map"])
def test_training_moves_only_positions_that_none_has_moved(start: str, tmp_path: Path) -> None:
    recording = toy_recording(tmp_path, frames=40)
    config = TwinConfig(network=NETWORK, start=start, window=20, batches=1, validation_batches=1)
    config = config.with_epochs(1).replace(
        cycles=config.cycles.replace(learning_rate=1e-9, epochs=1, warm_up=0)
    )

    def trained(moved: float) -> torch.Tensor:
        network = build_network(3, NETWORK, seed=0)
        network.readout.position.mu.data += moved
        train_network(network, recording, config, device="cpu", show_progress=False)
        return network.readout.position.mu.detach()

    assert (trained(0.0).abs().amax() > 1e-3) == (start == "map")
    torch.testing.assert_close(trained(0.3), torch.full((3, 2), 0.3), rtol=0, atol=1e-6)


@pytest.mark.parametrize("by_map", [True, False])
def test_on_a_frozen_core_places_and_monitor_stay_where_the_map_put_them(
    by_map: bool, tmp_path: Path
) -> None:
    """The control: places that came from elsewhere are trained, and move."""
    recording = toy_recording(tmp_path, frames=40)
    config = TwinConfig(network=NETWORK, start="map", window=20, batches=2, validation_batches=1)
    network, begun = (transfer_core(build_network(1, NETWORK, seed=0), 3) for _ in range(2))
    start_positions(begun, recording.part(True))
    if not by_map:
        network.readout.position.mu.data.copy_(begun.readout.position.mu)
    train_network(network, recording, config.with_epochs(1), device="cpu", show_progress=False)
    assert torch.equal(network.readout.position.mu, begun.readout.position.mu) == by_map
    assert torch.equal(network.perspective.monitor.center, begun.perspective.monitor.center) == by_map


@pytest.mark.parametrize("start", ["middle", "map"])
def test_a_transferred_core_brings_its_monitor_where_training_starts_at_the_map(
    start: str, tmp_path: Path
) -> None:
    recording, foundation = toy_recording(tmp_path, frames=40), build_network(1, NETWORK, seed=0)
    foundation.perspective.monitor.center.data.copy_(torch.tensor([0.1, -0.05, 0.4]))
    config = TwinConfig(network=NETWORK, start=start, window=20, batches=1, validation_batches=1)
    trained = train_twin(recording, config.with_epochs(1), foundation, device="cpu", show_progress=False)
    given, found = (each.perspective.monitor.center for each in (foundation, trained.model))
    assert torch.equal(found, given) == (start == "map")


def test_a_short_training_starts_at_the_map_and_the_published_one_in_the_middle() -> None:
    assert (SMALL.start, TwinConfig().start) == ("map", "middle")


def test_field_centers_are_the_pixels_that_the_retina_samples() -> None:
    """Retinal pixels lie at known positions of the map; what each samples is what its position looks at."""
    network = build_network(2, SIZES, seed=3).eval()
    with torch.no_grad():
        network.perspective.mlp.linears[-1].weights[0].normal_(std=0.1)
        network.perspective.monitor.angle.copy_(torch.tensor([0.05, -0.1, 0.02]))
        network.perspective.monitor.center[:2] = torch.tensor([0.1, -0.05])
        places = network.perspective.places(torch.zeros(1, 1, 2), network.begin())
        x, y = to_grid(places, *SIZES.monitor)[0, 0].unbind(-1)  # as `grid_sample` takes them
    height, width = SIZES.monitor
    rows, columns = SIZES.retina
    chosen = [(9, 14), (15, 22)]
    on_map = torch.tensor([[(2 * c + 1) / columns - 1, (2 * r + 1) / rows - 1] for r, c in chosen])
    network.readout.position.mu.data = on_map.atanh()
    wanted = [[((y[p] + 1) * height - 1) / 2, ((x[p] + 1) * width - 1) / 2] for p in chosen]
    torch.testing.assert_close(network.field_centers(), torch.tensor(wanted), rtol=0, atol=1e-3)


# --- the readout of a frozen core


def test_weights_are_those_of_ridge_regression() -> None:
    """Of scikit-learn, which divides nothing by the number of frames."""
    random = np.random.default_rng(0)
    features, answers = random.normal(2.0, 3.0, (40, 4, 3)), random.normal(size=(40, 3))
    found = readout_weights(*(torch.from_numpy(each) for each in (features, answers))).numpy()
    size = np.sqrt(((features - features.mean(axis=0)) ** 2).mean())
    for unit in range(3):
        ridge = Ridge(alpha=PENALTY * 40).fit(features[..., unit] / size, answers[:, unit])
        np.testing.assert_allclose(found[unit] * size, ridge.coef_, rtol=1e-6)


@pytest.mark.parametrize("streams", [1, 2])
def test_a_readout_on_a_frozen_core_begins_below_the_loss_of_the_mean(streams: int) -> None:
    """And its rates have the mean that responses have, 1."""
    trials = [flicker(seed, frames=80) for seed in range(3)]
    foundation = build_network(1, SIZES.replace(streams=streams), seed=0)
    network = transfer_core(foundation, 3)
    start_positions(network, trials)
    start_readouts(network, trials)
    twin = DigitalTwin(network, device="cpu")
    rates = np.concatenate([twin.predict(each.stimulus)[LEAD:] for each in trials])
    wanted = np.concatenate([each.units[LEAD:] for each in trials])
    np.testing.assert_allclose(rates.mean(axis=0), 1, atol=1e-2)
    assert ((rates - wanted * np.log(rates)).mean(axis=0) < 1).all()


def test_only_a_frozen_core_is_read_before_training(tmp_path: Path) -> None:
    """What is trained itself has nothing to say yet."""
    recording = toy_recording(tmp_path, frames=40)
    config = TwinConfig(network=NETWORK, start="map", window=20, batches=1, validation_batches=1)
    config = config.replace(cycles=config.cycles.replace(learning_rate=1e-9, epochs=1, warm_up=0))
    weights = {
        name: train_twin(recording, config, core, device="cpu", show_progress=False)
        .model.readout.feature.weights[0]
        .abs()
        .amax()
        for name, core in {"scratch": None, "transfer": build_network(1, NETWORK, seed=1)}.items()
    }
    assert weights["scratch"] < 1e-6 < weights["transfer"]
