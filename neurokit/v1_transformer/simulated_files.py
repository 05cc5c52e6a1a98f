"""A simulated session in the Allen Brain Observatory's own files, which AllenSDK 2.16.2 reads offline.

    manifest.json                        made by AllenSDK itself when a cache is opened
    experiment_containers.json           the catalogue: fields of view,
    ophys_experiments.json                 their sessions,
    cell_specimens.json                    their cells
    stimulus_mappings.json
    ophys_experiment_data/<id>.nwb       one session (HDF5, the layout of pipeline 3.0)
    ophys_experiment_data/<id>_truth.npz what is unknown of a real mouse (`SessionTruth`)

Texts are byte strings of fixed length, the only ones that AllenSDK reads.

The truth is what the session was made of, and the best that anybody could predict. No reader of sessions
opens that file: it is for tests, for pictures beside a model's, and for the ceiling beside a score.

Letters: N cells in the order of the session's file, S samples of the microscope.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float, Float32, Int

from neurokit.errors import DataError
from neurokit.files.archives import read_npz
from neurokit.files.atomic import atomic_write
from neurokit.files.hdf5 import write_hdf5
from neurokit.simulation.movie_cells import MovieCells
from neurokit.v1_transformer.simulation import UNTRACKED, SimulatedSession, frame_ends

MAXIMUM_BYTES = 8 * 2**30  # the truth of a session of 60 cells has 57 MB
PIPELINE = "processing/brain_observatory_pipeline"
STRUCTURE, DEPTH, CRE_LINE = "VISp", 175, "Cux2-CreERT2"
REPORTER = "Ai93(TITL-GCaMP6f)"
BASELINE = 400.0  # fluorescence of a cell at rest, counts
NEUROPIL = (120.0, 0.7)  # fluorescence around each cell, counts, and the share of it that reaches the cell
FIELD = 64  # pixels along a side of the microscope's field of view
SMALL = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


@dataclass(frozen=True, eq=False)
class SessionTruth:
    """What a session was simulated from.

    Attributes:
        parameters: of the simulation, plain data.
        cells: which pattern each cell prefers, and where.
        cell_ids: N, those of the session.
        speed: running without the sensor's noise, cm/s.
        expected: mean dF/F given the movie and the running, without the chance of events and noise.
        expected_from_movie: mean dF/F given the movie, with the running's mean effect.
    """

    parameters: dict
    cells: MovieCells
    cell_ids: Int[np.ndarray, "N"]
    speed: Float[np.ndarray, "S"]
    expected: Float32[np.ndarray, "N S"]
    expected_from_movie: Float32[np.ndarray, "N S"]


def truth_path(session: str | Path) -> Path:
    """Where the truth of the session in an NWB lies."""
    return Path(session).with_name(f"{Path(session).stem}_truth.npz")


def read_truth(path: str | Path) -> SessionTruth:
    """The truth in an npz; raises DataError where that is missing or damaged."""
    try:
        arrays: dict[str, Any] = read_npz(path, MAXIMUM_BYTES)
        arrays["parameters"] = json.loads(str(arrays["parameters"]))
        cells = MovieCells(**{each.name: arrays[f"cell_{each.name}"] for each in fields(MovieCells)})
        plain = (each.name for each in fields(SessionTruth) if each.name != "cells")
        return SessionTruth(cells=cells, **{name: arrays[name] for name in plain})
    except (KeyError, ValueError, TypeError) as error:  # a DataError is a ValueError
        raise DataError(
            f"{path} is not the truth of a simulated session ({error}): remove it and simulate the session "
            "again."
        ) from error


def write_session(session: SimulatedSession, folder: str | Path) -> Path:
    """Writes a session and its line in the catalogue into `folder`; returns the NWB's path.

    The catalogue keeps the sessions it has. Takes twice the size of the NWB in memory. Raises DiskError where
    a file cannot be written.
    """
    path = Path(folder) / "ophys_experiment_data" / f"{session.parameters.session_id}.nwb"
    with write_hdf5(path) as file:
        _write_metadata(file, session)
        _write_traces(file, session)
        _write_segmentation(file, session)
        _write_behaviour(file, session)
        _write_stimuli(file, session)
    _write_truth(session, path.with_name(f"{path.stem}_truth.npz"))
    for name, entries in _catalogue_lines(session).items():
        _add_lines(Path(folder) / name, entries)
    return path


def _write_truth(session: SimulatedSession, path: Path) -> None:
    arrays = {f"cell_{each.name}": getattr(session.cells, each.name) for each in fields(session.cells)}
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            parameters=np.array(session.parameters.to_json()),
            cell_ids=session.cell_ids,
            speed=session.speed,
            expected=session.expected,
            expected_from_movie=session.expected_from_movie,
            **arrays,
        )


def _write_metadata(file: h5py.File, session: SimulatedSession) -> None:
    parameters = session.parameters
    plane = "general/optophysiology/imaging_plane_1"
    texts = {
        "general/subject/age": "104 days",
        "general/subject/sex": "male",
        "general/subject/genotype": f"{CRE_LINE}/wt;Camk2a-tTA/wt;{REPORTER}/{REPORTER}",
        f"{plane}/imaging depth": f"{DEPTH} microns",
        f"{plane}/location": STRUCTURE,
        f"{plane}/excitation_lambda": "910 nanometers",
        f"{plane}/indicator": "GCaMP6f",
        "general/session_id": str(parameters.session_id),
        "general/experiment_container_id": str(parameters.container_id),
        "general/fov": "400x400 microns",
        "general/session_type": parameters.session_type,
        "general/specimen_name": f"simulated-{parameters.seed}",
        "general/devices/2-photon microscope": "Simulated microscope. SIM.1 Please see the code.",
        "session_start_time": "2026-01-01T10:00:00",
    }
    for place, text in texts.items():
        file[place] = np.bytes_(text)
    file["general/generated_by"] = np.array([b"pipeline", b"brain_observatory_pipeline", b"version", b"3.0"])


def _write_traces(file: h5py.File, session: SimulatedSession) -> None:
    """dF/F, and fluorescence in whole counts that gives the same dF/F except for rounding."""
    shape = session.dff.shape
    around, share = NEUROPIL
    demixed = np.round(BASELINE * (1 + session.dff) + share * around)
    _write_series(file, "DfOverF/imaging_plane_1", session.dff, session.time)
    _write_series(file, "Fluorescence/imaging_plane_1_demixed_signal", demixed, session.time)
    _write_series(
        file,
        "Fluorescence/imaging_plane_1_neuropil_response",
        np.full(shape, around, dtype=np.float32),
        session.time,
    )
    file[f"{PIPELINE}/Fluorescence/imaging_plane_1_neuropil_response/r"] = np.full(shape[0], share)
    # No two cells overlap, so that the signal before demixing is the one after it.
    file[f"{PIPELINE}/Fluorescence/imaging_plane_1"] = file[
        f"{PIPELINE}/Fluorescence/imaging_plane_1_demixed_signal"
    ]


def _write_segmentation(file: h5py.File, session: SimulatedSession) -> None:
    """Each cell is a small square on a grid."""
    cells = len(session.cell_ids)
    segmentation = file.create_group(f"{PIPELINE}/ImageSegmentation")
    names = np.array([f"roi_{cell:04d}" for cell in range(cells)], dtype="S")
    segmentation["cell_specimen_ids"] = session.cell_ids
    segmentation["roi_ids"] = 930_000_000 + np.arange(cells)
    plane = segmentation.create_group("imaging_plane_1")
    plane["roi_list"] = names
    side = int(np.ceil(np.sqrt(cells)))
    image = np.zeros((FIELD, FIELD), dtype=np.uint8)
    for cell, name in enumerate(names):
        mask = np.zeros_like(image)
        row, column = (FIELD * place // side for place in divmod(cell, side))
        mask[row : row + 4, column : column + 4] = 1
        plane.create_dataset(f"{name.decode()}/img_mask", data=mask, **SMALL)
        image += 200 * mask
    plane["reference_images/maximum_intensity_projection_image/data"] = image


def _write_behaviour(file: h5py.File, session: SimulatedSession) -> None:
    first, last = UNTRACKED
    tracked = session.time[first : len(session.time) - last]
    _write_series(file, "BehavioralTimeSeries/running_speed", session.running, tracked)
    if session.pupil is not None:
        _write_series(file, "EyeTracking/pupil_location_spherical", session.pupil[:, :2], session.time)
        _write_series(file, "PupilTracking/pupil_size", session.pupil[:, 2], session.time)
    motion = "MotionCorrection/2p_image_series/xy_translation"
    _write_series(file, motion, np.zeros((len(session.time), 2), dtype=np.float32), session.time)
    file[f"{PIPELINE}/{motion}/feature_description"] = np.array([b"x_motion", b"y_motion"])


def _write_stimuli(file: h5py.File, session: SimulatedSession) -> None:
    for name, frames in session.movies.items():
        starts = session.starts[name]
        shown = np.stack([starts, frame_ends(starts)], axis=2).reshape(-1, 2)
        frame = np.tile(np.arange(len(frames)), len(starts))
        _write_presentation(file, name, frame, shown)
        chunk = (min(30, len(frames)), *frames.shape[1:])
        file.create_dataset(f"stimulus/templates/{name}_image_stack/data", data=frames, chunks=chunk, **SMALL)
    start, end = session.spontaneous
    _write_presentation(file, "spontaneous", np.array([1, -1]), np.array([[start, start], [end, end]]))


def _write_presentation(file: h5py.File, name: str, data: np.ndarray, samples: np.ndarray) -> None:
    group = file.create_group(f"stimulus/presentation/{name}_stimulus")
    group.create_dataset("data", data=data, **SMALL)
    group.create_dataset("frame_duration", data=samples, **SMALL)


def _write_series(file: h5py.File, place: str, data: np.ndarray, time: np.ndarray) -> None:
    group = file.create_group(f"{PIPELINE}/{place}")
    group.create_dataset("data", data=data, **SMALL)
    group.create_dataset("timestamps", data=time, **SMALL)


def _catalogue_lines(session: SimulatedSession) -> dict[str, list[dict]]:
    """The lines of a session in each file of the catalogue, with the fields that AllenSDK reads."""
    parameters = session.parameters
    lines = [(CRE_LINE, "driver"), (REPORTER, "reporter")]
    donor = {
        "external_donor_name": str(parameters.seed),
        "date_of_birth": "2025-09-19T00:00:00Z",
        "transgenic_lines": [{"name": name, "transgenic_line_type_name": kind} for name, kind in lines],
    }
    container = {
        "id": parameters.container_id,
        "failed": False,
        "imaging_depth": DEPTH,
        "targeted_structure": {"acronym": STRUCTURE},
        "specimen": {"name": f"simulated-{parameters.seed}", "donor": donor},
    }
    experiment = container | {
        "id": parameters.session_id,
        "experiment_container_id": parameters.container_id,
        "experiment_container": {"failed": False},
        "stimulus_name": parameters.session_type,
        "date_of_acquisition": "2026-01-01T10:00:00Z",
    }
    cell = {"experiment_container_id": parameters.container_id, "failed_experiment_container": False}
    return {
        "experiment_containers.json": [container],
        "ophys_experiments.json": [experiment],
        "cell_specimens.json": [cell | {"cell_specimen_id": int(number)} for number in session.cell_ids],
        "stimulus_mappings.json": [],
    }


def _add_lines(path: Path, entries: list[dict]) -> None:
    """Adds lines to a file of the catalogue, in place of those with the same number."""
    before = json.loads(path.read_text()) if path.is_file() else []
    key = "cell_specimen_id" if "cell" in path.stem else "id"
    merged = {entry[key]: entry for entry in [*before, *entries]}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(list(merged.values())))
