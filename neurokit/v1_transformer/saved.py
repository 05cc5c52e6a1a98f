"""A trained V1 Transformer on disk: weights, recipe, scales, and which session it knows."""

from pathlib import Path
from typing import Any

from neurokit.errors import CheckpointError
from neurokit.training import checkpoint
from neurokit.training.fit import TrainingResult
from neurokit.v1_transformer.config import Recipe
from neurokit.v1_transformer.model import V1Transformer
from neurokit.v1_transformer.recording import MovieSession
from neurokit.v1_transformer.scales import MovieScales


def save_model(
    fitted: TrainingResult, scales: MovieScales, session: MovieSession, recipe: Recipe, path: str | Path
) -> Path:
    """Weights, recipe, scales and which session, as one checkpoint; `scales` are those of training."""
    facts = {"recipe": recipe.to_dict(), "validation_error": fitted.best_loss, **_facts(session)}
    model = fitted.model
    return checkpoint.save(model, path, model.configuration, arrays=scales.arrays(), **facts)


def load_model(path: str | Path) -> tuple[V1Transformer, Recipe, MovieScales]:
    """A saved model, its recipe, and the scales that it was trained on.

    Raises CheckpointError for damaged or missing files, those of another model, or of another version.
    """
    return _opened(path)[:3]


def check_saved(path: str | Path, session: MovieSession, recipe: Recipe) -> None:
    """Raises CheckpointError where the saved model is damaged, of another session or of another recipe.

    The recipe's epochs are not looked at: a model that was trained for fewer is still that model.
    """
    _, found, _, facts = _opened(path)
    wanted = _facts(session) | {"recipe": recipe}
    facts |= {"recipe": found.replace(fit=found.fit.replace(epochs=recipe.fit.epochs))}
    for name, words in _WORDS.items():
        if facts[name] != wanted[name]:
            raise CheckpointError(
                f"{path} is a model of {words}: remove it and train again, or ask for what it was made with."
            )


_WORDS = {
    "session_id": "another session",
    "movies": "other movies",
    "cell_ids": "other cells",
    "recipe": "another recipe",
    "data": "other data of this session",
}


def _facts(session: MovieSession) -> dict[str, Any]:
    """Which session; its data as the file has them, since shrinking frames may round otherwise elsewhere."""
    starts = [movie.starts for movie in session.movies.values()]
    return {
        "session_id": session.session_id,
        "movies": list(session.movies),
        "cell_ids": session.cell_ids.tolist(),
        "data": checkpoint.fingerprint(session.dff, session.running, *starts),
    }


def _opened(path: str | Path) -> tuple[V1Transformer, Recipe, MovieScales, dict[str, Any]]:
    """As `load_model`, and the facts of the session by name."""
    try:
        model, description = checkpoint.load(path, V1Transformer)
        recipe = Recipe.from_dict(description["recipe"])
        scales = MovieScales.from_arrays(description["arrays"])
        facts = {name: description[name] for name in _WORDS}
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The side-car of {path} holds no recipe and scales of this version: train it again."
        ) from error
    return model, recipe, scales, facts
