"""When a core of other mice pays: a new mouse's twin, by minutes of its recording.

The core is that of the twin that comes with the package, trained on two simulated mice that watched ten
minutes each. A seed draws a new mouse of 100 cells. Its first minutes are fitted by the transferred network,
by the same network from scratch, and by a line on a fixed bank of drifting Gabors, the strongest simple rival
in all earlier studies of these mice; all three choose by the same validation trials. The truth knows the
mouse, and lacks only the noise. The paper's other kind of core, a Conv-LSTM, is trained on the same two mice
for as many epochs and transferred in the same way.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurokit import digital_twin, load_pretrained
from neurokit.digital_twin import MouseParameters, TrialFolder, Video
from pays.study import Study

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

from train_shipped import core

FIRST_MOUSE = 2000  # and the seed; the core knows mice 1000 and 1001
CONFIG = digital_twin.SMALL.with_epochs(4)
MODEL, SIMPLE, CEILING = "transferred core", "Gabor bank + ridge", "truth"
CONVOLUTION = "transferred Conv-LSTM"
Predictor = Callable[[TrialFolder, Sequence[Video], int], Sequence[np.ndarray]]


def run(seed: int, amounts: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    """Median CC_norm on natural video for each number of minutes and model."""
    mouse = MouseParameters(seed=FIRST_MOUSE + seed, minutes=10.0, cells=100, new_clips=0)
    folder = digital_twin.load_simulated_mouse(mouse)
    recording = digital_twin.load_trials(folder / "training_data")
    videos = digital_twin.held_out_videos(folder)["natural"]
    for amount in amounts:
        fitted = recording.part(True)[: round(6 * amount)]  # trials of ten seconds
        short = replace(recording, trials=(*fitted, *recording.part(False)))
        for name, predict in RIVALS.items():
            yield {"amount": amount, "model": name, "score": score(videos, predict(short, videos, seed))}
    expected = digital_twin.load_truth(folder).expected["natural"]
    yield {"amount": None, "model": CEILING, "score": score(videos, expected)}


def score(videos: Sequence[Video], predictions: Sequence[np.ndarray]) -> float:
    """Median over cells."""
    return digital_twin.score_videos(videos, predictions).medians()["cc_norm"]


def transferred(recording: TrialFolder, videos: Sequence[Video], seed: int) -> Sequence[np.ndarray]:
    """The core of other mice, frozen."""
    return trained(recording, videos, seed, load_pretrained("twin").model)


def transferred_convolution(
    recording: TrialFolder, videos: Sequence[Video], seed: int
) -> Sequence[np.ndarray]:
    """A Conv-LSTM of the same mice, frozen; trained on the first call."""
    return trained(recording, videos, seed, digital_twin.load_foundation(core("convolution")))


def from_scratch(recording: TrialFolder, videos: Sequence[Video], seed: int) -> Sequence[np.ndarray]:
    """The same network, as many steps."""
    return trained(recording, videos, seed)


def trained(recording: TrialFolder, videos: Sequence[Video], seed: int, *core: Any) -> Sequence[np.ndarray]:
    """Predictions of a network that is trained on the recording."""
    fit = digital_twin.train_twin(
        recording, CONFIG.replace(seed=seed), *core, device="cpu", show_progress=False
    )
    return digital_twin.predict_videos(digital_twin.DigitalTwin(fit.model, device="cpu"), videos)


RIVALS: dict[str, Predictor] = {
    SIMPLE: lambda recording, videos, seed: digital_twin.motion_energy(recording, videos),
    MODEL: transferred,
    CONVOLUTION: transferred_convolution,
    "from scratch": from_scratch,
}

STUDY = Study(
    # after a look at mouse 1009, which is none of these
    expected="From three minutes on the transferred core is ahead of the bank by more than 0.02 of CC_norm.",
    amount="minutes of the new mouse's recording",
    score="CC_norm on natural video",
    simple=SIMPLE,
    model=MODEL,
    ceiling=CEILING,
    amounts=(1, 3, 9),
    seeds=(10, 11, 12),
    run=run,
    worth=0.02,
)
