"""Scans out of recordings in any format: images one a trial, and what was recorded while each was shown.

    scans = sensorium.from_recording(recordings.read("my_mouse.nwb"))

Traces and spikes become one number a trial, taken in a window after the image came on; behaviour is averaged
in the same window. A trial whose window lies outside a clock has no value there, and is left out.

Letters: K presentations, B bins of a trial, N units.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, SettingsError, read_from
from neurokit.recordings.clocks import check_overlap
from neurokit.recordings.counts import mask_counts
from neurokit.recordings.measured import mask_unmeasured
from neurokit.recordings.recording import Recording, Stimulus
from neurokit.sensorium.files import LEFT_OUT, TIERS, plain_name
from neurokit.sensorium.own import read_own
from neurokit.sensorium.recording import Scan, Scans, make_scan
from neurokit.sensorium.windows import WINDOW, Window, average, count, differentiate, find_windows

CHANNELS = ("running", "pupil_size", "pupil_change", "pupil_x", "pupil_y")


@explain_failure
def from_recording(
    recording: Recording | Mapping[str, Recording],
    *,
    window: Window = WINDOW,
    stimulus: str | None = None,
    seed: int = 0,
) -> Scans:
    """Scans of one recording, or of several by name.

    Args:
        recording: with images, one a trial, and traces, spikes or responses by trial.
        window: start and end after an image came on, s, in which activity and behaviour are averaged; it
            ends at the next image where that comes first.
        stimulus: the name of the set of images; None takes the one that was shown most often.
        seed: of the parts that are dealt, where the recording has none.

    Raises DataError, naming the recording, where it has no images or activity of the same time, and as
    `from_arrays` does, SettingsError for a window or stimulus that is none.
    """
    several = recording if isinstance(recording, Mapping) else {recording.name: recording}
    if not several:
        raise DataError("recording holds none; give at least one.")
    found: dict[str, Scan] = {}
    for name, each in several.items():
        if (key := plain_name(name)) in found:
            raise DataError(f"Two recordings are called {key}; give each a name of its own.")
        contents = read_recording(each, name, window=window, stimulus=stimulus, seed=seed)
        found[key] = make_scan(key, str(contents["digest"]), contents)
    return Scans(found)


def read_recording(
    recording: Recording,
    name: str,
    *,
    window: Window = WINDOW,
    stimulus: str | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """What `make_scan` and a pack take, of one recording; DataError, naming it, as `from_recording` says."""
    with read_from(name):
        return _read(recording, window, stimulus, seed)


def _read(recording: Recording, window: Window, stimulus: str | None, seed: int) -> dict[str, np.ndarray]:
    recording = mask_unmeasured(recording)
    notes = [f"read from {recording.format}", *recording.notes]
    shown = _choose_images(recording, stimulus, notes)
    trials = _Trials(recording, shown, window)
    images = shown.shown >= 0
    if blank := int((~images).sum()):
        notes.append(f"{blank} of {len(images)} presentations were blank, and are no trials")
    responses = trials.responses(notes)[images]
    behaviour = {channel: trials.behaviour(channel, notes) for channel in CHANNELS}
    given = {channel: values[images] for channel, values in behaviour.items() if values is not None}
    eye = [given.pop(each, None) for each in ("pupil_x", "pupil_y")]
    if any(each is not None for each in eye):
        missing = np.full(len(responses), np.nan)
        given["pupil_center"] = np.column_stack([missing if each is None else each for each in eye])
    return read_own(
        shown.frames,
        responses,
        image_ids=shown.shown[images],
        **given,
        coordinates=recording.coordinates,
        order=np.flatnonzero(images),
        tiers=None if shown.part is None else _read_parts(shown.part[images], notes),
        unit_ids=recording.unit_ids,
        seed=seed,
        notes=tuple(notes),
    )


def _choose_images(recording: Recording, name: str | None, notes: list[str]) -> Stimulus:
    """The set of images; says which others there are."""
    sets = {each.name: each for each in recording.stimuli if each.kind == "images"}
    if name is not None and name not in sets:
        raise SettingsError(f"stimulus is {name!r}; choose one of {', '.join(sets) or 'none'}.")
    known = [each for each in sets.values() if each.frames is not None and name in (None, each.name)]
    if not known:
        movies = ", ".join(each.name for each in recording.stimuli if each.kind == "movie")
        reason = "the pictures of its images are not in it" if sets else "it shows no images one a trial"
        other = f" (its movies, {movies}, are for v1-transformer and digital-twin)" if movies else ""
        raise DataError(f"{reason}{other}; give images and responses to sensorium.from_arrays.")
    chosen = max(known, key=lambda each: len(each.shown))
    if others := [each for each in sets if each != chosen.name]:
        notes.append(f"{chosen.title} are taken, not those of {', '.join(others)}")
    return chosen


def _read_parts(part: np.ndarray, notes: list[str]) -> np.ndarray:
    """Tiers, with LEFT_OUT for other words."""
    words = part.astype(str)
    known = np.isin(words, [*TIERS, LEFT_OUT])
    if not known.all():
        others = ", ".join(sorted(set(words[~known].tolist()))[:3])
        notes.append(f"{(~known).sum()} trials of other parts ({others}) are left out")
    return np.where(known, words, LEFT_OUT).astype("<U10")


@dataclass(frozen=True)
class _Trials:
    """What was recorded in each presentation of a set of images."""

    recording: Recording
    shown: Stimulus
    window: Window

    def responses(self, notes: list[str]) -> Float[np.ndarray, "K N"]:
        """One number a presentation and unit, NaN where not measured."""
        recording, trials = self.recording, self.recording.trials
        if trials is not None:
            if len(trials.responses) != len(self.shown.shown):
                raise DataError(
                    f"{len(trials.responses)} trials have responses, and {self.shown.name} was shown "
                    f"{len(self.shown.shown)} times; give one response for each."
                )
            whole = trials.counts or trials.responses.dtype.kind == "i"
            if whole and (wrong := trials.responses[trials.responses < 0]).size:
                raise DataError(
                    f"responses hold {wrong.size} counts below 0, such as {wrong[0]:g}; give NaN where "
                    "nothing was measured."
                )
            values = trials.responses
            if trials.counts:
                values = mask_counts(values, trials.time, "counts", notes)
            return self._in_bins(values, trials.time, "responses", notes)
        start, end = self.window
        where = f"from {start:g} to {end:g} s after an image came on, or to the next image"
        if recording.traces is not None:
            check_overlap(recording.traces, self._onsets("traces"), ("traces", "images"))
            notes.append(f"a response is the mean of a trace {where}")
            return average(recording.traces, self._windows("traces"))
        assert recording.spikes is not None  # as `Recording` makes sure
        check_overlap(recording.spikes.times, self._onsets("spikes"), ("spikes", "images"))
        notes.append(f"a response is the rate of spikes {where}")
        return count(recording.spikes, recording.unit_ids, self._windows("spikes"))

    def behaviour(self, channel: str, notes: list[str]) -> Float[np.ndarray, "K"] | None:
        """A channel in each presentation; None where it was not recorded.

        The change of the pupil's size follows from its size.
        """
        recording, trials = self.recording, self.recording.trials
        if trials is not None:
            time = trials.behaviour_time
            if channel in trials.behaviour:
                return self._in_bins(trials.behaviour[channel][..., None], time, channel, notes)[:, 0]
            if channel == "pupil_change" and "pupil_size" in trials.behaviour and time is not None:
                change = np.gradient(trials.behaviour["pupil_size"], time, axis=1) if len(time) > 1 else None
                return (
                    None if change is None else self._in_bins(change[..., None], time, channel, notes)[:, 0]
                )
        trace = recording.behaviour.get(channel)
        if trace is None and channel == "pupil_change" and "pupil_size" in recording.behaviour:
            trace = differentiate(recording.behaviour["pupil_size"])
        if trace is None or self.shown.time is None or np.ndim(trace.values) != 1:
            return None
        found = average(trace, self._windows(channel))[:, 0]
        if not np.isfinite(found).any():
            notes.append(f"{channel} has no value while images were shown")
            return None
        return found

    def _in_bins(
        self,
        values: np.ndarray,
        time: Float[np.ndarray, "B"] | None,
        name: str,
        notes: list[str],
    ) -> Float[np.ndarray, "K N"]:
        """The mean over the bins whose centre is in the window; over all, where bins have no times."""
        if time is None or values.shape[1] == 1:
            return values.mean(axis=1, dtype=float)
        inside = (time >= self.window[0]) & (time < self.window[1])
        if not inside.any():
            span = f"{time[0]:g} to {time[-1]:g} s"
            raise DataError(f"{name} have bins from {span}, and none in the window; give another window.")
        if name == "responses":
            notes.append(f"a response is the mean of {inside.sum()} of {len(time)} bins")
        return values[:, inside].mean(axis=1, dtype=float)

    def _onsets(self, what: str) -> Float[np.ndarray, "K"]:
        if self.shown.time is None:
            raise DataError(
                f"{self.shown.name} has no times, which {what} need; give the s at which each image came on."
            )
        return self.shown.time

    def _windows(self, what: str) -> Float[np.ndarray, "K 2"]:
        return find_windows(self._onsets(what), self.window)
