"""Counts that cannot be, as those below 0 in unsigned numbers: masked and counted, or refused."""

from pathlib import Path

import numpy as np
import pytest

from neurokit import pupil_encoder, sensorium
from neurokit.errors import DataError
from neurokit.recordings import Recording, Stimulus, Trials, read
from neurokit.recordings.arrays import read_arrays
from neurokit.recordings.beside import Arrays
from neurokit.recordings.counts import find_impossible, find_wrapped, most_spikes

TIME = np.arange(40) / 100


def wrapped(counts: np.ndarray, place: tuple[int, ...], value: int) -> np.ndarray:
    found = counts.astype(np.uint16)
    found[place] = value
    return found


@pytest.mark.parametrize(
    ("width", "most"),
    [(0.01, 20), (0.4, 800), (1.0, 2000), (0.001, 10), (None, 20_000), (float("nan"), 20_000)],
)
def test_a_bin_holds_as_many_spikes_as_a_unit_can_fire_in_it(width: float | None, most: int) -> None:
    assert most_spikes(width) == most
    counts = np.array([0, most, most + 1, 65_535])
    assert find_impossible(counts, most).tolist() == [False, False, True, True]
    assert not find_impossible(np.array([255, 3], np.uint8), 300).any()


@pytest.mark.parametrize("value", [65_535, 65_530, 21])
def test_a_reader_masks_counts_that_cannot_be_and_says_how_many(value: int, tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(1, (5, 12, 40)).astype(np.uint16)
    arrays = {"counts": counts, "bin_times": TIME, "unit_ids": np.arange(5), "image_times": np.arange(12.0)}
    arrays["shown"] = np.arange(12)
    np.savez(tmp_path / "sound.npz", **arrays)
    np.savez(tmp_path / "wrapped.npz", **arrays | {"counts": wrapped(counts, (2, 3, 4), value)})
    sound, found = read(tmp_path / "sound.npz"), read(tmp_path / "wrapped.npz")
    assert sound.notes == () and sound.trials is not None and found.trials is not None
    assert sound.trials.responses.dtype == np.uint16
    np.testing.assert_array_equal(sound.trials.responses, counts.transpose(1, 2, 0))
    (note,) = found.notes
    assert f"counts: 1 of 2400 values are above 20, such as {value:,}" in note
    expected = sound.trials.responses.astype(float)
    expected[3, 4, 2] = np.nan
    np.testing.assert_array_equal(found.trials.responses, expected)
    made = pupil_encoder.from_counts(
        wrapped(counts, (2, 3, 4), value), TIME, stimulus_times=np.arange(12.0) * 3, name="m"
    )
    assert [(each.rule, each.pieces, each.names) for each in made.omissions] == [
        ("out_of_range", "units", ("2",))
    ]


def images(responses: np.ndarray) -> Recording:
    shown = Stimulus("images", "images", np.random.default_rng(1).random((60, 6, 8)), np.arange(60))
    return Recording("m", "a test", np.arange(6), trials=Trials(responses, counts=True), stimuli=[shown])


def test_counts_of_images_that_wrapped_cost_their_trial_and_are_said() -> None:
    counts = np.random.default_rng(2).poisson(3, (60, 1, 6)).astype(np.uint16)
    sound = sensorium.from_recording(images(counts))["m"]
    found = sensorium.from_recording(images(wrapped(counts, (7, 0, 2), 65_535)))["m"]
    assert not sound.omissions and not any("values are above" in note for note in sound.notes)
    (omission,) = found.omissions
    assert (omission.rule, omission.pieces, omission.names) == ("not_finite", "trials", ("7",))
    assert any("counts: 1 of 360 values are above 20,000, such as 65,535" in note for note in found.notes)


def test_whole_responses_that_wrapped_are_refused_and_raw_fluorescence_is_not() -> None:
    random = np.random.default_rng(3)
    pictures, counts = random.random((60, 6, 8)), random.poisson(3, (60, 6)).astype(np.uint16)
    assert sensorium.from_arrays(pictures, counts)["own"].neurons == 6
    with pytest.raises(
        DataError, match="responses holds 1 whole numbers such as 65,534, far beyond all others"
    ):
        sensorium.from_arrays(pictures, wrapped(counts, (4, 2), 65_534))
    bright = random.integers(5_000, 60_000, (60, 6)).astype(np.uint16)
    assert not find_wrapped(bright).any() and sensorium.from_arrays(pictures, bright)["own"].neurons == 6
    assert not find_wrapped(np.r_[np.ones(9) * 0.5, 1e6]).any()  # fractions are no counts


def test_counts_beside_responses_are_refused_with_both_shapes() -> None:
    counts = np.random.default_rng(4).poisson(1, (5, 12, 40))
    arrays = {"counts": counts, "bin_times": TIME}
    assert read_arrays(Arrays("mouse.npz", arrays)).trials is not None
    says = r"mouse.npz: it holds responses of shape \(12, 5\) and counts of shape \(5, 12, 40\)"
    with pytest.raises(DataError, match=says):
        read_arrays(Arrays("mouse.npz", arrays | {"responses": np.ones((12, 5))}))
