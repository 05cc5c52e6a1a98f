"""A trained SENSORIUM model on disk: weights, recipe, fitted states, and which scans it knows."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurokit.errors import CheckpointError
from neurokit.sensorium.config import Recipe
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.model import SensoriumModel
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.state import StateTransform
from neurokit.training import checkpoint
from neurokit.training.fit import TrainingResult


def save_model(
    fitted: TrainingResult, mice: Mapping[str, MouseTrials], recipe: Recipe, path: str | Path
) -> Path:
    """Weights, recipe, fitted states and which scans, as one checkpoint."""
    arrays = {
        f"{key}/{name}": array
        for key, mouse in mice.items()
        if mouse.state is not None
        for name, array in mouse.state.arrays().items()
    }
    facts = {
        "recipe": recipe.to_dict(),
        "scans": {key: mouse.scan.fingerprint for key, mouse in mice.items()},
        "validation_correlation": -fitted.best_loss,
        "uses_past_responses": recipe.inputs.uses_past_responses,
    }
    return checkpoint.save(fitted.model, path, fitted.model.configuration, arrays=arrays, **facts)


def load_model(path: str | Path) -> tuple[SensoriumModel, Recipe, dict[str, StateTransform]]:
    """A saved model, its recipe, and the state transforms that it was trained on.

    Raises CheckpointError for damaged or missing files, or those of another version.
    """
    return _opened(path)[:3]


def check_saved(
    path: str | Path,
    scans: Mapping[str, Scan],
    recipe: Recipe,
    states: Mapping[str, StateTransform] | None = None,
) -> None:
    """Raises CheckpointError where the saved model is damaged, of another recipe or of other scans.

    Where `states` are given, also where it was trained on others.
    """
    _, found, own_states, fingerprints = _opened(path)
    differs = {
        "another recipe": found != recipe,
        "other scans": fingerprints != {key: scan.fingerprint for key, scan in scans.items()},
        "other behavioural states": states is not None and not _same(own_states, states),
    }
    for other in (name for name, true in differs.items() if true):
        raise CheckpointError(f"{path} is a model of {other}; remove it, or train into another folder.")


def _same(one: Mapping[str, StateTransform], other: Mapping[str, StateTransform]) -> bool:
    """Whether two sets of states agree to the last bit."""
    pairs = [(one[key].arrays(), other[key].arrays()) for key in one if key in other]
    equal = all(np.array_equal(a[name], b[name]) for a, b in pairs for name in a)
    return equal and one.keys() == other.keys()


def _opened(
    path: str | Path,
) -> tuple[SensoriumModel, Recipe, dict[str, StateTransform], dict[str, str]]:
    """As `load_model`, and the fingerprints of the scans by key."""
    model, description = checkpoint.load(path, SensoriumModel)
    try:
        recipe = Recipe.from_dict(description["recipe"])
        states = {
            key: StateTransform.from_arrays(arrays_of(description["arrays"], key))
            for key in model.mice
            if recipe.model.state
        }
        fingerprints = dict(description["scans"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The side-car of {path} holds no recipe of this version; train it anew."
        ) from error
    return model, recipe, states, fingerprints


def arrays_of(arrays: Mapping[str, np.ndarray], key: str) -> dict[str, np.ndarray]:
    """The arrays saved as `key/name`, by name."""
    return {name.split("/")[1]: array for name, array in arrays.items() if name.split("/")[0] == key}
