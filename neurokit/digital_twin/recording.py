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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from neurokit.digital_twin.trial_files import (
    ARRAYS,
    FAR,
    FARTHEST,
    STANDARDISE,
    PieceError,
    all_names,
    check_shapes,
    data_error,
    inner_folders,
    npy_files,
    read_array,
    read_scalar,
    single_precision,
    subfolders,
)
from neurokit.digital_twin.usable import (
    COINCIDENCE,
    Usable,
    bad_pieces,
    bad_units,
    digest,
    extremes,
    find_doubled,
    join_rules,
    leave_out_channels,
    leave_out_units,
    lost_channels,
    most_common,
    unseen_channels,
)
from neurokit.training.omissions import Omission

TRIAL_FOLDERS = ("training", "samples", *ARRAYS)


@dataclass(frozen=True, eq=False)
class Trial:
    """One showing of a video and what was recorded with it; numbers read from files are float32.

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
    perspective: Float[np.ndarray, "T 2"]
    modulation: Float[np.ndarray, "T 2"]
    units: Float[np.ndarray, "T U"]


@dataclass(frozen=True, eq=False)
class Video:
    """A video that is not trained on and its repeats, one or more in the order of their numbers."""

    name: str
    repeats: tuple[Trial, ...]


@dataclass(frozen=True, eq=False)
class TrialFolder:
    """The trials of one recording, one or more in the order of their numbers.

    Attributes:
        path: of the folder.
        trials: that can be used.
        columns: of their units in the files, U; None for all.
        omissions: trials, units, channels of behaviour and repeats that cannot be used.
    """

    path: Path
    trials: tuple[Trial, ...]
    columns: Int[np.ndarray, "U"] | None = None
    omissions: tuple[Omission, ...] = ()

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

    Videos and units are mapped, so that an hour of them takes no memory; units are checked once, and copied
    where some are left out. Infinite behaviour is a gap. What cannot be used is left out
    (`neurokit.digital_twin.usable`) and listed in `omissions`, units by their columns in the files. Raises
    DataError, naming the file, where nothing is left, and for a folder of another layout.
    """
    return load_recording(folder)[0]


def load_videos(folder: str | Path) -> tuple[Video, ...]:
    """The videos in a folder such as `evaluation_data`, which holds a folder per video in each of ARRAYS.

    Videos may differ in their number of repeats and in length. Repeats that cannot be used are left out, and
    so are units that hold values that cannot be; `load_recording` lists them, and keeps the same units in
    trials and videos. Raises DataError as `load_trials`.
    """
    read = _read_videos(Path(folder))
    bad = bad_units(read.values)
    columns, _ = leave_out_units(bad, np.arange(read.units), read.usable.folder)
    return _videos(read, columns, np.zeros(4, dtype=bool))


def load_recording(
    folder: str | Path,
    places: Mapping[str, Path] | None = None,
    unit_ids: Int[np.ndarray, "N"] | None = None,
) -> tuple[TrialFolder, dict[str, tuple[Video, ...]]]:
    """The trials in a folder, and the videos in other folders by their kind, with the same units.

    `unit_ids` name the units of the files. Raises DataError as `load_trials` and `load_videos`, and where the
    number of units differs.
    """
    trials = _read_trials(Path(folder))
    videos = {kind: _read_videos(place) for kind, place in (places or {}).items()}
    ids = np.arange(trials.units) if unit_ids is None else unit_ids
    _check_units(trials, videos.values(), ids)
    fitted = np.array([trial.training for trial in trials.usable.found.values()])
    bad = [bad_units(trials.values, fitted), *(bad_units(each.values) for each in videos.values())]
    columns, left_out = leave_out_units(join_rules(*bad), ids, trials.usable.folder)
    unseen = unseen_channels(_behaviour(trial) for trial in trials.usable.found.values())
    blank = np.logical_or(*unseen.values())
    omissions = (
        *trials.usable.omissions(),
        *(omission for kind, each in videos.items() for omission in each.usable.omissions(kind)),
        *left_out,
        *leave_out_channels(unseen),
        *(
            omission
            for kind, each in videos.items()
            for omission in lost_channels(map(_behaviour, each.usable.found.values()), blank, kind)
        ),
    )
    kept = tuple(_keep(trial, columns, blank) for trial in trials.usable.found.values())
    all_units = None if len(columns) == trials.units else columns
    found = TrialFolder(trials.usable.folder, kept, all_units, omissions)
    return found, {kind: _videos(each, columns, blank) for kind, each in videos.items()}


@dataclass(frozen=True, eq=False)
class _Read:
    """Trials or repeats of a folder, with the lowest and highest value of each unit in each of them."""

    usable: Usable[Trial]
    values: Float32[np.ndarray, "K 2 N"]

    @property
    def units(self) -> int:
        return self.values.shape[2]


def _read_trials(folder: Path) -> _Read:
    parents = inner_folders(folder, TRIAL_FOLDERS)
    names = all_names(parents, npy_files, "npy file", "write one file per trial")
    usable: Usable[Trial] = Usable(folder, "trials", names)
    usable.read(partial(_read_trial, folder), show=True)
    usable.drop(_find_unlike(usable.found, folder))
    usable.drop(_find_doubled(usable.found, folder))
    return _without_bad_values(usable)


def _read_videos(folder: Path) -> _Read:
    """Repeats by video and name, such as 1/0."""
    parents = inner_folders(folder, ARRAYS)
    remedy = "write one per video, or read training trials with load_trials"
    names: dict[str, PieceError | None] = {}
    for video in all_names(parents, subfolders, "folder", remedy):
        inside = [parent / video for parent in parents]
        repeats = all_names(inside, npy_files, "npy file", "write one file per repeat")
        names |= {f"{video}/{repeat}": wrong for repeat, wrong in repeats.items()}
    usable: Usable[Trial] = Usable(folder, "repeats", names)
    usable.read(lambda name: _read_arrays(folder, name.split("/")[1], name.split("/")[0]))
    usable.drop(_find_unlike(usable.found, folder))
    usable.drop(_find_other_frames(usable.found, folder))
    usable.drop(_find_doubled(usable.found, folder))
    return _without_bad_values(usable)


def _without_bad_values(usable: Usable[Trial]) -> _Read:
    names = list(usable.found)
    values = np.stack([extremes(trial.units) for trial in usable.found.values()])
    usable.drop(bad_pieces(values, [str(usable.folder / "units" / f"{name}.npy") for name in names], names))
    return _Read(usable, values[[name in usable.found for name in names]])


def _find_unlike(found: Mapping[str, Trial], folder: Path) -> dict[str, PieceError]:
    """Trials whose monitor pixels or number of units differ from those of most."""
    sizes = {name: trial.stimulus.shape[1:] for name, trial in found.items()}
    units = {name: trial.units.shape[1] for name, trial in found.items()}
    usual, number = most_common(sizes.values()), most_common(units.values())
    unlike = {
        name: data_error(
            folder / "units" / f"{name}.npy",
            f"has {has} units, and most others have {number}",
            "keep the same units in the same order throughout",
        )
        for name, has in units.items()
        if has != number
    }
    return unlike | {
        name: data_error(
            folder / "stimuli" / f"{name}.npy",
            f"has frames of {has} pixels, and most others of {usual}",
            "resize them to one size",
        )
        for name, has in sizes.items()
        if has != usual
    }


def _find_doubled(found: Mapping[str, Trial], folder: Path) -> dict[str, PieceError]:
    """Repeats that are an earlier one of their video again, or trials of their part; else tasks see to it."""

    def alike(name: str, other: str) -> bool:
        one, two = found[name], found[other]
        of_one = one.training == two.training and ("/" not in name or _video_of(name) == _video_of(other))
        return of_one and _no_coincidence(one, two) and np.array_equal(one.stimulus, two.stimulus)

    return find_doubled({name: trial.units for name, trial in found.items()}, alike, folder)


def _no_coincidence(one: Trial, other: Trial) -> bool:
    """Whether trials with the same units have many that are active, or the same behaviour, which varies."""
    if one.units.any(axis=0).sum() >= COINCIDENCE:
        return True
    behaviour, theirs = _behaviour(one), _behaviour(other)
    varies = np.fmin.reduce(behaviour, axis=0) < np.fmax.reduce(behaviour, axis=0)
    return bool(varies.any()) and np.array_equal(behaviour, theirs, equal_nan=True)


def _find_other_frames(found: Mapping[str, Trial], folder: Path) -> dict[str, PieceError]:
    """Repeats that show other frames than most repeats of their video."""
    unlike = {}
    for video, several in groupby(found.items(), key=lambda item: _video_of(item[0])):
        shown = {name: digest(repeat.stimulus) for name, repeat in several}
        usual = most_common(shown.values())
        for name in (name for name, frames in shown.items() if frames != usual):
            place, finding = (
                folder / "stimuli" / f"{name}.npy",
                f"shows other frames than most of video {video}",
            )
            unlike[name] = data_error(place, finding, "give each video its own folder")
    return unlike


def _video_of(repeat: str) -> str:
    return repeat.split("/")[0]


def _videos(read: _Read, columns: Int[np.ndarray, "U"], blank: Bool[np.ndarray, "4"]) -> tuple[Video, ...]:
    by_video = groupby(read.usable.found.items(), key=lambda item: _video_of(item[0]))
    return tuple(
        Video(video, tuple(_keep(repeat, columns, blank) for _, repeat in several))
        for video, several in by_video
    )


def _keep(trial: Trial, columns: Int[np.ndarray, "U"], blank: Bool[np.ndarray, "4"]) -> Trial:
    """The trial with the units of those columns, and 0 in the channels that are `blank`."""
    if blank.any():
        behaviour = np.where(blank, np.float32(0), _behaviour(trial))
        trial = replace(trial, perspective=behaviour[:, :2], modulation=behaviour[:, 2:])
    if len(columns) == trial.units.shape[1]:
        return trial
    return replace(trial, units=np.ascontiguousarray(trial.units[:, columns]))


def _behaviour(trial: Trial) -> Float32[np.ndarray, "T 4"]:
    return np.concatenate([trial.perspective, trial.modulation], axis=1)


def _check_units(trials: _Read, videos: Iterable[_Read], unit_ids: Int[np.ndarray, "N"]) -> None:
    remedy = "keep the same units in the same order throughout"
    for read in videos:
        if read.units != trials.units:
            finding = f"has {read.units} units, and {trials.usable.folder} has {trials.units}"
            raise data_error(read.usable.folder, finding, remedy)
    if len(unit_ids) != trials.units:
        finding = f"has {trials.units} units, and the statistics beside it name {len(unit_ids)}"
        raise data_error(trials.usable.folder, finding, "convert the recording again")


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
    check_shapes(found, places)
    perspective, modulation = (
        _read_behaviour(found[kind], places[kind]) for kind in ("perspectives", "modulations")
    )
    return Trial(name, training, found["stimuli"][..., 0], perspective, modulation, found["units"])


def _read_behaviour(stored: Float32[np.ndarray, "T 2"], place: Path) -> Float32[np.ndarray, "T 2"]:
    """A copy in memory with gaps for infinite values; PieceError for values that are not standardised."""
    values = np.array(stored)
    values[np.isinf(values)] = np.nan
    if (np.abs(values) > FARTHEST).any():
        raise PieceError(f"{place} {FAR}: {STANDARDISE}.", "out_of_range")
    return values
