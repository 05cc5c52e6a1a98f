"""How well responses are predicted, next to baselines and the best that can be reached.

Letters: B trials of a tier, N neurons.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from neurokit import metrics
from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.sensorium.baselines import behaviour_alone
from neurokit.sensorium.config import SensoriumConfig
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.prediction import single_trial
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.simulation import Given, read_truth
from neurokit.sensorium.training import Mice
from neurokit.training.omissions import Omission, leave_out

COLUMNS = """\
single_trial: correlation over single test trials, mean over neurons; spread: its standard deviation over
neurons; to_average: correlation over images' averages; feve: fraction of explainable variance explained, in
images that were shown twice or more; all: the neurons of all mice"""


@explain_failure
def score_table(
    mice: Mapping[str, MouseTrials], predictions: Mapping[str, Float[np.ndarray, "_ _"]], tier: str = "test"
) -> pd.DataFrame:
    """One row per mouse and one, 'all', over all neurons.

    Columns: mouse, neurons, single_trial, spread (standard deviation over neurons), to_average, feve
    (mean over neurons whose explainable variance is 15 % or more; NaN without repeated images). Raises
    DataError for a tier whose responses the competition withholds.
    """
    tables = [
        _score_neurons(mice[key], predicted, tier).assign(mouse=key) for key, predicted in predictions.items()
    ]
    return _average([*tables, *(table.assign(mouse="all") for table in tables)])


def _average(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """A row a mouse, of tables with a row a neuron."""
    neurons = pd.concat(tables)
    grouped = neurons.groupby("mouse", sort=False, as_index=False)
    return grouped.agg(
        neurons=("single_trial", "size"),
        single_trial=("single_trial", "mean"),
        spread=("single_trial", "std"),
        to_average=("to_average", "mean"),
        feve=("feve", "mean"),
    )


def given_to_model(config: SensoriumConfig) -> Given:
    """What a model of this config is given of a trial, in the words of `ScanTruth.ceiling`."""
    inputs = config.inputs
    return "everything" if inputs.uses_past_responses else "behaviour" if inputs.behaviour else "image"


def ceiling_table(mice: Mapping[str, MouseTrials], given: Given, tier: str = "test") -> pd.DataFrame:
    """Rows as in `score_table`, of a prediction that knows the truth and what is `given`.

    Columns: mouse, neurons, single_trial, spread. Where the truth of any mouse is unknown they are of the
    repeats instead, with all columns: of a prediction that knows what an image does, in the mice that were
    shown an image of the tier again. Empty where none was.
    """
    if not (found := ceiling(mice, given, tier)):
        known = [
            _repeat_ceiling(mouse, tier).assign(mouse=key)
            for key, mouse in mice.items()
            if _again(mouse, tier).any()
        ]
        every = (table.assign(mouse="all") for table in known if len(known) == len(mice))
        return _average([*known, *every]) if known else pd.DataFrame()
    found["all"] = np.concatenate([*found.values()])
    rows = [(key, len(each), float(each.mean()), each.std(ddof=1)) for key, each in found.items()]
    return pd.DataFrame(rows, columns=["mouse", "neurons", "single_trial", "spread"])


@explain_failure
def ceiling(mice: Mapping[str, MouseTrials], given: Given, tier: str) -> dict[str, Float[np.ndarray, "_"]]:
    """The best reachable correlation of each neuron, by mouse; empty where the truth of any is unknown."""
    truths = {key: mouse.scan.truth for key, mouse in mice.items()}
    if None in truths.values():
        return {}
    return {
        key: read_truth(path).ceiling(given, tier, mice[key].tiers, mice[key].scan.unit_ids)
        for key, path in truths.items()
        if path is not None
    }


def explain_ceiling(mice: Mapping[str, MouseTrials], config: SensoriumConfig) -> str:
    """Where the ceiling in the scores comes from, or why there is none, in a line."""
    if not any(mouse.scan.truth is None for mouse in mice.values()):
        return "ceiling: a prediction that knows the simulated mouse and what the model is given"
    scored = list_scored({key: mouse.scan for key, mouse in mice.items()})
    lacking = [key for key in scored if not _again(mice[key], "test").any()]
    reason = "two test images or more must be shown twice or more"
    if lacking == scored:
        return f"no ceiling: {reason}"
    inputs = config.inputs
    others = {
        "behaviour": inputs.behaviour or inputs.pupil_center,
        "past responses": inputs.uses_past_responses,
    }
    read = " and ".join(name for name, reads in others.items() if reads)
    said = (
        "ceiling: from this recording, the most that repeats of test images allow; what differs between them "
    )
    said += f"counts as noise, also what {read} explain" if read else "counts as noise"
    return f"{said}; none in {', '.join(lacking)}: {reason}" if lacking else said


def _again(mouse: MouseTrials, tier: str) -> Bool[np.ndarray, "B"]:
    """The trials of a tier whose image was shown so often that the repeats of these images tell most.

    None where fewer than two images were shown more than once.
    """
    images = mouse.scan.image_ids[mouse.trials(tier).numpy()]
    _, place, shown = np.unique(images, return_inverse=True, return_counts=True)
    told = {each: (each - 1) * int((shown >= each).sum()) for each in np.unique(shown[shown > 1]).tolist()}
    told = {each: worth for each, worth in told.items() if (shown >= each).sum() > 1}
    return shown[place] >= max(told, key=lambda each: told[each], default=np.inf)


def _repeat_ceiling(mouse: MouseTrials, tier: str) -> pd.DataFrame:
    """A row a neuron, of a prediction that knows what each image does: v, the share of a single response's
    variance that repeats, is measured in images that were shown again, and serves for all.
    """
    trials, again = mouse.trials(tier).numpy(), _again(mouse, tier)
    responses, images = mouse.scan.responses[trials], mouse.scan.image_ids[trials]
    known = responses[again]
    v = np.clip(np.nan_to_num(metrics.feve(known, known, images[again]).fraction_explainable), 0, 1)
    noise = (1 - v) * (1 / np.unique(images, return_counts=True)[1]).mean()  # of the averages over repeats
    average = np.sqrt(v / np.where(v + noise > 0, v + noise, 1))
    return pd.DataFrame({"single_trial": np.sqrt(v), "to_average": average, "feve": 1.0})


def yardsticks(mice: Mapping[str, MouseTrials], config: SensoriumConfig) -> dict[str, float]:
    """Correlations on single validation trials, mean over neurons: of behaviour alone, and the ceiling.

    The penalty of the first was chosen on the same trials, which flatters it a little.
    """
    tier = "validation"
    found = {key: single_trial(mouse, tier, behaviour_alone(mouse, tier)) for key, mouse in mice.items()}
    both = {"behaviour alone": found, "ceiling": ceiling(mice, given_to_model(config), tier)}
    return {name: float(np.concatenate([*each.values()]).mean()) for name, each in both.items() if each}


def list_scored(scans: Mapping[str, Scan]) -> list[str]:
    """Keys of the scans whose test responses are known."""
    return [key for key, scan in scans.items() if len(scan.trials("test")) and not scan.withheld("test")]


def shown_once(mouse: MouseTrials, tier: str = "test") -> tuple[Omission, ...]:
    """Images of a tier that FEVE leaves out, by their ids; none where no image is repeated at all."""
    images, shown = np.unique(mouse.scan.image_ids[mouse.trials(tier).numpy()], return_counts=True)
    if not (shown > 1).any() or mouse.scan.withheld(tier):
        return ()
    return leave_out(shown == 1, images, "shown_once", "images", mouse.scan.key, tier)


def omissions(task: Mapping[str, MouseTrials]) -> tuple[Omission, ...]:
    """What reader, task and FEVE have left out, scan by scan."""
    scans = task.omissions if isinstance(task, Mice) else ()
    mice = ((*mouse.omissions, *shown_once(mouse)) for mouse in task.values())
    return (*scans, *itertools.chain.from_iterable(mice))


def _score_neurons(mouse: MouseTrials, predicted: np.ndarray, tier: str) -> pd.DataFrame:
    scan = mouse.scan
    if scan.withheld(tier):
        raise DataError(f"Scan {scan.key} withholds the responses of tier {tier!r}; score another tier.")
    trials = mouse.trials(tier).numpy()
    responses, images = scan.responses[trials], scan.image_ids[trials]
    found = np.full(scan.neurons, np.nan)
    _, place, shown = np.unique(images, return_inverse=True, return_counts=True)
    if (again := shown[place] > 1).any():  # the official score is NaN for all neurons if one image is not
        explained = metrics.feve(responses[again], predicted[again], images[again])
        found = np.where(explained.included, explained.fraction_explained, np.nan)
    return pd.DataFrame(
        {
            "single_trial": metrics.correlation(responses, predicted),
            "to_average": metrics.correlation_to_average(responses, predicted, images),
            "feve": found,
        }
    )
