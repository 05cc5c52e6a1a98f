"""What of a recording can be used: trials or repeats one by one, then units, then channels of behaviour.

A trial or repeat that cannot be read, does not fit the others, or has behaviour that was never standardised,
is left out. So is one in which most units hold values that cannot be; of the rest, units are left out that
hold such a value anywhere, or never change in the trials to fit. Where that would cost most units, the trials
with such values go, if they are fewer. A channel of behaviour that was never seen, or never changes, is 0,
which is the mean. Of pieces with the same units one is left, since nothing is measured twice to the bit.

Letters: K trials or repeats, F frames of them all, N units of the files.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from neurokit.digital_twin.trial_files import CLIP, PieceError
from neurokit.errors import DataError
from neurokit.progress import progress
from neurokit.training.omissions import RULES, Omission, Pieces, leave_out

CHANNELS = ("pupil_x", "pupil_y", "pupil_radius", "treadmill")
INPUTS = ("stimulus", *CHANNELS)
BAD_VALUES = ("not_finite", "out_of_range")
LARGEST = float(np.finfo(np.float32).max)  # that a file of units can hold
MOST_MEANS = 1e6  # means of a unit; no value exceeds the number of frames averaged, here nine hours at 30 Hz
MEANS = (0.0, MOST_MEANS)  # of units in multiples of their mean in training
ACTIVITY = (0.0, LARGEST)  # of units in the recording's own units
Limits = tuple[float, float]
COINCIDENCE = 10  # active units; where there are fewer, two repeats may have the same activity by chance
Read = TypeVar("Read")


@dataclass
class Usable(Generic[Read]):
    """The pieces of a folder that can be used, and what is wrong with the others.

    Attributes:
        folder: that holds them; errors name it.
        pieces: what they are.
        wrong: each piece by name, in order; None for one that can be used.
        found: the usable ones by name, once they are read.
    """

    folder: Path
    pieces: Pieces
    wrong: dict[str, PieceError | None]
    found: dict[str, Read] = field(default_factory=dict)

    def read(self, make: Callable[[str], Read], *, show: bool = False) -> None:
        """Reads each piece that has nothing wrong so far; DataError where none is left."""
        names = [name for name, wrong in self.wrong.items() if wrong is None]
        shown = progress(names, desc=f"reading {self.folder.name}", unit="trial") if show else names
        for name in shown:
            try:
                self.found[name] = make(name)
            except PieceError as error:
                self.wrong[name] = error
        self._check_some()

    def drop(self, wrong: Mapping[str, PieceError]) -> None:
        """Leaves out more pieces; DataError where none is left."""
        self.wrong.update(wrong)
        self.found = {name: piece for name, piece in self.found.items() if name not in wrong}
        self._check_some()

    def omissions(self, part: str = "") -> tuple[Omission, ...]:
        """One for each rule."""
        rules = np.array(["" if wrong is None else wrong.rule for wrong in self.wrong.values()])
        names = list(self.wrong)
        return tuple(
            omission
            for rule in RULES
            for omission in leave_out(rules == rule, names, rule, self.pieces, part=part)
        )

    def _check_some(self) -> None:
        if self.found:
            return
        first = str(next(wrong for wrong in self.wrong.values() if wrong is not None))
        if len(self.wrong) == 1:
            raise DataError(first)
        raise DataError(f"None of the {len(self.wrong)} {self.pieces} in {self.folder} can be used: {first}")


def most_common(values: Iterable[Hashable]) -> Hashable:
    """The value that most have; of equally common ones the first."""
    return Counter(values).most_common(1)[0][0]


def digest(values: Shaped[np.ndarray, "..."]) -> bytes:
    """Of the shape and the content."""
    return hashlib.blake2b(np.ascontiguousarray(values).data, key=str(values.shape).encode()).digest()


def find_doubled(
    units: Mapping[str, Shaped[np.ndarray, "_ _"]], alike: Callable[[str, str], bool], folder: Path
) -> dict[str, PieceError]:
    """Pieces with the same units, to the bit, as an earlier one that is `alike`, by name.

    `alike` is asked for names with the same units alone. Units without activity say nothing.
    """
    seen: dict[bytes, list[str]] = defaultdict(list)
    doubled = {}
    for name, values in units.items():
        others = seen[digest(values)]
        active = not others or values.any()
        first = next((other for other in others if active and alike(other, name)), None)
        if first is None:
            others.append(name)
        else:
            finding = f"{folder / 'units' / name}.npy holds the same values as {first}.npy"
            doubled[name] = PieceError(f"{finding}: write each once.", "doubled")
    return doubled


def extremes(units: Shaped[np.ndarray, "T N"]) -> Shaped[np.ndarray, "2 N"]:
    """The lowest and the highest value of each unit; NaN where it has one."""
    return np.stack([units.min(axis=0), units.max(axis=0)])


def find_bad(
    found: Shaped[np.ndarray, "K 2 N"], limits: Limits = MEANS
) -> dict[str, Bool[np.ndarray, "K N"]]:
    """By each of BAD_VALUES, which units hold such a value in which trial; others are within the `limits`."""
    (lowest, highest), (least, most) = (found[:, 0], found[:, 1]), limits
    finite = (lowest > -np.inf) & (highest <= LARGEST)  # false for NaN, too
    return {"not_finite": ~finite, "out_of_range": finite & ((lowest < least) | (highest > most))}


def bad_pieces(
    found: Shaped[np.ndarray, "K 2 N"], places: Sequence[str], names: Sequence[str], *, limits: Limits = MEANS
) -> dict[str, PieceError]:
    """Trials that are left out for the values of their units, by name; see the module.

    `places` are their files of units.
    """
    bad = find_bad(found, limits)
    any_bad = np.logical_or(*bad.values())
    dropped = any_bad.mean(axis=1) > 0.5
    rest = any_bad & ~dropped[:, None]
    units, trials = rest.any(axis=0).mean(), rest.any(axis=1).mean()
    if units > 0.5 and trials < units:
        dropped |= any_bad.any(axis=1)
    return {
        names[index]: _describe(
            {rule: each[index] for rule, each in bad.items()}, found[index], places[index]
        )
        for index in np.flatnonzero(dropped).tolist()
    }


def _describe(
    bad: Mapping[str, Bool[np.ndarray, "N"]], found: Shaped[np.ndarray, "2 N"], place: str
) -> PieceError:
    rule = max(bad, key=lambda each: bad[each].sum())
    units = f"{bad[rule].sum()} of {len(bad[rule])} units"
    if rule == "not_finite":
        finding = f"{place} holds values that are not finite in {units}"
        return PieceError(f"{finding}: leave out such units or trials.", rule)
    if (found[0, bad[rule]] < 0).any():
        return PieceError(f"{place} holds negative values in {units}: {CLIP}.", rule)
    finding = f"{place} holds values beyond {MOST_MEANS:,.0f} in {units}"
    return PieceError(f"{finding}: divide each unit by its mean in the trials to fit.", rule)


def bad_units(
    found: Shaped[np.ndarray, "K 2 N"], fitted: Bool[np.ndarray, "K"] | None = None, *, limits: Limits = MEANS
) -> dict[str, Bool[np.ndarray, "N"]]:
    """Which units are left out by which rule; `fitted` are the trials to fit, if there are any."""
    bad: dict[str, np.ndarray] = {
        rule: np.any(each, axis=0) for rule, each in find_bad(found, limits).items()
    }
    if fitted is not None and fitted.any():
        constant = found[fitted, 0].min(axis=0) == found[fitted, 1].max(axis=0)
        bad["constant"] = constant & (not constant.all())  # training says what that may be
    return join_rules(bad)


def join_rules(*found: Mapping[str, Bool[np.ndarray, "N"]]) -> dict[str, Bool[np.ndarray, "N"]]:
    """The units that any of these leave out, each by the first of its rules."""
    joined: dict[str, np.ndarray] = {}
    for rule in (*BAD_VALUES, "constant"):
        several = [each[rule] for each in found if rule in each]
        if several:
            earlier = np.any([np.zeros_like(several[0]), *joined.values()], axis=0)
            joined[rule] = np.any(several, axis=0) & ~earlier
    return joined


def leave_out_units(
    bad: Mapping[str, Bool[np.ndarray, "N"]], unit_ids: Int[np.ndarray, "N"], folder: Path
) -> tuple[Int[np.ndarray, "U"], tuple[Omission, ...]]:
    """The columns of the units that are left, and what was left out by their ids; DataError for none."""
    kept = ~np.any(list(bad.values()), axis=0)
    if not kept.any():
        parts = [f"{mask.sum()} since {RULES[rule]}" for rule, mask in bad.items() if mask.any()]
        finding = f"{folder} has no unit that can be used of {len(kept)} ({', '.join(parts)})"
        raise DataError(f"{finding}: look at how the activity was computed.")
    omissions = [leave_out(mask, unit_ids, rule, "units") for rule, mask in bad.items()]
    return np.flatnonzero(kept), tuple(each for several in omissions for each in several)


def unseen_channels(behaviour: Iterable[Float[np.ndarray, "_ 4"]]) -> dict[str, Bool[np.ndarray, "4"]]:
    """Which of CHANNELS were never seen, and which never change, in all these trials."""
    parts = [
        (np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)) for values in behaviour
    ]  # NaN only where nothing was seen
    lowest, highest = (np.fmin.reduce([low for low, _ in parts]), np.fmax.reduce([high for _, high in parts]))
    return {"not_recorded": np.isnan(lowest), "constant": lowest == highest}


def leave_out_channels(bad: Mapping[str, Bool[np.ndarray, "4"]], part: str = "") -> tuple[Omission, ...]:
    """Channels that are 0 instead, of all that a twin reads."""
    omissions = [
        leave_out(np.append(False, mask), INPUTS, rule, "channels", part=part) for rule, mask in bad.items()
    ]
    return tuple(each for several in omissions for each in several)


def lost_channels(
    behaviour: Iterable[Float[np.ndarray, "_ 4"]], blank: Bool[np.ndarray, "4"], part: str
) -> tuple[Omission, ...]:
    """Channels that were never seen in the videos of a part alone; predictions take the mean there.

    One that never changes there is left as it is: the mouse may have stood still.
    """
    unseen = unseen_channels(behaviour)["not_recorded"]
    return leave_out_channels({"not_recorded": unseen & ~blank}, part)
