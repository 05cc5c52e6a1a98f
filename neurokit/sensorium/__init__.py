"""SENSORIUM 2022: responses of mouse visual cortex to natural images (Willeke et al., 2022).

    scans = sensorium.load(source="demo")
    task = sensorium.task(scans, config := sensorium.MODELS["cnn_plus"].small)
    result = sensorium.train(sensorium.build(task, config), task, config)
    sensorium.evaluate(result.model, task, config)

A recording of one's own comes from arrays, `sensorium.from_arrays(images, responses)`, or from files in any
format that `neurokit.recordings` reads, `sensorium.load(folder="lab")`.

Names are imported when they are first used.
"""

from typing import TYPE_CHECKING

from neurokit.lazy import lazy_names

if TYPE_CHECKING:
    from neurokit.sensorium.attribution import FixedState, neuron_attribution
    from neurokit.sensorium.baselines import behaviour_alone, mean_rate
    from neurokit.sensorium.config import (
        CNN,
        CNN_PLUS,
        LN,
        LN_PLUS,
        MODEL_4,
        MODELS,
        ModelSettings,
        MouseShape,
        SensoriumConfig,
        search_space,
    )
    from neurokit.sensorium.core import Core, MapGeometry, StackedCore
    from neurokit.sensorium.ensemble import Ensemble, ensemble_tiers, held_out, train_ensemble
    from neurokit.sensorium.experiment import describe, evaluate, score
    from neurokit.sensorium.features import MouseTrials, scale_behaviour, scale_pupil_center
    from neurokit.sensorium.figures import draw, plot_learning, plot_maps, plot_neuron_scores
    from neurokit.sensorium.files import TIERS
    from neurokit.sensorium.model import MiceModel, MouseModel, SensoriumModel, make_model, poisson_loss
    from neurokit.sensorium.official import load_official
    from neurokit.sensorium.own import from_arrays
    from neurokit.sensorium.past_responses import (
        LAGS,
        HistoryBank,
        StateSettings,
        StateTransform,
        fit_state,
        known_trials,
        neighbours,
    )
    from neurokit.sensorium.prediction import predict, respond, single_trial
    from neurokit.sensorium.readout import GaussianReadout, contrast_centers, retinotopic_plane
    from neurokit.sensorium.recorded import from_recording
    from neurokit.sensorium.recording import Scan, load_scan
    from neurokit.sensorium.scores import ceiling, score_table
    from neurokit.sensorium.simulated_mouse import Mouse, MouseParameters
    from neurokit.sensorium.simulation import (
        ScanParameters,
        ScanTruth,
        read_truth,
        simulate_scan,
        write_scan,
        write_truth,
    )
    from neurokit.sensorium.sources import (
        SCANS,
        demo_parameters,
        describe_scans,
        load,
        load_simulated,
        scan_truth,
        sessions,
        simulate,
        simulated_scan,
    )
    from neurokit.sensorium.submission.entry import Submission, submit
    from neurokit.sensorium.submission.scoring import score_neurons, score_submission
    from neurokit.sensorium.submission.table import (
        TRACKS,
        file_name,
        validate,
        write_ground_truth,
        write_rows,
        write_submission,
    )
    from neurokit.sensorium.training import arrays, build, facts, fit_states, task, train

__getattr__, __dir__, __all__ = lazy_names(__name__)
