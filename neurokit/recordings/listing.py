"""The recordings in a folder as a table: what can be chosen, and what each holds."""

from pathlib import Path

import pandas as pd

from neurokit.errors import DataError
from neurokit.recordings.formats import list_recordings, read
from neurokit.recordings.recording import Recording, Stimulus

COLUMNS = ("session", "format", "units", "areas", "movies", "behaviour")


def list_contents(path: str | Path) -> pd.DataFrame:
    """A row a recording: session, format, units, areas, movies, behaviour; DataError where there is none.

    A recording that cannot be read has the reason in its row.
    """
    found = list_recordings(path)
    if not found:
        raise DataError(f"{path} holds no recording: name a file or folder in a format that is read.")
    rows = [{"session": name} | _contents(place) for name, place in found.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS)).fillna("")


def _contents(path: Path) -> dict[str, object]:
    try:
        recording = read(path)
    except DataError as error:
        return {"format": str(error)}
    return {
        "format": recording.format,
        "units": recording.units,
        "areas": _join([] if recording.area is None else sorted(set(map(str, recording.area)) - {""})),
        "movies": list_stimuli(recording, "movie"),
        "behaviour": _join(list(recording.behaviour)),
    }


def list_stimuli(recording: Recording, kind: str) -> str:
    """The movies of a recording, or its sets of images, and how often each was shown."""
    return _join([_show(each) for each in recording.stimuli if each.kind == kind])


def _show(stimulus: Stimulus) -> str:
    if stimulus.kind == "images":
        return f"{stimulus.name} (in {int((stimulus.shown >= 0).sum())} trials)"
    return f"{stimulus.name} (shown {stimulus.repeats} times)"


def _join(words: list[str]) -> str:
    return ", ".join(words) or "none"
