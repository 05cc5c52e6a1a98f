"""Experiments on a fitted model: gratings, the image that excites most, receptive fields, video.

A model here is any module from images (B H W, standardised) to rates (B N), or from video. All of it runs in
evaluation mode, leaves the model as it was found, and returns its results on the CPU.
"""

from neurokit.insilico.most_exciting import MostExcitingImages, most_exciting_images
from neurokit.insilico.receptive_fields import centers, mean_gradients, receptive_fields
from neurokit.insilico.tuning import (
    at_best_frequency,
    orientation_selectivity,
    preferred_orientation,
    tuning,
)

__all__ = [
    "MostExcitingImages",
    "at_best_frequency",
    "centers",
    "mean_gradients",
    "most_exciting_images",
    "orientation_selectivity",
    "preferred_orientation",
    "receptive_fields",
    "tuning",
]
