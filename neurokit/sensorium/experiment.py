"""What SENSORIUM is to `neurokit.experiment.Experiment`: its recordings, models, scores and submissions.

A recording is a table of scans by key (a session is a key), a task the trials of each of their mice. `task`,
`build` and `train` are in `neurokit.sensorium.training`, `predict` is in `neurokit.sensorium.prediction`.

Letters: B trials of a part, N neurons.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from torch import nn

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.recordings.conversion import convert as convert_recordings
from neurokit.sensorium.baselines import BASELINES
from neurokit.sensorium.config import MODELS, WITHOUT_BEHAVIOUR, SensoriumConfig, search_space
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.figures import draw
from neurokit.sensorium.folders import has_behaviour
from neurokit.sensorium.prediction import INPUTS, predict, respond
from neurokit.sensorium.recorded import from_recording
from neurokit.sensorium.recording import Scan, Scans, identity
from neurokit.sensorium.scores import (
    COLUMNS,
    ceiling_table,
    explain_ceiling,
    given_to_model,
    list_scored,
    omissions,
    score_table,
    yardsticks,
)
from neurokit.sensorium.sources import describe_scans, load, sessions, simulate
from neurokit.sensorium.submission.entry import submit
from neurokit.sensorium.training import arrays, build, facts, task, train
from neurokit.training.fit import TrainingResult
from neurokit.training.omissions import describe_omissions
from neurokit.training.system import Option, Score

__all__ = [  # besides what stands below
    "COLUMNS",
    "INPUTS",
    "MODELS",
    "arrays",
    "build",
    "draw",
    "explain_ceiling",
    "facts",
    "identity",
    "load",
    "omissions",
    "predict",
    "respond",
    "search_space",
    "sessions",
    "simulate",
    "submit",
    "task",
    "train",
]

NAME = "sensorium"
OPTIONS = (
    Option("behaviour-scale", "behaviour_scale", "of behaviour, where the model reads it: std or range"),
    Option("start", "start", "of readout positions: random or receptive_fields"),
    Option("stimulus", "stimulus", "set of images of a recording of your own (default: most often shown)"),
    Option(
        "window",
        "window",
        "start and end of a response after an image came on, s (default 0.05 0.55), of traces or spikes",
        several=True,
    ),
)
READ = ("behaviour", "shifter", "history", "state", "gain")  # of the model's settings: what it reads
DATA_FIELDS = (*(f"model.{name}" for name in READ), "behaviour_scale", "state", "window", "stimulus")


def default_model(
    *,
    recording: Mapping[str, Scan] | None = None,
    folder: Path | None = None,
    session: Sequence[str] = (),
    seed: int = 0,
) -> str:
    """The model where none is asked for: the first, or the best without behaviour where there is none.

    What is wrong with a folder is said when it is read.
    """
    try:
        found = (
            any(scan.has_behaviour for scan in recording.values())
            if recording is not None
            else folder is None or has_behaviour(folder, session, seed)
        )
    except DataError:
        found = True
    return next(iter(MODELS)) if found else WITHOUT_BEHAVIOUR[0]


def remarks(task: Mapping[str, MouseTrials]) -> tuple[str, ...]:
    """What was assumed of own recordings, or found in them, a sentence each; none of the competition's."""
    return list_remarks({key: mouse.scan for key, mouse in task.items()})


def list_remarks(recording: Mapping[str, Scan]) -> tuple[str, ...]:
    """The same of a recording."""
    return tuple(f"scan {key}: {remark}" for key, scan in recording.items() for remark in scan.remarks)


def describe(recording: Mapping[str, Scan]) -> str:
    """A row a scan: neurons, trials of each tier, behaviour, order; then what is to be said, or left out."""
    left_out = recording.left_out if isinstance(recording, Scans) else ()
    lines = [f"scan {key} is left out: it has no behaviour, which the model reads" for key in left_out]
    lines += list_remarks(recording)
    omissions = (describe_omissions(scan.omissions) for scan in recording.values() if scan.omissions)
    return "\n".join([describe_scans(recording).to_string(index=False), *lines, *omissions])


@explain_failure
def score(result: TrainingResult, task: Mapping[str, MouseTrials], config: SensoriumConfig) -> Score:
    """The correlation on single validation trials, beside that of behaviour alone and the ceiling."""
    name = "validation correlation (single trials, mean over neurons)"
    return Score(-result.best_loss, name, yardsticks(task, config))


@explain_failure
def evaluate(
    model: nn.Module,
    task: Mapping[str, MouseTrials],
    config: SensoriumConfig = SensoriumConfig(),  # noqa: B008  frozen
) -> pd.DataFrame:
    """Test scores by scan of the model and the baselines, and the ceiling where it is known.

    Columns: model, and those of `score_table`; the ceiling of simulated scans has single_trial and spread
    alone, of others it is that of the repeats. Scans whose
    test responses are withheld are left out; DataError where nothing else is there.
    """
    mice = {key: task[key] for key in list_scored({key: mouse.scan for key, mouse in task.items()})}
    if not mice:
        raise DataError(f"{', '.join(task)} withhold all test responses; evaluate on a scan that has some.")
    predictions = {type(model).__name__: predict(model, mice)}
    for name, baseline in BASELINES.items():
        predictions[name] = {key: baseline(mouse) for key, mouse in mice.items()}
    tables = {name: score_table(mice, each) for name, each in predictions.items()}
    if len(best := ceiling_table(mice, given_to_model(config))):
        tables["ceiling"] = best
    found = pd.concat([table.assign(model=name) for name, table in tables.items()], ignore_index=True)
    return found[["model", *found.columns.drop("model")]]


def convert(
    path: str | Path, folder: str | Path, *, session: Sequence[str] = (), format: str = "arrays"
) -> list[str]:
    """Writes a recording that this system can take as arrays, or as an experanto session; see `System`."""
    return convert_recordings(
        path,
        folder,
        session=session,
        to=format,
        make=from_recording,
        describe=describe,
    )
