"""Digital twins: from video, eye and running to the responses of a mouse, with a core that transfers.

Names are imported when they are first used: a module of this package that needs none of them imports none.
"""

from typing import TYPE_CHECKING

from neurokit.lazy import lazy_names

if TYPE_CHECKING:
    from neurokit.digital_twin.baselines import lagged_pixels, motion_energy
    from neurokit.digital_twin.checkpoints import (
        SavedTwin,
        load_foundation,
        open_twin,
        save_foundation,
        save_twin,
    )
    from neurokit.digital_twin.clips import MouseClips
    from neurokit.digital_twin.config import MODELS, SMALL, TwinConfig, search_space
    from neurokit.digital_twin.conversion import convert_microns, split_trials
    from neurokit.digital_twin.experiment import (
        build,
        draw,
        evaluate,
        predict,
        respond,
        score,
        simulate,
        task,
        train,
    )
    from neurokit.digital_twin.figures import (
        play_looks,
        plot_directions,
        plot_looks,
        plot_losses,
        plot_orientations,
        plot_places,
        plot_repeats,
        plot_scores,
        plot_units,
    )
    from neurokit.digital_twin.network.base import TwinNetwork
    from neurokit.digital_twin.network.config import RELEASED, FoundationSettings
    from neurokit.digital_twin.network.convolution import standardise
    from neurokit.digital_twin.network.network import FoundationNetwork, build_network
    from neurokit.digital_twin.network.perspective import on_plane, rotation
    from neurokit.digital_twin.own import convert_recording
    from neurokit.digital_twin.preparation import (
        TrainingStatistics,
        resample_trace,
        resize_video,
        training_statistics,
        write_recording,
    )
    from neurokit.digital_twin.properties import fetch_properties, load_properties, write_properties
    from neurokit.digital_twin.recording import (
        Trial,
        TrialFolder,
        Video,
        load_trials,
        load_videos,
    )
    from neurokit.digital_twin.released import fetch_weights, list_scans, load_released, save_weights
    from neurokit.digital_twin.scores import (
        BURN_IN,
        held_out_videos,
        predict_videos,
        score_table,
        score_twin,
        score_videos,
    )
    from neurokit.digital_twin.several import train_in_processes
    from neurokit.digital_twin.simulated_files import MouseTruth, load_simulated_mouse, load_truth
    from neurokit.digital_twin.simulation import MouseParameters, simulate_mouse
    from neurokit.digital_twin.sources import (
        TwinRecording,
        describe,
        describe_weights,
        from_arrays,
        from_recording,
        load,
        sessions,
    )
    from neurokit.digital_twin.starting import start_positions, start_readouts
    from neurokit.digital_twin.tasks import TwinTask
    from neurokit.digital_twin.training import CohortNetwork, train_cohort, train_twin, transfer_core
    from neurokit.digital_twin.twin import DigitalTwin, OfPixels
    from neurokit.digital_twin.writing import write_trials, write_videos

__getattr__, __dir__, __all__ = lazy_names(__name__)
