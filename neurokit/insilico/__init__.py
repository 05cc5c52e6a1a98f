"""Experiments on a fitted model: gratings, most exciting images, receptive fields, video.

A model is any module from images (B H W, standardised) to rates (B N), or from video. Experiments run in
evaluation mode, leave the model unchanged, and return results on the CPU.
"""

from neurokit.insilico.most_exciting import (
    ExcitingVideos,
    MostExcitingImages,
    most_exciting_images,
    most_exciting_videos,
)
from neurokit.insilico.receptive_fields import centers, flashed_fields, mean_gradients, receptive_fields
from neurokit.insilico.tuning import (
    at_best_frequency,
    orientation_selectivity,
    preferred_orientation,
    tuning,
)
from neurokit.insilico.video import (
    Batched,
    FixedBehaviour,
    angles_between,
    direction_properties,
    direction_tuning,
    planted_directions,
)

__all__ = [
    "Batched",
    "ExcitingVideos",
    "FixedBehaviour",
    "MostExcitingImages",
    "angles_between",
    "at_best_frequency",
    "centers",
    "direction_properties",
    "direction_tuning",
    "flashed_fields",
    "mean_gradients",
    "most_exciting_images",
    "most_exciting_videos",
    "orientation_selectivity",
    "planted_directions",
    "preferred_orientation",
    "receptive_fields",
    "tuning",
]
