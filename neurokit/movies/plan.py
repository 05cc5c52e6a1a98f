"""Which session and movies, which recipe, kept where: all that a command on Allen sessions has to settle."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from neurokit import settings
from neurokit.config import Names, Seed, WholeNumber, checked
from neurokit.data.allen import MovieSession, check_movies
from neurokit.data.allen_sdk import import_allensdk
from neurokit.data.allen_sessions import (
    SESSION,
    load_movie_session,
    load_simulated_session,
    simulated_file,
)
from neurokit.errors import SettingsError
from neurokit.movies.recipe import SMALL, Recipe, Running
from neurokit.simulate.allen_schedule import SessionParameters

Size = Literal["small", "full"]


def demo_parameters(seed: int) -> SessionParameters:
    """The simulated session of the demo tier."""
    return SessionParameters(seed=seed)


@dataclass(frozen=True)
class Plan:
    """A V1 Transformer on a session of a tier.

    `session_id` is a real session's number (full tier; default: SESSION). `seed` picks the demo's session,
    and the seeds of weights and training on both tiers. `movies` are names, None stands for all the session
    has. `without` are ids of cells to leave out. `size` None is small on the demo tier, else full; `epochs`
    replaces the recipe's. Raises SettingsError for a tier, session or size that cannot be or no movie at
    all, and DataError for a movie that no session has.
    """

    session_id: int | None = None
    seed: int = 0
    movies: tuple[str, ...] | None = None
    without: tuple[int, ...] = ()
    running: Running = "measured"
    size: Size | None = None
    epochs: int | None = None
    tier: settings.Tier = field(default_factory=settings.tier)

    def __post_init__(self) -> None:
        """Looks at what can be said without the session; one movie's name is taken as a tuple of it."""
        settings.check_tier(self.tier)
        kinds = {"seed": Seed, "movies": Names | None, "without": tuple[WholeNumber, ...]}
        for name, kind in kinds.items():
            object.__setattr__(self, name, checked(name, getattr(self, name), kind))
        check_movies(self.movies)
        if self.session_id is not None and self.tier == "demo":
            raise SettingsError(
                f"Session {self.session_id} is not on the demo tier, whose session is picked by its seed: "
                "leave the session out, or use the tier full."
            )
        if self.size not in (*get_args(Size), None):
            raise SettingsError(f"size is {self.size!r}; use one of {', '.join(get_args(Size))}.")
        if self.movies == ():
            raise SettingsError("movies names none; name at least one, or leave it out for all.")

    @property
    def small(self) -> bool:
        """Whether the model is the one that trains on a CPU."""
        return self.tier == "demo" if self.size is None else self.size == "small"

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
        if self.tier != "demo":
            return load_movie_session(self.session_id, tier=self.tier, **options)
        import_allensdk()  # where it is missing, that is said before anything is simulated
        return load_simulated_session(self.parameters, **options)

    def file(self, session: MovieSession) -> Path:
        """The NWB that the session was read from, in the layout of AllenSDK's cache."""
        if self.tier == "demo":
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
        where = "demo" if self.tier == "demo" else f"{self.tier}-{session}"
        size = "small" if self.small else "full"
        fewer = f"-without-{_digest(repr(sorted(set(self.without))))}" if self.without else ""
        return f"v1-transformer-{where}-{self.seed}-{size}-{self.running}-{self._movies}{fewer}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
