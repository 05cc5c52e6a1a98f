"""Tuning curves: the rates of all neurons to full-field gratings.

Orientation selectivity is the global index, one minus the circular variance (Ringach, Shapley and Hawken,
J. Neuroscience 22, 5639-5651, 2002): 1 for a neuron that responds to a single orientation, 0 for one that
responds to all equally.

Letters: N neurons, A orientations (angles), F frequencies, P phases.
"""

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from neurokit.arguments import explain_values
from neurokit.errors import DataError
from neurokit.progress import progress
from neurokit.simulation.scenes import gratings
from neurokit.training.device import first_tensor
from neurokit.training.predict import predict

PHASES = np.arange(8) * np.pi / 4


@explain_values
def tuning(
    model: nn.Module,
    orientations: Float[np.ndarray, "A"],
    frequencies: Float[np.ndarray, "F"],
    phases: Float[np.ndarray, "P"] = PHASES,
    *,
    contrast: float = 1.0,
    shape: tuple[int, int] = (36, 64),
    batch_size: int = 64,
    show_progress: bool = True,
) -> Float[Tensor, "N A F"]:
    """Rates at each orientation (rad, 0: vertical bars) and frequency (cycles per pixel).

    They are means over phases (rad), which equal the response to a drifting grating.
    `contrast` is the standard deviation of the gratings relative to that of the training images.
    """
    dtype = first_tensor(model).dtype
    curves = []
    for angle in progress(orientations, desc="gratings", disable=not show_progress):
        frequency, phase = (grid.ravel() for grid in np.meshgrid(frequencies, phases, indexing="ij"))
        images = np.sqrt(2) * contrast * gratings(np.full_like(phase, angle), frequency, phase, shape)
        rates = predict(model, torch.from_numpy(images).to(dtype), batch_size=batch_size)
        rates = rates.reshape(len(frequencies), len(phases), -1)  # F P N
        curves.append(rates.mean(dim=1))
    return torch.stack(curves).permute(2, 0, 1).cpu()


@explain_values
def at_best_frequency(curves: Float[Tensor, "N A F"]) -> Float[Tensor, "N A"]:
    """Each neuron's curve at the frequency of its largest rate."""
    best = curves.amax(dim=1).argmax(dim=1)
    return curves[torch.arange(len(curves)), :, best]


@explain_values
def orientation_selectivity(
    curves: Float[Tensor, "N A"], orientations: Float[np.ndarray, "A"]
) -> Float[Tensor, "N"]:
    """Global index |sum r exp(2 i theta)| / sum r of curves of rates; 0 for a silent neuron.

    Raises DataError for negative rates, and for orientations not spread evenly over half a turn.
    """
    if (curves < 0).any():
        raise DataError(
            "curves has negative rates, for which selectivity is undefined; use rates of 0 or more."
        )
    return _vector_sum(curves, orientations).abs() / curves.sum(dim=1).clamp_min(1e-12)


@explain_values
def preferred_orientation(
    curves: Float[Tensor, "N A"], orientations: Float[np.ndarray, "A"]
) -> Float[Tensor, "N"]:
    """The direction of the vector sum, rad from 0 to pi; meaningless where selectivity is near 0.

    Raises DataError for orientations not spread evenly over half a turn.
    """
    return (_vector_sum(curves, orientations).angle() / 2) % torch.pi


def _vector_sum(curves: Float[Tensor, "N A"], orientations: Float[np.ndarray, "A"]) -> Complex[Tensor, "N"]:
    turns = torch.from_numpy(np.exp(2j * orientations)).to(curves.device)
    if turns.mean().abs() > 1e-6:  # a flat curve would seem selective
        raise DataError(
            f"{len(orientations)} orientations are not spread evenly over half a turn; "
            "use numpy.arange(n) * numpy.pi / n with n of at least 2."
        )
    return (curves * turns).sum(dim=1)
