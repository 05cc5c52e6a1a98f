"""Neural encoding models of the mouse visual system, from the recording to the score.

    from neurokit import Experiment, fit, load_pretrained, metrics, sensorium

    Experiment("sensorium", model="cnn_plus").train().evaluate()

Each of the four systems is a package of the same kind: `pupil_encoder`, `sensorium`, `v1_transformer`,
`digital_twin`. What they share lies beside them: `files`, `training`, `metrics`, `models`, `simulation`,
`recordings`, `insilico`, `tune`, `distributed`, `figures`. Names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurokit import (
        attribution,
        digital_twin,
        insilico,
        metrics,
        pupil_encoder,
        sensorium,
        settings,
        tune,
        v1_transformer,
    )
    from neurokit.experiment import Experiment
    from neurokit.training.fit import fit
    from neurokit.training.pretrained import load_pretrained

__version__ = "0.1.0"
__all__ = [
    "Experiment",
    "attribution",
    "digital_twin",
    "fit",
    "insilico",
    "load_pretrained",
    "metrics",
    "pupil_encoder",
    "sensorium",
    "settings",
    "tune",
    "v1_transformer",
]
_PLACES = {"Experiment": "experiment", "fit": "training.fit", "load_pretrained": "training.pretrained"}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
