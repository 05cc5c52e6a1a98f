"""The picture that lesson 01 opens with: a trial of a real session, and what its trials have in common."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit import pupil_encoder
from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.pupil_encoder.recording import TrialRecording

TRIAL = 60  # a grating of full contrast on the right, and a correct turn of the wheel
STEP = 2  # bins of 10 ms that the mean over trials takes together
TRACES = {
    "pupil_area": "pupil area",
    "face_motion": "face motion",
    "wheel_moving": "wheel turns",
    "licks": "licks",
}


def draw() -> Figure:
    """Cori 2016-12-17: spikes of one trial, behaviour in the same trial, mean rates over all trials."""
    cori = pupil_encoder.load(source="cutout")
    figure, axes = plt.subplots(1, 3, figsize=(8.6, 3.0), width_ratios=(1, 1.25, 1))
    _spikes(axes[0], cori)
    _behaviour(axes[1], cori)
    _means(axes[2], cori)
    return figure


def _spikes(axis: Axes, cori: TrialRecording) -> None:
    first = 0
    for colour, region in zip(COLOURS, cori.regions(), strict=False):
        neuron, bins = np.nonzero(cori.spikes[cori.brain_area == region, TRIAL])
        axis.scatter(cori.time[cori.spike_bins][bins], first + neuron, s=0.5, color=colour, rasterized=True)
        size = (cori.brain_area == region).sum()
        axis.text(0.41, first + size / 2, region, color=colour, fontsize=8, va="center")
        first += size
    axis.set(xlabel="time from stimulus (s)", ylabel="neuron, by region", title="one trial: a dot is a spike")
    axis.set(xlim=(0, 0.4), ylim=(0, first))


def _behaviour(axis: Axes, cori: TrialRecording) -> None:
    for place, (channel, name) in enumerate(TRACES.items()):
        values = cori.behaviour[channel][TRIAL]
        shown = (values - values.min()) / (np.ptp(values) or 1.0)
        axis.plot(cori.time, 0.65 * shown - place, color=INK, linewidth=0.9)
        axis.text(-0.48, 0.72 - place, name, color=INK, fontsize=8)
    axis.axvspan(0, 0.4, color=GREY, alpha=0.25, linewidth=0)
    axis.set(xlabel="time from stimulus (s)", yticks=[], title="the same trial (grey: left panel)")
    axis.spines["left"].set_visible(False)


def _means(axis: Axes, cori: TrialRecording) -> None:
    time = cori.time[cori.spike_bins].reshape(-1, STEP).mean(axis=1)
    for colour, region in zip(COLOURS, cori.regions(), strict=False):
        counts = cori.spikes[cori.brain_area == region].mean(axis=(0, 1))
        axis.plot(time, counts.reshape(-1, STEP).mean(axis=1) / cori.bin_size, color=colour, label=region)
    axis.set(
        xlabel="time from stimulus (s)",
        ylabel="rate (Hz per neuron)",
        title="mean of 251 trials",
        ylim=(0, None),
    )
