"""The real recordings of the package: whole, cited, small, and read as any other."""

from pathlib import Path

import numpy as np
import pytest

from neurokit import cutouts, pupil_encoder
from neurokit.cutouts import path_of
from neurokit.errors import DataError
from neurokit.recordings import example

NAMES = ("cori", "lederberg_2017-12-06", "lederberg_2017-12-09", "hench_2017-06-18", "park", "ibl")


def test_all_together_are_small_and_say_whose_they_are() -> None:
    listed = cutouts.cutouts()
    assert tuple(listed) == NAMES
    sizes = {name: path_of(name).stat().st_size for name in NAMES}
    assert sizes == {name: each.bytes for name, each in listed.items()}
    assert sum(sizes.values()) < 5_000_000
    page = (cutouts.FOLDER / "README.md").read_text()
    for each in listed.values():
        assert each.licence in ("CC-BY 4.0", "MIT") and "20" in each.citation and "github.com/" in each.origin
        assert each.citation in page and f"| `{each.name}` | {each.session} |" in page
    assert {file.name for file in cutouts.FOLDER.glob("*.npz")} == {each.file for each in listed.values()}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "is damaged"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1] + b"x"), "is damaged"),
        (lambda file: file.unlink(), "is missing; install neurokit again"),
    ],
)
def test_a_damaged_file_is_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: object, says: str
) -> None:
    (tmp_path / "ibl_nyu11.npz").write_bytes(path_of("ibl").read_bytes())
    monkeypatch.setattr(cutouts, "FOLDER", tmp_path)
    example("ibl")
    damage(tmp_path / "ibl_nyu11.npz")
    with pytest.raises(DataError, match=says):
        example("ibl")


def test_another_name_is_refused() -> None:
    with pytest.raises(DataError, match=f"no cut-out 'allen'; use one of {', '.join(NAMES)}"):
        example("allen")


@pytest.mark.parametrize("name", NAMES[:4])
def test_a_steinmetz_session_is_the_one_that_pupil_encoder_reads(name: str) -> None:
    read = example(name)
    native = pupil_encoder.load(source="cutout", session=read.name)
    made = pupil_encoder.from_recording(read)
    np.testing.assert_array_equal(made.spikes, native.spikes)
    np.testing.assert_array_equal(made.brain_area, native.brain_area)
    np.testing.assert_allclose(made.time, native.time, atol=1e-6)
    assert made.first_spike_bin == native.first_spike_bin
    assert set(made.behaviour) == set(native.behaviour)
    for channel, values in native.behaviour.items():
        np.testing.assert_array_equal(made.behaviour[channel], values, err_msg=channel)
    np.testing.assert_allclose(made.trials, native.trials, atol=1e-9)
    assert "Nature 576" in " ".join(read.notes)


def test_park_says_what_is_assumed_of_its_gratings() -> None:
    read = example("park")
    assert read.trials is not None and read.trials.responses.shape == (128, 49, 56)
    assert set(read.trials.behaviour) == {"running", "pupil_size"} and not read.trials.counts
    (shown,) = read.stimuli
    assert shown.repeats == 16 and shown.frames is not None and len(shown.frames) == 8
    assert len(np.unique(shown.frames.reshape(8, -1), axis=0)) == 8  # opposite directions differ too
    assert "0.04 cycles/degree are assumed" in " ".join(read.notes)
    assert "assumed" in (example.__doc__ or "")
    direction = read.events["direction"].to_numpy()
    assert [len(np.unique(direction[shown.shown == each])) for each in range(8)] == [1] * 8
    vertical = shown.frames[int(shown.shown[direction == 0][0])]
    assert (vertical == vertical[0]).all() and vertical.std() > 50  # bars from top to bottom
    with pytest.raises(DataError, match="holds no spikes"):
        pupil_encoder.from_recording(read)


def test_ibl_has_behaviour_and_one_count_a_trial() -> None:
    read = example("ibl")
    assert read.trials is not None and read.trials.responses.shape == (425, 1, 134)
    names, numbers = np.unique(read.area, return_counts=True)
    assert dict(zip(names, numbers, strict=True)) == {"BMA": 51, "CEA": 49, "GPe": 13, "LGd": 21}
    assert {"licks", "wheel", "whisking_l", "nose_pos"} < set(read.trials.behaviour)
    cut_short = ~np.isfinite(read.trials.behaviour["wheel"]).any(axis=1)
    assert np.flatnonzero(cut_short).tolist() == [422, 423, 424]
    assert np.array_equal(np.isnan(read.trials.responses).all(axis=(1, 2)), cut_short)
    with pytest.raises(DataError, match="has one count a trial"):
        pupil_encoder.from_recording(read)
