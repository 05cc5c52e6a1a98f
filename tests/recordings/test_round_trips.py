"""A simulated mouse of each system goes out through every format that can hold it, and comes back equal.

What comes back is equal to what went out, to the bit but for the few in OTHERWISE, and to single precision
from suite2p, which has no other. It makes the recording that the native file makes, to the rounding with
which each system's own tests compare arrays with the native file, and has its scores. These agree to four
decimals, since sums run over trials in another order where a native file is not in order of time.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurokit import recordings, sensorium
from neurokit.errors import DataError
from neurokit.recordings import Recording, Trace, write_arrays, write_experanto
from tests.recordings.mice import CHANGES, MICE, Mouse
from tests.recordings.same import assert_same
from tests.recordings.write_ibl import write_ibl
from tests.recordings.write_nwb import write_nwb
from tests.recordings.write_suite2p import write_suite2p
from tests.sensorium.own_mouse import as_recording, own_mouse

ROUNDING = 1e-4  # of scores


def as_npz(recording: Recording, folder: Path) -> Path:
    return write_arrays(recording, folder / "mouse.npz")


def as_folder(recording: Recording, folder: Path) -> Path:
    return write_arrays(recording, folder / "mouse")


def as_experanto(recording: Recording, folder: Path) -> Path:
    return write_experanto(recording, folder / "mouse")


def with_intervals(recording: Recording) -> Recording:
    """A trial of NWB has a start and a stop."""
    if (events := recording.events) is None:
        return recording
    onsets = events["stimulus_time"]
    return replace(recording, events=events.assign(start_time=onsets - 0.5, stop_time=onsets + 2))


def as_nwb(recording: Recording, folder: Path) -> Path:
    """The name of the file is that of the session."""
    return write_nwb(with_intervals(recording), folder / f"{recording.name}.nwb")


def as_suite2p(recording: Recording, folder: Path) -> Path:
    return write_suite2p(recording, folder / "mouse")


def as_ibl(recording: Recording, folder: Path) -> Path:
    """A session of IBL has a number of the day."""
    return write_ibl(replace(recording, name=f"{recording.name}_001"), folder)


FORMATS: dict[str, Callable[[Recording, Path], Path]] = {
    "npz": as_npz,
    "folder": as_folder,
    "experanto": as_experanto,
    "NWB 2": as_nwb,
    "suite2p": as_suite2p,
    "IBL": as_ibl,
}
NO_CLOCK = "it holds what was recorded on the clock of a session, not trial by trial"
NO_SPIKES = "suite2p holds fluorescence, and no spikes"
NO_FRAMES = "its names hold spikes, and neither images nor movies"
CANNOT = {
    ("pupil-encoder", "suite2p"): NO_SPIKES,
    **{("pupil-encoder by trial", each): NO_CLOCK for each in ("experanto", "NWB 2", "suite2p", "IBL")},
    **{("sensorium by trial", each): NO_CLOCK for each in ("experanto", "NWB 2", "suite2p", "IBL")},
    **{(mouse, "IBL"): NO_FRAMES for mouse in ("sensorium", "v1-transformer", "digital-twin")},
}
TRIPS = [(mouse, form) for mouse in MICE for form in FORMATS if (mouse, form) not in CANNOT]
OTHERWISE = {
    ("pupil-encoder", "IBL"): "its times are given from the session's start, not from the stimulus",
    ("digital-twin", "experanto"): "clocks are even, and gaps are filled with samples that are missing",
}  # what comes back is equal in a system's recording alone
CONTROLS = [(*trip, what) for trip in TRIPS for what in CHANGES if what == "activity" or trip[1] == "npz"]


def add_gaze(found: Recording, sent: Recording) -> Recording:
    """IBL's names hold the pupil's diameter, not where it is, which users derive from videos."""
    return add_channels(found, sent, "pupil_x", "pupil_y")


def add_blink(found: Recording, sent: Recording) -> Recording:
    """Blinks have no name in IBL; in NWB 2 they are left out of the pupil's values instead."""
    return add_channels(found, sent, "blink")


def add_channels(found: Recording, sent: Recording, *names: str) -> Recording:
    given = {name: sent.behaviour[name] for name in names}
    assert not set(given) & set(found.behaviour)
    return replace(found, behaviour={**found.behaviour, **given})


def take_name(found: Recording, sent: Recording) -> Recording:
    """Without the number of the session on its day."""
    assert found.name == f"{sent.name}_001"
    return replace(found, name=sent.name)


def in_order(found: Recording, sent: Recording) -> Recording:
    """A screen of experanto has stimuli in the order in which they were first shown."""
    there = {each.name: each for each in found.stimuli}
    return replace(found, stimuli=[there[each.name] for each in sent.stimuli])


LACKS: dict[tuple[str, str], list[Callable[[Recording, Recording], Recording]]] = {
    ("v1-transformer", "experanto"): [in_order],
    ("pupil-encoder", "IBL"): [add_gaze, add_blink, take_name],
    ("pupil-encoder", "NWB 2"): [add_blink],
}  # what a format has no place for is given by hand


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def mice(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Mouse]:
    """A mouse by its name, simulated once."""

    @cache
    def mouse(name: str) -> Mouse:
        return MICE[name](tmp_path_factory.mktemp("native"))

    return mouse


@pytest.fixture(scope="module")
def scores(mice: Callable[[str], Mouse]) -> Callable[[str], pd.DataFrame]:
    """Those of the native file."""

    @cache
    def of(name: str) -> pd.DataFrame:
        return mice(name).score(mice(name).native)

    return of


def as_held(recording: Recording, form: str) -> Recording:
    """What a format makes of it: suite2p has activity of single precision, in a unit of its own."""
    if form == "suite2p":
        sent = recording.traces
        assert sent is not None
        recording = replace(recording, traces=Trace(np.asarray(sent.values, np.float32), sent.time, "spks"))
    return with_intervals(recording) if form == "NWB 2" else recording


def by_name(recording: Recording) -> Recording:
    """With its stimuli in the order of their names, in which most formats list them."""
    return replace(recording, stimuli=sorted(recording.stimuli, key=lambda each: each.name))


def come_back(recording: Recording, name: str, form: str, folder: Path) -> Recording:
    """Written, read, and given by hand what the format has no place for."""
    found = recordings.read(FORMATS[form](recording, folder))
    for give in LACKS.get((name, form), []):
        found = give(found, recording)
    return found


@pytest.mark.parametrize("form", ["npz", "NWB 2"])
def test_spikes_of_a_mouse_that_saw_images_come_back(form: str, tmp_path: Path) -> None:
    sent = as_recording(own_mouse(), "spikes")
    found = come_back(sent, "sensorium of spikes", form, tmp_path)
    assert_same(found, sent)
    (scan,), (known,) = (sensorium.from_recording(each).values() for each in (found, sent))
    for name in ("images", "responses", "behaviour", "pupil_center", "tiers", "image_ids", "coordinates"):
        assert np.array_equal(getattr(scan, name), getattr(known, name)), name


@pytest.mark.parametrize(("name", "form"), TRIPS, ids=map(", ".join, TRIPS))
def test_what_goes_out_comes_back_with_the_scores_of_the_native_file(
    name: str,
    form: str,
    mice: Callable[[str], Mouse],
    scores: Callable[[str], pd.DataFrame],
    tmp_path: Path,
) -> None:
    mouse = mice(name)
    read = come_back(mouse.recording, name, form, tmp_path)
    if (name, form) not in OTHERWISE:
        assert_same(by_name(read), by_name(as_held(mouse.recording, form)))
    found = mouse.make(read, tmp_path / "made")
    mouse.compare(found, mouse.native)
    pd.testing.assert_frame_equal(mouse.score(found), scores(name), rtol=0, atol=ROUNDING)
    assert scores(name).select_dtypes("number").notna().to_numpy().all()


@pytest.mark.parametrize(("name", "form", "what"), CONTROLS, ids=map(", ".join, CONTROLS))
def test_one_value_that_is_changed_on_the_way_is_found(
    name: str, form: str, what: str, mice: Callable[[str], Mouse], tmp_path: Path
) -> None:
    mouse = mice(name)
    changed = come_back(CHANGES[what](mouse.recording), name, form, tmp_path)
    found = mouse.make(changed, tmp_path / "made")
    with pytest.raises(AssertionError):
        mouse.compare(found, mouse.native)


@pytest.mark.parametrize("name", ["pupil-encoder by trial", "sensorium by trial"])
def test_experanto_says_that_it_holds_no_trials_without_a_clock(
    name: str, mice: Callable[[str], Mouse], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="is recorded by trials; experanto needs one clock of the session"):
        as_experanto(mice(name).recording, tmp_path)
