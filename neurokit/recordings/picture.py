"""A diagnosis as one picture: activity through the session, what was measured when, repeats, drift, a frame.

Letters: K rows, n units.
"""

import textwrap
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.arguments import explain_failure
from neurokit.figures.style import COLOURS, GREY, INK, STYLE
from neurokit.recordings.diagnosis import Diagnosis
from neurokit.recordings.intervals import event_times
from neurokit.recordings.recording import Recording, Trace

STRETCHES = 400  # of the session, each measured or not
MOST_CHANNELS = 10
SIZE = (10.0, 6.6)  # inches


@explain_failure
def draw_diagnosis(diagnosis: Diagnosis, recording: Recording) -> Figure:
    """One picture of what `describe` says in words; `recording` is the one that was diagnosed."""
    with plt.style.context(STYLE):
        figure = plt.figure(figsize=SIZE)
        grid = figure.add_gridspec(3, 2, width_ratios=(2.1, 1), height_ratios=(1, 1.5, 1))
        mean = figure.add_subplot(grid[0, 0])
        units = figure.add_subplot(grid[1, 0], sharex=mean)
        clocks = figure.add_subplot(grid[2, 0], sharex=mean)
        frame, reliability, drift = (figure.add_subplot(grid[row, 1]) for row in range(3))
        _draw_mean(mean, diagnosis)
        _draw_units(figure, units, diagnosis)
        if not _draw_clocks(clocks, diagnosis, recording):
            clocks.set_visible(False)  # bars from end to end of a recording without a clock say nothing
            units.set_subplotspec(grid[1:, 0])
            units.set_xlabel(diagnosis.rows.axis)
            units.tick_params(labelbottom=True)
        _draw_frame(frame, recording)
        _draw_reliability(reliability, diagnosis)
        _draw_drift(drift, diagnosis)
        minutes = "" if np.isnan(diagnosis.minutes) else f", {diagnosis.minutes:.1f} minutes"
        figure.suptitle(
            f"{diagnosis.name}: {diagnosis.format}, {diagnosis.units} units{minutes}", fontsize=10
        )
    return figure


def _draw_mean(axis: Axes, found: Diagnosis) -> None:
    rows, known = found.rows, np.isfinite(found.rows.values)
    number = known.sum(axis=1)
    total = np.where(known, rows.values, 0).sum(axis=1)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    axis.plot(*_broken(rows.time, mean), color=GREY, linewidth=0.7, label=rows.what)
    if found.drift is not None:
        axis.plot(*_broken(rows.time, found.drift.slow), color=COLOURS[1], label="slow part")
    axis.set(ylabel=f"mean of units\n({rows.unit})")
    axis.tick_params(labelbottom=False)
    axis.legend(loc="upper right", fontsize=7, ncols=2, bbox_to_anchor=(1, 1.2), borderaxespad=0)


def _broken(time: Float[np.ndarray, "K"], values: Float[np.ndarray, "K"]) -> tuple[np.ndarray, np.ndarray]:
    """With a hole in the line wherever rows are far apart."""
    steps = np.diff(time)
    far = 1 + np.flatnonzero(steps > 5 * np.median(steps)) if len(steps) else np.empty(0, dtype=int)
    return np.insert(time.astype(float), far, time[far - 1]), np.insert(values.astype(float), far, np.nan)


def _draw_units(figure: Figure, axis: Axes, found: Diagnosis) -> None:
    rows = found.rows
    scaled = _scaled(rows.values)
    order = _order(scaled)
    edges = _edges(rows.time)
    axis.set_facecolor("#d8d8d8")  # seen where nothing was measured
    drawn = axis.pcolormesh(
        edges, np.arange(len(order) + 1), scaled[:, order].T, cmap="RdBu_r", vmin=-3, vmax=3, rasterized=True
    )
    few = len(order) < found.units
    number = f" ({len(order)} of {found.units})" if few else ""
    axis.set(ylabel=f"units, similar ones together{number}")
    axis.tick_params(labelbottom=False)
    figure.colorbar(drawn, ax=axis, label="activity (SD of the unit)", pad=0.01, aspect=30)


def _scaled(values: Float[np.ndarray, "K n"]) -> Float[np.ndarray, "K n"]:
    """Each unit about its mean, in its standard deviations; NaN stays."""
    known = np.isfinite(values)
    number = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0).sum(axis=0, dtype=float) / number
    spread = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(axis=0) / number)
    return (values - mean) / np.where(spread > 0, spread, 1)


def _order(scaled: Float[np.ndarray, "K n"]) -> np.ndarray:
    """Units by their place on the strongest common pattern."""
    if min(scaled.shape) < 3:
        return np.arange(scaled.shape[1])
    filled = np.nan_to_num(scaled)
    _, _, patterns = np.linalg.svd(filled[:: max(1, len(filled) // 400)], full_matrices=False)
    return np.argsort(patterns[0])


def _edges(time: Float[np.ndarray, "K"]) -> Float[np.ndarray, "_"]:
    """Where rows meet; halfway between their times."""
    if len(time) == 1:
        return np.array([time[0] - 0.5, time[0] + 0.5])
    middle = (time[1:] + time[:-1]) / 2
    return np.concatenate([[2 * time[0] - middle[0]], middle, [2 * time[-1] - middle[-1]]])


def _draw_clocks(axis: Axes, found: Diagnosis, recording: Recording) -> bool:
    """A bar a channel, where it was measured; False if there is no clock and no bar has a gap."""
    channels = list(_measured(found, recording))[:MOST_CHANNELS]
    for place, (_, spans, colour) in enumerate(channels):
        axis.broken_barh(spans, (place - 0.35, 0.7), facecolors=colour)
    axis.set_yticks(
        range(len(channels)), [name if len(name) < 20 else f"{name[:18]}…" for name, _, _ in channels]
    )
    axis.tick_params(axis="y", labelsize=7, length=0)
    axis.set(ylim=(len(channels) - 0.5, -0.5), xlabel=found.rows.axis)
    axis.set_title("where it was measured, or shown", fontsize=8, loc="left")
    whole = found.rows.time[-1] - found.rows.time[0]
    gapless = all(len(spans) == 1 and spans[0][1] >= whole for _, spans, _ in channels)
    return not (gapless and np.isnan(found.minutes))


def _measured(found: Diagnosis, recording: Recording) -> Iterator[tuple[str, list[tuple[float, float]], str]]:
    """Name, stretches (start, length) and colour of each channel."""
    rows = found.rows
    edges = _edges(rows.time)
    yield "activity", _active(found, recording, edges), INK
    for name, trace in recording.behaviour.items():
        yield name, _stretches(trace, edges[0], edges[-1]), COLOURS[0]
    if recording.trials is not None:
        for name, values in recording.trials.behaviour.items():
            known = np.isfinite(values).mean(axis=1) > 0.5
            yield name, _join(edges[:-1][known], edges[1:][known]), COLOURS[0]
    for stimulus in recording.stimuli:
        if stimulus.time is not None and recording.trials is None:
            step = float(np.median(np.diff(stimulus.time))) if len(stimulus.time) > 1 else 1.0
            yield stimulus.name, _join(stimulus.time, stimulus.time + 1.01 * step), COLOURS[2]
    onsets = event_times(recording)
    if onsets is not None and recording.trials is None:
        known = np.sort(onsets[np.isfinite(onsets)])
        yield "events", _join(known, known + (edges[-1] - edges[0]) / STRETCHES), COLOURS[3]


def _active(found: Diagnosis, recording: Recording, edges: np.ndarray) -> list[tuple[float, float]]:
    """Where samples lie, where any unit fired, or which trials there are."""
    if recording.traces is not None:
        clock = recording.traces.time
        return _stretches(Trace(np.ones(len(clock)), clock), edges[0], edges[-1])
    if recording.spikes is not None:
        number, marks = np.histogram(recording.spikes.times, STRETCHES)
        return _join(marks[:-1][number > 0], marks[1:][number > 0])
    there = np.isfinite(found.rows.values).any(axis=1)
    return _join(edges[:-1][there], edges[1:][there])


def _stretches(trace: Trace, first: float, last: float) -> list[tuple[float, float]]:
    """Where at least half of a trace's samples, as many as its rate promises, are values."""
    known = np.isfinite(trace.values.reshape(len(trace.values), -1)).all(axis=1)
    first, last = min(first, float(trace.time[0])), max(last, float(trace.time[-1]))
    number, edges = np.histogram(trace.time[known], STRETCHES, (first, last))
    expected = max(1.0, trace.rate * (edges[1] - edges[0])) if len(trace.time) > 1 else 1.0
    there = number >= expected / 2
    if expected == 1.0:  # fewer samples than stretches
        return _join(trace.time[known], trace.time[known] + 1.5 / trace.rate)
    return _join(edges[:-1][there], edges[1:][there])


def _join(starts: np.ndarray, ends: np.ndarray) -> list[tuple[float, float]]:
    """(start, length) of stretches, those that touch made one."""
    if not len(starts):
        return []
    new = np.append(True, starts[1:] > ends[:-1] + 1e-9)
    last = np.append(np.flatnonzero(new)[1:] - 1, len(starts) - 1)
    return [(float(start), float(end - start)) for start, end in zip(starts[new], ends[last], strict=True)]


def _draw_frame(axis: Axes, recording: Recording) -> None:
    axis.axis("off")
    with_frames = [each for each in recording.stimuli if each.frames is not None]
    if not with_frames:
        text = "no frames of the stimulus" if recording.stimuli else "no stimulus in the file"
        axis.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=axis.transAxes)
        return
    stimulus = with_frames[0]
    shown = stimulus.shown[stimulus.shown >= 0]
    frame = int(shown[len(shown) // 2]) if len(shown) else 0
    assert stimulus.frames is not None
    axis.imshow(stimulus.frames[frame], cmap="gray")
    rows, columns = stimulus.frames.shape[1:]
    axis.set_title(f"{stimulus.name}, frame {frame} ({rows} x {columns})", fontsize=8)


def _draw_reliability(axis: Axes, found: Diagnosis) -> None:
    reliability = found.reliability
    known = None if reliability is None else np.isfinite(reliability.split_half)
    if reliability is None or known is None or not known.any():
        text = "nothing was shown twice:\nno ceiling can be known"
        axis.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=axis.transAxes)
        axis.axis("off")
        return
    halves, ceiling = reliability.split_half[known], reliability.cc_max[known]
    axis.set(xlabel="correlation", ylabel="units")
    bins = np.linspace(min(-0.2, float(halves.min())), 1, 31).tolist()
    axis.hist(halves, bins, color=COLOURS[0], alpha=0.75, label="split half")
    axis.hist(ceiling, bins, histtype="step", color=COLOURS[1], linewidth=1.3, label="CC_max")
    middle = float(np.median(ceiling))
    axis.axvline(middle, color=COLOURS[1], linestyle="--", linewidth=1, label=f"its median, {middle:.2f}")
    title = textwrap.shorten(f"{reliability.repeats} repeats of {reliability.what}", 46, placeholder=" …")
    axis.set_title(title, fontsize=8)
    axis.legend(loc="best", fontsize=7)


def _draw_drift(axis: Axes, found: Diagnosis) -> None:
    drift = found.drift
    if drift is None:
        axis.text(0.5, 0.5, "too few rows", ha="center", va="center", color=GREY, transform=axis.transAxes)
        axis.axis("off")
        return
    for place, values in enumerate((drift.random, drift.blocked)):
        low, first, middle, third, high = np.percentile(np.clip(values, -0.5, 1), [5, 25, 50, 75, 95])
        axis.plot([low, high], [place, place], color=COLOURS[place], linewidth=1)
        axis.barh(place, third - first, 0.5, first, color=COLOURS[place], alpha=0.75)
        axis.plot([middle, middle], [place - 0.25, place + 0.25], color=INK)
        axis.annotate(
            f"{middle + 0.0:.2f}".replace("-0.00", "0.00"),
            (high, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    means = np.clip([drift.mean_random, drift.mean_blocked], -0.5, 1)
    axis.plot(means, [0.38, 1.38], "D", color=INK, markersize=4, label="mean over units")
    axis.legend(loc="lower right", fontsize=7)
    axis.axvline(0, color=GREY, linewidth=0.8)
    low, high = axis.get_xlim()
    axis.set_xlim(min(low, -0.1), max(high, 0.3))
    axis.set_yticks([0, 1], ["random split", "blocked split"])
    axis.set(ylim=(2.3, -0.6), xlabel="variance that time alone predicts (R²)")
    axis.set_title("bars: median, quartiles, 5 to 95 % of units", fontsize=8)
