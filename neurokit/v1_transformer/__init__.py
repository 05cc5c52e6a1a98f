"""V1 Transformer as a whole: a session's movies to a task, recipes, training, baselines, scores.

Names are imported when they are first used: a module of this package that needs none of them imports none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurokit.v1_transformer.baselines import lagged_pixels, mean_response, motion_energy, running_only
    from neurokit.v1_transformer.config import SMALL, Recipe, SnippetShape
    from neurokit.v1_transformer.features import MovieTask, prepare
    from neurokit.v1_transformer.training import (
        build_cnn,
        build_network,
        cell_scores,
        part_responses,
        predict_part,
        score_table,
        train_network,
    )

__all__ = [
    "SMALL",
    "MovieTask",
    "Recipe",
    "SnippetShape",
    "build_cnn",
    "build_network",
    "cell_scores",
    "lagged_pixels",
    "mean_response",
    "motion_energy",
    "part_responses",
    "predict_part",
    "prepare",
    "running_only",
    "score_table",
    "train_network",
]

_MODULES = {
    "baselines": ("lagged_pixels", "mean_response", "motion_energy", "running_only"),
    "config": ("Recipe", "SMALL", "SnippetShape"),
    "features": ("MovieTask", "prepare"),
    "training": (
        "build_cnn",
        "build_network",
        "cell_scores",
        "part_responses",
        "predict_part",
        "score_table",
        "train_network",
    ),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
