"""Which works are measured over which sizes, and how far beyond them their lines are drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import growth_works as works
from paired import Work

HOUR = 108_000  # frames, at 30 Hz
RECIPE = 400  # frames in a step of the public transfer of the released twin: four windows of 100
NEURONS = 8000  # of a published scan
STEPS = 36  # of an epoch of its 4,500 training images, in batches of 128
MEMBERS = 1000


@dataclass(frozen=True)
class Curve:
    """One work over one size: `make(axis=size, **given)` gives what is measured.

    With `quick` these sizes are measured, and these arguments held fixed, instead; every process warms up on
    the first of them. Where something is read from disk (`on_disk`), making it once writes it.
    """

    what: str
    axis: str
    make: Callable[..., Work]
    sizes: tuple[int, ...]
    given: dict[str, Any]
    quick: tuple[tuple[int, ...], dict[str, Any]]
    on_disk: bool = False


STEP = "SENSORIUM CNN, training step"
STREAM = "digital twin, frame by frame"
WINDOW = "digital twin, gradients of a window"
ENSEMBLE = "ensemble of small CNNs, an epoch each"
CURVES = (
    Curve(
        STEP,
        "neurons",
        works.sensorium_step,
        (500, 1000, 2000, 4000, 8000, 16_000),
        {"batch": 128},
        ((20, 40, 80), {"batch": 2}),
    ),
    Curve(
        STEP,
        "pixels",
        works.sensorium_step,
        (18 * 32, 36 * 64, 72 * 128, 144 * 256),
        {"batch": 16, "neurons": 1000},
        ((18 * 32, 36 * 64), {"batch": 2, "neurons": 20}),
    ),
    Curve(
        STEP,
        "mice",
        works.sensorium_step,
        (1, 2, 4, 8),
        {"batch": 32, "neurons": 1000},
        ((1, 2), {"batch": 2, "neurons": 20}),
    ),
    Curve(
        "scan, first opening",
        "trials",
        works.scan_opening,
        (250, 500, 1000, 2000),
        {"neurons": 2000},
        ((40, 80), {"neurons": 20}),
        on_disk=True,
    ),
    Curve(
        "scan, epoch of batches",
        "trials",
        works.scan_epoch,
        (250, 500, 1000, 2000),
        {"neurons": 2000},
        ((40, 80), {"neurons": 20}),
        on_disk=True,
    ),
    Curve(
        "V1 Transformer, training step",
        "snippet",
        works.transformer_step,
        (4, 8, 16, 32, 64),
        {"neurons": 200},
        ((2, 4), {"neurons": 5}),
    ),
    Curve(
        STREAM,
        "frames",
        works.twin_stream,
        (16, 32, 64),  # before, its convolutions still fill their memory of thirteen frames
        {"neurons": 1000},
        ((2, 4), {"neurons": 5, "size": "small"}),
    ),
    Curve(
        "small digital twin, frame by frame",
        "frames",
        works.twin_stream,
        (128, 256, 512, 1024),
        {"neurons": 100, "size": "small"},
        ((8, 16), {"neurons": 5, "size": "small"}),
    ),
    Curve(
        WINDOW,
        "frames",
        works.twin_step,
        (4, 8, 16, 32),
        {"neurons": 1000},
        ((4, 8), {"neurons": 5, "size": "small"}),
    ),
    Curve(
        ENSEMBLE,
        "members",
        works.ensemble,
        (1, 2, 4, 8),
        {"batch": 4},
        ((1, 2), {"batch": 100}),
        on_disk=True,
    ),
)
AHEAD = {  # what, axis: sizes that are not measured
    (STEP, "neurons"): (100_000,),
    (STREAM, "frames"): (HOUR,),
    (WINDOW, "frames"): (RECIPE, HOUR),
    (ENSEMBLE, "members"): (MEMBERS,),
}
