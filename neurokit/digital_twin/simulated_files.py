"""Simulated recordings on disk: trial folders with their truth, written once and read again.

    training_data/         trials shown once, to fit and to validate (see `neurokit.digital_twin.recording`)
    evaluation_data/       natural videos, several times each
    new_stimuli/<kind>/    the same for each of NEW_STIMULI
    truth.npz              what is unknown of a real mouse (`MouseTruth`)

Behaviour is in standard deviations and units in multiples of their mean; both statistics are those of the
trials to fit, everywhere. Readers of recordings do not open the truth: it is for tests, for experiments on
the mouse itself, and for the ceiling beside a twin's score.

Letters: T frames, N cells, V videos of a kind, R repeats.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from neurokit.digital_twin.recording import Trial, Video
from neurokit.digital_twin.simulated_mouse import Adaptation, Behaviour, Sight, VideoMouse, activity
from neurokit.digital_twin.simulation import (
    Ceilings,
    MouseParameters,
    Presentation,
    SimulatedMouse,
    simulate_mouse,
)
from neurokit.digital_twin.writing import write_trials, write_videos
from neurokit.errors import DataError, SettingsError
from neurokit.files.archives import read_npz
from neurokit.files.atomic import atomic_write
from neurokit.files.cache import read_or_write, simulated_folder
from neurokit.simulation.movie_cells import MovieCells
from neurokit.simulation.movies import FRAME_RATE
from neurokit.simulation.video_stimuli import NATURAL

TRUTH = "truth.npz"
Part = TypeVar("Part")
MOST_BYTES_OF_TRUTH = 2**29
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class Scales:
    """Mean and standard deviation over all frames of the trials to fit.

    Attributes:
        perspective: rows mean and standard deviation, columns pupil x and y, deg.
        modulation: the same for pupil radius (camera pixels) and treadmill (cm/s).
        units: mean activity, events per frame.
    """

    perspective: Float[np.ndarray, "2 2"]
    modulation: Float[np.ndarray, "2 2"]
    units: Float[np.ndarray, "N"]

    def trial(self, name: str, shown: Presentation, *, training: bool = False) -> Trial:
        """A presentation in the numbers of a trial folder."""
        return Trial(
            name=name,
            training=training,
            stimulus=shown.stimulus,
            perspective=_standardise(shown.behaviour.perspective, self.perspective),
            modulation=_standardise(_modulation(shown.behaviour), self.modulation),
            units=(shown.activity / self.units).astype(np.float32),
        )

    def behaviour(
        self, perspective: Float[np.ndarray, "T 2"], modulation: Float[np.ndarray, "T 2"]
    ) -> Behaviour:
        """The measured behaviour, from that of a trial folder."""
        modulation = self.modulation[0] + self.modulation[1] * modulation
        return Behaviour(self.perspective[0] + self.perspective[1] * perspective, *modulation.T)


def scales(recording: SimulatedMouse) -> Scales:
    """The statistics that scale a recording.

    Raises SettingsError where a cell had no event in the trials to fit.
    """
    fitted = [shown for shown, fit in zip(recording.once, recording.fit, strict=True) if fit]
    units = np.concatenate([shown.activity for shown in fitted]).mean(axis=0)
    if not units.all():
        silent = np.flatnonzero(units == 0)
        raise SettingsError(
            f"{recording.parameters.minutes} minutes are too short: {len(silent)} cells (first: {silent[0]}) "
            "had no event in the trials to fit; simulate more minutes."
        )
    return Scales(
        perspective=_statistics([shown.behaviour.perspective for shown in fitted]),
        modulation=_statistics([_modulation(shown.behaviour) for shown in fitted]),
        units=units,
    )


def write_simulated_mouse(recording: SimulatedMouse, folder: str | Path) -> Path:
    """Writes the trial folders and, last, the truth; returns `folder`.

    Raises SettingsError for a recording that is too short (see `scales`), DiskError where files cannot be
    written.
    """
    folder, found = Path(folder), scales(recording)
    trials = zip(recording.once, recording.fit.tolist(), strict=True)
    write_trials(
        folder / "training_data",
        (found.trial(str(i), shown, training=fit) for i, (shown, fit) in enumerate(trials)),
    )
    for kind in recording.repeated:
        write_videos(videos_folder(folder, kind), _videos(recording, found, kind))
    _write_truth(recording, found, folder / TRUTH)
    return folder


def videos_folder(folder: str | Path, kind: str = NATURAL) -> Path:
    """Where a recording's repeated videos of a kind are."""
    return Path(folder) / ("evaluation_data" if kind == NATURAL else f"new_stimuli/{kind}")


def _videos(recording: SimulatedMouse, found: Scales, kind: str) -> Iterator[Video]:
    for number, repeats in enumerate(recording.repeated[kind]):
        yield Video(str(number), tuple(found.trial(str(i), shown) for i, shown in enumerate(repeats)))


def _write_truth(recording: SimulatedMouse, found: Scales, path: Path) -> None:
    sight, adaptation = recording.mouse.sight, recording.mouse.adaptation
    parts: dict[str, Any] = {"cell": sight.cells, "adaptation": adaptation, "scales": found}
    arrays = {
        f"{part}_{each.name}": getattr(of, each.name) for part, of in parts.items() for each in fields(of)
    }
    for kind in recording.repeated:
        arrays[f"expected_{kind}"] = _expectations(recording, found, kind)
        for name, values in vars(recording.ceilings(kind)).items():
            arrays[f"ceiling_{kind}_{name}"] = values
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            parameters=np.array(recording.parameters.to_json()),
            pixels_per_degree=sight.pixels_per_degree,
            rest=sight.rest,
            arousal=recording.mouse.arousal,
            **arrays,
        )


def _expectations(recording: SimulatedMouse, found: Scales, kind: str) -> Float32[np.ndarray, "V R T N"]:
    """The prediction of a twin that knows the truth, in multiples of the units' means."""
    videos = recording.repeated[kind]
    return np.array([[shown.expected / found.units for shown in video] for video in videos], dtype=np.float32)


def _modulation(behaviour: Behaviour) -> Float[np.ndarray, "T 2"]:
    return np.stack([behaviour.radius, behaviour.speed], axis=1)


def _statistics(values: list[Float[np.ndarray, "T 2"]]) -> Float[np.ndarray, "2 2"]:
    every = np.concatenate(values)
    return np.stack([every.mean(axis=0), every.std(axis=0)])


def _standardise(
    values: Float[np.ndarray, "T 2"], statistics: Float[np.ndarray, "2 2"]
) -> Float32[np.ndarray, "T 2"]:
    return ((values - statistics[0]) / statistics[1]).astype(np.float32)


MAKERS = (simulate_mouse, write_simulated_mouse, write_trials, write_videos)


@dataclass(frozen=True, eq=False)
class MouseTruth:
    """The truth about one simulated mouse and its recording.

    Attributes:
        mouse: its cells and eye; `mouse.rates` gives its response to any video.
        scales: statistics of the training trials, which scale all files.
        ceilings: by kind of repeated videos.
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
        """The prediction of a perfect twin; inputs and result are in the numbers of a trial folder.

        Behaviour that is not given is the mean of the trials to fit.
        """
        mean = np.zeros((len(stimulus), 2))
        perspective = mean if perspective is None else perspective
        modulation = mean if modulation is None else modulation
        behaviour = self.scales.behaviour(perspective, modulation)
        rates = self.mouse.recorded_rates(stimulus, behaviour)
        return (activity(rates / FRAME_RATE) / self.scales.units).astype(np.float32)

    def expectations(
        self, kind: str, videos: Sequence[Video], columns: Int[np.ndarray, "U"] | None = None
    ) -> list[Float32[np.ndarray, "_R _T U"]]:
        """The `expected` of those videos and repeats of a kind, all units or those of some columns."""
        units = slice(None) if columns is None else columns
        return [
            self.expected[kind][int(video.name)][[int(repeat.name) for repeat in video.repeats]][..., units]
            for video in videos
        ]


def load_simulated_mouse(parameters: MouseParameters) -> Path:
    """The folder of a simulated recording, written on the first call (half a minute for the default)."""
    folder = simulated_folder("video-mouse", parameters.to_dict(), MAKERS)

    def write(folder: Path) -> None:
        write_simulated_mouse(simulate_mouse(parameters), folder)

    return read_or_write(folder, TRUTH, write, _check_truth)


def load_truth(folder: str | Path) -> MouseTruth:
    """The truth in a simulated recording's folder; raises DataError where it is missing or damaged."""
    path = truth_path(folder)
    try:
        return _truth(read_npz(path, MOST_BYTES_OF_TRUTH))
    except _DAMAGED as error:
        finding = f"{path} is not the truth of a simulated mouse ({error})"
        raise DataError(f"{finding}: remove it and simulate the mouse again.") from error


def truth_path(folder: str | Path) -> Path:
    """The file of the truth beside a simulated recording; other recordings have none."""
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
        mouse=VideoMouse(sight, arrays["arousal"], _part("adaptation", Adaptation, arrays)),
        scales=_part("scales", Scales, arrays),
        ceilings={kind: _part(f"ceiling_{kind}", Ceilings, arrays) for kind in kinds},
        expected={kind: arrays[f"expected_{kind}"] for kind in kinds},
    )


def _part(part: str, kind: type[Part], arrays: dict[str, np.ndarray]) -> Part:
    # Indexing by () makes a number of an array without dimensions, and leaves others as they are.
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]  # no word for all dataclasses
    return kind(**{name: arrays[f"{part}_{name}"][()] for name in names})
