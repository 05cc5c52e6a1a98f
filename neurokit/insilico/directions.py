"""Direction and orientation tuning to drifting gratings, of a twin or of a simulated mouse.

Directions are those in which a grating drifts: 0 is a vertical grating that moves to the right, and angles
grow counter-clockwise. The orientation of a grating is its direction without the sense, so 0 is vertical
bars. Both are the conventions of the MICrONS release (`neurokit.data.microns_properties`), and
`planted_directions` tells a simulated cell's.

Letters: A directions (angles), W wavelengths, F temporal frequencies, U units, N gratings (A x W x F).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from neurokit.errors import DataError
from neurokit.insilico.tuning import at_best_frequency, orientation_selectivity, preferred_orientation
from neurokit.insilico.video import Animal, presented
from neurokit.simulate.movie_cells import MovieCells
from neurokit.simulate.video_stimuli import MOVE, drifting_grating


@dataclass(frozen=True, eq=False)
class DirectionTuning:
    """Mean responses to drifting gratings.

    Attributes:
        directions: rad, evenly around the circle from 0.
        wavelengths: pixels.
        frequencies: Hz.
        responses: in the animal's unit.
    """

    directions: Float[np.ndarray, "A"]
    wavelengths: Float[np.ndarray, "W"]
    frequencies: Float[np.ndarray, "F"]
    responses: Float[Tensor, "U A W F"]

    @property
    def curves(self) -> Float[Tensor, "U A"]:
        """Each unit's responses at the wavelength and frequency of its largest one."""
        return at_best_frequency(self.responses.flatten(2))


def direction_tuning(
    animal: Animal,
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

    The mean is over `frames` after the first `onset` ones, at 30 Hz, and should hold whole cycles: 60 do
    from 0.5 Hz on, in steps of 0.5 Hz. `shape` is the monitor's. Raises DataError where `directions`, their
    number, is no multiple of 4: each needs its opposite and the two across.
    """
    if directions < 4 or directions % 4:
        raise DataError(f"directions is {directions}; use 4, 8, 12, 16, ... of them.")
    angles = np.arange(directions) * 2 * np.pi / directions
    shown = onset + frames
    gratings = [
        drifting_grating(shown, shape, *(np.full(-(-shown // MOVE), value) for value in values))
        for values in product(angles, wavelengths, frequencies)
    ]
    found = presented(
        animal, np.stack(gratings, axis=1), at_once=at_once, title="gratings", show_progress=show_progress
    )
    means = torch.from_numpy(found[onset:].mean(axis=0))  # N U
    sizes = (directions, len(wavelengths), len(frequencies))
    return DirectionTuning(angles, wavelengths, frequencies, means.T.unflatten(1, sizes))


def direction_properties(tuning: DirectionTuning) -> pd.DataFrame:
    """OSI, DSI, gOSI, gDSI, pref_ori and pref_dir (degrees) of each unit, U rows.

    The global indices are |sum r exp(2 i d)| / sum r and |sum r exp(i d)| / sum r over directions d.
    pref_ori is where the first of these sums points, from 0 to 180, and pref_dir that of its two senses
    to which the second one points, from 0 to 360. OSI and DSI compare the largest response with the mean of
    those across, and with the opposite one: (r - other) / (r + other). A silent unit has 0 in all four.
    Raises DataError for negative responses.
    """
    curves, directions = tuning.curves, tuning.directions
    # Half a direction turns as an orientation does, so the same sums serve for both.
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


def planted_directions(cells: MovieCells) -> Float[np.ndarray, "U"]:
    """The direction of drift (degrees, 0 to 360) that each simulated cell prefers.

    Its wave vector's where its frequency is positive, the opposite one where it is negative.
    """
    return np.degrees(cells.orientation + np.pi * (cells.frequency < 0)) % 360


def angles_between(
    first: Float[np.ndarray, "U"], second: Float[np.ndarray, "U"], turn: int
) -> Float[np.ndarray, "U"]:
    """Degrees from 0 to half a `turn`, which is 180 for orientations and 360 for directions."""
    return np.abs((first - second + turn / 2) % turn - turn / 2)


def _contrast(curves: Float[Tensor, "U A"], best: Tensor, quarters: tuple[int, ...]) -> Float[Tensor, "U"]:
    """The largest response against the mean of those so many quarters of a turn away."""
    units, number = torch.arange(len(curves)), curves.shape[1]
    away = [curves[units, (best + quarter * number // 4) % number] for quarter in quarters]
    highest, other = curves[units, best], torch.stack(away).mean(dim=0)
    return (highest - other) / (highest + other).clamp_min(1e-12)
