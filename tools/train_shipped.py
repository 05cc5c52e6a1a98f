"""Trains the models that come with the package (neurokit/trained/), and notes what they score.

    python tools/train_shipped.py v1-images    one of them
    python tools/train_shipped.py              all
    python tools/train_shipped.py --check      what is there scores what its side-car says

Every model is that of an `Experiment` on the demo source. Its side-car holds config, seed and history, as
that of every checkpoint, and the test scores beside baselines and ceiling. The core of a twin is trained on
other mice first.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from neurokit import Experiment, digital_twin, settings, trained
from neurokit.digital_twin.network.config import Recurrence
from neurokit.training import checkpoint

# Name, and the arguments of its experiment.
SHIPPED: dict[str, dict[str, Any]] = {
    "v1-images": {
        "system": "sensorium",
        "model": "cnn_plus",
        "values": {"behaviour_scale": "range"},
        "epochs": 30,
        "session": "90000-1-1",
    },
    "v1-movies": {"system": "v1-transformer", "values": {"epochs": 20}},
    "twin": {"system": "digital-twin", "epochs": 6},
}
MADE = {"model", "version", "configuration", "sha256"}  # of the side-car, by `checkpoint.save` itself
LARGEST = 3_000_000  # bytes of all together
TOLERANCE, UNTRAINED = 0.002, 0.05  # how far scores may be apart, and how far an untrained network's must be
CORE_MICE = {
    f"mouse-{seed}": digital_twin.MouseParameters(seed=seed, cells=400, test_clips=0, new_clips=0)
    for seed in (1000, 1001)
}
CORE = digital_twin.SMALL.with_epochs(8)


def main(arguments: list[str] | None = None) -> None:
    """Trains, scores and writes those that are named, or all; or scores again.

    Exits with a sentence for each that does not score what its side-car says.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*SHIPPED, []], help="default: all")
    parser.add_argument("--folder", type=Path, default=trained.FOLDER, help="where they are put")
    parser.add_argument("--check", action="store_true", help="train nothing; score again what is there")
    options = parser.parse_args(arguments)
    os.environ["NEUROKIT_SOURCE"] = "demo"
    if options.check:
        return check(options.names or [*SHIPPED], options.folder)
    for name in options.names or SHIPPED:
        arguments = dict(SHIPPED[name])
        if arguments["system"] == "digital-twin":
            arguments["values"] = {"foundation": core()}
        path = ship(Experiment(**arguments, device="cpu").train(), options.folder / name)
        print(f"wrote {path.name}: {path.stat().st_size / 1e6:.2f} MB")
    size = sum(path.stat().st_size for path in options.folder.glob("*.*"))
    print(f"all together {size / 1e6:.2f} MB, at most {LARGEST / 1e6:.0f}")


def check(names: Sequence[str], folder: Path) -> None:
    """Exits unless each scores what its side-car says, and the same network untrained does not."""
    torch.set_num_threads(1)
    faults = [fault for name in names for fault in check_one(name, folder)]
    if faults:
        raise SystemExit("\n".join(faults))


def check_one(name: str, folder: Path) -> list[str]:
    """A sentence for what does not hold of one of the models; empty where all does."""
    experiment, found = Experiment(**SHIPPED[name], device="cpu"), checkpoint.load(folder / name)
    said = found.facts["scores"]
    trained_apart, untrained_apart = (
        largest_difference(score_rows(experiment, model), said)
        for model in (found.model, experiment.untrained())
    )
    print(
        f"{name}: largest difference from its side-car {trained_apart:.4f}, untrained {untrained_apart:.2f}"
    )
    faults = {
        f"{name} scores otherwise than its side-car says, by {trained_apart:.4f}": trained_apart > TOLERANCE,
        f"{name} scores what an untrained network does": not untrained_apart > UNTRAINED,
    }
    return [sentence for sentence, holds in faults.items() if holds]


def score_rows(experiment: Experiment, model: Any) -> list[dict[str, Any]]:
    """The rows of the table of scores of a model of the experiment, rounded as in a side-car."""
    table = experiment.system.evaluate(model, experiment.task, experiment.config)
    return json.loads(table.round(4).to_json(orient="records"))


def largest_difference(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> float:
    """Between the numbers of two tables; infinite where their rows, columns, words or gaps differ."""
    (words, numbers), (other_words, other_numbers) = split(rows), split(others)
    if words != other_words:
        return float("inf")
    return max(abs(one - other) for one, other in zip(numbers, other_numbers, strict=True))


def split(rows: list[dict[str, Any]]) -> tuple[list[Any], list[float]]:
    """What a table says in words, None in place of a number, and its numbers."""
    cells = [cell for row in rows for cell in row.items()]
    numbers = [value for _, value in cells if isinstance(value, int | float)]
    return [(name, None if isinstance(value, int | float) else [value]) for name, value in cells], numbers


def core(recurrence: Recurrence = "attention") -> Path:
    """A twin of the first of the mice that its core was trained on; trained on the first call."""
    path = settings.data_folder() / "shipped" / f"core-{recurrence}"
    config = CORE.replace(network=CORE.network.replace(recurrence=recurrence))
    if not path.with_suffix(".safetensors").is_file():
        folders = {name: digital_twin.load_simulated_mouse(mouse) for name, mouse in CORE_MICE.items()}
        trials = {name: digital_twin.load_trials(path / "training_data") for name, path in folders.items()}
        fitted = digital_twin.train_cohort(trials, config, device="cpu")
        digital_twin.save_twin(fitted.model.network("mouse-1000"), path, config, history=fitted.history)
    return path


def ship(experiment: Experiment, path: Path) -> Path:
    """Copies a trained experiment's checkpoint to `path`, with its test scores in the side-car."""
    scores = json.loads(experiment.evaluate().round(4).to_json(orient="records"))
    found = checkpoint.load(experiment.path)
    facts = {name: value for name, value in found.facts.items() if name not in MADE}
    facts["config"].pop("foundation", None)  # a place on this machine
    configuration = found.facts["configuration"]
    return checkpoint.save(found.model, path, configuration, arrays=found.arrays, **facts, scores=scores)


if __name__ == "__main__":
    main()
