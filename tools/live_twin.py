"""Builds what the live twin's page loads: the exported network, its cells, the page's scripts, the runtime.

    python tools/live_twin.py              into build/live
    python tools/live_twin.py --folder F   into F

Then `python -m http.server --directory build/live` serves it, at the address that this prints.

Everything is local: the page asks no other machine for anything. The runtime is onnxruntime-web, which npm
brings on the first call; without npm there is no live twin, this says so in a sentence and exits with 3. A
network in the folder that is newer than all it is made of is left as it is.
"""

import argparse
import json
import logging
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from live_model import LiveTwin, Recorded, choose_cells, read_recorded
from neurokit import trained

HERE = Path(__file__).parent
PAGE = HERE.parent / "book" / "live"
BUILD = HERE.parent / "build"
SCRIPTS = ("index.html", "live.js", "stimulus.js", "search.js", "draw.js", "live.css")
RUNTIME = {
    "ort.wasm.bundle.min.mjs": "ort.js",  # a file server may not know what .mjs is
    "ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
}
OPSET = 18
WITHOUT_NPM = 3  # exit status


def main(arguments: list[str] | None = None) -> int:
    """Builds it; the exit status is 3 where npm is missing or reaches nothing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=BUILD / "live", help="where it is put")
    folder: Path = parser.parse_args(arguments).folder
    runtime = find_runtime()
    if runtime is None:
        print("no live twin: it needs npm (of Node.js), and a network the first time", file=sys.stderr)
        return WITHOUT_NPM
    folder.mkdir(parents=True, exist_ok=True)
    for name, own in RUNTIME.items():
        shutil.copyfile(runtime / "dist" / name, folder / own)
    for name in SCRIPTS:
        shutil.copyfile(PAGE / name, folder / name)
    if is_stale(folder / "cells.json"):
        export(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    network = (folder / "twin.onnx").stat().st_size
    print(f"live twin: {folder}, {size / 1e6:.1f} MB, of which the network {network / 1e6:.2f}")
    return 0


def find_runtime() -> Path | None:
    """The folder of onnxruntime-web, which npm puts under build/node on the first call; None without npm."""
    wanted = json.loads((PAGE / "package.json").read_text())["dependencies"]["onnxruntime-web"]
    place = BUILD / "node"
    found = place / "node_modules" / "onnxruntime-web"
    if found.is_dir() and json.loads((found / "package.json").read_text())["version"] == wanted:
        return found
    npm = shutil.which("npm")
    if npm is None:
        return None
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PAGE / "package.json", place / "package.json")
    # A package's own install scripts could fetch and run anything.
    flags = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    done = subprocess.run([npm, "install", *flags], cwd=place, check=False)
    return found if done.returncode == 0 and found.is_dir() else None


def is_stale(path: Path) -> bool:
    """Whether the exported network is missing, or older than what it is made of."""
    sources = (
        Path(__file__),
        HERE / "live_model.py",
        trained.path_of("v1-images").with_suffix(".safetensors"),
    )
    return not path.is_file() or path.stat().st_mtime < max(each.stat().st_mtime for each in sources)


def export(folder: Path) -> None:
    """Writes twin.onnx and cells.json."""
    torch.set_num_threads(1)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    recorded = read_recorded()
    shown, scores = choose_cells(recorded)
    model = LiveTwin(recorded, shown).eval()
    example = (torch.zeros(2, 36, 64), torch.zeros(2), torch.zeros(2))
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about its own future
        torch.onnx.export(
            model,
            example,
            str(folder / "twin.onnx"),
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            verbose=False,
            input_names=["images", "running", "pupil"],
            output_names=["predicted", "planted"],
            dynamic_shapes=({0: batch}, {0: batch}, {0: batch}),
        )
    (folder / "cells.json").write_text(json.dumps(describe(recorded, shown, scores), indent=1) + "\n")


def describe(recorded: Recorded, shown: list[int], scores: Float[np.ndarray, "N"]) -> dict[str, object]:
    """What the page says of the cells, and the numbers that turn sliders into inputs."""
    cells, images = recorded.mouse.cells, recorded.scan.statistics["images"]
    mean, std = images["mean"].item(), images["std"].item()
    groups = ("well predicted", "middling", "poorly predicted")
    rows = [
        {
            "unit": int(recorded.scan.unit_ids[cell]),
            "group": groups[place * len(groups) // len(shown)],
            "score": round(float(scores[cell]), 2),
            "complex": bool(cells.complex[cell]),
            "row": round(float(cells.center[cell, 0]), 2),
            "column": round(float(cells.center[cell, 1]), 2),
            "sigma": round(float(cells.sigma[cell]), 2),
            "orientation": round(float(np.degrees(cells.orientation[cell]) % 180), 1),
            "frequency": round(float(cells.frequency[cell]), 4),
        }
        for place, cell in enumerate(shown)
    ]
    amplitude = min(mean, 255 - mean) / std  # of a grating at full contrast, neither black nor white cut off
    return {"cells": rows, "amplitude": round(amplitude, 4), "mean": round(mean, 2), "std": round(std, 2)}


if __name__ == "__main__":
    sys.exit(main())
