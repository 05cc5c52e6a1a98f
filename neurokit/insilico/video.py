"""Direction and orientation tuning to drifting gratings, of a digital twin or of a simulated mouse.

Experiments show video to anything that predicts responses from it (`VideoModel`), many presentations at once,
and do not know what they ask. Try an experiment on a simulated mouse first, whose answer is known, and then
on a twin:

    mouse = Batched(load_truth(folder))             twin = DigitalTwin(network)
    direction_tuning(mouse, ...)                    direction_tuning(twin, ...)

Behaviour is at its mean unless `FixedBehaviour` sets it.

Directions are those in which a grating drifts: 0 is a vertical grating that moves to the right, and angles
grow counter-clockwise. The orientation of a grating is its direction without the sense, so 0 is vertical
bars. Both are the conventions of the MICrONS release (`neurokit.digital_twin.properties`), and
`planted_directions` gives those of simulated cells.

Letters: T frames (30 Hz), N presentations at once (gratings: A x W x F), H x W monitor pixels, U units,
A directions (angles), W wavelengths, F temporal frequencies.
"""

from dataclasses import dataclass
from itertools import product
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from neurokit.arguments import explain_values
from neurokit.errors import DataError
from neurokit.insilico.tuning import at_best_frequency, orientation_selectivity, preferred_orientation
from neurokit.progress import progress
from neurokit.simulation.movie_cells import MovieCells
from neurokit.simulation.video_stimuli import MOVE, drifting_grating


@runtime_checkable
class VideoModel(Protocol):
    """Anything that predicts responses to video as `neurokit.digital_twin.twin.DigitalTwin` does."""

    def predict(
        self,
        stimulus: UInt8[np.ndarray, "T *frame"],
        perspective: Float[np.ndarray, "T *two"] | None = None,
        modulation: Float[np.ndarray, "T *two"] | None = None,
    ) -> Float32[np.ndarray, "T *units"]:
        """T U for a stimulus T H W, T N U for T N H W 1.

        Behaviour is in standard deviations, T 2, and at its mean where it is None.
        """


class Batched:
    """Lets a model that watches one presentation at a time answer to several, each from its start.

    A simulated mouse is one (`neurokit.digital_twin.simulated_files.MouseTruth`).
    """

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def predict(
        self,
        stimulus: UInt8[np.ndarray, "T N H W 1"],
        perspective: Float[np.ndarray, "T 2"] | None = None,
        modulation: Float[np.ndarray, "T 2"] | None = None,
    ) -> Float32[np.ndarray, "T N U"]:
        """Responses to each presentation, all with the same behaviour."""
        clips = np.moveaxis(stimulus[..., 0], 1, 0)
        return np.stack([self.model.predict(clip, perspective, modulation) for clip in clips], axis=1)


class FixedBehaviour:
    """A model whose behaviour stays at fixed values, whatever is shown.

    `perspective` (pupil x and y) and `modulation` (pupil radius, treadmill) are in standard deviations from
    the training mean; None leaves them at that mean.
    """

    def __init__(
        self,
        model: VideoModel,
        perspective: Float[np.ndarray, "2"] | None = None,
        modulation: Float[np.ndarray, "2"] | None = None,
    ) -> None:
        self.model = model
        self.held = [None if values is None else values[None] for values in (perspective, modulation)]

    def predict(
        self,
        stimulus: UInt8[np.ndarray, "T *frame"],
        perspective: None = None,
        modulation: None = None,
    ) -> Float32[np.ndarray, "T *units"]:
        """Responses at the fixed behaviour; it cannot be overridden here."""
        held = [None if each is None else each.repeat(len(stimulus), axis=0) for each in self.held]
        return self.model.predict(stimulus, *held)


@explain_values
def present(
    model: VideoModel,
    stimulus: UInt8[np.ndarray, "T N H W"],
    *,
    at_once: int = 16,
    title: str = "video",
    show_progress: bool = True,
) -> Float32[np.ndarray, "T N U"]:
    """Responses to all presentations, `at_once` of them in the model's memory."""
    starts = progress(range(0, stimulus.shape[1], at_once), desc=title, disable=not show_progress)
    return np.concatenate(
        [model.predict(stimulus[:, start : start + at_once, ..., None]) for start in starts], axis=1
    )


@dataclass(frozen=True, eq=False)
class DirectionTuning:
    """Mean responses to drifting gratings.

    Attributes:
        directions: rad, evenly around the circle from 0.
        wavelengths: pixels.
        frequencies: Hz.
        responses: in the model's unit.
    """

    directions: Float[np.ndarray, "A"]
    wavelengths: Float[np.ndarray, "W"]
    frequencies: Float[np.ndarray, "F"]
    responses: Float[Tensor, "U A W F"]

    @property
    def curves(self) -> Float[Tensor, "U A"]:
        """Each unit's responses at the wavelength and frequency of its largest one."""
        return at_best_frequency(self.responses.flatten(2))


@explain_values
def direction_tuning(
    model: VideoModel,
    wavelengths: Float[np.ndarray, "W"],
    frequencies: Float[np.ndarray, "F"],
    *,
    directions: int = 16,
    shape: tuple[int, int] = (36, 64),
    onset: int = 15,
    frames: int = 60,
    at_once: int = 16,
    show_progress: bool = True,
) -> DirectionTuning:
    """Responses to full-field gratings of each direction, wavelength (pixels) and frequency (Hz).

    The mean is over the `frames` that follow the first `onset` frames, at 30 Hz, and should span complete
    cycles: 60 frames do for every multiple of 0.5 Hz. `shape` is the monitor's. Raises DataError where the
    number of `directions` is not a multiple of 4: each direction needs its opposite and the two across.
    """
    if directions < 4 or directions % 4:
        raise DataError(f"directions is {directions}; use a multiple of 4.")
    angles = np.arange(directions) * 2 * np.pi / directions
    shown = onset + frames
    gratings = [
        drifting_grating(shown, shape, *(np.full(-(-shown // MOVE), value) for value in values))
        for values in product(angles, wavelengths, frequencies)
    ]
    found = present(
        model, np.stack(gratings, axis=1), at_once=at_once, title="gratings", show_progress=show_progress
    )
    means = torch.from_numpy(found[onset:].mean(axis=0))  # N U
    sizes = (directions, len(wavelengths), len(frequencies))
    return DirectionTuning(angles, wavelengths, frequencies, means.T.unflatten(1, sizes))


@explain_values
def direction_properties(tuning: DirectionTuning) -> pd.DataFrame:
    """OSI, DSI, gOSI, gDSI, pref_ori and pref_dir (degrees) of each unit, U rows.

    The global indices are |sum r exp(2 i d)| / sum r and |sum r exp(i d)| / sum r over directions d. pref_ori
    is the angle of the first sum, from 0 to 180, and pref_dir is that one of its two directions which is
    closer to the angle of the second sum, from 0 to 360. OSI and DSI compare the largest response with the
    mean of the two across, and with the opposite one: (r - other) / (r + other). A silent unit has 0 in all
    four. Raises DataError for negative responses.
    """
    curves, directions = tuning.curves, tuning.directions
    # A direction of half the angle turns like an orientation, so the same sums serve for both.
    orientation = preferred_orientation(curves, directions)
    sense = 2 * preferred_orientation(curves, directions / 2)
    direction = orientation + torch.pi * (torch.cos(sense - orientation) < 0)
    best = curves.argmax(dim=1)
    found = {
        "OSI": _contrast(curves, best, (1, 3)),
        "DSI": _contrast(curves, best, (2,)),
        "gOSI": orientation_selectivity(curves, directions),
        "gDSI": orientation_selectivity(curves, directions / 2),
        "pref_ori": torch.rad2deg(orientation) % 180,
        "pref_dir": torch.rad2deg(direction) % 360,
    }
    return pd.DataFrame({name: values.numpy() for name, values in found.items()})


@explain_values
def planted_directions(cells: MovieCells) -> Float[np.ndarray, "U"]:
    """The direction of drift (degrees, 0 to 360) that each simulated cell prefers.

    It is that of the wave vector for a positive frequency, and the opposite one for a negative frequency.
    """
    return np.degrees(cells.orientation + np.pi * (cells.frequency < 0)) % 360


@explain_values
def angles_between(
    first: Float[np.ndarray, "U"], second: Float[np.ndarray, "U"], turn: int
) -> Float[np.ndarray, "U"]:
    """Angles in degrees, from 0 to half a `turn`; `turn` is 180 for orientations and 360 for directions."""
    return np.abs((first - second + turn / 2) % turn - turn / 2)


def _contrast(curves: Float[Tensor, "U A"], best: Tensor, quarters: tuple[int, ...]) -> Float[Tensor, "U"]:
    """The largest response against the mean of those that are these `quarters` of a turn away."""
    units, number = torch.arange(len(curves)), curves.shape[1]
    away = [curves[units, (best + quarter * number // 4) % number] for quarter in quarters]
    highest, other = curves[units, best], torch.stack(away).mean(dim=0)
    return (highest - other) / (highest + other).clamp_min(1e-12)
