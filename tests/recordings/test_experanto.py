"""Sessions of experanto: written and read back equal, read as its own files are, refused in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from neurokit.errors import DataError
from neurokit.recordings import (
    Recording,
    Spikes,
    Stimulus,
    Trace,
    Trials,
    experanto_screen,
    read,
    recognise,
    resample,
)
from neurokit.recordings.experanto_writing import write_experanto
from tests.recordings.same import assert_same

UNITS, SAMPLES, FRAMES = 4, 400, 20


def movie(kind: str = "movie", start: float = 11.0) -> Stimulus:
    random = np.random.default_rng(4)
    shown = np.concatenate(
        [np.arange(FRAMES), [-1], np.arange(FRAMES), np.arange(5)]
    )  # the last is cut short
    part = np.repeat(["train", "train", "test", "test"], [FRAMES, 1, FRAMES, 5])
    frames = random.integers(0, 255, (FRAMES, 6, 8)).astype(np.uint8)
    return Stimulus("clouds", kind, frames, shown, start + np.arange(len(shown)) / 10, part)


def recording() -> Recording:
    random = np.random.default_rng(0)
    values = random.normal(size=(SAMPLES, UNITS)).astype(np.float32)
    values[9, 1] = np.nan
    camera = 10.1 + np.arange(1500) / 60
    images = Stimulus(
        "scenes", "images", random.random((3, 5, 5)), np.array([0, 2, 1, 0]), np.array([20.0, 20.5, 21, 21.5])
    )
    return Recording(
        "mouse1",
        "experanto",
        np.array([5, 9, 2, 30]),
        traces=Trace(values, 10 + np.arange(SAMPLES) / 8, "dF/F"),
        area=np.array(["V1", "V1", "LM", "LM"]),
        coordinates=random.normal(size=(UNITS, 3)),
        behaviour={
            "running": Trace(random.normal(size=700), 10 + np.arange(700) / 20, "cm/s"),
            **{name: Trace(random.normal(size=1500), camera, "px") for name in ("pupil_x", "pupil_y")},
            "pupil_size": Trace(random.normal(size=1500), camera),
            "face": Trace(random.normal(size=(100, 7)), 10 + np.arange(100.0) / 3),
            "licks": Trace(np.array([1, 2, 1, 1]), np.array([12.1, 15.0, 15.11, 30.2]), "licks"),
        },
        stimuli=(movie(), images),
        events=pd.DataFrame({"stimulus_time": [11.25, 13.1], "kind": ["a", "b"], "seen": [True, False]}),
    )


def spikes() -> Recording:
    random = np.random.default_rng(1)
    return Recording(
        "mouse2",
        "experanto",
        np.array([7, 3, 8, 1]),
        spikes=Spikes(np.sort(random.uniform(0, 50, 700)), random.choice([7, 8, 1], 700)),
        stimuli=(movie(),),
    )


@pytest.mark.parametrize("made", [recording, spikes])
def test_what_is_written_comes_back_equal(made: Callable[[], Recording], tmp_path: Path) -> None:
    folder = write_experanto(made(), tmp_path / "session")
    assert recognise(folder) == "experanto"
    assert_same(read(folder), made())
    assert "not on a published session" in read(folder).notes[0]


def test_large_responses_are_mapped(tmp_path: Path) -> None:
    folder = write_experanto(recording(), tmp_path / "session")
    values = read(folder).traces.values
    assert isinstance(values, np.memmap) and not values.flags.writeable
    means, stds = (np.load(folder / "responses" / "meta" / f"{name}.npy") for name in ("means", "stds"))
    np.testing.assert_allclose(means, np.nanmean(values, axis=0), rtol=1e-6)
    np.testing.assert_allclose(stds, np.nanstd(values, axis=0), rtol=1e-6)


def test_an_uneven_clock_is_resampled_and_its_gap_stays_empty(tmp_path: Path) -> None:
    time = np.concatenate([np.arange(100), np.arange(200, 300)]) / 10
    made = Recording("m", "experanto", np.arange(1), traces=Trace(np.sin(time)[:, None], time))
    found = read(write_experanto(made, tmp_path / "session")).traces
    assert np.ptp(np.diff(found.time)) < 1e-9 and len(found.time) == 300
    assert np.isnan(found.values[101:199]).all()
    np.testing.assert_allclose(found.values[:100, 0], np.sin(time[:100]), atol=1e-9)


def test_a_wheel_that_stands_keeps_its_position(tmp_path: Path) -> None:
    """Its encoder writes only while it turns."""
    time = np.arange(0, 20, 0.1)
    turning = np.r_[np.arange(2, 4, 0.05), np.arange(11, 13, 0.05)]
    wheel = Trace(turning - np.where(turning > 10, 7.0, 0.0), turning, "cm")
    traces = Trace(np.sin(time)[:, None], time)
    made = Recording("m", "experanto", np.arange(1), traces=traces, behaviour={"wheel": wheel})
    found = read(write_experanto(made, tmp_path / "session")).behaviour["wheel"]
    standing = (found.time > 4.05) & (found.time < 10.95)
    assert standing.sum() > 100
    np.testing.assert_allclose(found.values[standing], 4, atol=0.1)


def test_phase_shifts_move_the_clock_of_each_signal(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    time, shifts = np.arange(200) / 10, np.array([0.0, 0.03, 0.07])
    np.save(folder / "responses" / "data.npy", np.sin(time[:, None] - shifts))  # all follow sin(t) in truth
    (folder / "responses" / "meta").mkdir()
    np.save(folder / "responses" / "meta" / "phase_shifts.npy", -shifts)
    change(folder / "responses" / "meta.yml", phase_shift_per_signal=True)
    found = read(folder).traces
    line = np.abs(np.sin(time)[1:-1, None] - found.values[1:-1])
    assert found.values.shape == (200, 3) and np.isnan(found.values[-1, 1:]).all()
    assert line.max() < 2e-3  # of straight lines between samples
    np.testing.assert_array_equal(found.values[:, 0], np.sin(time))
    np.save(folder / "responses" / "meta" / "phase_shifts.npy", np.full(3, 0.04))
    found = read(folder).traces
    np.testing.assert_allclose(found.time, time + 0.04)
    np.testing.assert_array_equal(found.values, np.sin(time[:, None] - shifts))


def bare(parent: Path) -> Path:
    """A session as experanto's own tests write it: images, then videos; sequences without a name."""
    random, folder = np.random.default_rng(3), parent / "bare"
    sequence(folder / "responses", random.random((200, 3)), 10.0)
    sequence(folder / "treadmill", random.random((400, 1)), 20.0)
    sequence(folder / "eye_tracker", random.random((400, 4)), 20.0, raw=True)
    screen = folder / "screen"
    for name in ("data", "meta"):
        (screen / name).mkdir(parents=True)
    frames = random.integers(0, 255, (20, 6, 8)).astype(np.uint8)
    shown = [frames[0], frames[1], frames[0], frames[2:12], frames[2:12]]
    first = 0
    for number, values in enumerate(shown):
        kind = "image" if values.ndim == 2 else "video"
        np.save(screen / "data" / f"{number:05d}.npy", values)
        meta = {"first_frame_idx": first, "image_size": [6, 8], "modality": kind, "tier": "train"}
        first += 1 if kind == "image" else len(values)
        write(screen / "meta" / f"{number:05d}.yml", meta | ({"num_frames": 10} if kind == "video" else {}))
    np.save(screen / "timestamps.npy", np.arange(first) / 5)
    write(screen / "meta.yml", {"modality": "screen", "frame_rate": 5.0})
    return folder


def sequence(folder: Path, values: np.ndarray, rate: float, raw: bool = False) -> None:
    folder.mkdir(parents=True)
    if raw:
        values.tofile(folder / "data.mem")
    else:
        np.save(folder / "data.npy", values)
    meta = {
        "modality": "sequence",
        "start_time": 0.0,
        "end_time": len(values) / rate,
        "sampling_rate": rate,
        "n_signals": values.shape[1],
        "n_timestamps": len(values),
        "dtype": str(values.dtype),
        "is_mem_mapped": raw,
        "phase_shift_per_signal": False,
    }
    write(folder / "meta.yml", meta)


def write(path: Path, meta: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(meta))


def change(path: Path, **values: Any) -> None:
    write(path, yaml.safe_load(path.read_text()) | values)


def test_a_session_that_names_nothing_is_read_and_what_is_not_known_is_said(tmp_path: Path) -> None:
    found = read(bare(tmp_path))
    assert found.name == "bare" and found.unit_ids.tolist() == [0, 1, 2]
    assert found.traces.rate == pytest.approx(10) and found.coordinates is None
    assert set(found.behaviour) == {"running", "eye_tracker"}
    assert found.behaviour["running"].values.shape == (400,)
    assert found.behaviour["eye_tracker"].values.shape == (400, 4)
    assert any("eye_tracker has 4 signals without names" in note for note in found.notes)
    images, videos = found.stimuli
    assert (images.name, images.kind, images.shown.tolist()) == ("images", "images", [0, 1, 0])
    assert videos.kind == "movie" and videos.frames.shape == (10, 6, 8) and videos.repeats == 2
    np.testing.assert_allclose(videos.time, np.arange(3, 23) / 5)
    assert set(videos.part) == {"train"}


def test_descriptions_in_one_file_images_by_name_and_blanks(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    screen = folder / "screen"
    (folder / "stimuli").mkdir()
    picture = np.arange(48).reshape(6, 8).astype(np.uint8)
    Image.fromarray(picture).save(folder / "stimuli" / "im01.png")
    for file in [*(screen / "data").iterdir(), *(screen / "meta").iterdir()]:
        file.unlink()
    image = {"modality": "image", "image_name": "im01", "image_size": [6, 8], "tier": "val"}
    blank = {"modality": "blank", "image_name": "blank", "image_size": [6, 8], "interleave_value": 128}
    trials = [image, blank, image, {**blank, "modality": "invalid"}]
    described = {f"{n:05}": {**trial, "first_frame_idx": n} for n, trial in enumerate(trials)}
    (screen / "combined_meta.json").write_text(json.dumps(described))
    found = read(folder)
    (images,) = found.stimuli
    np.testing.assert_array_equal(images.frames, picture[None])
    assert images.shown.tolist() == [0, -1, 0] and images.part.tolist() == ["validation", "", "validation"]
    assert any("1 trials are marked invalid" in note for note in found.notes)


def test_a_file_that_several_trials_show_is_compared_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bare(tmp_path)
    before, digests = read(folder), []
    digest = experanto_screen._digest
    monkeypatch.setattr(experanto_screen, "_digest", lambda frames: digests.append(1) or digest(frames))
    alone = read(folder)
    for each, other in zip(alone.stimuli, before.stimuli, strict=True):
        np.testing.assert_array_equal(each.shown, other.shown)
        np.testing.assert_array_equal(each.frames, other.frames)
    assert len(digests) == 5
    data = folder / "screen" / "data"
    for again, first in (("00002.npy", "00000.npy"), ("00004.npy", "00003.npy")):
        (data / again).unlink()
        (data / again).symlink_to(data / first)
    digests.clear()
    linked = read(folder)
    assert len(digests) == 3
    for each, other in zip(linked.stimuli, before.stimuli, strict=True):
        np.testing.assert_array_equal(each.shown, other.shown)


def test_intervals_give_the_part_that_a_screen_leaves_open(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    for file in (folder / "screen" / "meta").iterdir():
        write(file, {name: each for name, each in yaml.safe_load(file.read_text()).items() if name != "tier"})
    (folder / "parts").mkdir()
    write(folder / "parts" / "meta.yml", {"modality": "time_interval", "labels": {"test": "test.npy"}})
    np.save(folder / "parts" / "test.npy", np.array([[2.6, 99]]))
    images, videos = read(folder).stimuli
    assert images.part is None
    assert videos.part.tolist() == [""] * 10 + ["test"] * 10


def test_a_frame_without_a_time_is_left_out(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    times = np.load(folder / "screen" / "timestamps.npy")
    times[-2:] = np.nan
    np.save(folder / "screen" / "timestamps.npy", times)
    found = read(folder)
    assert len(found.stimuli[1].shown) == 18
    assert any("movie: 2 of 20 frames have no time" in note for note in found.notes)


def test_bad_behaviour_is_left_out_and_said(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    change(folder / "treadmill" / "meta.yml", sampling_rate=0.05)  # an exporter wrote s a sample for Hz
    (folder / "eye_tracker" / "data.mem").write_bytes(b"0" * 100)
    found = read(folder)
    assert not found.behaviour
    said = " ".join(found.notes)
    assert "400 samples at 0.05 Hz last 8000 s, and meta.yml says 0 to 20 s" in said
    assert "holds 100 bytes, and 400 samples of 4 signals of float64 are 12800" in said


def test_what_experanto_cannot_hold_is_refused(tmp_path: Path) -> None:
    cut = Recording("m", "experanto", np.arange(2), trials=Trials(np.ones((3, 1, 2))))
    with pytest.raises(DataError, match="recorded by trials"):
        write_experanto(cut, tmp_path / "a")
    made = recording()
    object.__setattr__(made.stimuli[0], "frames", None)
    with pytest.raises(DataError, match="clouds has no frames"):
        write_experanto(made, tmp_path / "a")
    made = recording()
    made.behaviour["screen"] = made.behaviour["running"]
    with pytest.raises(DataError, match="behaviour screen has the name of a folder"):
        write_experanto(made, tmp_path / "a")


def replace(place: str, values: Any) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / place, values)


def text(place: str, words: str) -> Callable[[Path], None]:
    return lambda folder: (folder / place).write_text(words) and None


def meta(place: str, **values: Any) -> Callable[[Path], None]:
    return lambda folder: change(
        folder / place / "meta.yml" if "." not in place else folder / place, **values
    )


def remove(place: str) -> Callable[[Path], None]:
    return lambda folder: (folder / place).unlink()


TRIAL, VIDEO = "screen/meta/00000.yml", "screen/meta/00003.yml"
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no responses": (remove("responses/meta.yml"), "has no responses: it holds eye_tracker .sequence."),
    "numpy's own types": (text("responses/meta.yml", "n: !!python/object:numpy.int8 {}"), "no plain YAML"),
    "no names": (text("responses/meta.yml", "- 1\n- 2"), "holds list; write lines of name"),
    "no data": (remove("responses/data.npy"), "data.mem is missing"),
    "other signals": (meta("responses", n_signals=4), "has 3 signals and meta.yml says 4"),
    "one axis too many": (replace("responses/data.npy", np.ones((3, 4, 5))), "samples x signals"),
    "another rate": (meta("responses", sampling_rate=30.0), "at 30 Hz last 6.66667 s, and .* 0 to 20 s"),
    "no rate": (meta("responses", sampling_rate="fast"), "sampling_rate in meta.yml is 'fast'"),
    "milliseconds": (
        meta("responses", sampling_rate=1e-5, end_time=2e7, start_time=0.0),
        "not milliseconds",
    ),
    "a rate that is not that of the times": (
        replace("responses/timestamps.npy", 1.0 + np.arange(200) / 12),
        "timestamps.npy run at 12 samples a second, and sampling_rate in meta.yml says 10",
    ),
    "raw numbers cut short": (
        lambda folder: (
            change(folder / "responses/meta.yml", is_mem_mapped=True),
            (folder / "responses/data.mem").write_bytes(bytes(99)),
        )[0],
        "holds 99 bytes, and 200 samples of 3 signals of float64 are 4800",
    ),
    "no dtype": (
        lambda folder: (
            change(folder / "responses/meta.yml", is_mem_mapped=True, dtype="object"),
            (folder / "responses/data.mem").write_bytes(bytes(99)),
        )[0],
        "dtype object in meta.yml",
    ),
    "shifts of other signals": (
        lambda folder: (
            change(folder / "responses/meta.yml", phase_shift_per_signal=True),
            (folder / "responses/meta").mkdir(),
            np.save(folder / "responses/meta/phase_shifts.npy", np.zeros(2)),
        )[0],
        "3 signals have 2 phase shifts",
    ),
    "a video": (
        lambda folder: (folder / "screen/data/00003.npy").rename(folder / "screen/data/00003.mp4") and None,
        "00003.mp4 is a compressed video",
    ),
    "no frames": (remove("screen/data/00001.npy"), "00001.npy is missing; trial 00001"),
    "other frames": (meta(VIDEO, num_frames=9), "holds 10 frames, and 00003.yml says 9"),
    "frames without times": (meta(VIDEO, first_frame_idx=20), "frames 20 to 29 .* 23 times"),
    "an unknown kind": (meta(TRIAL, modality="sound"), "modality is 'sound'; write image, video or blank"),
    "colours": (replace("screen/data/00000.npy", np.ones((6, 8, 3))), "write grey values"),
    "sizes of one name": (
        lambda folder: (
            change(folder / TRIAL, stimulus="a"),
            change(folder / VIDEO, stimulus="a"),
            np.save(folder / "screen/data/00000.npy", np.ones((5, 5))),
        )[0],
        r"frames of \(5, 5\) and \(6, 8\) pixels",
    ),
    "no descriptions": (
        lambda folder: [file.unlink() for file in (folder / "screen/meta").iterdir()] and None,
        "neither meta/00000.yml nor combined_meta.json",
    ),
    "a number that is none": (meta(TRIAL, first_frame_idx=-1), "first_frame_idx in meta.yml is -1"),
    "an array cut short": (
        lambda folder: (folder / "screen/timestamps.npy").write_bytes(b"\x93NUMPY") and None,
        "timestamps.npy cannot be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_sessions_are_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    damage, says = BAD[case]
    folder = bare(tmp_path)
    read(folder)  # control: without the damage it is read
    damage(folder)
    with pytest.raises(DataError, match=says) as caught:
        read(folder)
    assert "bare" in str(caught.value) or case == "sizes of one name"
    assert str(caught.value).count(". ") == 0


def test_spikes_that_do_not_fit_their_units_are_refused(tmp_path: Path) -> None:
    folder = write_experanto(spikes(), tmp_path / "session")
    (folder / "responses" / "spikes.npy").write_bytes(bytes(80))
    with pytest.raises(DataError, match=r"holds 10 spikes, and meta\.yml cuts 700 into 4 units"):
        read(folder)
    change(folder / "responses" / "meta.yml", spike_indices=[0, 5, 3])
    with pytest.raises(DataError, match=r"spike_indices in meta\.yml are no numbers that ascend"):
        read(folder)


def test_resampling_is_the_same_as_of_each_signal_alone(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    values = np.load(folder / "responses" / "data.npy")
    (folder / "responses" / "meta").mkdir()
    np.save(folder / "responses" / "meta" / "phase_shifts.npy", np.array([0.01, 0.02, 0.01]))
    change(folder / "responses" / "meta.yml", phase_shift_per_signal=True)
    time = np.arange(200) / 10
    alone = [resample(Trace(values[:, n], time + s), time) for n, s in enumerate((0.01, 0.02, 0.01))]
    np.testing.assert_array_equal(read(folder).traces.values, np.stack(alone, axis=1))


def test_showings_of_one_frame_with_different_pictures_are_refused(tmp_path: Path) -> None:
    frames = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    shown, time = np.tile(np.arange(3), 2), np.arange(6) / 30 + np.repeat([1.0, 2.0], 3)
    traces = Trace(np.random.default_rng(0).random((40, 2)), np.arange(40) / 10)
    movie = Stimulus("clouds", "movie", frames, shown, time)
    folder = write_experanto(Recording("a", "arrays", np.arange(2), traces, stimuli=[movie]), tmp_path / "a")
    assert read(folder).stimuli[0].repeats == 2
    np.save(folder / "screen" / "data" / "00001.npy", frames[::-1])
    with pytest.raises(DataError, match="clouds: frame 0 and those after it were shown with different"):
        read(folder)
