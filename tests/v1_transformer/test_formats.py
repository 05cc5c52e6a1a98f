"""One recording in the formats that hold movies and traces: the same session as from the recording itself."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from neurokit.recordings import Recording, Trace, read, write_arrays, write_experanto
from neurokit.v1_transformer import from_recording
from tests.v1_transformer.test_own import recording

FORMATS: dict[str, Callable[[Recording, Path], Path]] = {
    "folder": write_arrays,
    "npz": lambda recording, path: write_arrays(recording, path.with_suffix(".npz")),
    "experanto": write_experanto,
}


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_makes_the_same_session(kind: str, tmp_path: Path) -> None:
    made = recording()
    clock = made.traces.time[0] + np.arange(0, np.ptp(made.traces.time), 1 / 47)
    made.behaviour["running"] = Trace(20 + np.sin(clock), clock, "cm/s")
    own = from_recording(read(FORMATS[kind](made, tmp_path / "mouse")))
    wanted = from_recording(made)
    for name in ("cell_ids", "time", "dff", "running"):
        np.testing.assert_allclose(getattr(own, name), getattr(wanted, name), rtol=0, atol=1e-9, err_msg=name)
    assert own.structure == wanted.structure and list(own.movies) == list(wanted.movies)
    for name, movie in own.movies.items():
        for each in fields(movie):
            values = getattr(movie, each.name)
            if isinstance(values, np.ndarray):
                np.testing.assert_array_equal(
                    values, getattr(wanted.movies[name], each.name), err_msg=each.name
                )
