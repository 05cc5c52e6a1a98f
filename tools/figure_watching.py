"""The moving picture of README and front page: a video, and a mouse and its twin that watch it."""

import io
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from neurokit import digital_twin, load_pretrained
from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.metrics import correlation

FIRST, LAST = 30, 180  # frames that are shown; the first second of a clip is not scored either
EVERY, RATE = 4, 30  # one frame in how many is drawn, and frames a second
GREYS = 18  # of the palette, beside the lines' colours
LARGEST = 400_000  # bytes


def write(path: Path) -> None:
    """Writes the moving picture; raises ValueError where it is larger than `LARGEST`."""
    figure, update = draw()
    pictures = (picture(figure, update, frame) for frame in range(FIRST, LAST, EVERY))
    colours = palette()
    frames = [each.quantize(palette=colours, dither=Image.Dither.NONE) for each in pictures]
    every = 1000 * EVERY // RATE  # ms
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=every, loop=0, optimize=True)
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"{path.name} has {size} bytes; at most {LARGEST}.")


def palette() -> Image.Image:
    """Greys, and the two colours of lines with their blends into white."""
    greys = [(grey,) * 3 for grey in np.linspace(0, 255, GREYS).astype(int).tolist()]
    lines = [np.array(to_rgb(colour)) for colour in COLOURS[:2]]
    blends = [
        tuple((255 * (share * line + 1 - share)).astype(int)) for line in lines for share in (1, 0.66, 0.33)
    ]
    found = Image.new("P", (1, 1))
    found.putpalette([int(value) for colour in greys + blends for value in colour])
    return found


def draw() -> tuple[Figure, Any]:
    """The figure, and what changes it to a frame.

    The cell is the one whose mean response the twin follows best over all clips of the demo's mouse (seed 0),
    and the clip the one in which it follows this cell best.
    """
    mouse = digital_twin.load(source="demo")
    twin = digital_twin.DigitalTwin(load_pretrained("twin").model)
    truth = digital_twin.load_truth(mouse.folder)
    clips = mouse.videos["natural"]
    answers = digital_twin.predict_videos(twin, clips)
    scores = digital_twin.score_videos(clips, answers).repeats
    cell = int(np.nanargmax(scores.cc_abs))
    means = [np.mean([repeat.units[:, cell] for repeat in clip.repeats], axis=0) for clip in clips]
    follows = [
        float(correlation(mean[FIRST:, None], answer[..., cell].mean(axis=0)[FIRST:, None])[0])
        for mean, answer in zip(means, answers, strict=True)
    ]
    best = int(np.argmax(follows))
    clip, answer, planted = clips[best], answers[best], truth.expected["natural"][best]
    time = np.arange(FIRST, LAST) / RATE
    figure, (screen, axis) = plt.subplots(1, 2, figsize=(7.6, 2.3), width_ratios=(1, 1.5), dpi=100)
    stimulus = clip.repeats[0].stimulus
    shown = screen.imshow(stimulus[0], cmap="gray", vmin=0, vmax=255)
    row, column = truth.mouse.sight.cells.center[cell]
    screen.plot(column, row, "o", mfc="none", color=COLOURS[1], markersize=15, mew=2)
    screen.set(xticks=[], yticks=[], title="on the screen; ring: where one cell looks")
    reachable = np.mean(planted, axis=0)[FIRST:LAST, cell]
    axis.plot(time, reachable, color=INK, linestyle=":", label="planted rate (the best reachable)")
    lines = [
        axis.plot([], [], color=GREY, label="mouse, mean of ten showings")[0],
        axis.plot([], [], color=COLOURS[0], linewidth=2, label="its twin")[0],
    ]
    values = means[best][FIRST:LAST], np.mean(answer, axis=0)[FIRST:LAST, cell]
    axis.set(xlim=(time[0], time[-1]), ylim=(0, 1.25 * max(each.max() for each in values)))
    axis.set(xlabel="time (s)", ylabel="rate (× the cell's mean)")
    axis.legend(fontsize=7, loc="upper left", ncols=3, columnspacing=0.8, handlelength=1.2)
    screen.title.set_fontsize(8)

    def update(frame: int) -> None:
        shown.set_data(stimulus[frame])
        for line, each in zip(lines, values, strict=True):
            line.set_data(time[: frame + 1 - FIRST], each[: frame + 1 - FIRST])

    return figure, update


def picture(figure: Figure, update: Any, frame: int) -> Image.Image:
    """One frame as it looks."""
    update(frame)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=100)
    return Image.open(held).convert("RGB")
