"""A small simulated mouse as a lab would have it: plain arrays, and a recording with clocks.

Letters: T trials (92), K images (76), N units (12).
"""

from typing import Any

import numpy as np
import pytest

from neurokit.recordings.recording import Recording, Spikes, Stimulus, Trace, Trials
from neurokit.sensorium import simulation
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import ScanParameters, SimulatedScan, number_units, simulate_scan

UNITS = 12
PARAMETERS = ScanParameters(
    mouse=MouseParameters(neurons=UNITS, seed=4), train=60, validation=12, test_images=4, repeats=5
)
EVERY = 1.0  # s between onsets
RATE = 100.0  # Hz
FIRST = 3.0  # s


def blocks(number: int, random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 256, (number, 18, 32), np.uint8).repeat(8, axis=1).repeat(8, axis=2)


def own_mouse() -> SimulatedScan:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "scenes", blocks)
        return simulate_scan(PARAMETERS)


def as_arrays(mouse: SimulatedScan, *, behaviour: bool = True, **others: Any) -> dict[str, Any]:
    """The arguments of `from_arrays`."""
    size, change, running = mouse.behaviour.T
    eye = {"running": running, "pupil_size": size, "pupil_change": change, "pupil_center": mouse.pupil_center}
    return {
        "images": mouse.images,
        "responses": mouse.responses.astype(np.float32),
        "image_ids": mouse.image,
        "coordinates": mouse.cells.coordinates,
        "order": mouse.rank,
        "tiers": mouse.tiers,
        "unit_ids": number_units(UNITS),
        **(eye if behaviour else {}),
        **others,
    }


def as_recording(mouse: SimulatedScan, activity: str = "traces", **others: Any) -> Recording:
    """In order of time; values stand from onset to onset, so that any window holds the trial's own."""
    order = np.argsort(mouse.rank)
    onsets = FIRST + EVERY * np.arange(len(order))
    time = np.arange(round((onsets[-1] + 2) * RATE)) / RATE
    trial = np.clip(((time - FIRST + 1e-9) // EVERY).astype(int), 0, len(order) - 1)
    size, change, running = mouse.behaviour[order].T
    x, y = mouse.pupil_center[order].T
    channels = {"running": running, "pupil_size": size, "pupil_change": change, "pupil_x": x, "pupil_y": y}
    responses = mouse.responses.astype(np.float32)[order]
    given: dict[str, Any] = {
        "traces": {"traces": Trace(responses[trial], time, "dF/F")},
        "trials": {"trials": Trials(responses[:, None])},
        "spikes": {"spikes": as_spikes(responses, onsets)},
    }[activity]
    return Recording(
        **{
            "name": "lab",
            "format": "arrays",
            "unit_ids": number_units(UNITS),
            "coordinates": mouse.cells.coordinates,
            "behaviour": {name: Trace(values[trial], time) for name, values in channels.items()},
            "stimuli": [
                Stimulus(
                    "pictures", "images", mouse.images, mouse.image[order], onsets, part=mouse.tiers[order]
                )
            ],
        }
        | given
        | others
    )


def as_spikes(responses: np.ndarray, onsets: np.ndarray) -> Spikes:
    """As many spikes as the rounded response says, all in the window after the onset."""
    counts = np.round(responses).astype(int)
    trials, units = np.nonzero(counts)
    times, owners = [], []
    for trial, unit in zip(trials.tolist(), units.tolist(), strict=True):
        number = counts[trial, unit]
        times.append(onsets[trial] + np.linspace(0.06, 0.5, number))
        owners.append(np.full(number, number_units(UNITS)[unit]))
    found, ids = np.concatenate(times), np.concatenate(owners)
    return Spikes(np.sort(found), ids[np.argsort(found, kind="stable")])
