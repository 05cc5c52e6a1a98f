"""V1 Transformer from a session to a saved model and its scores, for the command line and the notebooks.

A plan settles all that a command needs: which session and movies, which recipe, saved where.

    plan = Plan()                     # on the source of NEUROKIT_SOURCE
    train_and_save(plan)
    evaluate_saved(plan)

Letters: R repeats, E end frames of the test part, F frames, N neurons, S samples of the microscope.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from jaxtyping import Float

from neurokit import settings
from neurokit.config import Names, Seed, WholeNumber, check_value
from neurokit.errors import SettingsError
from neurokit.files.atomic import write_output
from neurokit.training.compiling import Compile, check_compile
from neurokit.training.device import choose_device
from neurokit.v1_transformer.allensdk_cache import import_allensdk
from neurokit.v1_transformer.baselines import lagged_pixels, mean_response, running_only
from neurokit.v1_transformer.config import SMALL, Recipe, Running, SnippetShape
from neurokit.v1_transformer.features import MovieTask, prepare
from neurokit.v1_transformer.recording import MovieSession, check_movies
from neurokit.v1_transformer.saved import check_saved, load_model, save_model
from neurokit.v1_transformer.scales import frame_responses
from neurokit.v1_transformer.simulated_files import Ceiling, ceiling, write_session
from neurokit.v1_transformer.simulation import SessionParameters, simulate_session
from neurokit.v1_transformer.sources import (
    SESSION,
    load_movie_session,
    load_simulated_session,
    session_truth,
    simulated_file,
)
from neurokit.v1_transformer.training import predict_part, score_table, train_network

Size = Literal["small", "full"]


def demo_parameters(seed: int) -> SessionParameters:
    """The simulated session of the demo source."""
    return SessionParameters(seed=seed)


@dataclass(frozen=True)
class Plan:
    """A V1 Transformer on a session of a source.

    `session_id` is a real session's number (full source; default: SESSION). `seed` picks the demo's session,
    and the seeds of weights and training on both sources. `movies` are names, None stands for all the session
    has. `without` are ids of cells to leave out. `size` None is small on the demo source, else full; `epochs`
    replaces the recipe's. Raises SettingsError for a source, session or size that cannot be or no movie at
    all, and DataError for a movie that no session has.
    """

    session_id: int | None = None
    seed: int | np.integer = 0
    movies: tuple[str, ...] | str | None = None
    without: tuple[int, ...] | np.ndarray = ()
    running: Running = "measured"
    size: Size | None = None
    epochs: int | None = None
    source: settings.Source = field(default_factory=settings.source)

    def __post_init__(self) -> None:
        """Looks at what can be said without the session; one movie's name is taken as a tuple of it."""
        settings.check_source(self.source)
        kinds = {"seed": Seed, "movies": Names | None, "without": tuple[WholeNumber, ...]}
        for name, kind in kinds.items():
            object.__setattr__(self, name, check_value(name, getattr(self, name), kind))
        check_movies(self.movies)
        if self.session_id is not None and self.source == "demo":
            raise SettingsError(
                f"Session {self.session_id} is not on the demo source, whose session is picked by its seed: "
                "leave the session out, or use the source full."
            )
        if self.size not in (*get_args(Size), None):
            raise SettingsError(f"size is {self.size!r}; use one of {', '.join(get_args(Size))}.")
        if self.movies == ():
            raise SettingsError("movies names none; name at least one, or leave it out for all.")

    @property
    def small(self) -> bool:
        """Whether the model is the one that trains on a CPU."""
        return self.source == "demo" if self.size is None else self.size == "small"

    @property
    def recipe(self) -> Recipe:
        """What is trained, and how; raises SettingsError for an unknown word in `running`."""
        recipe = (SMALL if self.small else Recipe()).replace(running=self.running)
        changed = {} if self.epochs is None else {"epochs": self.epochs}
        return recipe.replace(fit=recipe.fit.replace(**changed)).seeded(self.seed)

    @property
    def description(self) -> str:
        """One line on which model this is."""
        rows, columns = self.recipe.model.frame
        size, shown = "small" if self.small else "full", self._movies.replace("-", ", ")
        return (
            f"V1 Transformer, {size} size (frames of {rows} x {columns} pixels), running {self.running}, "
            f"movies {shown}"
        )

    @property
    def parameters(self) -> SessionParameters:
        """Of the demo's simulation."""
        return demo_parameters(self.seed)

    def load(self) -> MovieSession:
        """The session with these movies, in frames of the recipe's size; without running for 'none'.

        Raises SettingsError for cutout, which has no movies, and what fetching and reading raise.
        """
        options = {
            "movies": self.movies,
            "without": self.without,
            "running": self.running != "none",
            "size": self.recipe.model.frame,
        }
        if self.source != "demo":
            return load_movie_session(self.session_id, source=self.source, **options)
        import_allensdk()  # where it is missing, that is said before anything is simulated
        return load_simulated_session(self.parameters, **options)

    def file(self, session: MovieSession) -> Path:
        """The NWB that the session was read from, in the layout of AllenSDK's cache."""
        if self.source == "demo":
            return simulated_file(self.parameters)
        return settings.data_folder() / "allen" / "ophys_experiment_data" / f"{session.session_id}.nwb"

    @property
    def path(self) -> Path:
        """Where the model is kept, without suffix; the same for any number of epochs."""
        return settings.data_folder() / "checkpoints" / self._name

    @property
    def unfinished(self) -> Path:
        """Where its training is kept until it is over; another file for each change of the recipe."""
        return self.path.with_name(f"{self._name}-{self.recipe.digest()}.training")

    @property
    def _movies(self) -> str:
        names = self.movies or ("all",)
        return "-".join(name.removeprefix("natural_movie_") for name in names)

    @property
    def _name(self) -> str:
        session = SESSION if self.session_id is None else self.session_id
        where = "demo" if self.source == "demo" else f"{self.source}-{session}"
        size = "small" if self.small else "full"
        cells = repr(sorted(set(self.without)))
        digest = hashlib.sha256(cells.encode()).hexdigest()[:12]
        fewer = f"-without-{digest}" if self.without else ""
        return f"v1-transformer-{where}-{self.seed}-{size}-{self.running}-{self._movies}{fewer}"


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

    Columns as in `score_table`. On the demo source the last row is the ceiling: the prediction of somebody
    who knows the simulated cells and is told what the model is. The row 'running only' is left out for a
    model without running. Raises CheckpointError where the saved model is another one than the plan's.
    """
    session = plan.load()
    if not is_saved(plan):
        _train(plan, session)
    check_saved(plan.path, session, plan.recipe)
    task = prepare(session, plan.recipe)
    predictions = {"V1 Transformer": _predicted(plan, task), **_baselines(session, task, plan.recipe)}
    if plan.source == "demo":
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
