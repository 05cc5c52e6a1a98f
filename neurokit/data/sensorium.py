"""Scans of the SENSORIUM 2022 competition (Willeke et al., 2022): still images, two-photon responses.

Seven mice looked at grey natural images while layer 2/3 of their primary visual cortex was imaged;
each scan is a zip of one array per trial and field. `load_scan` reads it, packs it once, and maps
the pack into memory from then on.

Letters: T trials of a scan in the order of its file names (random in time), N neurons.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from neurokit import settings
from neurokit.data.scan_arrays import STATISTICS, read_arrays
from neurokit.data.scan_files import opened_scan
from neurokit.data.scan_pack import packed_arrays
from neurokit.data.scan_trials import FIELDS, TIERS
from neurokit.errors import DataError


@dataclass(frozen=True)
class PublishedScan:
    """What is known of a published scan: its zip, the track that scores it ('' for none) and its size."""

    archive: str
    track: str
    neurons: int
    trials: int


def _published(key: str, track: str, neurons: int, trials: int) -> PublishedScan:
    archive = f"static{key}-GrayImageNet-94c6ff995dac583098847cfecd43e7b6.zip"
    return PublishedScan(archive, track, neurons, trials)


SCANS = {
    key: _published(key, *facts)
    for key, facts in {
        "26872-17-20": ("SENSORIUM", 7776, 6955),
        "27204-5-13": ("SENSORIUM+", 7538, 6959),
        "21067-10-18": ("", 8372, 5994),
        "22846-10-16": ("", 7344, 5997),
        "23343-5-17": ("", 7334, 5951),
        "23656-14-22": ("", 8107, 5966),
        "23964-4-22": ("", 8098, 5983),
    }.items()
}


@dataclass(frozen=True, eq=False)
class Scan:
    """One scan: what a mouse saw, what its neurons and its eye and legs did, trial by trial.

    Attributes:
        key: animal, session and scan, such as "27204-5-13".
        images: z-scored with the scan's own statistics and shrunk to 36 x 64 pixels, T x 36 x 64;
            read-only, mapped from the pack.
        responses: deconvolved activity on the competition's scale (raw times `response_scale`, at
            or above 0), T x N; zero where withheld; read-only, mapped from the pack.
        behaviour: raw pupil size, its change in time, running speed, T x 3; all zero where the
            scan has none.
        pupil_center: raw horizontal and vertical eye position, T x 2.
        tiers: train, validation, test or final_test, T.
        image_ids: equal where the same image was shown, T.
        trial_ids: the scan's own names of trials, T: integers in the order of presentation, or
            texts in the scans of the competition.
        rank: place of each trial in the order of presentation, 0 to T - 1, T.
        unit_ids: the scan's own numbers of neurons, N, ascending from 1 with gaps.
        coordinates: place of each neuron in the cortex, x, y, z, micrometres, N x 3.
        response_scale: what raw responses were multiplied with, N.
        statistics: of "behavior", "pupil_center", "responses" and "images": "mean", "std", "min",
            "max" and "median" of the raw values, as the publisher computed them.
        fingerprint: of the files that the scan was read from; another where any of them changed.
        ordered: False where the scan tells nothing of the order of its trials; `rank` is then only
            the order of the files, and nothing that depends on time may be fitted to it.
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
    unit_ids: Int[np.ndarray, "N"]
    coordinates: Float[np.ndarray, "N 3"]
    response_scale: Float[np.ndarray, "N"]
    statistics: dict[str, dict[str, np.ndarray]]
    fingerprint: str
    ordered: bool = True

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.responses.shape[1]

    @property
    def has_behaviour(self) -> bool:
        """Whether pupil and running were published; they are all zero where not."""
        return bool(self.behaviour.any())

    def trials(self, tier: str) -> Int[np.ndarray, "K"]:
        """File indices of a tier, ascending, none for a tier without trials; DataError for another word."""
        if tier not in TIERS:
            raise DataError(f"{tier!r} is no tier: choose one of {', '.join(TIERS)}.")
        return np.flatnonzero(self.tiers == tier)

    def withheld(self, tier: str) -> bool:
        """Whether the tier has trials and all their responses are zero, as the competition's test has."""
        trials = self.trials(tier)
        return bool(len(trials)) and not self.responses[trials].any()


def load_scan(source: str | Path, packed: str | Path | None = None) -> Scan:
    """The scan in a zip or folder, from its pack in the folder `packed`, made where there is none.

    By default packs lie under "packed" in the data folder; they are made anew when the source has
    changed. Raises DataError, naming the array, where the source is damaged or does not fit
    together, and DiskError where the pack cannot be written.
    """
    folder = Path(packed) if packed is not None else settings.data_folder() / "packed"
    with opened_scan(source) as files:
        arrays = packed_arrays(folder, files.key, files.fingerprint, lambda: read_arrays(files))
    return _scan(files.key, files.fingerprint, arrays)


def _scan(key: str, fingerprint: str, arrays: dict[str, np.ndarray]) -> Scan:
    mapped = {name: arrays.pop(name) for name in ("images", "responses")}
    held = {name: np.array(values) for name, values in arrays.items()}
    statistics = {
        field: {word: held.pop(f"statistics/{field}/{word}") for word in STATISTICS} for field in FIELDS
    }
    ordered = bool(held.pop("ordered"))
    return Scan(key=key, fingerprint=fingerprint, statistics=statistics, ordered=ordered, **mapped, **held)
