"""Recordings of a mouse that watched video: where they come from, and how to open one.

A folder holds `training_data`, and `evaluation_data` with the videos to score on; a simulated one also
`new_stimuli` and `truth.npz`, a converted one `statistics.npz`. Recordings in other formats are converted
once (`neurokit.digital_twin.own`), into the data folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.digital_twin.checkpoints import load_foundation
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.conversion import MONITOR
from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.own import WORDS, convert_recording
from neurokit.digital_twin.preparation import TrainingStatistics, read_omissions, read_statistics
from neurokit.digital_twin.recording import TrialFolder, Video, load_recording
from neurokit.digital_twin.released import ARCHIVE, list_scans, weights_folder
from neurokit.digital_twin.scores import held_out_videos, video_places
from neurokit.digital_twin.shared_frames import find_shared_trials
from neurokit.digital_twin.simulated_files import load_simulated_mouse, truth_path, videos_folder
from neurokit.digital_twin.simulation import MouseParameters
from neurokit.digital_twin.usable import CHANNELS
from neurokit.errors import DataError, SettingsError
from neurokit.files.atomic import restore_folder
from neurokit.files.cache import converted_folder, read_or_write
from neurokit.files.registry import find
from neurokit.progress import announce
from neurokit.recordings.formats import READERS, choose_recording
from neurokit.recordings.formats import read as read_recording
from neurokit.recordings.listing import list_contents
from neurokit.recordings.movie_arrays import recording_of_movies
from neurokit.recordings.recording import Recording
from neurokit.training.omissions import Omission

NO_RECORDING = {
    "cutout": "has no small real recording of a mouse that watched video: use the source demo, or give the "
    "folder of a recording of your own",
    "full": "has weights to download, but no recording to train on: use the source demo, or give a folder "
    "that neurokit.digital_twin.convert_microns wrote",
}


@dataclass(frozen=True, eq=False)
class TwinRecording:
    """One mouse's recording on disk.

    Attributes:
        name: of the session.
        folder: that holds it.
        training_data: trials to fit and to validate with.
        truth: the file with the truth of a simulated mouse.
        statistics: that scaled a converted recording.
        foundation: the network whose core is transferred to this mouse.
        held_out: the videos that are never trained on, by kind; none where the folder has none.
        omissions: what its conversion left out, and trials, repeats, units and channels that cannot be used.
    """

    name: str
    folder: Path
    training_data: TrialFolder
    truth: Path | None = None
    statistics: TrainingStatistics | None = None
    foundation: FoundationNetwork | None = None
    held_out: dict[str, tuple[Video, ...]] = field(default_factory=dict)
    omissions: tuple[Omission, ...] = ()

    @property
    def videos(self) -> dict[str, tuple[Video, ...]]:
        """The videos that are never trained on, by kind; raises DataError where the folder has none."""
        return self.held_out or held_out_videos(self.folder)

    @cached_property
    def shared(self) -> Bool[np.ndarray, "K"]:
        """Which of its trials show a video of another part, found on the first call."""
        scored = [video for of_kind in self.held_out.values() for video in of_kind]
        return find_shared_trials(self.training_data.trials, scored)


@explain_failure
def load(
    *,
    source: settings.Source | None = None,
    folder: str | Path | None = None,
    session: Sequence[str] | str = (),
    seed: int = 0,
    config: TwinConfig | None = None,
) -> TwinRecording:
    """The demo's simulated mouse (half a minute on the first call), or the recording in a `folder`.

    A folder is one of trials, or a recording, or several of which `session` names one, in a format that
    `neurokit.recordings` reads; this is converted on the first call, at the size of the config's monitor.
    `seed` picks the mouse, `session` may repeat the recording's name, and the core of the config's
    `foundation` is opened first. Raises SettingsError for a source without a recording and for movies or
    areas that are chosen of trials, DataError for an unknown session, CheckpointError for a missing
    foundation, all before anything is simulated; then as `load_recording` does.
    """
    source = settings.check_source(source)
    if folder is None and source in NO_RECORDING:
        raise SettingsError(f"The source {source!r} {NO_RECORDING[source]}.")
    path = None if config is None else config.foundation
    chosen = {} if config is None else config.reading
    if folder is not None and not (restore_folder(folder) / "training_data").is_dir():
        found = choose_recording(folder, session, "training_data")
        foundation = None if path is None else load_foundation(path)
        monitor = MONITOR if config is None else config.network.monitor
        return _load_converted(found, monitor, foundation, chosen)
    if chosen:
        raise SettingsError(
            f"{' and '.join(chosen)} cannot be chosen of trials: name the recording that they were made of, "
            "or convert it once more."
        )
    name = _demo_name(seed) if folder is None else Path(folder).absolute().name
    _check_session(name, session)
    foundation = None if path is None else load_foundation(path)
    folder = load_simulated_mouse(MouseParameters(seed=seed)) if folder is None else Path(folder)
    return _read(name, folder, foundation)


@explain_failure
def from_recording(recording: Recording, folder: str | Path, **options: Any) -> TwinRecording:
    """Writes a recording of movies as trials into `folder`, and opens them.

    `options` are those of `neurokit.digital_twin.own.convert_recording`: movies, areas, size, trial_frames,
    gap, baseline, validation, seed. Raises DataError and DiskError as that does.
    """
    convert_recording(recording, folder, **options)
    return _read(recording.name, Path(folder), None)


@explain_failure
def from_arrays(
    folder: str | Path,
    videos: Any,
    responses: Any,
    response_times: Any,
    *,
    frame_times: Any,
    shown: Any = None,
    treadmill: Any = None,
    pupil: Any = None,
    unit_ids: Any = None,
    units_first: bool | None = None,
    name: str = "own",
    **options: Any,
) -> TwinRecording:
    """Writes arrays, lists or tensors, each with its own clock, as trials into `folder`, and opens them.

    Args:
        folder: new, or with an earlier recording, which is replaced.
        videos: grey values, F x H x W, by name; or those of a single one, which is named "movie". uint8 or
            other numbers from 0 to 255, or fractions from 0 (black) to 1 (white).
        responses: activity, S x N or N x S: the axis that fits the times holds the samples.
        response_times: s of each sample, S, at any rate.
        frame_times: s at which each frame came on, by video: F, R x F, a list of R repeats, or all of them
            one after another; NaN is a frame that was not shown.
        shown: which frame, from 0, each of the times in a row is of, by video.
        treadmill: cm/s, S, or values and times of their own, (values, times); None where not recorded.
        pupil: likewise the size, S; x and y, S x 2; or x, y and size, S x 3.
        unit_ids: whole numbers, N; None counts from 0.
        units_first: whether responses are N x S, where S and N are equal.
        name: of the recording.
        options: those of `neurokit.digital_twin.own.convert_recording`: movies, size, trial_frames, gap,
            baseline, validation, seed.

    Raises DataError, naming the array, for whatever does not fit, in one sentence; DiskError.
    """
    recording = recording_of_movies(
        videos,
        responses,
        response_times,
        frame_times=frame_times,
        shown=shown,
        running=treadmill,
        pupil=pupil,
        unit_ids=unit_ids,
        units_first=units_first,
        name=name,
        words=WORDS,
    )
    return from_recording(recording, folder, **options)


@explain_failure
def sessions(source: settings.Source, seed: int = 0, *, folder: str | Path | None = None) -> pd.DataFrame:
    """The demo's mouse, or the scans of the released weights, which are not recordings. Downloads nothing.

    Of a `folder`, the recordings in it. Raises SettingsError for the source cutout, which has none, and
    DataError where the weights, or recordings in the folder, are missing.
    """
    if folder is not None:
        if (restore_folder(folder) / "training_data").is_dir():
            return pd.DataFrame({"session": [Path(folder).absolute().name], "format": ["trials"]})
        return list_contents(folder)
    source = settings.check_source(source)
    if source == "demo":
        mouse = MouseParameters(seed=seed)
        row = {"session": _demo_name(seed), "units": mouse.cells, "trials": mouse.trials}
        return pd.DataFrame([row | {"minutes": mouse.minutes}])
    if source == "cutout":
        raise SettingsError(f"The source {source!r} {NO_RECORDING[source]}.")
    if not weights_folder().is_dir():
        raise DataError(
            f"{weights_folder()} is missing: neurokit.digital_twin.fetch_weights() downloads the released "
            f"weights from {find(ARCHIVE).urls[0]}, and no recording comes with them."
        )
    return list_scans(weights_folder())


@explain_failure
def describe(recording: TwinRecording) -> str:
    """Units, frames, trials, repeated videos, and how often the pupil was seen."""
    found = recording.training_data
    rows, columns = found.frame
    minutes = sum(len(trial.stimulus) for trial in found.trials) / 1800
    fitted = len(found.part(True))
    return "\n".join(
        [
            f"{recording.name} in {recording.folder}",
            f"  {found.units} units, video of {rows} x {columns} pixels at 30 Hz",
            f"  {fitted} trials to fit, {len(found.trials) - fitted} to validate, {minutes:.1f} minutes",
            *_describe_videos(recording),
            f"  {_describe_behaviour(found)}",
            *(f"  {omission}" for omission in recording.omissions),
        ]
    )


@explain_failure
def describe_weights(folder: str | Path) -> str:
    """The scans in a folder of released weights, and how to open one; raises as `list_scans`."""
    return "\n".join(
        [
            f"weights of digital twins in {folder}",
            list_scans(folder).to_string(index=False),
            "neurokit.digital_twin.load_released(folder, session, scan_idx) opens one",
        ]
    )


def _load_converted(
    path: Path,
    monitor: tuple[int, int],
    foundation: FoundationNetwork | None,
    chosen: Mapping[str, Any],
) -> TwinRecording:
    """A recording in another format, from the trials that were made of it; made on the first call."""
    facts = {"monitor": list(monitor)} | {name: list(values) for name, values in chosen.items()}
    folder = converted_folder("digital-twin", path, facts, (convert_recording,), READERS)

    def write(folder: Path) -> None:
        recording = read_recording(path)
        announce(f"converting {path} ({recording.format}) to {folder}")
        for note in recording.notes:
            announce(note)
        convert_recording(recording, folder, size=monitor, **chosen)

    name = path.stem if path.is_file() else path.absolute().name
    return read_or_write(folder, "statistics.npz", write, lambda there: _read(name, there, foundation))


def open_trials(folder: str | Path) -> TwinRecording:
    """The recording in a folder of trials; raises DataError as `load_recording` does."""
    return _read(Path(folder).absolute().name, Path(folder), None)


def _read(name: str, folder: Path, foundation: FoundationNetwork | None) -> TwinRecording:
    truth, statistics = truth_path(restore_folder(folder)), folder / "statistics.npz"
    known = read_statistics(statistics) if statistics.is_file() else None
    unit_ids = None if known is None else known.unit_ids[known.active]
    trials, videos = load_recording(folder / "training_data", video_places(folder), unit_ids)
    return TwinRecording(
        name=name,
        folder=folder,
        training_data=trials,
        truth=truth if truth.is_file() else None,
        statistics=known,
        foundation=foundation,
        held_out=videos,
        omissions=(*read_omissions(folder), *trials.omissions),
    )


def _describe_behaviour(found: TrialFolder) -> str:
    """How often pupil, its radius and the treadmill were seen, or that they were not recorded."""
    missing = {
        name: {"not_recorded": "not recorded", "constant": "never changes"}[omission.rule]
        for omission in found.omissions
        if omission.pieces == "channels" and not omission.part
        for name in omission.names
    }
    seen = [np.concatenate([trial.perspective, trial.modulation], axis=1) for trial in found.trials]
    finite = np.isfinite(np.concatenate(seen))
    columns = {"pupil": [0, 1], "its radius": [2], "treadmill": [3]}
    words = []
    for what, numbers in columns.items():
        lacking = {missing.get(CHANNELS[number]) for number in numbers}
        share = 100 * finite[:, numbers].all(axis=1).mean()
        why = next(iter(lacking)) if len(lacking) == 1 else None
        words.append(f"{what} {why or f'seen in {share:.1f} % of frames'}")
    return ", ".join(words)


def _describe_videos(recording: TwinRecording) -> list[str]:
    place = restore_folder(videos_folder(recording.folder))
    if not place.is_dir():
        return [f"  no {place.name}: nothing to score on"]
    repeats = {
        kind: ", ".join(map(str, sorted({len(video.repeats) for video in of_kind})))
        for kind, of_kind in recording.videos.items()
    }
    return [
        f"  {kind}: {len(of_kind)} videos, repeats {repeats[kind]}"
        for kind, of_kind in recording.videos.items()
    ]


def _demo_name(seed: int) -> str:
    return f"mouse-{seed}"


def _check_session(name: str, asked: Sequence[str] | str) -> None:
    others = [each for each in ([asked] if isinstance(asked, str) else asked) if each != name]
    if others:
        raise DataError(f"No session is named {others[0]!r}; this source has {name}.")
