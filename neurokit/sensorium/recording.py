"""Scans of the SENSORIUM 2022 competition (Willeke et al., 2022): still images, two-photon responses.

Seven mice looked at grey natural images while layer 2/3 of their primary visual cortex was imaged; each scan
is a zip of one array per trial and field. `load_scan` reads it, packs it once (arrays checked, standardised
and shrunk), and maps the pack into memory from then on. What cannot be used is left out by the rules of
`neurokit.sensorium.usable`, trial by trial, neuron by neuron, and named in `omissions`.

Letters: T trials of a scan in the order of its file names (random in time), N neurons.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.sensorium.files import FIELDS, LEFT_OUT, OPTIONAL, TIERS, open_scan
from neurokit.sensorium.pack import read_or_pack
from neurokit.sensorium.standardised import STATISTICS, read_arrays
from neurokit.sensorium.usable import CHANNELS, list_omissions
from neurokit.training.checkpoint import fingerprint
from neurokit.training.omissions import Omission, Pieces

PIECES: tuple[Pieces, ...] = ("trials", "units", "channels")  # that may be left out
REPEATED = ("test", "final_test")  # tiers whose images are shown several times
ANOTHER = 0.1  # standard deviations of grey values, mean over pixels; natural images differ by about one


@dataclass(frozen=True, eq=False)
class Scan:
    """One scan: what a mouse saw, what its neurons and its eye and legs did, trial by trial.

    Attributes:
        key: animal, session and scan, such as "27204-5-13".
        images: z-scored with the scan's own statistics and shrunk to 36 x 64 pixels, T x 36 x 64;
            read-only, mapped from the pack.
        responses: deconvolved activity on the competition's scale (raw times `response_scale`, at
            or above 0), T x N; zero where withheld; read-only, mapped from the pack, unless neurons
            are left out.
        behaviour: raw pupil size, its change in time, running speed, T x 3; a channel that is not among
            `channels` stands for nothing, and holds zeros.
        pupil_center: raw horizontal and vertical eye position, T x 2.
        tiers: train, validation, test or final_test, or left_out for a trial of none, T.
        image_ids: equal where the same image was shown, T.
        trial_ids: the scan's own names of trials, T: integers in the order of presentation, or
            texts in the scans of the competition.
        rank: place of each trial in the order of presentation, 0 to T - 1, T.
        unit_ids: the scan's own numbers of neurons, N, ascending from 1 with gaps in the competition; texts
            where an own recording has these.
        coordinates: place of each neuron in the cortex, x, y, z, micrometres, N x 3; NaN where not known.
        response_scale: what raw responses were multiplied with, N.
        statistics: of "behavior", "pupil_center", "responses" and "images": "mean", "std", "min",
            "max" and "median" of the raw values, as the publisher computed them.
        fingerprint: of the files that the scan was read from; another where any of them changed.
        ordered: False where the scan tells nothing of the order of its trials; `rank` is then only
            the order of the files, and nothing that depends on time may be fitted to it.
        truth: the file with what was planted in a simulated scan, where it lies beside it.
        omissions: trials, neurons and channels that are left out, and why.
        notes: what was assumed of an own recording, or found in it, a sentence each.
        image_size: rows and columns of its images, where they are not those of the competition or their unit
            is the recording's own.
        digest: of the arrays that an own recording was made of; '' for the files of a scan.
    """

    key: str
    images: Float[np.ndarray, "T 36 64"]
    responses: Float[np.ndarray, "T N"]
    behaviour: Float[np.ndarray, "T 3"]
    pupil_center: Float[np.ndarray, "T 2"]
    tiers: np.ndarray
    image_ids: Int[np.ndarray, "T"]
    trial_ids: np.ndarray
    rank: Int[np.ndarray, "T"]
    unit_ids: Shaped[np.ndarray, "N"]
    coordinates: Float[np.ndarray, "N 3"]
    response_scale: Float[np.ndarray, "N"]
    statistics: dict[str, dict[str, np.ndarray]]
    fingerprint: str
    ordered: bool = True
    truth: Path | None = None
    omissions: tuple[Omission, ...] = ()
    notes: tuple[str, ...] = ()
    image_size: tuple[int, int] | None = None
    digest: str = ""

    @cached_property
    def image_digests(self) -> Int[np.ndarray, "T"]:
        """Equal where the same image was shown, whatever its id; computed once."""
        digests = (hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in self.images)
        return np.frombuffer(b"".join(digests), dtype=np.int64)

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.responses.shape[1]

    @property
    def has_coordinates(self) -> bool:
        """Whether the place of each neuron in the cortex is known: finite, and not one point for all."""
        plane = self.coordinates[:, :2]
        return bool(np.isfinite(plane).all() and (plane != plane[:1]).any())

    @property
    def remarks(self) -> tuple[str, ...]:
        """Its notes, and what is not known of its neurons."""
        unplaced = "the place of neurons in cortex is not known: each has a readout position of its own"
        return self.notes if self.has_coordinates else (*self.notes, unplaced)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels of behaviour and eye that were recorded and can be used, of CHANNELS."""
        spread = np.append(*(self.statistics[field]["std"] for field in OPTIONAL))
        return tuple(name for name, each in zip(CHANNELS, spread, strict=True) if each > 0)

    @property
    def has_behaviour(self) -> bool:
        """Whether pupil and running were published; they are all zero where not."""
        return bool(self.behaviour.any())

    def trials(self, tier: str) -> Int[np.ndarray, "K"]:
        """File indices of a tier, ascending, none for a tier without trials; DataError for another word."""
        return find_trials(self.tiers, tier)

    def withheld(self, tier: str) -> bool:
        """Whether the tier has trials and all their responses are zero, as the competition's test has."""
        trials = self.trials(tier)
        return bool(len(trials)) and not self.responses[trials].any()


def find_trials(tiers: np.ndarray, tier: str) -> Int[np.ndarray, "K"]:
    """File indices of the trials of a tier, ascending; DataError for a word that names no tier."""
    if tier not in TIERS:
        raise DataError(f"{tier!r} is no tier: choose one of {', '.join(TIERS)}.")
    return np.flatnonzero(tiers == tier)


def check_image_ids(scan: Scan, tiers: np.ndarray) -> None:
    """Raises DataError where one id of a test tier stands for different images.

    Averages over repeats and FEVE go by the ids. Images of an id may differ by less than ANOTHER, as by a
    damaged pixel.
    """
    for tier in REPEATED:
        trials = find_trials(tiers, tier)
        known, place = np.unique(scan.image_ids[trials], return_inverse=True)
        shown = np.unique(np.stack([place, scan.image_digests[trials]]), axis=1)[0]  # an entry an image
        for each in np.flatnonzero(np.bincount(shown) > 1).tolist():
            if np.ptp(scan.images[trials[place == each]], axis=0).mean() > ANOTHER:
                raise DataError(
                    f"Image id {known[each]} of scan {scan.key} stands for {(shown == each).sum()} different "
                    f"images in {tier} trials; give each image an id of its own in "
                    f"meta/trials/frame_image_id.npy, or such trials the word {LEFT_OUT} in "
                    "meta/trials/tiers.npy."
                )


class Scans(dict[str, Scan]):
    """Scans by key, in the order in which a model has them.

    `left_out` are the keys of those that the model cannot read, since they have no behaviour.
    """

    def __init__(self, scans: Mapping[str, Scan], left_out: Iterable[str] = ()) -> None:
        super().__init__(scans)
        self.left_out = tuple(left_out)

    @property
    def omissions(self) -> tuple[Omission, ...]:
        """The scans that are left out."""
        if not self.left_out:
            return ()
        return (Omission("not_recorded", "scans", self.left_out, len(self) + len(self.left_out)),)


def identity(scans: Mapping[str, Scan]) -> dict[str, Any]:
    """Which scans these are: their keys, and for each the digest of its values, wherever it was read."""
    return {"scans": list(scans)} | {key: _digest(scan) for key, scan in scans.items()}


def _digest(scan: Scan) -> str:
    """Images of an own recording by what they were made of, since other machines may round them otherwise."""
    images = np.array(scan.digest) if scan.digest else scan.images
    values = [images, scan.responses, scan.behaviour, scan.pupil_center, scan.image_ids, scan.rank]
    known = {field: each for field, each in scan.statistics.items() if field != "images" or not scan.digest}
    statistics = [known[field][word] for field in sorted(known) for word in STATISTICS]
    texts = [each.astype("U64") for each in (scan.tiers, scan.trial_ids)]
    return fingerprint(*values, scan.unit_ids, scan.coordinates, *statistics, *texts)


@explain_failure
def load_scan(source: str | Path, packed: str | Path | None = None) -> Scan:
    """The scan in a zip or folder, from its pack in the folder `packed`, which is written if missing.

    By default packs lie under "packed" in the data folder; they are rewritten when the source has
    changed. Raises DataError, naming the array, where the source is damaged or does not fit
    together, or where too little of it can be used, and DiskError where the pack cannot be written.
    """
    folder = Path(packed) if packed is not None else settings.data_folder() / "packed"
    with open_scan(source) as files:
        arrays = read_or_pack(folder, files.key, files.fingerprint, lambda: read_arrays(files))
    return make_scan(files.key, files.fingerprint, arrays)


def make_scan(key: str, fingerprint: str, arrays: dict[str, np.ndarray]) -> Scan:
    """A scan of what `read_arrays` and its like give, without what is left out by their codes."""
    held: dict[str, Any] = {name: arrays.pop(name) for name in ("images", "responses")}  # these stay mapped
    held |= {name: np.array(values) for name, values in arrays.items()}
    statistics = {
        field: {word: held.pop(f"statistics/{field}/{word}") for word in STATISTICS} for field in FIELDS
    }
    ordered = bool(held.pop("ordered"))
    size = held.pop("image_size", None)
    held["image_size"] = None if size is None else (int(size[0]), int(size[1]))
    held |= {"notes": tuple(map(str, held.pop("notes", ()))), "digest": str(held.pop("digest", ""))}
    codes = {pieces: held.pop(f"left_out/{pieces}").astype(int) for pieces in PIECES}
    ids = {"trials": held["trial_ids"], "units": held["unit_ids"]}
    omissions = list_omissions(key, ids, held["tiers"], codes)
    if codes["trials"].any():
        held["tiers"] = np.where(codes["trials"] > 0, LEFT_OUT, held["tiers"])
    if codes["units"].any():
        kept = np.flatnonzero(codes["units"] == 0)
        held |= {name: held[name][kept] for name in ("unit_ids", "coordinates", "response_scale")}
        held["responses"] = np.ascontiguousarray(held["responses"][:, kept])
        statistics["responses"] = {word: known[kept] for word, known in statistics["responses"].items()}
    return Scan(
        key=key,
        fingerprint=fingerprint,
        statistics=statistics,
        ordered=ordered,
        omissions=omissions,
        **held,
    )
