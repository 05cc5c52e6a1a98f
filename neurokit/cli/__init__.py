"""The command line: `neurokit <system> data | simulate | convert | train | tune | evaluate | predict |
submit`.

`neurokit check PATH` looks at any recording and needs no system.

Without options every command works on the demo source, where nothing is downloaded. What the systems differ
in (models, options, columns) they say themselves, in their module `experiment`; it is imported when one of
their commands is called, so that this page and `neurokit --help` need no torch.
"""

import os
import sys
from collections.abc import Sequence
from errno import ENOSPC
from io import TextIOWrapper

from neurokit import __version__, settings
from neurokit.errors import NeurokitError, SettingsError

COMMANDS = {  # name: what it does, and two examples of its options
    "data": ("show the recording: sessions, units, what is missing", ("", "--list")),
    "simulate": ("write a simulated recording in the real file formats", ("", "--seed 1 --output mouse")),
    "convert": (
        "write a recording of your own in files that this system reads",
        ("my_mouse.nwb --output mouse", "lab --session monday --output mouse --format experanto"),
    ),
    "train": ("train a model and save it; a broken-off run goes on", ("--epochs 5", "--seed 1 --size small")),
    "tune": ("search the settings of a model by TPE", ("--trials 20 --epochs 5", "--trials 40 --workers 2")),
    "evaluate": (
        "score a model beside baselines and ceiling; it is trained first if need be",
        ("", "--seed 1"),
    ),
    "predict": (
        "rates for inputs that a saved model has never seen",
        (
            "--checkpoint model.json --input new.npz --output rates.npz",
            "--checkpoint model.json --input new.npz --output rates.csv",
        ),
    ),
    "submit": (
        "train an ensemble and write its submission",
        ("--members 2 --epochs 2", "--engine processes --workers 2"),
    ),
}
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")  # as torch says it
USAGE = """\
neurokit: neural encoding models of the mouse visual system

  neurokit <system> <command> [options]
  neurokit check PATH [options]       a recording of your own: what it is, and what can be modelled with it

systems
{systems}

commands
{commands}

to begin with, offline and in a minute or two
  neurokit pupil-encoder data
  neurokit pupil-encoder train --epochs 5
  neurokit pupil-encoder evaluate --epochs 5

`neurokit <system> <command> --help` lists the options of a command. Recordings come from --source demo
(simulated, the default), cutout (small real ones) or full (downloads), or from a --folder of your own; they
and all models lie in NEUROKIT_DATA, which is {data}.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, or 2 after a sentence on standard error about what to mend."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without R² or ± shows ?
    try:
        _run(arguments)
        if sys.stdout is not None:  # as with >&-
            sys.stdout.flush()  # here, where a reader that has gone away can be caught
    except BrokenPipeError:  # as in `neurokit sensorium data | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python flushes once more
        return 141
    except NeurokitError as error:
        print(f"neurokit: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"neurokit: not enough memory ({error or 'none left'}): use a smaller size.", file=sys.stderr)
        return 2
    except RuntimeError as error:
        if not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        print(
            "neurokit: not enough memory (torch could not have what it asked for): use a smaller size.",
            file=sys.stderr,
        )
        return 2
    except OSError as error:
        if error.filename is not None or error.errno != ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python flushes once more
        print("neurokit: the output could not be written: no space left on that disk.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("neurokit: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _run(arguments: list[str]) -> None:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_usage())
    elif arguments[0] == "--version":
        print(f"neurokit {__version__}")
    elif arguments[0] == "check":
        from neurokit.cli.check import run

        run(arguments[1:])
    elif (name := arguments[0].replace("_", "-")) not in settings.SYSTEMS:
        raise settings.no_such_system(arguments[0])
    elif len(arguments) == 1 or arguments[1] in ("-h", "--help"):
        print(f"neurokit {name}: {settings.SYSTEMS[name]}\n\n{_table(_commands_of(name))}")
    elif arguments[1] not in _commands_of(name):
        known = ", ".join(_commands_of(name))
        raise SettingsError(f"{name} has no command {arguments[1]!r}; use one of {known}.")
    else:
        _command(name, arguments[1], arguments[2:])


def _usage() -> str:
    commands = _table({name: about for name, (about, _) in COMMANDS.items()})
    return USAGE.format(systems=_table(settings.SYSTEMS), commands=commands, data=settings.data_folder())


def _table(rows: dict[str, str]) -> str:
    return "\n".join(f"  {name:16}{about}" for name, about in rows.items())


def _commands_of(name: str) -> dict[str, str]:
    held = {command: about for command, (about, _) in COMMANDS.items()}
    return held if name == "sensorium" else {c: about for c, about in held.items() if c != "submit"}


def _command(name: str, command: str, arguments: list[str]) -> None:
    from neurokit.cli.commands import RUN
    from neurokit.cli.options import parser_of
    from neurokit.training.system import find_system

    system, (about, examples) = find_system(name), COMMANDS[command]
    options = parser_of(system, command, about, examples).parse_args(arguments)
    options.given = arguments
    RUN[command](system, options)
