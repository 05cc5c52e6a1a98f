"""Pictures that move while a notebook runs, and stand still where its outputs are stored."""

from collections.abc import Callable

import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.config import Count, Positive, check_value
from neurokit.errors import SettingsError

DPI = 80  # of a moving picture: every frame of it is a picture of its own


@explain_failure
def play(
    figure: Figure,
    update: Callable[[int], object],
    frames: int,
    *,
    seconds: float = 4.0,
    still: int | None = None,
) -> None:
    """Plays a figure as an animation below the cell; under CI, and for stored outputs, shows one frame.

    Args:
        figure: what is drawn, with all its artists.
        update: is called with the number of a frame, from 0, and changes the artists to it.
        frames: their number.
        seconds: that all frames take.
        still: the frame that stands for all where nothing moves (default: the middle one).

    Raises SettingsError for a number of frames below 1, seconds not above 0, a still that is no frame.
    """
    frames = check_value("frames", frames, Count)
    seconds = check_value("seconds", seconds, Positive)
    chosen = frames // 2 if still is None else still
    if chosen not in range(frames):
        raise SettingsError(f"still is {still!r}, and the frames are 0 to {frames - 1}; give one of them.")
    if settings.quiet():
        update(chosen)  # the notebook shows an open figure by itself
        return
    from IPython.display import HTML, display  # only a notebook has it

    def draw(frame: int) -> None:
        update(frame)

    animation = FuncAnimation(figure, draw, frames=frames, interval=1000 * seconds / frames, blit=False)
    with plt.rc_context({"savefig.dpi": DPI}):
        page = animation.to_jshtml(fps=max(1, round(frames / seconds)), default_mode="loop")
    plt.close(figure)
    display(HTML(page))
