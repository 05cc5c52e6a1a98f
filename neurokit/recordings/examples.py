"""Small real recordings that come with the package, as any other recording is read.

Letters: N units, K trials, T bins of a trial, B bins of its behaviour.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float

from neurokit.arguments import explain_failure
from neurokit.cutouts import MOST_BYTES, Cutout, cutouts, path_of
from neurokit.errors import read_from
from neurokit.files.archives import read_npz
from neurokit.recordings.park import read_running
from neurokit.recordings.recording import Recording, Stimulus, Trials
from neurokit.simulation.scenes import gratings

Arrays = dict[str, np.ndarray]
BIN = 0.01  # s, of Steinmetz et al.
REGIONS = ("LGd", "BMA", "CEA", "GPe")  # of the session of the International Brain Laboratory
WORDS = {"licking": "licks", "wheeling": "wheel"}  # its other channels keep their names
SHAPE = (36, 64)  # pixels of a drawn grating, one of two degrees each
DEGREES = 2.0  # of a pixel
FINENESS, SPEED = 0.04, 2.0  # cycles/degree and Hz, assumed for Park's gratings
PHASE = -np.pi / 2  # a quarter of a cycle after onset, when opposite directions differ
FACTS = {  # column of events: key in the files
    "contrast_left": "contrast_left",
    "contrast_right": "contrast_right",
    "response": "response",
    "response_time": "response_time",
    "go_cue": "gocue",
    "feedback_type": "feedback_type",
    "feedback_time": "feedback_time",
}


@explain_failure
def example(name: str) -> Recording:
    """A small real recording of the package: "cori", "park", "ibl", or another that `cutouts` lists.

    cori: Steinmetz et al. (2019), spikes in trials with pupil, face, licks and wheel; the other sessions of
    it, such as lederberg_2017-12-06, have no behaviour. park: dF/F of V1 with pupil and running beside
    drifting gratings, whose spatial and temporal frequency is assumed, since the source does not store them.
    ibl: behaviour around the stimulus, and one count a unit and trial before it. Where each is from, and its
    licence, stands in its notes. Raises DataError for another name, and for a damaged file.
    """
    path_of(name)  # its checksum
    found = cutouts()[name]
    return READERS[found.layout](found)


def _read(cutout: Cutout) -> Arrays:
    return read_npz(path_of(cutout.name), MOST_BYTES)


def _notes(cutout: Cutout, *more: str) -> tuple[str, ...]:
    source = f"{cutout.citation} {cutout.licence}, by {cutout.origin}."
    return (cutout.content, *more, source)


def _read_counts(cutout: Cutout) -> Recording:
    arrays = _read(cutout)
    facts = {column: arrays[key] for column, key in FACTS.items() if key in arrays}
    bins, behaviour = arrays["spks"].shape[2], _behaviour_of(arrays)
    onsets = arrays.get("stim_time_abs")
    facts["stimulus_time"] = arrays["bin_times"][:, 0] - BIN / 2 if onsets is None else onsets
    trials = Trials(
        np.moveaxis(arrays["spks"], 0, 2),
        (np.arange(bins) + 0.5) * BIN,
        behaviour,
        _time(arrays["behav_time_from_stim"]) if behaviour else None,
        counts=True,
    )
    return Recording(
        name=cutout.session,
        format="Steinmetz et al. (2019), cut to trials",
        unit_ids=np.arange(len(arrays["spks"])),
        trials=trials,
        area=arrays["brain_area"].astype(str),
        events=pd.DataFrame({name: values.astype(float) for name, values in facts.items()}),
        notes=_notes(cutout),
    )


def _behaviour_of(arrays: Arrays) -> dict[str, Float[np.ndarray, "K B"]]:
    names = {"pupil_size": "pupil_area", "face_motion": "face_motion_energy", "licks": "licks"}
    names |= {"wheel_moving": "wheel_moving"}
    return {name: arrays[key].astype(float) for name, key in names.items() if key in arrays}


def _time(values: np.ndarray) -> Float[np.ndarray, "B"]:
    """Times that were stored in single precision, s, on the grid that they stand for."""
    return np.round(values.astype(float), 4)


def _read_park(cutout: Cutout) -> Recording:
    read = read_running(path_of(cutout.name))
    directions, shown = np.unique(read.direction, return_inverse=True)
    angle = np.deg2rad(directions.astype(float))
    waves = gratings(angle, np.full(len(angle), FINENESS * DEGREES), np.full(len(angle), PHASE), SHAPE)
    assumed = (
        f"The gratings are drawn by their directions alone, one frame for each, a quarter of a cycle after "
        f"onset: {FINENESS} cycles/degree are assumed, and {SPEED:g} Hz wherever they drift; the source "
        "stores neither."
    )
    return Recording(
        name=cutout.session,
        format="Park et al. (2024), gratings",
        unit_ids=np.arange(len(read.dff)),
        trials=Trials(
            np.moveaxis(read.dff, 0, 2).astype(float),
            _time(read.time),
            {"running": read.running.astype(float), "pupil_size": read.pupil.astype(float)},
            _time(read.time),
        ),
        area=np.full(len(read.dff), "VISp"),
        stimuli=[Stimulus("drifting_gratings", "images", np.rint(128 + 127 * waves), shown)],
        events=pd.DataFrame({"direction": read.direction.astype(float)}),
        notes=_notes(cutout, assumed),
    )


def _read_ibl(cutout: Cutout) -> Recording:
    arrays = _read(cutout)
    with read_from(path_of(cutout.name)):
        counts = [arrays[f"counts_{region}"] for region in REGIONS]
        names = [str(name) for name in arrays["behaviour_names"]]
        named = dict(zip(names, np.moveaxis(arrays["behaviour"], 1, 0), strict=True))
        activity = np.concatenate(counts, axis=1)[:, None].astype(float)
        activity[np.isnan(arrays["behaviour"]).all(axis=(1, 2))] = np.nan  # cut short: zeros are no counts
        return Recording(
            name=cutout.session,
            format="International Brain Laboratory, trials",
            unit_ids=np.arange(sum(each.shape[1] for each in counts)),
            trials=Trials(
                activity,
                None,
                {WORDS.get(each, each): values.astype(float) for each, values in named.items()},
                _time(arrays["behaviour_time_s"]),
                counts=True,
            ),
            area=np.repeat(REGIONS, [each.shape[1] for each in counts]),
            events=pd.DataFrame(arrays["intervals_s"], columns=["start", "end"]),
            notes=_notes(cutout),
        )


READERS: dict[str, Callable[[Cutout], Recording]] = {
    "behaviour": _read_counts,
    "counts": _read_counts,
    "park": _read_park,
    "ibl": _read_ibl,
}
