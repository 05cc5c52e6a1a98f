"""Neural encoding models of the mouse visual system, from the recording to the score.

    from neurokit import Experiment, fit, load_pretrained, metrics, sensorium

    Experiment("sensorium", model="cnn_plus").train().evaluate()

Each of the four systems is a package of the same kind: `pupil_encoder`, `sensorium`, `v1_transformer`,
`digital_twin`. What they share lies beside them: `files`, `training`, `metrics`, `models`, `simulation`,
`recordings`, `insilico`, `tune`, `distributed`, `figures`. Names are imported when they are first used.
"""

from typing import TYPE_CHECKING

from neurokit.lazy import lazy_names

if TYPE_CHECKING:
    from neurokit import (
        attribution,
        digital_twin,
        insilico,
        metrics,
        pupil_encoder,
        recordings,
        sensorium,
        settings,
        tune,
        v1_transformer,
    )
    from neurokit.experiment import Experiment
    from neurokit.training.fit import fit
    from neurokit.training.pretrained import load_pretrained

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_names(__name__)
