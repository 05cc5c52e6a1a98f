"""Simulated recordings and releases as files: trial folders with their truth, and the MICrONS layouts.

A simulated mouse's recording is written in the files that a digital twin is trained on, the truth beside
them:

    training_data/         trials shown once, to fit and to validate (see `neurokit.digital_twin.recording`)
    evaluation_data/       natural clips, several times each
    new_stimuli/<kind>/    the same for each of NEW_STIMULI
    truth.npz              what nobody knows of a real mouse (see `neurokit.digital_twin.truth`)

Behaviour is in standard deviations and units in multiples of their mean; both statistics are those of the
trials to fit, everywhere.

From arrays, `write_scans` and `write_properties` make files in the layouts of the MICrONS release: the scans'
one HDF5, described in `neurokit.digital_twin.microns`, and the twin's properties, described in
`neurokit.digital_twin.properties`. The weights of a twin are written by
`neurokit.digital_twin.released.save_weights`.

Letters: T frames, N cells, V clips of a kind, R repeats, U units, K weights of a unit's readout, H x W
pixels.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, UInt8

from neurokit.digital_twin.microns import PERIOD, MicronsScan, MicronsTrial, MicronsVideo, encoded
from neurokit.digital_twin.properties import LOCATIONS, METADATA, SCAN, TABLES, UNIT, UNITS_FILE, write_table
from neurokit.digital_twin.recording import Trial, Video, write_trials, write_videos
from neurokit.digital_twin.simulated_mouse import Behaviour
from neurokit.digital_twin.simulation import Presentation, SimulatedMouse
from neurokit.errors import SettingsError
from neurokit.files.atomic import atomic_write, atomic_write_folder
from neurokit.simulation.video_stimuli import NATURAL

TRUTH = "truth.npz"


@dataclass(frozen=True, eq=False)
class Scales:
    """Mean and standard deviation over all frames of the trials to fit.

    Attributes:
        perspective: rows mean and standard deviation, columns pupil x and y, deg.
        modulation: the same for pupil radius (camera pixels) and treadmill (cm/s).
        units: mean activity, events per frame.
    """

    perspective: Float[np.ndarray, "2 2"]
    modulation: Float[np.ndarray, "2 2"]
    units: Float[np.ndarray, "N"]

    def trial(self, name: str, shown: Presentation, *, training: bool = False) -> Trial:
        """A presentation as it is written."""
        return Trial(
            name=name,
            training=training,
            stimulus=shown.stimulus,
            perspective=_standardise(shown.behaviour.perspective, self.perspective),
            modulation=_standardise(_modulation(shown.behaviour), self.modulation),
            units=(shown.activity / self.units).astype(np.float32),
        )

    def behaviour(
        self, perspective: Float[np.ndarray, "T 2"], modulation: Float[np.ndarray, "T 2"]
    ) -> Behaviour:
        """What was measured, from what is written."""
        modulation = self.modulation[0] + self.modulation[1] * modulation
        return Behaviour(self.perspective[0] + self.perspective[1] * perspective, *modulation.T)


def scales(recording: SimulatedMouse) -> Scales:
    """The statistics with which a recording is written.

    Raises SettingsError where a cell had no event in the trials to fit.
    """
    fitted = [shown for shown, fit in zip(recording.once, recording.fit, strict=True) if fit]
    units = np.concatenate([shown.activity for shown in fitted]).mean(axis=0)
    if not units.all():
        silent = np.flatnonzero(units == 0)
        raise SettingsError(
            f"{recording.parameters.minutes} minutes are too short: {len(silent)} cells (first: {silent[0]}) "
            "had no event in the trials to fit; simulate more minutes."
        )
    return Scales(
        perspective=_statistics([shown.behaviour.perspective for shown in fitted]),
        modulation=_statistics([_modulation(shown.behaviour) for shown in fitted]),
        units=units,
    )


def write_recording(recording: SimulatedMouse, folder: str | Path) -> Path:
    """Writes the trial folders and, last, the truth; returns `folder`.

    Raises SettingsError for a recording that is too short (see `scales`), DiskError where files cannot be
    written.
    """
    folder, found = Path(folder), scales(recording)
    trials = zip(recording.once, recording.fit.tolist(), strict=True)
    write_trials(
        folder / "training_data",
        (found.trial(str(i), shown, training=fit) for i, (shown, fit) in enumerate(trials)),
    )
    for kind in recording.repeated:
        write_videos(videos_folder(folder, kind), _videos(recording, found, kind))
    _write_truth(recording, found, folder / TRUTH)
    return folder


def videos_folder(folder: str | Path, kind: str = NATURAL) -> Path:
    """Where a recording's repeated clips of a kind are."""
    return Path(folder) / ("evaluation_data" if kind == NATURAL else f"new_stimuli/{kind}")


def _videos(recording: SimulatedMouse, found: Scales, kind: str) -> Iterator[Video]:
    for clip, repeats in enumerate(recording.repeated[kind]):
        yield Video(str(clip), tuple(found.trial(str(i), shown) for i, shown in enumerate(repeats)))


def _write_truth(recording: SimulatedMouse, found: Scales, path: Path) -> None:
    sight, custom = recording.mouse.sight, recording.mouse.custom
    parts: dict[str, Any] = {"cell": sight.cells, "custom": custom, "scales": found}
    arrays = {
        f"{part}_{each.name}": getattr(of, each.name) for part, of in parts.items() for each in fields(of)
    }
    for kind in recording.repeated:
        arrays[f"expected_{kind}"] = _expected(recording, found, kind)
        for name, values in vars(recording.ceilings(kind)).items():
            arrays[f"ceiling_{kind}_{name}"] = values
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            parameters=np.array(recording.parameters.to_json()),
            pixels_per_degree=sight.pixels_per_degree,
            rest=sight.rest,
            arousal=recording.mouse.arousal,
            **arrays,
        )


def _expected(recording: SimulatedMouse, found: Scales, kind: str) -> Float32[np.ndarray, "V R T N"]:
    """What a twin that knows all would predict, in multiples of the units' means."""
    clips = recording.repeated[kind]
    return np.array([[shown.expected / found.units for shown in clip] for clip in clips], dtype=np.float32)


def _modulation(behaviour: Behaviour) -> Float[np.ndarray, "T 2"]:
    return np.stack([behaviour.radius, behaviour.speed], axis=1)


def _statistics(values: list[Float[np.ndarray, "T 2"]]) -> Float[np.ndarray, "2 2"]:
    every = np.concatenate(values)
    return np.stack([every.mean(axis=0), every.std(axis=0)])


def _standardise(
    values: Float[np.ndarray, "T 2"], statistics: Float[np.ndarray, "2 2"]
) -> Float32[np.ndarray, "T 2"]:
    return ((values - statistics[0]) / statistics[1]).astype(np.float32)


def write_scans(path: str | Path, scans: Sequence[MicronsScan], videos: Iterable[MicronsVideo]) -> Path:
    """Writes scans and their videos as one HDF5 file, completely or not at all. Raises DiskError.

    Each video that a trial names must be among `videos`: a link that leads nowhere is not noticed here.
    """
    path = Path(path)
    with atomic_write(path) as temporary, h5py.File(temporary, "w", locking=False) as file:
        for video in videos:
            _write_video(file, video)
        for scan in scans:
            _write_scan(file, scan)
    return path


def write_properties(
    folder: str | Path,
    properties: pd.DataFrame,
    weights: Float[np.ndarray, "U K"],
    responses: Float[np.ndarray, "U T"],
    stimulus: UInt8[np.ndarray, "T H W"],
    *,
    sampling_frequency: float = 30.0,
) -> Path:
    """Writes the folders of a twin's properties; whatever stood in `folder` is replaced. Raises DiskError.

    `properties` is indexed by session, scan_idx and unit_id, and has the columns of all tables and the two
    of the readout's location, as `load_properties` returns them.
    """
    units = properties.index.to_frame(index=False)[UNIT]
    arrays = {
        "readout": {"readout_weights": weights, "readout_locations": properties[[*LOCATIONS]].to_numpy()},
        "responses": {"responses": responses, "stimulus": stimulus},
    }
    with atomic_write_folder(folder) as temporary:
        for kind, names in TABLES.items():
            columns = [*names, "brain_area", "field"] if kind == "anatomy" else [*names]
            values = properties[columns].reset_index(drop=True)
            _write_kind(temporary / kind, pd.concat([units, values], axis=1), {})
        for kind, found in arrays.items():
            _write_kind(temporary / kind, units, found, sampling_frequency)
    return Path(folder)


def _write_kind(
    folder: Path, units: pd.DataFrame, arrays: dict[str, np.ndarray], frequency: float | None = None
) -> None:
    folder.mkdir()
    write_table(folder / UNITS_FILE, units)
    scans = units[SCAN].drop_duplicates()
    write_table(folder / METADATA, scans if frequency is None else scans.assign(sampling_frequency=frequency))
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)


def _write_video(file: h5py.File, video: MicronsVideo) -> None:
    key = encoded(video.name)
    group = file.create_group(f"videos/{key}")
    group.create_dataset("clip", data=video.frames, compression="gzip", compression_opts=1)
    group["times"] = video.time.astype(np.float32)
    group.create_group("instances")
    group.attrs.update({**video.facts, "original_hash": video.name, "type": video.kind})
    file.require_group(f"types/{video.kind}")[key] = h5py.SoftLink(f"/videos/{key}")


def _write_scan(file: h5py.File, scan: MicronsScan) -> None:
    name = f"{scan.session}_{scan.scan_idx}"
    meta = file.create_group(f"sessions/{name}/meta")
    meta.attrs["fps"] = 1 / PERIOD
    meta["unit_ids"], meta["coordinates"] = scan.unit_ids, scan.coordinates
    meta["brain_areas"] = scan.areas.astype("S")
    meta["condition_hashes"] = np.array([trial.video for trial in scan.trials], dtype="S")
    for area in sorted(set(scan.areas)):
        meta[f"area_indices/{area}"] = np.flatnonzero(scan.areas == area)
        file.require_group(f"brain_areas/{area}")[name] = h5py.SoftLink(f"/sessions/{name}")
    for trial in scan.trials:
        _write_trial(file, name, trial)


def _write_trial(file: h5py.File, scan: str, trial: MicronsTrial) -> None:
    path = f"sessions/{scan}/trials/{trial.number}"
    group = file.create_group(path)
    group.attrs["condition_hash"] = trial.video
    group["responses"] = trial.responses.T
    group["treadmill"] = trial.treadmill[:, None]
    group["pupil"] = np.concatenate([trial.pupil_center, trial.pupil_radius], axis=1).T
    group["stim_times"] = trial.time.astype(np.float32)
    instances = file[f"videos/{encoded(trial.video)}/instances"]
    instances[f"{scan}_tr{trial.number}"] = h5py.SoftLink(f"/{path}")
