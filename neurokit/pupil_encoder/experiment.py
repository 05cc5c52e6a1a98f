"""What PupilEncoder is to `neurokit.experiment.Experiment`: its task, models, training, scores.

Letters: K trials, T bins, C channels, R regions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import nn

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, SettingsError
from neurokit.files.atomic import write_output
from neurokit.pupil_encoder.baselines import BASELINES, FILTERS, Prediction, baseline_rates
from neurokit.pupil_encoder.cleaning import PUPIL, RobustScale, clean_channels
from neurokit.pupil_encoder.config import MODELS, PupilConfig, search_space
from neurokit.pupil_encoder.description import describe
from neurokit.pupil_encoder.features import (
    BEHAVIOUR,
    EncodingTask,
    default_regions,
    encoding_task,
)
from neurokit.pupil_encoder.figures import plot_scores
from neurokit.pupil_encoder.model import PupilEncoder, Rates, TemporalCNN, WindowMLP
from neurokit.pupil_encoder.overlapping import split_recording
from neurokit.pupil_encoder.own import from_recording
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.scores import (
    COLUMNS,
    ceiling_table,
    explain_ceiling,
    score,
    score_table,
    seed_style_column,
)
from neurokit.pupil_encoder.simulated_files import best_r2, write_alf, write_neuromatch, write_truth
from neurokit.pupil_encoder.simulation import SessionParameters, simulate_session
from neurokit.pupil_encoder.sources import load, sessions
from neurokit.recordings.conversion import convert as convert_recordings
from neurokit.training.checkpoint import Checkpoint, fingerprint
from neurokit.training.device import choose_device
from neurokit.training.fit import Rows, TrainingResult, fit, masked_squared_error
from neurokit.training.omissions import Omission
from neurokit.training.predict import evaluating
from neurokit.training.predict import predict as predict_rows
from neurokit.training.system import Option, Simulated

__all__ = [
    "COLUMNS",
    "MODELS",
    "describe",
    "explain_ceiling",
    "load",
    "score",
    "search_space",
    "sessions",
]  # besides what stands below

NAME = "pupil-encoder"
OPTIONS = (
    Option("regions", "regions", "brain regions by their Allen acronyms", several=True),
    Option("inputs", "inputs", "pupil alone, or all behaviour"),
    Option("split", "split", "of trials: random or blocked"),
)
DATA_FIELDS = ("inputs", "without", "split", "regions", "width", "smoothing", "seed")
INPUTS = """\
bin_size (s) and an array for each channel that the model reads, trials x bins, in the units of its recording;
NaN where it was not measured; blink may be there, 1 where the camera saw the eye closed"""
CHANNELS = {"pupil": PUPIL, "behaviour": BEHAVIOUR}
WINDOW = 1.0  # s, what a perceptron sees on each side of a bin
CLASSES: dict[str, type[nn.Module]] = {"mlp": WindowMLP, "cnn": TemporalCNN}


def identity(recording: TrialRecording) -> dict[str, Any]:
    """Name and values of the file, since cleaning and smoothing may round otherwise elsewhere."""
    names = sorted(recording.behaviour)
    traces = [recording.behaviour[name] for name in names]
    labels = recording.brain_area.astype(str), np.array(names, dtype=str)
    return {"recording": recording.name, "values": fingerprint(recording.spikes, *labels, *traces)}


@explain_failure
def task(
    recording: TrialRecording,
    config: PupilConfig = PupilConfig(),  # noqa: B008  frozen
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    device: str = "auto",
) -> EncodingTask:
    """Behaviour and rates of the recording, cleaned, smoothed and split; they stay on the CPU.

    A recording without any behaviour becomes a task of rates alone, for baselines. `arrays` are centre and
    spread of each channel of a trained model. Raises what `encoding_task` does, and SettingsError where the
    config leaves no channel.
    """
    channels = tuple(name for name in CHANNELS[config.inputs] if name not in config.without)
    if not channels:
        raise SettingsError(
            f"without leaves nothing of inputs={config.inputs!r} to read; name fewer channels, or use "
            "inputs='behaviour'."
        )
    split, overlapping = split_recording(recording, seed=config.seed, kind=config.split)
    made = encoding_task(
        recording,
        split,
        regions=config.regions or default_regions(recording),
        channels=channels if recording.behaviour else (),
        width=config.width,
        smoothing=config.smoothing,
        scales=None if arrays is None else _scales(arrays),
    )
    return replace(made, omissions=made.omissions + overlapping) if overlapping else made


def explain_untrainable(recording: TrialRecording) -> str:
    """Why no model can be trained on the recording; empty for one that has behaviour."""
    if recording.behaviour:
        return ""
    scored = ", ".join(name for name in BASELINES if name not in FILTERS)
    return (
        f"{recording.name} has no behaviour, and a PupilEncoder reads nothing else: no model is trained. "
        f"`evaluate` scores the baselines that need none: {scored}."
    )


def arrays(task: EncodingTask) -> dict[str, np.ndarray]:
    """Centre and spread of each channel."""
    return {name: np.array([scale.centre, scale.spread]) for name, scale in task.scales.items()}


def _scales(arrays: Mapping[str, np.ndarray]) -> dict[str, RobustScale]:
    return {name: RobustScale(float(centre), float(spread)) for name, (centre, spread) in arrays.items()}


def omissions(task: EncodingTask) -> tuple[Omission, ...]:
    """What reader and task have left out."""
    return task.omissions


def facts(task: EncodingTask) -> dict[str, Any]:
    """Channels and regions in the model's order, the bin size, s, the bins of a trial, and masked shares."""
    return {
        "channels": list(task.channels),
        "regions": list(task.regions),
        "bin_size": task.bin_size,
        "bins": len(task.time),
        "masked": task.masked,
    }


@explain_failure
def build(task: EncodingTask, config: PupilConfig = PupilConfig()) -> nn.Module:  # noqa: B008  frozen
    """An untrained encoder for the task, its rates starting at the training mean.

    Raises DataError for a task of rates alone.
    """
    if not task.channels:
        raise DataError("The task has no channel to read: only baselines can be scored on it.")
    sizes = len(task.channels), len(task.regions), config.hidden
    own: dict[str, dict[str, Any]] = {"mlp": {"window": round(WINDOW / task.bin_size)}, "cnn": {}}
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        kind = CLASSES.get(config.cell, PupilEncoder)
        model = kind(*sizes, layers=config.layers, **own.get(config.cell, {"cell": config.cell}))
    cast(Rates, model.rates).start_at(torch.from_numpy(task.rates[task.bins("train")].mean(axis=0)))
    return model


@explain_failure
def train(
    model: nn.Module,
    task: EncodingTask,
    config: PupilConfig = PupilConfig(),  # noqa: B008  frozen
    *,
    device: str = "auto",
    **options: Any,
) -> TrainingResult:
    """Fits the model to training trials and stops on validation trials; `options` go to `fit`.

    Raises DataError for a model whose answers do not have the shape of the rates.
    """
    where = choose_device(device)
    training, validation = (rows(task, part, where) for part in ("train", "validation"))
    _check_answers(model.to(where), training)
    return fit(model, masked_squared_error, training, validation, config.fit, **options)


def _check_answers(model: nn.Module, training: Rows) -> None:
    """Checks the first two trials; a shape that only broadcasts would be trained on without a word."""
    inputs, rates = (tensor[:2] for tensor in training.tensors[:2])
    with evaluating(model), torch.no_grad():
        answers = model(inputs)
    found = tuple(answers.shape) if isinstance(answers, torch.Tensor) else type(answers).__name__
    if found != tuple(rates.shape):
        raise DataError(
            f"{type(model).__name__} answers {tuple(inputs.shape)} with {found}, and rates have "
            f"{tuple(rates.shape)}: return trials x bins x regions."
        )


def rows(task: EncodingTask, part: str, device: torch.device) -> Rows:
    """Inputs, rates and scored bins of one part's trials, on the device."""
    trials = getattr(task.split, part)
    values = task.inputs[trials], task.rates[trials], task.scored[trials]
    return Rows(*(torch.from_numpy(array) for array in values), device=device)


@explain_failure
def rates(model: nn.Module, task: EncodingTask) -> Prediction:
    """The model's rates for every trial of the task, Hz."""
    return predict_rows(model, torch.from_numpy(task.inputs)).float().cpu().numpy()


@explain_failure
def predict(model: nn.Module, task: EncodingTask, part: str = "test") -> Float[np.ndarray, "K T R"]:
    """The model's rates for the trials of one part, Hz."""
    return rates(model, task)[getattr(task.split, part)]


@explain_failure
def evaluate(
    model: nn.Module | None,
    task: EncodingTask,
    config: PupilConfig = PupilConfig(),  # noqa: B008  frozen
) -> pd.DataFrame:
    """Test scores of the model, of every baseline, and of the ceiling where it is known.

    Without a model (None) they are those of the baselines. Columns as in `score_table`, and `seed_style`: the
    pooled R² as the first PupilEncoder counted, the same for all regions of a model. The ceiling of a
    simulated recording has an `r2_mean` alone, that of a recorded one also an `r2_psth`.
    """
    predictions = {} if model is None else {type(model).__name__: rates(model, task)}
    predictions |= baseline_rates(task)
    table = score_table(task, predictions)
    table["seed_style"] = table["model"].map(seed_style_column(task, predictions))
    best = ceiling_table(task, config)
    return pd.concat([table, best], ignore_index=True) if len(best) else table


def draw(scores: pd.DataFrame) -> Figure:
    """R² of each model in each region with its interval; dashed: the ceiling."""
    ceiling = scores[scores.model == "ceiling"].set_index("region").r2_mean.dropna().to_dict()
    return plot_scores(scores[scores.model != "ceiling"], ceiling=ceiling)


def respond(checkpoint: Checkpoint, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rates (Hz, trials x bins) of each region for behaviour that the model has never seen.

    The channels are cleaned as in training: blinks, failed fits and gaps of NaN in the pupil are bridged by a
    line up to 200 ms, and its position is not read where the area is bad; in all other gaps the model reads
    the training median. Trials may have another length than the model's. Raises DataError for a missing
    channel, another bin size, arrays that differ in shape, infinities, a channel without a measured value,
    and arrays that look transposed: their first axis, and not their second, is as long as the model's trials.
    """
    facts, scales = checkpoint.facts, _scales(checkpoint.arrays)
    _check_bin_size(arrays.get("bin_size"), facts["bin_size"])
    names = [*facts["channels"], *({"blink"} & set(arrays))]
    channels = {name: _find_channel(arrays, name, facts.get("bins")) for name in names}
    if len({each.shape for each in channels.values()}) > 1:
        shapes = ", ".join(f"{name} {each.shape}" for name, each in channels.items())
        raise DataError(f"The channels differ in shape ({shapes}): give each as trials x bins.")
    size, read = facts["bin_size"], tuple(facts["channels"])
    cleaned = clean_channels(channels, read, None, name="inputs", bin_size=size, scales=scales)
    scaled = [clean.scale.apply_where(clean.trusted, clean.values) for clean in cleaned.values()]
    inputs = torch.from_numpy(np.stack(scaled, axis=-1).astype(np.float32))
    found = predict_rows(checkpoint.model, inputs).cpu().numpy()
    return {region: found[..., number] for number, region in enumerate(facts["regions"])}


def _check_bin_size(found: Any, wanted: float) -> None:
    if found is None:
        raise DataError(f"bin_size is missing; the model reads bins of {wanted:g} s, so say that yours are.")
    sizes = np.unique(_to_numbers("bin_size", found))  # a table has it in every row
    if not sizes.size or not np.allclose(sizes, wanted):
        size = f"{sizes[0]:g} s" if sizes.size else "empty"
        raise DataError(f"bin_size is {size}, and the model reads bins of {wanted:g} s: resample them.")


def _find_channel(arrays: Mapping[str, np.ndarray], name: str, bins: int | None) -> Float[np.ndarray, "K T"]:
    """One channel of new behaviour; `bins` are those of the model's trials, where they are known."""
    if name not in arrays:
        raise DataError(f"{name} is missing; the inputs hold {', '.join(sorted(arrays))}.")
    values = np.atleast_2d(_to_numbers(name, arrays[name]))
    if values.ndim != 2 or values.size == 0:
        raise DataError(f"{name} has the shape {values.shape}; give trials x bins.")
    if values.shape[0] == bins != values.shape[1]:
        raise DataError(
            f"{name} has the shape {values.shape}, and the model's trials have {bins} bins: transpose it to "
            "trials x bins, or split it where these are trials."
        )
    if infinite := np.isinf(values).sum():
        raise DataError(f"{name} holds {infinite} infinite values; give NaN where it was not measured.")
    if np.isnan(values).all():
        raise DataError(
            f"{name} is NaN throughout; give measured values, or use a model that does not read it."
        )
    return values


def _to_numbers(name: str, values: Any) -> Float[np.ndarray, "..."]:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} does not hold numbers in one array ({error}); give trials x bins."
        ) from error


def convert(
    path: str | Path, folder: str | Path, *, session: Sequence[str] = (), format: str = "arrays"
) -> list[str]:
    """Writes a recording that this system can take as arrays, or as an experanto session; see `System`."""
    return convert_recordings(
        path, folder, session=session, to=format, make=from_recording, describe=describe
    )


@explain_failure
def simulate(folder: Path, *, seed: int = 0, trials: int | None = None) -> Simulated:
    """Writes one session as Neuromatch npz, as ALF folder, and its truth; raises DiskError and DataError."""
    parameters = SessionParameters(seed=seed)
    if trials is not None:
        parameters = parameters.replace(trials=trials)
    with write_output(folder, "neurokit pupil-encoder simulate") as new:
        session = simulate_session(parameters)
        files = [*write_neuromatch([session], new), write_alf(session, new / "alf")]
        files.append(write_truth(session, new / "truth.npz"))
    best = zip(session.parameters.regions, best_r2(session), strict=True)
    text = "best reachable R²: " + ", ".join(f"{region.name} {value:.2f}" for region, value in best)
    return Simulated(tuple(folder / file.relative_to(new) for file in files), text)
