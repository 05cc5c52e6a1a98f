"""How the readouts of an untrained twin begin: at the fields that a quick map of the training trials shows,
and, on a core that is transferred, with the weights of a ridge regression on its maps.

From the middle of the map a neuron's position follows its gradient by a fraction of a pixel a step, and only
as far as its features see. The released network explores instead: for tens of thousands of steps positions
are drawn from a wide Gaussian. A few hundred steps need a start that is nearly right.

At each place of the retinal image the six products of its derivatives in time and space (the structure
tensor: Bigun and Granlund, ICCV 1987) say how much changes there, and in which direction it moves. Their
roots count, with their signs, or a few frames of natural video would outweigh all others. At every place a
ridge regression predicts each neuron from the six; the field is where it explains most.

A frozen core need not be learned, and what its maps say at a neuron's place is read by a line: the rate,
minus its mean, is regressed on the features there. Gradients have the eye, the state and details to find.

Letters: T frames (30 Hz), R trials, h x w places, P places in a list, U units, F features (C of each of S
streams).
"""

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from neurokit.digital_twin.clips import cut
from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.recording import Trial
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating

PENALTY = 0.1  # of both ridges, for columns of variance 1
SHARPNESS = 8  # power of the explained share that a place counts with, so that the best ones do
DELAY, SMOOTH = 2, 11  # frames: a response follows what was seen, and is about a third of a second wide
LEAD = DELAY + SMOOTH  # first frames of a trial, which do not count
EVERY = 3  # frames; what is smooth over eleven changes little in two
POOL, STRIDE = 6, 2  # side and distance of the squares that products are averaged over, retinal pixels
EDGE = 0.95  # positions begin within this part of the map
CHUNK_SIZE = 30  # frames that go through the core together


def start_positions(network: FoundationNetwork, trials: Iterable[Trial]) -> None:
    """Moves the readout's positions, in place, to where a quick map of the trials puts each field.

    Trials of less than half a second do not count; with no others, nothing is moved.
    """
    long_enough = [trial for trial in trials if len(trial.units) > LEAD]
    if not long_enough:
        return
    places, share = quick_map(network, long_enough)
    weight = (share / share.amax(dim=0).clamp_min(1e-9)).clamp_min(0) ** SHARPNESS
    found = weight.T @ places / weight.sum(dim=0)[:, None]
    mean = network.readout.position.mu
    mean.data.copy_(found.clamp(-EDGE, EDGE).atanh().to(mean))


def start_readouts(network: FoundationNetwork, trials: Iterable[Trial]) -> None:
    """Sets the readout's weights and biases, in place, to a ridge regression on the core's maps.

    Positions are those that the readout has. Trials of less than half a second do not count; with no others,
    nothing is changed.
    """
    long_enough = [trial for trial in trials if len(trial.units) > LEAD]
    if not long_enough:
        return
    parts = [_read(network, trial) for trial in long_enough]
    features, answers = (torch.cat(part) for part in zip(*parts, strict=True))
    weights = readout_weights(features, answers)
    drive = torch.einsum("tfu,uf->tu", features, weights)
    bias = -drive.exp().mean(dim=0).log() if network.settings.unit == "poisson" else -drive.mean(dim=0)
    readout, streams = network.readout, network.settings.streams
    for stream, part in enumerate(weights.chunk(streams, dim=1)):
        readout.feature.weights[stream].data.copy_(part[:, None])
        readout.biases[stream].data.copy_(bias[:, None])


def readout_weights(features: Float[Tensor, "T F U"], answers: Float[Tensor, "T U"]) -> Float[Tensor, "U F"]:
    """Of each unit's features, the weights that follow its answers, both around their means.

    With X of all features divided by one number, so that their mean variance is 1, w solves
    (X'X / T + p) w = X'y / T.
    """
    x, y = features - features.mean(dim=0), answers - answers.mean(dim=0)
    size = x.square().mean().sqrt().clamp_min(1e-9)
    gram = torch.einsum("tfu,tgu->ufg", x, x) / size**2 / len(x)
    with_units = torch.einsum("tfu,tu->uf", x, y) / size / len(x)
    return torch.linalg.solve(gram + PENALTY * torch.eye(x.shape[1]), with_units) / size


def _read(network: FoundationNetwork, trial: Trial) -> tuple[Float[Tensor, "T F U"], Float[Tensor, "T U"]]:
    """What each unit sees at its place, divided by the number of streams, and its responses."""
    video, pupil, behaviour, responses = (
        torch.from_numpy(np.array(part)) for part in cut(trial, slice(None))
    )
    like, streams = first_tensor(network), network.settings.streams
    seen = []
    with evaluating(network), torch.no_grad():
        clip = network.begin()
        place = network.readout.position(clip)[:, None]
        for frames in torch.arange(len(video)).split(CHUNK_SIZE):
            pixels, eye, state = (part[frames].to(like)[:, None] for part in (video, pupil, behaviour))
            image = network.perspective(pixels[:, None] / 255, eye, clip)
            maps = network.core(image, network.modulation(state, clip), clip).flatten(1, 2)
            found = functional.grid_sample(maps, place, padding_mode="border", align_corners=False)
            seen.append(found[0, :, 0].unflatten(0, (len(frames), -1)).cpu() / streams)
    return torch.cat(seen)[LEAD:], responses[LEAD:]


def quick_map(
    network: FoundationNetwork, trials: Iterable[Trial]
) -> tuple[Float[Tensor, "P 2"], Float[Tensor, "P U"]]:
    """Places on the readout's map (x, y), and the share of each unit's variance that is explained there."""
    seen, units = zip(*(_seen(network, trial) for trial in trials), strict=True)
    columns, answers = torch.cat(seen), torch.cat(units)
    rows, width = columns.shape[2:]
    columns = columns.flatten(2)
    columns = (columns - columns.mean(dim=0)) / (columns.std(dim=0) + 1e-9)
    answers = (answers - answers.mean(dim=0)) / (answers.std(dim=0) + 1e-9)
    x, y = (2 * (torch.arange(n) + 0.5) / n - 1 for n in (width, rows))
    places = torch.cartesian_prod(y, x).flip(1)
    return places, torch.stack([_explained(place, answers) for place in columns.unbind(dim=2)])


def _explained(columns: Float[Tensor, "T 6"], answers: Float[Tensor, "T U"]) -> Float[Tensor, "U"]:
    """The share of each unit's variance that the ridge takes off its squared error and penalty."""
    gram = columns.T @ columns / len(columns) + PENALTY * torch.eye(columns.shape[1])
    with_units = columns.T @ answers / len(columns)
    return (with_units * torch.linalg.solve(gram, with_units)).sum(dim=0)


def _seen(network: FoundationNetwork, trial: Trial) -> tuple[Float[Tensor, "T 6 h w"], Float[Tensor, "T U"]]:
    """What changed at each place lately, and the responses, in every third frame."""
    video, pupil, _, responses = cut(trial, slice(None))
    like = first_tensor(network)
    pixels, looks = (torch.from_numpy(np.array(part)).to(like)[:, None] for part in (video, pupil))
    with evaluating(network), torch.no_grad():
        image = network.perspective(pixels[:, None] / 255, looks, network.begin())[:, 0, 0].cpu()
    around = functional.avg_pool2d(_products(image), POOL, STRIDE, POOL // 2 - STRIDE // 2)
    changes = _smooth(around.sign() * around.abs().sqrt())
    return changes[LEAD::EVERY], torch.from_numpy(responses)[LEAD::EVERY]


def _products(image: Float[Tensor, "T h w"]) -> Float[Tensor, "T 6 h w"]:
    """Products of the derivatives of a moving image: in time, along rows and along columns."""
    padded = functional.pad(image[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    right = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    later = torch.diff(image, dim=0, prepend=image[:1])
    pairs = ((later, later), (right, right), (down, down), (right, down), (later, right), (later, down))
    return torch.stack([one * other for one, other in pairs], dim=1)


def _smooth(values: Float[Tensor, "T *rest"]) -> Float[Tensor, "T *rest"]:
    """The mean of the last frames, later by a delay, weighted by a Hamming window."""
    window = torch.hamming_window(SMOOTH, periodic=False)
    series = values.flatten(1).T[:, None]
    before = functional.pad(series, (LEAD - 1, 0), mode="replicate")[..., : len(values) + SMOOTH - 1]
    return functional.conv1d(before, (window / window.sum())[None, None])[:, 0].T.reshape(values.shape)
