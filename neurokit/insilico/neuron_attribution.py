"""Integrated gradients of single neurons: what each pixel of an image contributed to a neuron's rate.

The same numbers as `neurokit.attribute.integrated_gradients` finds for any model, sooner for many neurons of
a SENSORIUM model (`benchmarks/speed_integrated_gradients.py`): each neuron's gradients are found on the patch
of the image that it sees.

Letters: K images, O neurons chosen, S steps of an image, H x W image.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.attribute import Attribution, completed
from neurokit.errors import DataError, FitError
from neurokit.insilico.common import chosen
from neurokit.insilico.state import AtState
from neurokit.models.receptive_crop import CoreAt, Reading, reading, slope, to_pixels
from neurokit.predict import evaluating, predict


def neuron_attribution(
    model: nn.Module,
    images: Float[Tensor, "K H W"],
    baseline: Float[Tensor, "H W"],
    neurons: Sequence[int] | None = None,
    *,
    steps: int = 32,
    rows_at_once: int = 64,
    tolerance: float = 0.02,
) -> Attribution:
    """Attribution of each neuron's rate to each pixel, from `baseline` to each of `images`.

    What `integrated_gradients(model, images, baseline, neuron_rate(neurons), ...)` gives, with the same
    points and weights on the line; without `neurons` all are taken. `rows_at_once` bounds how many images x
    steps are in memory, 5 MB each for the competition's network. Raises DataError for a model that is no
    AtState of a mouse, a neuron that it lacks and a baseline of another size, and FitError where the relative
    completeness gap is above `tolerance`.
    """
    if not isinstance(model, AtState):
        raise DataError(
            f"neuron_attribution was given a {type(model).__name__}; give AtState of a SENSORIUM mouse's "
            "model, or call integrated_gradients with neuron_rate, which serves any model."
        )
    if steps < 1 or len(images) == 0:
        raise FitError(f"{len(images)} images and {steps} steps: at least one of each is needed.")
    if baseline.shape != images.shape[1:]:
        finding = f"baseline is {tuple(baseline.shape)}, images are {tuple(images.shape[1:])}"
        raise DataError(f"{finding}; give a baseline of their size.")
    rates = predict(model, torch.cat([baseline.to(images)[None], images]), batch_size=rows_at_once)
    numbers = chosen(neurons, rates)
    with evaluating(model), torch.no_grad():
        parts = [
            _attributed(model, part.to(rates), baseline.to(rates), numbers, steps).cpu()
            for part in images.split(max(1, rows_at_once // steps))
        ]
    change = (rates[1:] - rates[0])[:, numbers].cpu()
    return completed(torch.cat(parts), change, steps, tolerance)


def _attributed(
    model: AtState,
    images: Float[Tensor, "K H W"],
    baseline: Float[Tensor, "H W"],
    neurons: Int[Tensor, "O"],
    steps: int,
) -> Float[Tensor, "K O H W"]:
    away = images - baseline
    points, shares = _gauss_legendre(steps, away)
    line = baseline + points[:, None, None] * away[:, None]  # K S H W
    core, read = _read(model, line.flatten(0, 1), neurons)
    found = torch.empty(len(images), len(neurons), *baseline.shape).to(away)
    for number, neuron in enumerate(neurons.tolist()):
        start, weights = read.starts[number], read.weights[number]
        drives = (core.window(start) * weights).sum(dim=(1, 2, 3)) + model.model.readout.bias[neuron]
        steepness = slope(model.model.modulator, drives[:, None]).unflatten(0, line.shape[:2])  # K S 1
        steepness = (steepness[..., 0] * shares).flatten()
        gradients = core.back(steepness[:, None, None, None] * weights, start)
        mean = gradients.unflatten(0, line.shape[:2]).sum(dim=1)  # the rest of the way is linear
        found[:, number] = to_pixels(core.core, mean, start, baseline.shape)
    return found * away[:, None]


def _read(
    model: AtState, images: Float[Tensor, "B H W"], neurons: Int[Tensor, "O"]
) -> tuple[CoreAt, Reading]:
    """The mouse's core at these images, and what the neurons read of it, both in the model's state."""
    mouse, behaviour, eye = model.model, model.behaviour, model.pupil_center
    core = CoreAt(mouse.core, images, None if behaviour is None else behaviour.expand(len(images), -1))
    shift = None if eye is None else mouse.shifter(eye[None])[0]
    return core, reading(mouse.readout, neurons, shift, core.shape)


def _gauss_legendre(steps: int, like: Tensor) -> tuple[Float[Tensor, "S"], Float[Tensor, "S"]]:
    """Points from 0 to 1 and their weights, which add up to 1."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    return torch.from_numpy((1 + points) / 2).to(like), torch.from_numpy(weights / 2).to(like)
