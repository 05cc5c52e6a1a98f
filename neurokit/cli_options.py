"""The options of the command line, and which of them go with which recording."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurokit import settings
from neurokit.errors import SettingsError

CELLS = ("rnn", "gru", "lstm", "mlp", "cnn")
MODELS = ("ln", "cnn", "ln_plus", "cnn_plus", "model_4")
MOVIES = ("natural_movie_one", "natural_movie_two", "natural_movie_three")
RUNNING = ("measured", "none", "shuffled")
SESSION_TYPES = ("three_session_A", "three_session_B", "three_session_C", "three_session_C2")
ENCODER = ("inputs", "split", "cell", "hidden", "layers")
ONLY = {  # options that do not go with every recording
    "steinmetz": (*ENCODER, "trials"),
    "sensorium": ("model", "published", "trials"),
    "allen": ("movies", "without", "running", "size", "session", "session_type"),
    "microns": ("size", "folder", "foundation", "gaps", "weights"),
}
Command = Callable[[argparse.Namespace], None]


def chosen(options: argparse.Namespace) -> Command:
    """The function for this recording; raises SettingsError where an option belongs to another."""
    recording = options.recording
    if recording not in options.functions:
        known = ", ".join(options.functions)
        raise SettingsError(
            f"There is nothing to submit of the recording {recording}; use --recording {known}."
        )
    for other, names in ONLY.items():
        foreign = [_flag(name) for name in given(options, *names) if name not in ONLY[recording]]
        if foreign:
            raise SettingsError(
                f"{', '.join(foreign)} cannot go with --recording {recording}; leave it out, or use "
                f"--recording {other}."
            )
    return options.functions[recording]


def given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Those of the options that stand on the command line; for the others a function's defaults hold."""
    found = {name: getattr(options, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def whole(least: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to 2**32 - 1, which every seed and size here has to be."""

    def parse(text: str) -> int:
        if not text.strip().isdecimal() or not least <= int(text) < 2**32:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to 4294967295")
        return int(text)

    return parse


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    **functions: Command,
) -> argparse.ArgumentParser:
    """A command with a function for each recording that it knows; the first is the default."""
    parser = commands.add_parser(name, help=text, description=text)
    default = next(iter(functions))
    parser.add_argument(
        "--recording", choices=tuple(ONLY), default=default, help=f"which one (default {default})"
    )
    parser.add_argument(
        "--source", choices=settings.SOURCES, help="demo, cutout or full (default: NEUROKIT_SOURCE or demo)"
    )
    parser.add_argument(
        "--seed", type=whole(0), default=0, help="seed of simulation, split and weights (default 0)"
    )
    parser.set_defaults(functions=functions)
    return parser


def add_task(parser: argparse.ArgumentParser) -> None:
    """Which encoder of pupil or behaviour, and what it is trained on."""
    parser.add_argument("--inputs", choices=("pupil", "behaviour"), help="pupil alone (default), or all")
    parser.add_argument("--split", choices=("random", "blocked"), help="of trials (default random)")
    text = "recurrent cell, perceptron or convolutional network of the encoder (default gru)"
    parser.add_argument("--cell", choices=CELLS, help=text)
    parser.add_argument("--hidden", type=whole(1), help="hidden units of the encoder (default 27)")
    parser.add_argument("--layers", type=whole(1), help="layers of the encoder (default 1)")


def add_model(parser: argparse.ArgumentParser, default: str = "cnn_plus") -> None:
    """Which SENSORIUM model."""
    parser.add_argument("--model", choices=MODELS, help=f"of SENSORIUM 2022 (default {default})")
    parser.add_argument(
        "--published", action="store_const", const=True, help="the published size on the demo source too"
    )


def add_session(parser: argparse.ArgumentParser) -> None:
    """Which Allen session, and what is read of it."""
    parser.add_argument("--session", type=whole(1), help="number of an Allen session, on the full source")
    parser.add_argument("--movies", nargs="+", choices=MOVIES, help="of an Allen session (default all)")
    parser.add_argument("--without", nargs="+", type=whole(0), metavar="ID", help="cells to leave out")
    text = "what a V1 Transformer is told of the running (default measured)"
    parser.add_argument("--running", choices=RUNNING, help=text)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Which recording of a mouse that watched video."""
    text = (
        "a recording with training_data and evaluation_data for a digital twin (default: a simulated mouse)"
    )
    parser.add_argument("--folder", type=Path, help=text)


def add_twin(parser: argparse.ArgumentParser) -> None:
    """What a digital twin starts from, and what it makes of gaps."""
    text = "a saved digital twin, or a folder of released weights, whose core is transferred"
    parser.add_argument("--foundation", type=Path, help=text)
    text = "in behaviour: drop windows with one (default), or fill them with the mean"
    parser.add_argument("--gaps", choices=("drop", "mean"), help=text)


def add_size(parser: argparse.ArgumentParser) -> None:
    """How large a V1 Transformer or digital twin."""
    text = "of a V1 Transformer or digital twin (default: small on the demo source, else full)"
    parser.add_argument("--size", choices=("small", "full"), help=text)


def add_training(parser: argparse.ArgumentParser) -> None:
    """How long and where."""
    text = (
        "at most so many epochs (default: 60; SENSORIUM 12 on the demo source, else 200; V1 Transformer 10 "
        "in its small size, else 20; digital twin by its size)"
    )
    parser.add_argument("--epochs", type=whole(1), help=text)
    parser.add_argument("--device", help="auto, cpu, cuda, mps (default auto)")
    text = "training steps by torch.compile, or as CUDA graphs on top of it (default none)"
    parser.add_argument("--compile", choices=("none", "default", "graphs"), help=text)
