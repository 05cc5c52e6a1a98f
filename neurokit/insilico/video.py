"""Whom experiments with video may ask: a digital twin, or the mouse itself where it is simulated.

Experiments show video to anything that predicts responses from it (`Animal`), many presentations at once,
and know nothing of what answers. So an experiment is tried on a simulated mouse, where the answer is on
record, before a twin's answer is believed:

    mouse = OneByOne(load_truth(folder))            twin = DigitalTwin(network)
    direction_tuning(mouse, ...)                    direction_tuning(twin, ...)

Behaviour is at its mean; `AtBehaviour` holds it elsewhere.

Letters: T frames (30 Hz), N presentations at once, H x W monitor pixels, U units.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, UInt8

from neurokit.progress import progress


@runtime_checkable
class Animal(Protocol):
    """Whatever answers to video as `neurokit.twins.twin.DigitalTwin` does."""

    def predict(
        self,
        stimulus: UInt8[np.ndarray, "T *frame"],
        perspective: Float[np.ndarray, "T *two"] | None = None,
        modulation: Float[np.ndarray, "T *two"] | None = None,
    ) -> Float32[np.ndarray, "T *units"]:
        """T U for a stimulus T H W, T N U for T N H W 1.

        Behaviour is in standard deviations, T 2, and at its mean where it is None.
        """


class OneByOne:
    """An animal that can watch one presentation at a time, made to answer to several, each from its start.

    A simulated mouse is one (`neurokit.data.simulated_mice.MouseTruth`).
    """

    def __init__(self, animal: Animal) -> None:
        self.animal = animal

    def predict(
        self,
        stimulus: UInt8[np.ndarray, "T N H W 1"],
        perspective: Float[np.ndarray, "T 2"] | None = None,
        modulation: Float[np.ndarray, "T 2"] | None = None,
    ) -> Float32[np.ndarray, "T N U"]:
        """Responses to each presentation, all with the same behaviour."""
        clips = np.moveaxis(stimulus[..., 0], 1, 0)
        return np.stack([self.animal.predict(clip, perspective, modulation) for clip in clips], axis=1)


class AtBehaviour:
    """An animal whose behaviour is held where it is told, whatever is shown.

    `perspective` (pupil x and y) and `modulation` (pupil radius, treadmill) are in standard deviations from
    the mean of training, which is where they are when left out.
    """

    def __init__(
        self,
        animal: Animal,
        perspective: Float[np.ndarray, "2"] | None = None,
        modulation: Float[np.ndarray, "2"] | None = None,
    ) -> None:
        self.animal = animal
        self.held = [None if values is None else values[None] for values in (perspective, modulation)]

    def predict(
        self,
        stimulus: UInt8[np.ndarray, "T *frame"],
        perspective: None = None,
        modulation: None = None,
    ) -> Float32[np.ndarray, "T *units"]:
        """Responses with the behaviour held; none can be given here."""
        held = [None if each is None else each.repeat(len(stimulus), axis=0) for each in self.held]
        return self.animal.predict(stimulus, *held)


def presented(
    animal: Animal,
    stimulus: UInt8[np.ndarray, "T N H W"],
    *,
    at_once: int = 16,
    title: str = "video",
    show_progress: bool = True,
) -> Float32[np.ndarray, "T N U"]:
    """Responses to all presentations, `at_once` of them in the animal's memory."""
    starts = progress(range(0, stimulus.shape[1], at_once), desc=title, disable=not show_progress)
    return np.concatenate(
        [animal.predict(stimulus[:, start : start + at_once, ..., None]) for start in starts], axis=1
    )
