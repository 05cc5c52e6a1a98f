"""Trials and videos as the files of `neurokit.digital_twin.recording`, all of them or none.

Nothing is written that could not be read again; what is too large to be is left out there.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from neurokit.digital_twin.recording import TRIAL_FOLDERS, Trial, Video
from neurokit.digital_twin.trial_files import ARRAYS, check_arrays, check_replaceable, data_error, file_name
from neurokit.files.atomic import atomic_write_folder

Shown = TypeVar("Shown", Trial, Video)


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
