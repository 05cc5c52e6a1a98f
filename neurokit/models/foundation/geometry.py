"""From the monitor to the retina: rotations, rays, and where a ray meets a plane.

The eye sits at the origin and looks along z; x points to the right of the picture, y down it. Lengths are in
halves of the monitor's width. Angles are rad unless a name says deg.

Letters: H x W retinal pixels.
"""

from math import pi

import torch
from jaxtyping import Float, Float64
from torch import Tensor

HORIZON = 1e-5  # the least approach to the plane; rays along or away from it end far outside


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
    """x and y of pixel centres; the picture reaches from -1 to 1 along x, and pixels are square."""
    x = torch.linspace(-1, 1, width, dtype=torch.float64) * (width - 1) / width
    y = torch.linspace(-1, 1, height, dtype=torch.float64) * (height / width) * (width - 1) / width
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def retinal_rays(height: int, width: int, degrees: float) -> Float[Tensor, "H W 3"]:
    """Unit vectors along which retinal pixels look, at equal angles from the gaze (azimuthal equidistant).

    The picture's left and right edge are `degrees` from the middle; no ray looks behind.
    """
    place = isotropic(height, width)
    away = (place.norm(dim=-1) * degrees * pi / 180).clamp(max=pi / 2)
    around = torch.atan2(place[..., 1], place[..., 0])
    rays = [away.sin() * around.cos(), away.sin() * around.sin(), away.cos()]
    return torch.stack(rays, dim=-1).float()


def retinal_place(rays: Float[Tensor, "*b 3"], degrees: float) -> Float[Tensor, "*b 2"]:
    """Where on the retina (isotropic coordinates) a ray arrives: the inverse of `retinal_rays`."""
    rays = rays / rays.norm(dim=-1, keepdim=True)
    away = rays[..., 2].clamp(-1, 1).acos() * (180 / pi / degrees)
    around = torch.atan2(rays[..., 1], rays[..., 0])
    return torch.stack([away * around.cos(), away * around.sin()], dim=-1)


def on_plane(along: Float[Tensor, "... n 3"], center: Float[Tensor, "... 3"]) -> Float[Tensor, "... n 2"]:
    """Where rays from the eye meet a plane, in the plane's own axes.

    `along` are the rays' components along the plane's two axes and its normal, `center` those of the point
    that has coordinates 0, 0 there.
    """
    reach = center[..., None, 2:] / along[..., 2:].clamp_min(HORIZON)
    return along[..., :2] * reach - center[..., None, :2]


def to_grid(place: Float[Tensor, "*b h w 2"], height: int, width: int) -> Float[Tensor, "*b h w 2"]:
    """Isotropic coordinates in a picture of height x width as `grid_sample` counts them.

    A picture sampled at its own `isotropic` pixels comes back as it was. Where the sampling picture h x w
    has another size, the released network multiplies by (w - 1) / w and (h - 1) / h of that one, a stretch of
    half a percent or less, and so does this: the weights were trained with it.
    """
    rows, columns = place.shape[-3:-1]
    stretch = width / (width - 1)
    x, y = stretch * (columns - 1) / columns, stretch * (width / height) * (rows - 1) / rows
    return place * place.new_tensor([x, y])
