"""V1 Transformer from a session to a saved model and its scores, for the command line and the notebooks.

    plan = Plan()                     # on the tier of NEUROKIT_TIER
    train_and_save(plan)
    evaluate_saved(plan)

Letters: R repeats, E end frames of the test part, F frames, N neurons, S samples of the microscope.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from neurokit.compiling import Compile, check_compile
from neurokit.data.allen import MovieSession
from neurokit.data.allen_sessions import session_truth
from neurokit.data.allen_truth import Ceiling, ceiling
from neurokit.device import choose_device
from neurokit.features.movie_scales import frame_responses
from neurokit.files import write_output
from neurokit.movies.baselines import lagged_pixels, mean_response, running_only
from neurokit.movies.plan import Plan, demo_parameters
from neurokit.movies.recipe import Recipe
from neurokit.movies.saved import check_saved, load_model, save_model
from neurokit.movies.scores import score_table
from neurokit.movies.shape import SnippetShape
from neurokit.movies.task import MovieTask, prepare
from neurokit.movies.training import predict_part, train_network
from neurokit.simulate.allen import simulate_session
from neurokit.simulate.allen_files import write_session


@dataclass(frozen=True)
class Trained:
    """A finished training run; `error` is the mean absolute one on validation snippets, of the best epoch."""

    path: Path
    parameters: int
    best_epoch: int
    error: float


@dataclass(frozen=True)
class Written:
    """A simulated session on disk, and the ceilings of its cells by what somebody knows; see `Ceiling`."""

    path: Path
    ceilings: dict[str, Ceiling]


def train_and_save(plan: Plan, device: str = "auto", compile: Compile = "none") -> Trained:
    """Trains the plan's model on its session and saves it; a killed run goes on.

    Raises what loading, preparing and training do.
    """
    check_compile(compile, choose_device(device))  # before anything is simulated or downloaded
    return _train(plan, plan.load(), device, compile)


def is_saved(plan: Plan) -> bool:
    """Whether a model lies at the plan's path, or one of its two files: damage, which loading it tells."""
    files = [plan.path.with_name(f"{plan.path.name}.{kind}") for kind in ("json", "safetensors")]
    return any(file.is_file() for file in files)


def evaluate_saved(plan: Plan) -> pd.DataFrame:
    """Test scores of the saved model and its baselines; where none is saved it is trained first.

    Columns as in `score_table`. On the demo tier the last row is the ceiling: the prediction of somebody who
    knows the simulated cells and is told what the model is. The row 'running only' is left out for a
    model without running. Raises CheckpointError where the saved model is another one than the plan's.
    """
    session = plan.load()
    if not is_saved(plan):
        _train(plan, session)
    check_saved(plan.path, session, plan.recipe)
    task = prepare(session, plan.recipe)
    predictions = {"V1 Transformer": _predicted(plan, task), **_baselines(session, task, plan.recipe)}
    if plan.tier == "demo":
        predictions["ceiling"] = _ceiling(plan, session, task)
    return score_table(task, predictions)


def write_simulated(folder: str | Path, session_type: str = "three_session_A", seed: int = 0) -> Written:
    """Simulates a session and writes it as AllenSDK's cache reads it; about twenty seconds.

    Needs no AllenSDK. An earlier session that was written here is replaced. Raises SettingsError for an
    unknown session type, DataError for a folder that holds anything else, and DiskError.
    """
    folder = Path(folder)
    parameters = demo_parameters(seed).replace(session_type=session_type)
    # AllenSDK leaves its manifest in a folder that it has opened.
    with write_output(folder, "neurokit simulate --recording allen", beside=("manifest.json",)) as new:
        simulated = simulate_session(parameters)
        path = folder / write_session(simulated, new).relative_to(new)
    known = {"movie and running": simulated.expected, "movie": simulated.expected_from_movie}
    measured, *best = (_cut(each, simulated.starts) for each in (simulated.dff, *known.values()))
    ceilings = {name: ceiling(measured, each) for name, each in zip(known, best, strict=True)}
    return Written(path, ceilings)


def _train(plan: Plan, session: MovieSession, device: str = "auto", compile: Compile = "none") -> Trained:
    snippets = prepare(session, plan.recipe).snippets()
    unfinished = plan.unfinished
    options = {"device": device, "compile": compile}
    fitted = train_network(snippets, plan.recipe, checkpoint=unfinished, **options)
    path = save_model(fitted, snippets.scales, session, plan.recipe, plan.path)
    unfinished.unlink(missing_ok=True)
    parameters = sum(parameter.numel() for parameter in fitted.model.parameters())
    return Trained(path, parameters, fitted.best_epoch, fitted.best_loss)


def _predicted(plan: Plan, task: MovieTask) -> Float[np.ndarray, "R E N"]:
    model, _, scales = load_model(plan.path)
    device = choose_device()
    return predict_part(model.to(device), task.snippets(scales=scales).to(device))


def _baselines(
    session: MovieSession, task: MovieTask, recipe: Recipe
) -> dict[str, Float[np.ndarray, "R E N"]]:
    """The running of 'running only' is that measured, also beside a model that is given another one."""
    found = {"lagged ridge": lagged_pixels(task), "mean": mean_response(task)}
    if recipe.running == "none":
        return found
    return found | {"running only": running_only(prepare(session, recipe.replace(running="measured")))}


def _ceiling(plan: Plan, session: MovieSession, task: MovieTask) -> Float[np.ndarray, "R E N"]:
    truth = session_truth(plan.parameters)
    known = truth.expected if plan.running == "measured" else truth.expected_from_movie
    starts = {name: movie.starts for name, movie in session.movies.items()}
    return _cut(known, starts, task.shape)[:, task.split.test]


def _cut(
    values: Float[np.ndarray, "N S"],
    starts: dict[str, np.ndarray],
    shape: SnippetShape = SnippetShape(),  # noqa: B008  frozen
) -> Float[np.ndarray, "R F N"]:
    """What follows each frame of all movies, as a model's targets are cut from dF/F."""
    together = np.concatenate(list(starts.values()), axis=1)
    return frame_responses(values, together, lag=shape.lag, window=shape.window)
