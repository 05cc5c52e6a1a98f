"""Integrated gradients of many neurons: captum called once for each neuron and sample, against neurokit.

    python benchmarks/speed_integrated_gradients.py

CNN: the SENSORIUM baseline with a readout of 8,000 neurons; captum asks neuralpredictors' model for each of
100 neurons and each of 50 images, `neuron_attribution` asks ours, which has the same weights.
RNN: a bidirectional PupilEncoder with 100 outputs, 50 samples of 250 bins; both sides ask our model.
50 steps of Gauss and Legendre on both sides.

All of it would take captum most of an hour, so a round times captum on a few neurons of one sample and ours
on all neurons of five samples, different ones in each round. Both are scaled to all neurons and samples, and
the rows say so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

import paired
import peers
from neurokit.attribution import integrated_gradients
from neurokit.pupil_encoder.model import PupilEncoder
from neurokit.sensorium.attribution import FixedState, neuron_attribution
from neurokit.sensorium.config import CNN

AIM = {"CNN": 8.0, "RNN": 2.2}
TOLERANCE = 1e-5  # of a neuron's largest attribution
Model = Callable[[Tensor], Tensor]  # samples to a rate of each neuron


@dataclass(frozen=True)
class Size:
    """How much there is to explain, and how much of it a round times."""

    steps: int = 50
    neurons: int = 100
    samples: int = 50
    peer_neurons: int = 3  # of one sample
    our_samples: int = 5
    readout: int = 8000
    channels: int = 64
    bins: int = 250
    hidden: int = 64


QUICK = Size(
    30, neurons=6, samples=4, peer_neurons=2, our_samples=2, readout=20, channels=4, bins=12, hidden=6
)


def main(arguments: list[str] | None = None) -> list[dict]:
    """Compares, times and reports both networks."""
    options = paired.options(__doc__, arguments)
    size, rounds = (QUICK, 1) if options.quick else (Size(), 5)
    peers.require()
    rows = [measured(size, options.rounds or rounds, *sides(size)) for sides in (cnn, rnn)]
    return paired.report("integrated_gradients", rows, options.quick, steps=size.steps)


def cnn(size: Size) -> tuple[str, Tensor, Model, Model]:
    """The work, the images, captum's model, and ours as a function to all neurons' attributions."""
    from peer_baseline import KEY, pair

    peer, ours = pair(size.readout, CNN.replace(channels=size.channels))
    images = _noise(size.samples, 36, 64)
    with torch.no_grad():
        for core in (peer.core, ours.core):
            core(images[:, None])  # statistics that are not those of a fresh network
    twin, neurons, grey = FixedState(ours.eval().mouse(KEY)), list(range(size.neurons)), torch.zeros(36, 64)
    peer.eval()

    def attributed(part: Tensor) -> Tensor:
        return neuron_attribution(twin, part, grey, neurons, steps=size.steps).values

    return "CNN", images, lambda rows: peer(rows[:, None], data_key=KEY), attributed


def rnn(size: Size) -> tuple[str, Tensor, Model, Model]:
    """The same of the recurrent encoder; what is explained is each output's mean over the bins."""
    torch.manual_seed(0)
    model = PupilEncoder(3, size.neurons, size.hidden).eval()
    samples = _noise(size.samples, size.bins, 3)

    def means(rates: Tensor) -> Tensor:
        return rates.mean(dim=1)

    def attributed(part: Tensor) -> Tensor:
        return integrated_gradients(model, part, torch.zeros_like(part[0]), means, steps=size.steps).values

    return "RNN", samples, lambda rows: means(model(rows)), attributed


def measured(size: Size, rounds: int, network: str, samples: Tensor, peer: Model, ours: Model) -> dict:
    """One row: neurons from the first to the last are compared on one sample of those timed, then timed."""
    several = np.linspace(0, size.neurons - 1, size.peer_neurons).astype(int).tolist()
    last = size.our_samples - 1
    largest = paired.assert_equal(
        _by_neuron(ours(samples[: last + 1])[last, several]),
        _by_neuron(_captum(peer, samples[last : last + 1], size, several)),
        TOLERANCE,
    )
    one, many = _parts(samples, 1), _parts(samples, size.our_samples)
    captum, neurokit = "captum, a call per neuron and sample", "neurokit, forward pass shared"
    works = {captum: lambda: _captum(peer, next(one), size, several), neurokit: lambda: ours(next(many))}
    times = paired.timed(works, rounds)
    total = size.neurons * size.samples
    scales = {captum: total / size.peer_neurons, neurokit: size.samples / size.our_samples}
    times = {name: [scales[name] * each for each in found] for name, found in times.items()}
    return paired.compared(
        times,
        captum,
        neurokit,
        work=f"integrated gradients, {network}, {size.neurons} neurons x {size.samples} samples",
        aim=AIM[network],
        scaled=f"captum from {size.peer_neurons} neurons x 1 sample, neurokit from {size.neurons} neurons x "
        f"{size.our_samples} samples",
        peer_model="neuralpredictors" if network == "CNN" else "neurokit",
        largest_difference=largest,
        tolerance=TOLERANCE,
        threads=torch.get_num_threads(),
        allocator="as it comes",
    )


def _captum(model: Model, sample: Tensor, size: Size, neurons: list[int]) -> Tensor:
    """Captum's attributions of these neurons, one call each."""
    method = IntegratedGradients(model)
    found = [method.attribute(sample, target=neuron, n_steps=size.steps) for neuron in neurons]
    return torch.cat(found)


def _by_neuron(values: Tensor) -> dict[str, Tensor]:
    return {f"neuron {number}": each.float() for number, each in enumerate(values)}


def _parts(samples: Tensor, count: int) -> Iterator[Tensor]:
    return cycle(samples.split(count))


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


if __name__ == "__main__":
    main()
