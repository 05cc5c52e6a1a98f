"""Recordings in the formats of the field: one reader a format, none of which knows a system.

    recording = recordings.read("my_mouse.nwb")
    diagnosis = recordings.diagnose(recording)  # before anything is trained
    print(recordings.describe(diagnosis))
    sensorium.from_recording(recording)

Names are imported when they are first used.
"""

from typing import TYPE_CHECKING

from neurokit.lazy import lazy_names

if TYPE_CHECKING:
    from neurokit.recordings.arrays_writing import write_arrays
    from neurokit.recordings.clocks import check_clocks, check_overlap, resample
    from neurokit.recordings.diagnosis import Diagnosis, diagnose
    from neurokit.recordings.examples import example
    from neurokit.recordings.experanto_writing import write_experanto
    from neurokit.recordings.formats import choose_recording, list_recordings, read, recognise
    from neurokit.recordings.grey import to_grey
    from neurokit.recordings.movie_arrays import recording_of_movies
    from neurokit.recordings.page import describe
    from neurokit.recordings.picture import draw_diagnosis
    from neurokit.recordings.recording import BEHAVIOUR, Recording, Spikes, Stimulus, Trace, Trials

__getattr__, __dir__, __all__ = lazy_names(__name__)
