"""What models read of behaviour and eye: a scan's raw values on a common scale.

All numbers come from the scan's published statistics, none from the trials at hand. "std" is the
scaling of the SENSORIUM 2022 baselines (Willeke et al., 2022); "range" is that of the competition's
winning entry. How responses are scaled is part of the recording: `response_scale`.

Letters: T trials.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from neurokit.data.scan_arrays import response_scale
from neurokit.data.sensorium import Scan

__all__ = ["BehaviourScale", "response_scale", "scale_behaviour", "scale_pupil_center"]

BehaviourScale = Literal["std", "range"]


def scale_behaviour(scan: Scan, kind: BehaviourScale) -> Float[np.ndarray, "T 3"]:
    """Pupil size, its change, and running speed, without unit, float32.

    "std": each divided by its standard deviation, not centred. "range": pupil size from 0 at its
    smallest to 1 at its largest, its change by its standard deviation, and running without its
    sign, by the fastest run in either direction. A component that never varies is 0, never NaN.
    """
    known = scan.statistics["behavior"]
    if kind == "std":
        return _divided(scan.behaviour, known["std"])
    low, high = known["min"], known["max"]
    size, change, running = scan.behaviour.T
    scaled = np.stack([size - low[0], change, np.abs(running)], axis=1)
    return _divided(scaled, np.array([high[0] - low[0], known["std"][1], max(-low[2], high[2])]))


def scale_pupil_center(scan: Scan) -> Float[np.ndarray, "T 2"]:
    """Eye position, each direction z-scored, float32; 0 where the eye never moved or was not seen."""
    known = scan.statistics["pupil_center"]
    return _divided(scan.pupil_center - known["mean"], known["std"])


def _divided(values: Float[np.ndarray, "T C"], by: Float[np.ndarray, "C"]) -> Float[np.ndarray, "T C"]:
    """The quotient, 0 where the divisor is not above 0."""
    by = np.broadcast_to(by, values.shape)
    return np.divide(values, by, out=np.zeros(values.shape), where=by > 0).astype(np.float32)
