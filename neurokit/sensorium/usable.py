"""What of a scan can be used: trials, neurons and channels of behaviour are left out, never the whole scan.

A value is unusable where it is missing, NaN or infinite, or where it cannot be: a negative response, a grey
value outside what the scan declares, a number beyond single precision, or one of behaviour, eye or response
that is more than FAR times the largest that the scan's statistics know of its channel or neuron
(`neurokit.sensorium.limits`). What it costs follows from here:

- A channel of behaviour or eye is left out where most trials lack it, where it never changes, or where its
  published statistics are not finite, cannot be those of its values, or have a negative standard deviation.
  It is then zero throughout, and its statistics are too, so that a model reads zero. Scans without any
  channel have no behaviour, which is no fault.
- A neuron is left out where its statistics or its place are not finite, where its statistics cannot be those
  of its values, and where its response is unusable in more than 1 % of the trials (at least in two). Trials
  in which most neurons are unusable do not count. So is one whose responses are those of a neuron before it.
- A trial is left out where one of its files is missing, cannot be read, or does not fit the others, and where
  anything else in it is unusable: one value of image, behaviour, eye or response.
  So it is where its responses are the same to the bit as those of a trial that was shown before, which no
  chance makes (`neurokit.sensorium.copies`); repeats of an image differ in them. It keeps its place in the
  order of presentation and is of no tier, so that it is never history.

Responses of a whole test tier that are all NaN are withheld, as if they were zero. Neurons that are never
active stay: the official scores count every neuron of a scan. Images of one grey are a control, and stay;
where no training image is anything else, the scan is refused.

Letters: T trials of a scan in the order of its files, N neurons, C channels.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from neurokit.errors import DataError
from neurokit.sensorium.copies import Copies
from neurokit.sensorium.files import LEFT_OUT, TIERS, PieceError
from neurokit.sensorium.limits import FAR, GREYS, holds_fractions, is_number, usual_magnitude
from neurokit.training.omissions import RULES, Omission, Pieces

CHANNELS = ("pupil_size", "pupil_change", "running", "pupil_x", "pupil_y")
DAMAGED = ("missing", "unreadable", "misfit")  # what may be wrong with a file
CODES = (
    "",
    *sorted(("not_finite", "out_of_range", "constant", "not_recorded", "labelled", "doubled")),
    *DAMAGED,
)  # 0: usable
MOST = 0.5  # of the trials or neurons
FEW = 0.01  # of the trials: a neuron that is unusable in more is left out, else these trials are
WITHHELD = ("test", "final_test")
REMEDIES = {
    "responses": "write finite responses of 0 or above, such as deconvolved activity or dF/F clipped at 0",
    "images": "write finite images in the unit of meta/statistics/images",
}


class Usable:
    """Collects what cannot be used while a scan is read, and says at the end what is left out.

    The files' arrays are seen once, row by row; of the responses only unusable rows are remembered.
    """

    def __init__(self, tiers: np.ndarray, neurons: int) -> None:
        self.tiers = tiers
        self.trials = np.where(tiers == LEFT_OUT, CODES.index("labelled"), 0)
        self.units = np.zeros(neurons, np.int64)
        self.channels = np.zeros(len(CHANNELS), np.int64)
        self.fields: dict[str, int] = {}  # how many trials each costs, for the sentence where none is left
        self.wrong: dict[str, PieceError] = {}  # with the first file that cannot be used, by field
        self.blank = np.zeros(len(tiers), bool)  # images of one grey
        self.greys = np.full(len(tiers), np.nan)  # the largest magnitude in each image
        self._responses: dict[int, np.ndarray] = {}  # bits of the unusable, and of those that are not finite
        self._copies = Copies(len(tiers), neurons)

    def clean_channels(
        self,
        values: Float[np.ndarray, "T C"],
        statistics: list[Float[np.ndarray, "C"]],
        first: int,
        field: str,
        bounds: Float[np.ndarray, "C"],
        damaged: Int[np.ndarray, "T"],
    ) -> None:
        """Marks channels and trials, and puts zero where a value is unusable; C of CHANNELS from `first`.

        No magnitude may be beyond `bounds`; `damaged` are the codes of trials whose file cannot be used.
        """
        self._copies.add_behaviour(values)
        missing = ~np.isfinite(values)
        bad = ~is_number(values) | (np.abs(values) > bounds)
        lost = bad.mean(axis=0) > MOST
        impossible = lost & (missing.mean(axis=0) <= MOST)
        usual = FAR**3 * usual_magnitude(values)  # a mouse may stand still in nearly all trials
        for known in statistics:
            lost |= ~is_number(known)
            impossible |= is_number(known) & (np.abs(known) > usual) & (usual > 0)
        impossible |= statistics[1] < 0  # standard deviations
        lost |= impossible
        values[bad] = 0
        bad &= ~lost
        usable = ~bad.any(axis=1)
        constant = ~lost & (values[usable] == values[usable][:1]).all(axis=0)
        codes = self.channels[first : first + values.shape[1]]
        codes[:] = np.where(lost, CODES.index("not_finite"), np.where(constant, CODES.index("constant"), 0))
        codes[impossible] = CODES.index("out_of_range")
        for rule in DAMAGED if damaged.any() else ():
            self.mark_trials(bad.any(axis=1) & (damaged == CODES.index(rule)), rule, field)
        bad[damaged > 0] = False
        self.mark_trials((bad & missing).any(axis=1), "not_finite", field)
        self.mark_trials((bad & ~missing).any(axis=1), "out_of_range", field)
        for known in (*statistics, values.T):
            known[codes > 0] = 0

    def mark_trials(self, bad: Bool[np.ndarray, "T"], rule: str, field: str) -> None:
        """These are left out, unless another rule does it."""
        self.trials[bad & (self.trials == 0)] = CODES.index(rule)
        self.fields[field] = self.fields.get(field, 0) + int(bad.sum())

    def drop_trial(self, trial: int, field: str, error: PieceError) -> None:
        """It is left out for one of its files, unless another rule does it."""
        self.wrong.setdefault(field, error)
        self._mark(trial, error.rule, field)

    def mark_units(self, bad: Bool[np.ndarray, "N"], rule: str) -> None:
        """These are left out, unless another rule does it."""
        self.units[bad & (self.units == 0)] = CODES.index(rule)

    def clean_image(
        self, trial: int, image: Num[np.ndarray, "..."], limits: tuple[float, float]
    ) -> Num[np.ndarray, "..."]:
        """The image, or zeros where one of its values cannot be used."""
        low, high = float(image.min()), float(image.max())  # NaN where a pixel is
        finite = math.isfinite(low) and math.isfinite(high)
        inside = finite and limits[0] <= low and high <= limits[1]
        if inside and not (limits == (0.0, GREYS) and holds_fractions(image, low, high)):
            self.blank[trial], self.greys[trial] = low == high, max(-low, high)
            self._copies.add_image(trial, image)
            return image
        self._mark(trial, "out_of_range" if finite else "not_finite", "images")
        return np.zeros_like(image)

    def clean_responses(
        self,
        trial: int,
        responses: Float[np.ndarray, "N"],
        raw: Float[np.ndarray, "N"],
        bounds: Float[np.ndarray, "N"],
    ) -> Float[np.ndarray, "N"]:
        """The scaled responses, with zero where one cannot be used; the raw ones tell what is missing.

        None of the raw ones may be beyond `bounds`.
        """
        usable = (responses >= 0) & (responses < np.inf) & (raw <= bounds)
        if not usable.all():
            self._responses[trial] = np.packbits([~usable, ~np.isfinite(raw)], axis=1)
            responses = np.where(usable, responses, 0).astype(responses.dtype)
            raw = np.where(usable, raw, 0)
        self._copies.add_responses(trial, responses, raw)
        return responses

    def finish(self, error: Callable[..., DataError], rank: Int[np.ndarray, "T"]) -> None:
        """Turns unusable and doubled responses into neurons and trials; DataError where too little is left.

        `error` makes that of the name of an array, what was found and what to do; `rank` is the place of each
        trial in the order of presentation.
        """
        if self._responses:
            self._judge_responses()
        for alike in self._copies.trials():
            self._leave_out_copies(alike, rank)
        self.mark_units(self._copies.neurons(self.units == 0), "doubled")
        if (self.units > 0).all():
            raise error("data/responses", *self._say_no_neuron())
        for tier in ("train", "validation"):
            if (self.trials[self.tiers == tier] > 0).all():
                raise self._say_no_trial(error, tier)
        shown = (self.tiers == "train") & (self.trials == 0)
        if self.blank[shown].all():
            finding = f"shows one grey in each of the {shown.sum()} training trials"
            raise error("data/images", finding, "write the images that were shown")

    def _mark(self, trial: int, rule: str, field: str) -> None:
        self.trials[trial] = self.trials[trial] or CODES.index(rule)
        self.fields[field] = self.fields.get(field, 0) + 1

    def _leave_out_copies(self, alike: Int[np.ndarray, "K"], rank: Int[np.ndarray, "T"]) -> None:
        """All but the first of the usable ones."""
        usable = alike[self.trials[alike] == 0]
        copies = np.zeros(len(self.tiers), bool)
        copies[usable[np.argsort(rank[usable])][1:]] = True
        self.mark_trials(copies, "doubled", "responses")

    def _judge_responses(self) -> None:
        trials = np.array(sorted(self._responses))
        packed = np.stack([self._responses[trial] for trial in trials.tolist()], axis=1)
        bad, lost = np.unpackbits(packed, axis=2, count=len(self.units)).astype(bool)
        withheld = self._find_withheld(trials, lost)
        trials, bad, lost = (each[~withheld] for each in (trials, bad, lost))
        whole = bad.mean(axis=1) > MOST
        often = bad[~whole].sum(axis=0) > max(1, int(FEW * len(self.tiers)))
        self.mark_units(often & lost[~whole].any(axis=0), "not_finite")
        self.mark_units(often, "out_of_range")
        kept = self.units == 0
        for rule, found in (("not_finite", lost), ("out_of_range", bad)):
            marked = np.zeros(len(self.tiers), bool)
            marked[trials[found[:, kept].any(axis=1)]] = True
            self.mark_trials(marked, rule, "responses")

    def _find_withheld(self, trials: Int[np.ndarray, "K"], lost: Bool[np.ndarray, "K N"]) -> np.ndarray:
        """Which of the trials are of a test tier without a single response."""
        whole = np.zeros(len(self.tiers), bool)
        whole[trials] = lost.all(axis=1)
        tiers = [tier for tier in WITHHELD if whole[self.tiers == tier].all()]
        return np.isin(self.tiers[trials], tiers)

    def _say_no_trial(self, error: Callable[..., DataError], tier: str) -> DataError:
        codes = self.trials[self.tiers == tier]
        field = max(self.fields, key=lambda name: self.fields[name])
        reasons = sorted({RULES[CODES[code]] for code in set(codes.tolist())})
        finding = f"leaves none of the {len(codes)} {tier} trials ({'; '.join(reasons)})"
        remedy = (
            str(self.wrong[field])[:-1] if field in self.wrong else REMEDIES.get(field, "mend these values")
        )
        return error(f"data/{field}", finding, remedy)

    def _say_no_neuron(self) -> tuple[str, str]:
        counts = np.bincount(self.units, minlength=len(CODES))
        found = [f"{count} with {RULES[CODES[code]]}" for code, count in enumerate(counts) if code and count]
        finding = f"leaves none of the {len(self.units)} neurons ({', '.join(found)})"
        return finding, REMEDIES["responses"]


def list_omissions(
    key: str, ids: Mapping[str, np.ndarray], tiers: np.ndarray, codes: Mapping[Pieces, Int[np.ndarray, "_"]]
) -> tuple[Omission, ...]:
    """What the codes of "trials", "units" and "channels" leave out of a scan, by `ids`: a line for each rule.

    Trials are counted tier by tier.
    """
    found = []
    for tier in (*TIERS, LEFT_OUT):
        of_tier = tiers == tier
        names, each = ids["trials"][of_tier], codes["trials"][of_tier]
        if (each > 0).all():  # of all trials, since none of the tier is left
            found += _make_omissions(key, "trials", names, each, len(tiers))
        else:
            found += _make_omissions(key, "trials", names, each, len(each), tier)
    found += _make_omissions(key, "units", ids["units"], codes["units"], len(codes["units"]))
    if not codes["channels"].all():  # else the scan has no behaviour
        found += _make_omissions(key, "channels", np.array(CHANNELS), codes["channels"], len(CHANNELS))
    return tuple(found)


def _make_omissions(
    key: str, pieces: Pieces, names: np.ndarray, codes: Int[np.ndarray, "M"], number: int, part: str = ""
) -> list[Omission]:
    return [
        Omission(CODES[code], pieces, tuple(map(str, names[codes == code].tolist())), number, key, part)
        for code in np.unique(codes[codes > 0]).tolist()
    ]
