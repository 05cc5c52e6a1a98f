"""The page on recordings of one's own: its commands and blocks run, and what it quotes is what is said."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurokit.cli import main
from tests.labs import Arrays, write_labs

PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINES = 10  # of one's own, to a score
Change = Callable[[Arrays], Arrays]


def _in_ms(name: str) -> Change:
    return lambda lab: {name: 1000 * lab[name]}


def _silence_last(lab: Arrays) -> Arrays:
    kept = lab["spike_units"] < 39
    return {"spike_units": 1 + lab["spike_units"][kept], "spike_times": lab["spike_times"][kept]}


def _spoil(traces: np.ndarray) -> np.ndarray:
    found = traces.copy()
    found[300, 0] = 1e9
    return found


def _lose_a_minute(lab: Arrays) -> Arrays:
    kept = (lab["spike_times"] < 80) | (lab["spike_times"] > 140)
    return {name: lab[name][kept] for name in ("spike_times", "spike_units")}


BAD: dict[str, tuple[str, Change, str]] = {  # row of the page: recording, what changes in it, command
    "times of the traces in milliseconds": ("movie", _in_ms("trace_times"), "check"),
    "times of the frames in milliseconds": ("movie", _in_ms("frame_times"), "check"),
    "spike times in samples": ("probe", lambda lab: {"spike_times": 30000 * lab["spike_times"]}, "check"),
    "times of the traces as numbers of samples": (
        "movie",
        lambda lab: {"trace_times": np.arange(650.0)},
        "check",
    ),
    "areas of 40 units, of which 39 fired, counted from 1": ("probe", _silence_last, "check"),
    "a value of a billion": ("movie", lambda lab: {"traces": _spoil(lab["traces"])}, "check"),
    "spikes that were lost for a minute": ("probe", _lose_a_minute, "check"),
    "traces and times of different length": (
        "movie",
        lambda lab: {"trace_times": lab["trace_times"][:-3]},
        "check",
    ),
    "two trials fewer than stimuli": ("photos", lambda lab: {"responses": lab["responses"][:-2]}, "check"),
    "images counted from 1": ("photos", lambda lab: {"shown": lab["shown"] + 1}, "check"),
    "times of frames, some of which are lost": (
        "movie",
        lambda lab: {"frame_times": lab["frame_times"].ravel()[:-7]},
        "check",
    ),
    "an image in two parts of a split": (
        "photos",
        lambda lab: {"tiers": np.where(np.arange(70) % 3, "train", "test")},
        "check",
    ),
    "images without repeats": (
        "photos",
        lambda lab: {
            name: lab[name][:30] for name in ("images", "responses", "running", "pupil_size")
        } | {"shown": np.arange(30)},
        "check",
    ),
    "a microscope of 0.5 Hz": (
        "movie",
        lambda lab: {name: lab[name][::20] for name in ("traces", "trace_times", "running")},
        "check",
    ),
    "running at another rate, without times": (
        "movie",
        lambda lab: {"running": lab["running"][::2]},
        "check",
    ),
    "spikes without the times of trials": ("probe", lambda lab: {"events_stimulus_time": None}, "check"),
    "dF/F for a PupilEncoder": ("movie", lambda lab: {}, "pupil-encoder convert"),
    "too few different images": (
        "photos",
        lambda lab: {"images": lab["images"][:5], "shown": lab["shown"] % 5},
        "sensorium convert",
    ),
    "names of arrays that are not in the table": (
        "photos",
        lambda lab: {name: None for name in lab} | {"dff": lab["responses"]},
        "check",
    ),
}  # fmt: skip


@pytest.fixture
def page(root: Path) -> str:
    return (root / "book" / "own_recordings.md").read_text()


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Arrays]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    return write_labs(tmp_path)


def run(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Everything that a command says, as one line."""
    capsys.readouterr()
    main(shlex.split(line, comments=True)[1:])
    said = capsys.readouterr()
    return " ".join((said.out + said.err).split())


@pytest.mark.slow
def test_every_command_of_the_page_runs(
    page: str, labs: dict[str, Arrays], capsys: pytest.CaptureFixture[str]
) -> None:
    for line in SHELL.findall(page)[0].splitlines():
        words = shlex.split(re.sub(r"--epochs \d+", "--epochs 1", line), comments=True)
        assert words[0] == "neurokit" and main(words[1:]) == 0, line
    said = capsys.readouterr().out
    assert "motion energy + ridge" in said and "1 of 12 units left out" in said


@pytest.mark.slow
@pytest.mark.parametrize("system", ["sensorium", "pupil_encoder", "v1_transformer", "digital_twin"])
def test_from_arrays_to_a_score_in_ten_lines(page: str, labs: dict[str, Arrays], system: str) -> None:
    (code,) = [block for block in PYTHON.findall(page) if f"{system}.from_arrays" in block]
    found: dict[str, object] = {}
    exec(re.sub(r"epochs=\d+", "epochs=1", code), found)
    assert sum(bool(line.strip()) for line in code.splitlines()) <= LINES
    assert len(found["scores"]) > 1  # type: ignore[arg-type]


def test_examples_of_the_package_are_described(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = [block for block in PYTHON.findall(page) if "recordings.example" in block]
    exec(code, {})
    assert "56 units" in capsys.readouterr().out


def test_what_check_tells_is_what_it_told(
    page: str, labs: dict[str, Arrays], capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = OUTPUT.findall(page)
    assert main(["check", "movie.npz"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert shown.splitlines() == [line for line in said if not line.startswith("wrote ")]


def test_every_sentence_of_the_page_is_said(
    page: str, labs: dict[str, Arrays], capsys: pytest.CaptureFixture[str]
) -> None:
    section = page.partition("## What goes wrong most often")[2].partition("\n## ")[0]
    rows = dict(row.strip("|").split(" | ") for row in section.splitlines() if row.startswith("| "))
    quoted = {given.strip(): sentence.strip() for given, sentence in rows.items()}
    del quoted["what was given"]
    assert quoted.keys() == BAD.keys()
    for given, (name, change, command) in BAD.items():
        arrays = labs[name] | change(labs[name])
        np.savez(f"{name}.npz", **{key: each for key, each in arrays.items() if each is not None})
        output = " --output new" if command.endswith("convert") else ""
        assert quoted[given] in run(f"neurokit {command} {name}.npz{output}", capsys), given
