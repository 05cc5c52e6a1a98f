"""Simulated mice go out through NWB 2, a suite2p folder and plain arrays, and come back equal."""

from dataclasses import replace

import numpy as np
import pytest

from neurokit import recordings, sensorium
from neurokit.recordings import Recording, Trace
from neurokit.recordings.arrays_writing import write_arrays
from tests.recordings.same import assert_same
from tests.recordings.write_suite2p import write_suite2p
from tests.sensorium.own_mouse import as_recording, own_mouse


@pytest.fixture(scope="module")
def mouse():
    return own_mouse()


def write(recording: Recording, form: str, folder):
    if form == "nwb":
        pytest.importorskip("pynwb")
        from tests.recordings.write_nwb import write_nwb

        return write_nwb(recording, folder / f"{recording.name}.nwb")
    if form == "suite2p":
        return write_suite2p(recording, folder / recording.name)
    return write_arrays(recording, folder / f"{recording.name}.npz")


@pytest.mark.parametrize(
    ("form", "activity"), [("nwb", "traces"), ("nwb", "spikes"), ("suite2p", "traces"), ("npz", "traces")]
)
def test_a_mouse_that_saw_images_comes_back_and_so_does_what_a_model_is_given(
    mouse, form, activity, tmp_path
):
    wanted = as_recording(mouse, activity)
    if form == "suite2p":  # its activity has a unit of its own
        wanted = replace(wanted, traces=Trace(wanted.traces.values, wanted.traces.time, "spks"))
    found = recordings.read(write(wanted, form, tmp_path))
    assert_same(found, wanted)
    (scan,), (known,) = (sensorium.from_recording(each).values() for each in (found, wanted))
    for name in ("images", "responses", "behaviour", "pupil_center", "tiers", "image_ids", "coordinates"):
        assert np.array_equal(getattr(scan, name), getattr(known, name)), name
