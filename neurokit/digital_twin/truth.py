"""Simulated mice that watch video: their folders, written once, and what they were made of.

No reader of recordings opens the truth: it is for tests, for experiments on the mouse itself, and for the
ceiling beside a twin's score.

Letters: T frames, N cells, V clips of a kind, R repeats.
"""

import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Float32, UInt8

from neurokit.digital_twin.simulated_files import TRUTH, Scales, write_recording
from neurokit.digital_twin.simulated_mouse import Custom, Sight, VideoMouse, activity
from neurokit.digital_twin.simulation import Ceilings, MouseParameters, simulate_mouse
from neurokit.errors import DataError
from neurokit.files.cache import read_or_write, simulated_folder
from neurokit.simulation.movie_cells import MovieCells
from neurokit.simulation.movies import FRAME_RATE

Part = TypeVar("Part")
MAKERS = (simulate_mouse, write_recording)
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class MouseTruth:
    """One simulated mouse and its recording as their maker knows them.

    Attributes:
        mouse: its cells and eye; `mouse.rates` tells its response to any video.
        scales: statistics of the trials to fit, with which everything was written.
        ceilings: by kind of repeated clips.
        expected: by kind, mean of the units written, over chance.
    """

    parameters: MouseParameters
    mouse: VideoMouse
    scales: Scales
    ceilings: dict[str, Ceilings]
    expected: dict[str, Float32[np.ndarray, "V R T N"]]

    def predict(
        self,
        stimulus: UInt8[np.ndarray, "T H W"],
        perspective: Float[np.ndarray, "T 2"] | None = None,
        modulation: Float[np.ndarray, "T 2"] | None = None,
    ) -> Float32[np.ndarray, "T N"]:
        """What a perfect twin would predict, from and in the numbers of a trial folder.

        Behaviour that is not given is the mean of the trials to fit.
        """
        mean = np.zeros((len(stimulus), 2))
        perspective = mean if perspective is None else perspective
        modulation = mean if modulation is None else modulation
        behaviour = self.scales.behaviour(perspective, modulation)
        rates = self.mouse.recorded_rates(stimulus, behaviour)
        return (activity(rates / FRAME_RATE) / self.scales.units).astype(np.float32)


def load_simulated_mouse(parameters: MouseParameters) -> Path:
    """The folder of a simulated recording, written on the first call (half a minute for the default)."""
    folder = simulated_folder("video-mouse", parameters.to_dict(), MAKERS)

    def write(folder: Path) -> None:
        write_recording(simulate_mouse(parameters), folder)

    return read_or_write(folder, TRUTH, write, _check_truth)


def load_truth(folder: str | Path) -> MouseTruth:
    """What a simulated recording's folder was made of; raises DataError where that is missing or damaged."""
    path = truth_path(folder)
    try:
        with np.load(path, allow_pickle=False) as file:
            return _truth(dict(file))
    except _DAMAGED as error:
        finding = f"{path} is not the truth of a simulated mouse ({error})"
        raise DataError(f"{finding}: remove it and simulate the mouse again.") from error


def truth_path(folder: str | Path) -> Path:
    """Where the truth lies beside a simulated recording; other recordings have none."""
    return Path(folder) / TRUTH


def _check_truth(folder: Path) -> Path:
    load_truth(folder)
    return folder


def _truth(arrays: dict[str, np.ndarray]) -> MouseTruth:
    parameters = MouseParameters.from_json(str(arrays["parameters"]))
    sight = Sight(
        cells=_part("cell", MovieCells, arrays),
        height=parameters.height,
        width=parameters.width,
        pixels_per_degree=float(arrays["pixels_per_degree"]),
        rest=arrays["rest"],
    )
    kinds = [name.removeprefix("expected_") for name in arrays if name.startswith("expected_")]
    return MouseTruth(
        parameters=parameters,
        mouse=VideoMouse(sight, arrays["arousal"], _part("custom", Custom, arrays)),
        scales=_part("scales", Scales, arrays),
        ceilings={kind: _part(f"ceiling_{kind}", Ceilings, arrays) for kind in kinds},
        expected={kind: arrays[f"expected_{kind}"] for kind in kinds},
    )


def _part(part: str, kind: type[Part], arrays: dict[str, np.ndarray]) -> Part:
    # Indexing by () makes a number of an array without dimensions, and leaves others as they are.
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]  # no word for all dataclasses
    return kind(**{name: arrays[f"{part}_{name}"][()] for name in names})
