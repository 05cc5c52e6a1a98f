"""How well responses to movies are predicted, beside what a model has to beat and what can be reached.

Letters: R repeats, F frames, E end frames of a part, N cells.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.metrics.neurons import feve
from neurokit.metrics.repeats import RepeatScores, cc_max, repeat_scores
from neurokit.training.fit import TrainingResult
from neurokit.training.system import Score
from neurokit.v1_transformer.baselines import (
    mean_response,
    median_response,
    motion_energy,
    motion_energy_times_running,
    running_only,
)
from neurokit.v1_transformer.config import SMALL_MODEL, ClipShape, TransformerConfig, TransformerSettings
from neurokit.v1_transformer.features import MovieTask, frame_responses
from neurokit.v1_transformer.simulated_files import read_truth
from neurokit.v1_transformer.simulation import SimulatedSession

COLUMNS = """\
medians over the cells that are reliable in training frames; single_trial: correlation over all test frames
of all repeats; cc_abs: of the means over repeats; cc_norm: cc_abs over the most that noise allows (low, high:
quartiles over cells); absolute_error: of single trials, in standard deviations of a cell"""


@explain_failure
def score(result: TrainingResult, task: MovieTask, config: TransformerConfig) -> Score:
    """The mean absolute error on validation clips, beside that of the baselines, and of the ceiling.

    The median of each cell has the least error of all constants: a model that learned nothing ends there.
    """
    part = "validation"
    simple = {"median": median_response(task, part)}
    reads = reads_running(config, task)
    simple |= reference_predictions(task, part, running=reads, settings=config.model)
    wanted, spread = part_responses(task, part), task.clips().scales.response_sd
    errors = {name: float((np.abs(each - wanted) / spread).mean()) for name, each in simple.items()}
    name = "validation error (absolute, in standard deviations, lower is better)"
    return Score(result.best_loss, name, errors)


def reads_running(config: TransformerConfig, task: MovieTask) -> bool:
    """Whether a model of the task reads the running of the repeat itself."""
    given = config.running == "measured" and task.running is not None
    return given and config.model.running is not None


def part_responses(task: MovieTask, part: str = "test") -> Float[np.ndarray, "R E N"]:
    """The recorded dF/F (fraction) after each end frame of a part."""
    return task.responses[:, getattr(task.split, part)]


def reference_predictions(
    task: MovieTask,
    part: str = "test",
    *,
    running: bool = True,
    settings: TransformerSettings = SMALL_MODEL,
) -> dict[str, Float[np.ndarray, "R E N"]]:
    """Baselines by name, and the ceiling where it is known; `running`: whether the model reads it.

    The baselines are those that a model has to beat. Ridge regression on lagged pixels is not among them: it
    is no better than the mean, since most cells answer to dark bars as to bright ones. Motion energy is that
    of a model of these `settings`. The two that read running read that of the repeat itself, also beside a
    model that is given another one, and are left out for a model that is given none.
    """
    found = {"mean": mean_response(task, part)}
    energy = {"motion energy + ridge": motion_energy(task, part, settings=settings)}
    if task.running is not None:
        own = task if task.speed is None else replace(task, running=task.speed)
        found["running only"] = running_only(own, part)
        energy["motion energy x running"] = motion_energy_times_running(own, part, settings=settings)
    found |= energy
    if task.truth is not None:
        found["ceiling"] = expected_responses(task, part, running=running)
    return found


@explain_failure
def cell_scores(task: MovieTask, predicted: Float[np.ndarray, "R E N"], part: str = "test") -> RepeatScores:
    """All scores of each cell for a part; raises DataError for predictions of another shape."""
    return repeat_scores(part_responses(task, part), predicted)


@explain_failure
def score_table(
    task: MovieTask,
    predictions: Mapping[str, Float[np.ndarray, "R E N"]],
    part: str = "test",
    *,
    cells: Bool[np.ndarray, "N"] | None = None,
) -> pd.DataFrame:
    """One row per model, medians over cells (default: those that are reliable in training frames).

    Columns: model, cells, single_trial, cc_abs (to the mean over repeats), cc_norm and its quartiles low and
    high (NaN where no cell has a signal in that part), absolute_error (of the standard deviation of each
    cell's responses). Raises DataError where no cell is left.
    """
    cells = task.reliable() if cells is None else cells
    if not cells.any():
        raise DataError(
            "No cell is reliable enough to be scored: choose other movies with movies= (--movies), another "
            "session (--session or --folder), or, in Python, the cells to score with score_table(cells=...)."
        )
    return pd.DataFrame(
        {"model": name, "cells": int(cells.sum())} | _medians(task, predicted, part, cells)
        for name, predicted in predictions.items()
    )


def _medians(task: MovieTask, predicted: np.ndarray, part: str, cells: np.ndarray) -> dict[str, float]:
    found = cell_scores(task, predicted, part)
    spread = part_responses(task, part).std(axis=(0, 1))
    known = found.cc_norm[cells & ~np.isnan(found.cc_norm)]
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else np.full(3, np.nan)
    return {
        "single_trial": float(np.median(found.single_trial[cells])),
        "cc_abs": float(np.median(found.cc_abs[cells])),
        "cc_norm": float(middle),
        "low": float(low),
        "high": float(high),
        "absolute_error": float(np.median(found.absolute_error[cells] / np.maximum(spread[cells], 1e-9))),
    }


def explain_ceiling(task: MovieTask, config: TransformerConfig) -> str:
    """Where the ceiling in the scores comes from, in a line."""
    if task.truth is not None:
        return (
            "ceiling: a prediction that knows the simulated cells, the movie, and the running where the "
            "model reads it"
        )
    repeats, frames = part_responses(task).shape[:2]
    noise = "what differs between repeats counts as noise"
    noise += ", also what running explains" if reads_running(config, task) else ""
    block = f"{repeats} repeats of {frames} test frames"
    return f"ceiling: from this recording, the most that {block} allow; {noise}"


# The ceiling of a recorded session, and of a simulated one


def repeat_ceiling(task: MovieTask, part: str = "test") -> pd.DataFrame:
    """The ceiling as a row of `score_table`, from the repeats alone: a model that knows the movie's part in
    them perfectly, single responses by their explainable variance, means over repeats by `cc_max`.
    """
    responses, cells = part_responses(task, part)[..., task.reliable()], task.reliable()
    single, frames = responses.reshape(-1, responses.shape[-1]), np.arange(responses.shape[1])
    explainable = feve(single, single, np.tile(frames, len(responses))).fraction_explainable
    row = {
        "model": "ceiling",
        "cells": int(cells.sum()),
        "single_trial": float(np.median(np.sqrt(np.clip(np.nan_to_num(explainable), 0, 1)))),
        "cc_abs": float(np.median(cc_max(responses))),
        "cc_norm": 1.0,
    }
    return pd.DataFrame([row])


def expected_responses(
    task: MovieTask, part: str = "test", *, running: bool = True
) -> Float[np.ndarray, "R E N"]:
    """Mean dF/F (fraction) by what was planted in a simulated session, without noise and chance of events.

    Without `running` it knows the movie alone, and the running's mean effect. Raises DataError for a session
    without truth, and for a truth that is damaged or lacks a cell.
    """
    if task.truth is None or task.starts is None or task.cell_ids is None:
        raise DataError("The session has no truth beside it; what was planted is known of a simulated one.")
    truth = read_truth(task.truth)
    if missing := sorted({*task.cell_ids.tolist()} - {*truth.cell_ids.tolist()}):
        raise DataError(f"{task.truth} lacks the cells {missing[:5]}: it belongs to another session.")
    place = {number: row for row, number in enumerate(truth.cell_ids.tolist())}
    known = truth.expected if running else truth.expected_from_movie
    values = known[[place[number] for number in task.cell_ids.tolist()]]
    starts = task.starts[:, getattr(task.split, part)]
    return frame_responses(values, starts, lag=task.shape.lag, window=task.shape.window)


def describe_ceiling(session: SimulatedSession) -> str:
    """In words, the correlations of a prediction that knows the cells, over all frames."""
    starts, shape = np.concatenate(list(session.starts.values()), axis=1), ClipShape()
    known = {"movie and running": session.expected, "movie": session.expected_from_movie}
    measured, *best = (
        frame_responses(values, starts, lag=shape.lag, window=shape.window)
        for values in (session.dff, *known.values())
    )
    found = [repeat_scores(measured, each) for each in best]
    lines = [
        f"  knowing {name}: {np.median(each.single_trial):.3f}, {np.median(each.cc_abs):.3f}"
        for name, each in zip(known, found, strict=True)
    ]
    first = "best reachable correlation, median over cells, with single trials and with means over repeats:"
    return "\n".join([first, *lines])
