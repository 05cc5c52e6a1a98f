"""The options of each command, and the experiment that they stand for."""

import argparse
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from neurokit import settings
from neurokit.errors import SettingsError
from neurokit.experiment import Experiment
from neurokit.files.reading import check_is_file
from neurokit.training.own_model import load_build
from neurokit.training.system import System

WITH_MODEL = ("train", "tune", "evaluate", "submit")  # commands


def parser_of(system: System, command: str, about: str, examples: Sequence[str]) -> argparse.ArgumentParser:
    """The options of one command, and nothing that only another command or system takes."""
    typed = f"neurokit {system.NAME} {command}"
    shown = "\n".join(f"  {typed} {example}".rstrip() for example in examples)
    parser = argparse.ArgumentParser(
        prog=typed,
        description=f"{settings.SYSTEMS[system.NAME]}: {about}.",
        epilog=f"examples\n{shown}{_config_fields(system, command)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if command == "predict":
        _add_prediction(parser, system)
    elif command == "simulate":
        _add_simulation(parser, system)
    elif command == "convert":
        _add_conversion(parser, system)
    else:
        _add_recording(parser)
        _add_own(parser, system)
    if command in WITH_MODEL:
        _add_model(parser, system, command)
    if command == "data":
        parser.add_argument("--list", action="store_true", help="what the source has, without downloading")
        if hasattr(system, "describe_weights"):
            text = "a folder of released weights, whose scans to list in place of a recording"
            parser.add_argument("--weights", type=a_path, help=text)
    if command == "train":
        text = "train anew, also where this model is there already"
        parser.add_argument("--again", action="store_true", help=text)
    if command == "tune":
        parser.add_argument("--trials", type=whole_number, default=20, help="models to try (default 20)")
        parser.add_argument("--workers", type=whole_number, default=1, help="trials at a time (default 1)")
    if command == "submit":
        _add_submission(parser)
    return parser


def _config_fields(system: System, command: str) -> str:
    """The names that --set and --config take, with the values of the default model in its small size."""
    if command not in WITH_MODEL:
        return ""
    name, entry = next(iter(system.MODELS.items()))
    config = entry.small
    inner = {each.rpartition(".")[0] for each in config.names()}
    pairs = [
        f"{each}={_typed(config.value(each))}" for each in config.names() if each not in {*inner, "seed"}
    ]
    text = textwrap.fill(
        " ".join(pairs),
        98,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"\n\nfields of the config for --set and --config, as in {name}, small size\n{text}"


def _typed(value: Any) -> str:
    """A value as --set takes it, without blanks."""
    if isinstance(value, str | Path):
        return str(value)
    return json.dumps(value, separators=(",", ":"), default=str)


def _add_recording(parser: argparse.ArgumentParser) -> None:
    text = "demo, cutout or full (default: NEUROKIT_SOURCE or demo)"
    parser.add_argument("--source", choices=settings.SOURCES, help=text)
    parser.add_argument(
        "--folder", type=a_path, metavar="FOLDER", help="a recording of your own, in place of a source"
    )
    parser.add_argument("--session", nargs="+", default=(), help="which session or sessions of it")
    text = "picks the simulated recording; seed of split, weights and training (default 0)"
    parser.add_argument("--seed", type=whole_number, default=0, help=text)


def _add_own(parser: argparse.ArgumentParser, system: System) -> None:
    for option in system.OPTIONS:
        flag, shown = f"--{option.name}", option.name.upper()
        several = "+" if option.several else None
        parser.add_argument(flag, dest=f"own_{option.key}", nargs=several, metavar=shown, help=option.about)


def _add_model(parser: argparse.ArgumentParser, system: System, command: str) -> None:
    default = "model_4" if command == "submit" else None
    first = default or next(iter(system.MODELS))
    known = ", ".join(f"{name} ({entry.about})" for name, entry in system.MODELS.items())
    text = f"{known}; or my_file.py:name, a function that builds one (default {first})"
    parser.add_argument("--model", default=default, help=text)
    text = "small or published (default: small for a simulated recording, published for your own)"
    parser.add_argument("--size", choices=("small", "published"), help=text)
    parser.add_argument("--config", type=a_path, metavar="FILE", help="a JSON file with fields of the config")
    names = next(iter(system.MODELS.values())).small.names()
    key = next(name for name in names if name.endswith("learning_rate"))
    text = f"one field of the config, such as {key}=0.001; may be given again"
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=text)
    parser.add_argument(
        "--epochs", type=whole_number, help="largest number of epochs (default: that of the config)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default auto)")
    text = "training steps by torch.compile, or as CUDA graphs on top of it (default none)"
    parser.add_argument("--compile", choices=("none", "default", "graphs"), default="none", help=text)


def _add_simulation(parser: argparse.ArgumentParser, system: System) -> None:
    parser.add_argument("--seed", type=whole_number, default=0, help="of the simulation (default 0)")
    parser.add_argument("--output", type=a_path, metavar="FOLDER", help="folder (default: in NEUROKIT_DATA)")
    for name in simulation_options(system):
        flag, text = name.replace("_", "-"), "of the recording (default: as in the demo)"
        parser.add_argument(f"--{flag}", dest=f"own_{name}", metavar=name.upper(), help=text)


def _add_conversion(parser: argparse.ArgumentParser, system: System) -> None:
    parser.add_argument(
        "path", type=a_path, metavar="PATH", help="a file or folder with a recording, or several"
    )
    parser.add_argument("--output", type=a_path, metavar="FOLDER", required=True, help="folder to write")
    parser.add_argument("--session", nargs="+", default=(), help="which of several recordings (default all)")
    default = inspect.signature(system.convert).parameters["format"].default
    text = f"layout of the files, such as arrays or experanto (default {default})"
    parser.add_argument("--format", help=text)
    about = {"monitor": "rows and columns of the video: 36 64 for the small size (default 144 256)"}
    for name in conversion_options(system):
        text = about.get(name, "to take (default: all)")
        parser.add_argument(f"--{name}", dest=f"own_{name}", nargs="+", metavar=name.upper(), help=text)


def conversion_options(system: System) -> list[str]:
    """What else can be said of a conversion."""
    held = ("path", "folder", "session", "format")
    return [name for name in inspect.signature(system.convert).parameters if name not in held]


def simulation_options(system: System) -> list[str]:
    """What else can be said of a simulated recording."""
    return [name for name in inspect.signature(system.simulate).parameters if name not in ("folder", "seed")]


def _add_prediction(parser: argparse.ArgumentParser, system: System) -> None:
    parser.add_argument(
        "--checkpoint", type=a_path, metavar="FILE", required=True, help="what `train` has saved"
    )
    parser.add_argument(
        "--input",
        type=a_path,
        metavar="FILE",
        required=True,
        help=f"npz, or csv if all arrays have one axis: {system.INPUTS}",
    )
    parser.add_argument(
        "--output", type=a_path, metavar="FILE", required=True, help="npz or csv with the rates"
    )
    parser.add_argument("--model", help="my_file.py:name that the model was built by, if it was yours")


def _add_submission(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--members", type=whole_number, default=5, help="models to average (default 5)")
    engines = ("here", "processes", "ray")
    parser.add_argument("--engine", choices=engines, default="here", help="how they train (default here)")
    text = "members at a time, not with here (default: one on each GPU, or two without one)"
    parser.add_argument("--workers", type=whole_number, help=text)
    parser.add_argument("--output", type=a_path, metavar="FOLDER", help="folder (default: in NEUROKIT_DATA)")


def a_path(text: str) -> Path:
    """A path; empty text, as of a variable that is not set, would mean the working folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def whole_number(text: str) -> int:
    """A number that seeds and sizes may be."""
    if not (text.isascii() and text.strip().isdecimal()) or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 2^63 - 1")
    return int(text)


def experiment_of(system: System, options: argparse.Namespace) -> Experiment:
    """The experiment that the options stand for; what is wrong with a field of --config names that file."""
    config = {} if options.config is None else _read_config(options.config)
    try:
        return _experiment_of(system, options, config)
    except SettingsError as error:
        fields = re.findall(r'"(\w+)":', json.dumps(config))
        if not any(re.search(rf"\b{name}\b", str(error)) for name in fields):
            raise
        raise SettingsError(f"--config {options.config}: {error}") from error


def _experiment_of(system: System, options: argparse.Namespace, config: dict[str, Any]) -> Experiment:
    own_model = ":" in (options.model or "")
    experiment = Experiment(
        system.NAME,
        model=None if own_model else options.model,
        build=load_build(options.model) if own_model else None,
        values=_values(system, options, config),
        epochs=options.epochs,
        size=options.size,
        source=options.source,
        folder=options.folder,
        session=options.session,
        seed=options.seed,
        device=options.device,
        compile=options.compile,
    )
    _check_all_hold(experiment, options)
    return experiment


def _values(system: System, options: argparse.Namespace, config: dict[str, Any]) -> dict[str, Any]:
    """Fields of the config: of the file, then of --set, then of flags of their own."""
    return config | {name: value for _, name, value in _pairs(options)} | own_values(system, options)


def _pairs(options: argparse.Namespace) -> Iterator[tuple[str, str, Any]]:
    """What each --set says: its text, the name and the value."""
    for pair in options.set:
        name, equals, text = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set {pair} has no value; write --set {pair}=VALUE.")
        if name == "seed":  # file names and the simulated recording would say another one
            raise SettingsError(f"--set {pair} would hide the seed; use --seed {text}.")
        yield pair, name, parse_value(text)


def _check_all_hold(experiment: Experiment, options: argparse.Namespace) -> None:
    """Raises SettingsError for a --set that another option has undone."""
    for pair, name, value in _pairs(options):
        if experiment.config.with_values({name: value}) != experiment.config:
            raise SettingsError(f"--set {pair} and another option say different things; give one of them.")


def own_values(system: System, options: argparse.Namespace) -> dict[str, Any]:
    """Fields of the config that have a flag of their own and were given."""
    named = {option.key: getattr(options, f"own_{option.key}") for option in system.OPTIONS}
    return {key: parse_value(value) for key, value in named.items() if value is not None}


def parse_value(text: str | list[str]) -> Any:
    """A number, a list, true, null or a word."""
    if isinstance(text, list):
        return [parse_value(each) for each in text]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None if text == "None" else text


def _read_config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(check_is_file(path, SettingsError).read_text())
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"--config {path} cannot be read ({error}); give a JSON file.") from error
    if not isinstance(found, dict):
        raise SettingsError(f'--config {path} holds no fields; give a JSON object, as in {{"hidden": 20}}.')
    return found
