"""Absurd command lines, and how `neurokit` ends with them."""

import contextlib
import io
import sys
from pathlib import Path

from neurokit.cli import main

NUMBERS = ("", "x", "-1", "1.5", "nan", "1e999", "99999999999999999999999", "0x10", "١")


def command_lines(work: Path) -> list[tuple[str, list[str]]]:
    """The kind and the words of each line; files they name lie below `work`."""
    (work / "deep.json").write_text("[" * 100_000)
    (work / "list.json").write_text("[1]")
    (work / "odd.json").write_text('{"fit": {"learning_rate": 1e999}, "hidden": "x"}')
    (work / "text.npz").write_text("text")
    (work / "binary.csv").write_bytes(bytes(range(256)))
    return [
        *_words(),
        *_numbers(),
        *_fields(work),
        *_places(work),
        *_files(work),
        *_own(work),
    ]


def run_line(words: list[str]) -> tuple[int, str]:
    """Exit code and standard error of a line, as the command gives them."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            code = main(words)
        except SystemExit as end:  # argparse
            code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    return code, said.getvalue()


def _words() -> list[tuple[str, list[str]]]:
    lines = [
        "nonsense",
        "sensorium nonsense",
        "sensorium submit x",
        "v1-transformer submit",
        "--x",
        "help me",
    ]
    lines += ["pupil_encoder data --x", "sensorium train --model nonsense", "sensorium train --size huge"]
    lines += ["digital-twin data --source nonsense", "pupil-encoder data --source cutout --session nonsense"]
    lines += [
        "sensorium train --device cpu:foo",
        "sensorium train --device mars",
        "sensorium train --device 99",
    ]
    lines += [
        "sensorium train --compile fast",
        "sensorium data --session",
        "sensorium data --list --folder x",
    ]
    lines += ["v1-transformer data --source cutout", "v1-transformer data --source full --session x"]
    return [("words", line.split(" ")) for line in lines] + [("words", [""]), ("words", ["sensorium", ""])]


def _numbers() -> list[tuple[str, list[str]]]:
    asked = [("--seed", "data"), ("--epochs", "train"), ("--trials", "tune"), ("--workers", "tune")]
    return [
        ("numbers", ["sensorium", command, f"{flag}={each}"]) for flag, command in asked for each in NUMBERS
    ]


def _fields(work: Path) -> list[tuple[str, list[str]]]:
    start = ["pupil-encoder", "train"]
    pairs = ["hidden", "hidden=", "hidden=x", "hidden=-1", "hidden=1e999", "hidden=[1]", "hidden={}", "=3"]
    pairs += [
        "nonsense=1",
        "seed=1",
        "fit.epochs=NaN",
        "fit.learning_rate=Infinity",
        "fit=3",
        "fit.fit.fit=1",
    ]
    pairs += ["hidden=" + "[" * 100_000, "hidden=" + "9" * 5000, "cell=\x00"]
    lines = [("fields", [*start, "--set", pair]) for pair in pairs]
    files = ["deep.json", "list.json", "odd.json", "absent.json", "binary.csv", ""]
    lines += [("fields", [*start, "--config", str(work / each)]) for each in files]
    return [*lines, ("fields", [*start, "--config", "/dev/null"])]


def _places(work: Path) -> list[tuple[str, list[str]]]:
    lines = []
    for system in ("pupil-encoder", "sensorium", "v1-transformer", "digital-twin"):
        for place in ("", " ", "/dev/null", str(work / "absent"), "x" * 5000, "\x00", str(work)):
            lines.append(("places", [system, "data", "--folder", place]))
        lines.append(("places", [system, "simulate", "--output", "/dev/null"]))
        lines.append(("places", [system, "simulate", "--output", "/proc/x"]))
    return lines


def _files(work: Path) -> list[tuple[str, list[str]]]:
    places = ("/dev/null", "/dev/zero", str(work), str(work / "text.npz"), str(work / "binary.csv"), "absent")
    lines = []
    for place in places:
        asked = ["--checkpoint", place, "--input", place, "--output", str(work / "rates.npz")]
        lines.append(("files", ["sensorium", "predict", *asked]))
        lines.append(("files", ["sensorium", "train", "--model", f"{place}:x"]))
    return lines


def _own(work: Path) -> list[tuple[str, list[str]]]:
    """Recordings of one's own that are none."""
    places = (
        "",
        " ",
        "/dev/null",
        "absent",
        str(work),
        str(work / "text.npz"),
        "\x00",
        "x" * 5000,
        "http://",
    )
    lines = [["check", place] for place in places]
    lines += [["check"], ["check", "--session", "x"], ["check", str(work), "--session", "x"]]
    lines += [["check", str(work / "text.npz"), "--output", "/dev/null"]]
    for system in ("pupil-encoder", "sensorium", "v1-transformer", "digital-twin"):
        lines += [[system, "convert", place, "--output", str(work / "converted")] for place in places]
        lines += [[system, "convert", str(work), "--output", str(work)]]
        lines += [[system, "convert", str(work / "text.npz"), "--output", "x", "--format", "nonsense"]]
    lines += [["digital-twin", "convert", str(work), "--output", "x", "--monitor", each] for each in NUMBERS]
    return [("own recordings", line) for line in lines]
