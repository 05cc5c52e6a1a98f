"""What can be known of a recording before anything is trained on it.

    diagnosis = diagnose(recordings.read("my_mouse.nwb"))
    print(describe(diagnosis))
    draw_diagnosis(diagnosis, recording)

Takes seconds for each GB: what is large is measured on some of the units, and `notes` says so.

Letters: N units, n of them, K rows.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Int

from neurokit.arguments import explain_failure
from neurokit.config import Seed, check_integer
from neurokit.recordings.completeness import compare_clocks, find_minutes
from neurokit.recordings.doubles import DoubledStimuli, find_doubles
from neurokit.recordings.drift import Drift, measure_drift
from neurokit.recordings.intervals import Rows, rows_of
from neurokit.recordings.modulation import measure_modulation
from neurokit.recordings.recording import Recording
from neurokit.recordings.reliability import Reliability, measure_reliability, shared_by_area
from neurokit.recordings.suitability import Suitability, suit_systems
from neurokit.recordings.unusable import UnusableUnits, find_unusable

MOST_UNITS_OF_ROWS = 300  # for drift and pictures


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """A recording in numbers.

    Attributes:
        name: of the session.
        format: in which it came.
        units: N.
        minutes: of activity; NaN where only the order of trials is known.
        stimuli: a row each: stimulus, kind, frames, size, presentations, repeats.
        clocks: a row for activity, each channel, stimulus and the events: see `compare_clocks`.
        unusable: units that say little or nothing.
        doubled: stimuli that are there twice.
        reliability: over repeats; None where nothing was repeated, so that no ceiling can be known.
        shared: by area, what halves of its units share; None without areas or trials.
        rows: activity of some units in trials or bins.
        drift: how much of it time alone predicts; None where there are too few rows.
        modulation: correlation of the mean over units with each channel of behaviour.
        systems: which can take the recording.
        notes: of the reader, and what was measured on a part.
    """

    name: str
    format: str
    units: int
    minutes: float
    stimuli: pd.DataFrame
    clocks: pd.DataFrame
    unusable: UnusableUnits
    doubled: DoubledStimuli
    reliability: Reliability | None
    shared: pd.DataFrame | None
    rows: Rows
    drift: Drift | None
    modulation: dict[str, float]
    systems: tuple[Suitability, ...]
    notes: tuple[str, ...]


@explain_failure
def diagnose(recording: Recording, *, seed: int = 0) -> Diagnosis:
    """Measures a recording without training; `seed` draws units, repeats and splits where only some are used.

    Values that are missing are counted and left out, never replaced.
    """
    seed = check_integer("seed", seed, Seed)
    unusable = find_unusable(recording)
    varying = _varying(recording, unusable)
    usable = varying if len(varying) else np.arange(recording.units)
    drawn = np.sort(np.random.default_rng(seed).permutation(usable)[:MOST_UNITS_OF_ROWS])
    rows = rows_of(recording, drawn)
    reliability = measure_reliability(recording, usable, seed)
    by_trial = rows.what in ("trials", "events") and recording.area is not None
    return Diagnosis(
        recording.name,
        recording.format,
        recording.units,
        find_minutes(recording),
        _table_of_stimuli(recording),
        compare_clocks(recording, unusable.share),
        unusable,
        find_doubles(recording),
        reliability,
        shared_by_area(recording, rows.values, drawn) if by_trial else None,
        rows,
        measure_drift(rows, seed),
        measure_modulation(recording, rows),
        suit_systems(recording, varying),
        (*recording.notes, *_parts_used(len(usable), len(drawn), reliability)),
    )


def _varying(recording: Recording, unusable: UnusableUnits) -> Int[np.ndarray, "_"]:
    """Columns of the units that vary, each once."""
    bad = np.concatenate([unusable.missing, unusable.silent, unusable.constant, unusable.doubled])
    return np.flatnonzero(~np.isin(recording.unit_ids, bad))


def _table_of_stimuli(recording: Recording) -> pd.DataFrame:
    facts = []
    for each in recording.stimuli:
        frames, size = len(np.unique(each.shown[each.shown >= 0])), "not in the file"
        if each.frames is not None:
            frames, rows, columns = each.frames.shape
            size = f"{rows} x {columns}"
        facts.append((each.name, each.kind, frames, size, len(each.shown), each.repeats))
    columns = ["stimulus", "kind", "frames", "size", "presentations", "repeats"]
    return pd.DataFrame(facts, columns=columns)


def _parts_used(usable: int, drawn: int, reliability: Reliability | None) -> tuple[str, ...]:
    said = []
    if drawn < usable:
        said.append(f"drift, areas and the picture are of {drawn} of {usable} usable units, drawn at random")
    if reliability is not None and len(reliability.columns) < usable:
        said.append(f"reliability is of {len(reliability.columns)} of {usable} usable units, drawn at random")
    return tuple(said)
