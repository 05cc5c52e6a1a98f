"""The picture that lesson 00 opens with: what a cell sees, and what can be recorded of its answer."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy.signal import lfilter

from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.simulation.video_stimuli import drifting_grating

FRAMES = 30  # a second
DIRECTIONS = np.arange(-90, 270, 45)
DECAY = 18  # frames in which calcium falls to 1/e


def draw() -> Figure:
    """Eight directions of drift, a second each; below them a cell's rate, spikes and calcium."""
    movie = drifting_grating(240, (36, 64), np.deg2rad(DIRECTIONS), np.full(8, 12.0), np.full(8, 2.0))
    rate = firing_rate(movie)
    random = np.random.default_rng(7)
    spikes = random.poisson(rate / FRAMES)
    calcium = lfilter([0.12], [1, -np.exp(-1 / DECAY)], spikes) + 0.06 * random.standard_normal(240)
    time = np.arange(240) / FRAMES
    figure, axes = plt.subplots(4, 8, figsize=(8.6, 4.2), height_ratios=(1, 0.9, 0.45, 1))
    for axis, direction, frame in zip(axes[0], DIRECTIONS, movie[::FRAMES], strict=True):
        axis.imshow(frame, cmap="gray", vmin=0, vmax=255)
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"{direction}°", fontsize=8)
        turn = np.deg2rad(direction)
        way = dict(arrowstyle="->", color=COLOURS[1], linewidth=2)
        tip, end = ((32 + side * 11 * np.cos(turn), 18 - side * 11 * np.sin(turn)) for side in (1, -1))
        axis.annotate("", tip, end, arrowprops=way)
    grid = axes[0, 0].get_gridspec()
    for axis in axes[1:].ravel():
        axis.remove()
    traces = [figure.add_subplot(grid[row, :]) for row in (1, 2, 3)]
    traces[0].plot(time, rate, color=INK)
    within = np.random.default_rng(6).uniform(0, 1 / FRAMES, spikes.sum())  # somewhere in its frame
    traces[1].eventplot(np.repeat(time, spikes) + within, colors=COLOURS[0], linelengths=0.8)
    traces[2].plot(time, calcium, color=COLOURS[2])
    traces[0].set(ylabel="rate (Hz)")
    traces[1].set(ylabel="spikes", yticks=[])
    traces[2].set(ylabel="calcium\n(dF/F)", xlabel="time (s)")
    for axis in traces:
        axis.set_xlim(0, 8)
        for second in range(1, 8):
            axis.axvline(second, color=GREY, linewidth=0.6, linestyle=":")
    for axis in traces[:2]:
        axis.set_xticklabels([])
    return figure


def firing_rate(frames: np.ndarray) -> np.ndarray:
    """Spikes per second at each frame (frames x rows x columns): the motion-energy cell of lesson 00."""
    y, x = np.mgrid[:36, :64] - np.array([18, 32])[:, None, None]
    gabor = np.exp(-(x**2 + y**2) / (2 * 4.0**2)) * np.exp(2j * np.pi * (x - y) / np.sqrt(2) / 12)
    age = np.arange(15) / FRAMES
    memory = (age / 0.05) ** 2 * np.exp(-age / 0.05) * np.exp(2j * np.pi * 2 * age)
    seen = (frames / 127.5 - 1).reshape(len(frames), -1) @ gabor.ravel()
    return np.asarray(1 + 0.001 * abs(np.convolve(seen, memory)[: len(frames)]) ** 2)
