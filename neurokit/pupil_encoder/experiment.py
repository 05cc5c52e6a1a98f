"""A PupilEncoder from recording to file and back, for `neurokit train` and `evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from torch import nn

from neurokit import settings
from neurokit.errors import CheckpointError
from neurokit.pupil_encoder.features import BEHAVIOUR, PUPIL, EncodingTask, Split, encoding_task, split_trials
from neurokit.pupil_encoder.model import parameter_count
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.sources import default_regions, load_session
from neurokit.pupil_encoder.training import (
    DEFAULTS,
    MODELS,
    Family,
    baseline_rates,
    build_encoder,
    check_sizes,
    encoder_rates,
    score_table,
    seed_style_column,
    train_encoder,
)
from neurokit.training import checkpoint
from neurokit.training.compiling import Compile

Inputs = Literal["pupil", "behaviour"]
ROUNDING = 1e-9  # of a spread, by which scales that were computed elsewhere may differ
CHANNELS = {"pupil": PUPIL, "behaviour": BEHAVIOUR}


@dataclass(frozen=True)
class SavedRun:
    """A finished training run: its weights, and the best validation error (Hz²)."""

    path: Path
    parameters: int
    best_epoch: int
    best_loss: float


def prepare(
    inputs: Inputs = "pupil", split: str = "random", seed: int = 0
) -> tuple[TrialRecording, EncodingTask]:
    """The source's recording and its task; on the demo source `seed` picks the simulated session too."""
    recording = load_session(seed=seed)
    trials = split_trials(len(recording.trials), seed=seed, kind=split)
    return recording, encoding_task(
        recording, trials, regions=default_regions(recording), channels=CHANNELS[inputs]
    )


def train_and_save(
    inputs: Inputs = "pupil",
    split: str = "random",
    seed: int = 0,
    *,
    cell: Family = "gru",
    hidden: int = 27,
    layers: int = 1,
    epochs: int = 60,
    device: str = "auto",
    compile: Compile = "none",
) -> SavedRun:
    """Fits an encoder to the source's recording and saves it; a killed run goes on.

    `cell` is a recurrent cell, or 'mlp' or 'cnn'. Each cell, size, split and seed has a file of its own; only
    another number of epochs takes the place of the one before. Raises SettingsError for an unknown cell, and
    what loading and training do.
    """
    path = encoder_path(inputs, split, seed, cell=cell, hidden=hidden, layers=layers)
    recording, task = prepare(inputs, split, seed)
    encoder = build_encoder(task, cell=cell, hidden=hidden, layers=layers, seed=seed)
    unfinished = path.with_name(f"{path.name}-{epochs}.training")
    fitted = train_encoder(
        task,
        encoder,
        DEFAULTS.replace(epochs=epochs, seed=seed),
        device=device,
        compile=compile,
        checkpoint=unfinished,
    )
    facts = {"best_loss": fitted.best_loss, **_facts(recording, task)}
    saved = checkpoint.save(encoder, path, encoder.configuration, **facts)
    unfinished.unlink()
    return SavedRun(saved, parameter_count(encoder), fitted.best_epoch, fitted.best_loss)


def is_saved(path: Path) -> bool:
    """Whether an encoder lies at that path."""
    return path.with_name(f"{path.name}.json").is_file()


def evaluate_saved(
    inputs: Inputs = "pupil",
    split: str = "random",
    seed: int = 0,
    *,
    cell: Family = "gru",
    hidden: int = 27,
    layers: int = 1,
) -> pd.DataFrame:
    """Test scores of the saved encoder and of every baseline; where none is saved it is trained
    first.

    Column `seed_style` is the pooled R² as the first PupilEncoder counted, ramp included, the same
    for all regions of a model. Raises CheckpointError where the saved encoder is another one or was
    fitted to other data.
    """
    sizes = {"cell": cell, "hidden": hidden, "layers": layers}
    path = encoder_path(inputs, split, seed, **sizes)
    recording, task = prepare(inputs, split, seed)
    if not is_saved(path):
        train_and_save(inputs, split, seed, **sizes)
    encoder, description = checkpoint.load(path, MODELS[cell])
    _check_same_data(description, _facts(recording, task), path)
    if description["configuration"] != build_encoder(task, **sizes).configuration:
        raise CheckpointError(
            f"{path} holds an encoder of another cell or size: remove it and train again, or ask for "
            "what it was made with."
        )
    return _table(encoder, recording, task)


def encoder_path(
    inputs: Inputs = "pupil",
    split: str = "random",
    seed: int = 0,
    *,
    cell: Family = "gru",
    hidden: int = 27,
    layers: int = 1,
) -> Path:
    """Where an encoder of the source is saved, without suffix; the same for any number of epochs.

    Raises SettingsError for an unknown cell or a size below 1.
    """
    check_sizes(cell, hidden, layers)
    name = f"pupil-encoder-{settings.source()}-{inputs}-{split}-{seed}-{cell}-{hidden}-{layers}"
    return settings.data_folder() / "checkpoints" / name


def _table(encoder: nn.Module, recording: TrialRecording, task: EncodingTask) -> pd.DataFrame:
    rates = {type(encoder).__name__: encoder_rates(encoder, task)}
    predictions = rates | baseline_rates(task, recording.trials)
    table = score_table(task, predictions)
    table["seed_style"] = table["model"].map(seed_style_column(task, predictions))
    return table


def _facts(recording: TrialRecording, task: EncodingTask) -> dict[str, Any]:
    """What must travel with an encoder: names, scales, bin size, and which data."""
    return {
        "recording": recording.name,
        "channels": list(task.channels),
        "region_names": list(task.regions),
        "scales": {channel: [scale.centre, scale.spread] for channel, scale in task.scales.items()},
        "bin_size": task.bin_size,
        "data": _fingerprint(recording, task.split),
    }


def _fingerprint(recording: TrialRecording, split: Split) -> str:
    """Which data: those of the file, since cleaning and smoothing may round otherwise elsewhere."""
    names = sorted(recording.behaviour)
    traces = [recording.behaviour[name] for name in names]
    labels = recording.brain_area.astype(str), np.array(names, dtype=str)
    return checkpoint.fingerprint(recording.spikes, *labels, *traces, split.train)


def _check_same_data(found: dict[str, Any], wanted: dict[str, Any], path: Path) -> None:
    different = [key for key, value in wanted.items() if key != "scales" and found.get(key) != value]
    if not _same_scales(found.get("scales"), wanted["scales"]):
        different.append("scales")
    if different:
        raise CheckpointError(
            f"{path} was fitted to other data ({', '.join(different)} differ): train it again, "
            "or use the source and seed it was made with."
        )


def _same_scales(found: Any, wanted: dict[str, list[float]]) -> bool:
    """Whether both have the same channels and, but for rounding, the same centres and spreads."""
    if not isinstance(found, dict) or found.keys() != wanted.keys():
        return False
    theirs, ours = (np.array([each[name] for name in wanted]) for each in (found, wanted))
    return theirs.shape == ours.shape and bool((np.abs(theirs - ours) <= ROUNDING * ours[:, 1:]).all())
