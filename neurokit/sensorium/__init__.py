"""SENSORIUM 2022 as a whole: prepare scans, build, train, predict, score, save, and all that in fives."""

from neurokit.sensorium.ensemble import Ensemble, train_ensemble
from neurokit.sensorium.prediction import predict_tier, score_table, single_trial
from neurokit.sensorium.recipe import PUBLISHED, Recipe, small
from neurokit.sensorium.saved import load_model, save_model
from neurokit.sensorium.training import build_model, fit_states, prepare, train_model

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
