"""Trains the models that come with the package (neurokit/trained/), and notes what they score.

    python tools/train_shipped.py v1-images    one of them
    python tools/train_shipped.py              all

Every model is that of an `Experiment` on the demo source. Its side-car holds config, seed and history, as
that of every checkpoint, and the test scores beside baselines and ceiling.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from neurokit import Experiment, trained
from neurokit.training import checkpoint

# Name, and the arguments of its experiment.
SHIPPED: dict[str, dict[str, Any]] = {}
MADE = {"model", "version", "configuration", "sha256"}  # of the side-car, by `checkpoint.save` itself
LARGEST = 3_000_000  # bytes of all together


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
        path = ship(Experiment(**SHIPPED[name], device="cpu").train(), options.folder / name)
        print(f"wrote {path.name}: {path.stat().st_size / 1e6:.2f} MB")
    size = sum(path.stat().st_size for path in options.folder.glob("*.*"))
    print(f"all together {size / 1e6:.2f} MB, at most {LARGEST / 1e6:.0f}")


def ship(experiment: Experiment, path: Path) -> Path:
    """Copies a trained experiment's checkpoint to `path`, with its test scores in the side-car."""
    scores = json.loads(experiment.evaluate().round(4).to_json(orient="records"))
    found = checkpoint.load(experiment.path)
    facts = {name: value for name, value in found.facts.items() if name not in MADE}
    configuration = found.facts["configuration"]
    return checkpoint.save(found.model, path, configuration, arrays=found.arrays, **facts, scores=scores)


if __name__ == "__main__":
    main()
