"""Recordings of a mouse that watched video: where they come from, and how to open one.

A folder holds `training_data`, and `evaluation_data` with the videos to score on; a simulated one also
`new_stimuli` and `truth.npz`, a converted one `statistics.npz`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.digital_twin.checkpoints import load_foundation
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.preparation import TrainingStatistics, read_statistics
from neurokit.digital_twin.recording import TrialFolder, Video, load_trials
from neurokit.digital_twin.released import ARCHIVE, list_scans, weights_folder
from neurokit.digital_twin.scores import held_out_videos
from neurokit.digital_twin.simulated_files import load_simulated_mouse, truth_path, videos_folder
from neurokit.digital_twin.simulation import MouseParameters
from neurokit.errors import DataError, SettingsError
from neurokit.files.registry import find

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
    """

    name: str
    folder: Path
    training_data: TrialFolder
    truth: Path | None = None
    statistics: TrainingStatistics | None = None
    foundation: FoundationNetwork | None = None

    @cached_property
    def videos(self) -> dict[str, tuple[Video, ...]]:
        """The videos that are never trained on, by kind, read on the first call; raises DataError."""
        return held_out_videos(self.folder)


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

    `seed` picks the mouse, `session` may repeat the recording's name, and the core of the config's
    `foundation` is opened first. Raises SettingsError for a source without a recording, DataError for an
    unknown session, CheckpointError for a missing foundation, all before anything is simulated; then as
    `load_trials` does.
    """
    source = settings.check_source(source)
    if folder is None and source in NO_RECORDING:
        raise SettingsError(f"The source {source!r} {NO_RECORDING[source]}.")
    name = _demo_name(seed) if folder is None else Path(folder).absolute().name
    _check_session(name, session)
    path = None if config is None else config.foundation
    foundation = None if path is None else load_foundation(path)
    folder = load_simulated_mouse(MouseParameters(seed=seed)) if folder is None else Path(folder)
    return _read(name, folder, foundation)


@explain_failure
def sessions(source: settings.Source, seed: int = 0) -> pd.DataFrame:
    """The demo's mouse, or the scans of the released weights, which are not recordings. Downloads nothing.

    Raises SettingsError for the source cutout, which has none, and DataError where the weights are missing.
    """
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
    seen = np.concatenate([np.isfinite(trial.perspective).all(axis=1) for trial in found.trials])
    fitted = len(found.part(True))
    return "\n".join(
        [
            f"{recording.name} in {recording.folder}",
            f"  {found.units} units, video of {rows} x {columns} pixels at 30 Hz",
            f"  {fitted} trials to fit, {len(found.trials) - fitted} to validate, {minutes:.1f} minutes",
            *_describe_videos(recording),
            f"  pupil seen in {100 * seen.mean():.1f} % of frames",
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


def _read(name: str, folder: Path, foundation: FoundationNetwork | None) -> TwinRecording:
    truth, statistics = truth_path(folder), folder / "statistics.npz"
    return TwinRecording(
        name=name,
        folder=folder,
        training_data=load_trials(folder / "training_data"),
        truth=truth if truth.is_file() else None,
        statistics=read_statistics(statistics) if statistics.is_file() else None,
        foundation=foundation,
    )


def _describe_videos(recording: TwinRecording) -> list[str]:
    place = videos_folder(recording.folder)
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
