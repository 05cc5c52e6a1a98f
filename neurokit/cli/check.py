"""`neurokit check PATH`: what a recording is, what can be modelled with it, and what it will lack."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neurokit import settings
from neurokit.cli.native import Native, find_native, small
from neurokit.errors import SettingsError
from neurokit.files.marks import CHECK, check_png

if TYPE_CHECKING:
    from neurokit.recordings import Recording
    from neurokit.recordings.diagnosis import Diagnosis

ABOUT = "say what a recording is and what can be modelled with it, on one page and in one picture"
EXAMPLES = ("my_mouse.nwb", "suite2p --output pictures")


def run(arguments: Sequence[str]) -> None:
    """Prints the page, writes the picture, and ends with the command to type next.

    Raises DataError for a path that is missing or in no known format, SettingsError for a session that is not
    there, DiskError where the picture cannot be written.
    """
    options = _parser().parse_args(arguments)
    native = find_native(options.path)
    if native is None:
        _check(options)
    else:
        _name(native)


def _parser() -> argparse.ArgumentParser:
    shown = "\n".join(f"  neurokit check {example}" for example in EXAMPLES)
    parser = argparse.ArgumentParser(
        prog="neurokit check",
        description=f"Any recording: {ABOUT}. Nothing is trained.",
        epilog=f"examples\n{shown}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "path", type=_path, metavar="PATH", help="a file or folder with a recording, or several"
    )
    text = "where the picture goes (default: checks in NEUROKIT_DATA)"
    parser.add_argument("--output", type=_path, metavar="FOLDER", help=text)
    parser.add_argument("--session", metavar="NAME", help="which recording of several (default: the first)")
    return parser


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def _name(native: Native) -> None:
    """Says which system reads its own files."""
    print(f"this is {native.what}, which {native.system} reads")
    print(f"next: {shlex.join(['neurokit', native.system, *native.command])}")


def _check(options: argparse.Namespace) -> None:
    from neurokit.recordings.diagnosis import diagnose
    from neurokit.recordings.formats import read
    from neurokit.recordings.page import describe

    path = _choose(options)
    recording = read(path)
    diagnosis = diagnose(recording)
    print(describe(diagnosis), flush=True)
    folder = settings.data_folder() / "checks" if options.output is None else options.output
    picture = folder / f"{_name_of(path)}.png"
    if options.output is not None:  # the data folder holds no pictures of anybody else
        check_png(picture, CHECK)
    _draw(picture, diagnosis, recording)
    print(f"wrote {picture}")
    print(f"next: {shlex.join(['neurokit', *_next(path, diagnosis)])}")


def _next(path: Path, diagnosis: "Diagnosis") -> list[str]:
    """What to type next: the conversion for the system that fits best, into a folder beside the recording.

    That of an address goes into the working folder.
    """
    from neurokit.recordings.formats import address_of
    from neurokit.recordings.suitability import order_by_fit

    fitting = order_by_fit(diagnosis.systems)
    if not fitting:
        return ["--help"]
    address, name = address_of(path), f"{_name_of(path)}-{fitting[0].system}"
    output = name if address else str(path.with_name(name))
    system = fitting[0].system
    return [system, "convert", address or str(path), "--output", output, *small(system)]


def _name_of(path: Path) -> str:
    """Of a file without its ending, a folder, or what lies at an address."""
    from neurokit.recordings.formats import address_of, list_recordings

    if address_of(path):
        return next(iter(list_recordings(path)))
    return path.stem if path.is_file() else path.name


def _choose(options: argparse.Namespace) -> Path:
    """The path itself, or of several recordings in it the one that is wanted, once all are listed."""
    from neurokit.recordings.formats import list_recordings

    path = options.path.absolute() if options.path.name in ("", "..") else options.path
    held = list_recordings(path)
    if options.session is not None:
        if options.session not in held:
            known = f"; use one of {', '.join(held)}" if held else ""
            raise SettingsError(f"{path} has no session {options.session!r}{known}.")
        return held[options.session]
    if not held:
        return path  # whose reader says what is wrong
    first = next(iter(held))
    if len(held) > 1:
        print(f"{len(held)} recordings in {path}: {', '.join(held)}")
        print(f"checked is {first}; --session names another")
    return held[first]


def _draw(picture: Path, diagnosis: "Diagnosis", recording: "Recording") -> None:
    import matplotlib.pyplot as plt

    from neurokit.files.atomic import atomic_write
    from neurokit.recordings.picture import draw_diagnosis

    figure = draw_diagnosis(diagnosis, recording)
    with atomic_write(picture) as new:
        figure.savefig(new, format="png", dpi=130, metadata={"Software": CHECK})
    plt.close(figure)
