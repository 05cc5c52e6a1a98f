"""What a trained model predicts: rates for the trials of a part, and for images that it has never seen.

Letters: B images or trials of a part, H x W image, C values of a trial, N neurons.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from neurokit import metrics
from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.sensorium.config import SensoriumConfig
from neurokit.sensorium.features import MouseTrials, Scaling, drop_sign, scale_images
from neurokit.sensorium.grid import SIZES
from neurokit.sensorium.limits import GREYS, grey_limits
from neurokit.sensorium.model import MiceModel
from neurokit.sensorium.standardised import BEHAVIOUR, PUPIL_CENTER
from neurokit.training.checkpoint import Checkpoint
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating, fill_rows, predicting_as_in_training

Mode = Literal["evaluation", "training"]
MODES = {"evaluation": evaluating, "training": predicting_as_in_training}
FAR = 20  # standard deviations of the pupil's centre from its mean: no eye looks there
CHUNK_SIZE = 256  # images
INPUTS = """\
images (B x 144 x 256 or B x 36 x 64, grey values 0 to 255 as in the scan's files; of an own recording in its
size and unit); where the model reads them
behaviour (B x 3: pupil size, its change, running speed) and pupil_center (B x 2), raw as in the scan's files;
session (the key of the scan whose neurons are asked, where the model has several)"""


@explain_failure
def predict(
    model: nn.Module,
    task: Mapping[str, MouseTrials],
    part: str = "test",
    *,
    mode: Mode = "evaluation",
    batch_size: int = 256,
) -> dict[str, Float[np.ndarray, "_ _"]]:
    """Rates B N for the trials of a part, a tier of the files, in ascending file order, by mouse.

    The model stays as it was. Mode 'training' reproduces the published Model 4 submission, which was
    predicted with random readout positions and the statistics of the test batch; use it for nothing else. It
    draws from torch's global generator. Raises DataError for another mode, part or mouse.
    """
    if mode not in MODES:
        raise DataError(f"mode is {mode!r}; use one of {', '.join(MODES)}.")
    with MODES[mode](model), torch.no_grad():
        return {key: _predict_mouse(model, mouse, part, batch_size) for key, mouse in task.items()}


def _predict_mouse(model: nn.Module, mouse: MouseTrials, tier: str, batch_size: int) -> np.ndarray:
    view, trials = cast(MiceModel, model).mouse(mouse.scan.key), mouse.trials(tier)
    parts = (view(**batch.inputs) for batch in mouse.batches(trials, batch_size))
    return fill_rows(parts, torch.empty(len(trials), mouse.scan.neurons)).numpy()


@explain_failure
def single_trial(mouse: MouseTrials, tier: str, predicted: np.ndarray) -> Float[np.ndarray, "N"]:
    """Correlation of each neuron over the single trials of a tier."""
    return metrics.correlation(mouse.scan.responses[mouse.trials(tier).numpy()], predicted)


def respond(checkpoint: Checkpoint, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """`rates` B N for inputs as INPUTS says, on the competition's scale; neurons in the order of the scan.

    Raises DataError for a model that reads past responses, an unknown session, and arrays that are missing,
    not read by the model, or of other sizes or units.
    """
    if checkpoint.facts["uses_past_responses"]:
        raise DataError(
            "This model reads past responses (history, state or gain), which an image that was never shown "
            "has not: ask a model without these, such as cnn_plus."
        )
    key = _choose_session(arrays, list(checkpoint.facts["unit_ids"]))
    held = {name.partition("/")[2]: a for name, a in checkpoint.arrays.items() if name.startswith(f"{key}/")}
    inputs = _scale_inputs(arrays, held, SensoriumConfig.from_dict(checkpoint.facts["config"]))
    if len({len(values) for values in inputs.values()}) > 1:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in inputs.items())
        raise DataError(f"The inputs differ in length ({lengths}): give one row for each image.")
    return {"rates": _compute_rates(cast(MiceModel, checkpoint.model).mouse(key), inputs)}


def _scale_inputs(
    arrays: Mapping[str, np.ndarray], scales: Mapping[str, np.ndarray], config: SensoriumConfig
) -> dict[str, Tensor]:
    """What the model reads, by name."""
    kind, inputs = config.inputs.behaviour, config.inputs
    read = {"images": True, "behaviour": kind is not None, "pupil_center": inputs.pupil_center}
    if ignored := [name for name, used in read.items() if name in arrays and not used]:
        raise DataError(f"This model would ignore {', '.join(ignored)}; leave it out.")
    found = {
        "images": scale_images(_read_images(arrays, scales), scales["images_mean"], scales["images_std"])
    }
    if kind is not None:
        scaling = _read_scaling("behaviour", scales)
        raw = drop_sign(_read_values(arrays, "behaviour", BEHAVIOUR, scaling), kind)
        found["behaviour"] = scaling.apply(raw)
    if inputs.pupil_center:
        found["pupil_center"] = _scale_pupil_center(arrays, _read_scaling("pupil_center", scales))
    return {name: torch.from_numpy(values) for name, values in found.items()}


def _compute_rates(view: nn.Module, inputs: Mapping[str, Tensor]) -> Float[np.ndarray, "B N"]:
    device = first_tensor(view).device
    with evaluating(view), torch.no_grad():
        parts = [
            view(**{name: values[start : start + CHUNK_SIZE].to(device) for name, values in inputs.items()})
            for start in range(0, len(inputs["images"]), CHUNK_SIZE)
        ]
    return torch.cat(parts).cpu().numpy()


def _choose_session(arrays: Mapping[str, np.ndarray], keys: Sequence[str]) -> str:
    asked = [str(name) for name in np.ravel(arrays["session"])] if "session" in arrays else list(keys)
    if len(asked) != 1 or asked[0] not in keys:
        found = f"session is {', '.join(asked)}" if "session" in arrays else "session is missing"
        raise DataError(f"{found}; name one of the model's scans: {', '.join(keys)}.")
    return asked[0]


def _read_array(
    arrays: Mapping[str, np.ndarray], name: str, used: Bool[np.ndarray, "_"] | bool = True
) -> Float[np.ndarray, "B *rest"]:
    """Numbers, finite where they are `used`."""
    if name not in arrays:
        raise DataError(f"{name} is missing; the inputs hold {', '.join(sorted(arrays)) or 'nothing'}.")
    values = np.asarray(arrays[name])
    if values.dtype.kind not in "uif" or not (np.isfinite(values) | ~np.asarray(used)).all():
        raise DataError(f"{name} holds {values.dtype} values, not all of them finite numbers; give these.")
    return values.astype(float)


def _read_images(
    arrays: Mapping[str, np.ndarray], scales: Mapping[str, np.ndarray]
) -> Float[np.ndarray, "B H W"]:
    images, own = _read_array(arrays, "images"), "images_size" in scales
    known = (tuple(scales["images_size"].astype(int).tolist()),) if own else SIZES
    if images.ndim != 3 or images.shape[1:] not in known or not len(images):
        sizes = " or ".join(f"images x {height} x {width}" for height, width in known)
        raise DataError(f"images has the shape {images.shape}; give {sizes}.")
    least, most = images.min(), images.max()
    if own:
        low, high = grey_limits(scales["images_min"], scales["images_max"])
        if least < low or most > high:
            raise DataError(
                f"images holds values from {least:.3g} to {most:.3g}; give them in the unit of the "
                f"recording, from {low:.3g} to {high:.3g}."
            )
        return images
    if least < 0 or most > GREYS or 0 < most <= 1:
        raise DataError(
            f"images holds values from {least:.3g} to {most:.3g}; give grey values from 0 to {GREYS:g}."
        )
    return images


def _read_values(
    arrays: Mapping[str, np.ndarray], name: str, width: int, scaling: Scaling
) -> Float[np.ndarray, "B C"]:
    """Raw values; those of a channel that the scan left out may be NaN, since the model reads 0."""
    shape = np.shape(arrays.get(name, np.zeros((1, width))))
    if len(shape) != 2 or shape[1] != width:
        raise DataError(f"{name} has the shape {shape}; give images x {width}.")
    used = scaling.spread > 0
    return np.where(used, _read_array(arrays, name, used), 0)


def _scale_pupil_center(arrays: Mapping[str, np.ndarray], scaling: Scaling) -> Float[np.ndarray, "B 2"]:
    scaled = scaling.apply(_read_values(arrays, "pupil_center", PUPIL_CENTER, scaling))
    if (distance := np.abs(scaled).max(initial=0)) > FAR:
        raise DataError(
            f"pupil_center lies {distance:.0f} standard deviations from the scan's mean "
            f"({', '.join(f'{value:.3g}' for value in scaling.start)}); give it in the units of the scan."
        )
    return scaled


def _read_scaling(name: str, scales: Mapping[str, np.ndarray]) -> Scaling:
    return Scaling(scales[f"{name}_start"], scales[f"{name}_spread"])
