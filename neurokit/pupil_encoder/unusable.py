"""Pieces of a session that cannot be used: units, trials, channels, values of the trial table.

One bad piece costs one piece: it is left out by a rule with a name, and the rest is read. A trial that is
lost in most units is left out as a trial; after that, a unit that is lost in any trial is left out as a
unit. A unit that is silent throughout was measured and stays. Of a region that falls silent for good, as
when its probe is lost, the units are left out, or the last trials where these are few. Trials go by their
number in the file, counted from 0, and units by the number that the file has for them.

Letters: N units, K trials, T behaviour bins of a trial, S of these bins that also hold spikes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from neurokit.errors import DataError, read_from
from neurokit.pupil_encoder.cleaning import PUPIL
from neurokit.recordings.counts import most_spikes
from neurokit.training.omissions import Omission, leave_out

MOST_LOST = 0.5  # of the units; a trial lost in more of them is left out itself
WHEELS = {"wheel", "wheel_moving"}  # two forms of one channel
CONDITIONS = ("contrast_left", "contrast_right", "response")  # columns that a baseline reads
FEWEST = 5  # units of a region that is judged as a whole
EXPECTED = 100.0  # spikes in the silent trials, at the rate before; none of so many is no chance
SHARE = 0.1  # of the trials; a region that is silent in more of them at the end is left out, else the trials
TIMES = ("response_time", "go_cue", "feedback_time")
LONGEST = 60.0  # s from stimulus to response; a time beyond it is one in other units
LIMITS = {
    "contrast_left": (0.0, 1.0),
    "contrast_right": (0.0, 1.0),
    "response": (-1.0, 1.0),
    "response_time": (-LONGEST, LONGEST),
    "go_cue": (-LONGEST, LONGEST),
    "feedback_type": (-1.0, 1.0),
    "feedback_time": (-LONGEST, LONGEST),
}
WHOLE = ("response", "feedback_type")
FLAWS = {"not_finite": "is not measured in the training trials", "constant": "never changes there"}


@dataclass(frozen=True)
class Usable:
    """Which units and trials can be used, and by which rules the others are left out."""

    units: Bool[np.ndarray, "N"]
    trials: Bool[np.ndarray, "K"]
    omissions: tuple[Omission, ...]


def find_usable(
    spikes: Shaped[np.ndarray, "N K S"],
    area: Shaped[np.ndarray, "N"],
    trials: Shaped[np.ndarray, "K"],
    units: Shaped[np.ndarray, "N"] | None = None,
    what: str = "spks",
    bin_size: float = 0.01,
) -> Usable:
    """The units and trials whose spikes are counts that a bin of `bin_size` s can hold, in a known area.

    `trials` and `units` are names; those of units are by default their numbers; `what` is the name of
    `spikes` in the file. Raises DataError where none is left.
    """
    units, most = np.arange(len(spikes)) if units is None else units, most_spikes(bin_size)
    broken, impossible = _find_bad_counts(spikes, most)
    wanted = f"whole numbers from 0 to {most:,} (bins last {bin_size:g} s)"
    good_trials, found = _sort_trials(broken, impossible, trials, what, wanted)
    flaws = {
        "place_unknown": np.isin(np.char.lower(area.astype(str)), ("", "nan", "none")),
        "not_finite": broken[:, good_trials].any(axis=1),
        "out_of_range": impossible[:, good_trials].any(axis=1),
        "constant": _find_stuck(spikes, good_trials),
    }
    good_units = np.ones(len(spikes), dtype=bool)
    with read_from(what):
        for rule, bad in flaws.items():
            found += leave_out(bad & good_units, units, rule, "units")
            good_units &= ~bad
    if not good_units.any():
        raise DataError(f"no unit can be used: {'; '.join(map(str, found))}.")
    return Usable(good_units, good_trials, found)


def _sort_trials(
    broken: Bool[np.ndarray, "N K"],
    impossible: Bool[np.ndarray, "N K"],
    names: Shaped[np.ndarray, "K"],
    what: str,
    wanted: str,
) -> tuple[Bool[np.ndarray, "K"], tuple[Omission, ...]]:
    """Trials that are not lost in most units, and the others; DataError where there are none."""
    lost, wrong = (bad.mean(axis=0) > MOST_LOST for bad in (broken, impossible))
    if (lost | wrong).all():
        raise DataError(
            f"{what} must be {wanted}, and in every trial most units hold other values; give counts per bin."
        )
    found = leave_out(lost, names, "not_finite", "trials")
    return ~(lost | wrong), found + leave_out(wrong & ~lost, names, "out_of_range", "trials")


def _find_bad_counts(
    spikes: Shaped[np.ndarray, "N K S"], most: int
) -> tuple[Bool[np.ndarray, "N K"], Bool[np.ndarray, "N K"]]:
    """Where a unit's trial holds NaN or infinity, and where it holds numbers that are no counts."""
    none = np.zeros(spikes.shape[:2], dtype=bool)
    if np.issubdtype(spikes.dtype, np.integer):
        if spikes.min() >= 0 and spikes.max() <= most:
            return none, none
        return none, np.any((spikes < 0) | (spikes > most), axis=2)
    finite: np.ndarray = np.isfinite(spikes)
    counts = (spikes >= 0) & (spikes <= most) & (spikes == np.floor(spikes))
    return ~np.all(finite, axis=2), np.any(finite & ~counts, axis=2)


def _find_stuck(spikes: Shaped[np.ndarray, "N K S"], trials: Bool[np.ndarray, "K"]) -> Bool[np.ndarray, "N"]:
    """Units that have the same count of one or more in every bin of `trials`."""
    first = spikes[:, np.argmax(trials), 0]
    candidates = np.flatnonzero((first > 0) & (spikes.shape[1] * spikes.shape[2] > 1))
    stuck = np.zeros(len(spikes), dtype=bool)
    stuck[candidates] = (spikes[candidates][:, trials] == first[candidates, None, None]).all(axis=(1, 2))
    return stuck


def find_lost(
    counts: Int[np.ndarray, "N K"], area: Shaped[np.ndarray, "N"]
) -> tuple[Bool[np.ndarray, "N"], Bool[np.ndarray, "K"]]:
    """Units of regions that fall silent for good, and trials after the last spike; `counts` are of a trial.

    Silent are all units of a region, five or more, in a run of trials up to the end in which 100 spikes or
    more would come at their rate before. In a run of up to a tenth of the trials these are lost, not the
    units, and so they are where all regions fall silent together.
    """
    units, trials = np.zeros(len(counts), dtype=bool), np.zeros(counts.shape[1], dtype=bool)
    end = _find_end(counts.sum(axis=0))
    trials[end:] = True
    for region in np.unique(area):
        own = area == region
        until = _find_end(counts[own, :end].sum(axis=0)) if own.sum() >= FEWEST else end
        if end - until > SHARE * end:
            units |= own
        else:
            trials[until:] = True
    return units, trials


def _find_end(counts: Int[np.ndarray, "K"]) -> int:
    """Up to which trial there are spikes; all, where a silence after that may be chance."""
    active = np.flatnonzero(counts)
    until = int(active[-1]) + 1 if len(active) else len(counts)
    return until if counts[:until].mean() * (len(counts) - until) >= EXPECTED else len(counts)


def mask_impossible(
    behaviour: Mapping[str, Float[np.ndarray, "K T"]],
) -> dict[str, Float[np.ndarray, "K T"]]:
    """The same channels, with NaN for licks below zero, so that they count as not measured."""
    masked = dict(behaviour)
    if (licks := masked.get("licks")) is not None and (licks < 0).any():
        masked["licks"] = np.where(licks < 0, np.nan, licks).astype(licks.dtype)
    return masked


def find_unmeasured(
    behaviour: Mapping[str, Float[np.ndarray, "K T"]], trials: Shaped[np.ndarray, "K"]
) -> tuple[Omission, ...]:
    """Trials in which a channel has no value at all, as where its clock is short or shifted.

    What is missing in a part of a trial is masked there; a channel without any value is left out by a task.
    """
    gone = {name: np.isnan(values).all(axis=1) for name, values in behaviour.items()}
    bad = {name: each for name, each in gone.items() if each.any() and not each.all()}
    if not bad:
        return ()
    names = [f"{name} of trial {trial}" for name, each in bad.items() for trial in trials[each].tolist()]
    return (Omission("outside_clock", "trials of behaviour", tuple(names), len(trials) * len(behaviour)),)


def forget_impossible(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Omission, ...]]:
    """The trial table with NaN for values that cannot be, and what is unknown by that.

    All values of a column are unknown whose times look like milliseconds. A missing contrast or response is
    counted too, unless none of its column was recorded, since a baseline reads them; in other columns NaN
    means unknown. Rows go by the table's index.
    """
    values = table.to_numpy(dtype=float)
    missing = np.isnan(values) & np.isin(table.columns, CONDITIONS) & ~np.isnan(values).all(axis=0)
    low, high = np.array([LIMITS.get(name, (-np.inf, np.inf)) for name in table.columns]).T
    fraction = np.isin(table.columns, WHOLE) & (values != np.round(values))
    outside = np.isfinite(values) & ((values < low) | (values > high) | fraction)
    in_ms = np.isfinite(values) & [_is_in_ms(*column) for column in zip(table.columns, values.T, strict=True)]
    outside &= ~in_ms
    if not (missing | np.isinf(values) | outside | in_ms).any():
        return table, ()
    names = np.array([[f"{column} of trial {row}" for column in table.columns] for row in table.index])
    found = leave_out((missing | np.isinf(values)).ravel(), names.ravel(), "not_finite", "trial values")
    found += leave_out(in_ms.ravel(), names.ravel(), "in_ms", "trial values")
    found += leave_out(outside.ravel(), names.ravel(), "out_of_range", "trial values")
    return table.mask(np.isinf(values) | outside | in_ms), found


def _is_in_ms(column: str, values: Float[np.ndarray, "K"]) -> bool:
    """Whether most of the times are too long for seconds, and none is for milliseconds."""
    known = np.abs(values[np.isfinite(values)])
    if column not in TIMES or not len(known):
        return False
    return bool(np.median(known) > LONGEST and known.max() <= 1000 * LONGEST)


def find_channels(
    behaviour: Mapping[str, Float[np.ndarray, "K T"]],
    channels: tuple[str, ...],
    training: Bool[np.ndarray, "K"],
    name: str,
) -> tuple[dict[str, Float[np.ndarray, "K T"]], tuple[Omission, ...]]:
    """Of the `channels` and what masks the pupil, what can be read, and by which rules the rest is left out.

    A channel has to be recorded, measured in the `training` trials, and to change there; an area that cannot
    be read masks no position. Raises DataError with the `name` of the recording where no channel is left.
    """
    other_form = WHEELS if WHEELS & set(behaviour) else set()
    asked = [each for each in channels if each in behaviour or each not in other_form]
    flaws = {each: _flaw(behaviour, each, training) for each in {*asked, "pupil_area"}}
    readable = {each: values for each, values in behaviour.items() if not flaws.get(each)}
    if not set(asked) & set(readable):
        why = [f"{each} {FLAWS[flaws[each]]}" for each in asked if flaws[each] in FLAWS]
        reasons = f" to read ({', '.join(why)})" if why else ""
        raise DataError(
            f"{name} has none of the channels {', '.join(channels)}{reasons}; "
            f"it holds {', '.join(behaviour) or 'no behaviour'}."
        )
    found: tuple[Omission, ...] = ()
    for rule in ("not_recorded", *FLAWS):
        found += leave_out(np.array([flaws[each] == rule for each in asked]), asked, rule, "channels")
    return readable, found


def _flaw(
    behaviour: Mapping[str, Float[np.ndarray, "K T"]], channel: str, training: Bool[np.ndarray, "K"]
) -> str:
    """The rule by which a channel cannot be read; empty for a sound one."""
    if channel not in behaviour:
        return "not_recorded"
    values = _measured(behaviour, channel, training)
    if len(values) == 0:
        return "not_finite"
    return "constant" if values.min() == values.max() else ""


def _measured(
    behaviour: Mapping[str, Float[np.ndarray, "K T"]], channel: str, training: Bool[np.ndarray, "K"]
) -> Float[np.ndarray, "M"]:
    """The values of the training trials that can be the channel's own; for a pupil, outside of blinks."""
    values = behaviour[channel][training]
    good = np.isfinite(values)
    if channel in PUPIL and "blink" in behaviour:
        good &= ~(behaviour["blink"][training] > 0)
    if channel == "pupil_area":
        good &= values > 0
    return values[good]
