"""Commands that lead from a recording of one's own to a model lead to the small size first, and say why."""

from pathlib import Path

import pytest

from neurokit.cli import main
from neurokit.cli.native import small
from neurokit.cli.sizes import SIZES, first_size
from neurokit.training.system import find_system
from tests.labs import write_labs

LABS = {
    "pupil-encoder": "probe.npz",
    "sensorium": "photos.npz",
    "v1-transformer": "movie.npz",
    "digital-twin": "clips.npz",
}


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    write_labs(tmp_path)


def last_lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()[-2:]


@pytest.mark.parametrize("system", LABS)
def test_what_is_typed_after_a_conversion_trains_the_small_size(
    system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [SIZES, f"next: neurokit {system} train --folder own --size small"]
    assert last_lines(capsys, system, "convert", LABS[system], "--output", "own", *small(system)) == wanted
    assert last_lines(capsys, system, "data", "--folder", "own") == wanted
    assert last_lines(capsys, system, "data", "--list", "--folder", "own") == wanted


def test_a_video_of_the_published_size_says_how_it_can_be_small(capsys: pytest.CaptureFixture[str]) -> None:
    line, following = last_lines(capsys, "digital-twin", "convert", "clips.npz", "--output", "own")
    assert "144 x 256 pixels" in line and "--monitor 36 64" in line and "hours" in line
    assert following == "next: neurokit digital-twin train --folder own"


def test_a_video_that_is_not_yet_trials_can_be_small(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("digital-twin", "convert", "clips.npz", "--output", "own", "--format", "arrays")
    assert last_lines(capsys, *given)[1].endswith("train --folder own --size small")


def test_what_check_names_leads_there(capsys: pytest.CaptureFixture[str]) -> None:
    monitor = find_system("digital-twin").MODELS["twin"].small.network.monitor  # type: ignore[attr-defined]
    assert small("digital-twin") == ("--monitor", *map(str, monitor)) and not small("sensorium")


def test_of_a_simulated_recording_small_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "simulated").mkdir()
    (tmp_path / "simulated" / "truth.npz").write_bytes(b"")
    assert first_size(find_system("sensorium"), tmp_path / "simulated") == ("", [])
