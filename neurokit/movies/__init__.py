"""V1 Transformer as a whole: a session's movies to a task, recipes, training, baselines, scores."""

from neurokit.movies.baselines import lagged_pixels, mean_response, motion_energy, running_only
from neurokit.movies.recipe import SMALL, Recipe
from neurokit.movies.scores import cell_scores, part_responses, score_table
from neurokit.movies.shape import SnippetShape
from neurokit.movies.task import MovieTask, prepare
from neurokit.movies.training import build_cnn, build_network, predict_part, train_network

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
