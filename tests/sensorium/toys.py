"""Small scans made in memory and small configs, for the tests of training on SENSORIUM scans.

Letters: T trials (60), N neurons (7 unless said otherwise).
"""

from collections.abc import Sequence

import numpy as np
import torch

from neurokit.sensorium.config import CNN, CNN_PLUS, MODEL_4, SensoriumConfig
from neurokit.sensorium.past_responses import StateSettings
from neurokit.sensorium.recording import Scan
from neurokit.training.settings import FitSettings

SMALL = {"channels": 4, "layers": 2, "input_kernel": 5, "hidden_kernel": 3}
BRIEF = FitSettings(epochs=2, batch_size=16, learning_rate=0.009, clip=None, patience=None, seed=3)
STATE = StateSettings(components=6, rank=4, factors=10)
PLAIN = SensoriumConfig(model=CNN.replace(**SMALL), fit=BRIEF, seed=11)
PLUS = PLAIN.replace(model=CNN_PLUS.replace(**SMALL))
FULL = SensoriumConfig(
    model=MODEL_4.replace(**SMALL, position_layers=1),
    fit=BRIEF,
    behaviour_scale="range",
    state=STATE,
    seed=11,
)
CONFIGS = {"plain": PLAIN, "plus": PLUS, "full": FULL}
GREYS = {"mean": 110.0, "std": 50.0, "min": 0.0, "max": 255.0, "median": 108.0}  # of images before scaling


def toy_scan(
    number: int = 0, *, trials: int = 60, neurons: int = 7, behaviour: bool = True, ordered: bool = True
) -> Scan:
    """Noise images; responses follow the image's mean brightness in a place of each neuron's own.

    Of 60 trials 12 are test trials (four images, three times each), 8 validation ones.
    """
    random = np.random.default_rng([17, number])
    image_ids, tiers = np.arange(trials), np.full(trials, "train", dtype="<U10")
    places = random.permutation(trials)
    tiers[places[:12]], tiers[places[12:20]] = "test", "validation"
    image_ids[places[:12]] = np.repeat(places[:4], 3)
    images = random.standard_normal((trials, 36, 64)).astype(np.float32)[image_ids]
    drive = images[:, 8:28, 10:45].mean(axis=(1, 2))[:, None] * 30 + random.standard_normal(neurons)
    responses = np.maximum(drive, 0) + random.gamma(1.0, 0.3, (trials, neurons))
    raw = random.gamma(4.0, 1.0, (trials, 3)) * [1, 0, 1] + random.standard_normal((trials, 3)) * [0, 1, 0]
    raw, eye = (values * behaviour for values in (raw, 40 + random.standard_normal((trials, 2))))
    return Scan(
        key=f"9{number:04d}-1-1",
        images=images,
        responses=responses.astype(np.float32),
        behaviour=raw,
        pupil_center=eye,
        tiers=tiers,
        image_ids=image_ids,
        trial_ids=np.arange(trials),
        rank=random.permutation(trials),
        unit_ids=np.arange(1, neurons + 1),
        coordinates=random.uniform(-300, 300, (neurons, 3)),
        response_scale=np.ones(neurons),
        statistics={
            "behavior": _statistics(raw),
            "pupil_center": _statistics(eye),
            "images": {word: np.array(value) for word, value in GREYS.items()},
        },
        fingerprint=f"toy {number} {trials} {neurons}",
        ordered=ordered,
    )


def toy_scans(numbers: Sequence[int] = (0, 1)) -> dict[str, Scan]:
    """Scans of 60, 48, 36 ... trials, by key; a function that another process can import."""
    scans = [toy_scan(number, trials=60 - 12 * number, neurons=7 + number) for number in numbers]
    return {scan.key: scan for scan in scans}


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of everything that is learned or counted."""
    return {name: values.clone() for name, values in model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether all agree bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _statistics(values: np.ndarray) -> dict[str, np.ndarray]:
    words = {"mean": np.mean, "std": np.std, "min": np.min, "max": np.max, "median": np.median}
    return {word: function(values, axis=0) for word, function in words.items()}
