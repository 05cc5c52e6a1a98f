"""Receptive fields by sparse noise: squares that flash light or dark on grey.

Reverse correlation with signed pixels shows the filter of a simple cell (Jones and Palmer, J. Neurophysiology
58, 1187-1211, 1987) but not that of a complex cell, which answers to light and dark alike. Counted
separately, light and dark squares show where either kind looks. The method needs responses and no gradients,
so a twin can be compared with the mouse itself.

Letters: N presentations, K flashes of one, H x W monitor pixels, U units, T frames (30 Hz).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int8
from torch import Tensor

from neurokit.insilico.receptive_fields import centers
from neurokit.insilico.video import VideoModel, present
from neurokit.simulation.movies import GREY


@dataclass(frozen=True, eq=False)
class FlashedFields:
    """How far a square at each pixel raises a unit's response above its mean over all flashes.

    Attributes:
        light: for squares lighter than the grey background.
        dark: for darker ones.
    """

    light: Float[Tensor, "U H W"]
    dark: Float[Tensor, "U H W"]

    @property
    def field(self) -> Float[Tensor, "U H W"]:
        """The mean of both, 0 where it is negative."""
        return ((self.light + self.dark) / 2).clamp_min(0)

    def centers(self, *, smoothing: float = 2.0, radius: float = 8.0) -> Float[Tensor, "U 2"]:
        """Row and column (pixels) of each field; see `neurokit.insilico.receptive_fields.centers`."""
        return centers(self.field, smoothing=smoothing, radius=radius)


def flashed_fields(
    model: VideoModel,
    *,
    shape: tuple[int, int] = (36, 64),
    presentations: int = 16,
    flashes: int = 60,
    squares: int = 8,
    side: int = 5,
    hold: int = 5,
    delay: int = 8,
    seed: int = 0,
    at_once: int = 16,
    show_progress: bool = True,
) -> FlashedFields:
    """Shows random squares, `flashes` times in each presentation, and averages the responses to each place.

    Each flash has `squares` of `side` pixels, as many light as dark on average, for `hold` frames. Its
    response is the mean over as many frames, starting `delay` frames after its onset, because cells and
    microscope lag. `shape` is the monitor's.
    """
    random = np.random.default_rng(seed)
    spots = sparse_squares(presentations * flashes, shape, squares, side, random)
    afterwards = np.zeros((-(-delay // hold), presentations, *shape), dtype=np.int8)  # grey
    shown = np.concatenate([spots.reshape(flashes, presentations, *shape), afterwards])
    stimulus = np.repeat((GREY + GREY * shown.astype(int)).astype(np.uint8), hold, axis=0)
    found = present(model, stimulus, at_once=at_once, title="flashes", show_progress=show_progress)
    answers = found[delay : delay + flashes * hold].reshape(flashes, hold, presentations, -1).mean(axis=1)
    answers = answers.reshape(flashes * presentations, -1)
    return FlashedFields(_mean_rise(spots > 0, answers), _mean_rise(spots < 0, answers))


def sparse_squares(
    flashes: int, shape: tuple[int, int], squares: int, side: int, random: np.random.Generator
) -> Int8[np.ndarray, "K H W"]:
    """1 where a square is light, -1 where one is dark, 0 elsewhere; squares may overlap and stick out."""
    height, width = shape
    found = np.zeros((flashes, *shape), dtype=np.int8)
    tops = random.integers(1 - side, height, (flashes, squares))
    lefts = random.integers(1 - side, width, (flashes, squares))
    signs = random.choice(np.array([-1, 1], dtype=np.int8), (flashes, squares))
    for flash in range(flashes):
        for top, left, sign in zip(tops[flash], lefts[flash], signs[flash], strict=True):
            found[flash, max(top, 0) : top + side, max(left, 0) : left + side] = sign
    return found


def _mean_rise(covered: np.ndarray, answers: Float32[np.ndarray, "NK U"]) -> Float[Tensor, "U H W"]:
    """Mean answer over the flashes that cover a pixel, minus the mean over all; 0 where none covers it."""
    flat = torch.from_numpy(covered).flatten(1).float()  # NK HW
    rise = torch.from_numpy(answers - answers.mean(axis=0))
    means = rise.T @ flat / flat.sum(dim=0).clamp_min(1)
    return means.unflatten(1, covered.shape[1:])
