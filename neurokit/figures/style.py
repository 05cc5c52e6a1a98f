"""The figure style: ink, colours, sizes."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.pyplot as plt

INK, GREY = "#222222", "#9a9a9a"
COLOURS = ("#0b5d8a", "#d1622b", "#28613c", "#d997e2", "#dcb41f", "#3574cd")  # no two alike to a deuteranope
STYLE = {
    "figure.dpi": 160,
    "savefig.dpi": 160,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "legend.frameon": False,
    "lines.linewidth": 1.3,
}


def use_style() -> None:
    """Sets the project's figure style for all later figures."""
    plt.style.use(STYLE)


@contextmanager
def style_context() -> Iterator[None]:
    """The project's figure style inside; closes the figures made there at the end."""
    before = set(plt.get_fignums())
    with plt.style.context(STYLE):
        yield
    for number in set(plt.get_fignums()) - before:
        plt.close(number)
