"""The command line: `neurokit <system> data | simulate | train | tune | evaluate | predict | submit`.

Without options every command works on the demo source, where nothing is downloaded. What the systems differ
in (models, options, columns) they say themselves, in their module `experiment`; it is imported when one of
their commands is called, so that this page and `neurokit --help` need no torch.
"""

import argparse
import importlib.util
import inspect
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neurokit import __version__, settings
from neurokit.errors import DataError, NeurokitError, SettingsError

if TYPE_CHECKING:
    from neurokit.experiment import Experiment
    from neurokit.training.system import System

COMMANDS = {  # name: what it does, and two examples of its options
    "data": ("show the recording: sessions, units, what is missing", ("", "--list")),
    "simulate": ("write a simulated recording in the real file formats", ("", "--seed 1 --output mouse")),
    "train": ("train a model and save it; a broken-off run goes on", ("--epochs 5", "--seed 1 --size small")),
    "tune": ("search the settings of a model by TPE", ("--trials 20 --epochs 5", "--trials 40 --workers 2")),
    "evaluate": ("score a saved model beside baselines and ceiling", ("", "--seed 1")),
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
ONLY_TRAINING = ("--device", "--compile")  # options that do not say which model it is
USAGE = """\
neurokit: neural encoding models of the mouse visual system

  neurokit <system> <command> [options]

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
    try:
        _run(arguments)
        sys.stdout.flush()  # here, where a reader that has gone away can be caught
    except BrokenPipeError:  # as in `neurokit sensorium data | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python flushes once more
        return 141
    except NeurokitError as error:
        print(f"neurokit: {error}", file=sys.stderr)
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
    elif (name := arguments[0].replace("_", "-")) not in settings.SYSTEMS:
        raise SettingsError(f"There is no system {arguments[0]!r}; use one of {', '.join(settings.SYSTEMS)}.")
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
    from neurokit.training.system import find_system

    system = find_system(name)
    options = _parser(system, command).parse_args(arguments)
    options.given = arguments
    {
        "data": _data,
        "simulate": _simulate,
        "train": _train,
        "tune": _tune,
        "evaluate": _evaluate,
        "predict": _predict,
        "submit": _submit,
    }[command](system, options)


# Options


def _parser(system: "System", command: str) -> argparse.ArgumentParser:
    about, examples = COMMANDS[command]
    typed = f"neurokit {system.NAME} {command}"
    shown = "\n".join(f"  {typed} {example}".rstrip() for example in examples)
    parser = argparse.ArgumentParser(
        prog=typed,
        description=f"{settings.SYSTEMS[system.NAME]}: {about}.",
        epilog=f"examples\n{shown}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if command == "predict":
        _add_prediction(parser, system)
    elif command == "simulate":
        _add_simulation(parser, system)
    else:
        _add_recording(parser)
        _add_own(parser, system)
    if command in ("train", "tune", "evaluate", "submit"):
        _add_model(parser, system, command)
    if command == "data":
        parser.add_argument("--list", action="store_true", help="what the source has, without downloading")
    if command == "tune":
        parser.add_argument("--trials", type=_whole, default=20, help="models to try (default 20)")
        parser.add_argument("--workers", type=_whole, default=1, help="trials at a time (default 1)")
    if command == "submit":
        _add_submission(parser)
    return parser


def _add_recording(parser: argparse.ArgumentParser) -> None:
    text = "demo, cutout or full (default: NEUROKIT_SOURCE or demo)"
    parser.add_argument("--source", choices=settings.SOURCES, help=text)
    parser.add_argument("--folder", type=Path, help="a recording of your own, in place of a source")
    parser.add_argument("--session", nargs="+", default=(), help="which session or sessions of it")
    text = "picks the simulated recording; seed of split, weights and training (default 0)"
    parser.add_argument("--seed", type=_whole, default=0, help=text)


def _add_own(parser: argparse.ArgumentParser, system: "System") -> None:
    for option in system.OPTIONS:
        flag, shown = f"--{option.name}", option.name.upper()
        several = "+" if option.several else None
        parser.add_argument(flag, dest=f"own_{option.key}", nargs=several, metavar=shown, help=option.about)


def _add_model(parser: argparse.ArgumentParser, system: "System", command: str) -> None:
    default = "model_4" if command == "submit" else next(iter(system.MODELS))
    known = ", ".join(f"{name} ({entry.about})" for name, entry in system.MODELS.items())
    text = f"{known}; or my_file.py:name, a function that builds one (default {default})"
    parser.add_argument("--model", default=default, help=text)
    text = "small or published (default: small for a simulated recording)"
    parser.add_argument("--size", choices=("small", "published"), help=text)
    parser.add_argument("--config", type=Path, help="a JSON file with fields of the config")
    text = "one field of the config, such as fit.learning_rate=0.001; may be given again"
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=text)
    parser.add_argument("--epochs", type=_whole, help="at most so many (default: as the config says)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default auto)")
    text = "training steps by torch.compile, or as CUDA graphs on top of it (default none)"
    parser.add_argument("--compile", choices=("none", "default", "graphs"), default="none", help=text)


def _add_simulation(parser: argparse.ArgumentParser, system: "System") -> None:
    parser.add_argument("--seed", type=_whole, default=0, help="of the simulation (default 0)")
    parser.add_argument("--output", type=Path, help="folder (default: in NEUROKIT_DATA)")
    for name in _simulation_options(system):
        flag, text = name.replace("_", "-"), "of the recording (default: as in the demo)"
        parser.add_argument(f"--{flag}", dest=f"own_{name}", metavar=name.upper(), help=text)


def _simulation_options(system: "System") -> list[str]:
    return [name for name in inspect.signature(system.simulate).parameters if name not in ("folder", "seed")]


def _add_prediction(parser: argparse.ArgumentParser, system: "System") -> None:
    parser.add_argument("--checkpoint", type=Path, required=True, help="what `train` has saved")
    parser.add_argument("--input", type=Path, required=True, help=f"npz or csv: {system.INPUTS}")
    parser.add_argument("--output", type=Path, required=True, help="npz or csv with the rates")
    parser.add_argument("--model", help="my_file.py:name that the model was built by, if it was yours")


def _add_submission(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--members", type=_whole, default=5, help="models to average (default 5)")
    engines = ("here", "processes", "ray")
    parser.add_argument("--engine", choices=engines, default="here", help="how they train (default here)")
    text = "members at a time, not with here (default: one on each GPU, or two without one)"
    parser.add_argument("--workers", type=_whole, help=text)
    parser.add_argument("--output", type=Path, help="folder (default: in NEUROKIT_DATA)")


def _whole(text: str) -> int:
    if not text.strip().isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 2^63 - 1")
    return int(text)


def _experiment(system: "System", options: argparse.Namespace) -> "Experiment":
    """The experiment that the options stand for."""
    from neurokit.experiment import Experiment

    own_model = ":" in options.model
    return Experiment(
        system.NAME,
        model=None if own_model else options.model,
        build=_own_model(options.model) if own_model else None,
        values=_values(system, options),
        epochs=options.epochs,
        size=options.size,
        source=options.source,
        folder=options.folder,
        session=options.session,
        seed=options.seed,
        device=options.device,
        compile=options.compile,
    )


def _values(system: "System", options: argparse.Namespace) -> dict[str, Any]:
    """Fields of the config: of the file, then of --set, then of flags of their own."""
    found = {} if options.config is None else _read_config(options.config)
    for pair in options.set:
        name, equals, text = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set {pair} has no value; write --set {pair}=VALUE.")
        found[name] = _parsed(text)
    return found | _own_values(system, options)


def _own_values(system: "System", options: argparse.Namespace) -> dict[str, Any]:
    named = {option.key: getattr(options, f"own_{option.key}") for option in system.OPTIONS}
    return {key: _parsed(value) for key, value in named.items() if value is not None}


def _parsed(text: str | list[str]) -> Any:
    """A number, a list, true, null or a word."""
    if isinstance(text, list):
        return [_parsed(each) for each in text]
    try:
        return json.loads(text)
    except ValueError:
        return None if text == "None" else text


def _read_config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"--config {path} cannot be read ({error}); give a JSON file.") from error
    if not isinstance(found, dict):
        raise SettingsError(f"--config {path} holds no fields; give a JSON object, as in {{'hidden': 20}}.")
    return found


def _own_model(text: str) -> Any:
    """The function `name` of a file, as in my_file.py:name; the file is run, as Python runs any import."""
    file, _, name = text.rpartition(":")
    module = _imported(Path(file))
    if not callable(found := getattr(module, name, None)):
        raise SettingsError(f"--model {text}: {file} has no function {name}.")
    return found


def _imported(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise SettingsError(f"--model: {path} is no Python file; write my_file.py:name.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module  # where loading a checkpoint looks the class up
    specification.loader.exec_module(module)
    return module


# Commands


def _data(system: "System", options: argparse.Namespace) -> None:
    if options.list:
        source = settings.check_source(options.source)
        print(system.sessions(source, options.seed).to_string(index=False))
        _list_checkpoints(system)
    else:
        config = next(iter(system.MODELS.values())).small.with_values(_own_values(system, options))
        recording = system.load(
            source=options.source,
            folder=options.folder,
            session=options.session,
            seed=options.seed,
            config=config.add_seed(options.seed),
        )
        print(system.describe(recording))
    _next(system, "train", [argument for argument in options.given if argument != "--list"])


def _list_checkpoints(system: "System") -> None:
    folder = settings.data_folder() / "checkpoints"
    found = sorted(folder.glob(f"{system.NAME}-*.json"))
    found = [file for file in found if file.with_suffix(".safetensors").is_file()]
    print(f"checkpoints in {folder}: {'none yet' if not found else ''}")
    print("".join(f"  {file.stem}\n" for file in found), end="")


def _simulate(system: "System", options: argparse.Namespace) -> None:
    default = settings.data_folder() / "simulated" / f"own-{system.NAME}-{options.seed}"
    folder = options.output or default
    named = {name: getattr(options, f"own_{name}") for name in _simulation_options(system)}
    chosen = {name: _parsed(text) for name, text in named.items() if text is not None}
    made = system.simulate(folder, seed=options.seed, **chosen)
    print("\n".join(f"wrote {file}" for file in made.files))
    print(made.ceiling)
    _next(system, "train", ["--folder", str(folder), "--size", "small"])


def _train(system: "System", options: argparse.Namespace) -> None:
    experiment = _experiment(system, options)
    there = " (it was trained before)" if experiment.is_trained else ""
    print(experiment.description, flush=True)
    result = experiment.train().result
    parameters = sum(parameter.numel() for parameter in result.model.parameters())
    print(f"{parameters:,} parameters, best epoch {result.best_epoch} of {len(result.history)}{there}")
    _show_score(experiment)
    print(f"saved {experiment.path}.safetensors and .json")
    _next(system, "evaluate", _same_model(options.given))


def _show_score(experiment: "Experiment") -> None:
    """The validation score and, beside it, what needs no network."""
    score = experiment.score()
    rows = {experiment.model_name: score.value} | score.yardsticks
    print(score.name)
    print("\n".join(f"  {name:24}{value:.4g}" for name, value in rows.items()))


def _tune(system: "System", options: argparse.Namespace) -> None:
    experiment = _experiment(system, options)
    print(experiment.description, flush=True)
    study = experiment.tune(options.trials, workers=options.workers)
    print(study.trials.drop(columns=["message"]).sort_values("loss").head(5).round(4).to_string(index=False))
    print(f"best validation loss {study.best_loss:.4g} of {len(study.records)} trials")
    best = [part for name, value in study.best.items() for part in ("--set", f"{name}={value}")]
    left_out = _without(_same_model(options.given), ("--trials", "--workers"))
    _next(system, "train", left_out + best)


def _evaluate(system: "System", options: argparse.Namespace) -> None:
    experiment = _experiment(system, options)
    print(experiment.description, flush=True)
    if not experiment.is_trained:
        print(f"no model at {experiment.path}: training one", flush=True)
    scores = experiment.evaluate()
    print(scores.round(3).to_string(index=False))
    print(system.COLUMNS)
    files = experiment.save_scores(scores)
    print("\n".join(f"wrote {file}" for file in files))
    _next(
        system,
        "predict",
        ["--checkpoint", f"{experiment.path}.json", "--input", "new.npz", "--output", "rates.npz"],
    )


def _predict(system: "System", options: argparse.Namespace) -> None:
    import numpy as np

    from neurokit.training import checkpoint

    if options.model:
        _own_model(options.model)
    found: checkpoint.Checkpoint = checkpoint.load(options.checkpoint)
    if found.facts.get("system") != system.NAME:
        raise SettingsError(
            f"{options.checkpoint} is a model of {found.facts.get('system')}; use that system's predict."
        )
    rates = system.respond(found, _read_inputs(options.input))
    _write_rates(options.output, rates)
    shapes = ", ".join(f"{name} {np.shape(values)}" for name, values in rates.items())
    print(f"wrote {options.output}: {shapes}")
    _next(system, "data", ["--list"])


def _read_inputs(path: Path) -> dict[str, Any]:
    """Arrays by name: those of an npz file, or the columns of a csv file with a header."""
    import pandas as pd

    from neurokit.files.archives import read_npz

    if not path.is_file():
        raise DataError(f"{path} is missing; give a file with the inputs.")
    if path.suffix == ".npz":
        return read_npz(path, MOST_BYTES)
    if path.suffix != ".csv":
        raise DataError(f"{path} is neither .npz nor .csv; give one of these.")
    try:
        table = pd.read_csv(path)
    except ValueError as error:
        raise DataError(f"{path} is no table ({error}); write a header and numbers.") from error
    return {str(name): column.to_numpy() for name, column in table.items()}


def _write_rates(path: Path, rates: dict[str, Any]) -> None:
    import numpy as np
    import pandas as pd

    from neurokit.files.atomic import atomic_write

    if path.suffix not in (".npz", ".csv"):
        raise SettingsError(f"--output {path} is neither .npz nor .csv; give one of these.")
    with atomic_write(path) as new:
        if path.suffix == ".npz":
            with new.open("wb") as file:
                np.savez_compressed(file, **rates)
        else:
            columns = [pd.DataFrame(_flat(values)).add_prefix(f"{name}_") for name, values in rates.items()]
            pd.concat(columns, axis=1).to_csv(new, index=False)


def _flat(values: Any) -> Any:
    """A row each time or trial; trials with bins stand one below the other."""
    return values.reshape(len(values), -1) if values.ndim < 3 else values.reshape(-1, values.shape[-1])


def _submit(system: "System", options: argparse.Namespace) -> None:
    if options.workers is not None and options.engine == "here":
        raise SettingsError("--workers needs --engine processes or ray; here members are trained in turn.")
    experiment = _experiment(system, options)
    print(experiment.description, flush=True)
    chosen = {name: getattr(options, name) for name in ("members", "engine", "workers")}
    made = experiment.submit(options.output, **chosen)
    print(made.members.round(3).to_string(index=False))
    if len(made.scores):
        print(made.scores.round(3).to_string(index=False))
    print(system.COLUMNS)
    print("\n".join(f"wrote {file} (valid)" for file in made.files))
    given = _without(_same_model(options.given), ("--members", "--engine", "--workers", "--output"))
    _next(system, "evaluate", given if "--model" in given else ["--model", options.model, *given])


def _next(system: "System", command: str, arguments: Sequence[str]) -> None:
    """The command to type next."""
    print(f"next: {shlex.join(['neurokit', system.NAME, command, *arguments])}")


def _same_model(given: Sequence[str]) -> list[str]:
    return _without(given, ONLY_TRAINING)


def _without(given: Sequence[str], flags: Sequence[str]) -> list[str]:
    """The arguments without some flags and the value of each."""
    left, skip = [], False
    for argument in given:
        flag, equals, _ = argument.partition("=")
        if not skip and flag not in flags:
            left.append(argument)
        skip = flag in flags and not equals
    return left


MOST_BYTES = 8 * 2**30  # of an input file, unpacked


if __name__ == "__main__":
    sys.exit(main())
