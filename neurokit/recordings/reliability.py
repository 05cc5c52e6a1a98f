"""How much of each unit's activity comes back when the same stimulus does, and the ceiling that this sets.

Whatever differs between repeats is noise here, also what running or pupil would explain. All numbers are of
one block of R repeats of F contents (images, or bins of a movie), each the same number of times. With v the
share of a single response's variance that repeats, a perfect model reaches sqrt(v) on single responses and
CC_max = sqrt(R v / (1 + (R - 1) v)) on their mean over repeats.

Letters: N units, n of them, R repeats, F contents, K presentations, B bins of a trial.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from neurokit.metrics import cc_max, correlation, feve, split_half_reliability
from neurokit.recordings.intervals import (
    activity_in,
    event_times,
    frame_interval,
    response_windows,
    trace_interval,
)
from neurokit.recordings.recording import Recording, Stimulus

SHORTEST_BIN = 0.1  # s of a movie
MOST_REPEATS, MOST_CONTENTS, MOST_VALUES = 200, 1000, 2**22
DRAWS = 10  # of halves
CONDITIONS = (  # columns of events that say what was shown
    "stimulus_id",
    "image_id",
    "condition",
    "orientation",
    "direction",
    "spatial_frequency",
    "temporal_frequency",
    "phase",
    "contrast",
    "contrast_left",
    "contrast_right",
)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Of n units; those with a missing value in the block are NaN.

    Attributes:
        what: was repeated, such as "30 images".
        repeats: R.
        contents: F.
        columns: which units these are, from 0.
        split_half: correlation of two halves of the repeats, Spearman-Brown corrected to R repeats, -1 to 1.
        oracle: correlation of single responses with the mean of the other repeats.
        explainable: v above, the share of the variance of single responses (FEV).
        cc_max: the ceiling of a correlation with the mean over repeats.
    """

    what: str
    repeats: int
    contents: int
    columns: Int[np.ndarray, "n"]
    split_half: Float[np.ndarray, "n"]
    oracle: Float[np.ndarray, "n"]
    explainable: Float[np.ndarray, "n"]
    cc_max: Float[np.ndarray, "n"]

    @property
    def single_trial(self) -> Float[np.ndarray, "n"]:
        """The ceiling of a correlation with single responses."""
        return np.sqrt(np.clip(self.explainable, 0, 1))


@dataclass(frozen=True, eq=False)
class _Shown:
    """What was shown when: content K, and where its response lies, an interval or a trial and bin."""

    what: str
    content: Int[np.ndarray, "K"]
    starts: np.ndarray | None = None
    ends: np.ndarray | None = None
    bins: int = 1


def measure_reliability(
    recording: Recording, columns: Int[np.ndarray, "_"], seed: int = 0
) -> Reliability | None:
    """That of the stimulus whose repeats tell most; None where nothing was shown twice.

    `columns` are the units to measure; where the block is large, fewer of them, drawn by `seed`.
    """
    blocks = ((each, _equal_block(each.content)) for each in _candidates(recording))
    found = [(each, block) for each, block in blocks if block is not None]
    if not found:
        return None
    shown, block = max(found, key=lambda pair: (pair[1].shape[0] - 1) * pair[1].shape[1] * pair[0].bins)
    random = np.random.default_rng(seed)
    block, contents = _at_most(block, random, shown.bins), block.shape[1]
    most = max(20, MOST_VALUES // (block.size * shown.bins))
    if len(columns) > most:
        columns = np.sort(random.choice(columns, most, replace=False))
    responses = _responses(recording, shown, block, columns)
    what = shown.what.format(contents=contents)
    return _measure(responses, what, contents * shown.bins, columns, random)


def shared_by_area(
    recording: Recording, counts: Float[np.ndarray, "K n"], columns: np.ndarray
) -> pd.DataFrame:
    """What two halves of an area's units share beyond its mean: the ceiling of a model of the area's rate.

    A row an area of four units or more: area, units, shared (NaN where nothing is).
    """
    facts = []
    counts = counts[np.isfinite(counts).any(axis=1)]  # a trial that was cut short costs itself, not the units
    known = np.isfinite(counts).all(axis=0)
    area = np.asarray(recording.area)[columns].astype(str)
    for name in np.unique(area):
        chosen = (area == name) & known
        if chosen.sum() >= 4 and len(counts) >= 10:
            each = counts[:, chosen].T.astype(float)[..., None]  # units x trials x 1
            facts.append((name, int(chosen.sum()), split_half_reliability(each, seed=0, draws=DRAWS)))
    return pd.DataFrame(facts, columns=["area", "units", "shared"])


def _candidates(recording: Recording) -> Iterator[_Shown]:
    if recording.trials is not None:
        yield from _by_trials(recording)
        return
    assert recording.span is not None
    for stimulus in recording.stimuli:
        if stimulus.time is not None:
            yield _movie(recording, stimulus) if stimulus.kind == "movie" else _images(recording, stimulus)
    onsets, condition = event_times(recording), conditions_of(recording)
    if onsets is not None and condition is not None:
        known = np.isfinite(onsets) & (condition >= 0)
        order = np.argsort(onsets[known], kind="stable")
        starts, ends = response_windows(onsets[known][order])
        yield _inside(recording, _Shown("{contents} conditions", condition[known][order], starts, ends))


def _images(recording: Recording, stimulus: Stimulus) -> _Shown:
    assert stimulus.time is not None
    starts, ends = response_windows(stimulus.time)
    known = stimulus.shown >= 0
    what = f"{{contents}} {stimulus.title}"
    return _inside(recording, _Shown(what, stimulus.shown[known], starts[known], ends[known]))


def _movie(recording: Recording, stimulus: Stimulus) -> _Shown:
    """Bins of some frames each; a frame that stays on the screen is not shown again."""
    assert stimulus.time is not None
    new = np.append(True, np.diff(stimulus.shown) != 0)
    frame, time = stimulus.shown[new], stimulus.time[new]
    steps = np.diff(time)[np.diff(frame) == 1]
    interval = float(np.median(steps)) if len(steps) else max(frame_interval(stimulus), 1e-3)
    group = max(1, round(max(SHORTEST_BIN, trace_interval(recording)) / interval))
    first = (frame >= 0) & (frame % group == 0)
    starts = time[first]
    ends = np.minimum(starts + group * interval, np.append(starts[1:], np.inf))
    what = f"{{contents}} bins of {group * interval:.2g} s of {stimulus.name}"
    return _inside(recording, _Shown(what, frame[first] // group, starts, ends))


def _inside(recording: Recording, shown: _Shown) -> _Shown:
    """Those that were shown while units were recorded."""
    assert recording.span is not None and shown.starts is not None and shown.ends is not None
    first, last = recording.span
    if recording.traces is None:  # the first and last spike lie somewhere in their interval
        kept = (shown.ends > first) & (shown.starts < last)
    else:
        kept = (shown.starts >= first) & (shown.ends <= last + trace_interval(recording))
    return _Shown(shown.what, shown.content[kept], shown.starts[kept], shown.ends[kept])


def _by_trials(recording: Recording) -> Iterator[_Shown]:
    assert recording.trials is not None
    trials, bins, _ = recording.trials.responses.shape
    for stimulus in recording.stimuli:
        if len(stimulus.shown) == trials:
            yield _Shown(f"{{contents}} {stimulus.title}", stimulus.shown, bins=bins)
            return
    condition = conditions_of(recording)
    if condition is not None and len(condition) == trials:
        yield _Shown("{contents} conditions", condition, bins=bins)
    elif bins > 1:
        yield _Shown(f"the {bins} bins of a trial", np.zeros(trials, dtype=int), bins=bins)


def conditions_of(recording: Recording) -> Int[np.ndarray, "_"] | None:
    """A number for each combination of what events say was shown, -1 where unknown; None where nothing."""
    if recording.events is None:
        return None
    names = [name for name in CONDITIONS if name in recording.events]
    if not names:
        return None
    table = recording.events[names]
    return np.where(table.notna().all(axis=1), table.groupby(names, dropna=False).ngroup(), -1).astype(int)


def _equal_block(content: Int[np.ndarray, "K"]) -> Int[np.ndarray, "R F"] | None:
    """The presentations, R of each of F contents, whose repeats tell most; None without repeats."""
    order = np.argsort(content, kind="stable")
    order = order[content[order] >= 0]
    if not len(order):
        return None
    _, first, counts = np.unique(content[order], return_index=True, return_counts=True)
    repeats = np.unique(counts)
    told = [(each - 1) * (counts >= each).sum() for each in repeats]
    best = int(repeats[np.argmax(told)])
    if best < 2:
        return None
    return order[first[counts >= best] + np.arange(best)[:, None]]


def _at_most(block: np.ndarray, random: np.random.Generator, bins: int) -> Int[np.ndarray, "R F"]:
    """A block of a size that is quickly measured: the first contents of a random order."""
    most = max(1, MOST_CONTENTS // bins)
    if block.shape[1] > most:
        block = block[:, np.sort(random.choice(block.shape[1], most, replace=False))]
    if len(block) > MOST_REPEATS:
        block = block[np.sort(random.choice(len(block), MOST_REPEATS, replace=False))]
    return block


def _responses(
    recording: Recording, shown: _Shown, block: np.ndarray, columns: np.ndarray
) -> Float[np.ndarray, "R F n"]:
    R, F = block.shape
    if shown.starts is None or shown.ends is None:
        assert recording.trials is not None
        found = recording.trials.responses[block][..., columns]  # R F B n
        return found.reshape(R, F * shown.bins, len(columns)).astype(np.float32)
    rows = np.sort(block, axis=None)
    found = activity_in(recording, shown.starts[rows], shown.ends[rows], columns)
    return found[np.searchsorted(rows, block)]


def _measure(
    responses: Float[np.ndarray, "R F n"],
    what: str,
    contents: int,
    columns: np.ndarray,
    random: np.random.Generator,
) -> Reliability:
    R, F, n = responses.shape
    known = np.isfinite(responses).all(axis=(0, 1))
    block = np.ascontiguousarray(responses[..., known])
    found = np.full((4, n), np.nan)
    if known.any() and F > 1:
        flat = block.reshape(R * F, -1)
        others = (block.sum(axis=0) - block) / (R - 1)
        ids = np.tile(np.arange(F), R)
        found[:, known] = (
            _split_half(block, random),
            correlation(flat, others.reshape(flat.shape)),
            feve(flat, flat, ids).fraction_explainable,
            cc_max(block),
        )
    return Reliability(what, R, contents, columns, *found)


def _split_half(block: Float[np.ndarray, "R F n"], random: np.random.Generator) -> Float[np.ndarray, "n"]:
    """The mean correlation of random halves, corrected to all repeats."""
    R, half = len(block), len(block) // 2
    draws = DRAWS if R > 2 else 1
    total = np.zeros(block.shape[-1])
    for _ in range(draws):
        order = random.permutation(R)
        first, second = (block[part].mean(axis=0) for part in (order[:half], order[half : 2 * half]))
        total += correlation(first, second) / draws
    longer = R / half
    corrected = longer * total / np.maximum(1 + (longer - 1) * total, 1e-9)
    return np.clip(corrected, -1, 1)  # the correction has no bound for halves that contradict each other
