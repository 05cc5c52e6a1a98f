"""What an NWB 2 file says was shown, and the trials in it.

Three ways of the standard: an index series names the frames of a template; a table of intervals names a
frame, or the parameters of what was shown, in each row; and an image series in `stimulus/presentation` is a
movie that was shown once.

Letters: K presentations, F frames.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Real, Shaped

from neurokit.errors import DataError, read_from
from neurokit.recordings.nwb_frames import Template, find_template, plain_name, read_frames
from neurokit.recordings.nwb_series import Nwb, last_part, numbers, read_table, read_time
from neurokit.recordings.recording import Stimulus

PRESENTATION, TEMPLATES, INTERVALS = "stimulus/presentation", "stimulus/templates", "intervals"
NO_STIMULI = ("trials", "invalid_times")  # tables of intervals that are something else
WORDS = "image_name"
FRAME = ("frame", "frame_index", "frame_number", "movie_frame_index", "image_index", "image_id", WORDS)
PARTS = ("part", "tier", "split")
BLANK_WORDS = ("", "nan", "null", "none", "blank", "gray", "grey", "gray_screen", "omitted")
BLANK_NUMBERS = (-1, 2**32 - 1)  # the second is the first, cast to the type of index series
SHORTEST_IMAGE = 0.2  # s; what follows faster, frame on frame, is a movie
MOST_UNKNOWN = 10**6  # frames that are not in the file and yet counted by their own number
ONSETS = (  # columns of trials, the first that is there
    "stimulus_time",
    "stimulus_onset",
    "stimulus_onset_time",
    "stimulus_start_time",
    "visual_stimulus_time",
    "stim_on_time",
    "stim_on_times",
    "stimOn_times",
    "start_time",
)
PARAMETERS = re.compile(
    r"orientation|direction|spatial_frequency|temporal_frequency|phase|contrast|x_position|y_position|"
    r"coherence|speed$|^dir$",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Shown:
    """What one stimulus' presentations were, as the file names them, and when; K each."""

    name: str
    frames: Shaped[np.ndarray, "K"]
    time: Float[np.ndarray, "K"]
    template: Template | None = None
    part: Shaped[np.ndarray, "K"] | None = None


def read_stimuli(nwb: Nwb, path: Path | None) -> list[Stimulus]:
    """All stimuli by name. One that cannot be read is left out with a note.

    Raises DataError where none can.
    """
    found: list[Stimulus] = []
    failed: list[DataError] = []
    for shown in _presentations(nwb, failed):
        try:
            made = _make(nwb, shown, path)
        except DataError as error:
            failed.append(error)
            continue
        if any(each.name == made.name for each in found):
            nwb.note(f"{made.name} is there twice; the series of the two is read, not the table.")
        else:
            found.append(made)
    if failed and not found:
        raise failed[0]
    for reason in failed:
        nwb.note(f"Left out: {reason}")
    return found


def _presentations(nwb: Nwb, failed: list[DataError]) -> Iterator[Shown]:
    """Every stimulus of each kind; what cannot be read is added to `failed`."""
    for place in nwb.groups(PRESENTATION, 1):
        try:
            if nwb.has(f"{place}/start_time"):
                yield from _of_table(nwb, place)
            elif (linked := _linked(nwb, place)) is not None or nwb.kind(place) == "IndexSeries":
                frames = nwb.stored.read(f"{place}/data", "iu", (None,)).astype(np.int64)
                yield Shown(last_part(place), frames, read_time(nwb, place, len(frames)), linked)
            elif (movie := find_template(nwb, place)) is not None:
                time = read_time(nwb, place, movie.frames)
                yield Shown(last_part(place), np.arange(movie.frames), time, movie)
            elif nwb.has(f"{place}/external_file"):
                files = nwb.stored.texts(f"{place}/external_file")
                nwb.note(f"{place} lies in another file, {', '.join(files[:3])}, which is not read.")
        except DataError as error:
            failed.append(error)
    for place in nwb.groups(INTERVALS, 1):
        if last_part(place) not in NO_STIMULI:
            try:
                yield from _of_table(nwb, place)
            except DataError as error:
                failed.append(error)


def _linked(nwb: Nwb, place: str) -> Template | None:
    for link in ("indexed_images", "indexed_timeseries"):
        found = nwb.stored.find(f"{place}/{link}")
        if isinstance(found, h5py.Group):
            return find_template(nwb, found.name)
    return None


def _of_table(nwb: Nwb, place: str) -> Iterator[Shown]:
    """The stimuli in a table of intervals, one for each name in its column `stimulus_name`."""
    needed = ("start_time", "stimulus_name", "omitted", *FRAME, *PARTS)
    table = read_table(
        nwb, place, [name for name in nwb.names(place) if name in needed or PARAMETERS.search(name)]
    )
    if not len(table) or "start_time" not in table:
        nwb.note(f"{place} has no presentation and is left out.")
        return
    named = "stimulus_name" in table and last_part(place) != "epochs"
    own = last_part(place)
    groups = table.groupby("stimulus_name", sort=False) if named else [(own, table)]
    for name, rows in groups:
        name = str(name) if named and table["stimulus_name"].nunique() > 1 else own
        time, template = numbers(nwb, place, rows, "start_time"), _template_of(nwb, name)
        column = _frame_column(rows, template)
        if column is not None:
            yield Shown(name, _shown(rows, column), time, template, _parts(rows))
        elif parameters := [each for each in rows if PARAMETERS.search(each)]:
            yield Shown(name, _conditions(rows, parameters), time)


def _frame_column(rows: pd.DataFrame, template: Template | None) -> str | None:
    """The column that names frames: words where they are the names of the template's images, else numbers."""
    if template is not None and WORDS in rows and _named(rows[WORDS].to_numpy(), template):
        return WORDS
    return next((each for each in FRAME if each in rows and not _is_empty(rows[each])), None)


def _shown(rows: pd.DataFrame, column: str) -> Shaped[np.ndarray, "K"]:
    """What the column says; nothing where an image was left out, as its table says in a column of its own."""
    shown = rows[column]
    if "omitted" in rows and pd.api.types.is_bool_dtype(rows["omitted"]):
        words = not pd.api.types.is_numeric_dtype(shown)
        shown = shown.mask(rows["omitted"], "omitted" if words else -1)
    return shown.to_numpy()


def _parts(rows: pd.DataFrame) -> Shaped[np.ndarray, "K"] | None:
    """train, validation or test of each presentation, where a column says so for all."""
    column = next((each for each in PARTS if each in rows), None)
    if column is None or not rows[column].isin(("train", "validation", "test")).all():
        return None
    return rows[column].to_numpy(dtype=str)


def _is_empty(column: pd.Series) -> bool:
    return bool(column.isna().all() or column.astype(str).str.lower().isin(BLANK_WORDS).all())


def _template_of(nwb: Nwb, name: str) -> Template | None:
    for place in nwb.groups(TEMPLATES, 1):
        if plain_name(last_part(place)) == plain_name(name):
            return find_template(nwb, place)
    return None


def _conditions(rows: pd.DataFrame, parameters: list[str]) -> Int[np.ndarray, "K"]:
    """A number for each combination of parameters; -1 for a blank, which has none."""
    table = rows[parameters].astype(str).fillna("nan")
    empty = table.apply(lambda column: column.str.lower().isin(BLANK_WORDS))
    codes = np.array(table.groupby(parameters).ngroup())
    varying = [name for name in parameters if table[name].nunique() > 1]
    blank = empty[varying].all(axis=1).to_numpy() if varying else np.zeros(len(rows), bool)
    _, known = np.unique(codes[~blank], return_inverse=True)
    codes[blank], codes[~blank] = -1, known
    return codes


def _make(nwb: Nwb, given: Shown, path: Path | None) -> Stimulus:
    name, shown, time, template, part = given.name, given.frames, given.time, given.template, given.part
    if shown.dtype.kind not in "biuf" and template is not None and not _named(shown, template):
        nwb.note(f"{name}: the images of {template.place} have other names than those shown: without frames.")
        template = None
    with read_from(f"{nwb.stored.file.filename}: {name}"):
        frame = _frame_numbers(shown, template)
    known = np.isfinite(time)
    if lost := int((~known).sum()):
        nwb.note(f"{name}: {lost} of {len(time)} presentations have no time and are left out.")
    order = np.argsort(time[known], kind="stable")
    frame, time = frame[known][order], time[known][order]
    part = None if part is None else part[known][order]
    if template is not None and frame.size and frame.max() >= template.frames:
        raise nwb.stored.error(
            template.place, f"has {template.frames} frames, and {name} names frame {frame.max()}"
        )
    frames = read_frames(nwb, template, path) if template is not None else None
    name = plain_name(name)
    return Stimulus(name, _kind(name, frame, time), frames, frame, time, part)


def _frame_numbers(shown: Shaped[np.ndarray, "K"], template: Template | None) -> Int[np.ndarray, "K"]:
    """Which frame each presentation was, from 0; -1 for a blank screen."""
    if shown.dtype.kind not in "biuf":
        return _from_words(shown, template)
    values = np.where(np.isin(shown, BLANK_NUMBERS) | ~np.isfinite(shown), -1, shown)
    if (parts := values != np.round(values)).any():
        raise DataError(f"frame {values[parts][0]} was shown, which is no integer; number them from 0.")
    values = values.astype(np.int64)
    if template is None and values.max(initial=0) > MOST_UNKNOWN:
        _, codes = np.unique(values[values >= 0], return_inverse=True)
        values[values >= 0] = codes
    return values


def _words(shown: Shaped[np.ndarray, "K"]) -> Shaped[np.ndarray, "K"]:
    words = shown.astype(str)
    return np.where(np.isin(np.char.lower(words), BLANK_WORDS), "", words)


def _named(shown: Shaped[np.ndarray, "K"], template: Template) -> bool:
    words = {*_words(shown)} - {""}
    return words <= {*template.names} or all(word.isdigit() for word in words)


def _from_words(shown: Shaped[np.ndarray, "K"], template: Template | None) -> Int[np.ndarray, "K"]:
    words = _words(shown)
    known = list(template.names) if template is not None else []
    if not {*words} - {""} <= {*known}:
        if np.char.isdigit(words[words != ""]).all():
            return _frame_numbers(np.where(words == "", "-1", words).astype(np.int64), template)
        known = sorted({*words} - {""})
    places = {"": -1} | {word: number for number, word in enumerate(known)}
    return np.array([places[word] for word in words])


def _kind(name: str, shown: Int[np.ndarray, "K"], time: Real[np.ndarray, "K"]) -> Literal["images", "movie"]:
    if re.search("movie|video|clip", name, re.IGNORECASE):
        return "movie"
    steps, intervals = np.diff(shown), np.diff(time)
    ordered = len(steps) > 0 and (steps == 1).mean() > 0.5
    return "movie" if ordered and np.median(intervals) < SHORTEST_IMAGE else "images"


def read_events(nwb: Nwb) -> pd.DataFrame | None:
    """The table of trials, a row each, with `stimulus_time`; None where there is none."""
    place = f"{INTERVALS}/trials"
    if not nwb.has(place):
        return None
    table = read_table(nwb, place)
    if not len(table):
        nwb.note(f"{place} has no trial and is left out.")
        return None
    if "id" in table and np.array_equal(table["id"], np.arange(len(table))):
        table = table.drop(columns="id")  # which says nothing
    column = next((name for name in ONSETS if name in table), None)
    if column is None:
        nwb.note(f"{place} has no column of onsets: {', '.join(table.columns)}.")
    elif column != "stimulus_time":
        nwb.note(f"Onsets of stimuli in trials (stimulus_time) are {column}.")
        table = table.assign(stimulus_time=table[column])
    return table
