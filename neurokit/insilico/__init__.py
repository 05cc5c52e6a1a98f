"""Experiments on a fitted model: gratings, the image that excites most, receptive fields, video.

A model here is any module from images (B H W, standardised) to rates (B N), or from video. All of it runs in
evaluation mode, leaves the model as it was found, and returns its results on the CPU.
"""

from neurokit.insilico.most_exciting import ExcitingImages, most_exciting_images
from neurokit.insilico.receptive_fields import centers, mean_gradients, receptive_fields
from neurokit.insilico.sparse_noise import flashed_fields
from neurokit.insilico.tuning import (
    at_best_frequency,
    orientation_selectivity,
    preferred_orientation,
    tuning,
)
from neurokit.insilico.video import (
    AtBehaviour,
    OneByOne,
    angles_between,
    direction_properties,
    direction_tuning,
    planted_directions,
)

__all__ = [
    "AtBehaviour",
    "ExcitingImages",
    "OneByOne",
    "angles_between",
    "at_best_frequency",
    "centers",
    "direction_properties",
    "direction_tuning",
    "flashed_fields",
    "mean_gradients",
    "most_exciting_images",
    "orientation_selectivity",
    "planted_directions",
    "preferred_orientation",
    "receptive_fields",
    "tuning",
]
