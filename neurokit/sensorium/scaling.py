"""Raw images, behaviour and eye on the scale that models read.

All numbers come from the scan's published statistics, none from the trials at hand. "std" is the scaling of
behaviour in the SENSORIUM 2022 baselines (Willeke et al., 2022); "range" is that of the competition's winning
entry. How responses are scaled is part of the recording: `neurokit.sensorium.recording.response_scale`.

Letters: T trials, C values of a trial, B images, H x W image (144 x 256 in most files).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Num

from neurokit.sensorium.recording import HEIGHT, WIDTH, Scan, shrunk

BehaviourScale = Literal["std", "range"]


def scale_images(
    images: Num[np.ndarray, "B H W"], mean: Float[np.ndarray, "..."], std: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "B 36 64"]:
    """Grey values as the scan's own images were made: standardised in double precision, shrunk, float32."""
    scaled = [((image[None] - mean) / std).reshape(image.shape) for image in images]
    small = [image if image.shape == (HEIGHT, WIDTH) else shrunk(image) for image in scaled]
    return np.reshape(small, (-1, HEIGHT, WIDTH)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Scaling:
    """From raw values to what a model reads: less `start`, over `spread`.

    Letters: C values of a trial.
    """

    start: Float[np.ndarray, "C"]
    spread: Float[np.ndarray, "C"]

    def apply(self, values: Float[np.ndarray, "T C"]) -> Float[np.ndarray, "T C"]:
        """Scaled values, float32; 0 where the spread is not above 0, never NaN."""
        centred, spread = values - self.start, np.broadcast_to(self.spread, values.shape)
        return np.divide(centred, spread, out=np.zeros(values.shape), where=spread > 0).astype(np.float32)


def behaviour_scaling(known: Mapping[str, np.ndarray], kind: BehaviourScale) -> Scaling:
    """That of a scan with these statistics of behaviour; the sign of running is dealt with by `signed`."""
    if kind == "std":
        return Scaling(np.zeros(3), known["std"])
    low, high = known["min"], known["max"]
    start = np.array([low[0], 0.0, 0.0])
    return Scaling(start, np.array([high[0] - low[0], known["std"][1], max(-low[2], high[2])]))


def signed(behaviour: Float[np.ndarray, "T 3"], kind: BehaviourScale) -> Float[np.ndarray, "T 3"]:
    """Raw behaviour; of "range" running has no sign."""
    if kind == "std":
        return behaviour
    size, change, running = behaviour.T
    return np.stack([size, change, np.abs(running)], axis=1)


def scale_behaviour(scan: Scan, kind: BehaviourScale) -> Float[np.ndarray, "T 3"]:
    """Pupil size, its change, and running speed, without unit, float32.

    "std": each divided by its standard deviation, not centred. "range": pupil size from 0 at its
    smallest to 1 at its largest, its change by its standard deviation, and running without its
    sign, by the fastest run in either direction. A component that never varies is 0, never NaN.
    """
    return behaviour_scaling(scan.statistics["behavior"], kind).apply(signed(scan.behaviour, kind))


def pupil_center_scaling(known: Mapping[str, np.ndarray]) -> Scaling:
    """That of a scan with these statistics of the pupil's centre."""
    return Scaling(known["mean"], known["std"])


def scale_pupil_center(scan: Scan) -> Float[np.ndarray, "T 2"]:
    """Eye position, each direction z-scored, float32; 0 where the eye never moved or was not seen."""
    return pupil_center_scaling(scan.statistics["pupil_center"]).apply(scan.pupil_center)


def input_scales(scan: Scan, behaviour: BehaviourScale | None, pupil_center: bool) -> dict[str, np.ndarray]:
    """What the scan's raw inputs are scaled with, by name, for a checkpoint; of those that a model reads."""
    known = scan.statistics
    scalings = {} if behaviour is None else {"behaviour": behaviour_scaling(known["behavior"], behaviour)}
    if pupil_center:
        scalings["pupil_center"] = pupil_center_scaling(known["pupil_center"])
    found = {f"images_{word}": known["images"][word] for word in ("mean", "std")}
    for name, scaling in scalings.items():
        found |= {f"{name}_start": scaling.start, f"{name}_spread": scaling.spread}
    return {name: np.asarray(values, dtype=float) for name, values in found.items()}
