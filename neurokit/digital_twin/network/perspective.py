"""Perspective: what the retina sees of the monitor, given the position of the pupil.

The position of the pupil turns the eye. Rays from the retina turn with it and are followed to the monitor,
whose position is learned; the pixels that they hit are the retinal image (Wang et al., Nature 640, 470-477,
2025).

The eye sits at the origin and looks along z; x points to the right of the picture, y down it. Lengths are in
halves of the monitor's width. Angles are rad unless a name says deg.

Letters: T frames, B clips, H x W pixels of the monitor, h x w of the retina (H x W of either in functions
that serve both), n rays.
"""

from dataclasses import replace
from math import pi

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.nn import functional

from neurokit.digital_twin.network.base import ClipState, UpdateRule
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.network.convolution import Perceptron
from neurokit.training.device import full_precision

HORIZON = 1e-5  # the least approach to the plane; rays along or away from it end far outside
DISTANCE = 0.5  # initial distance of the monitor, in halves of its width
GAMMA = 1.7  # of the monitor, fixed
DARK = 1e-5  # added to luminance before its root, whose slope at zero is infinite


def rotation(angles: Float[Tensor, "... 3"]) -> Float[Tensor, "... 3 3"]:
    """Rz Ry Rx: turns about x first, then y, then z, each right-handed."""
    (cx, cy, cz), (sx, sy, sz) = angles.cos().unbind(-1), angles.sin().unbind(-1)
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def isotropic(height: int, width: int) -> Float64[Tensor, "H W 2"]:
    """x and y of pixel centres; the picture spans -1 to 1 along x, and pixels are square."""
    x = torch.linspace(-1, 1, width, dtype=torch.float64) * (width - 1) / width
    y = torch.linspace(-1, 1, height, dtype=torch.float64) * (height / width) * (width - 1) / width
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def retinal_rays(height: int, width: int, degrees: float) -> Float[Tensor, "H W 3"]:
    """Unit vectors along which retinal pixels look, at equal angles from the gaze (azimuthal equidistant).

    The picture's left and right edge are `degrees` from the middle; no ray points backwards.
    """
    return retinal_direction(isotropic(height, width), degrees).float()


def retinal_direction(place: Float[Tensor, "*b 2"], degrees: float) -> Float[Tensor, "*b 3"]:
    """The unit vector along which a place on the retina (isotropic coordinates) looks."""
    away = (place.norm(dim=-1) * degrees * pi / 180).clamp(max=pi / 2)
    around = torch.atan2(place[..., 1], place[..., 0])
    return torch.stack([away.sin() * around.cos(), away.sin() * around.sin(), away.cos()], dim=-1)


def retinal_place(rays: Float[Tensor, "*b 3"], degrees: float) -> Float[Tensor, "*b 2"]:
    """Where on the retina (isotropic coordinates) a ray arrives: the inverse of `retinal_rays`."""
    rays = rays / rays.norm(dim=-1, keepdim=True)
    away = rays[..., 2].clamp(-1, 1).acos() * (180 / pi / degrees)
    around = torch.atan2(rays[..., 1], rays[..., 0])
    return torch.stack([away * around.cos(), away * around.sin()], dim=-1)


def on_plane(along: Float[Tensor, "... n 3"], center: Float[Tensor, "... 3"]) -> Float[Tensor, "... n 2"]:
    """Where rays from the eye meet a plane, in the plane's own axes.

    `along` holds the rays' components along the plane's two axes and its normal, `center` those of the
    plane's origin.
    """
    reach = center[..., None, 2:] / along[..., 2:].clamp_min(HORIZON)
    return along[..., :2] * reach - center[..., None, :2]


def to_grid(place: Float[Tensor, "*b h w 2"], height: int, width: int) -> Float[Tensor, "*b h w 2"]:
    """Isotropic coordinates in a picture of height x width, converted to those of `grid_sample`.

    A picture sampled at its own `isotropic` pixels is unchanged. Where the sampling picture h x w has another
    size, the released network multiplies by its (w - 1) / w and (h - 1) / h, half a percent or less, and so
    does this function, because the weights were trained with it.
    """
    rows, columns = place.shape[-3:-1]
    stretch = width / (width - 1)
    x, y = stretch * (columns - 1) / columns, stretch * (width / height) * (rows - 1) / rows
    return place * place.new_tensor([x, y])


class Monitor(nn.Module):
    """The plane of the monitor as the eye sees it: its centre and its angles, both learned.

    In training, noise of a learned size is added to both, drawn once per clip.
    """

    def __init__(self, jitter: float) -> None:
        super().__init__()
        self.center = nn.Parameter(torch.tensor([0.0, 0.0, DISTANCE]))
        self.angle = nn.Parameter(torch.zeros(3))
        self.center_std = nn.Parameter(torch.full((3,), jitter))
        self.angle_std = nn.Parameter(torch.full((3,), jitter))

    def forward(self, clip: ClipState) -> tuple[Float[Tensor, "B 3"], Float[Tensor, "B 3 3"]]:
        """Middle of the monitor along its own axes, and these axes as columns, the normal last."""
        return clip.compute_once(self, lambda: self._pose(clip))

    def _pose(self, clip: ClipState) -> tuple[Tensor, Tensor]:
        center, angle = self.center.expand(clip.batch, 3), self.angle.expand(clip.batch, 3)
        if clip.noise is not None:
            center = center + self.center_std * clip.noise.center
            angle = angle + self.angle_std * clip.noise.angle
        axes = rotation(angle)
        return (center[:, None] @ axes)[:, 0], axes

    def update_rules(self) -> dict[str, UpdateRule]:
        """No decay; each tensor is clipped as one."""
        return {name: UpdateRule(False, None) for name, _ in self.named_parameters(recurse=False)}


class Retina(nn.Module):
    """The directions in which retinal pixels look."""

    grid: Float[Tensor, "h w 3"]

    def __init__(self, height: int, width: int, degrees: float) -> None:
        super().__init__()
        self.degrees = degrees
        self.register_buffer("grid", retinal_rays(height, width, degrees))


class MonitorPixels(nn.Module):
    """Luminance of a pixel value in 0..1: a fixed gamma."""

    power: Float[Tensor, ""]
    scale: Float[Tensor, ""]
    offset: Float[Tensor, ""]

    def __init__(self) -> None:
        super().__init__()
        for name, value in (("power", GAMMA), ("scale", 1.0), ("offset", 0.0)):
            self.register_buffer(name, torch.tensor(value))

    def forward(self, pixels: Tensor) -> Tensor:
        """Luminance."""
        return pixels**self.power * self.scale + self.offset

    def inverse(self, luminance: Tensor) -> Tensor:
        """The pixel value of a luminance; 0 where no value is so dark."""
        return ((luminance - self.offset) / self.scale).clamp_min(0) ** (1 / self.power)


class RetinalPixels(nn.Module):
    """The retina's response to luminance: a learned root, scaled and shifted."""

    def __init__(self) -> None:
        super().__init__()
        self.logit, self.offset = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, luminance: Tensor) -> Tensor:
        """The value of a retinal pixel."""
        return self.scale * (luminance + DARK) ** self.logit.sigmoid() + self.offset

    def inverse(self, pixels: Tensor) -> Tensor:
        """The luminance that gives a value; 0 where no luminance is so dark."""
        root = ((pixels - self.offset) / self.scale).clamp_min(0)
        return (root ** (1 / self.logit.sigmoid()) - DARK).clamp_min(0)

    def update_rules(self) -> dict[str, UpdateRule]:
        """No decay; each is clipped by itself."""
        return {name: UpdateRule(False, None) for name, _ in self.named_parameters(recurse=False)}


class Perspective(nn.Module):
    """From video and pupil position to the retinal image of each frame."""

    def __init__(self, settings: FoundationSettings) -> None:
        super().__init__()
        self.mlp = Perceptron(1, 2, settings.eye_features, settings.eye_layers, 3)
        self.monitor = Monitor(settings.jitter)
        self.retina = Retina(*settings.retina, settings.retina_degrees)
        self.monitor_pixel, self.retina_pixel = MonitorPixels(), RetinalPixels()
        self.size = settings.monitor

    def eye(self, pupil: Float[Tensor, "T B 2"], clip: ClipState) -> Float[Tensor, "T B 3 3"]:
        """The rotation of the eye in each frame."""
        alone = clip.compute_once(self.mlp, lambda: replace(clip, streams=(0,), cache={}, state={}))
        return rotation(self.mlp(pupil, alone))

    def places(self, pupil: Float[Tensor, "T B 2"], clip: ClipState) -> Float[Tensor, "T B h w 2"]:
        """Where on the monitor retinal pixels look, in halves of its width."""
        with full_precision(pupil.device):
            center, axes = self.monitor(clip)
            turned = self.eye(pupil, clip).transpose(-1, -2) @ axes  # as the turned eye sees them
            along = self.retina.grid.flatten(0, 1) @ turned  # T B hw 3
            return on_plane(along, center).unflatten(-2, self.retina.grid.shape[:2])

    def forward(
        self, video: Float[Tensor, "T B 1 H W"], pupil: Float[Tensor, "T B 2"], clip: ClipState
    ) -> Float[Tensor, "T B 1 h w"]:
        """The retinal image of frames with pixel values in 0..1."""
        grid = to_grid(self.places(pupil, clip), *self.size)
        seen = _sample(self.monitor_pixel(video), grid, clip.periphery)
        return self.retina_pixel(seen)

    def looks_at(self, position: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """Row and column of the monitor, pixels, that a position of the retinal image looks at.

        Positions are x and y, -1 to 1 as for `grid_sample`; the pupil is at its mean, without noise.
        """
        (height, width), (rows, columns) = self.size, self.retina.grid.shape[:2]
        own = to_grid(torch.ones_like(self.retina.grid[..., :2]), rows, columns)[0, 0]
        clip = ClipState((0,), 1)
        center, axes = self.monitor(clip)
        turned = self.eye(position.new_zeros(1, 1, 2), clip)[0, 0].transpose(-1, -2) @ axes[0]
        along = retinal_direction(position / own, self.retina.degrees) @ turned
        place = on_plane(along, center[0])
        scale = to_grid(torch.ones_like(self.retina.grid[..., :2]), height, width)[0, 0]
        column, row = (place * scale).unbind(-1)
        return torch.stack([((row + 1) * height - 1) / 2, ((column + 1) * width - 1) / 2], dim=-1)

    def on_monitor(
        self, image: Float[Tensor, "T B 1 h w"], pupil: Float[Tensor, "T B 2"], clip: ClipState
    ) -> Float[Tensor, "T B 1 H W"]:
        """Projects a retinal image back onto the monitor, for instance to show a receptive field there.

        A pixel is 0 where a value is darker than any luminance allows.
        """
        center, axes = self.monitor(clip)
        place = isotropic(*self.size).to(image.dtype).to(image.device)  # some devices lack float64
        point = torch.cat([place, torch.zeros_like(place[..., :1])], dim=-1).flatten(0, 1) + center[:, None]
        eye = axes.transpose(-1, -2) @ self.eye(pupil, clip)  # from the monitor's axes to the eye's
        rays = retinal_place(point @ eye, self.retina.degrees).unflatten(-2, self.size)
        grid = to_grid(rays, *self.retina.grid.shape[:2])
        luminance = self.retina_pixel.inverse(image)
        return self.monitor_pixel.inverse(_sample(luminance, grid, clip.periphery))


def _sample(maps: Tensor, grid: Tensor, periphery: str) -> Tensor:
    """Bilinear sampling; each T and B has its own grid."""
    mode = {"dark": "zeros", "extend": "border"}[periphery]
    found = functional.grid_sample(
        maps.flatten(0, 1), grid.flatten(0, 1), padding_mode=mode, align_corners=False
    )
    return found.unflatten(0, maps.shape[:2])
