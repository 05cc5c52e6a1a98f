"""Motion patches: pairs of filters, what they prefer, and their scale."""

import numpy as np
import pytest
import torch
from torch import Tensor

from neurokit.models.motion_patches import DIRECTIONS, DRIFTS, WAVELENGTHS, MotionPatches, gabor_pairs

PATCH, FRAMES, PAIRS = 12, 4, 48


def drifting(direction: float, wavelength: float, drift: float, phase: float = 0.0) -> Tensor:
    """A grating over FRAMES frames, oldest first, that moves towards `direction`."""
    place = torch.arange(PATCH) - (PATCH - 1) / 2
    up, right = torch.meshgrid(-place, place, indexing="ij")
    along = right * np.cos(direction) + up * np.sin(direction)
    moved = drift * wavelength * torch.arange(FRAMES)[:, None, None]
    return torch.cos(2 * torch.pi * (along - moved) / wavelength + phase)


def lengths(movie: Tensor) -> Tensor:
    """sqrt(a^2 + b^2) of each pair of Gabors."""
    answers = (gabor_pairs(PAIRS, FRAMES, PATCH) * movie).sum(dim=(1, 2, 3))
    return torch.hypot(*answers.chunk(2))


@pytest.mark.parametrize("direction", range(DIRECTIONS))
@pytest.mark.parametrize("drift", range(2))
def test_a_gabor_prefers_the_grating_that_it_is_named_after(direction: int, drift: int) -> None:
    angle = 2 * np.pi * direction / DIRECTIONS
    movie = drifting(angle, PATCH * WAVELENGTHS[0], DRIFTS[drift])
    best = int(lengths(movie).argmax())
    assert best % DIRECTIONS == direction and best // DIRECTIONS % 2 == 0  # direction and wavelength
    backwards = drifting(angle + np.pi, PATCH * WAVELENGTHS[0], DRIFTS[drift])
    more = (1.2, 1.0)[drift]  # four frames of a slow drift tell its direction less well
    assert lengths(movie)[best] > more * lengths(backwards)[best]


def test_the_length_of_a_pair_hardly_depends_on_phase_and_each_of_it_does() -> None:
    pair = gabor_pairs(PAIRS, FRAMES, PATCH)[[0, PAIRS]]
    phases = torch.linspace(0, 2 * torch.pi, 17)
    movies = torch.stack([drifting(0.0, PATCH * WAVELENGTHS[0], DRIFTS[0], float(p)) for p in phases])
    answers = torch.einsum("kCyx,pCyx->pk", pair, movies)
    length = answers.norm(dim=1)
    assert length.std() < 0.1 * length.mean()
    assert (answers.std(dim=0) > 0.5 * length.mean()).all()


def test_gabors_have_unit_norm_and_do_not_answer_to_grey() -> None:
    filters = gabor_pairs(PAIRS, FRAMES, PATCH)
    torch.testing.assert_close(filters.flatten(1).norm(dim=1), torch.ones(2 * PAIRS))
    assert filters.mean(dim=(2, 3)).abs().max() < 1e-6


def test_patches_are_simple_and_complex_answers_on_one_scale() -> None:
    patches = MotionPatches(6, 2, 4, 3).double()
    frames = torch.randn(50, 2, 10, 13, generator=torch.Generator().manual_seed(0)).double()
    found = patches(frames)
    assert found.shape == (50, 3 * 4, 6)
    window = frames[7, :, 3:7, 6:10]  # the second row of patches, the third of them
    a, b = ((patches.filters.weight * window).sum((1, 2, 3)) + patches.filters.bias).chunk(2)
    expected = torch.cat([a, torch.sqrt(a**2 + b**2)])
    everything = torch.cat([*patches.filters(frames).flatten(2).chunk(2, dim=1)], 1)
    both = everything.chunk(2, dim=1)
    plain = torch.cat([both[0], torch.hypot(*both)], 1).mT.flatten(0, 1)
    scaled = (expected - plain.mean(0)) / plain.std(0, unbiased=False)
    torch.testing.assert_close(found[7, 4 + 2], scaled, atol=1e-3, rtol=1e-3)


def test_scales_are_those_of_training_once_it_is_over() -> None:
    patches = MotionPatches(4, 1, 4, 4)
    frames = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    for _ in range(100):
        patches(frames)
    patches.eval()
    one = patches(frames[:1])
    torch.testing.assert_close(patches(frames)[:1], one)
    assert not torch.allclose(patches(10 * frames)[:1], one)
