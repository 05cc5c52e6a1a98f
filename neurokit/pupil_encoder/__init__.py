"""PupilEncoder: regional firing rates from pupil and behaviour (Steinmetz et al., 2019).

Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurokit.pupil_encoder.alf import read_alf
    from neurokit.pupil_encoder.baselines import BASELINES, baseline_rates
    from neurokit.pupil_encoder.config import MODELS, PupilConfig, search_space
    from neurokit.pupil_encoder.experiment import (
        build,
        describe,
        evaluate,
        predict,
        rates,
        respond,
        score,
        simulate,
        task,
        train,
    )
    from neurokit.pupil_encoder.features import (
        BEHAVIOUR,
        PUPIL,
        EncodingTask,
        encoding_task,
        region_counts,
        split_trials,
    )
    from neurokit.pupil_encoder.model import PupilEncoder, TemporalCNN, WindowMLP, parameter_count
    from neurokit.pupil_encoder.recording import TrialRecording
    from neurokit.pupil_encoder.scores import score_table, seed_style_r2
    from neurokit.pupil_encoder.simulation import SessionParameters, simulate_session
    from neurokit.pupil_encoder.sources import default_regions, load, sessions, simulated_truth

_MODULES = {
    "alf": ("read_alf",),
    "baselines": ("BASELINES", "baseline_rates"),
    "config": ("MODELS", "PupilConfig", "search_space"),
    "experiment": (
        "build",
        "describe",
        "evaluate",
        "predict",
        "rates",
        "respond",
        "score",
        "simulate",
        "task",
        "train",
    ),
    "features": ("BEHAVIOUR", "PUPIL", "EncodingTask", "encoding_task", "region_counts", "split_trials"),
    "model": ("PupilEncoder", "TemporalCNN", "WindowMLP", "parameter_count"),
    "recording": ("TrialRecording",),
    "scores": ("score_table", "seed_style_r2"),
    "simulation": ("SessionParameters", "simulate_session"),
    "sources": ("default_regions", "load", "sessions", "simulated_truth"),
}
__all__ = [
    "BASELINES",
    "BEHAVIOUR",
    "MODELS",
    "PUPIL",
    "EncodingTask",
    "PupilConfig",
    "PupilEncoder",
    "SessionParameters",
    "TemporalCNN",
    "TrialRecording",
    "WindowMLP",
    "baseline_rates",
    "build",
    "default_regions",
    "describe",
    "encoding_task",
    "evaluate",
    "load",
    "parameter_count",
    "predict",
    "rates",
    "read_alf",
    "region_counts",
    "respond",
    "score",
    "score_table",
    "search_space",
    "seed_style_r2",
    "sessions",
    "simulate",
    "simulate_session",
    "simulated_truth",
    "split_trials",
    "task",
    "train",
]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
