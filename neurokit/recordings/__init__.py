"""Recordings in the formats of the field: one reader a format, none of which knows a system.

    recording = recordings.read("my_mouse.nwb")
    sensorium.from_recording(recording)

Names are imported when they are first used.
"""

from typing import TYPE_CHECKING

from neurokit.lazy import lazy_names

if TYPE_CHECKING:
    from neurokit.recordings.clocks import check_overlap, resample
    from neurokit.recordings.examples import example
    from neurokit.recordings.formats import list_recordings, read, recognise
    from neurokit.recordings.recording import BEHAVIOUR, Recording, Spikes, Stimulus, Trace, Trials

__getattr__, __dir__, __all__ = lazy_names(__name__)
