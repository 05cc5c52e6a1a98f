"""Two recordings compare equal: every value to the bit, and NaN where NaN was."""

import numpy as np

from neurokit.recordings import Recording, Stimulus, Trace


def assert_equal_traces(found: Trace, wanted: Trace) -> None:
    assert np.array_equal(found.time, wanted.time)
    assert np.array_equal(found.values, wanted.values, equal_nan=True)
    assert found.unit == wanted.unit


def assert_equal_stimuli(found: Stimulus, wanted: Stimulus) -> None:
    assert (found.name, found.kind) == (wanted.name, wanted.kind)
    assert np.array_equal(found.frames, wanted.frames)
    assert np.array_equal(found.shown, wanted.shown)
    assert np.array_equal(found.time, wanted.time)


def assert_equal_behaviour(found: Recording, wanted: Recording) -> None:
    assert sorted(found.behaviour) == sorted(wanted.behaviour)
    for name, trace in wanted.behaviour.items():
        assert_equal_traces(found.behaviour[name], trace)


def assert_equal_shown(found: Recording, wanted: Recording) -> None:
    assert [each.name for each in found.stimuli] == [each.name for each in wanted.stimuli]
    for one, other in zip(found.stimuli, wanted.stimuli, strict=True):
        assert_equal_stimuli(one, other)
