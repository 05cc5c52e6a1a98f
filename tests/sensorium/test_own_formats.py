"""A simulated mouse goes out through every format that holds images, and comes back from a folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurokit import sensorium
from neurokit.recordings.arrays_writing import write_arrays
from neurokit.recordings.experanto_writing import write_experanto
from neurokit.recordings.recording import Recording
from neurokit.sensorium.recording import Scan
from tests.sensorium.own_mouse import UNITS, as_recording, own_mouse


def write_nwb(recording: Recording, path: Path) -> Path:
    pytest.importorskip("pynwb")
    from tests.recordings.write_nwb import write_nwb as write

    path.parent.mkdir(exist_ok=True)
    return write(recording, path)


def write_suite2p(recording: Recording, path: Path) -> Path:
    from tests.recordings.write_suite2p import write_suite2p as write

    path.mkdir(parents=True)
    return write(recording, path)


Write = Callable[[Recording, Path], Any]
FORMATS: dict[str, tuple[str, Write, str, str]] = {
    "npz": ("mouse.npz", write_arrays, "traces", "arrays"),
    "npz of trials": ("mouse.npz", write_arrays, "trials", "arrays"),
    "npz of spikes": ("mouse.npz", write_arrays, "spikes", "arrays"),
    "npy": ("mouse", write_arrays, "traces", "arrays"),
    "experanto": ("mouse", write_experanto, "traces", "experanto"),
    "NWB": ("mouse.nwb", write_nwb, "traces", "NWB"),
    "NWB of units": ("mouse.nwb", write_nwb, "spikes", "NWB"),
    "suite2p": ("mouse", write_suite2p, "traces", "suite2p"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_lists_and_loads_a_mouse_in_every_format(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal in images, responses, behaviour and order; the pupil's change is derived."""
    file, write, activity, kind = FORMATS[name]
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    recording = as_recording(own_mouse(), activity, area=np.full(UNITS, "VISp"))
    channels = {each: trace for each, trace in recording.behaviour.items() if each != "pupil_change"}
    recording = replace(recording, behaviour=channels)
    write(recording, tmp_path / "lab" / file)
    [listed] = sensorium.sessions("demo", folder=tmp_path / "lab").to_dict("records")
    assert [listed[name] for name in ("session", "file", "format")] == ["mouse", file, kind]
    assert listed["images"].endswith(" trials)")
    (wanted,) = sensorium.from_recording({"mouse": recording}).values()
    (found,) = sensorium.load(folder=tmp_path / "lab").values()
    assert_alike(found, wanted)


def assert_alike(found: Scan, wanted: Scan) -> None:
    assert np.isin(found.tiers, wanted.tiers).all() and found.channels == wanted.channels
    shown = np.array_equal(found.tiers, wanted.tiers)  # formats without parts have their images dealt anew
    for field in ("behaviour", "pupil_center", "image_ids", "rank"):
        np.testing.assert_allclose(getattr(found, field), getattr(wanted, field), rtol=1e-5, atol=1e-5)
    raw = [scan.responses / scan.response_scale for scan in (found, wanted)]
    np.testing.assert_allclose(*raw, rtol=1e-4, atol=1e-4)
    grey = [
        scan.images * scan.statistics["images"]["std"] + scan.statistics["images"]["mean"]
        for scan in (found, wanted)
    ]
    np.testing.assert_allclose(*grey, atol=1e-3)
    if not shown:
        assert (found.tiers == "test").sum() >= 12
