"""Experiments with video, tried on animals whose answer is on record, and on a small twin."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from neurokit.digital_twin.network.base import Periphery
from neurokit.digital_twin.network.config import SMALL
from neurokit.digital_twin.network.network import build_network
from neurokit.digital_twin.simulated_files import MouseTruth, scales
from neurokit.digital_twin.simulation import MouseParameters, simulate_mouse
from neurokit.digital_twin.twin import DigitalTwin, OfPixels
from neurokit.errors import DataError
from neurokit.insilico.most_exciting import most_exciting_videos
from neurokit.insilico.receptive_fields import FlashedFields, flashed_fields, sparse_squares
from neurokit.insilico.video import (
    Batched,
    DirectionTuning,
    FixedBehaviour,
    VideoModel,
    angles_between,
    direction_properties,
    direction_tuning,
    planted_directions,
    present,
)
from neurokit.simulation.movie_cells import MovieCells
from neurokit.simulation.movies import FRAME_RATE, GREY

MOUSE = MouseParameters(seed=4, minutes=0.4, cells=40, clip_frames=120, test_clips=0, new_clips=0)
WAVELENGTHS, FREQUENCIES = 36 * np.array([0.3, 0.45]), np.array([1.0, 2.0])
TINY = SMALL.replace(streams=2, monitor=(18, 32), retina=(16, 24))


class Watching:
    """An animal that answers with whatever a function makes of a clip T H W; behaviour is recorded."""

    def __init__(self, answer: Callable[[np.ndarray], np.ndarray]) -> None:
        self.answer, self.behaviours = answer, []

    def predict(
        self,
        stimulus: np.ndarray,
        perspective: np.ndarray | None = None,
        modulation: np.ndarray | None = None,
    ) -> np.ndarray:
        self.behaviours.append((perspective, modulation))
        if stimulus.ndim == 3:
            return self.answer(stimulus).astype(np.float32)
        clips = np.moveaxis(stimulus[..., 0], 1, 0)
        return np.stack([self.answer(clip) for clip in clips], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def truth() -> MouseTruth:
    recording = simulate_mouse(MOUSE)
    return MouseTruth(recording.parameters, recording.mouse, scales(recording), {}, {})


@pytest.fixture(scope="module")
def tuned(truth: MouseTruth) -> DirectionTuning:
    return direction_tuning(Batched(truth), WAVELENGTHS, FREQUENCIES, show_progress=False)


@pytest.fixture(scope="module")
def fields(truth: MouseTruth) -> FlashedFields:
    return flashed_fields(Batched(truth), show_progress=False)


@pytest.fixture
def twin() -> DigitalTwin:
    """Weights as drawn, but neurons that look at different places, and an eye and a state that matter."""
    network, generator = build_network(4, TINY, seed=1), torch.Generator().manual_seed(2)
    with torch.no_grad():
        network.readout.position.mu.uniform_(-0.5, 0.5, generator=generator)
        for name, values in network.named_parameters():
            if name.startswith(("readout.feature", "perspective.mlp", "modulation")):
                values.normal_(generator=generator)
    return DigitalTwin(network, device="cpu")


def noise(frames: int, presentations: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (frames, presentations, *TINY.monitor), dtype=np.uint8)


# --- whom one may ask


def test_twins_and_mice_are_animals(twin: DigitalTwin, truth: MouseTruth) -> None:
    wrapped = Batched(truth), FixedBehaviour(twin)
    assert all(isinstance(animal, VideoModel) for animal in (twin, truth, *wrapped))
    assert not isinstance(nn.Linear(1, 1), VideoModel)


def test_one_by_one_is_each_presentation_from_its_start(truth: MouseTruth) -> None:
    stimulus = np.random.default_rng(0).integers(0, 256, (20, 3, 36, 64, 1), dtype=np.uint8)
    found = Batched(truth).predict(stimulus)
    assert found.shape == (20, 3, 40)
    np.testing.assert_array_equal(found[:, 2], truth.predict(stimulus[:, 2, ..., 0]))
    aside = np.tile([2.0, 0.0], (20, 1))
    moved = Batched(truth).predict(stimulus, aside)
    np.testing.assert_array_equal(moved[:, 1], truth.predict(stimulus[:, 1, ..., 0], aside))
    assert np.abs(moved - found).max() > 0.1


def test_behaviour_is_fixed_at_the_given_values(twin: DigitalTwin) -> None:
    held = FixedBehaviour(twin, np.array([0.5, -1.0]), np.array([2.0, 1.0]))
    clips = noise(6, 2)
    frames = np.ones((6, 1))
    expected = twin.predict(clips[..., None], frames * [0.5, -1.0], frames * [2.0, 1.0])
    np.testing.assert_array_equal(held.predict(clips[..., None]), expected)
    watching = Watching(lambda clip: clip.mean(axis=(1, 2))[:, None])
    FixedBehaviour(watching, modulation=np.array([2.0, 1.0])).predict(clips[:, 0])
    ((perspective, modulation),) = watching.behaviours
    assert perspective is None and modulation.tolist() == [[2.0, 1.0]] * 6


def test_how_many_at_once_does_not_matter(twin: DigitalTwin) -> None:
    clips = noise(5, 5)
    found = present(twin, clips, at_once=2, show_progress=False)
    assert found.shape == (5, 5, 4) and np.ptp(found, axis=1).max() > 1e-3
    np.testing.assert_allclose(found, present(Batched(twin), clips, show_progress=False), rtol=1e-4)


# --- directions


def moving(rows: int, columns: int) -> Watching:
    """One unit for this movement of the picture, pixels a frame, and one for the opposite movement."""

    def answer(clip: np.ndarray) -> np.ndarray:
        picture = clip[:, ::-1] / 255 - 0.5  # so that rows count upwards
        onward, back = (
            (np.roll(picture[:-1], by, axis=(1, 2)) * picture[1:])[:, 4:-4, 4:-4].mean(axis=(1, 2))
            for by in ((rows, columns), (-rows, -columns))
        )
        found = np.maximum([onward - back, back - onward], 0).T
        return np.concatenate([found[:1], found])

    return Watching(answer)


@pytest.mark.parametrize(("rows", "columns", "degrees"), [(0, 1, 0), (1, 0, 90), (1, 1, 45), (1, -1, 135)])
def test_angles_grow_counter_clockwise_from_the_right(rows: int, columns: int, degrees: int) -> None:
    """Movement is measured by shifting the picture, not by any formula of the gratings."""
    gratings = np.array([12.0]), np.array([2.0])
    found = direction_tuning(moving(rows, columns), *gratings, directions=8, show_progress=False)
    properties = direction_properties(found)
    error = angles_between(properties.pref_dir.to_numpy(), np.array([degrees, degrees + 180.0]), 360)
    assert error.max() < 2
    assert angles_between(properties.pref_ori.to_numpy(), np.full(2, float(degrees)), 180).max() < 2
    assert properties.DSI.min() > 0.95


def test_the_mouse_prefers_what_was_planted(truth: MouseTruth, tuned: DirectionTuning) -> None:
    assert tuned.responses.shape == (40, 16, 2, 2)
    properties = direction_properties(tuned)
    found_direction, found = properties.pref_dir.to_numpy(), properties.pref_ori.to_numpy()
    planted = planted_directions(truth.mouse.sight.cells)
    assert angles_between(found, planted, 180).max() < 3
    assert angles_between(found_direction, planted, 360).max() < 3
    random = np.random.default_rng(0)
    shuffled = [random.permutation(planted) for _ in range(50)]
    assert np.median([angles_between(found, other, 180) for other in shuffled]) == pytest.approx(45, abs=6)
    assert np.median(angles_between(found, -planted, 180)) > 25  # turning the other way


def test_faster_cells_tell_directions_better(truth: MouseTruth, tuned: DirectionTuning) -> None:
    """A filter that turns by less than a cycle in its memory hardly knows the sense."""
    frequency = np.abs(truth.mouse.sight.cells.frequency)
    selectivity = direction_properties(tuned).DSI.to_numpy()
    assert np.corrcoef(np.log(frequency), selectivity)[0, 1] > 0.6


def tuning_of(curves: Tensor) -> DirectionTuning:
    angles = np.arange(curves.shape[1]) * 2 * np.pi / curves.shape[1]
    return DirectionTuning(angles, np.ones(1), np.ones(1), curves[:, :, None, None])


def test_properties_by_hand() -> None:
    angle = torch.arange(8, dtype=torch.float64) * torch.pi / 4
    both = 2 + torch.cos(2 * (angle - 0.5)) + 0.5 * torch.cos(angle - 0.5 - torch.pi)
    one = torch.zeros(8, dtype=torch.float64)
    one[6] = 3.0
    few = torch.tensor([1.0, 0.0, 5.0, 0.0, 2.0, 0.0, 3.0, 0.0], dtype=torch.float64)
    curves = torch.stack([both, one, few, torch.zeros_like(one)])
    found = direction_properties(tuning_of(curves))
    expected = pd.DataFrame(
        {
            "OSI": [1.0, (5 - 1.5) / (5 + 1.5)],
            "DSI": [1.0, 0.25],
            "gOSI": [1.0, 5 / 11],
            "gDSI": [1.0, 5**0.5 / 11],
            "pref_ori": [90.0, 90.0],
            "pref_dir": [270.0, 90.0],
        }
    )
    pd.testing.assert_frame_equal(found.iloc[1:3].reset_index(drop=True), expected)
    assert found.loc[0, ["gOSI", "gDSI"]].tolist() == pytest.approx([0.25, 0.125])
    assert found.loc[0, "pref_ori"] == pytest.approx(np.degrees(0.5))
    assert found.loc[0, "pref_dir"] == pytest.approx(np.degrees(0.5) + 180)
    assert (found.loc[3, ["OSI", "DSI", "gOSI", "gDSI"]] == 0).all()


def test_curves_are_at_each_units_best_grating() -> None:
    responses = torch.zeros(2, 4, 2, 3)
    responses[0, 1, 0, 2], responses[0, :, 1, 1] = 3.0, 1.0
    responses[1, 2, 1, 1], responses[1, 0, 1, 1], responses[1, 3, 0, 0] = 2.0, 1.0, 1.5
    found = DirectionTuning(np.arange(4) * np.pi / 2, np.ones(2), np.ones(3), responses)
    assert found.curves.tolist() == [[0.0, 3.0, 0.0, 0.0], [1.0, 0.0, 2.0, 0.0]]


def test_the_onset_does_not_count() -> None:
    def late(clip: np.ndarray) -> np.ndarray:
        return np.where(np.arange(len(clip)) < 6, 100.0, 1.0)[:, None]

    size = {"directions": 4, "onset": 6, "frames": 10, "show_progress": False}
    found = direction_tuning(Watching(late), np.array([9.0]), np.array([1.0]), **size)
    assert (found.responses == 1).all()


@pytest.mark.parametrize("directions", [0, 2, 6])
def test_directions_without_opposite_or_across_are_refused(directions: int) -> None:
    with pytest.raises(DataError, match=f"directions is {directions};"):
        direction_tuning(moving(0, 1), WAVELENGTHS, FREQUENCIES, directions=directions)


def test_angles_between_by_hand() -> None:
    first, second = np.array([10.0, 350.0, 0.0]), np.array([350.0, 10.0, 180.0])
    assert angles_between(first, second, 360).tolist() == [20, 20, 180]
    assert angles_between(first, second, 180).tolist() == [20, 20, 0]


# --- receptive fields


def test_fields_lie_where_the_eye_carries_them(truth: MouseTruth, fields: FlashedFields) -> None:
    sight, mean = truth.mouse.sight, np.zeros((1, 2))
    right_and_down = sight.gaze(truth.scales.behaviour(mean, mean).perspective)[0]
    centers = sight.cells.center + right_and_down[::-1]
    inside = (centers > 4).all(axis=1) & (centers < np.array([32, 60])).all(axis=1)
    error = np.linalg.norm(fields.centers().numpy() - centers, axis=1)[inside]
    assert inside.sum() > 25 and np.median(error) < 1 and np.quantile(error, 0.9) < 2
    shuffled = np.random.default_rng(0).permutation(centers[inside])
    assert np.median(np.linalg.norm(fields.centers().numpy()[inside] - shuffled, axis=1)) > 5


def test_fields_follow_a_gaze_that_is_held(truth: MouseTruth, fields: FlashedFields) -> None:
    aside = np.array([1.5, 0.0])
    moved = flashed_fields(FixedBehaviour(Batched(truth), aside), show_progress=False)
    pixels = truth.mouse.sight.pixels_per_degree * truth.scales.perspective[1, 0] * 1.5
    shift = (moved.centers() - fields.centers()).median(dim=0).values
    assert pixels > 2 and abs(float(shift[1]) - pixels) < 0.7 and abs(float(shift[0])) < 0.5


def late_pixel(row: int, column: int, lag: int) -> Watching:
    """Three units for one pixel, each some frames late: lighter, darker, and either."""

    def answer(clip: np.ndarray) -> np.ndarray:
        contrast = np.roll(clip[:, row, column] / GREY - 1.0, lag)
        contrast[:lag] = 0
        return np.stack([np.maximum(contrast, 0), np.maximum(-contrast, 0), np.abs(contrast)], axis=1)

    return Watching(answer)


def test_light_and_dark_are_distinguished() -> None:
    found = flashed_fields(late_pixel(9, 20, 7), shape=(18, 32), delay=7, side=3, show_progress=False)
    light, dark = found.light[:, 9, 20], found.dark[:, 9, 20]
    assert light[0] > 0.8 and light[2] > 0.5 and light[1] < 0
    assert dark[1] > 0.8 and dark[2] > 0.5 and dark[0] < 0
    torch.testing.assert_close(found.centers(), torch.tensor([[9.0, 20.0]] * 3), atol=0.5, rtol=0)


def test_another_delay_misses_the_answer() -> None:
    fields = [
        flashed_fields(late_pixel(9, 20, 7), shape=(18, 32), delay=delay, hold=3, show_progress=False)
        for delay in (7, 1)
    ]
    right, wrong = (float(field.light[0, 9, 20]) for field in fields)
    assert right > 0.8 and abs(wrong) < 0.2


def test_squares_have_the_given_size_and_reach_the_edges() -> None:
    spots = sparse_squares(400, (18, 32), 1, 4, np.random.default_rng(0))
    assert set(np.unique(spots)) == {-1, 0, 1}
    assert np.abs(spots).sum(axis=(1, 2)).max() == 16
    covered = np.abs(spots).astype(int).sum(axis=0)
    assert covered.min() > 0 and covered[0].mean() > 0.6 * covered[9].mean()
    assert abs(spots.astype(int).sum()) < 0.15 * covered.sum()


def test_the_seed_says_which_squares(twin: DigitalTwin) -> None:
    size = {"shape": TINY.monitor, "presentations": 2, "flashes": 3, "show_progress": False}
    first, again, other = (flashed_fields(twin, seed=seed, **size).light for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.allclose(first, other)


# --- most exciting videos


class KnownCells(nn.Module):
    """Simulated cells as a differentiable function of pixels: what their filters make of the last frames."""

    def __init__(self, cells: MovieCells, height: int, width: int) -> None:
        super().__init__()
        gabors = torch.from_numpy(cells.gabors(height, width)).to(torch.complex64)
        self.parts = nn.Parameter(torch.view_as_real(gabors))  # a model's weights are real numbers
        self.memory = torch.from_numpy(cells.memory(FRAME_RATE)).to(torch.complex64)  # newest first
        self.complex = torch.from_numpy(cells.complex)

    def filters(self) -> Tensor:
        """U T H W, oldest frame first: the real part of the complex filter."""
        gabors = torch.view_as_complex(self.parts.detach())
        return torch.einsum("ku,uhw->ukhw", self.memory, gabors).flip(1).real

    def forward(self, pixels: Tensor) -> Tensor:
        seen = torch.einsum("kthw,uhw->ktu", pixels.to(torch.complex64), torch.view_as_complex(self.parts))
        past = seen.unfold(1, len(self.memory), 1).flip(-1)  # k t u lag
        z = (past * self.memory.T).sum(dim=-1)
        return torch.where(self.complex, z.abs(), z.real)


def test_known_cells_are_most_excited_by_their_filters(truth: MouseTruth) -> None:
    cells = truth.mouse.sight.cells
    model = KnownCells(cells, 36, 64)
    units = [*np.flatnonzero(~cells.complex)[:3].tolist(), *np.flatnonzero(cells.complex)[:3].tolist()]
    size = {"shape": (15, 36, 64), "counted": 1, "contrast": 0.02, "smoothing": 0.0, "steps": 30}
    found = most_exciting_videos(model, units, **size, show_progress=False)
    patterns, filters = found.videos - GREY / 255, model.filters()[units]
    norm = 0.02 * (15 * 36 * 64) ** 0.5
    torch.testing.assert_close(patterns.flatten(1).norm(dim=1), torch.full((6,), norm), rtol=1e-3, atol=0)
    match = nn.functional.cosine_similarity(patterns.flatten(1), filters.flatten(1))
    assert match[:3].min() > 0.98  # a complex cell may take another phase
    best = norm * filters.flatten(1).norm(dim=1)
    assert (found.responses[:3] / best[:3]).min() > 0.98
    directions = replace(cells, frequency=-cells.frequency)
    opposite = KnownCells(directions, 36, 64)(found.videos)[:, -1, units].diagonal()
    assert (opposite < found.responses).all()


@pytest.mark.parametrize("periphery", ["dark", "extend"])
def test_of_pixels_is_the_twins_own_prediction(twin: DigitalTwin, periphery: Periphery) -> None:
    twin = DigitalTwin(twin.network.eval(), device="cpu", periphery=periphery)
    clips, behaviour = noise(5, 2), (torch.tensor([0.5, -1.0]), torch.tensor([1.0, 2.0]))
    pixels = torch.from_numpy(clips).transpose(0, 1) / 255
    held = [np.tile(values.double().numpy(), (5, 1)) for values in behaviour]
    expected = torch.from_numpy(twin.predict(clips[..., None], *held)).transpose(0, 1)
    torch.testing.assert_close(OfPixels(twin, *behaviour)(pixels).detach(), expected)
    elsewhere = [(), (behaviour[0], None), (None, behaviour[1])]
    others = [OfPixels(twin, *each)(pixels).detach() for each in elsewhere]
    around = {"dark": "extend", "extend": "dark"}[periphery]
    others.append(OfPixels(DigitalTwin(twin.network, device="cpu", periphery=around), *behaviour)(pixels))
    assert all(((other - expected).abs() > 1e-3).any() for other in others)


def test_a_twins_video_excites_it_when_shown(twin: DigitalTwin) -> None:
    twin.network.train()
    before = {name: values.clone() for name, values in twin.network.state_dict().items()}
    behaviour = torch.tensor([0.5, -1.0]), torch.tensor([1.0, 2.0])
    model = OfPixels(twin, *behaviour)
    size = {"shape": (8, *TINY.monitor), "counted": 3, "show_progress": False}
    found = most_exciting_videos(model, [2, 0], steps=15, **size)
    assert found.videos.shape == (2, 8, *TINY.monitor) and found.history.shape == (16, 2)
    assert (found.history[1:] > found.history[0]).all()
    animal = FixedBehaviour(twin, *(values.double().numpy() for values in behaviour))
    shown = animal.predict(found.stimulus)[-3:].mean(axis=0)  # N U
    np.testing.assert_allclose(shown[[0, 1], [2, 0]], found.responses.numpy(), rtol=0.02)
    others = GREY + 255 * 0.05 * np.random.default_rng(0).standard_normal((8, 16, *TINY.monitor, 1))
    chance = animal.predict(others.round().astype(np.uint8))[-3:].mean(axis=0)[:, [2, 0]]  # the same contrast
    assert (shown[[0, 1], [2, 0]] > chance.mean(axis=0) + 4 * chance.std(axis=0)).all()
    assert twin.network.training and all(values.grad is None for values in twin.network.parameters())
    assert all(torch.equal(values, before[name]) for name, values in twin.network.state_dict().items())


def test_pixels_stay_between_black_and_white(twin: DigitalTwin) -> None:
    size = {"shape": (6, *TINY.monitor), "counted": 2, "steps": 5, "show_progress": False}
    strong = most_exciting_videos(OfPixels(twin), [1], contrast=0.6, **size).videos
    assert strong.min() >= 0 and strong.max() <= 1
    assert ((strong == 0) | (strong > 0.9999)).float().mean() > 0.1
    weak = most_exciting_videos(OfPixels(twin), [1], contrast=0.05, **size).videos - GREY / 255
    assert float(weak.square().mean().sqrt()) == pytest.approx(0.05, rel=1e-3)


def test_companions_do_not_matter_and_the_seed_does(twin: DigitalTwin) -> None:
    size = {"shape": (6, *TINY.monitor), "counted": 2, "steps": 4, "show_progress": False}
    together = most_exciting_videos(OfPixels(twin), [3, 1], **size)
    alone = most_exciting_videos(OfPixels(twin), [3, 1], batch_size=1, **size)
    torch.testing.assert_close(together.videos, alone.videos, atol=1e-4, rtol=0)
    other = most_exciting_videos(OfPixels(twin), [3, 1], seed=1, **size)
    assert (together.videos - other.videos).abs().max() > 0.05


def test_units_and_frames_that_are_not_there_are_refused(twin: DigitalTwin) -> None:
    with pytest.raises(DataError, match="give at least one number from 0 to 3"):
        most_exciting_videos(OfPixels(twin), [4], shape=(3, *TINY.monitor), counted=1, steps=1)
    with pytest.raises(DataError, match="counted is 4; use 1 to 3, the frames of the video"):
        most_exciting_videos(OfPixels(twin), [0], shape=(3, *TINY.monitor), counted=4)
