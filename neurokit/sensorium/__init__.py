"""SENSORIUM 2022 as a whole: prepare scans, build, train, predict, score, save, and all that in fives."""

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
