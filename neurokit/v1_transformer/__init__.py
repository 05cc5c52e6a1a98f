"""V1 Transformer as a whole: a session's movies to a task, recipes, training, baselines, scores."""

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
