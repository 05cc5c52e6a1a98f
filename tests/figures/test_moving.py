"""What moves at run time is one picture where outputs are stored, and the frames are those that are drawn."""

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pytest

from neurokit.errors import SettingsError
from neurokit.figures import sliders
from neurokit.figures.moving import play
from neurokit.figures.sliders import slide


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure is left open."""
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook would show, outside a run that hides bars."""
    found: list[str] = []
    for name in ("NEUROKIT_QUIET", "NEUROKIT_PAGES", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("IPython.display.display", lambda page: found.append(page.data))
    return found


@pytest.mark.parametrize(("still", "drawn"), [(None, 5), (0, 0), (9, 9)])
def test_one_frame_stands_for_all_where_nothing_moves(
    still: int | None, drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    figure, called = plt.figure(), list[int]()
    play(figure, called.append, 10, still=still)
    assert called == [drawn]
    assert plt.fignum_exists(figure.number)  # the notebook shows it


def test_at_run_time_every_frame_is_drawn_in_order_and_shown_once(shown: list[str]) -> None:
    figure, axis = plt.subplots(figsize=(1, 1))
    (line,) = axis.plot([0, 1], [0, 1])
    called: list[int] = []

    def update(frame: int) -> None:
        called.append(frame)
        line.set_ydata([0, frame])

    play(figure, update, 4, seconds=2.0)
    assert called[-4:] == [0, 1, 2, 3]
    (page,) = shown
    assert "frames[3]" in page and "frames[4]" not in page
    assert not plt.fignum_exists(figure.number)  # or it would be shown a second time


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"frames": 0}, "frames"),
        ({"seconds": 0.0}, "seconds"),
        ({"still": 10}, "still is 10, and the frames are 0 to 9; give one of them."),
    ],
)
def test_what_cannot_be_played_is_said(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        play(plt.figure(), lambda frame: None, **{"frames": 10} | changed)


def test_a_slider_is_drawn_once_where_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    drawn: list[dict[str, Any]] = []
    slide(lambda **values: drawn.append(values), width=(1, 3, 9), lag=(0, 2), shown={"width": 3})
    assert drawn == [{"width": 3, "lag": 0}]


def test_a_slider_that_is_moved_draws_anew(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    made: list[Any] = []
    monkeypatch.setattr("ipywidgets.interact", lambda draw, **options: made.append((draw, options)))
    slide(lambda width: drawn.append(width), width=(1, 3, 9), shown={"width": 3})
    ((draw, options),) = made
    assert (options["width"].options, options["width"].value) == ((1, 3, 9), 3)
    draw(width=9)
    assert drawn == [9]


def test_without_ipywidgets_the_picture_is_drawn_once(
    shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sliders, "find_spec", lambda name: None)
    drawn: list[int] = []
    slide(lambda width: drawn.append(width), width=(1, 3))
    assert drawn == [1]


def test_a_page_holds_the_picture_and_no_slider(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_PAGES", "1")
    drawn: list[int] = []
    slide(lambda width: drawn.append(width), width=(1, 3), shown={"width": 3})
    assert drawn == [3]


@pytest.mark.parametrize(
    ("values", "shown_at", "says"),
    [
        ({"width": (1, 3)}, {"width": 2}, "width is shown at 2, and its values are: 1, 3."),
        ({"width": (1, 3)}, {"lag": 2}, "lag is shown at 2, and its values are: none."),
        ({"width": ()}, None, "width is shown at None, and its values are: none."),
    ],
)
def test_a_slider_without_a_place_is_said(
    values: dict[str, Any], shown_at: dict[str, Any] | None, says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        slide(lambda **_: None, shown=shown_at, **values)
    assert says in str(caught.value)
