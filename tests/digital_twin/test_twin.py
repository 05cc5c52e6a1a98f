"""A digital twin: what may be given, what is refused, and that however it is asked the answer is one."""

import warnings
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.twin import CHUNK_SIZE, DigitalTwin
from neurokit.errors import DataError, SettingsError
from tests.digital_twin.toys import MONITOR, flicker, toy_network

FRAMES, UNITS = 2 * CHUNK_SIZE + 5, 3
RANDOM = np.random.default_rng(0)
VIDEO = RANDOM.integers(0, 256, (FRAMES, *MONITOR), dtype=np.uint8)
EYE, ANIMAL = RANDOM.normal(size=(2, FRAMES, 2)).astype(np.float32)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture
def network() -> FoundationNetwork:
    return toy_network(UNITS)


@pytest.fixture
def twin(network: FoundationNetwork) -> DigitalTwin:
    return DigitalTwin(network, device="cpu")


def direct(network: FoundationNetwork, video: np.ndarray, eye: np.ndarray, animal: np.ndarray) -> np.ndarray:
    """The network itself over all frames at once; T N H W and T N 2 in, T N U out."""
    parts: Iterator[Tensor] = (torch.from_numpy(np.ascontiguousarray(part)) for part in (video, eye, animal))
    network.eval()
    with torch.no_grad():
        return network.rates(*parts).numpy()


def test_the_twin_answers_as_its_network_does(twin: DigitalTwin, network: FoundationNetwork) -> None:
    expected = direct(network, VIDEO[:, None], EYE[:, None], ANIMAL[:, None])[:, 0]
    found = twin.predict(VIDEO, EYE, ANIMAL)
    assert found.shape == (FRAMES, UNITS) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, **CLOSE)
    assert found.std(axis=0).min() > 1e-3
    assert not np.allclose(found, twin.predict(VIDEO[::-1].copy(), EYE, ANIMAL), **CLOSE)
    assert not np.allclose(found, twin.predict(VIDEO, EYE[::-1].copy(), ANIMAL), **CLOSE)
    assert not np.allclose(found, twin.predict(VIDEO, EYE, ANIMAL[::-1].copy()), **CLOSE)


# --- shapes


def test_one_clip_with_a_channel_is_one_without(twin: DigitalTwin) -> None:
    plain = twin.predict(VIDEO, EYE, ANIMAL)
    assert np.array_equal(twin.predict(VIDEO[..., None], EYE, ANIMAL), plain)


def test_several_presentations_are_each_as_alone(twin: DigitalTwin) -> None:
    videos = np.stack([VIDEO, VIDEO[::-1]], axis=1)[..., None]
    eyes, animals = np.stack([EYE, -EYE], axis=1), np.stack([ANIMAL, 2 * ANIMAL], axis=1)
    found = twin.predict(videos, eyes, animals)
    assert found.shape == (FRAMES, 2, UNITS)
    np.testing.assert_allclose(found[:, 0], twin.predict(VIDEO, EYE, ANIMAL), **CLOSE)
    np.testing.assert_allclose(found[:, 1], twin.predict(VIDEO[::-1].copy(), -EYE, 2 * ANIMAL), **CLOSE)


def test_one_stimulus_with_several_behaviours_is_shown_to_each(twin: DigitalTwin) -> None:
    animals = np.stack([ANIMAL, 2 * ANIMAL, ANIMAL], axis=1)
    found = twin.predict(VIDEO, EYE, animals)
    assert found.shape == (FRAMES, 3, UNITS)
    np.testing.assert_allclose(found[:, 1], twin.predict(VIDEO, EYE, 2 * ANIMAL), **CLOSE)
    np.testing.assert_allclose(found[:, 0], found[:, 2], **CLOSE)
    assert twin.predict(VIDEO, EYE[:, None]).shape == (FRAMES, 1, UNITS)


def test_one_behaviour_serves_several_stimuli(twin: DigitalTwin) -> None:
    videos = np.stack([VIDEO, VIDEO[::-1]], axis=1)[..., None]
    found = twin.predict(videos, EYE)
    np.testing.assert_allclose(found[:, 0], twin.predict(VIDEO, EYE), **CLOSE)


@pytest.mark.parametrize("which", ["perspective", "modulation"])
def test_behaviour_that_is_missing_is_the_mean(twin: DigitalTwin, which: str) -> None:
    given = {"perspective": EYE, "modulation": ANIMAL}
    left_out = twin.predict(VIDEO, **given | {which: None})
    assert np.array_equal(left_out, twin.predict(VIDEO, **given | {which: np.zeros((FRAMES, 2), np.float32)}))
    gaps = given[which].copy()
    gaps[3:9] = np.nan
    filled = np.nan_to_num(gaps)
    assert np.array_equal(
        twin.predict(VIDEO, **given | {which: gaps}), twin.predict(VIDEO, **given | {which: filled})
    )
    assert np.isnan(gaps[3]).all()


# --- what is refused

BAD = [
    ({"stimulus": VIDEO.astype(np.float32) / 255}, r"The stimulus is float32; give uint8 from 0 \(black\)"),
    ({"stimulus": VIDEO.astype(np.int64)}, "The stimulus is int64; give uint8"),
    ({"stimulus": VIDEO > 99}, "The stimulus is bool; give uint8"),
    ({"stimulus": VIDEO[:, :-1]}, r"frames of \(11, 16\) pixels, and this twin sees \(12, 16\): resize it"),
    ({"stimulus": VIDEO[:, :-1, :, None]}, r"of \(11, 16\) pixels, and this twin sees \(12, 16\)"),
    ({"stimulus": VIDEO[:, None]}, r"has the shape \(37, 1, 12, 16\); give frames x rows x columns, or"),
    ({"stimulus": VIDEO[0]}, r"has the shape \(12, 16\); give frames x rows"),
    ({"stimulus": VIDEO[:0], "perspective": None}, r"^The stimulus has 0 frames; give at least one\.$"),
    ({"perspective": EYE[:-1]}, "perspective has 36 frames and the stimulus 37: cut or resample"),
    ({"modulation": ANIMAL[:10]}, "modulation has 10 frames and the stimulus 37"),
    ({"modulation": np.tile(ANIMAL, (2, 1))}, "modulation has 74 frames and the stimulus 37"),
    ({"perspective": EYE[:, :1]}, r"perspective has the shape \(37, 1\); give frames x 2"),
    ({"modulation": ANIMAL[:, 0]}, r"modulation has the shape \(37,\); give frames x 2"),
    (
        {"perspective": np.full_like(EYE, np.inf)},
        "perspective holds infinite values, or too large ones; write NaN",
    ),
    ({"perspective": np.full(EYE.shape, 1e300)}, "perspective holds infinite values, or too large ones"),
    ({"perspective": EYE.astype(object)}, "perspective is of the type object; give a numpy array of real"),
    ({"modulation": ANIMAL.astype(str)}, "modulation is of the type <U32; give a numpy array of real"),
    ({"modulation": ANIMAL.astype(complex)}, "modulation is of the type complex128; give a numpy array"),
    ({"modulation": ANIMAL.tolist()}, "modulation is of the type list; give a numpy array of real numbers"),
    ({"perspective": torch.from_numpy(EYE)}, "perspective is of the type Tensor; give a numpy array"),
    ({"stimulus": VIDEO.tolist()}, "The stimulus is of the type list; give a numpy array of uint8"),
    (
        {"stimulus": torch.from_numpy(VIDEO)},
        "The stimulus is of the type Tensor; give a numpy array of uint8",
    ),
    ({"stimulus": None}, "The stimulus is of the type NoneType; give a numpy array of uint8"),
    ({"stimulus": np.empty((FRAMES, 0, *MONITOR, 1), np.uint8)}, "has 0 presentations; give at least one"),
    ({"perspective": np.empty((FRAMES, 0, 2), np.float32)}, "has 0 presentations; give at least one"),
    (
        {"perspective": np.stack([EYE] * 2, axis=1), "modulation": np.stack([ANIMAL] * 3, axis=1)},
        "have 2 and 3 presentations; give the same number",
    ),
]


def unchecked(function: Callable) -> Callable:
    """Past the types, which tests check while the code runs."""
    return getattr(function, "__wrapped__", function)


@pytest.mark.parametrize(("change", "says"), BAD)
def test_what_is_refused(network: FoundationNetwork, change: dict, says: str) -> None:
    """In one sentence; what was seen before is still remembered."""
    given = {"stimulus": VIDEO, "perspective": EYE, "modulation": ANIMAL} | change
    twin, untouched = (DigitalTwin(network, device="cpu") for _ in range(2))
    for each in (twin, untouched):
        each.predict(VIDEO[:5])
    with pytest.raises(DataError, match=says) as caught:
        unchecked(DigitalTwin.predict)(twin, **given)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    after = twin.predict(VIDEO[5:9], reset=False)
    assert np.array_equal(after, untouched.predict(VIDEO[5:9], reset=False))


def test_tables_of_other_units_and_devices_that_are_not_there(network: FoundationNetwork) -> None:
    with pytest.raises(DataError, match=r"The table has 4 units, and the network predicts 3: give the table"):
        DigitalTwin(network, pd.DataFrame({"unit": range(4)}), device="cpu")
    table = pd.DataFrame({"unit": range(3)})
    assert DigitalTwin(network, table, device="cpu").units is table
    with pytest.raises(SettingsError, match="Device 'abacus'"):
        DigitalTwin(network, device="abacus")


def test_an_unknown_periphery_is_answered_with_the_known_ones(network: FoundationNetwork) -> None:
    twin = DigitalTwin.__new__(DigitalTwin)
    with pytest.raises(SettingsError, match=r"^periphery is 'grey'; use one of dark, extend\.$"):
        unchecked(DigitalTwin.__init__)(twin, network, device="cpu", periphery="grey")


@pytest.mark.parametrize("moment", [(VIDEO[0], EYE[0]), (VIDEO[0], EYE[0], ANIMAL[0], ANIMAL[0])])
def test_a_moment_of_other_than_three_parts_is_refused(twin: DigitalTwin, moment: tuple) -> None:
    with pytest.raises(DataError, match=rf"^A moment has {len(moment)} parts; give a frame, or[^\n]*\.$"):
        next(unchecked(DigitalTwin.respond)(twin, [moment]))


# --- stretches, streams, memory


def test_going_on_is_as_seeing_all_at_once(twin: DigitalTwin) -> None:
    whole = twin.predict(VIDEO, EYE, ANIMAL)
    for cuts in ([7], [1, CHUNK_SIZE, CHUNK_SIZE + 3]):
        twin.reset()
        parts = [np.split(values, cuts) for values in (VIDEO, EYE, ANIMAL)]
        found = [twin.predict(*part, reset=False) for part in zip(*parts, strict=True)]
        np.testing.assert_allclose(np.concatenate(found), whole, **CLOSE)
    fresh = twin.predict(VIDEO[7:], EYE[7:], ANIMAL[7:])
    assert not np.allclose(fresh, whole[7:], **CLOSE)


def test_a_stream_of_frames_is_answered_as_the_whole(twin: DigitalTwin) -> None:
    whole = twin.predict(VIDEO, EYE, ANIMAL)
    moments = zip(VIDEO, EYE, ANIMAL, strict=True)
    found = list(twin.respond(moments))
    assert len(found) == FRAMES and found[0].shape == (UNITS,)
    np.testing.assert_allclose(np.stack(found), whole, **CLOSE)
    np.testing.assert_allclose(np.stack(list(twin.respond(VIDEO))), twin.predict(VIDEO), **CLOSE)
    no_eye = ((frame, None, animal) for frame, animal in zip(VIDEO, ANIMAL, strict=True))
    expected = twin.predict(VIDEO, None, ANIMAL)
    np.testing.assert_allclose(np.stack(list(twin.respond(no_eye))), expected, **CLOSE)


def test_a_stream_can_go_on_from_what_was_seen(twin: DigitalTwin) -> None:
    whole = twin.predict(VIDEO)
    twin.predict(VIDEO[:9])
    found = np.stack(list(twin.respond(VIDEO[9:], reset=False)))
    np.testing.assert_allclose(found, whole[9:], **CLOSE)
    assert not np.allclose(np.stack(list(twin.respond(VIDEO[9:]))), whole[9:], **CLOSE)


def test_a_stream_is_answered_frame_by_frame(twin: DigitalTwin) -> None:
    shown = []

    def frames() -> Iterator[np.ndarray]:
        for number, frame in enumerate(VIDEO):
            shown.append(number)
            yield frame

    answers = twin.respond(frames())
    next(answers)
    next(answers)
    assert shown == [0, 1]
    with pytest.raises(DataError, match=r"of \(11, 16\) pixels"):
        next(twin.respond([VIDEO[0, 1:]]))


def test_the_number_of_presentations_changes_at_a_reset_alone(twin: DigitalTwin) -> None:
    twin.predict(VIDEO[:3])
    both = np.stack([VIDEO[:3]] * 2, axis=1)[..., None]
    with pytest.raises(DataError, match="There were 1 presentations so far, and now 2: reset first"):
        twin.predict(both, reset=False)
    assert twin.predict(both).shape == (3, 2, UNITS)


def state_bytes(twin: DigitalTwin) -> int:
    """Bytes of all tensors that a twin remembers from frame to frame; storages, not views."""
    found = [part for value in twin._clip.state.values() for part in _tensors(value)]
    return sum(part.untyped_storage().nbytes() for part in found)


def _tensors(value: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (value,) if isinstance(value, Tensor) else value


def test_a_long_stream_takes_no_more_memory(twin: DigitalTwin) -> None:
    """As much is remembered after 20 frames as after 400, and frames that were seen are let go."""
    seen: list[weakref.ref] = []

    def frames() -> Iterator[np.ndarray]:
        random = np.random.default_rng(0)
        while True:
            for frame in flicker(20, random):
                copy = frame.copy()
                seen.append(weakref.ref(copy))
                yield copy

    answers, sizes = twin.respond(frames()), []
    for number, _ in zip(range(400), answers, strict=False):
        if number in (19, 199, 399):
            sizes.append((state_bytes(twin), len(twin._clip.state), len(twin._clip.cache)))
    assert sizes[0] == sizes[1] == sizes[2] and min(sizes[0]) > 0
    assert sum(frame() is not None for frame in seen) <= 2 < len(seen)


def test_a_long_video_leaves_no_more_behind_than_a_short_one(twin: DigitalTwin) -> None:
    twin.predict(VIDEO[:2])
    short = state_bytes(twin)
    twin.predict(np.tile(VIDEO, (6, 1, 1)))
    assert state_bytes(twin) == short


# --- the network is left as it was


@pytest.mark.parametrize("training", [True, False])
def test_modes_weights_and_generators_stay(network: FoundationNetwork, training: bool) -> None:
    network.train(training)
    network.core.eval()
    before = [module.training for module in network.modules()]
    values = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    twin = DigitalTwin(network, device="cpu")
    found = twin.predict(VIDEO, EYE, ANIMAL)
    assert np.array_equal(found, twin.predict(VIDEO, EYE, ANIMAL))  # no noise, in training mode either
    assert [module.training for module in network.modules()] == before
    assert all(torch.equal(value, values[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_modes_stay_where_a_prediction_fails(twin: DigitalTwin, network: FoundationNetwork) -> None:
    network.train()
    twin.predict(VIDEO[:3])
    with pytest.raises(DataError):
        twin.predict(np.stack([VIDEO] * 2, axis=1)[..., None], reset=False)
    assert all(module.training for module in network.modules())


def test_weights_are_read_at_a_reset(twin: DigitalTwin, network: FoundationNetwork) -> None:
    before = twin.predict(VIDEO)
    with torch.no_grad():
        for weight in network.core.feedforward.out.weights:
            weight += torch.linspace(-1, 1, weight.numel()).view_as(weight)
    assert not np.allclose(twin.predict(VIDEO), before, **CLOSE)


def test_arrays_that_may_not_be_written_are_read_in_silence(twin: DigitalTwin) -> None:
    video = VIDEO.copy()
    video.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = twin.predict(video, EYE)
    assert np.array_equal(found, twin.predict(VIDEO, EYE)) and np.array_equal(video, VIDEO)


# --- around the monitor


def test_around_the_monitor_it_is_dark_or_its_edge_goes_on(network: FoundationNetwork) -> None:
    """A black monitor looks the same both ways, a white one does not."""
    dark, extended = (
        DigitalTwin(network, device="cpu", periphery=periphery) for periphery in ("dark", "extend")
    )
    black, white = np.zeros_like(VIDEO), np.full_like(VIDEO, 255)
    np.testing.assert_allclose(dark.predict(black), extended.predict(black), **CLOSE)
    assert not np.allclose(dark.predict(white), extended.predict(white), **CLOSE)
