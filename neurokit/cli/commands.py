"""What each command does: it prints, and leaves the rest to the system and to `neurokit.experiment`."""

import argparse
import os
import shlex
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurokit import settings
from neurokit.cli.options import (
    conversion_options,
    experiment_of,
    own_values,
    parse_value,
    simulation_options,
)
from neurokit.cli.sizes import first_size
from neurokit.errors import DataError, DiskError, NeurokitError, SettingsError, read_from
from neurokit.experiment import Experiment
from neurokit.files.archives import limit_of, read_npz
from neurokit.files.atomic import atomic_write
from neurokit.files.marks import PREDICT, check_csv, check_npz, mark_npz
from neurokit.training import checkpoint
from neurokit.training.choices import check_folder, check_places
from neurokit.training.own_model import build_code, build_name, load_build
from neurokit.training.pretrained import to_arrays
from neurokit.training.system import System

ONLY_TRAINING = ("--device", "--compile")  # options that do not say which model it is
MOST_BYTES = 8 * 2**30  # of an input file, unpacked


def _data(system: System, options: argparse.Namespace) -> None:
    if getattr(options, "weights", None):
        print(system.describe_weights(options.weights))  # type: ignore[attr-defined]  # of one system
        return
    if options.list:
        table = _sessions(system, options)
        print(table.to_string(index=False))
        _list_checkpoints(system)
        given = [argument for argument in options.given if argument != "--list"]
        one = options.folder and len(table) > 1 and not options.session
        named = [*given, *(["--session", str(table["session"].iloc[0])] if one else [])]
        _next_train(system, named, options.folder)
        return
    print(system.describe(_recording(system, options)))
    _next_train(system, options.given, options.folder)


def _next_train(system: System, arguments: Sequence[str], folder: Path | None) -> None:
    """The command that trains, of one's own recording in the size that goes first, after a line on it."""
    line, size = ("", []) if folder is None else first_size(system, folder)
    print(f"{line}\n" if line else "", end="")
    _next(system, "train", [*arguments, *size])


def _sessions(system: System, options: argparse.Namespace) -> pd.DataFrame:
    """What a source or a folder has."""
    check_places(options.source, options.folder, None)
    folder = check_folder(options.folder)
    if folder is None:
        return system.sessions(settings.check_source(options.source), options.seed)
    return system.sessions(settings.source(), options.seed, folder=folder)


def _recording(system: System, options: argparse.Namespace) -> Any:
    """What the default model in its small size would read."""
    where = {name: getattr(options, name) for name in ("source", "folder", "session", "seed")}
    return Experiment(system.NAME, size="small", values=own_values(system, options), **where).recording


def _list_checkpoints(system: System) -> None:
    folder = settings.data_folder() / "checkpoints"
    found = sorted(folder.glob(f"{system.NAME}-*.json"))
    found = [file for file in found if file.with_suffix(".safetensors").is_file()]
    print(f"checkpoints in {folder}: {'none yet' if not found else ''}")
    print("".join(f"  {file.stem}\n" for file in found), end="")


def _simulate(system: System, options: argparse.Namespace) -> None:
    default = settings.data_folder() / "simulated" / f"own-{system.NAME}-{options.seed}"
    folder = options.output or default
    named = {name: getattr(options, f"own_{name}") for name in simulation_options(system)}
    chosen = {name: parse_value(text) for name, text in named.items() if text is not None}
    made = system.simulate(folder, seed=options.seed, **chosen)
    print("\n".join(f"wrote {file}" for file in made.files))
    print(made.ceiling)
    _next(system, "train", ["--folder", str(folder)])


def _convert(system: System, options: argparse.Namespace) -> None:
    named = {name: getattr(options, f"own_{name}") for name in conversion_options(system)}
    chosen: dict[str, Any] = {name: values for name, values in named.items() if values is not None}
    if "monitor" in chosen:  # names of movies and areas may be numbers, too
        chosen["monitor"] = _whole(chosen["monitor"])
    chosen |= {} if options.format is None else {"format": options.format}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what is left out stands in the lines
        lines = system.convert(options.path, options.output, session=options.session, **chosen)
    print("\n".join(lines))
    several = sum(line.startswith("wrote ") for line in lines) > 1
    place = ["--folder", str(options.output)]
    if several:
        _next(system, "data", ["--list", *place])
    else:
        _next_train(system, place, options.output)


def _whole(values: Sequence[str]) -> list[str] | list[int]:
    """Words, or whole numbers where they all are."""
    return [int(each) for each in values] if all(map(str.isdecimal, values)) else list(values)


def _train(system: System, options: argparse.Namespace) -> None:
    experiment = experiment_of(system, options)
    print(experiment.description, flush=True)
    there = " (it was trained before)" if experiment.is_trained and not options.again else ""
    model = experiment.train(again=options.again).result.model
    result = experiment.result
    parameters = sum(parameter.numel() for parameter in model.parameters())
    best = f"best epoch {result.best_epoch + 1} of {len(result.history)}"
    print(f"{parameters:,} parameters, {best}{there}")
    _show_score(experiment)
    print(f"saved {experiment.path}.safetensors and .json")
    if getattr(model, "configuration", None) is None:
        print(f"{type(model).__name__} has no `configuration`, without which `predict` cannot build it again")
    _next(system, "evaluate", _same_model(options.given))


def _show_score(experiment: Experiment) -> None:
    """The validation score and, beside it, what needs no network."""
    score = experiment.score()
    rows = {experiment.model_name: score.value} | score.yardsticks
    print(score.name)
    print("\n".join(f"  {name:24}{value:.4g}" for name, value in rows.items()))
    _show_omissions(experiment)


def _show_omissions(experiment: Experiment) -> None:
    """What these scores are not of."""
    print("".join(f"without {omission}\n" for omission in experiment.omissions), end="")


def _tune(system: System, options: argparse.Namespace) -> None:
    experiment = experiment_of(system, options)
    print(experiment.description, flush=True)
    study = experiment.tune(options.trials, workers=options.workers)
    table = study.trials.drop(columns=["message"]).sort_values("loss").head(5).round(4)
    trained = study.curves.groupby("number").size()
    table["epochs"] = table["number"].map(trained).fillna(0).astype(int)
    print(table.to_string(index=False))
    print(f"best validation loss {study.best_loss:.4g} of {len(study.records)} trials")
    _show_omissions(experiment.with_values(study.best))
    best = [part for name, value in study.best.items() for part in ("--set", f"{name}={value}")]
    left_out = _without(_same_model(options.given), ("--trials", "--workers"))
    _next(system, "train", left_out + best)


def _evaluate(system: System, options: argparse.Namespace) -> None:
    experiment = experiment_of(system, options)
    print(experiment.description, flush=True)
    if experiment.untrainable:
        print(experiment.untrainable, flush=True)
    elif not experiment.is_trained:
        print(f"no model at {experiment.path}: training one", flush=True)
    scores = experiment.evaluate()
    print(scores.round(3).to_string(index=False))
    print(f"{system.COLUMNS}\n{experiment.ceiling}")
    _show_omissions(experiment)
    try:
        print("\n".join(f"wrote {file}" for file in experiment.save_scores(scores)))
    except DiskError as error:  # such as a data folder that others may only read
        print(f"note: the scores are not kept: {error}")
    if experiment.untrainable:
        _next(system, "data", ["--list"])
        return
    asked = ["--checkpoint", f"{experiment.path}.json", "--input", "new.npz", "--output", "rates.npz"]
    own = ["--model", options.model] if ":" in (options.model or "") else []
    _next(system, "predict", asked + own)


def _predict(system: System, options: argparse.Namespace) -> None:
    if os.path.realpath(options.output) == os.path.realpath(options.input):  # also of a link to itself
        raise SettingsError(f"--output is the input, {options.input}; name another file.")
    facts = checkpoint.read_facts(options.checkpoint)
    if (made_by := facts.get("system")) != system.NAME:
        raise SettingsError(f"{options.checkpoint} is a model of {made_by}; use that system's predict.")
    if options.model:
        _import_own_model(options, facts.get("build"))
    rates = _answers(system, checkpoint.load(options.checkpoint), options.input)
    _write_rates(options.output, rates)
    shapes = ", ".join(f"{name} {np.shape(values)}" for name, values in rates.items())
    print(f"wrote {options.output}: {shapes}")
    _next(system, "data", ["--list"])


def _import_own_model(options: argparse.Namespace, built: str | None) -> None:
    """Runs the file of a model of one's own, so that the checkpoint finds its class there."""
    if built is None:
        raise SettingsError(
            f"{options.checkpoint} was not built by a function of your own; leave out --model."
        )
    build = load_build(options.model)
    if (name := built.split(" ")[0]) != build_name(build):
        raise SettingsError(
            f"{options.checkpoint} was built by {name}, not by {options.model}; name its file."
        )
    if built != build_code(build):
        print(f"note: {options.model} has changed since the model was trained")


def _answers(system: System, found: checkpoint.Checkpoint, path: Path) -> dict[str, np.ndarray]:
    """Rates for the inputs in a file; what numpy and torch cannot work with becomes a sentence."""
    try:
        arrays = _read_arrays(path)
        return system.respond(found, arrays)
    except NeurokitError:
        raise
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        needed = " ".join(system.INPUTS.split())
        raise DataError(f"{path} cannot be answered ({reason}); give {needed}.") from error


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    inputs = _read_inputs(path)
    with read_from(path):
        return to_arrays(inputs)


def _read_inputs(path: Path) -> dict[str, Any]:
    """Arrays by name: those of an npz file, or the columns of a csv file with a header."""
    if not path.is_file():
        raise DataError(f"{path} is missing; give a file with the inputs.")
    if path.suffix == ".npz":
        return read_npz(path, limit_of(path, MOST_BYTES))
    if path.suffix != ".csv":
        raise DataError(f"{path} is neither .npz nor .csv; give one of these.")
    try:
        table = pd.read_csv(path)
    except ValueError as error:
        raise DataError(f"{path} is no table ({error}); write a header and numbers.") from error
    return {str(name): column.to_numpy() for name, column in table.items()}


def _write_rates(path: Path, rates: dict[str, Any]) -> None:
    if path.suffix not in (".npz", ".csv"):
        raise SettingsError(f"--output {path} is neither .npz nor .csv; give one of these.")
    if path.suffix == ".npz":
        check_npz(path, PREDICT)
    else:
        check_csv(path, rates)
    with atomic_write(path) as new:
        if path.suffix == ".npz":
            with new.open("wb") as file:
                np.savez_compressed(file, **rates)
            mark_npz(new, PREDICT)
        else:
            columns = [pd.DataFrame(_flat(values)).add_prefix(f"{name}_") for name, values in rates.items()]
            pd.concat(columns, axis=1).to_csv(new, index=False)


def _flat(values: Any) -> Any:
    """A row each time or trial; trials with bins stand one below the other."""
    return values.reshape(len(values), -1) if values.ndim < 3 else values.reshape(-1, values.shape[-1])


def _submit(system: System, options: argparse.Namespace) -> None:
    if options.workers is not None and options.engine == "here":
        raise SettingsError("--workers needs --engine processes or ray; here members are trained in turn.")
    experiment = experiment_of(system, options)
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


def _next(system: System, command: str, arguments: Sequence[str]) -> None:
    """The command to type next."""
    print(f"next: {shlex.join(['neurokit', system.NAME, command, *arguments])}")


def _same_model(given: Sequence[str]) -> list[str]:
    return [argument for argument in _without(given, ONLY_TRAINING) if argument != "--again"]


def _without(given: Sequence[str], flags: Sequence[str]) -> list[str]:
    """The arguments without some flags and the value of each."""
    left, skip = [], False
    for argument in given:
        flag, equals, _ = argument.partition("=")
        if not skip and flag not in flags:
            left.append(argument)
        skip = flag in flags and not equals
    return left


RUN: dict[str, Callable[[System, argparse.Namespace], None]] = {
    "data": _data,
    "simulate": _simulate,
    "convert": _convert,
    "train": _train,
    "tune": _tune,
    "evaluate": _evaluate,
    "predict": _predict,
    "submit": _submit,
}
