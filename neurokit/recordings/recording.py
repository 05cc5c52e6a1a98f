"""A recording as a lab has it: what was shown, what the units did, what the animal did.

Every reader in `neurokit.recordings` returns a `Recording`, and each system makes its own recording out of
one (`sensorium.from_recording` and its like). Times are in s on one clock of the session; what was not
recorded is None or absent, and what was not measured is NaN, never zero.

Letters: N units, S samples of a trace, C channels, P spikes, K presentations or trials, B bins of a trial,
F frames, H x W pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Real, Shaped

from neurokit.arguments import explain_fields
from neurokit.errors import DataError

BEHAVIOUR = {  # the names that systems know, and the unit of each
    "running": "cm/s",
    "pupil_size": "the recording's own unit",
    "pupil_x": "the recording's own unit",
    "pupil_y": "the recording's own unit",
    "wheel": "the recording's own unit",
    "licks": "licks",
    "face_motion": "the recording's own unit",
}
FASTEST = 50_000.0  # Hz; a clock that ticks faster, or lasts longer than LONGEST, is not in seconds
LONGEST = 48 * 3600.0  # s
BETWEEN_PLANES = 100_000  # added to the ids of each further plane, where planes number alike
SLOWEST = 0.1  # Hz; activity that is sampled less often is not in seconds either


@explain_fields
@dataclass(frozen=True, eq=False)
class Trace:
    """Values on a clock of their own.

    Attributes:
        values: S, or S x C for several channels; NaN where not measured.
        time: S, s, ascending.
        unit: of the values, such as "dF/F" or "cm/s".
    """

    values: Real[np.ndarray, "..."]
    time: Float[np.ndarray, "S"]
    unit: str = ""

    def __post_init__(self) -> None:
        """Raises DataError for a clock that is none, or is not that of these values."""
        if len(self.values) != len(self.time):
            raise DataError(
                f"{len(self.values)} values have {len(self.time)} times; give a time for each value."
            )
        check_clock(self.time)

    @property
    def rate(self) -> float:
        """Samples per s, from the median interval; NaN for a single sample."""
        return float(1 / np.median(np.diff(self.time))) if len(self.time) > 1 else float("nan")


@explain_fields
@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of all units in order of time: when (s), and the id of the unit, P each.

    `gaps` are stretches in which no spike could be measured, from and to, s, G x 2.
    """

    times: Float[np.ndarray, "P"]
    unit_ids: Int[np.ndarray, "_"]
    gaps: Float[np.ndarray, "_ 2"] = field(default_factory=lambda: np.zeros((0, 2)))

    def __post_init__(self) -> None:
        """Raises DataError where the two do not fit each other, and for times that are none."""
        if len(self.times) != len(self.unit_ids):
            raise DataError(
                f"{len(self.times)} spike times have {len(self.unit_ids)} unit ids; give one for each."
            )
        check_clock(self.times, ties=True)


@explain_fields
@dataclass(frozen=True, eq=False)
class Stimulus:
    """A set of images or a movie, and when each frame of it was on the screen.

    Attributes:
        name: such as natural_movie_one.
        kind: images come one a trial, a movie's frames one after another.
        frames: grey values, F x H x W; may be mapped; None where the file does not hold them.
        shown: which frame each presentation was, from 0, K; -1 for a blank screen.
        time: s at which each presentation began, K, ascending; two may share one, where times are those of
            a slower clock; None where only their order is known.
        part: train, validation or test of each presentation, K, where the recording says so itself.
    """

    name: str
    kind: Literal["images", "movie"]
    frames: Real[np.ndarray, "F H W"] | None
    shown: Int[np.ndarray, "K"]
    time: Float[np.ndarray, "_"] | None = None
    part: Shaped[np.ndarray, "_"] | None = None

    def __post_init__(self) -> None:
        """Raises DataError for frames that are not there, and for lists of unequal length."""
        for what, values in (("times", self.time), ("parts", self.part)):
            if values is not None and len(values) != len(self.shown):
                raise DataError(
                    f"{self.name}: {len(self.shown)} presentations have {len(values)} {what}; "
                    "give one for each."
                )
        if self.time is not None:
            check_clock(self.time, what=f"{self.name}: the times of presentations", ties=True)
        if not len(self.shown):
            raise DataError(f"{self.name}: nothing was shown; give the frame of each presentation.")
        last = len(self.frames) - 1 if self.frames is not None else np.iinfo(np.int64).max
        if self.shown.min() < -1 or self.shown.max() > last:
            raise DataError(
                f"{self.name}: presentations name frames {self.shown.min()} to {self.shown.max()}, and there "
                f"are frames 0 to {last}; count from 0."
            )

    @property
    def title(self) -> str:
        """What was shown, in words: "images", "images of scenes", or a movie's name."""
        return f"images of {self.name}" if self.kind == "images" and self.name != "images" else self.name

    @property
    def repeats(self) -> int:
        """How often the frame that was shown most often was shown."""
        known = self.shown[self.shown >= 0]
        return int(np.unique(known, return_counts=True)[1].max()) if len(known) else 0


@explain_fields
@dataclass(frozen=True, eq=False)
class Trials:
    """What was recorded trial by trial rather than on one clock.

    Attributes:
        responses: activity, K x B x N; B is 1 where a trial has a single number. NaN where not measured.
        time: of the bins' centres, s from the trial's onset, B; None where a trial has a single number.
        behaviour: by name, each K x B'.
        behaviour_time: of its bins' centres, B'; None where a trial has a single number.
        counts: whether responses are spikes counted in bins.
    """

    responses: Real[np.ndarray, "K B N"]
    time: Float[np.ndarray, "_"] | None = None
    behaviour: Mapping[str, Float[np.ndarray, "_ _"]] = field(default_factory=dict)
    behaviour_time: Float[np.ndarray, "_"] | None = None
    counts: bool = False

    def __post_init__(self) -> None:
        """Raises DataError where the arrays do not fit each other."""
        trials, bins, _ = self.responses.shape
        if self.time is None and bins > 1:
            raise DataError(f"Trials have {bins} bins and no times; give a time for each bin.")
        if self.time is not None and len(self.time) != bins:
            raise DataError(f"Trials have {bins} bins and {len(self.time)} times; give a time for each bin.")
        for name, values in self.behaviour.items():
            wanted = 1 if self.behaviour_time is None else len(self.behaviour_time)
            if values.shape != (trials, wanted):
                raise DataError(
                    f"{name} has shape {values.shape}, expected {(trials, wanted)}: trials x bins."
                )


@explain_fields
@dataclass(frozen=True, eq=False)
class Recording:
    """One session: who, which units, what was shown, what the units and the animal did.

    A recording has traces or spikes on the session's clock, or trials.

    Attributes:
        name: of the session.
        format: in which it came, such as "NWB 2".
        unit_ids: N, as the file has them, each once.
        traces: activity of all units, S x N.
        spikes: of all units.
        trials: activity and behaviour trial by trial.
        area: brain area of each unit, N; None where not known.
        coordinates: x, y, z of each unit, micrometres, N x 3; None where not known.
        behaviour: on the session's clock, by name; those that systems know are in BEHAVIOUR.
        stimuli: what was shown.
        events: a row per trial, with whatever the recording knows of it; onsets are `stimulus_time`, s.
        notes: what the reader wants said, such as what a file of this kind was never tried on.
    """

    name: str
    format: str
    unit_ids: Int[np.ndarray, "N"]
    traces: Trace | None = None
    spikes: Spikes | None = None
    trials: Trials | None = None
    area: Shaped[np.ndarray, "_"] | None = None
    coordinates: Float[np.ndarray, "_ 3"] | None = None
    behaviour: Mapping[str, Trace] = field(default_factory=dict)
    stimuli: Sequence[Stimulus] = ()
    events: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises DataError where nothing was recorded, and where arrays do not fit each other."""
        if self.traces is None and self.spikes is None and self.trials is None:
            raise DataError(f"{self.name}: no activity; give traces, spikes, or one response a trial.")
        if self.traces is not None and self.traces.rate < SLOWEST:
            raise DataError(
                f"{self.name}: traces are sampled every {1 / self.traces.rate:,.0f} s; give "
                "times in seconds, not milliseconds or samples."
            )
        units = len(self.unit_ids)
        if not units:
            raise DataError(f"{self.name}: no unit; give at least one.")
        if (below := self.unit_ids[np.asarray(self.unit_ids) < 0]).size:
            raise DataError(f"{self.name}: a unit has the id {below[0]}; give whole numbers from 0.")
        known, times = np.unique(self.unit_ids, return_counts=True)
        if (times > 1).any():
            raise DataError(
                f"{self.name}: unit {known[times > 1][0]} is there {times.max()} times; give each one id."
            )
        given = {
            "traces": None if self.traces is None else self.traces.values.shape[1:],
            "responses": None if self.trials is None else self.trials.responses.shape[2:],
            "area": None if self.area is None else self.area.shape,
            "coordinates": None if self.coordinates is None else self.coordinates.shape[:1],
        }
        for what, shape in given.items():
            if shape is not None and shape != (units,):
                raise DataError(
                    f"{self.name}: {what} are of {shape} units, and {units} have an id; are rows and columns "
                    "exchanged, or is one of them a selection?"
                )
        if self.spikes is not None and len(unknown := np.setdiff1d(self.spikes.unit_ids, self.unit_ids)):
            raise DataError(
                f"{self.name}: spikes are of unit {unknown[0]}, which is not among the {units} units; give "
                "the id of each unit in unit_ids."
            )

    @property
    def units(self) -> int:
        """Number of units, N."""
        return len(self.unit_ids)

    @property
    def span(self) -> tuple[float, float] | None:
        """First and last s at which activity was recorded; None where it is recorded by trials."""
        clock = self.traces or self.spikes
        if clock is None:
            return None
        time = clock.time if isinstance(clock, Trace) else clock.times
        return float(time[0]), float(time[-1])


def check_clock(time: np.ndarray, *, what: str = "times", ties: bool = False) -> None:
    """Raises DataError for times that are no seconds of one session, in order.

    `ties` allows equal times one after the other. Milliseconds and samples are told from seconds by the
    rate and length that they would mean.
    """
    if time.ndim != 1 or not len(time):
        raise DataError(f"{what} have shape {time.shape}; give one time for each sample.")
    if bad := int((~np.isfinite(time)).sum()):
        raise DataError(f"{bad} of {len(time)} {what} are not finite; leave these samples out, values too.")
    steps = np.diff(time)
    wrong = steps < 0 if ties else steps <= 0
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{what} do not ascend: {time[first + 1]:g} s follows {time[first]:g} s at sample {first + 1}; "
            "give them in order of time, on one clock."
        )
    if len(steps) and not ties and (step := float(np.median(steps))) < 1 / FASTEST:
        raise DataError(
            f"{what} are {step:g} s apart, {1 / step:,.0f} a second; give seconds, not minutes or hours."
        )
    length = float(time[-1] - time[0])
    if length > LONGEST:
        raise DataError(
            f"{what} span {length:,.0f} s, {length / 3600:,.0f} hours; give seconds, not milliseconds or "
            "samples."
        )
