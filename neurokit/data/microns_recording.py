"""The public MICrONS scans: what one mouse saw in 14 scans, and what its neurons, eye and legs did.

Natural video ("Clip": cinema, sports, rendered) and two kinds of moving noise ("Monet2" with directions,
"Trippy") were shown while a two-photon mesoscope imaged thousands of neurons of V1, LM, AL and RL (MICrONS
Consortium, Nature 640, 435-447, 2025). NeuroBLab put them into one file (CC-BY 4.0). All was brought to 30 Hz
and every fourth sample kept, so 7.5 Hz; each frame is the one shown at least 66 ms before its sample.

By its description the traces are dF/F, so they may be negative and are not deconvolved. What it does not
say, and is assumed here: pupil in pixels of the eye camera, coordinates in micrometres, NaN for behaviour
that was not seen. Videos have 144 x 256 (Clip), 126 x 216 (Monet2) or 90 x 160 pixels (Trippy).

Letters: F samples of a trial, N neurons, H x W pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

PERIOD = 4 / 30  # s between samples


@dataclass(frozen=True, eq=False)
class MicronsTrial:
    """One video once shown, sampled at the same times throughout.

    Attributes:
        number: of the trial, in the order of presentation.
        video: condition hash of what was shown, equal for repeats; `load_video` has it.
        time: s on the clock of the scan, increasing.
        responses: dF/F of each neuron.
        pupil_center: x and y, pixels of the camera, NaN where not seen.
        pupil_radius: major and minor half axis, pixels of the camera, NaN where not seen.
        treadmill: cm/s, NaN where not measured.
    """

    number: int
    video: str
    time: Float[np.ndarray, "F"]
    responses: Float32[np.ndarray, "F N"]
    pupil_center: Float32[np.ndarray, "F 2"]
    pupil_radius: Float32[np.ndarray, "F 2"]
    treadmill: Float32[np.ndarray, "F"]


@dataclass(frozen=True, eq=False)
class MicronsVideo:
    """One video, stored once for all its trials.

    Attributes:
        name: its condition hash.
        kind: Clip, Monet2 or Trippy.
        frames: grey values.
        time: s of each frame, from 0.
        facts: what else is told of it, such as movie_name or duration (s), as text.
    """

    name: str
    kind: str
    frames: UInt8[np.ndarray, "F H W"]
    time: Float[np.ndarray, "F"]
    facts: dict[str, str]


@dataclass(frozen=True, eq=False)
class MicronsScan:
    """One scan of the mouse.

    Attributes:
        session: of the scan.
        scan_idx: of the scan.
        unit_ids: numbers of its neurons, with gaps; the same as in the tables of the digital twin.
        areas: visual area of each neuron: V1, LM, AL or RL.
        coordinates: x, y, z in the frame of the microscope's motors.
        trials: in the order of presentation.
    """

    session: int
    scan_idx: int
    unit_ids: Int[np.ndarray, "N"]
    areas: np.ndarray
    coordinates: Float[np.ndarray, "N 3"]
    trials: tuple[MicronsTrial, ...]
