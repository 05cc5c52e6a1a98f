"""Experiments on a fitted model: gratings, the image that excites most, receptive fields.

A model here is any module from images (B H W, standardised) to rates (B N); `AtState` makes one of a
SENSORIUM model. For a V1 Transformer, `attribution_maps` says where and when it looks. All of it runs in
evaluation mode, leaves the model as it was found, and returns its results on the CPU.
"""

from neurokit.insilico.exciting import ExcitingImages, most_exciting_images
from neurokit.insilico.neuron_attribution import neuron_attribution
from neurokit.insilico.receptive_fields import centers, mean_gradients, receptive_fields
from neurokit.insilico.snippets import AtRunning, AttributionMaps, attribution_maps, shown_frames
from neurokit.insilico.state import AtState
from neurokit.insilico.tuning import (
    at_best_frequency,
    orientation_selectivity,
    preferred_orientation,
    tuning,
)

__all__ = [
    "AtRunning",
    "AtState",
    "AttributionMaps",
    "ExcitingImages",
    "at_best_frequency",
    "attribution_maps",
    "centers",
    "mean_gradients",
    "most_exciting_images",
    "neuron_attribution",
    "orientation_selectivity",
    "preferred_orientation",
    "receptive_fields",
    "shown_frames",
    "tuning",
]
