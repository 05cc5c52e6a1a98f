"""Recordings written in another format by each system that can take them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurokit import recordings
from neurokit.cli import main
from neurokit.errors import DataError, SettingsError
from neurokit.recordings import Recording, read, write_arrays
from neurokit.recordings.conversion import convert
from neurokit.recordings.listing import list_contents
from neurokit.training.system import find_system
from tests.recordings.same import assert_same
from tests.recordings.sessions import neuropixels, two_photon
from tests.recordings.write_suite2p import write_suite2p

KINDS = {
    "sensorium": two_photon,
    "v1-transformer": two_photon,
    "digital-twin": two_photon,
    "pupil-encoder": neuropixels,
}


@pytest.mark.parametrize("system", KINDS)
def test_each_system_writes_what_it_takes(
    system: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = write_arrays(KINDS[system](), tmp_path / "mouse.npz"), tmp_path / "out"
    assert main([system, "convert", str(path), "--format", "arrays", "--output", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{path} is in the format arrays\n")
    assert said.endswith(f"\nnext: neurokit {system} train --folder {out} --size small\n")
    assert f"wrote {out} (arrays)\nsize: small trains in minutes" in said
    assert_same(read(out), read(path))


@pytest.mark.parametrize("to", ["arrays", "experanto", "npz"])
def test_what_a_reader_said_is_said_of_what_was_converted_and_by_check(
    to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original, out = write_suite2p(two_photon(), tmp_path / "mouse"), tmp_path / "out"
    if to == "npz":
        out = write_arrays(read(original), tmp_path / "out.npz")
    else:
        find_system("v1-transformer").convert(original, out, format=to)
    proved = "proved on folders written for its tests alone"
    assert any(proved in note for note in read(original).notes)
    for found in (read(out), read(write_arrays(read(out), tmp_path / "again"))):  # however often
        assert set(read(original).notes) <= set(found.notes) and len(set(found.notes)) == len(found.notes)
    assert main(["check", str(out)]) == 0
    assert proved in " ".join(capsys.readouterr().out.split())
    sound = write_arrays(two_photon(), tmp_path / "plain")
    assert read(sound).notes == () and not (sound / "notes.npy").exists()


@pytest.mark.parametrize("system", KINDS)
def test_what_a_system_cannot_take_is_not_written(system: str, tmp_path: Path) -> None:
    other, says = replace(neuropixels(), stimuli=()), r"no movie|no images"
    if system == "pupil-encoder":
        other, says = two_photon(), "holds no spikes"
    path = write_arrays(other, tmp_path / "mouse.npz")
    with pytest.raises(DataError, match=says):
        find_system(system).convert(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["mouse.npz", "mouse"])
def test_nothing_is_converted_in_its_own_place(form: str, tmp_path: Path) -> None:
    path = write_arrays(two_photon(), tmp_path / form)
    for system in KINDS:
        if system != "pupil-encoder":
            with pytest.raises(SettingsError, match=f"{form} is what is converted; name another place"):
                find_system(system).convert(path, path, format="arrays")
    assert_same(read(path), two_photon())


def test_several_have_folders_of_their_own_and_are_listed(tmp_path: Path) -> None:
    for name, made in {"a": two_photon(), "b": neuropixels()}.items():
        write_arrays(made, tmp_path / "lab" / f"{name}.npz")
    seen: list[str] = []

    def make(recording: Recording) -> Recording:
        seen.append(recording.name)
        return recording

    lines = convert(tmp_path / "lab", tmp_path / "out", make=make, describe=lambda each: each.name)
    assert seen == ["mouse", "probe"] and lines[-1] == f"wrote {tmp_path / 'out' / 'b'} (arrays)"
    table = list_contents(tmp_path / "out")
    assert table["session"].tolist() == ["a", "b"] and table["units"].tolist() == [5, 6]
    assert table["movies"][0] == "natural_movie_one (shown 3 times), natural_movie_two (shown 3 times)"
    with pytest.raises(SettingsError, match="format is 'zarr'; use one of arrays, experanto"):
        convert(tmp_path / "lab", tmp_path / "x", to="zarr", make=make, describe=str)
    with pytest.raises(DataError, match="holds no recording"):
        list_contents(tmp_path)


def test_recordings_of_one_stem_are_both_listed_and_a_wrong_name_writes_nothing(tmp_path):
    arrays = {"traces": np.random.default_rng(0).random((50, 3)), "trace_times": np.arange(50.0)}
    (tmp_path / "in" / "monday").mkdir(parents=True)
    np.savez(tmp_path / "in" / "monday.npz", **arrays)
    for name, values in arrays.items():
        np.save(tmp_path / "in" / "monday" / f"{name}.npy", values)
    np.savez(tmp_path / "in" / "tuesday.npz", **arrays)
    assert list(recordings.list_recordings(tmp_path / "in")) == ["monday", "monday.npz", "tuesday"]
    with pytest.raises(DataError, match=r"holds no session friday, only monday, monday\.npz, tuesday"):
        convert(
            tmp_path / "in",
            tmp_path / "out",
            session=["tuesday", "friday"],
            make=lambda recording: recording,
            describe=lambda made: made.name,
        )
    assert not (tmp_path / "out").exists()
