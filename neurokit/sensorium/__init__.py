"""SENSORIUM 2022: responses of mouse visual cortex to natural images (Willeke et al., 2022).

    scans = sensorium.load(source="demo")
    task = sensorium.task(scans, config := sensorium.MODELS["cnn_plus"].small)
    result = sensorium.train(sensorium.build(task, config), task, config)
    sensorium.evaluate(result.model, task, config)

Names are imported when they are first used.
"""

from typing import TYPE_CHECKING

from neurokit.lazy import lazy_names

if TYPE_CHECKING:
    from neurokit.sensorium.attribution import AtState, neuron_attribution
    from neurokit.sensorium.baselines import behaviour_alone, mean_rate
    from neurokit.sensorium.cnn import MapGeometry, StackedCore
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
    from neurokit.sensorium.ensemble import Ensemble, train_ensemble
    from neurokit.sensorium.experiment import describe, evaluate, score
    from neurokit.sensorium.features import MouseTrials
    from neurokit.sensorium.figures import draw, plot_learning, plot_maps, plot_neuron_scores
    from neurokit.sensorium.files import TIERS
    from neurokit.sensorium.history import LAGS, HistoryBank, known_trials
    from neurokit.sensorium.model import MouseModel, SensoriumModel, make_model, poisson_loss
    from neurokit.sensorium.official import load_official
    from neurokit.sensorium.own_models import Core, MiceModel
    from neurokit.sensorium.readout import GaussianReadout
    from neurokit.sensorium.recording import SCANS, Scan, load_scan
    from neurokit.sensorium.responses import respond
    from neurokit.sensorium.retinotopy import contrast_centers, retinotopic_plane
    from neurokit.sensorium.scaling import scale_behaviour, scale_pupil_center
    from neurokit.sensorium.scores import ceiling, score_table
    from neurokit.sensorium.simulated_files import write_scan, write_truth
    from neurokit.sensorium.simulated_mouse import Mouse, MouseParameters
    from neurokit.sensorium.simulation import ScanParameters, ScanTruth, read_truth, simulate_scan
    from neurokit.sensorium.sources import (
        demo_parameters,
        describe_scans,
        load,
        load_simulated,
        scan_truth,
        sessions,
        simulate,
        simulated_scan,
    )
    from neurokit.sensorium.splits import ensemble_tiers, held_out
    from neurokit.sensorium.state import StateSettings, StateTransform, fit_state, neighbours
    from neurokit.sensorium.submission import (
        TRACKS,
        file_name,
        score_neurons,
        score_submission,
        validate,
        write_ground_truth,
        write_rows,
        write_submission,
    )
    from neurokit.sensorium.submission.entry import Submission, submit
    from neurokit.sensorium.training import (
        arrays,
        build,
        facts,
        fit_states,
        predict,
        single_trial,
        task,
        train,
    )

__getattr__, __dir__, __all__ = lazy_names(__name__)
