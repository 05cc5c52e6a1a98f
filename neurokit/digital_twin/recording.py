"""Trial folders: recordings of a mouse that watches video, in the files that a digital twin is trained on.

A *video* is what is shown in a trial; a *clip* is a stretch of it that training draws
(`neurokit.digital_twin.clips`).

The layout is that of the public digital-twin code (cajal/fnn, demo 4; Wang et al., Nature 640:470, 2025).
`training_data/{training,samples,stimuli,perspectives,modulations,units}/<trial>.npy` holds one file per trial
in each folder, `evaluation_data/{stimuli,perspectives,modulations,units}/<video>/<repeat>.npy` the repeats of
held-out videos. Perspectives (pupil x, y) and modulations (pupil radius, treadmill) are z-scored and units
divided by their mean, all with statistics of the training trials.

Letters: T frames (30 Hz), H x W monitor pixels, U units.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float32, UInt8

from neurokit.digital_twin.trial_files import (
    ARRAYS,
    check_arrays,
    check_replaceable,
    data_error,
    file_name,
    inner_folders,
    npy_files,
    read_array,
    read_scalar,
    shared_names,
    single_precision,
    subfolders,
)
from neurokit.files.atomic import atomic_write_folder
from neurokit.progress import progress

TRIAL_FOLDERS = ("training", "samples", *ARRAYS)
Shown = TypeVar("Shown", "Trial", "Video")


@dataclass(frozen=True, eq=False)
class Trial:
    """One showing of a video and what was recorded with it.

    Attributes:
        name: of its files.
        training: whether it trains, else it validates; False for repeats of a video.
        stimulus: grey values, 0 to 255; mapped where it was read from files.
        perspective: pupil x and y, standard deviations from their mean, NaN where not seen.
        modulation: pupil radius and treadmill, likewise.
        units: activity in multiples of each unit's mean, 0 or more; mapped where it was read from files.
    """

    name: str
    training: bool
    stimulus: UInt8[np.ndarray, "T H W"]
    perspective: Float32[np.ndarray, "T 2"]
    modulation: Float32[np.ndarray, "T 2"]
    units: Float32[np.ndarray, "T U"]


@dataclass(frozen=True, eq=False)
class Video:
    """A video that is not trained on and its repeats, one or more in the order of their numbers."""

    name: str
    repeats: tuple[Trial, ...]


@dataclass(frozen=True, eq=False)
class TrialFolder:
    """The trials of one recording, one or more in the order of their numbers."""

    path: Path
    trials: tuple[Trial, ...]

    @property
    def units(self) -> int:
        """Number of units, U."""
        return self.trials[0].units.shape[1]

    @property
    def frame(self) -> tuple[int, int]:
        """Rows and columns of the stimulus, H and W."""
        return self.trials[0].stimulus.shape[1:]

    def part(self, training: bool) -> tuple[Trial, ...]:
        """The trials to fit, or those to validate with; may be none."""
        return tuple(trial for trial in self.trials if trial.training == training)


def load_trials(folder: str | Path) -> TrialFolder:
    """The trials in a folder such as `training_data`, which holds the folders TRIAL_FOLDERS.

    Videos and units are mapped, so that an hour of them takes no memory; units are checked once.
    Raises DataError, naming the file, for what is missing, damaged or does not fit together.
    """
    folder = Path(folder)
    parents = inner_folders(folder, TRIAL_FOLDERS)
    names = shared_names(parents, npy_files, "npy file", "write one file per trial")
    trials: list[Trial] = []
    for name in progress(names, desc=f"reading {folder.name}", unit="trial"):
        trials.append(_read_trial(folder, name))
        _check_alike(trials[0], trials[-1], folder)
    return TrialFolder(folder, tuple(trials))


def load_videos(folder: str | Path) -> tuple[Video, ...]:
    """The videos in a folder such as `evaluation_data`, which holds a folder per video in each of ARRAYS.

    Videos may differ in their number of repeats and in length. Raises DataError as `load_trials` does, and
    where repeats of one video differ in their frames.
    """
    folder = Path(folder)
    parents = inner_folders(folder, ARRAYS)
    remedy = "write one per video, or read training trials with load_trials"
    videos: list[Video] = []
    for name in shared_names(parents, subfolders, "folder", remedy):
        inside = [parent / name for parent in parents]
        repeats = shared_names(inside, npy_files, "npy file", "write one file per repeat")
        videos.append(Video(name, tuple(_read_arrays(folder, repeat, name) for repeat in repeats)))
        _check_video(videos[0], videos[-1], folder)
    return tuple(videos)


def write_trials(folder: str | Path, trials: Iterable[Trial]) -> Path:
    """Writes trials as `load_trials` reads them, all or none; replaces other trials in that folder.

    Raises DataError for trials that could not be read again or a folder that holds anything but trials,
    DiskError where they cannot be written.
    """
    folder = Path(folder)
    check_replaceable(folder, TRIAL_FOLDERS)
    with atomic_write_folder(folder) as temporary:
        for trial in _check_each(trials, _check_alike, folder):
            _write_arrays(temporary, trial)
            _save(temporary / "training", trial.name, np.array(trial.training))
            _save(temporary / "samples", trial.name, np.array(len(trial.stimulus)))
    return folder


def write_videos(folder: str | Path, videos: Iterable[Video]) -> Path:
    """Writes videos as `load_videos` reads them, all or none; replaces other videos in that folder.

    Raises DataError for videos that could not be read again or a folder that holds anything but videos,
    DiskError where they cannot be written.
    """
    folder = Path(folder)
    check_replaceable(folder, ARRAYS)
    with atomic_write_folder(folder) as temporary:
        for video in _check_each(videos, _check_video, folder):
            for repeat in video.repeats:
                _write_arrays(temporary, repeat, video.name)
    return folder


def _read_trial(folder: Path, name: str) -> Trial:
    flag, samples = (folder / kind / f"{name}.npy" for kind in ("training", "samples"))
    training = read_scalar(flag, "b", "one bool, True for a trial to fit and False for one to validate with")
    trial = _read_arrays(folder, name, training=bool(training))
    stated = read_scalar(samples, "iu", "the number of frames as one integer")
    if stated != len(trial.stimulus):
        finding = f"says {stated}, and the stimulus of that trial has {len(trial.stimulus)} frames"
        raise data_error(samples, finding, "write the trial again")
    return trial


def _read_arrays(folder: Path, name: str, video: str = "", training: bool = False) -> Trial:
    places = {kind: folder / kind / video / f"{name}.npy" for kind in ARRAYS}
    found = {kind: read_array(path) for kind, path in places.items()}
    found |= {kind: single_precision(found[kind], places[kind]) for kind in ARRAYS[1:]}
    check_arrays(found, places)
    perspective, modulation = (np.array(found[kind]) for kind in ("perspectives", "modulations"))
    return Trial(name, training, found["stimuli"][..., 0], perspective, modulation, found["units"])


def _write_arrays(folder: Path, trial: Trial, video: str = "") -> None:
    arrays = (trial.stimulus[..., None], trial.perspective, trial.modulation, trial.units)
    found = dict(zip(ARRAYS, arrays, strict=True))
    check_arrays(found, {kind: f"{kind} of trial {trial.name}" for kind in ARRAYS})
    for kind, values in found.items():
        _save(folder / kind / video, trial.name, values)


def _save(folder: Path, name: str, values: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{file_name(name)}.npy", values, allow_pickle=False)


def _check_each(
    items: Iterable[Shown], check: Callable[[Shown, Shown, Path], None], folder: Path
) -> Iterator[Shown]:
    """Each trial or video, if its name is new and it fits the first one; at least one."""
    names: set[str] = set()
    first = None
    for item in items:
        first = first or item
        if item.name in names:
            raise data_error(folder, f"would hold {item.name} twice", "give each trial or video its own name")
        names.add(file_name(item.name))
        check(first, item, folder)
        yield item
    _check_any(names, folder)


def _check_any(names: set[str], folder: Path) -> None:
    if not names:
        raise data_error(folder, "would be empty", "give at least one trial, video or repeat")


def _check_video(first: Video, video: Video, folder: Path) -> None:
    """All repeats have the sizes of the first video's, and the frames of their own first."""
    _check_any({repeat.name for repeat in video.repeats}, folder / video.name)
    for repeat in video.repeats:
        _check_alike(first.repeats[0], repeat, folder, video.name)
        if not np.array_equal(repeat.stimulus, video.repeats[0].stimulus):
            place = folder / "stimuli" / video.name / f"{repeat.name}.npy"
            finding = f"shows other frames than {video.repeats[0].name}.npy beside it"
            raise data_error(place, finding, "give each video its own folder")


def _check_alike(first: Trial, trial: Trial, folder: Path, video: str = "") -> None:
    """The same monitor pixels and the same number of units."""
    found, expected = trial.stimulus.shape[1:], first.stimulus.shape[1:]
    if found != expected:
        place = folder / "stimuli" / video / f"{trial.name}.npy"
        finding = f"has frames of {found} pixels, and {first.name}.npy of {expected}"
        raise data_error(place, finding, "resize them to one size")
    if (units := trial.units.shape[1]) != first.units.shape[1]:
        place = folder / "units" / video / f"{trial.name}.npy"
        finding = f"has {units} units, and {first.name}.npy has {first.units.shape[1]}"
        raise data_error(place, finding, "keep the same units in the same order throughout")
