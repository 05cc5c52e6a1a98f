"""Recordings of plain arrays: written and read back equal, in any layout a lab has; refused in a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neurokit.errors import DataError
from neurokit.recordings import Recording, Spikes, Stimulus, Trace, Trials, read, recognise
from neurokit.recordings.arrays import read_arrays
from neurokit.recordings.arrays_writing import to_arrays, write_arrays
from neurokit.recordings.beside import Arrays
from tests.recordings.same import assert_same

UNITS, SAMPLES, FRAMES, REPEATS, TRIALS, BINS = 4, 300, 20, 3, 12, 5


def traces_recording() -> Recording:
    random = np.random.default_rng(0)
    time = 10 + np.arange(SAMPLES) / 30
    values = random.normal(size=(SAMPLES, UNITS))
    values[7] = np.nan
    camera = 10.1 + np.arange(500) / 60
    return Recording(
        "mouse1",
        "arrays",
        np.array([5, 9, 2, 30]),
        traces=Trace(values, time, "dF/F"),
        area=np.array(["VISp", "VISp", "VISl", "VISl"]),
        coordinates=random.normal(size=(UNITS, 3)),
        behaviour={
            "running": Trace(random.normal(size=500), camera, "cm/s"),
            "face": Trace(random.normal(size=(500, 7)), camera),
        },
        stimuli=(
            Stimulus(
                "clouds",
                "movie",
                random.integers(0, 255, (FRAMES, 6, 8)).astype(np.uint8),
                np.tile(np.arange(FRAMES), REPEATS),
                10.5 + np.arange(FRAMES * REPEATS) / 10,
                np.repeat(["train", "train", "test"], FRAMES),
            ),
        ),
        events=pd.DataFrame({"stimulus_time": [10.5, 12.5], "kind": ["a", "b"], "seen": [True, False]}),
    )


def trials_recording(counts: bool = True) -> Recording:
    random = np.random.default_rng(1)
    responses = random.poisson(2, (TRIALS, BINS, UNITS))
    return Recording(
        "mouse2",
        "arrays",
        np.arange(UNITS),
        trials=Trials(
            responses if counts else responses * 0.5,
            np.arange(BINS) / 10,
            {"running": random.normal(size=(TRIALS, 8)), "pupil_size": random.normal(size=(TRIALS, 8))},
            np.arange(8) / 20,
            counts=counts,
        ),
        events=pd.DataFrame({"contrast": np.linspace(0, 1, TRIALS)}),
    )


def images_recording() -> Recording:
    random = np.random.default_rng(2)
    return Recording(
        "mouse3",
        "arrays",
        np.arange(UNITS),
        trials=Trials(
            random.normal(size=(TRIALS, 1, UNITS)), behaviour={"running": random.random((TRIALS, 1))}
        ),
        stimuli=(
            Stimulus(
                "images",
                "images",
                random.random((5, 6, 8)),
                np.arange(TRIALS) % 5,
                None,
                np.repeat(["train", "validation", "test"], 4),
            ),
        ),
    )


def spikes_recording() -> Recording:
    random = np.random.default_rng(3)
    return Recording(
        "mouse4",
        "arrays",
        np.array([3, 1, 8, 7]),
        spikes=Spikes(np.sort(random.uniform(0, 60, 900)), random.choice([3, 1, 8], 900)),
        events=pd.DataFrame({"stimulus_time": np.arange(5.0, 50, 5)}),
    )


RECORDINGS = {
    "traces": traces_recording,
    "counts": trials_recording,
    "trials": lambda: trials_recording(counts=False),
    "images": images_recording,
    "spikes": spikes_recording,
}


@pytest.mark.parametrize("form", ["folder", "mouse.npz"])
@pytest.mark.parametrize("kind", RECORDINGS)
def test_what_is_written_comes_back_equal(kind: str, form: str, tmp_path: Path) -> None:
    recording = RECORDINGS[kind]()
    path = write_arrays(recording, tmp_path / form)
    assert recognise(path) == "arrays"
    assert_same(read(path), recording)
    assert read(path).notes == ()


def test_a_second_writing_replaces_the_first(tmp_path: Path) -> None:
    write_arrays(traces_recording(), tmp_path / "mouse")
    assert_same(read(write_arrays(spikes_recording(), tmp_path / "mouse")), spikes_recording())
    np.save(tmp_path / "mouse" / "mine.npy", np.arange(3))
    with pytest.raises(DataError, match="holds mine"):
        write_arrays(spikes_recording(), tmp_path / "mouse")


def test_a_file_of_other_arrays_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "mouse.npz"
    np.savez(path, **to_arrays(spikes_recording()), mine=np.arange(3))
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"mouse\.npz is there, and this command did not write it"):
        write_arrays(spikes_recording(), path)
    assert path.read_bytes() == before
    for recording in (spikes_recording(), traces_recording()):  # its own is
        assert_same(read(write_arrays(recording, tmp_path / "own.npz")), recording)


@pytest.mark.parametrize("odd", [np.array([2**63 + 1], np.uint64), np.array([np.inf]), np.array([1e300])])
@pytest.mark.parametrize("name", ["unit_ids", "spike_units"])
def test_ids_beyond_whole_numbers_do_not_wrap(name: str, odd: np.ndarray) -> None:
    given = plain("spikes")
    given[name] = np.concatenate([odd, np.asarray(given[name])[1:].astype(odd.dtype)])
    with pytest.raises(DataError, match=f"{name} holds .* beyond whole numbers"):
        read_arrays(Arrays("mouse.npz", given))


def plain(kind: str = "traces") -> dict[str, Any]:
    return {name.removesuffix("_clouds"): values for name, values in to_arrays(RECORDINGS[kind]()).items()}


def saved(folder: Path, arrays: dict[str, Any]) -> Path:
    np.savez(folder / "mouse.npz", **arrays)
    return folder / "mouse.npz"


LAYOUTS: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "units first": ("traces", lambda a: a.update(traces=a["traces"].T)),
    "Fortran order": ("traces", lambda a: a.update(traces=np.asfortranarray(a["traces"]))),
    "big endian": ("traces", lambda a: a.update(traces=a["traces"].astype(">f8"))),
    "column of times": ("traces", lambda a: a.update(trace_times=a["trace_times"][:, None])),
    "row of times": ("traces", lambda a: a.update(running_times=a["running_times"][None])),
    "channels first": ("traces", lambda a: a.update(face=a["face"].T)),
    "coordinates in rows": ("traces", lambda a: a.update(coordinates=a["coordinates"].T)),
    "ids as floats": ("traces", lambda a: a.update(unit_ids=a["unit_ids"].astype(float))),
    "bytes": ("traces", lambda a: a.update(area=a["area"].astype("S"), tiers=a["tiers"].astype("S"))),
    "repeats x frames": (
        "traces",
        lambda a: (
            a.update(frame_times=a["frame_times"].reshape(REPEATS, FRAMES), tiers=a["tiers"][::FRAMES])
            or a.pop("shown")
        ),
    ),
    "frames x repeats": (
        "traces",
        lambda a: a.update(frame_times=a["frame_times"].reshape(REPEATS, FRAMES).T) or a.pop("shown"),
    ),
    "whole repeats one after another": ("traces", lambda a: a.pop("shown")),
    "a channel of one colour": ("traces", lambda a: a.update(frames=a["frames"][:, None])),
    "trials first": ("counts", lambda a: a.update(counts=a["counts"].transpose(1, 2, 0))),
    "units x trials": ("images", lambda a: a.update(responses=a["responses"].T)),
    "spikes in no order": (
        "spikes",
        lambda a: a.update(spike_times=a["spike_times"][::-1], spike_units=a["spike_units"][::-1]),
    ),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_arrays_are_taken_as_a_lab_has_them(case: str, tmp_path: Path) -> None:
    kind, change = LAYOUTS[case]
    arrays = plain(kind)
    if "shown" in arrays and kind == "images":
        arrays = {name.removesuffix("_images"): values for name, values in arrays.items()}
    change(arrays)
    expected = RECORDINGS[kind]()
    if kind == "traces":
        object.__setattr__(expected.stimuli[0], "name", "movie")
    assert_same(read(saved(tmp_path, arrays)), expected)


def test_a_movie_of_height_width_frames_is_taken_and_said(tmp_path: Path) -> None:
    arrays = plain()
    arrays["frames"] = np.moveaxis(arrays["frames"], 0, 2)
    arrays["frame_times"] = arrays["frame_times"].reshape(REPEATS, FRAMES)
    del arrays["shown"]
    found = read(saved(tmp_path, arrays))
    np.testing.assert_array_equal(found.stimuli[0].frames, traces_recording().stimuli[0].frames)
    assert any("height x width x frames" in note for note in found.notes)


def test_the_least_that_a_lab_has_is_enough(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 200))
    found = read(saved(tmp_path, {"traces": values, "rate": 6.2, "running": np.arange(200.0)}))
    np.testing.assert_array_equal(found.traces.values, values.T)
    assert found.name == "mouse" and found.unit_ids.tolist() == [0, 1, 2]
    assert found.traces.rate == pytest.approx(6.2) and found.area is None and found.coordinates is None
    assert list(found.behaviour) == ["running"] and found.behaviour["running"].rate == pytest.approx(6.2)


def test_square_traces_are_said_to_be_ambiguous(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(9, 9))
    found = read(saved(tmp_path, {"traces": values, "trace_times": np.arange(9.0)}))
    np.testing.assert_array_equal(found.traces.values, values)
    assert "other orders would fit too" in found.notes[0]


def test_ids_of_images_tell_which_were_repeated(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((3, 6, 8))
    ids = np.array(["b.png", "a.png", "b.png", "c.png"])
    arrays = {"responses": np.ones((4, 7)), "images": images[[1, 0, 1, 2]], "image_ids": ids}
    (found,) = read(saved(tmp_path, arrays)).stimuli
    np.testing.assert_array_equal(found.frames[found.shown], images[[1, 0, 1, 2]])
    assert found.repeats == 2 and len(found.frames) == 3
    arrays["images"][2] += 1
    with pytest.raises(DataError, match="presentations 0 and 2 have the id"):
        read(saved(tmp_path, arrays))


def test_what_has_no_time_is_left_out_and_what_nothing_explains_is_named(tmp_path: Path) -> None:
    arrays = plain()
    arrays["running_times"][3:5] = np.nan
    arrays["frame_times"][-7:] = np.nan  # the last repeat was cut short
    arrays["mystery"] = np.arange(11)
    found = read(saved(tmp_path, arrays))
    assert len(found.behaviour["running"].values) == 498
    assert len(found.stimuli[0].shown) == FRAMES * REPEATS - 7 == len(found.stimuli[0].part)
    said = " ".join(found.notes)
    assert "running: 2 of 500 samples have no time" in said
    assert "movie: 7 of 60 presentations have no time" in said and "mystery" in said


def test_large_arrays_of_a_folder_are_mapped_and_read_only(tmp_path: Path) -> None:
    arrays = {
        "traces": np.random.default_rng(0).normal(size=(40, 20_000)),
        "trace_times": np.arange(20_000) / 30,
    }
    for name, values in arrays.items():
        np.save(tmp_path / f"{name}.npy", np.asfortranarray(values))
    found = read(tmp_path)
    base = found.traces.values
    while not isinstance(base, np.memmap):
        base = base.base
    assert not base.flags.writeable
    np.testing.assert_array_equal(found.traces.values, arrays["traces"].T)


def cut(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda arrays: arrays.update({name: arrays[name][:-1]})


def at(name: str, place: Any, value: Any) -> Callable[[dict[str, Any]], Any]:
    def change(arrays: dict[str, Any]) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][place] = value

    return change


BAD: dict[str, tuple[str, Callable[[dict[str, Any]], Any], str]] = {
    "no clock": ("traces", lambda a: a.pop("trace_times"), "traces have no trace_times"),
    "another length": ("traces", cut("trace_times"), r"traces has shape \(300, 4\).* 299 samples"),
    "other units": ("traces", cut("unit_ids"), r"traces has shape \(300, 4\).* 3 units"),
    "units exchanged": ("traces", cut("area"), "area are of"),
    "milliseconds": ("traces", lambda a: a.update(trace_times=1e6 * a["trace_times"]), "not milliseconds"),
    "time goes back": ("traces", at("trace_times", 9, 0), "do not ascend"),
    "behaviour of another length": ("traces", cut("running"), "running has 499 samples and 500 times"),
    "words for numbers": ("traces", lambda a: a.update(traces=a["traces"].astype(str)), "traces holds <U"),
    "pickled objects": ("traces", lambda a: a.update(area=a["area"].astype(object)), "pickled objects"),
    "an id twice": ("traces", at("unit_ids", 1, 5), "unit 5 is there 2 times"),
    "ids of fractions": ("traces", lambda a: a.update(unit_ids=a["unit_ids"] / 2), "no whole numbers"),
    "frames unknown": ("traces", at("shown", 0, FRAMES), "frames 0 to 19; count from 0"),
    "frames of a colour": ("traces", lambda a: a.update(frames=np.ones((FRAMES, 6, 8, 3))), "grey values"),
    "times of other frames": (
        "traces",
        lambda a: a.update(frame_times=np.arange(57.0)) or a.pop("shown") is None or a.pop("tiers"),
        "57,.* 20 frames",
    ),
    "a movie without times": (
        "traces",
        lambda a: [a.pop(n) for n in ("frame_times", "shown")],
        "no frame_times",
    ),
    "columns of unequal length": ("traces", cut("events_kind"), "kind 1, .*stimulus_time 2|unequal length"),
    "a rate of zero": ("traces", lambda a: a.update(rate=0) or a.pop("trace_times"), "rate is 0"),
    "a rate that is not that of the times": (
        "traces",
        lambda a: a.update(rate=31.0),
        "trace_times run at 30 samples a second, and rate says 31",
    ),
    "an unknown unit": ("spikes", at("spike_units", 0, 4), "spikes are of unit 4"),
    "spikes without units": ("spikes", lambda a: a.pop("spike_units"), "900 spike_times have no spike_units"),
    "bins without times": ("counts", lambda a: a.pop("bin_times"), "counts have bins and no bin_times"),
    "other bins": ("counts", cut("bin_times"), r"counts has shape \(4, 12, 5\).* 4 bins"),
    "coordinates of one axis": ("traces", lambda a: a.update(coordinates=np.ones((4, 1))), "units x 3"),
}


def test_areas_of_a_sorters_ids_need_no_list_of_ids(tmp_path: Path) -> None:
    arrays = plain("spikes")
    del arrays["unit_ids"]
    arrays["area"] = np.array(["VISp", "LP", "LP"])  # of 1, 3, 8: those that spiked, in order
    assert read(saved(tmp_path, arrays)).unit_ids.tolist() == [1, 3, 8]
    arrays["area"] = arrays["area"][:2]
    with pytest.raises(DataError, match="the id of each unit in unit_ids"):
        read(saved(tmp_path, arrays))


@pytest.mark.parametrize("first", [0, 1])
def test_areas_of_more_units_than_fired_need_ids_where_they_may_count_from_1(
    first: int, tmp_path: Path
) -> None:
    """Unit 4 of four is silent, or the first; only a unit 0 says that they count from 0."""
    arrays = plain("spikes")
    del arrays["unit_ids"]
    arrays["spike_units"] = first + np.arange(900) % 3
    arrays["area"] = np.array(["VISp", "LP", "LP", "CA1"])
    if first == 0:
        assert read(saved(tmp_path, arrays)).unit_ids.tolist() == [0, 1, 2, 3]
        return
    with pytest.raises(
        DataError, match=r"3 units, 1 to 3, and 4 have an area .* give unit_ids.*arange\(1, 5\)"
    ):
        read(saved(tmp_path, arrays))
    found = read(saved(tmp_path, {**arrays, "unit_ids": np.arange(1, 5)}))
    assert dict(zip(found.unit_ids.tolist(), found.area, strict=True))[1] == "VISp"


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    kind, damage, says = BAD[case]
    arrays = plain(kind)
    read(saved(tmp_path, arrays))  # control: without the damage it is read
    damage(arrays)
    with pytest.raises(DataError, match=says) as caught:
        read(saved(tmp_path, arrays))
    assert "mouse.npz" in str(caught.value)
    assert str(caught.value).count(". ") == 0


def test_damaged_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    path = saved(tmp_path, plain())
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DataError, match="truncated"):
        read(path)
    folder = write_arrays(traces_recording(), tmp_path / "mouse")
    traces = folder / "traces.npy"
    traces.write_bytes(traces.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"traces.npy cannot be read .* holds"):
        read(folder)
    traces.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read(folder)


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    recording = traces_recording()
    recording.behaviour["a/b"] = recording.behaviour["running"]
    with pytest.raises(DataError, match="'a/b' cannot be the name of a file"):
        write_arrays(recording, tmp_path / "mouse")
    assert not (tmp_path / "mouse").exists()
