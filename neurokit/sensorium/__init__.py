"""SENSORIUM 2022 as a whole: prepare scans, build, train, predict, score, save, and all that in fives.

Names are imported when they are first used: a module of this package that needs none of them imports none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurokit.sensorium.config import PUBLISHED, Recipe, small
    from neurokit.sensorium.ensemble import Ensemble, train_ensemble
    from neurokit.sensorium.saved import load_model, save_model
    from neurokit.sensorium.training import (
        build_model,
        fit_states,
        predict_tier,
        prepare,
        score_table,
        single_trial,
        train_model,
    )

__all__ = [
    "PUBLISHED",
    "Ensemble",
    "Recipe",
    "build_model",
    "fit_states",
    "load_model",
    "predict_tier",
    "prepare",
    "save_model",
    "score_table",
    "single_trial",
    "small",
    "train_ensemble",
    "train_model",
]

_MODULES = {
    "config": ("PUBLISHED", "Recipe", "small"),
    "ensemble": ("Ensemble", "train_ensemble"),
    "saved": ("load_model", "save_model"),
    "training": (
        "build_model",
        "fit_states",
        "predict_tier",
        "prepare",
        "score_table",
        "single_trial",
        "train_model",
    ),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
