"""What is said to be possible is: the systems take these recordings, and refuse the others."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.recordings import Recording, Spikes, Trace, diagnose, example
from tests.recordings.planted import images, movie, spikes, trials

CLOCK = np.arange(0, 620, 0.05)
EYES = {
    name: Trace(np.random.default_rng(0).random(len(CLOCK)), CLOCK)
    for name in ("pupil_size", "pupil_x", "pupil_y", "running")
}


def fired() -> Recording:
    """A movie before units whose spikes were sorted."""
    random = np.random.default_rng(0)
    shown = movie()
    assert shown.traces is not None
    times = np.sort(random.uniform(shown.traces.time[0], shown.traces.time[-1], 20_000))
    fired = Spikes(times, random.choice(shown.unit_ids, len(times)))
    return replace(shown, traces=None, spikes=fired)


def counted(bins: int) -> Recording:
    """Spikes counted in bins of trials."""
    planned = trials(bins=bins)
    assert planned.trials is not None
    counts = np.random.default_rng(0).poisson(2, planned.trials.responses.shape)
    return replace(planned, trials=replace(planned.trials, responses=counts))


KINDS: dict[str, Callable[[], Recording]] = {
    "movie": movie,
    "movie with eyes": lambda: replace(movie(), behaviour=EYES),
    "movie and spikes": fired,
    "images": lambda: replace(images(), behaviour=EYES),
    "spikes": lambda: replace(spikes()[0], behaviour=EYES),
    "trials": lambda: counted(4),
    "one count a trial": lambda: counted(1),
    "cori": lambda: example("cori"),
    "ibl": lambda: example("ibl"),
    "park": lambda: example("park"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_systems_take_what_is_said_to_be_possible_and_refuse_the_rest(kind: str, tmp_path: Path) -> None:
    recording = KINDS[kind]()
    for found in diagnose(recording).systems:
        if set(found.missing) and all(words.startswith("behaviour") for words in found.missing):
            continue  # baselines need none
        take = import_module(f"neurokit.{found.system.replace('-', '_')}").from_recording
        options = (tmp_path / found.system,) if found.system == "digital-twin" else ()
        if found.possible:
            assert take(recording, *options) is not None
        else:
            with pytest.raises(DataError):
                take(recording, *options)
