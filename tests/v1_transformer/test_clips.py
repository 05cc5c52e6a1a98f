"""Clips: which frames, running and responses make a batch, on which scale, and what is never copied."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from neurokit.errors import DataError
from neurokit.training.fit import Objective, TrainingData
from neurokit.v1_transformer.clips import RUNNING_LIMIT, ClipBatch, Clips, MovieScales, clip_frames
from neurokit.v1_transformer.features import (
    frame_responses,
    frame_running,
    join_splits,
    split_movie,
    split_movie_leaking,
)
from neurokit.v1_transformer.model import PartLoss
from tests.sensorium.batch_toys import generator
from tests.v1_transformer.toys import (
    FRAMES,
    HEIGHT,
    LENGTH,
    NEURONS,
    REPEATS,
    SPLIT,
    WIDTH,
    toy_clips,
    toy_frames,
    toy_responses,
    toy_running,
)

TRAINING = clip_frames(SPLIT.train, LENGTH)
HELD_OUT = np.setdiff1d(np.arange(FRAMES), TRAINING)

# --- responses and running of frames


def test_a_response_is_the_mean_of_its_window() -> None:
    dff = np.random.default_rng(0).normal(size=(3, 60)).astype(np.float32)
    starts = np.array([[2, 3, 4, 5], [20, 21, 23, 24]])  # a frame of the second repeat stayed on for longer
    found = frame_responses(dff, starts, lag=4, window=3)
    for repeat, frame, neuron in np.ndindex(found.shape):
        start = starts[repeat, frame] + 4
        expected = dff[neuron, start : start + 3].mean()
        assert found[repeat, frame, neuron] == pytest.approx(expected, abs=1e-6)
    assert found.shape == (2, 4, 3) and found.dtype == np.float32 and found.flags.c_contiguous


def test_a_window_past_the_end_of_the_recording_is_no_number() -> None:
    dff = np.ones((2, 30), dtype=np.float32)
    found = frame_responses(dff, np.array([[23, 24, 25, 26]]), lag=3, window=2)
    assert np.isnan(found[0, :, 0]).tolist() == [False, False, False, True]


def test_running_is_that_of_the_sample_at_which_the_frame_came_on() -> None:
    running = np.array([np.nan, 1, 2, 3, 4], dtype=np.float32)
    found = frame_running(running, np.array([[0, 2], [3, 4]]))
    np.testing.assert_array_equal(found, [[np.nan, 2], [3, 4]])


@pytest.mark.parametrize(("lag", "window"), [(-1, 3), (2, 0)])
def test_impossible_windows_are_refused(lag: int, window: int) -> None:
    with pytest.raises(DataError, match=f"lag is {lag}, window {window}"):
        frame_responses(np.ones((1, 9)), np.array([[0]]), lag=lag, window=window)


def test_frames_shown_outside_the_recording_are_refused() -> None:
    """Sample -1 would be the recording's last."""
    with pytest.raises(DataError, match="sample -1;"):
        frame_responses(np.ones((1, 9)), np.array([[-1, 0]]), lag=0, window=1)
    for start in (-1, 9):
        with pytest.raises(DataError, match=f"sample {start};.* 0 to 8"):
            frame_running(np.ones(9), np.array([[0, start]]))


# --- what a batch holds


def by_hand(repeat: int, end: int, per_frame: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One clip from the arrays: frames T H W, running T 2, responses T N."""
    answered = TRAINING if per_frame else SPLIT.train
    shown = slice(end - LENGTH + 1, end + 1)
    frames, responses, running = toy_frames().astype(float), toy_responses(), toy_running()
    pixels, speeds, known = frames[TRAINING], running[:, TRAINING], responses[:, answered]
    speed = (running[repeat, shown] - np.nanmean(speeds)) / np.nanstd(speeds)
    measured = np.isfinite(speed)
    scaled = np.where(measured, np.clip(speed, -RUNNING_LIMIT, RUNNING_LIMIT), 0)
    activity = (responses[repeat, shown] - known.mean(axis=(0, 1))) / known.std(axis=(0, 1))
    return (frames[shown] - pixels.mean()) / pixels.std(), np.stack([scaled, measured], axis=-1), activity


def frames_of(batch: ClipBatch) -> Tensor:
    """The frames of each clip themselves, E T H W."""
    return batch.frames[batch.shown][:, :, -1]


@pytest.mark.parametrize("per_frame", [False, True])
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_part_comes_in_the_movies_order_in_all_repeats(part: str, per_frame: bool) -> None:
    batches, ends = list(toy_clips(per_frame=per_frame).batches(part, 7)), getattr(SPLIT, part)
    assert [len(batch.shown) for batch in batches[:-1]] == [7] * (len(batches) - 1)
    frames = torch.cat([frames_of(batch) for batch in batches])
    running, responses = (
        torch.cat([getattr(b, name) for b in batches], 1) for name in ("running", "responses")
    )
    for repeat, (row, end) in itertools.product(range(REPEATS), enumerate(ends)):
        shown, speed, activity = by_hand(repeat, end, per_frame)
        np.testing.assert_allclose(frames[row], shown, atol=1e-5)
        np.testing.assert_allclose(running[repeat, row], speed, atol=1e-5)
        np.testing.assert_allclose(responses[repeat, row], activity if per_frame else activity[-1], atol=1e-5)
    assert frames.shape == (len(ends), LENGTH, HEIGHT, WIDTH) and frames.dtype == torch.float32
    assert responses.shape == (REPEATS, len(ends), *([LENGTH] if per_frame else []), NEURONS)


def test_frames_may_lie_apart_and_bring_earlier_ones() -> None:
    split = split_movie(FRAMES, clip=9, lag=2)
    clips = toy_clips(split, length=3, stride=2, before=2, running=None)
    assert clips.span == 9
    batch = clips.batch(torch.tensor([1]), torch.tensor([20, 33]))
    pixels = toy_frames()[clip_frames(split.train, 5, 2)].astype(np.float64)
    scaled = (toy_frames() - pixels.mean()) / pixels.std()
    for row, end in enumerate((20, 33)):
        expected = [scaled[[end - ago - 4, end - ago - 2, end - ago]] for ago in (4, 2, 0)]
        np.testing.assert_allclose(batch.frames[batch.shown[row]], expected, atol=1e-5)


def test_each_distinct_frame_is_there_once() -> None:
    batch = toy_clips().batch(torch.tensor([0, 2]), torch.tensor([10, 11, 12, 30]))
    assert len(batch.frames) == (LENGTH + 2) + LENGTH
    assert len(torch.unique(batch.frames.flatten(1), dim=0)) == len(batch.frames)


def test_an_epoch_shows_every_training_end_once_in_an_order_of_the_generator() -> None:
    clips = toy_clips()
    plain = torch.cat([batch.responses for batch in clips.batches("train", 8)], 1)  # R E N

    def shown(seed: int) -> Tensor:
        return torch.cat([step[0].responses[0] for step in clips.steps(8, generator(seed))])

    def ends(seed: int) -> list[int]:
        same = (shown(seed)[:, None] == plain.flatten(0, 1)).all(dim=-1)
        return (same.nonzero()[:, 1] % plain.shape[1]).tolist()

    assert torch.equal(shown(0), shown(0)) and not torch.equal(shown(0), shown(1))
    assert ends(0) != sorted(ends(0)) and ends(0) != ends(1)
    assert sorted(ends(0)) == sorted(ends(1)) == list(range(plain.shape[1]))


def test_training_batches_hold_stretches_and_a_few_repeats() -> None:
    split = split_movie(FRAMES, clip=9, lag=2)
    steps = [step[0] for step in toy_clips(split, stride=2).steps(16, generator())]
    assert {batch.responses.shape[0] for batch in steps} == {2} and REPEATS == 3
    whole = [batch for batch in steps if len(batch.shown) == 16]
    assert whole and all(len(batch.frames) < 16 * LENGTH / 2 for batch in whole)
    drawn = [batch.running[:, 0] for batch in steps]
    assert any(not torch.equal(*pair) for pair in itertools.combinations(drawn, 2))


def test_an_unmeasured_speed_is_zero_and_says_so() -> None:
    batch = toy_clips().batch(torch.tensor([0, 1]), torch.tensor([8]))
    assert (batch.running[0] == 0).all()
    assert (batch.running[1, ..., 1] == 1).all() and (batch.running[1, ..., 0] != 0).all()


def test_running_is_limited() -> None:
    running = toy_running()
    running[1, 20] = 1e6
    batch = toy_clips(running=running).batch(torch.tensor([1]), torch.tensor([20]))
    assert batch.running[0, 0, -1].tolist() == [RUNNING_LIMIT, 1]


def test_there_may_be_no_running() -> None:
    clips = toy_clips(running=None)
    assert next(clips.batches("train", 4)).running is None


def test_float_movies_are_standardised_alike() -> None:
    of_bytes, of_floats = toy_clips(), toy_clips(frames=toy_frames().astype(np.float64))
    batches = [next(clips.batches("test", 4)).frames for clips in (of_bytes, of_floats)]
    torch.testing.assert_close(*batches)


def test_a_batch_does_not_write_to_a_float_movie() -> None:
    frames = toy_frames().astype(np.float32)
    next(toy_clips(frames=frames).batches("train", 8))
    assert (frames == toy_frames()).all()


# --- scales come from training frames alone


def test_other_test_data_leave_the_scales_as_they_are() -> None:
    frames, responses, running = toy_frames(), toy_responses(), toy_running()
    frames[HELD_OUT], responses[:, HELD_OUT], running[:, HELD_OUT] = 0, -50, np.nan
    other = toy_clips(frames=frames, responses=responses, running=running).scales
    assert other.arrays().keys() == toy_clips().scales.arrays().keys()
    for name, values in toy_clips().scales.arrays().items():
        np.testing.assert_array_equal(other.arrays()[name], values)


@pytest.mark.parametrize("name", ["frames", "responses", "running"])
def test_other_training_data_change_the_scales(name: str) -> None:
    changed = {"frames": toy_frames(5), "responses": toy_responses(5), "running": toy_running(5)}[name]
    before, after = toy_clips().scales.arrays(), toy_clips(**{name: changed}).scales.arrays()
    moved = {key for key in before if not np.array_equal(before[key], after[key])}
    words = {"frames": "frame", "responses": "response", "running": "running"}
    assert moved == {f"{words[name]}_mean", f"{words[name]}_sd"}


def test_scales_travel_as_arrays_and_are_used_as_they_are() -> None:
    scales = MovieScales.from_arrays(toy_clips().scales.arrays())
    another = toy_clips(responses=toy_responses(7), scales=scales)
    expected = (toy_responses(7)[0, 10] - scales.response_mean) / scales.response_sd
    found = another.batch(torch.tensor([0]), torch.tensor([10])).responses[0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not np.allclose(scales.response_mean, toy_clips(responses=toy_responses(7)).scales.response_mean)


def test_a_mouse_that_never_moves_runs_at_zero() -> None:
    batch = next(toy_clips(running=np.full((REPEATS, FRAMES), 0.1, np.float32)).batches("test", 4))
    np.testing.assert_allclose(batch.running[..., 0], 0, atol=1e-6)
    assert (batch.running[..., 1] == 1).all()


# --- memory


class Largest(TorchDispatchMode):
    """Bytes of the largest storage that any operation inside hands back."""

    bytes = 0

    def __torch_dispatch__(
        self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
    ):
        result = function(*args, **(kwargs or {}))
        sizes = [leaf.untyped_storage().nbytes() for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        self.bytes = max([self.bytes, *sizes])
        return result


def test_overlapping_windows_are_never_stored() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, 38, 76), dtype=np.uint8)
    clips, ends = toy_clips(frames=frames), torch.arange(20, 28)
    distinct_bytes = (len(ends) + LENGTH - 1) * 38 * 76 * 4
    with Largest() as made:
        clips.batch(torch.arange(REPEATS), ends)
    assert made.bytes == distinct_bytes
    assert clips.frames.data_ptr() == frames.ctypes.data  # on a CPU the reader's own memory
    with Largest() as copied:
        clips.frames[ends[:, None] - torch.arange(LENGTH)].float()
    assert copied.bytes > 3 * made.bytes


def test_movie_three_is_held_once_as_bytes_and_a_batch_is_as_large_as_its_distinct_frames() -> None:
    """3,600 frames of 76 x 152 pixels: 42 MB, and 37 MB for a training batch."""
    frames, span = np.zeros((3600, 76, 152), dtype=np.uint8), 55
    responses = np.random.default_rng(0).normal(size=(2, 3600, 3)).astype(np.float32)
    split = split_movie(3600, clip=span, lag=4)
    clips = Clips(frames, responses, split, length=16, stride=3, before=3)
    held = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
        for t in vars(clips).values()
        if isinstance(t, Tensor)
    }
    assert sum(held.values()) == frames.nbytes + responses.nbytes and frames.nbytes < 42e6
    with Largest() as made:
        step = next(clips.steps(64, generator()))
    assert made.bytes == step[0].frames.nbytes <= 9 * (8 + 15) * 4 * 76 * 152 * 4 < 40e6
    assert len(split.train) * 19 * 76 * 152 * 4 > 2e9  # what copies of the windows alone would take


# --- what `fit` asks for


def test_clips_are_training_data_and_an_objective() -> None:
    clips = toy_clips()
    assert isinstance(clips, TrainingData)
    assert isinstance(PartLoss(clips, squared), Objective)


def squared(model: nn.Module, batch: ClipBatch) -> tuple[Tensor, Tensor]:
    error = model(batch.shown) - batch.responses
    return error.square().sum(), torch.tensor(error.numel())


class Zero(nn.Module):
    """Predicts the training mean, but no number in training mode."""

    def forward(self, shown: Tensor) -> Tensor:
        return torch.full((REPEATS, len(shown), NEURONS), torch.nan if self.training else 0.0)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_the_objective_is_the_loss_per_number_in_evaluation_mode(part: str) -> None:
    model = Zero().train()
    found = PartLoss(toy_clips(), squared, part, size=5)(model)
    activity = [by_hand(r, end)[2][-1] for r in range(REPEATS) for end in getattr(SPLIT, part)]
    assert found == pytest.approx(np.square(activity).mean(), rel=1e-5)
    assert model.training


def test_the_fingerprint_tells_data_split_and_settings_apart() -> None:
    leaking = split_movie_leaking(FRAMES, clip=LENGTH, lag=2, seed=0)
    shorter = replace(SPLIT, test=SPLIT.test[1:])
    others = [
        toy_clips(frames=toy_frames(9)),
        toy_clips(responses=toy_responses(9)),
        toy_clips(running=toy_running(9)),
        toy_clips(running=None),
        toy_clips(per_frame=True),
        toy_clips(length=4),
        toy_clips(length=3, stride=2),
        toy_clips(length=4, before=1),
        toy_clips(leaking),
        toy_clips(shorter),
    ]
    prints = [clips.fingerprint() for clips in others]
    assert len({toy_clips().fingerprint(), *prints}) == 1 + len(others)
    assert toy_clips().fingerprint() == toy_clips().fingerprint()


def test_everything_moves_to_the_device() -> None:
    clips = toy_clips().to("meta")
    batch = clips.batch(torch.tensor([0, 1]), torch.tensor([9, 10]))
    assert clips.device.type == batch.frames.device.type == "meta"
    assert batch.running.device.type == batch.responses.device.type == "meta"


# --- what is refused


def with_values(array: np.ndarray, where: object, value: float) -> np.ndarray:
    array[where] = value
    return array


NEVER = np.full((REPEATS, FRAMES), np.nan, np.float32)
FLAT = with_values(toy_responses(), (slice(None), slice(None), slice(1, 3)), 0.1)
GAPPY = with_values(toy_responses(), (2, int(SPLIT.test[-1]), 3), np.nan)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"responses": toy_responses()[:, 1:]}, "responses has 3 repeats of 79 frames, the movie 80"),
        ({"running": toy_running()[1:]}, "running has 2 repeats .* the responses 3 repeats"),
        ({"length": LENGTH + 1}, "not one of 80 frames into clips that span 6"),
        ({"split": replace(SPLIT, test=np.arange(75, 81))}, "not one of 80 frames"),
        ({"responses": FLAT}, "Neurons 1, 2 never vary"),
        ({"responses": GAPPY}, r"Neurons 3 have no response \(NaN\)"),
        ({"running": NEVER}, "running was never measured in the training frames"),
        ({"scales": toy_clips(running=None).scales}, "fitted without running"),
        ({"scales": toy_clips(responses=toy_responses()[..., :2]).scales}, "4 neurons, the scales 2"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(options: dict, says: str) -> None:
    with pytest.raises(DataError, match=says):
        toy_clips(**options)


def test_a_response_that_no_clip_needs_may_be_missing() -> None:
    responses = with_values(toy_responses(), (2, FRAMES - 1), np.nan)
    assert all(
        batch.responses.isfinite().all() for batch in toy_clips(responses=responses).batches("test", 9)
    )


def test_movies_that_follow_one_another_keep_their_own_splits() -> None:
    one, two = (split_movie(frames, clip=LENGTH, lag=2) for frames in (60, 80))
    both = join_splits([one, two], [0, 60])
    for part in ("train", "validation", "test"):
        first, second = (getattr(split, part) for split in (one, two))
        assert getattr(both, part).tolist() == [*first.tolist(), *(second + 60).tolist()]
    assert (clip_frames(two.train + 60, LENGTH) >= 60).all()  # no clip begins in the movie before


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(DataError, match="'final_test' is not a part"):
        toy_clips().ends("final_test")
