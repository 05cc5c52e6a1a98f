"""One simulated mouse in the formats that hold videos and traces: the same trials as from the mouse."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurokit.digital_twin import from_recording
from neurokit.digital_twin.simulation import simulate_mouse
from neurokit.recordings import Recording, read, write_arrays, write_experanto
from tests.digital_twin.test_own import TINY, as_recording
from tests.digital_twin.toys import MONITOR

FORMATS: dict[str, Callable[[Recording, Path], Path]] = {
    "folder": write_arrays,
    "npz": lambda recording, path: write_arrays(recording, path.with_suffix(".npz")),
    "experanto": write_experanto,
}


@pytest.fixture(scope="module")
def recording() -> Recording:
    return as_recording(simulate_mouse(TINY))


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_makes_the_same_trials(
    kind: str, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    path = FORMATS[kind](recording, tmp_path / "mouse")
    own, wanted = (
        from_recording(each, tmp_path / name, size=MONITOR)
        for name, each in (("own", read(path)), ("wanted", recording))
    )
    assert list(own.videos) == list(wanted.videos)
    pairs = list(zip(own.training_data.trials, wanted.training_data.trials, strict=True))
    for kinds in own.videos:
        for one, other in zip(own.videos[kinds], wanted.videos[kinds], strict=True):
            pairs += zip(one.repeats, other.repeats, strict=True)
    for one, other in pairs:
        assert one.training == other.training
        np.testing.assert_array_equal(one.stimulus, other.stimulus)
        for part in ("perspective", "modulation", "units"):
            np.testing.assert_allclose(getattr(one, part), getattr(other, part), rtol=1e-6, atol=1e-6)
