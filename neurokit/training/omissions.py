"""Pieces of a recording that are left out: nothing is fitted to them, and no score uses them.

One bad piece costs one piece. A reader or a task leaves out units, trials, channels or repeats that
cannot be used, by a rule with a name, and says how many. `Experiment` prints what was left out, saves it
with the checkpoint, and writes it beside the scores.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Shaped

from neurokit.errors import DataError

Pieces = Literal[
    "units",
    "spikes",
    "trials",
    "trial values",
    "channels",
    "repeats",
    "clips",
    "images",
    "videos",
    "scans",
    "clock rows",
    "samples of running",
    "samples of pupil",
    "seconds of running",
    "seconds of pupil",
    "trials of behaviour",
    "movies",
]
RULES = {
    "not_finite": "values are missing, NaN or infinite",
    "out_of_range": "values that cannot be",
    "in_ms": "they look like milliseconds, and times are in seconds",
    "constant": "values never change",
    "silent": "there is no activity in the trials to fit",
    "lost": "no spike comes any more, to the end of the session",
    "time_unknown": "their times are not known",
    "interrupted": "frames are missing, or the stimulus stood still",
    "shown_in_two_parts": "the same stimulus is in another part",
    "overlapping": "they share time with trials of another part",
    "shown_once": "repeats are needed",
    "off_the_clock": "its times do not ascend, or are not those of its values",
    "unpaired": "the others have fewer repeats",
    "not_recorded": "what the model reads was not recorded",
    "missing": "a file or array is missing",
    "unreadable": "a file is cut short or cannot be read",
    "misfit": "frames, pixels, units or types do not fit the others",
    "place_unknown": "the brain area is not known",
    "outside_clock": "nothing was recorded at that time",
    "doubled": "the same is there twice",
    "too_short": "they have too few frames",
    "other_rate": "frames come at another rate than those of the first",
    "labelled": "the recording itself leaves them out",
}
MOST_NAMES = 12  # in one sentence


@dataclass(frozen=True)
class Omission:
    """Some pieces that one rule leaves out.

    Attributes:
        rule: why, one of RULES.
        pieces: what they are.
        names: theirs, as the recording has them and as options take them.
        number: of all pieces of that kind, these included.
        session: which one, where a recording has several.
        part: of the task, where pieces of one part are concerned.
    """

    rule: str
    pieces: Pieces
    names: tuple[str, ...]
    number: int
    session: str = ""
    part: str = ""

    def __post_init__(self) -> None:
        """Raises DataError where nothing is left, and for an unknown rule."""
        if self.rule not in RULES:
            raise DataError(f"{self.rule!r} is no rule; use one of {', '.join(RULES)}.")
        if len(self.names) >= self.number:
            raise DataError(f"{self._place}all {self.number} {self._what} are unusable: {RULES[self.rule]}.")

    def __str__(self) -> str:
        """One line, such as "2 of 40 units left out (values never change): 17, 23"."""
        some = ", ".join(self.names[:MOST_NAMES])
        rest = f" and {len(self.names) - MOST_NAMES} more" if len(self.names) > MOST_NAMES else ""
        number = f"{len(self.names)} of {self.number} {self._what}"
        return f"{self._place}{number} left out ({RULES[self.rule]}): {some}{rest}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self) | {"names": list(self.names)}

    @property
    def _what(self) -> str:
        return f"{self.part} {self.pieces}".strip()

    @property
    def _place(self) -> str:
        return f"{self.session}: " if self.session else ""


def leave_out(
    bad: Bool[np.ndarray, "M"],
    names: Sequence[object] | Shaped[np.ndarray, "M"],
    rule: str,
    pieces: Pieces,
    session: str = "",
    part: str = "",
) -> tuple[Omission, ...]:
    """The omission of the pieces that are `bad`, none where all are sound; DataError where all are bad.

    `names` has one entry for each piece.
    """
    if not bad.any():
        return ()
    found = tuple(str(names[index]) for index in np.flatnonzero(bad).tolist())
    return (Omission(rule, pieces, found, len(bad), session, part),)


def describe_omissions(omissions: Iterable[Omission]) -> str:
    """One line each."""
    return "\n".join(str(each) for each in omissions)
