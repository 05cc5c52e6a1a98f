"""Baselines: predictions without network or image, to compare a score with.

Each is fitted to the training trials of one mouse and predicts the trials of a part.

Letters: T trials of a scan, B trials of a part, N neurons.
"""

import numpy as np
from jaxtyping import Float

from neurokit.models.ridge import best_ridge
from neurokit.sensorium.features import MouseTrials, scale_behaviour, scale_pupil_center

PENALTIES = tuple(10.0**power for power in range(-1, 6))


def mean_rate(mouse: MouseTrials, part: str = "test") -> Float[np.ndarray, "B N"]:
    """Each neuron's mean over the training trials, for every trial."""
    mean = mouse.scan.responses[mouse.trials("train").numpy()].mean(axis=0)
    return np.broadcast_to(mean, (len(mouse.trials(part)), len(mean)))


def behaviour_alone(mouse: MouseTrials, part: str = "test") -> Float[np.ndarray, "B N"]:
    """Ridge regression on pupil size, its change, running and the pupil's centre, without the image.

    The penalty is chosen on validation trials. Of a scan without behaviour this is the mean rate.
    """
    scan = mouse.scan
    design = np.hstack([scale_behaviour(scan, "std"), scale_pupil_center(scan)])  # T 5
    trials = [mouse.trials(tier).numpy() for tier in ("train", "validation")]
    train, validation = ((design[each], scan.responses[each]) for each in trials)
    return best_ridge(train, validation, PENALTIES).predict(design[mouse.trials(part).numpy()])


BASELINES = {"mean rate": mean_rate, "behaviour alone": behaviour_alone}
