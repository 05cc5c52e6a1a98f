"""V1 Transformer: dF/F of cells of visual cortex from natural movies and running (Allen Brain Observatory).

Names are imported when they are first used: a module of this package that needs none of them imports none.
"""

from typing import TYPE_CHECKING

from neurokit.lazy import lazy_names

if TYPE_CHECKING:
    from neurokit.v1_transformer.allensdk_cache import fetch_session, find_sessions, open_cache
    from neurokit.v1_transformer.attribution import AttributionMaps, attribution_maps
    from neurokit.v1_transformer.baselines import (
        lagged_pixels,
        mean_response,
        median_response,
        motion_energy,
        motion_energy_times_running,
        running_only,
    )
    from neurokit.v1_transformer.clips import Clips, MovieScales, MovieSplit, fit_scales
    from neurokit.v1_transformer.config import (
        MODELS,
        ClipShape,
        TransformerConfig,
        TransformerSettings,
        search_space,
    )
    from neurokit.v1_transformer.described import DescribedTransformer
    from neurokit.v1_transformer.experiment import (
        build,
        describe,
        draw,
        evaluate,
        predict,
        respond,
        simulate,
        train,
    )
    from neurokit.v1_transformer.features import (
        MovieTask,
        frame_responses,
        frame_running,
        split_movie,
        split_movie_leaking,
        task,
    )
    from neurokit.v1_transformer.figures import (
        plot_moments,
        plot_parts,
        plot_predictions,
        plot_repeats,
        plot_scores,
        plot_traces,
    )
    from neurokit.v1_transformer.model import MovieCNN, V1Transformer
    from neurokit.v1_transformer.own import from_arrays, from_recording
    from neurokit.v1_transformer.recording import Movie, MovieSession, load_session, read_frames
    from neurokit.v1_transformer.scores import (
        cell_scores,
        expected_responses,
        part_responses,
        reference_predictions,
        score,
        score_table,
    )
    from neurokit.v1_transformer.simulated_files import read_truth, truth_path, write_session
    from neurokit.v1_transformer.simulation import SAMPLE_RATE, SESSIONS, SessionParameters, simulate_session
    from neurokit.v1_transformer.sources import load, load_simulated, sessions

__getattr__, __dir__, __all__ = lazy_names(__name__)
