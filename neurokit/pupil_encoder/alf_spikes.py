"""The spikes of an ALF folder: the good clusters of all probes, and their counts in trials.

Neurons are clusters annotated 2 or higher. Their area is that of the peak channel, counted from 1.

Letters: M spikes, N clusters, K trials, T bins of a trial.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Integer, Shaped

from neurokit.errors import DataError
from neurokit.pupil_encoder.alf_folder import BRAIN_LOCATION, AlfFolder
from neurokit.pupil_encoder.binning import TrialBins, count_spikes
from neurokit.pupil_encoder.doubled import find_second
from neurokit.training.omissions import Omission, leave_out

GOOD_ANNOTATION = 2  # 0 noise, 1 multi-unit, 2 good, 3 unsorted
NEEDED = (
    "spikes.times",
    "spikes.clusters",
    "clusters._phy_annotation",
    "clusters.peakChannel",
    BRAIN_LOCATION,
)


@dataclass(frozen=True)
class Spikes:
    """Spikes of good clusters, and clusters that cannot be used.

    Attributes:
        times: of all spikes, s.
        of_cluster: which cluster each belongs to.
        clusters: numbers of the good clusters, N.
        area: Allen acronym of each, N; empty where it is not known.
        omissions: good clusters that have spikes without a time.
    """

    times: Float[np.ndarray, "M"]
    of_cluster: Int[np.ndarray, "M"]
    clusters: Int[np.ndarray, "N"]
    area: Shaped[np.ndarray, "N"]
    omissions: tuple[Omission, ...] = ()


def read_spikes(folder: AlfFolder) -> Spikes | None:
    """The spikes of the folder; None where a file that is needed is missing.

    Raises DataError for files that do not fit each other.
    """
    if not folder.has(*NEEDED):
        return None
    area, good = _read_areas(folder)
    times, of_cluster = folder.load("spikes.times").astype(float), folder.load("spikes.clusters")
    whole = np.isfinite(of_cluster).all() and (of_cluster == np.floor(of_cluster)).all()
    inside = whole and ((of_cluster >= 0) & (of_cluster < len(good))).all()
    if times.shape != of_cluster.shape or times.ndim != 1 or not inside:
        raise DataError(
            f"{folder.path}/spikes.clusters.npy does not fit: {len(of_cluster)} entries, "
            f"{len(times)} spikes of {len(good)} clusters; the files come from different sessions."
        )
    of_cluster = of_cluster.astype(int)
    folder.check_seconds("spikes.times", times)
    clusters = np.flatnonzero(good)
    untimed = np.isin(clusters, of_cluster[~np.isfinite(times)])
    omissions = leave_out(untimed, clusters, "time_unknown", "units")
    clusters = clusters[~untimed]
    return Spikes(times, of_cluster, clusters, area[clusters], omissions)


def _read_areas(folder: AlfFolder) -> tuple[np.ndarray, np.ndarray]:
    """Allen acronym of every cluster's peak channel, empty off the probe, and which clusters are good."""
    try:
        table = pd.read_csv(folder.path / BRAIN_LOCATION, sep="\t", keep_default_na=False)
    except (ValueError, OSError):  # pandas' own errors for an empty or torn table are ValueErrors
        table = pd.DataFrame()
    annotation = folder.load("clusters._phy_annotation")
    peak = folder.load("clusters.peakChannel").astype(float) - 1
    if "allen_ontology" not in table or len(table) == 0 or peak.shape != annotation.shape:
        raise DataError(
            f"{folder.path}: {BRAIN_LOCATION} needs a column allen_ontology with a row a channel, and the "
            "clusters.* files one entry a cluster."
        )
    names = table["allen_ontology"].to_numpy(dtype=str)
    on_probe = (peak >= 0) & (peak < len(names))
    area = np.where(on_probe, names[np.where(on_probe, peak, 0).astype(int)], "")
    return area, annotation >= GOOD_ANNOTATION


def count_good(spikes: Spikes, bins: TrialBins) -> tuple[Integer[np.ndarray, "N K T"], tuple[Omission, ...]]:
    """The counts of each good cluster in the bins of trials, and spikes that were there twice."""
    chosen = np.flatnonzero(np.isin(spikes.of_cluster, spikes.clusters))
    chosen = chosen[np.argsort(spikes.times[chosen], kind="stable")]
    unit = np.searchsorted(spikes.clusters, spikes.of_cluster[chosen])
    times = spikes.times[chosen]
    second, again = find_second(times, unit, spikes.clusters, "spikes.times")
    if again:
        times, unit = times[~second], unit[~second]
    return count_spikes(times, unit, len(spikes.clusters), bins), again
