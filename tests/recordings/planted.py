"""Recordings by hand in which reliability, drift, gaps and doubles are known."""

import numpy as np
import pandas as pd

from neurokit.recordings import Recording, Spikes, Stimulus, Trace, Trials

RATE = 30.0  # Hz


def movie(
    *,
    units: int = 60,
    repeats: int = 8,
    share: float = 0.3,
    drift: float = 0.0,
    frames: int = 300,
    seed: int = 0,
    dtype: str = "float32",
) -> Recording:
    """A movie of `repeats`; `share` of the variance of 0.1-s bins repeats, `drift` is the slow SD."""
    random = np.random.default_rng(seed)
    presentations, grey = frames * repeats, 90
    time = 5 + np.arange(presentations + 2 * grey) / RATE
    bins = len(time) // 3
    signal = random.standard_normal((frames // 3, units)) * np.sqrt(share)
    values = random.standard_normal((bins, units)) * np.sqrt(1 - share)
    values[grey // 3 : grey // 3 + presentations // 3] += np.tile(signal, (repeats, 1))
    values = values.repeat(3, axis=0)
    values += drift * np.sqrt(2) * np.cos(3 * np.pi * np.linspace(0, 1, len(time)))[:, None]
    shown = Stimulus(
        "natural_movie",
        "movie",
        random.integers(0, 256, (frames, 9, 16), dtype=np.uint8),
        np.tile(np.arange(frames), repeats),
        time[grey : grey + presentations],
    )
    traces = Trace(values.astype(dtype), time, "dF/F")
    return Recording("mouse", "by hand", np.arange(units) + 100, traces=traces, stimuli=[shown])


def images(
    *,
    units: int = 60,
    once: int = 100,
    repeated: int = 40,
    repeats: int = 6,
    share: float = 0.4,
    seed: int = 0,
) -> Recording:
    """Images of 0.5 s once a second, some of them repeated, before a microscope of 10 Hz; parts are named."""
    random = np.random.default_rng(seed)
    shown = np.append(np.arange(once), np.tile(once + np.arange(repeated), repeats))
    shown = random.permutation(shown)
    onsets = 10.0 + np.arange(len(shown))
    signal = random.standard_normal((once + repeated, units)) * np.sqrt(share)
    single = signal[shown] + random.standard_normal((len(shown), units)) * np.sqrt(1 - share)
    time = np.arange(0, onsets[-1] + 5, 0.1) + 0.001
    which = np.searchsorted(onsets, time - 0.05, side="right") - 1
    values = np.where((which >= 0)[:, None], single[which], 0).astype("float32")
    frames = random.integers(0, 256, (once + repeated, 9, 16), dtype=np.uint8)
    part = np.where(shown < once, "train", "test")
    stimulus = Stimulus("scenes", "images", frames, shown, onsets, part)
    return Recording(
        "mouse", "by hand", np.arange(units), traces=Trace(values, time, "dF/F"), stimuli=[stimulus]
    )


def spikes(
    *, units: int = 40, conditions: int = 60, repeats: int = 10, seed: int = 0
) -> tuple[Recording, np.ndarray]:
    """Poisson spikes after events of many conditions, and the share of variance that repeats, by unit."""
    random = np.random.default_rng(seed)
    condition = random.permutation(np.tile(np.arange(conditions), repeats))
    onsets = 5.0 + np.arange(len(condition))
    rates = random.gamma(2, 10, (conditions, units))  # Hz, in the half second that counts
    counts = random.poisson(rates[condition] / 2)
    times = np.concatenate(
        [onset + 0.05 + random.random(number.sum()) / 2 for onset, number in zip(onsets, counts, strict=True)]
    )
    ids = np.concatenate([np.repeat(np.arange(units), number) for number in counts])
    order = np.argsort(times)
    found = Recording(
        "mouse",
        "by hand",
        np.arange(units) + 7,
        spikes=Spikes(times[order], ids[order] + 7),
        area=np.array(["VISp", "CA1"])[np.arange(units) % 2],
        events=pd.DataFrame({"stimulus_time": onsets, "condition": condition}),
    )
    variance = rates.var(axis=0) * 0.25
    return found, variance / (variance + rates.mean(axis=0) / 2)


def trials(
    *,
    units: int = 40,
    number: int = 200,
    share: float = 0.0,
    drift: float = 0.0,
    bins: int = 1,
    seed: int = 0,
) -> Recording:
    """One number a trial and unit; `share` of the variance is common to the units, `drift` the slow SD."""
    random = np.random.default_rng(seed)
    common = random.standard_normal((number, 1)) * np.sqrt(share)
    values = common + random.standard_normal((number, units)) * np.sqrt(1 - share)
    values += drift * np.sqrt(2) * np.sin(8 * np.pi * np.linspace(0, 1, number))[:, None]
    pupil = random.standard_normal((number, 5))
    responses, time = values[:, None].repeat(bins, axis=1), np.arange(bins) / 10 if bins > 1 else None
    return Recording(
        "mouse",
        "by hand",
        np.arange(units),
        trials=Trials(responses, time, {"pupil_size": pupil}, np.arange(5) / 10, counts=True),
        area=np.repeat("LGd", units),
    )
