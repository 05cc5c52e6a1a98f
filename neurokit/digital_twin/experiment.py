"""Digital twins for `neurokit.experiment.Experiment`: their task, models, training and scores.

Letters: T frames (30 Hz), R repeats of a video, U units, H x W monitor pixels.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32
from matplotlib.figure import Figure
from torch import nn

from neurokit.arguments import explain_failure
from neurokit.digital_twin.baselines import lagged_pixels, motion_energy
from neurokit.digital_twin.checkpoints import (
    NAME,
    data_facts,
    statistics_arrays,
    statistics_from_arrays,
    to_columns,
)
from neurokit.digital_twin.config import MODELS, SMALL, TwinConfig, search_space
from neurokit.digital_twin.conversion import MONITOR
from neurokit.digital_twin.converting import convert_path
from neurokit.digital_twin.figures import plot_scores
from neurokit.digital_twin.network.network import FoundationNetwork, build_network
from neurokit.digital_twin.scores import COLUMNS, predict_videos, score_table
from neurokit.digital_twin.simulated_files import load_truth, write_simulated_mouse
from neurokit.digital_twin.simulation import MouseParameters, SimulatedMouse, simulate_mouse
from neurokit.digital_twin.sources import TwinRecording, describe, describe_weights, load, sessions
from neurokit.digital_twin.tasks import TwinTask, make_task, yardsticks
from neurokit.digital_twin.training import train_network, transfer_core
from neurokit.digital_twin.trial_files import FAR, FARTHEST, STANDARDISE, frame_sizes
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.digital_twin.usable import CHANNELS
from neurokit.errors import DataError, SettingsError
from neurokit.files.atomic import write_output
from neurokit.training.checkpoint import Checkpoint
from neurokit.training.device import first_tensor
from neurokit.training.fit import TrainingResult
from neurokit.training.omissions import Omission
from neurokit.training.system import Option, Score, Simulated

__all__ = [  # besides what stands below
    "COLUMNS",
    "MODELS",
    "NAME",
    "describe",
    "describe_weights",
    "load",
    "search_space",
    "sessions",
]

OPTIONS = (
    Option("foundation", "foundation", "saved twin or folder of released weights whose core is transferred"),
    Option("gaps", "gaps", "clips with gaps in behaviour: drop, or fill with the mean"),
    Option("movies", "movies", "of a recording of your own, by name (default all)", several=True),
    Option("areas", "areas", "of a recording of your own, by name (default all)", several=True),
)
DATA_FIELDS = ("foundation", "window", "gaps", "movies", "areas")
FRAME_RATE = 30.0  # Hz, of every recording
INPUTS = """\
stimulus (frames x rows x columns of the monitor, uint8: 0 is black, 255 white), rate (Hz, which must be 30),
and, where they were measured, perspective (frames x 2: pupil x, y) and modulation (frames x 2: pupil radius,
treadmill), both in standard deviations from the mean of training, NaN in gaps"""
SHOWN = ("stimulus", "perspective", "modulation")


def identity(recording: TwinRecording) -> dict[str, Any]:
    """Fingerprints of the trials' files and of the core that is transferred."""
    return data_facts(recording.training_data, recording.foundation)


@explain_failure
def task(
    recording: TwinRecording,
    config: TwinConfig = TwinConfig(),  # noqa: B008  frozen
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    device: str = "auto",
) -> TwinTask:
    """The recording that a twin is fitted to, without trials that show a video of another part.

    Trials without a clip of the config's `window`, and videos that end within the frames that are not scored,
    are left out, too. `arrays` are the statistics of a trained twin. Raises DataError where nothing is left.
    """
    statistics = recording.statistics if arrays is None else statistics_from_arrays(arrays)
    return make_task(recording, statistics, config)


def arrays(task: TwinTask) -> dict[str, np.ndarray]:
    """The statistics that scaled a converted recording; none for others."""
    return statistics_arrays(task.statistics)


def omissions(task: TwinTask) -> tuple[Omission, ...]:
    """What conversion, reader and task have left out."""
    return task.omissions


def facts(task: TwinTask) -> dict[str, Any]:
    """The table of units, in the order of the network, and the frame rate, Hz."""
    return {"units": to_columns(task.unit_table), "rate": FRAME_RATE}


@explain_failure
def build(task: TwinTask, config: TwinConfig = TwinConfig()) -> FoundationNetwork:  # noqa: B008  frozen
    """An untrained network for the task's units; with a foundation, it has that core and its sizes, frozen.

    Your own `build(task, config)` in its place returns a network whose class derives from
    `neurokit.digital_twin.TwinNetwork` and defines `drive`: it reads frames of `config.network.monitor` and
    returns a number for each of `task.units` (`neurokit.digital_twin.network.base`). Training, resuming,
    tuning, `DigitalTwin` and most exciting videos take such a network, but its core is not transferred to
    other mice.
    """
    foundation = task.recording.foundation
    if foundation is None:
        return build_network(task.units, config.network, seed=config.seed)
    return transfer_core(foundation, task.units, seed=config.seed, monitor=config.start == "map")


@explain_failure
def train(
    model: nn.Module,
    task: TwinTask,
    config: TwinConfig = TwinConfig(),  # noqa: B008  frozen
    *,
    device: str = "auto",
    **options: Any,
) -> TrainingResult:
    """Fits the network to clips of training trials, in place; `options` go to `fit`.

    Raises what `train_network` does.
    """
    return train_network(model, task.trials, config, device=device, **options)


@explain_failure
def score(result: TrainingResult, task: TwinTask, config: TwinConfig) -> Score:
    """The loss on validation clips, beside that of each unit's mean response and the ceiling."""
    config = config.replace(network=result.model.settings)
    kind = "Poisson" if config.network.unit == "poisson" else "squared error"
    return Score(result.best_loss, f"validation loss ({kind}, lower is better)", yardsticks(task, config))


@explain_failure
def predict(model: nn.Module, task: TwinTask, part: str = "test") -> list[Float32[np.ndarray, "_R _T _U"]]:
    """Responses to each video of a part, repeat by repeat with its behaviour, in multiples of their mean.

    The test part has all kinds of video, kind after kind, as `score_table` takes them; in the others each
    trial was shown once.
    """
    return predict_videos(_twin(model), task.part(part))


@explain_failure
def evaluate(
    model: nn.Module,
    task: TwinTask,
    config: TwinConfig = TwinConfig(),  # noqa: B008  frozen
) -> pd.DataFrame:
    """Scores on videos that were never trained on, a row a kind and model: twin, baselines, ceiling.

    Only a simulated mouse has other kinds beside the natural one, and a ceiling: the prediction from its true
    rates. Columns as in `score_table`.
    """
    videos = task.part("test")
    predictions = {
        _model_name(model): predict(model, task),
        "motion energy": motion_energy(task.trials, videos),
        "lagged pixels": lagged_pixels(task.trials, videos),
    }
    if task.recording.truth is not None:
        truth, columns = load_truth(task.recording.truth.parent), task.trials.columns
        predictions["ceiling"] = [
            video
            for kind, of_kind in task.videos.items()
            for video in truth.expectations(kind, of_kind, columns)
        ]
    return score_table(task.videos, predictions)


def explain_ceiling(task: TwinTask, config: TwinConfig) -> str:
    """Where the ceiling in the scores comes from, or why there is none, in a line."""
    if task.recording.truth is not None:
        return (
            "ceiling: a prediction that knows the simulated mouse, its eye and its running, which cc_max "
            "counts as noise"
        )
    repeats = [len(video.repeats) for video in task.part("test")]
    if max(repeats, default=0) < 2:
        return "no ceiling: no video that evaluates was shown twice"
    several = sum(each > 1 for each in repeats)
    shown = f"{several} video{'s' * (several > 1)}, at most {max(repeats)} repeats of one"
    return f"ceiling: cc_max, from this recording ({shown}); what eye and running explain counts as noise"


@explain_failure
def draw(scores: pd.DataFrame) -> Figure:
    """CC_norm of each model on each kind of video, with the quartiles over units."""
    return plot_scores(scores)


def respond(checkpoint: Checkpoint, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rates (T U, multiples of each unit's mean in training) for a video that the mouse has never seen.

    Behaviour that is left out, or was in training, is at its mean. Raises DataError for a name that is not in
    INPUTS, another frame rate, and as `DigitalTwin.predict` for shapes, types and sizes.
    """
    for name in arrays:
        if name not in (*SHOWN, "rate"):
            raise DataError(f"{name} is not an input of a digital twin; give {', '.join(SHOWN)} and rate.")
    if "stimulus" not in arrays:
        raise DataError(f"stimulus is missing; the inputs hold {', '.join(sorted(arrays)) or 'nothing'}.")
    _check_rate(arrays.get("rate"))
    shown: dict[str, Any] = {name: arrays[name] for name in SHOWN if name in arrays}
    for name in SHOWN[1:]:
        if name in shown and (np.abs(shown[name]) > FARTHEST).any():
            raise DataError(f"{name} {FAR}: {STANDARDISE}.")
    shown |= _blank_channels(shown, checkpoint.facts.get("left_out", ()))
    return {"rates": _twin(checkpoint.model).predict(**shown)}


@explain_failure
def convert(
    path: str | Path,
    folder: str | Path,
    *,
    session: Sequence[str] = (),
    format: str = "trials",
    movies: Sequence[str] | None = None,
    areas: Sequence[str] | None = None,
    monitor: Sequence[int] = MONITOR,
) -> list[str]:
    """Writes a recording of movies, or a scan of MICrONS, as trials; see `System`.

    `format` may also be arrays or experanto. `movies` and `areas` are those to take (default all), `monitor`
    rows and columns of the video.
    """
    if len(monitor) != 2:
        raise SettingsError(f"monitor is {list(monitor)}; give rows and columns, such as 36 64.")
    size = (int(monitor[0]), int(monitor[1]))
    return convert_path(path, folder, session=session, to=format, movies=movies, areas=areas, size=size)


def explain_published_alone(folder: Path) -> str:
    """Why no twin of small size can be trained on the trials in a folder, or in those in it; else empty."""
    small, frames = SMALL.network.monitor, frame_sizes(folder)
    if not frames or small in frames:
        return ""
    (rows, columns), fits = sorted(frames)[0], "{} x {}".format(*small)
    return (
        f"size: the video has {rows} x {columns} pixels, and the small size, which trains in minutes on a "
        f"laptop, reads {fits} (convert with --monitor {' '.join(map(str, small))}); published trains in "
        "hours"
    )


@explain_failure
def simulate(
    folder: Path,
    *,
    seed: int = 0,
    minutes: float | None = None,
    cells: int | None = None,
    repeats: int | None = None,
    height: int | None = None,
    width: int | None = None,
    clip_frames: int | None = None,
) -> Simulated:
    """Writes a mouse's trials, repeated videos of each kind, and its truth; half a minute for the default.

    None stands for the demo's value (`MouseParameters`). Raises SettingsError for impossible parameters,
    DataError for a folder that holds anything else, and DiskError.
    """
    asked = {"minutes": minutes, "cells": cells, "repeats": repeats, "clip_frames": clip_frames}
    asked |= {"height": height, "width": width}
    chosen = {name: value for name, value in asked.items() if value is not None}
    parameters = MouseParameters(seed=seed).replace(**chosen)
    with write_output(folder, f"neurokit {NAME} simulate") as new:
        mouse = simulate_mouse(parameters)
        write_simulated_mouse(mouse, new)
        files = sorted(path.relative_to(new) for path in new.iterdir())
    return Simulated(tuple(Path(folder) / file for file in files), _best_reachable(mouse))


def _blank_channels(
    shown: Mapping[str, np.ndarray], left_out: Sequence[Mapping[str, Any]]
) -> dict[str, np.ndarray]:
    """Behaviour with 0 in those channels that the network did not see in training."""
    unseen = [each for each in left_out if each["pieces"] == "channels" and not each["part"]]
    names = {name for each in unseen for name in each["names"]}
    blank = [name in names for name in CHANNELS]
    parts = {"perspective": blank[:2], "modulation": blank[2:]}
    return {
        kind: np.where(parts[kind], 0, values)
        for kind, values in shown.items()
        if any(parts.get(kind, ())) and np.shape(values)[-1:] == (2,)
    }


def _model_name(model: nn.Module) -> str:
    """Its name in the table of scores."""
    return "digital twin" if isinstance(model, FoundationNetwork) else type(model).__name__


def _twin(model: nn.Module) -> DigitalTwin:
    """A twin on the device where the network is."""
    return DigitalTwin(model, device=str(first_tensor(model).device))


def _check_rate(found: Any) -> None:
    if found is None:
        raise DataError(f"rate is missing; a twin sees {FRAME_RATE:g} frames a second, so say that yours do.")
    rates = np.unique(np.asarray(found, dtype=float))
    if not len(rates) or not np.allclose(rates, FRAME_RATE):
        shown = ", ".join(f"{rate:g}" for rate in rates)
        raise DataError(f"rate is {shown} Hz, and a twin sees {FRAME_RATE:g} frames a second: resample them.")


def _best_reachable(mouse: SimulatedMouse) -> str:
    lines = [
        "best reachable, median over cells: single-trial correlation, that of means over repeats, cc_max"
    ]
    for kind in mouse.repeated:
        best = mouse.ceilings(kind)
        medians = (np.median(values) for values in (best.single_trial, best.repeat_mean, best.cc_max))
        lines.append(f"  {kind}: " + ", ".join(f"{value:.3f}" for value in medians))
    return "\n".join(lines)
