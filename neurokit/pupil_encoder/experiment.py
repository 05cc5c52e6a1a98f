"""What PupilEncoder is to `neurokit.experiment.Experiment`: its task, models, training, scores.

Letters: K trials, T bins, C channels, R regions.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import nn

from neurokit.errors import DataError
from neurokit.files.atomic import write_output
from neurokit.pupil_encoder import baselines
from neurokit.pupil_encoder.baselines import BASELINES, Prediction, baseline_rates
from neurokit.pupil_encoder.cleaning import RobustScale
from neurokit.pupil_encoder.config import MODELS, PupilConfig, search_space
from neurokit.pupil_encoder.features import (
    BEHAVIOUR,
    BOXCAR,
    PUPIL,
    EncodingTask,
    encoding_task,
    split_trials,
)
from neurokit.pupil_encoder.figures import plot_scores
from neurokit.pupil_encoder.model import PupilEncoder, Rates, TemporalCNN, WindowMLP
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.scores import COLUMNS, score_table, seed_style_column
from neurokit.pupil_encoder.simulated_files import write_alf, write_neuromatch, write_truth
from neurokit.pupil_encoder.simulation import SessionParameters, best_r2, simulate_session
from neurokit.pupil_encoder.sources import default_regions, load, read_truth, sessions
from neurokit.training.checkpoint import Checkpoint, fingerprint
from neurokit.training.device import choose_device
from neurokit.training.fit import Rows, TrainingResult, fit, masked_squared_error
from neurokit.training.predict import evaluating
from neurokit.training.predict import predict as predict_rows
from neurokit.training.system import Option, Score, Simulated

__all__ = ["COLUMNS", "MODELS", "load", "search_space", "sessions"]  # besides what stands below

NAME = "pupil-encoder"
OPTIONS = (
    Option("regions", "regions", "brain regions by their Allen acronyms", several=True),
    Option("inputs", "inputs", "pupil alone, or all behaviour"),
    Option("split", "split", "of trials: random or blocked"),
)
DATA_FIELDS = ("inputs", "split", "regions", "width", "smoothing", "seed")
INPUTS = """\
bin_size (s) and an array for each channel that the model reads, trials x bins, in the units of its recording;
NaN where not measured"""
CHANNELS = {"pupil": PUPIL, "behaviour": BEHAVIOUR}
WINDOW = 1.0  # s, what a perceptron sees on each side of a bin
CLASSES: dict[str, type[nn.Module]] = {"mlp": WindowMLP, "cnn": TemporalCNN}


def describe(recording: TrialRecording) -> str:
    """Neurons, trials, bins, regions and channels."""
    neurons, trials, bins = recording.spikes.shape
    regions = ", ".join(f"{name} {number}" for name, number in recording.regions().items())
    return (
        f"{recording.name}\n"
        f"  {neurons} neurons, {trials} trials, {bins} spike bins of {1000 * recording.bin_size:g} ms\n"
        f"  regions   {regions}\n"
        f"  behaviour {', '.join(recording.behaviour)}"
    )


def identity(recording: TrialRecording) -> dict[str, Any]:
    """Name and values of the file, since cleaning and smoothing may round otherwise elsewhere."""
    names = sorted(recording.behaviour)
    traces = [recording.behaviour[name] for name in names]
    labels = recording.brain_area.astype(str), np.array(names, dtype=str)
    return {"recording": recording.name, "values": fingerprint(recording.spikes, *labels, *traces)}


def task(
    recording: TrialRecording,
    config: PupilConfig = PupilConfig(),  # noqa: B008  frozen
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    device: str = "auto",
) -> EncodingTask:
    """Behaviour and rates of the recording, cleaned, smoothed and split; they stay on the CPU.

    `arrays` are centre and spread of each channel of a trained model. Raises what `encoding_task` does.
    """
    return encoding_task(
        recording,
        split_trials(len(recording.trials), seed=config.seed, kind=config.split),
        regions=config.regions or default_regions(recording),
        channels=CHANNELS[config.inputs],
        width=config.width,
        smoothing=config.smoothing,
        scales=None if arrays is None else _scales(arrays),
    )


def arrays(task: EncodingTask) -> dict[str, np.ndarray]:
    """Centre and spread of each channel."""
    return {name: np.array([scale.centre, scale.spread]) for name, scale in task.scales.items()}


def facts(task: EncodingTask) -> dict[str, Any]:
    """Channels and regions in the model's order, and the bin size, s."""
    return {"channels": list(task.channels), "regions": list(task.regions), "bin_size": task.bin_size}


def build(task: EncodingTask, config: PupilConfig = PupilConfig()) -> nn.Module:  # noqa: B008  frozen
    """An untrained encoder for the task, its rates starting at the training mean."""
    sizes = len(task.channels), len(task.regions), config.hidden
    own: dict[str, dict[str, Any]] = {"mlp": {"window": round(WINDOW / task.bin_size)}, "cnn": {}}
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        kind = CLASSES.get(config.cell, PupilEncoder)
        model = kind(*sizes, layers=config.layers, **own.get(config.cell, {"cell": config.cell}))
    cast(Rates, model.rates).start_at(torch.from_numpy(task.rates[task.bins("train")].mean(axis=0)))
    return model


def train(
    model: nn.Module,
    task: EncodingTask,
    config: PupilConfig = PupilConfig(),  # noqa: B008  frozen
    *,
    device: str = "auto",
    **options: Any,
) -> TrainingResult:
    """Fits the model to training trials and stops on validation trials; `options` go to `fit`.

    Raises DataError for a model whose answers have not the shape of the rates.
    """
    where = choose_device(device)
    training, validation = (rows(task, part, where) for part in ("train", "validation"))
    _check_answers(model.to(where), training)
    return fit(model, masked_squared_error, training, validation, config.fit, **options)


def _check_answers(model: nn.Module, training: Rows) -> None:
    """Of the first two trials; a shape that only broadcasts would be trained on without a word."""
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


def rates(model: nn.Module, task: EncodingTask) -> Prediction:
    """The model's rates for every trial of the task, Hz."""
    return predict_rows(model, torch.from_numpy(task.inputs)).float().cpu().numpy()


def predict(model: nn.Module, task: EncodingTask, part: str = "test") -> Float[np.ndarray, "K T R"]:
    """The model's rates for the trials of one part, Hz."""
    return rates(model, task)[getattr(task.split, part)]


def score(result: TrainingResult, task: EncodingTask, config: PupilConfig) -> Score:
    """The squared error on validation trials, beside that of the mean rate, the PSTH and a linear filter."""
    simple = ("mean rate", "PSTH", "FIR")
    yardsticks = {name: _error(task, BASELINES[name](task)).mean() for name in simple}
    if (best := _best(task, config)) is not None:
        ceiling = (1 - best) * _error(task, baselines.mean_rate(task))
        yardsticks["ceiling"] = ceiling.mean()
    values = {name: float(value) for name, value in yardsticks.items()}
    return Score(result.best_loss, "validation error (Hz², lower is better)", values)


def evaluate(
    model: nn.Module,
    task: EncodingTask,
    config: PupilConfig = PupilConfig(),  # noqa: B008  frozen
) -> pd.DataFrame:
    """Test scores of the model, of every baseline, and of the ceiling where the recording is simulated.

    Columns as in `score_table`, and `seed_style`: the pooled R² as the first PupilEncoder counted, the same
    for all regions of a model. The ceiling has an `r2_mean` alone.
    """
    predictions = {type(model).__name__: rates(model, task)} | baseline_rates(task)
    table = score_table(task, predictions)
    table["seed_style"] = table["model"].map(seed_style_column(task, predictions))
    if (best := _best(task, config)) is None:
        return table
    ceiling = pd.DataFrame({"model": "ceiling", "region": task.regions, "r2_mean": best})
    return pd.concat([table, ceiling], ignore_index=True)


def draw(scores: pd.DataFrame) -> Figure:
    """R² of each model in each region with its interval; dashed: the ceiling."""
    ceiling = scores[scores.model == "ceiling"].set_index("region").r2_mean.to_dict()
    return plot_scores(scores[scores.model != "ceiling"], ceiling=ceiling)


def respond(checkpoint: Checkpoint, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rates (Hz, trials x bins) of each region for behaviour that the model has never seen.

    Raises DataError for a missing channel, another bin size, and shapes that differ.
    """
    facts, scales = checkpoint.facts, _scales(checkpoint.arrays)
    _check_bin_size(arrays.get("bin_size"), facts["bin_size"])
    channels = [_channel(arrays, name, scales[name]) for name in facts["channels"]]
    if len({each.shape for each in channels}) > 1:
        shapes = ", ".join(f"{n} {c.shape}" for n, c in zip(facts["channels"], channels, strict=True))
        raise DataError(f"The channels differ in shape ({shapes}): give each as trials x bins.")
    inputs = torch.from_numpy(np.stack(channels, axis=-1).astype(np.float32))
    found = predict_rows(checkpoint.model, inputs).cpu().numpy()
    return {region: found[..., number] for number, region in enumerate(facts["regions"])}


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


def _scales(arrays: Mapping[str, np.ndarray]) -> dict[str, RobustScale]:
    return {name: RobustScale(float(centre), float(spread)) for name, (centre, spread) in arrays.items()}


def _error(task: EncodingTask, predicted: Prediction) -> Float[np.ndarray, "R"]:
    """Mean squared error of each region over the bins of validation trials, Hz²."""
    bins = task.bins("validation")
    return ((task.rates - predicted)[bins] ** 2).mean(axis=0)


def _best(task: EncodingTask, config: PupilConfig) -> Float[np.ndarray, "R"] | None:
    """The best reachable R² of each region of the task, where it is known: for the usual smoothing alone."""
    usual = (config.width, config.smoothing) == (BOXCAR, "causal")
    if task.truth is None or not usual:
        return None
    truth = read_truth(task.truth)
    best = dict(zip((region["name"] for region in truth.parameters["regions"]), truth.best_r2, strict=True))
    return np.array([best.get(region, np.nan) for region in task.regions])


def _check_bin_size(found: Any, wanted: float) -> None:
    if found is None:
        raise DataError(f"bin_size is missing; the model reads bins of {wanted:g} s, so say that yours are.")
    sizes = np.unique(np.asarray(found, dtype=float))  # a table has it in every row
    if not np.allclose(sizes, wanted):
        raise DataError(
            f"bin_size is {sizes[0]:g} s, and the model reads bins of {wanted:g} s: resample them."
        )


def _channel(arrays: Mapping[str, np.ndarray], name: str, scale: RobustScale) -> Float[np.ndarray, "K T"]:
    """One channel in the model's own scale, 0 where it was not measured."""
    if name not in arrays:
        raise DataError(f"{name} is missing; the inputs hold {', '.join(sorted(arrays))}.")
    values = np.atleast_2d(np.asarray(arrays[name], dtype=float))
    if values.ndim != 2:
        raise DataError(f"{name} has the shape {values.shape}; give trials x bins.")
    return np.where(np.isfinite(values), scale.apply(values), 0.0)
