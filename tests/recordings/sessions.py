"""Made-up sessions as a lab records them, small: two movies or images with repeats, running, pupil, gaps."""

import numpy as np
import pandas as pd

from neurokit.recordings import Recording, Spikes, Stimulus, Trace

MOVIE = 24  # frames
REPEATS = 3


def movie(name: str, start: float, seed: int, frames: int = MOVIE, repeats: int = REPEATS) -> Stimulus:
    """At 30 frames per s, one repeat after another."""
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, 12, 20), dtype=np.uint8)
    shown = np.tile(np.arange(frames), repeats)
    return Stimulus(name, "movie", pixels, shown, start + np.arange(len(shown)) / 30)


def images(name: str, start: float, seed: int) -> Stimulus:
    """Twelve images (image10 comes after image9), twice each in random order, with two blank screens."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (12, 12, 20), dtype=np.uint8)
    shown = np.r_[generator.permutation(12), -1, generator.permutation(12), -1]
    return Stimulus(name, "images", pixels, shown, start + np.arange(len(shown)) * 0.25)


def behaviour(seconds: float, seed: int) -> dict[str, Trace]:
    """Running at 60 Hz, the eye at 25 Hz; some samples were not measured."""
    generator = np.random.default_rng(seed)
    wheel, camera = np.arange(int(seconds * 60)) / 60 + 0.003, np.arange(int(seconds * 25)) / 25 - 0.01
    size = 30 + generator.normal(size=len(camera)).cumsum() * 0.1
    size[10:16] = np.nan
    return {
        "running": Trace(np.abs(generator.normal(size=len(wheel))) * 10, wheel, "cm/s"),
        "pupil_size": Trace(size, camera, "px"),
        "pupil_x": Trace(generator.normal(size=len(camera)), camera, "degrees"),
        "pupil_y": Trace(generator.normal(size=len(camera)), camera, "degrees"),
    }


def two_photon(rate: float = 30.0, units: int = 5, seed: int = 0) -> Recording:
    """dF/F of cells in V1, 20 s, with a sample that was not measured."""
    generator = np.random.default_rng(seed)
    time = 1.0 + np.arange(int(20 * rate)) / rate + generator.uniform(0, 1e-4, int(20 * rate))
    values = generator.normal(size=(len(time), units)).astype(np.float32)
    values[7] = np.nan
    return Recording(
        name="mouse",
        format="made up",
        unit_ids=np.array([517, 23, 4_000_001, 88, 9][:units]),
        traces=Trace(values, time, "a.u."),
        area=np.full(units, "VISp"),
        coordinates=np.round(generator.uniform(0, 500, (units, 3)), 2),
        behaviour=behaviour(20, seed),
        stimuli=(
            movie("natural_movie_one", 2.0, seed),
            movie("natural_movie_two", 5.0, seed + 1, frames=12),
            images("natural_scenes", 8.0, seed),
        ),
    )


def neuropixels(seed: int = 0) -> Recording:
    """Spikes of six units in two areas, 20 s, with the trials of a task."""
    generator = np.random.default_rng(seed)
    ids = np.array([950_911_986, 12, 7, 950_911_990, 3, 45])
    owners = generator.integers(0, len(ids), 3000)
    onsets = 3 + np.arange(10) * 1.5
    events = pd.DataFrame(
        {
            "start_time": onsets - 0.5,
            "stop_time": onsets + 1,
            "stimulus_time": onsets,
            "contrast_left": generator.choice([0.0, 0.5, 1.0], 10),
            "choice": generator.choice(["left", "right"], 10),
        }
    )
    return Recording(
        name="probe",
        format="made up",
        unit_ids=ids,
        spikes=Spikes(np.sort(generator.uniform(0, 20, len(owners))), ids[owners]),
        area=np.array(["VISp", "VISp", "LGd", "LGd", "VISp", "CA1"]),
        coordinates=np.round(generator.uniform(0, 5000, (len(ids), 3)), 1),
        behaviour=behaviour(20, seed),
        stimuli=(movie("natural_movie_three", 2.0, seed), images("natural_scenes", 8.0, seed)),
        events=events,
    )
