"""Sliders over the arguments of a picture, with a plain picture where nothing can be moved."""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.errors import SettingsError


@explain_failure
def slide(
    draw: Callable[..., object], *, shown: Mapping[str, Any] | None = None, **values: Sequence[Any]
) -> None:
    """Draws a picture anew whenever a slider is moved; under CI, for stored outputs and for pages, once.

    Args:
        draw: is called with one value of each name and draws a figure.
        shown: the values to begin with, and of the stored picture (default: the first of each).
        values: of each slider, such as `width=(1, 3, 9)`.

    Without ipywidgets (extra `[notebooks]`) the picture is drawn once too. Raises SettingsError for a slider
    without values, and for one that is shown at none of them.
    """
    start = {name: choices[0] if len(choices) else None for name, choices in values.items()} | dict(
        shown or {}
    )
    for name, value in start.items():
        if name not in values or value not in values[name]:
            offered = ", ".join(map(str, values.get(name, ()))) or "none"
            raise SettingsError(f"{name} is shown at {value!r}, and its values are: {offered}.")
    if settings.quiet() or settings.pages() or not find_spec("ipywidgets"):
        draw(**start)
        return
    from ipywidgets import SelectionSlider, interact

    sliders = {
        name: SelectionSlider(
            options=list(choices), value=start[name], description=name, continuous_update=False
        )
        for name, choices in values.items()
    }
    interact(draw, **sliders)
