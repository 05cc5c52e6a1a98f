"""Eye, monitor and retina: test vectors of the released network, and the same rays traced by hand."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from neurokit.digital_twin.network.base import ClipState, Noise
from neurokit.digital_twin.network.config import SMALL as ONE_STREAM
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.network.perspective import (
    Perspective,
    isotropic,
    on_plane,
    retinal_place,
    retinal_rays,
    rotation,
    to_grid,
)

SMALL = ONE_STREAM.replace(streams=2, retina=(32, 48), recurrence="attention", spread=0.4, jitter=0.05)

RELEASED = FoundationSettings()
RAY = torch.tensor([[0.0, 0.0, 1.0]])


def perspective(settings: FoundationSettings = RELEASED, seed: int = 0) -> Perspective:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Perspective(settings).requires_grad_(False)


def still(clips: int = 1, noise: Noise | None = None) -> ClipState:
    return ClipState((0,), clips, noise)


def places(one: Perspective, pupil: Tensor | None = None) -> Tensor:
    """Where retinal pixels of one frame look."""
    pupil = torch.zeros(1, 1, 2).to(one.monitor.center) if pupil is None else pupil
    return one.places(pupil, still(pupil.shape[1]))[0, 0]


def moved(seed: int) -> Perspective:
    """An eye that follows the pupil and a monitor that stands askew, float64."""
    one = perspective(SMALL, seed).double()
    generator = torch.Generator().manual_seed(seed)
    for values in one.parameters():
        values += 0.1 * torch.randn(values.shape, generator=generator, dtype=torch.float64)
    return one


# --- the released retina before an upright monitor


@pytest.mark.parametrize(
    ("pixel", "ray", "hit"),
    [
        ((64, 96), (0.00682, 0.00684, 0.99995), (0.00341, 0.00342)),
        ((64, 191), (0.96413, 0.00506, 0.26538), (1.8165, 0.00954)),
        ((64, 150), None, (0.45943, 0.00423)),
    ],
)
def test_rays_and_where_they_hit(
    pixel: tuple[int, int], ray: tuple[float, ...] | None, hit: tuple[float, ...]
) -> None:
    one = perspective()
    if ray is not None:
        assert one.retina.grid[pixel].tolist() == pytest.approx(ray, abs=5.1e-6)
    assert places(one)[pixel].tolist() == pytest.approx(hit, abs=5.1e-5)


def test_how_much_of_the_retina_sees_the_monitor() -> None:
    x, y = places(perspective()).unbind(-1)
    seen = (x.abs() <= 1) & (y.abs() <= 144 / 256)
    assert 100 * float(seen.double().mean()) == pytest.approx(69.95, abs=0.005)
    assert seen[64].nonzero()[:, 0].tolist() == list(range(15, 177))


def test_a_rotation_and_where_its_gaze_hits() -> None:
    turn = rotation(torch.tensor([0.1, 0.2, 0.3]))
    expected = [
        [0.936293, -0.275096, 0.218351],
        [0.289629, 0.956425, -0.036957],
        [-0.198669, 0.097843, 0.97517],
    ]
    np.testing.assert_allclose(turn, expected, atol=1e-6)
    gaze = on_plane(RAY @ turn.T, torch.tensor([0.0, 0.0, 0.5]))
    assert gaze[0].tolist() == pytest.approx((0.11196, -0.01895), abs=5.1e-6)


def test_the_eye_turns_the_gaze_there() -> None:
    one = perspective()
    one.mlp.linears[-1].biases[0][:] = torch.tensor([0.1, 0.2, 0.3])
    one.mlp.linears[-1].gains[0].zero_()
    one.retina.grid = RAY[None]
    assert places(one)[0, 0].tolist() == pytest.approx((0.11196, -0.01895), abs=5.1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_rotations_are_those_of_scipy(seed: int) -> None:
    angles = np.random.default_rng(seed).uniform(-3, 3, (5, 3))
    expected = Rotation.from_euler("xyz", angles).as_matrix()  # small letters: about fixed axes, x first
    np.testing.assert_allclose(rotation(torch.from_numpy(angles)), expected, atol=1e-14)
    other = Rotation.from_euler("XYZ", angles).as_matrix()
    assert np.abs(other - expected).max() > 0.1


# --- the retina


@pytest.mark.parametrize(("height", "width", "degrees"), [(128, 192, 75.0), (32, 48, 75.0), (20, 20, 90.0)])
def test_equal_steps_on_the_retina_are_equal_angles(height: int, width: int, degrees: float) -> None:
    rays = retinal_rays(height, width, degrees).double().numpy()
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1, atol=1e-6)
    angle = np.degrees(np.arctan2(np.linalg.norm(rays[..., :2], axis=-1), rays[..., 2]))
    radius = isotropic(height, width).norm(dim=-1).numpy()
    np.testing.assert_allclose(angle, np.minimum(radius * degrees, 90), atol=1e-4)
    assert rays[..., 2].min() > -1e-7
    assert angle[0, 0] == pytest.approx(min(90.0, float(radius[0, 0]) * degrees), abs=1e-4)


def test_a_place_on_the_retina_is_the_inverse_of_its_ray() -> None:
    place = isotropic(32, 48)
    rays = retinal_rays(32, 48, 75.0)
    assert (place.norm(dim=-1) * 75 < 90).all()  # no ray was held back at the horizon
    np.testing.assert_allclose(retinal_place(3.0 * rays, 75.0), place, atol=1e-5)
    assert (retinal_place(rays, 74.0) - place).abs().max() > 1e-2


def test_the_rays_are_kept_with_the_weights() -> None:
    one = perspective()
    assert torch.equal(one.state_dict()["retina.grid"], retinal_rays(128, 192, 75.0))
    assert "retina.grid" not in dict(one.named_parameters())


# --- sampling


@pytest.mark.parametrize(("height", "width"), [(144, 256), (36, 64), (7, 5)])
def test_a_picture_at_its_own_pixels_comes_back(height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 1, height, width, generator=generator, dtype=torch.float64)
    grid = to_grid(isotropic(height, width), height, width)[None]
    same = functional.grid_sample(picture, grid, align_corners=False)
    np.testing.assert_allclose(same, picture, atol=1e-11)
    unscaled = functional.grid_sample(picture, isotropic(height, width)[None], align_corners=False)
    assert (unscaled - picture).abs().max() > 0.1


def test_pixels_are_square_and_centred() -> None:
    place = isotropic(36, 64)
    assert place[0, -1, 0] == pytest.approx(63 / 64) and place[0, 0, 0] == pytest.approx(-63 / 64)
    np.testing.assert_allclose(place + place.flip(0, 1), 0, atol=1e-15)
    assert float(place[0, 1, 0] - place[0, 0, 0]) == pytest.approx(2 / 64)
    assert place[-1, 0, 1] == pytest.approx(36 / 64 * 63 / 64)


# --- rays traced by hand


def traced(one: Perspective, pupil: Tensor, clip: int, draws: Noise | None = None) -> np.ndarray:
    """Places on the monitor: from the eye along each ray to the plane, then along the plane's axes."""
    center, angle = one.monitor.center.numpy(), one.monitor.angle.numpy()
    if draws is not None:
        center = center + one.monitor.center_std.numpy() * draws.center[clip].numpy()
        angle = angle + one.monitor.angle_std.numpy() * draws.angle[clip].numpy()
    x, y, normal = Rotation.from_euler("xyz", angle).as_matrix().T
    rays = one.retina.grid.numpy() @ one.eye(pupil, still(pupil.shape[1]))[0, clip].numpy().T
    hit = rays * (normal @ center / np.maximum(rays @ normal, 1e-5))[..., None] - center
    return np.stack([hit @ x, hit @ y], axis=-1)


@pytest.mark.parametrize("seed", range(3))
def test_a_turned_eye_before_a_monitor_askew(seed: int) -> None:
    one = moved(seed)
    pupil = torch.randn(1, 2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    draws = Noise(
        *(torch.randn(2, 3, generator=torch.Generator().manual_seed(n)) for n in (1, 2)), torch.zeros(2, 1, 2)
    )
    for noise in (None, draws):
        found = one.places(pupil, still(2, noise))[0]
        for clip in range(2):
            np.testing.assert_allclose(found[clip], traced(one, pupil, clip, noise), rtol=1e-8, atol=1e-10)
    assert np.abs(traced(one, pupil, 0, draws) - traced(one, pupil, 0)).max() > 1e-2


def test_at_first_the_eye_does_not_move() -> None:
    one = perspective()
    pupil = torch.tensor([[[3.0, -2.0]], [[0.0, 0.0]]])
    turns = one.eye(pupil, still())
    np.testing.assert_allclose(turns, np.broadcast_to(np.eye(3), turns.shape), atol=1e-7)
    turns = moved(0).eye(pupil.double(), still())
    assert (turns[0] - turns[1]).abs().max() > 1e-2


def test_a_monitor_to_the_right_is_hit_further_left() -> None:
    one = perspective()
    one.monitor.center[0] += 0.1
    step = (places(one) - places(perspective())).flatten(0, 1)  # an upright plane, moved along itself
    np.testing.assert_allclose(step, [[-0.1, 0.0]] * len(step), atol=1e-4)
    one.retina.grid = RAY[None]
    assert places(one)[0, 0].tolist() == pytest.approx((-0.1, 0.0), abs=1e-7)


def test_rays_that_look_away_see_the_dark() -> None:
    away = torch.tensor([[0.6, 0.0, -0.8], [1.0, 0.0, 0.0], [0.6, 0.0, 0.8]])
    assert (on_plane(away, torch.tensor([0.0, 0.0, 0.5]))[:, 0] > 1).tolist() == [True, True, False]


# --- the retinal image, and back


def waves(frames: int) -> Tensor:
    """Slow waves in 0..1; T B 1 H W."""
    y, x = torch.meshgrid(torch.arange(36.0), torch.arange(64.0), indexing="ij")
    phase = torch.arange(float(frames))[:, None, None]
    return (0.5 + 0.3 * torch.sin(x / 9 + phase) * torch.cos(y / 7))[:, None, None].double()


def test_a_retinal_image_sent_back_is_the_picture() -> None:
    one = moved(0)
    pupil = torch.randn(3, 1, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sequence = still()
    image = one(waves(3), pupil, sequence)
    back = one.on_monitor(image, pupil, sequence)
    middle = (slice(None), slice(None), slice(None), slice(12, 24), slice(20, 44))
    assert (back - waves(3))[middle].abs().max() < 0.04
    swapped = one.on_monitor(image, pupil.flip(0), sequence)
    assert (swapped - waves(3))[middle].abs().max() > 0.1


def test_luminance_and_its_root_by_hand() -> None:
    one = perspective(SMALL)
    one.retina_pixel.logit[:], one.retina_pixel.scale[:], one.retina_pixel.offset[:] = 0.4, 1.2, -0.1
    grey = torch.full((1, 1, 1, 36, 64), 0.3)
    image = one(grey, torch.zeros(1, 1, 2), still())
    power = 1 / (1 + np.exp(-0.4))
    light, dark = (1.2 * (luminance + 1e-5) ** power - 0.1 for luminance in (0.3**1.7, 0.0))
    assert float(image[0, 0, 0, 16, 24]) == pytest.approx(light, abs=1e-5)
    assert float(image[0, 0, 0, 0, 0]) == pytest.approx(dark, abs=1e-6)
    extended = one(grey, torch.zeros(1, 1, 2), ClipState((0,), 1, periphery="extend"))
    np.testing.assert_allclose(extended, np.full(extended.shape, light), atol=1e-5)


def test_values_darker_than_dark_become_zero() -> None:
    one = perspective(SMALL)
    below = one.on_monitor(torch.full((1, 1, 1, 32, 48), -0.5), torch.zeros(1, 1, 2), still())
    assert torch.equal(below, torch.zeros_like(below))
