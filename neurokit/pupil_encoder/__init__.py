"""PupilEncoder: regional firing rates from pupil and behaviour (Steinmetz et al., 2019).

Names are imported when they are first used: a module of this package that needs none of them imports none.
"""

from typing import TYPE_CHECKING

from neurokit.lazy import lazy_names

if TYPE_CHECKING:
    from neurokit.pupil_encoder.alf import read_alf
    from neurokit.pupil_encoder.baselines import BASELINES, baseline_rates, fir, mean_rate, psth
    from neurokit.pupil_encoder.cleaning import PUPIL, RobustScale, clean_pupil
    from neurokit.pupil_encoder.config import MODELS, PupilConfig, search_space
    from neurokit.pupil_encoder.experiment import (
        build,
        describe,
        evaluate,
        predict,
        rates,
        respond,
        simulate,
        task,
        train,
    )
    from neurokit.pupil_encoder.features import (
        BEHAVIOUR,
        EncodingTask,
        causal_boxcar,
        centred_boxcar,
        default_regions,
        encoding_task,
        gaussian,
        region_counts,
        split_trials,
    )
    from neurokit.pupil_encoder.figures import (
        plot_cleaning,
        plot_history,
        plot_lags,
        plot_rates,
        plot_scores,
        plot_search,
        plot_trial,
    )
    from neurokit.pupil_encoder.model import PupilEncoder, TemporalCNN, WindowMLP, parameter_count
    from neurokit.pupil_encoder.neuromatch import read_sessions
    from neurokit.pupil_encoder.own import from_arrays, from_counts, from_recording
    from neurokit.pupil_encoder.recording import TrialRecording
    from neurokit.pupil_encoder.scores import score, score_table, seed_style_r2
    from neurokit.pupil_encoder.simulated_files import write_neuromatch
    from neurokit.pupil_encoder.simulation import SessionParameters, simulate_session
    from neurokit.pupil_encoder.sources import load, sessions, simulated_truth

__getattr__, __dir__, __all__ = lazy_names(__name__)
