"""Sound calls of what takes a recording of one's own: arrays, readers of all formats, conversions, the check.

Letters: K presentations or trials, S samples, N units.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from neurokit import digital_twin, pupil_encoder, recordings, sensorium, v1_transformer
from neurokit.recordings import Recording, Spikes, Stimulus, Trace, Trials, park
from neurokit.recordings.conversion import convert
from neurokit.recordings.listing import list_contents
from neurokit.recordings.suite2p import read as read_suite2p
from neurokit.training.system import find_system
from reliability.sound_call import SoundCall

RATE, SECONDS, UNITS = 30.0, 20, 24
CLOCK = np.arange(RATE * SECONDS) / RATE


def own_calls(work: Path) -> Iterator[SoundCall]:
    """The table; recordings are written below `work`."""
    yield from _parts()
    yield from _from_arrays(work)
    held = {"movie": movies(), "images": images(), "spikes": spikes()}
    yield from _from_recordings(work, held)
    yield from _functions(work, held)
    yield from _readers(work)
    yield from _conversions(work, held)


def movies() -> Recording:
    """A movie of ten seconds, twice, before units with traces; pupil and running."""
    random = np.random.default_rng(0)
    shown = Stimulus(
        "movie",
        "movie",
        random.integers(0, 256, (240, 12, 16), dtype=np.uint8),
        np.tile(np.arange(240), 2),
        CLOCK[30 : 30 + 480],
    )
    traces = Trace(random.random((len(CLOCK), UNITS)).astype(np.float32), CLOCK, "dF/F")
    return Recording(
        "mouse", "made here", np.arange(UNITS), traces=traces, stimuli=[shown], behaviour=_behaviour()
    )


def images() -> Recording:
    """Images, one a trial, before units with one response each."""
    random = np.random.default_rng(1)
    shown = np.append(np.arange(40), np.repeat(np.arange(40, 44), 5))
    frames = random.integers(0, 256, (44, 36, 64), dtype=np.uint8)
    part = np.where(shown < 30, "train", np.where(shown < 40, "validation", "test"))
    return Recording(
        "mouse",
        "made here",
        np.arange(UNITS),
        trials=Trials(random.random((len(shown), 1, UNITS))),
        stimuli=[Stimulus("scenes", "images", frames, shown, 2.0 * np.arange(len(shown)), part)],
    )


def spikes() -> Recording:
    """Spikes after events, with a pupil."""
    random = np.random.default_rng(2)
    return Recording(
        "mouse",
        "made here",
        np.arange(UNITS),
        spikes=Spikes(np.sort(random.uniform(0, SECONDS, 6000)), random.integers(0, UNITS, 6000)),
        behaviour=_behaviour(),
        area=np.repeat("VISp", UNITS),
        events=pd.DataFrame({"stimulus_time": np.arange(1.0, 16.0)}),
    )


def _behaviour() -> dict[str, Trace]:
    random = np.random.default_rng(3)
    names = ("pupil_size", "pupil_x", "pupil_y", "running")
    return {name: Trace(1 + random.random(len(CLOCK)), CLOCK) for name in names}


def _parts() -> Iterator[SoundCall]:
    """What a recording is made of."""
    recording = movies()
    (shown,), traces = recording.stimuli, recording.traces
    assert traces is not None and shown.time is not None
    yield SoundCall("recordings.Trace", Trace, {"values": traces.values, "time": CLOCK, "unit": "dF/F"})
    yield SoundCall("recordings.Spikes", Spikes, {"times": CLOCK, "unit_ids": np.arange(len(CLOCK))})
    yield SoundCall(
        "recordings.Stimulus",
        Stimulus,
        {"name": "movie", "kind": "movie", "frames": shown.frames, "shown": shown.shown, "time": shown.time}
        | {"part": np.repeat("train", len(shown.shown))},
    )
    yield SoundCall(
        "recordings.Trials",
        Trials,
        {
            "responses": np.ones((9, 4, 2)),
            "time": np.arange(4.0),
            "behaviour": {"pupil_size": np.ones((9, 4))},
        }
        | {"behaviour_time": np.arange(4.0), "counts": True},
    )
    fields = {"name": "a", "format": "b", "unit_ids": recording.unit_ids, "traces": traces}
    fields |= {"stimuli": [shown], "behaviour": recording.behaviour, "area": np.repeat("V1", UNITS)}
    fields |= {"coordinates": np.ones((UNITS, 3)), "events": pd.DataFrame({"stimulus_time": [1.0, 2.0]})}
    yield SoundCall("recordings.Recording", Recording, fields)


def _from_arrays(work: Path) -> Iterator[SoundCall]:
    movie, scenes, fired = movies(), images(), spikes()
    (shown,), (scene,) = movie.stimuli, scenes.stimuli
    assert movie.traces is not None and scenes.trials is not None and fired.spikes is not None
    of_movies = {"frame_times": np.stack([CLOCK[30:270], CLOCK[270:510]]), "pupil": np.ones(len(CLOCK))}
    behaviour = {"pupil_size": (1 + np.random.default_rng(4).random(len(CLOCK)), CLOCK)}
    yield SoundCall(
        "pupil-encoder from_arrays",
        pupil_encoder.from_arrays,
        {"spike_times": fired.spikes.times, "spike_units": fired.spikes.unit_ids}
        | {"stimulus_times": np.arange(1.0, 16.0), "regions": "VISp", "behaviour": behaviour}
        | {"trials": {"response": np.ones(15)}, "unit_ids": np.arange(UNITS), "window": (-0.5, 0.5)}
        | {"bin_size": 0.1, "name": "own"},
    )
    yield SoundCall(
        "pupil-encoder from_counts",
        pupil_encoder.from_counts,
        {
            "counts": np.random.default_rng(7).poisson(1, (UNITS, 15, 10)),
            "time": np.arange(10) / 10,
            "regions": ["VISp"] * UNITS,
        }
        | {"stimulus_times": np.arange(1.0, 16.0), "behaviour": behaviour, "trials": None}
        | {"unit_ids": np.arange(UNITS), "name": "own"},
    )
    eye = np.random.default_rng(5).random((len(scene.shown), 2))
    yield SoundCall(
        "sensorium from_arrays",
        sensorium.from_arrays,
        {"images": scene.frames, "responses": scenes.trials.responses[:, 0], "image_ids": scene.shown}
        | {"running": eye[:, 0], "pupil_size": eye[:, 1], "pupil_change": eye[:, 0], "pupil_center": eye}
        | {"coordinates": np.ones((UNITS, 3)), "order": np.arange(len(eye)), "tiers": scene.part}
        | {"unit_ids": np.arange(UNITS), "name": "own", "seed": 0, "notes": ()},
    )
    shared = {"running": np.ones(len(CLOCK)), "units_first": False, "name": "own", "shown": None}
    yield SoundCall(
        "v1-transformer from_arrays",
        v1_transformer.from_arrays,
        {"movies": shown.frames, "traces": movie.traces.values, "trace_times": CLOCK, "size": (10, 20)}
        | {"cell_ids": np.arange(UNITS), **of_movies, **shared},
    )
    shared["treadmill"] = shared.pop("running")
    yield SoundCall(
        "digital-twin from_arrays",
        digital_twin.from_arrays,
        {"folder": work / "own-arrays", "videos": shown.frames, "responses": movie.traces.values}
        | {"response_times": CLOCK, "unit_ids": np.arange(UNITS), "size": (12, 16), "gap": 30}
        | {"trial_frames": 40, "baseline": 10.0, "validation": 0.1, "seed": 0, "movies": None}
        | {**of_movies, **shared},
    )
    yield SoundCall(
        "recordings.recording_of_movies",
        recordings.recording_of_movies,
        {"movies": shown.frames, "traces": movie.traces.values, "trace_times": CLOCK, "shown": None}
        | {"running": np.ones(len(CLOCK)), "unit_ids": np.arange(UNITS), "area": np.repeat("V1", UNITS)}
        | {"units_first": False, "name": "own", "unit": "dF/F", **of_movies},
    )


def _from_recordings(work: Path, held: Mapping[str, Recording]) -> Iterator[SoundCall]:
    own = {"movies": None, "areas": None}
    takes: dict[str, tuple[ModuleType, str, dict[str, Any]]] = {
        "pupil-encoder": (
            pupil_encoder,
            "spikes",
            {"stimulus": None, "window": (-0.5, 0.5), "bin_size": 0.1},
        ),
        "sensorium": (sensorium, "images", {"window": (0.05, 0.55), "stimulus": "scenes", "seed": 0}),
        "v1-transformer": (v1_transformer, "movie", {"without": (), "size": (10, 20), **own}),
        "digital-twin": (
            digital_twin,
            "movie",
            {"folder": work / "own-twin", "size": (12, 16), "trial_frames": 40, "gap": 30, **own}
            | {"baseline": 10.0, "validation": 0.1, "seed": 0},
        ),
    }
    for name, (package, kind, options) in takes.items():
        yield SoundCall(
            f"{name} from_recording", package.from_recording, {"recording": held[kind], **options}
        )


def _functions(work: Path, held: Mapping[str, Recording]) -> Iterator[SoundCall]:
    movie = held["movie"]
    assert movie.traces is not None and movie.stimuli[0].time is not None
    diagnosis = recordings.diagnose(movie)
    yield SoundCall("recordings.diagnose", recordings.diagnose, {"recording": movie, "seed": 0})
    yield SoundCall("recordings.describe", recordings.describe, {"diagnosis": diagnosis})
    yield SoundCall(
        "recordings.draw_diagnosis",
        recordings.draw_diagnosis,
        {"diagnosis": diagnosis, "recording": movie},
    )
    yield SoundCall("recordings.example", recordings.example, {"name": "cori"})
    yield SoundCall(
        "recordings.to_grey", recordings.to_grey, {"frames": movie.stimuli[0].frames, "name": "frames"}
    )
    yield SoundCall("recordings.check_clocks", recordings.check_clocks, {"recording": movie})
    yield SoundCall(
        "recordings.check_overlap",
        recordings.check_overlap,
        {"first": movie.traces, "second": movie.stimuli[0].time, "what": ("traces", "frames"), "activity": 0},
    )
    yield SoundCall(
        "recordings.resample", recordings.resample, {"trace": movie.traces, "time": CLOCK[::2], "gap": 5.0}
    )
    yield SoundCall(
        "recordings.write_arrays", recordings.write_arrays, {"recording": movie, "path": work / "w.npz"}
    )
    yield SoundCall(
        "recordings.write_experanto",
        recordings.write_experanto,
        {"recording": movie, "folder": work / "written"},
    )


def _readers(work: Path) -> Iterator[SoundCall]:
    """Every reader of a path, which is given others."""
    arrays = recordings.write_arrays(movies(), work / "readers" / "movie.npz")
    suite2p = write_suite2p(work / "readers" / "suite2p")
    yield SoundCall("recordings.read", recordings.read, {"path": arrays})
    yield SoundCall("recordings.recognise", recordings.recognise, {"path": arrays})
    yield SoundCall("recordings.list_recordings", recordings.list_recordings, {"path": arrays})
    yield SoundCall("recordings.listing.list_contents", list_contents, {"path": arrays})
    yield SoundCall(
        "recordings.choose_recording",
        recordings.choose_recording,
        {"path": arrays, "session": ("movie",), "native": "trials"},
    )
    yield SoundCall("recordings.suite2p.read", read_suite2p, {"path": suite2p, "activity": "deconvolved"})
    for name in ("read_drifting", "read_static", "read_running"):
        yield SoundCall(f"recordings.park.{name}", getattr(park, name), {"path": None})


def write_suite2p(folder: Path) -> Path:
    """The files of one plane."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(6)
    for name in ("F", "Fneu", "spks"):
        np.save(folder / f"{name}.npy", random.random((5, 200)).astype(np.float32))
    np.save(folder / "iscell.npy", np.ones((5, 2)))
    stat = np.array([{"med": [3, 4], "npix": 9} for _ in range(5)], dtype=object)
    np.save(folder / "stat.npy", stat, allow_pickle=True)
    np.save(folder / "ops.npy", np.array({"fs": 10.0, "nplanes": 1}, dtype=object), allow_pickle=True)
    return folder


def _conversions(work: Path, held: Mapping[str, Recording]) -> Iterator[SoundCall]:
    kinds = {"pupil-encoder": "spikes", "sensorium": "images", "v1-transformer": "movie"}
    for number, name in enumerate([*kinds, "digital-twin"]):
        kind = kinds.get(name, "movie")
        path = recordings.write_arrays(held[kind], work / "given" / name / f"{kind}.npz")
        where = {"path": path, "folder": work / f"converted-{number}", "session": (), "format": "arrays"}
        options: dict[str, Any] = {}
        if name == "digital-twin":
            options = {"movies": None, "areas": None, "monitor": (12, 16)}
            where["format"] = "trials"
        yield SoundCall(f"{name} convert", _folder_first(find_system(name).convert), where | options)
    yield SoundCall(
        "recordings.conversion.convert",
        partial(convert, make=str, describe=str),
        {"path": path, "folder": work / "converted", "session": "movie", "to": "experanto"},
    )


def _folder_first(function: Callable[..., Any]) -> Callable[..., Any]:
    """`convert` as the command calls it."""
    return lambda path, folder, **options: function(path, folder, **options)
