"""Trains the models that come with the package (neurokit/trained/), and notes what they score.

    python tools/train_shipped.py v1-images    one of them
    python tools/train_shipped.py              all

Every model is that of an `Experiment` on the demo source. Its side-car holds config, seed and history, as
that of every checkpoint, and the test scores beside baselines and ceiling. The core of a twin is trained on
other mice first.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from neurokit import Experiment, digital_twin, settings, trained
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
CORE_MICE = {
    f"mouse-{seed}": digital_twin.MouseParameters(seed=seed, cells=400, test_clips=0, new_clips=0)
    for seed in (1000, 1001)
}
CORE = digital_twin.SMALL.with_epochs(8)


def main(arguments: list[str] | None = None) -> None:
    """Trains, scores and writes those that are named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*SHIPPED, []], help="default: all")
    parser.add_argument("--folder", type=Path, default=trained.FOLDER, help="where they are put")
    options = parser.parse_args(arguments)
    os.environ["NEUROKIT_SOURCE"] = "demo"
    for name in options.names or SHIPPED:
        arguments = dict(SHIPPED[name])
        if arguments["system"] == "digital-twin":
            arguments["values"] = {"foundation": core()}
        path = ship(Experiment(**arguments, device="cpu").train(), options.folder / name)
        print(f"wrote {path.name}: {path.stat().st_size / 1e6:.2f} MB")
    size = sum(path.stat().st_size for path in options.folder.glob("*.*"))
    print(f"all together {size / 1e6:.2f} MB, at most {LARGEST / 1e6:.0f}")


def core() -> Path:
    """A twin of the first of the mice that its core was trained on; trained on the first call."""
    path = settings.data_folder() / "shipped" / "core"
    if not path.with_suffix(".safetensors").is_file():
        folders = {name: digital_twin.load_simulated_mouse(mouse) for name, mouse in CORE_MICE.items()}
        trials = {name: digital_twin.load_trials(path / "training_data") for name, path in folders.items()}
        fitted = digital_twin.train_cohort(trials, CORE, device="cpu")
        digital_twin.save_twin(fitted.model.network("mouse-1000"), path, CORE, history=fitted.history)
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
