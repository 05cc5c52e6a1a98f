"""A diagnosis as one page of text.

Letters: n units.
"""

import textwrap
from collections.abc import Iterator

import numpy as np
import pandas as pd

from neurokit.arguments import explain_failure
from neurokit.recordings.diagnosis import Diagnosis

WIDTH = 108
MOST_LINES = 10  # of a table, or words of a list
MOST_STIMULI, MOST_NOTES = 6, 5
RELIABLE = 0.3  # split-half; units above are counted
FLATTERS = 0.05  # of the variance; a random split that predicts so much more is warned of


@explain_failure
def describe(diagnosis: Diagnosis) -> str:
    """The page: at most about 45 lines."""
    parts = (
        _head(diagnosis),
        _stimuli(diagnosis),
        _clocks(diagnosis),
        _quality(diagnosis),
        _systems(diagnosis),
    )
    notes = [f"note: {note}" for note in diagnosis.notes[:MOST_NOTES]]
    notes += _left(len(diagnosis.notes) - MOST_NOTES, "notes")
    lines = [line for part in (*parts, notes) for line in part]
    return "\n".join(wrapped for line in lines for wrapped in _wrap(line))


def _wrap(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _head(found: Diagnosis) -> Iterator[str]:
    minutes = "length not known" if np.isnan(found.minutes) else f"{found.minutes:.1f} minutes"
    yield f"{found.name}: {found.format}, {found.units} units, {minutes}"
    bad = ", ".join(f"{number} {words}" for words, number in found.unusable.counts().items())
    yield f"units: {bad}" if bad else "units: none silent, constant, missing or doubled"


def _stimuli(found: Diagnosis) -> Iterator[str]:
    if not len(found.stimuli):
        yield "stimuli: none"
        return
    for each in found.stimuli.head(MOST_STIMULI).itertuples():
        one = "image" if each.kind == "images" else "frame"
        shown = f"{each.presentations} presentations, at most {each.repeats} of one {one}"
        held = f"{each.frames} {one}s ({each.size})"
        kind = "" if one == "image" else f"{each.kind}, "
        yield f"stimulus {each.stimulus}: {kind}{held}, {shown}"
    yield from _left(len(found.stimuli) - MOST_STIMULI, "stimuli")
    doubled = found.doubled
    if not doubled.compared:
        yield "doubled stimuli: not known, since no frames are in the file"
    elif doubled.pairs:
        (one, frame), (other, before) = doubled.pairs[0]
        first = f"first frame {frame} of {one}, as frame {before} of {other}"
        number = len(doubled.pairs)
        yield f"doubled stimuli: {number} {'has' if number == 1 else 'have'} the content of another ({first})"
    if doubled.in_two_parts:
        name, frame = doubled.in_two_parts[0]
        number = len(doubled.in_two_parts)
        contents = "content" if number == 1 else "contents"
        yield f"shown in two parts of the data: {number} {contents}, such as frame {frame} of {name}"


def _clocks(found: Diagnosis) -> Iterator[str]:
    names = {
        "clock": -24,
        "Hz": 9,
        "from s": 11,
        "to s": 11,
        "overlap": 16,
        "gaps": 6,
        "longest": 10,
        "missing": 9,
    }
    yield "".join(name.ljust(-width) if width < 0 else name.rjust(width) for name, width in names.items())
    for row in _short(found.clocks):
        overlap = "-" if np.isnan(row.share) else f"{row.overlap:.0f} s {100 * row.share:.0f} %"
        numbers = [_number(value) for value in (row.rate, row.first, row.last)]
        longest = "-" if np.isnan(row.longest) else f"{row.longest:.3g} s"
        gaps = "-" if np.isnan(row.first) else str(row.gaps)
        yield (
            f"{row.what[:23]:24}{numbers[0]:>9}{numbers[1]:>11}{numbers[2]:>11}{overlap:>16}"
            f"{gaps:>6}{longest:>10}{100 * row.missing:>7.1f} %"
        )
    yield from _left(len(found.clocks) - MOST_LINES, "clocks")
    if apart := found.clocks["what"][found.clocks["share"] == 0].tolist():
        yield f"no time in common with activity: {', '.join(apart)}; give all times in s on one clock"


def _quality(found: Diagnosis) -> Iterator[str]:
    reliability, drift = found.reliability, found.drift
    if reliability is None:
        yield "reliability: nothing was shown twice while units were recorded: no noise ceiling can be known"
    else:
        repeated = f"{reliability.repeats} repeats of {reliability.what}"
        yield f"reliability over {repeated}, median of units (quartiles):"
        halves = reliability.split_half
        yield f"  split half (Spearman-Brown) {_spread(halves)}; {_share(halves)}"
        yield f"  ceiling on the mean over repeats (CC_max) {_spread(reliability.cc_max)}"
        single = f"  ceiling on single responses {_spread(reliability.single_trial)}"
        yield f"{single}; mean of the other repeats reaches {_spread(reliability.oracle)}"
    if found.shared is not None and len(found.shared):
        areas = [f"{row.area} {row.shared:.2f} ({row.units})" for row in _short(found.shared)]
        yield f"what two halves of an area's units share over trials (units): {', '.join(areas)}"
    if found.modulation:
        channels = list(found.modulation.items())[:MOST_LINES]
        said = ", ".join(f"{name} {value:.2f}" for name, value in channels)
        yield f"correlation of the mean over units with behaviour, over {found.rows.what}: {said}"
    if drift is None:
        yield "slow drift: not known, since rows are too few or no unit varies"
        return
    yield f"slow drift, share of the variance of {found.rows.what} that time alone predicts, median of units:"
    random, blocked = _share_of(np.median(drift.random)), _share_of(np.median(drift.blocked))
    yield (
        f"  random split {random}, blocked split {blocked}; of the mean over units "
        f"{_share_of(drift.mean_random)} and {_share_of(drift.mean_blocked)}"
    )
    flattered = max(drift.flattered, drift.mean_random - max(drift.mean_blocked, 0))
    if flattered > FLATTERS:
        remedy = "split by stimulus or in blocks of time"
        yield f"  a random split flatters models by up to {flattered:.2f}: {remedy}"


def _systems(found: Diagnosis) -> Iterator[str]:
    yield "which systems can take it"
    for each in found.systems:
        yield f"  {each.system:16}{each.sentence}"


def _spread(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return "not known"
    low, middle, high = np.percentile(known, [25, 50, 75])
    low, middle, high = (round(float(each), 2) + 0.0 for each in (low, middle, high))  # no -0.00
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _share_of(value: float) -> str:
    """An R²; nothing is told by how far below 0 it is."""
    return "none" if value < 0.005 else f"{value:.2f}"


def _share(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return (
        f"{100 * (known > RELIABLE).mean():.0f} % of {len(known)} units above {RELIABLE}"
        if len(known)
        else ""
    )


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:,.1f}"


def _short(table: pd.DataFrame) -> list:
    return list(table.head(MOST_LINES).itertuples())


def _left(number: int, what: str) -> Iterator[str]:
    if number > 0:
        yield f"  {number} more {what} are not listed"
