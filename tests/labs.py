"""Recordings of four small laboratories as plain arrays, one npz each; numpy alone."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

UNITS = 12
Arrays = dict[str, np.ndarray]


def write_labs(folder: Path) -> dict[str, Arrays]:
    """photos.npz, probe.npz, movie.npz and clips.npz in a folder; returns their arrays by these names."""
    made = {"photos": photos(), "probe": probe(), "movie": movie(), "clips": clips()}
    for name, arrays in made.items():
        np.savez(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]  # of a stub without keywords
    return made


def photos() -> Arrays:
    """40 images, ten of them shown four times, and a response of each unit in each trial."""
    random = np.random.default_rng(0)
    scenes = random.standard_normal((40, 9, 16))
    shown = random.permutation(np.concatenate([np.arange(30), np.repeat(np.arange(30, 40), 4)]))
    drive = _drive(scenes)[shown]
    return {
        "images": _pixels(scenes),
        "shown": shown,
        "responses": drive + random.random(drive.shape),
        "running": 10 * random.random(len(shown)),
        "pupil_size": 1 + random.random(len(shown)),
    }


def probe() -> Arrays:
    """40 units in two areas, which the pupil drives, around 60 stimuli."""
    random = np.random.default_rng(1)
    time = np.arange(0, 250, 1 / 30)  # s
    pupil = 1 + 0.5 * np.sin(time / 7)
    counts = random.poisson(np.outer(np.ones(40), 4 * pupil / 30))
    unit, sample = np.nonzero(counts)
    return {
        "spike_times": time[sample] + random.random(len(sample)) / 30,
        "spike_units": unit,
        "area": np.repeat(["VISp", "LGd"], 20),
        "events_stimulus_time": 3 + 4 * np.arange(60.0),
        "pupil_size": pupil,
        "pupil_times": time,
        "running": np.abs(np.cos(time / 5)),
        "running_times": time,
    }


def movie() -> Arrays:
    """A movie of 10 s, shown six times; traces at 10 Hz that drift, one of them constant."""
    random = np.random.default_rng(2)
    scenes = _smooth(random.standard_normal((300, 9, 16)))
    time = np.arange(0, 65, 0.1)  # s
    drive = np.zeros((len(time), UNITS))
    frame = np.round((time - 2) * 30).astype(int)
    seen = (frame >= 0) & (frame < 1800)
    drive[seen] = _drive(scenes)[frame[seen] % 300]
    traces = drive + 2 * random.standard_normal(drive.shape) + 4 * (time / 65)[:, None]
    traces[:, 5] = 0
    return {
        "frames": _pixels(scenes),
        "frame_times": 2 + 10 * np.arange(6)[:, None] + np.arange(300) / 30,
        "traces": traces,
        "trace_times": time,
        "running": np.where(np.arange(len(time)) % 40, 10 * np.abs(np.sin(time / 5)), np.nan),
    }


def clips() -> Arrays:
    """Eight clips of 2 s shown once and one shown six times, traces at 8 Hz, pupil at 20 Hz."""
    random = np.random.default_rng(3)
    scenes = _smooth(random.standard_normal((9 * 60, 9, 16)))
    order = np.array([0, 8, 1, 8, 2, 8, 3, 4, 8, 5, 8, 6, 8, 7])
    shown = (60 * order[:, None] + np.arange(60)).ravel()
    onsets = (1 + 2.5 * np.arange(len(order))[:, None] + np.arange(60) / 30).ravel()
    time, eye = np.arange(0, 37, 1 / 8), np.arange(0, 37, 1 / 20)
    last = np.clip(np.searchsorted(onsets, time - 0.1) - 1, 0, None)
    return {
        "frames": _pixels(scenes),
        "shown": shown,
        "frame_times": onsets,
        "traces": _drive(scenes)[shown[last]] + random.random((len(time), UNITS)),
        "trace_times": time,
        "running": np.abs(np.sin(time)),
        "pupil_size": 1 + 0.2 * np.sin(eye / 3),
        "pupil_x": np.cos(eye),
        "pupil_y": np.sin(eye),
        "pupil_times": eye,
    }


def _pixels(scenes: Float[np.ndarray, "F h w"]) -> np.ndarray:
    return np.clip(127 + 40 * np.kron(scenes, np.ones((1, 4, 4))), 0, 255).astype(np.uint8)


def _smooth(noise: Float[np.ndarray, "F h w"]) -> Float[np.ndarray, "F h w"]:
    """Frames that change slowly, as those of films do."""
    for frame in range(1, len(noise)):
        noise[frame] = 0.9 * noise[frame - 1] + 0.43 * noise[frame]
    return noise


def _drive(scenes: Float[np.ndarray, "F h w"]) -> Float[np.ndarray, "F N"]:
    """What each unit makes of each frame: a small patch of it."""
    rows, columns = np.arange(UNITS) % 8, np.arange(UNITS) % 15
    patches = scenes[:, rows, columns] - scenes[:, rows + 1, columns + 1]
    return np.maximum(0, 3 * patches)
