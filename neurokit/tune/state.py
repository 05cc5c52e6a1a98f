"""The file of a search: its trials and random generator, so that it can be resumed exactly.

Trials alone would not do: a generator that is seeded again on resuming repeats its first points.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from neurokit.config import plain
from neurokit.errors import CheckpointError
from neurokit.files.atomic import atomic_write
from neurokit.tune.space import point
from neurokit.tune.trials import Trial

FORMAT = 1


def save(
    file: Path,
    settings: dict[str, Any],
    generator: np.random.Generator,
    trials: list[Trial],
) -> None:
    """Writes the state as JSON, atomically; raises DiskError."""
    state = {
        "format": FORMAT,
        "settings": settings,
        "generator": generator.bit_generator.state,
        "trials": [asdict(trial) for trial in trials],
    }
    text = json.dumps(plain(state), default=repr)  # other parameters are for readers only
    with atomic_write(file) as temporary:
        temporary.write_text(text)


def read(
    file: Path, settings: dict[str, Any], space: dict[str, Any]
) -> tuple[np.random.Generator, list[Trial]]:
    """Generator and trials of a saved search; CheckpointError for damage or other settings."""
    state = read_json(file)
    try:
        generator = np.random.default_rng()
        generator.bit_generator.state = state["generator"]
        found = {"format": state["format"]} | state["settings"]
        check_settings(file, found, {"format": FORMAT} | settings)
        records = enumerate(state["trials"])
        return generator, [_trial(record, number, space) for number, record in records]
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise _unreadable(file, error) from error


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file; raises CheckpointError where there is none."""
    try:
        found = json.loads(file.read_text())
        if not isinstance(found, dict):
            raise ValueError("no JSON object")
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    return found


def _unreadable(file: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{file} is not a readable state of a search ({type(error).__name__}: {error}): "
        "move it away to start again; it was left unchanged."
    )


def check_settings(file: Path, found: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raises CheckpointError for the first setting in which a saved search differs."""
    for name in asked:
        if found.get(name) != asked[name]:
            raise CheckpointError(
                f"{file} holds a search with {name}={found.get(name)!r}, not {asked[name]!r}: "
                "pass the settings it was started with, or another file."
            )


def _trial(record: dict[str, Any], number: int, space: dict[str, Any]) -> Trial:
    """Takes parameters from the space, not the file, where JSON has turned tuples into lists."""
    if record["number"] != number:
        raise ValueError(f"trial {number} has the number {record['number']}")
    curve = [(int(epoch), float(loss)) for epoch, loss in record["curve"]]
    return Trial(**(record | {"curve": curve, "parameters": point(space, record["coordinates"])}))
