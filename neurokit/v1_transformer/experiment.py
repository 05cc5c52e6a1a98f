"""What the V1 Transformer is to `neurokit.experiment.Experiment`: its models, training, scores, new movies.

Letters: R repeats, E end frames of a part, F frames, H x W pixels, N cells.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32, UInt8
from torch import nn

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.files.atomic import write_output
from neurokit.recordings.conversion import convert as convert_recordings
from neurokit.training.checkpoint import Checkpoint, fingerprint
from neurokit.training.device import choose_device, first_tensor
from neurokit.training.fit import TrainingResult, fit
from neurokit.training.omissions import Omission
from neurokit.training.predict import evaluating, fill_rows
from neurokit.training.system import Option, Simulated
from neurokit.v1_transformer import model as networks
from neurokit.v1_transformer.clips import MovieScales, MovieSplit
from neurokit.v1_transformer.config import (
    MODELS,
    ClipShape,
    TransformerConfig,
    TransformerSettings,
    search_space,
)
from neurokit.v1_transformer.described import DescribedTransformer
from neurokit.v1_transformer.features import MovieTask, task
from neurokit.v1_transformer.figures import plot_scores as draw
from neurokit.v1_transformer.own import from_recording
from neurokit.v1_transformer.recording import Movie, MovieSession
from neurokit.v1_transformer.scores import (
    COLUMNS,
    describe_ceiling,
    explain_ceiling,
    reads_running,
    reference_predictions,
    repeat_ceiling,
    score,
    score_table,
)
from neurokit.v1_transformer.simulated_files import truth_path, write_session
from neurokit.v1_transformer.simulation import SessionParameters, simulate_session
from neurokit.v1_transformer.sources import load, sessions

__all__ = [
    "COLUMNS",
    "MODELS",
    "draw",
    "explain_ceiling",
    "load",
    "score",
    "search_space",
    "sessions",
    "task",
]  # besides what stands below

NAME = "v1-transformer"
OPTIONS = (
    Option("movies", "movies", "of the session, by name (default all)", several=True),
    Option("without", "without", "ids of cells to leave out", several=True),
    Option("areas", "areas", "of a recording of your own, by name (default all)", several=True),
    Option("running", "running", "what the model is given of the speed: measured, none or shuffled"),
)
INPUTS = """\
frames (uint8, frames x rows x columns, grey values, of the size that the model reads), running (cm/s, a value
a frame, NaN where it was not measured; a model without running needs none), and frame_rate (Hz), unless the
model was trained without one"""
FASTEST = 200.0  # cm/s, more than any mouse runs
RATE_TOLERANCE = 0.02  # of the frame rate: clocks of microscopes and monitors differ by less
DATA_FIELDS = ("shape", "running", "movies", "without", "areas", "model.frame", "model.head", "seed")


@explain_failure
def describe(recording: MovieSession) -> str:
    """Session, place, cells, movies, how much of the behaviour was measured, and what was left out."""
    samples, rate = len(recording.time), 1 / np.diff(recording.time).mean()
    depth = "" if recording.depth is None else f"{recording.depth} µm deep"
    pipeline = recording.pipeline and f"pipeline {recording.pipeline}"
    where = ", ".join(filter(None, (recording.structure, depth, recording.cre_line, pipeline)))
    shown = [
        f"  {name}: {movie.starts.shape[1]} frames x {len(movie.starts)} repeats{_say_blank(movie)}"
        for name, movie in recording.movies.items()
    ]
    lines = [
        f"session {recording.session_id} ({recording.session_type})",
        *([f"  {where}"] if where else []),
        f"  {len(recording.cell_ids)} cells, {samples} samples at {rate:.1f} Hz",
        *shown,
        f"  {_describe_behaviour(recording)}",
        *(f"  {each}" for each in (*recording.omissions, *recording.notes)),
    ]
    return "\n".join(lines)


def _describe_behaviour(recording: MovieSession) -> str:
    running = "not recorded"
    if recording.running is not None:
        running = f"measured at {100 * np.isfinite(recording.running).mean():.1f} % of samples"
    return f"running {running}, pupil {'not recorded' if recording.pupil is None else 'recorded'}"


def _say_blank(movie: Movie) -> str:
    """What a task leaves out: a movie that is one grey value throughout."""
    low, high = movie.frames.min(), movie.frames.max()
    return f", left out of training: all frames have the grey value {low}" if low == high else ""


def identity(recording: MovieSession) -> dict[str, Any]:
    """Session, movies, cells and values of the file; frames of one's own session alone, since those of
    Allen's files are shrunk to the size that the config chooses.
    """
    frames = [movie.frames for movie in recording.movies.values()] if recording.shrinks else []
    starts = [movie.starts for movie in recording.movies.values()]
    parts = [movie.parts.astype("U64") for movie in recording.movies.values() if movie.parts is not None]
    running = [] if recording.running is None else [recording.running]
    return {
        "session": recording.session_id,
        "movies": list(recording.movies),
        "cells": fingerprint(recording.cell_ids),
        "values": fingerprint(recording.dff, *running, *starts, *frames, *parts),
    }


def arrays(task: MovieTask) -> dict[str, np.ndarray]:
    """The scales of frames, running and responses."""
    return task.clips().scales.arrays()


def omissions(task: MovieTask) -> tuple[Omission, ...]:
    """What reader and task have left out."""
    return task.omissions


def facts(task: MovieTask) -> dict[str, Any]:
    """What a model of the task reads and says: cells, size and rate of frames, shape of clips, running."""
    cells = task.responses.shape[-1]
    return {
        "cell_ids": list(range(cells)) if task.cell_ids is None else task.cell_ids.tolist(),
        "frame": list(task.frames.shape[1:]),
        "frame_rate": task.frame_rate,
        "shape": task.shape.to_dict(),
        "per_frame": task.per_frame,
        "reads_running": task.running is not None,
    }


@explain_failure
def build(task: MovieTask, config: TransformerConfig = TransformerConfig()) -> nn.Module:  # noqa: B008  frozen
    """An untrained model that fits the task; a V1 Transformer reads running where the task has it.

    A model of one's own, made by another such function, is a `nn.Module` with

        forward(frames, shown, running) -> answers

    where `frames` (U C H W, standardised) are the distinct frames of a batch, each after the C - 1 =
    `shape.before` that come `shape.stride` earlier; `shown` (E T) are the frames that each of E clips shows,
    oldest first; `running` (R E T 2) is the z-scored speed and whether it was measured, None where the task
    has none. `answers` are R E N, for N cells in R repeats, or 1 E N where one serves all repeats; with
    `model.head` 'per_frame' they have T before N. They are in standard deviations from each cell's mean. A
    model that is opened without this function (`load_pretrained`) needs a `configuration`, the arguments that
    make it anew as JSON can hold them.
    """
    cells = task.responses.shape[-1]
    if config.family == "transformer":
        return networks.build(cells, _fit_settings(task, config), seed=config.seed)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        if config.family == "cnn":
            return networks.MovieCNN(cells, task.frames.shape[1:], task.shape.length)
        return DescribedTransformer(cells, _fit_settings(task, config))


def _fit_settings(task: MovieTask, config: TransformerConfig) -> TransformerSettings:
    """The sizes of a model that reads what the task has."""
    return config.model.replace(
        frame=task.frames.shape[1:],
        clip_length=task.shape.length,
        before=task.shape.before,
        running=None if task.running is None else config.model.running,
        head="per_frame" if task.per_frame else "pooled",
    )


@explain_failure
def train(
    model: nn.Module,
    task: MovieTask,
    config: TransformerConfig = TransformerConfig(),  # noqa: B008  frozen
    *,
    device: str = "auto",
    **options: Any,
) -> TrainingResult:
    """Trains the model by mean absolute error; validation clips choose the epoch.

    A `checkpoint` continues a broken-off run; `options` go to `fit`, which says what is raised. Raises
    DataError for a model whose answers do not have the shape of the responses.
    """
    clips = task.clips().to(choose_device(device))
    with evaluating(model.to(clips.device)), torch.no_grad():
        networks.answer(model, next(clips.batches("validation", 2)))
    objective = networks.PartLoss(clips, networks.absolute_error, size=config.fit.batch_size)
    return fit(model, networks.absolute_error, clips, objective, config.fit, **options)


@explain_failure
def predict(
    model: nn.Module, task: MovieTask, part: str = "test", *, batch_size: int = 64
) -> Float32[np.ndarray, "R E N"]:
    """dF/F (fraction) after each end frame of a part, in each repeat, on the CPU; the model is not changed.

    Raises DataError for a model of other cells.
    """
    clips = task.clips().to(first_tensor(model).device)
    predicted = torch.empty(len(clips.responses), len(clips.ends(part)), clips.responses.shape[-1])
    with evaluating(model), torch.no_grad():
        answers = (networks.answer(model, batch) for batch in clips.batches(part, batch_size))
        last = (each[:, :, -1] if task.per_frame else each for each in answers)  # at the end frame
        fill_rows((each.transpose(0, 1) for each in last), predicted.transpose(0, 1))
    scales = clips.scales
    return (predicted.numpy() * scales.response_sd + scales.response_mean).astype(np.float32)


@explain_failure
def evaluate(
    model: nn.Module,
    task: MovieTask,
    config: TransformerConfig = TransformerConfig(),  # noqa: B008  frozen
) -> pd.DataFrame:
    """Test scores of the model, of its baselines, and of the ceiling: of the truth, or of the repeats.

    Columns as in `score_table`. The rows 'running only' and 'motion energy x running' are left out for a
    model that is given no running.
    """
    ours = type(model) is networks.V1Transformer
    predictions = {"V1 Transformer" if ours else type(model).__name__: predict(model, task)}
    reads = reads_running(config, task)
    predictions |= reference_predictions(task, running=reads, settings=config.model)
    table = score_table(task, predictions)
    return table if task.truth is not None else pd.concat([table, repeat_ceiling(task)], ignore_index=True)


def respond(checkpoint: Checkpoint, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """dF/F (fraction) of each cell for a movie that the model has never seen.

    `dff` has a row for each frame that ends a clip and a column for each cell, in the order of the
    checkpoint's `cell_ids`; `frame` has the numbers of these frames. Where running is NaN, the model reads
    that it was not measured, as in training. Raises DataError for arrays that are missing, hold infinities or
    no measured value, or do not fit the model in size, rate or unit.
    """
    asked = _make_task(checkpoint.facts, checkpoint.arrays, arrays)
    [found] = predict(checkpoint.model, asked, "train")  # all frames are that part
    return {"dff": found, "frame": asked.split.train}


def _make_task(
    facts: Mapping[str, Any], scales: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]
) -> MovieTask:
    """One repeat of a new movie, whose frames are all in the training part and have no responses."""
    shape, own = ClipShape.from_dict(facts["shape"]), MovieScales.from_arrays(scales)
    if unknown := sorted(set(arrays) - {"frames", "frame_rate", "running"}):
        raise DataError(
            f"{unknown[0]} is not an input of a V1 Transformer; it reads frames, frame_rate, running."
        )
    if facts["frame_rate"] is not None:
        _check_rate(_find(arrays, "frame_rate"), facts["frame_rate"])
    frames = _find_frames(arrays, tuple(facts["frame"]), shape.span)
    ends = np.arange(shape.span - 1, len(frames))
    return MovieTask(
        frames=frames,
        responses=np.zeros((1, len(frames), len(own.response_mean)), dtype=np.float32),
        running=_find_running(arrays, len(frames))[None] if facts["reads_running"] else None,
        split=MovieSplit(ends, ends[:0], ends[:0]),
        shape=shape,
        per_frame=facts["per_frame"],
        scales=own,
    )


def _check_rate(found: np.ndarray, wanted: float) -> None:
    rate = _to_numbers("frame_rate", found)
    if rate.size != 1:
        raise DataError(f"frame_rate has the shape {rate.shape}; give one number, in Hz.")
    if not abs(rate.item() - wanted) <= RATE_TOLERANCE * wanted:
        raise DataError(
            f"frame_rate is {rate.item():g} Hz, and the model reads {wanted:g} Hz: resample the movie."
        )


def _find_frames(
    arrays: Mapping[str, np.ndarray], size: tuple[int, ...], span: int
) -> UInt8[np.ndarray, "F H W"]:
    frames = np.asarray(_find(arrays, "frames"))
    if frames.dtype != np.uint8:
        raise DataError(f"frames are {frames.dtype}; give grey values from 0 to 255 as uint8.")
    if frames.ndim != 3 or frames.shape[1:] != size:
        rows, columns = size
        raise DataError(
            f"frames have the shape {frames.shape}; the model reads frames x {rows} rows x {columns} columns."
        )
    if len(frames) < span:
        raise DataError(f"There are {len(frames)} frames, and a clip spans {span}; give at least as many.")
    return frames


def _find_running(arrays: Mapping[str, np.ndarray], frames: int) -> Float[np.ndarray, "F"]:
    running = _to_numbers("running", _find(arrays, "running"))
    if running.shape != (frames,):
        raise DataError(f"running has the shape {running.shape}; give one speed for each of {frames} frames.")
    if infinite := np.isinf(running).sum():
        raise DataError(f"running holds {infinite} infinite values; give NaN where it was not measured.")
    if np.isnan(running).all():
        raise DataError("running is NaN throughout; give measured speeds, or use a model without running.")
    usual = np.nanquantile(np.abs(running), 0.99)  # a wheel's glitches are rare
    if usual > FASTEST:
        raise DataError(f"running reaches {usual:g}, which no mouse does in cm/s: give it in that unit.")
    return running


def _to_numbers(name: str, values: Any) -> Float[np.ndarray, "..."]:
    found = np.asarray(values)
    if found.dtype.kind not in "fiub":
        raise DataError(f"{name} does not hold numbers, but {found.dtype}; give an array of numbers.")
    return found.astype(float)


def _find(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in arrays:
        there = ", ".join(sorted(arrays)) or "nothing"
        raise DataError(f"{name} is missing, which the model reads; the inputs hold {there}.")
    return arrays[name]


def convert(
    path: str | Path, folder: str | Path, *, session: Sequence[str] = (), format: str = "arrays"
) -> list[str]:
    """Writes a recording that this system can take as arrays, or as an experanto session; see `System`."""
    return convert_recordings(
        path, folder, session=session, to=format, make=from_recording, describe=describe
    )


@explain_failure
def simulate(
    folder: Path,
    *,
    seed: int = 0,
    session_type: str | None = None,
    cells: int | None = None,
    frames: int | None = None,
    repeats: int | None = None,
) -> Simulated:
    """Writes one session and its truth as AllenSDK's cache reads it; about twenty seconds.

    `session_type` says which movies it shows (default three_session_A), `frames` are those of the shorter
    movies, and `repeats` how often each is shown; see `SessionParameters`. Needs no AllenSDK. An earlier
    session that was written here is replaced. Raises SettingsError for parameters that cannot be, DataError
    for a folder that holds anything else, and DiskError.
    """
    asked = {"session_type": session_type, "cells": cells, "frames": frames, "repeats": repeats}
    changes = {name: value for name, value in asked.items() if value is not None}
    parameters = SessionParameters(seed=seed).replace(**changes)
    # AllenSDK leaves its manifest in a folder that it has opened.
    with write_output(folder, f"neurokit {NAME} simulate", beside=("manifest.json",)) as new:
        session = simulate_session(parameters)
        path = write_session(session, new)
        catalogue = sorted(new.glob("*.json"))
        files = [folder / file.relative_to(new) for file in (path, truth_path(path), *catalogue)]
    return Simulated(tuple(files), describe_ceiling(session))
