"""`neurokit check`: the page it prints, the picture it leaves, and what it says of other paths."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest

from neurokit import settings
from neurokit.cli import main
from neurokit.recordings import Recording, formats
from neurokit.recordings.arrays_writing import write_arrays
from tests.recordings.planted import images, movie, spikes, trials

MADE: dict[str, Callable[[], Recording]] = {
    "movie": movie,
    "images": images,
    "spikes": lambda: spikes()[0],
    "trials": lambda: trials(bins=4),
}


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A format of files that name the recording to plant, and a data folder of its own."""
    module = ModuleType("neurokit.recordings.by_hand")
    known = {
        "FORMAT": "by hand",
        "recognises": lambda path: path.suffix == ".planted",
        "read": lambda path: MADE[path.read_text()](),
    }
    module.__dict__.update(known)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(formats, "MODULES", ("by_hand",))
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))


def plant(folder: Path, *names: str) -> Path:
    """A file for each name, of which the last is returned."""
    for name in names:
        (folder / f"{name}.planted").write_text(name)
    return folder / f"{names[-1]}.planted"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["check", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["check", *arguments]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("neurokit: ") and "\n" not in message
    return message


@pytest.mark.parametrize(
    ("kind", "system"),
    [("movie", "v1-transformer"), ("images", "sensorium"), ("trials", "pupil-encoder"), ("spikes", None)],
)
def test_one_page_one_picture_and_what_to_type_next(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, system: str | None
) -> None:
    path = plant(tmp_path, kind)
    lines = said(capsys, str(path))
    assert lines[0].startswith("mouse: by hand, ") and len(lines) <= 45
    assert max(map(len, lines[:-2])) <= 110
    assert all(any(line.startswith(f"  {name} ") for line in lines) for name in settings.SYSTEMS)
    picture = tmp_path / "data" / "checks" / f"{kind}.png"
    assert lines[-2] == f"wrote {picture}" and picture.read_bytes().startswith(b"\x89PNG")
    typed = shlex.split(lines[-1].removeprefix("next: "))
    if system is None:
        assert typed == ["neurokit", "--help"]
    else:
        assert typed[:4] == ["neurokit", system, "convert", str(path)]


def test_the_picture_goes_where_it_is_wanted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = plant(tmp_path, "trials")
    said(capsys, str(path), "--output", str(tmp_path / "own"))
    assert (tmp_path / "own" / "trials.png").is_file()
    assert not (tmp_path / "data").exists()


def test_several_recordings_are_listed_and_one_is_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plant(tmp_path, "images", "movie", "trials")
    lines = said(capsys, str(tmp_path))
    assert lines[0] == f"3 recordings in {tmp_path}: images, movie, trials"
    assert lines[1].startswith("checked is images") and any("scenes" in line for line in lines)
    assert any("natural_movie" in line for line in said(capsys, str(tmp_path), "--session", "movie"))
    message = refused(capsys, str(tmp_path), "--session", "mouse")
    assert "images, movie, trials" in message


def test_a_path_that_cannot_be_read_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "is missing" in refused(capsys, str(tmp_path / "nowhere"))
    (tmp_path / "other.txt").write_text("no recording")
    assert "by hand" in refused(capsys, str(tmp_path / "other.txt"))
    assert "by hand" in refused(capsys, str(tmp_path))
    assert "no session" in refused(capsys, str(tmp_path), "--session", "a")


@pytest.mark.parametrize("wrong", [(), ("",), ("a", "b"), ("a", "--sesion", "b")])
def test_options_are_checked(capsys: pytest.CaptureFixture[str], wrong: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["check", *wrong])
    assert stopped.value.code == 2 and "usage: neurokit check" in capsys.readouterr().err


ALLEN = ("processing/brain_observatory_pipeline", "stimulus")


@pytest.mark.parametrize("kind", ["movie", "images", "trials"])
def test_what_is_typed_next_converts_the_recording(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    monkeypatch.setattr(formats, "MODULES", ("arrays",))
    recording = MADE[kind]()
    if recording.trials is not None:
        counts = np.random.default_rng(0).poisson(2, recording.trials.responses.shape)
        recording = replace(recording, trials=replace(recording.trials, responses=counts))
    path = write_arrays(recording, tmp_path / f"{kind}.npz")
    typed = shlex.split(said(capsys, str(path))[-1].removeprefix("next: neurokit "))
    assert main(typed) == 0
    assert any((tmp_path / f"{kind}-{typed[0]}").iterdir())


def test_what_is_typed_next_converts_what_lies_at_an_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("neurokit.recordings.nwb.read_address", lambda _: images())
    monkeypatch.chdir(tmp_path)
    address = "https://example.org/data/mouse.nwb?token=1"
    *_, wrote, last = said(capsys, address)
    assert wrote == f"wrote {tmp_path / 'data' / 'checks' / 'mouse.png'}"
    typed = shlex.split(last.removeprefix("next: neurokit "))
    assert typed == ["sensorium", "convert", address, "--output", "mouse-sensorium"]
    assert main(typed) == 0
    assert (tmp_path / "mouse-sensorium" / "images_scenes.npy").is_file()


def nwb(folder: Path, *inside: str, name: str = "mouse.nwb") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / name, "w") as file:
        for each in inside:
            file.create_group(each)
    return folder / name


def test_files_of_the_systems_are_named_with_the_command_that_opens_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    scans = tmp_path / "scans"
    scan = scans / "static27204-5-13-GrayImageNet-94c6ff995dac583098847cfecd43e7b6"
    scan.mkdir(parents=True)
    (scans / "static1-2-3-GrayImageNet-0.zip").write_bytes(b"")
    cache = tmp_path / "cache"
    stored = nwb(cache / "ophys_experiment_data", *ALLEN, name="501559087.nwb")
    (tmp_path / "twin" / "training_data").mkdir(parents=True)
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "steinmetz_part0.npz").write_bytes(b"")
    cases = [
        (scan, "SENSORIUM", "sensorium", scans),
        (scans, "SENSORIUM", "sensorium", scans),
        (scans / "static1-2-3-GrayImageNet-0.zip", "SENSORIUM", "sensorium", scans),
        (cache, "AllenSDK", "v1-transformer", cache),
        (stored, "NWB 1", "v1-transformer", stored),
        (stored.parent, "NWB 1", "v1-transformer", stored.parent),
        (tmp_path / "twin", "digital twin", "digital-twin", tmp_path / "twin"),
        (tmp_path / "part", "Steinmetz", "pupil-encoder", tmp_path / "part"),
        (tmp_path / "part" / "steinmetz_part0.npz", "Steinmetz", "pupil-encoder", tmp_path / "part"),
    ]
    for path, words, system, folder in cases:
        first, last = said(capsys, str(path))
        assert first.startswith("this is ") and words in first
        assert last == f"next: neurokit {system} data --folder {folder}"
    microns = nwb(tmp_path, "sessions", "videos", name="microns.h5")
    first, last = said(capsys, str(microns))
    assert "MICrONS" in first and last.startswith(f"next: neurokit digital-twin convert {microns} --output ")


def test_other_hdf5_files_are_not_taken_for_those_of_a_system(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "none of the formats" in refused(capsys, str(nwb(tmp_path, "acquisition", "units")))
    later = nwb(tmp_path, *ALLEN, name="later.nwb")
    with h5py.File(later, "a") as file:
        file.attrs["nwb_version"] = "2.6.0"
    assert "none of the formats" in refused(capsys, str(later))
    (tmp_path / "damaged.nwb").write_bytes(b"no hdf5")
    assert "none of the formats" in refused(capsys, str(tmp_path / "damaged.nwb"))


@pytest.mark.slow
def test_simulated_recordings_are_recognised(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "simulated"
    assert main(["pupil-encoder", "simulate", "--trials", "30", "--output", str(folder)]) == 0
    capsys.readouterr()
    assert said(capsys, str(folder))[-1] == f"next: neurokit pupil-encoder data --folder {folder}"


def test_the_first_page_names_it_and_checking_imports_no_torch(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    assert main([]) == 0
    assert "neurokit check PATH" in capsys.readouterr().out
    code = (
        "import sys; import numpy as np; from neurokit.cli.check import run\n"
        "from neurokit.recordings import Recording, Trials, diagnose, describe\n"
        "trials = Trials(np.random.default_rng(0).random((60, 1, 4)))\n"
        "describe(diagnose(Recording('a', 'b', np.arange(4), trials=trials)))\n"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert run.stdout.strip() == "False"


def test_numbers_of_the_page_are_those_of_the_diagnosis(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A line of each kind, against what was planted: 8 repeats, a share of 0.3."""
    lines = said(capsys, str(plant(tmp_path, "movie")))
    assert "reliability over 8 repeats of 100 bins of 0.1 s of natural_movie" in "\n".join(lines)
    (halves,) = (line for line in lines if "split half" in line)
    middle = float(halves.split("(Spearman-Brown) ")[1].split()[0])
    assert middle == pytest.approx(8 * 0.3 / (1 + 7 * 0.3), abs=0.05)
    (clock,) = (line for line in lines if line.startswith("activity"))
    assert clock.split()[1:3] == ["30.0", "5.0"]
    assert not np.isnan(middle)


def test_a_name_that_is_too_long_is_no_recording(capsys: pytest.CaptureFixture[str]) -> None:
    assert "is missing" in refused(capsys, "x" * 5000)
