"""The network of the live twin and the truth beside it, as one module of pictures and behaviour.

Both answer for a few cells of the simulated recording that `v1-images` was trained on, in standard deviations
of each cell's responses. The planted rate is the simulator's (`neurokit.sensorium.simulated_mouse`), with the
eye at its mean place, averaged over what neither picture nor behaviour tells: history, brain state, gain as
they were in all trials of the recording. That average is a function of the cell's excitation, kept at `KNOTS`
points and straight between them.

Letters: B pictures, N all cells, K shown cells, T trials of the recording in order of time, H x W picture
(36 x 64).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurokit import load_pretrained, metrics, sensorium
from neurokit.sensorium.features import behaviour_scaling
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.simulated_mouse import THRESHOLD, Mouse, Terms, filter_output
from neurokit.sensorium.simulation import ScanTruth

KNOTS, LARGEST = (
    65,
    16.0,
)  # points of the average, and the excitation of the last; beyond it is a straight line
SHOWN = 12  # cells: a third each of the best, the middling and the worst predicted


@dataclass(frozen=True)
class Recorded:
    """The simulated recording, its mouse and the shipped network.

    Attributes:
        scan: as a model reads it.
        truth: what was planted in it.
        mouse: the simulated mouse.
        terms: history, brain state and gain of every trial, in order of time.
        images: as shown in order of time, T x H x W.
        model: the shipped network of all its mice, of which there is one.
        unit: the planted rate that one standard deviation of the responses is, N.
    """

    scan: Scan
    truth: ScanTruth
    mouse: Mouse
    terms: Terms
    images: Float[np.ndarray, "T H W"]
    model: nn.Module
    unit: Float[np.ndarray, "N"]


def read_recorded() -> Recorded:
    """Simulates the recording if need be, about ten seconds; raises what `load_pretrained` and `load` do."""
    parameters = sensorium.demo_parameters()[0]
    truth = sensorium.scan_truth(parameters)
    scan = sensorium.load(session=parameters.key, source="demo")[parameters.key]
    in_time = np.argsort(scan.rank)
    images = scan.images[in_time]
    mouse = Mouse(parameters.mouse, parameters.trials)
    stimulus = mouse.stimulus(images)
    _, terms = mouse.respond(stimulus)
    amplitude = (truth.rates[in_time] / mouse.rates(stimulus, terms)).mean(axis=0)  # of the raw scale
    model = load_pretrained("v1-images").model.eval()
    return Recorded(scan, truth, mouse, terms, images, model, 1 / (amplitude * scan.response_scale))


class LiveTwin(nn.Module):
    """Pictures and behaviour in, the network's and the planted rates of the shown cells out."""

    def __init__(self, recorded: Recorded, shown: list[int]) -> None:
        super().__init__()
        self.network, self.shown = recorded.model.mouse(recorded.scan.key), shown
        self.planted = Planted(recorded, shown)

    def forward(
        self, images: Float[Tensor, "B H W"], running: Float[Tensor, "B"], pupil: Float[Tensor, "B"]
    ) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K"]]:
        """`images` in standard deviations of the training pictures; running and pupil from 0 to 1.

        1 is the recording's fastest run and its widest pupil, 0 rest and the narrowest.
        """
        nothing = torch.zeros_like(running)
        behaviour = torch.stack([pupil, nothing, running], dim=1)  # the pupil does not change
        eye = torch.stack([nothing, nothing], dim=1)  # at its mean place
        rates = self.network(images, behaviour, eye)[:, self.shown]
        return rates, self.planted(images, running, pupil)


class Planted(nn.Module):
    """The planted rates of the shown cells, written in torch so that a browser can compute them."""

    even: Tensor
    odd: Tensor
    first_mean: Tensor
    second_mean: Tensor
    is_complex: Tensor
    couplings: Tensor
    lines: Tensor
    knots: Tensor
    start: Tensor
    slopes: Tensor

    def __init__(self, recorded: Recorded, shown: list[int]) -> None:
        super().__init__()
        mouse, cells = recorded.mouse, recorded.mouse.cells
        even, odd = (filters[:, shown] for filters in cells.quadrature)
        knots = np.linspace(0, LARGEST, KNOTS)
        rates = average_rates(mouse, recorded.terms, knots)[:, shown] / recorded.unit[shown]  # knots x K
        steps = np.diff(rates, axis=0) / np.diff(knots)[:, None]
        means = drive_means(recorded)
        values = {
            "even": even,
            "odd": odd,
            "first_mean": means[0][shown],
            "second_mean": means[1][shown],
            "is_complex": cells.complex[shown],
            "couplings": np.stack([mouse.couplings.arousal, mouse.couplings.running])[:, shown],
            "lines": behaviour_lines(recorded),
            "knots": knots[:-1],
            "start": rates[0],
            "slopes": np.diff(steps, axis=0, prepend=0),  # how much steeper each piece is than the last
        }
        for name, each in values.items():
            held = torch.as_tensor(each)
            self.register_buffer(name, held if held.dtype == torch.bool else held.float())
        self.mean_running = float(mouse.brain.running.mean())

    def forward(
        self, images: Float[Tensor, "B H W"], running: Float[Tensor, "B"], pupil: Float[Tensor, "B"]
    ) -> Float[Tensor, "B K"]:
        """Rates in standard deviations of each cell's responses."""
        seen = images.flatten(1)
        even, odd = seen @ self.even, seen @ self.odd
        output = torch.where(self.is_complex, torch.sqrt(even.square() + odd.square() + 1e-12), even.relu())
        drive = (output / self.first_mean - THRESHOLD).relu() / self.second_mean
        arousal = self.lines[0, 0] + self.lines[0, 1] * pupil
        speed = self.lines[1, 0] + self.lines[1, 1] * running
        behaviour = torch.stack([arousal - 0.5, speed - self.mean_running], dim=1)
        excitation = drive * (1 + behaviour @ self.couplings).clamp_min(0.1)
        beyond = (excitation[:, :, None] - self.knots).relu()  # B K knots
        return self.start + (beyond * self.slopes.T).sum(dim=2)


def drive_means(recorded: Recorded) -> tuple[Float[np.ndarray, "N"], Float[np.ndarray, "N"]]:
    """The two means that `image_drive` divides by, over the recording: of the output, and above threshold.

    Only with these is the drive of one more picture on the recording's scale.
    """
    output = filter_output(recorded.mouse.cells, recorded.images, recorded.mouse.brain.eye)
    first = output.mean(axis=0)
    return first, np.maximum(output / first - THRESHOLD, 0).mean(axis=0)


def average_rates(
    mouse: Mouse, terms: Terms, excitations: Float[np.ndarray, "X"]
) -> Float[np.ndarray, "X N"]:
    """Each cell's rate at each excitation, averaged over the terms of all trials."""
    trials, neurons = terms.history.shape
    same = (np.full((trials, neurons), each) for each in excitations)
    return np.stack([mouse.rates(stimulus, terms).mean(axis=0) for stimulus in same])


def behaviour_lines(recorded: Recorded) -> Float[np.ndarray, "2 2"]:
    """Offset and slope from the page's pupil to arousal, and from its running to true running.

    The page's values are what the network reads, cameras' noise included; a straight line through all trials
    says what they stand for.
    """
    brain, known = recorded.mouse.brain, recorded.scan.statistics["behavior"]
    scaled = behaviour_scaling(known, "range").apply(brain.behaviour)
    pairs = ((scaled[:, 0], brain.arousal), (scaled[:, 2], brain.running))
    return np.array([np.polynomial.Polynomial.fit(x, y, 1).convert().coef for x, y in pairs])


def choose_cells(recorded: Recorded, shown: int = SHOWN) -> tuple[list[int], Float[np.ndarray, "N"]]:
    """The cells to show, best first, and how well the network predicts each of all cells.

    A third each of the best, the middling and the worst, by the correlation over test trials with the
    expected response, so that nobody is shown the network's best side alone.
    """
    scan = recorded.scan
    config = sensorium.MODELS["cnn_plus"].small.replace(behaviour_scale="range")
    task = sensorium.task({scan.key: scan}, config, device="cpu")
    predicted = sensorium.predict(recorded.model, task, "test")[scan.key]
    scores = metrics.correlation(recorded.truth.expected[scan.trials("test")], predicted)
    order, third = np.argsort(-scores), shown // 3
    middle = len(order) // 2 - third // 2
    chosen = [*order[:third], *order[middle : middle + third], *order[-third:]]
    return [int(each) for each in chosen], scores
