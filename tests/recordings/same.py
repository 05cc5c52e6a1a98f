"""Whether two recordings are equal, to the bit unless a tolerance is given; formats and notes may differ."""

from typing import Any

import numpy as np
import pandas as pd

from neurokit.recordings import Recording, Trace


def assert_same(found: Recording, wanted: Recording, atol: float = 0.0) -> None:
    def equal(one: Any, other: Any, what: str) -> None:
        assert (one is None) == (other is None), what
        if one is None:
            return
        one, other = np.asarray(one), np.asarray(other)
        assert one.shape == other.shape, what
        if one.dtype.kind in "fiub" and other.dtype.kind in "fiub":
            np.testing.assert_allclose(one, other, rtol=0, atol=atol, err_msg=what)
        else:
            np.testing.assert_array_equal(one, other, err_msg=what)

    def same_trace(one: Trace, other: Trace, what: str) -> None:
        equal(one.values, other.values, what)
        equal(one.time, other.time, f"times of {what}")
        assert one.unit == other.unit, what

    assert found.name == wanted.name
    for what in ("unit_ids", "area", "coordinates"):
        equal(getattr(found, what), getattr(wanted, what), what)
    for kind in ("traces", "spikes", "trials", "events"):
        assert (getattr(found, kind) is None) == (getattr(wanted, kind) is None), kind
    if found.traces is not None:
        same_trace(found.traces, wanted.traces, "traces")
    if found.spikes is not None:
        equal(found.spikes.times, wanted.spikes.times, "spike times")
        equal(found.spikes.unit_ids, wanted.spikes.unit_ids, "units of spikes")
        equal(found.spikes.gaps, wanted.spikes.gaps, "gaps of spikes")
    if found.trials is not None:
        for what in ("responses", "time", "behaviour_time"):
            equal(getattr(found.trials, what), getattr(wanted.trials, what), what)
        assert found.trials.counts == wanted.trials.counts
        assert set(found.trials.behaviour) == set(wanted.trials.behaviour)
        for name, values in found.trials.behaviour.items():
            equal(values, wanted.trials.behaviour[name], name)
    assert set(found.behaviour) == set(wanted.behaviour)
    for name, trace in found.behaviour.items():
        same_trace(trace, wanted.behaviour[name], name)
    assert [each.name for each in found.stimuli] == [each.name for each in wanted.stimuli]
    for one, other in zip(found.stimuli, wanted.stimuli, strict=True):
        assert one.kind == other.kind
        for what in ("frames", "shown", "time", "part"):
            equal(getattr(one, what), getattr(other, what), f"{one.name}: {what}")
    if found.events is not None:
        pd.testing.assert_frame_equal(found.events, wanted.events, check_like=True, check_dtype=False)
