"""Where attention pays: cells that answer to what moves otherwise than the rest of the picture.

A textured ground drifts to the left or to the right and turns at random times; on it stand eight discs, whose
textures drift and turn by themselves. A simulated cell looks at one disc. A share of what it does is the
motion energy of its own field in its own direction, and that share a line through motion energies reads. The
rest is motion contrast: it is large where disc and ground drift apart, whichever way, and small where they
drift together, as in object-motion cells of the retina (Olveczky, Baccus and Meister, Nature 423, 401-408,
2003) and, by suppression from the surround, in visual cortex. No weighted sum of energies has it: it is a
product of the direction here and the direction elsewhere. Running multiplies all of it. Calcium, noise,
network and line are those of lesson 08; a seed draws the mouse, all see the same movie.

What is it in the network that does it? Where motion contrast is all, three changed networks are trained too,
each from the same seed: one without its blocks, and two that keep blocks, perceptrons, norms and residual
connections, and lose the weights of attention alone. In one of these each token gets the plain mean of all
values ("equal weights"), in the other its own value ("no mixing").

Letters: F frames, H x W pixels, J places, N cells, R repeats, E end frames, A sequences of L tokens, D width.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from neurokit.metrics.repeats import repeat_scores
from neurokit.simulation.movie_cells import (
    MovieCells,
    calcium,
    draw_movie_cells,
    event_rates,
    filter_output,
    gabor_products,
    respond,
    running_gain,
)
from neurokit.v1_transformer import (
    ClipShape,
    MovieTask,
    TransformerConfig,
    build,
    frame_responses,
    motion_energy_times_running,
    predict,
    split_movie,
    train,
)
from neurokit.v1_transformer.clips import MovieSplit
from neurokit.v1_transformer.config import SMALL
from neurokit.v1_transformer.model import Attention
from neurokit.v1_transformer.simulation import simulate_speed
from pays.study import Study

HEIGHT, WIDTH, RATE = 20, 40, 30.0  # pixels; frames, and samples of the microscope, per second
MINUTES, REPEATS, CELLS = 5.0, 8, 60
ROWS, COLUMNS, RADIUS = (5.0, 14.0), (5.0, 15.0, 25.0, 34.0), 4.0  # of the discs, pixels
GROUND = [(9.5, x) for x in (0, 10, 20, 30, 39)] + [(y, x) for y in (1, 18) for x in (10, 20, 30)]
SPEED, STAY = 10.0, 0.7  # pixels per second; seconds between two turns, mean
PEAK, SPREAD, FREQUENCY = 7.0, 2.5, 1.4  # wavelength and width of a direction filter (pixels), Hz
SCATTER, THRESHOLD = 0.7, 0.3  # of fields around discs, pixels; of a cell's mean drive
LINE, NETWORK, CEILING = "motion energy × running", "V1 Transformer", "ceiling"
EQUAL, ALONE, BARE = (f"{NETWORK}{how}" for how in (", equal weights", ", no mixing", " without its blocks"))
CONFIG = SMALL.with_epochs(6)
WITHOUT = CONFIG.replace(model=CONFIG.model.replace(spatial_layers=0, temporal_layers=0))


@lru_cache(maxsize=1)
def movie() -> np.ndarray:
    """Grey values of a ground and eight discs that drift by themselves, F H W, uint8."""
    random, frames = np.random.default_rng([0, 5]), int(MINUTES * 60 * RATE)
    drawn = _drifting(frames, random)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for row in ROWS:
        for column in COLUMNS:
            disc = np.clip(RADIUS + 0.5 - np.hypot(y - row, x - column), 0, 1)
            drawn += (_drifting(frames, random) - drawn) * disc
    return np.clip(127 + 45 * drawn, 0, 255).astype(np.uint8)


def _drifting(frames: int, random: np.random.Generator) -> np.ndarray:
    """A texture that drifts to the right or to the left and turns at random times, F H W."""
    noise = random.standard_normal((HEIGHT, 400))
    texture = gaussian_filter(noise, 1.1, mode="wrap") - gaussian_filter(noise, 2.6, mode="wrap")
    direction, now = np.empty(frames), 0
    while now < frames:
        stay = max(6, int(random.exponential(STAY * RATE)))
        direction[now : now + stay] = random.choice([-1.0, 1.0])
        now += stay
    place = np.arange(WIDTH) - (np.cumsum(direction) * SPEED / RATE)[:, None]  # F W
    left, share = np.floor(place).astype(int), place % 1
    columns = (texture / texture.std()).T
    first, second = columns[left % 400], columns[(left + 1) % 400]  # F W H
    return (first + (second - first) * share[..., None]).transpose(0, 2, 1)


def directions(centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Motion energy to the right and to the left at each place, F J each."""
    number = len(centers)
    same = {name: np.full(number, value) for name, value in (("sigma", SPREAD), ("wavelength", PEAK))}
    zero, one = np.zeros(number), np.ones(number)
    found = []
    for frequency in (FREQUENCY, -FREQUENCY):
        cells = MovieCells(
            center=centers, **same, orientation=zero, phase=zero, frequency=frequency * one,
            complex=one > 0, running=zero, rate=one, noise=one,
        )  # fmt: skip
        seen = gabor_products(cells, movie()).astype(np.complex64)
        found.append(filter_output(cells, seen, RATE))
    return found[0], found[1]


def drive(context: float, centers: np.ndarray, own: np.ndarray) -> np.ndarray:
    """What each cell is driven by, F N: motion in its own direction (`own`, 1 or -1), and motion contrast."""
    right, left = directions(centers)
    ground = [each.sum(axis=1, keepdims=True) for each in directions(np.array(GROUND, dtype=float))]
    here, there = _balance(right, left), _balance(*ground)
    energy, both = np.where(own > 0, right, left), right + left
    contrast = both / both.mean(axis=0) * (1 - here * there)
    driven = (1 - context) * energy / energy.mean(axis=0) + context * contrast
    above = np.maximum(driven / driven.mean(axis=0) - THRESHOLD, 0)
    return above / above.mean(axis=0)


def _balance(right: np.ndarray, left: np.ndarray) -> np.ndarray:
    """1 for motion to the right, -1 for motion to the left."""
    share = (right - left) / (right + left + 1e-3)
    return np.clip(share / np.abs(share).mean(axis=0), -1, 1)


def world(seed: int, context: float) -> tuple[MovieTask, np.ndarray]:
    """The task of one mouse, and the responses without noise and chance, R F N.

    One end frame in three trains: responses of neighbours share their samples.
    """
    random = np.random.default_rng([seed, 12])
    cells = draw_movie_cells(CELLS, HEIGHT, WIDTH, random, complex_fraction=1.0, running=1.0)
    places = np.array([(row, column) for row in ROWS for column in COLUMNS])
    centers = places[random.integers(len(places), size=CELLS)] + random.normal(0, SCATTER, (CELLS, 2))
    driven = drive(context, centers, random.choice([-1.0, 1.0], CELLS))
    samples = REPEATS * len(driven)
    speed = simulate_speed(samples, random)
    rates = event_rates(cells, np.tile(driven, (REPEATS, 1)), running_gain(cells, speed))
    starts, shape = np.arange(samples).reshape(REPEATS, -1), ClipShape()
    recorded, known = (
        frame_responses(dff.T.astype(np.float32), starts, lag=shape.lag, window=shape.window)
        for dff in (respond(cells, rates, RATE, random), calcium(rates / RATE, RATE))
    )
    parts = split_movie(len(driven), clip=shape.span, lag=shape.reach)
    split = MovieSplit(parts.train[::3], parts.validation, parts.test)
    running = speed.reshape(starts.shape).astype(np.float32)
    return MovieTask(movie(), recorded, running, split, shape, speed=running, starts=starts), known


class FixedMixing(nn.Module):
    """In the place of attention: its values, mixed by weights that nothing seen can change."""

    def __init__(self, attention: Attention, equal: bool) -> None:
        super().__init__()
        self.attention, self.equal = attention, equal

    def forward(self, tokens: Float[Tensor, "A L D"]) -> Float[Tensor, "A L D"]:
        """The mean of all values where weights are `equal`, else each token's own value."""
        values = self.attention.query_key_value(tokens).chunk(3, dim=-1)[2]
        if self.equal:
            values = values.mean(dim=1, keepdim=True).expand_as(values)
        return self.attention.output(values)


def run(seed: int, amounts: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    """CC_norm on unseen movie, median over reliable cells, at each share of context.

    The changed networks are trained at the largest share alone.
    """
    config = CONFIG.add_seed(seed)
    for context in amounts:
        task, known = world(seed, context)
        found = {
            LINE: motion_energy_times_running(task),
            NETWORK: trained(task, config),
            CEILING: known[:, task.split.test],
        }
        if context == max(amounts):
            found[EQUAL] = trained(task, config, equal=True)
            found[ALONE] = trained(task, config, equal=False)
            found[BARE] = trained(task, WITHOUT.add_seed(seed))
        for name, predicted in found.items():
            yield {"amount": context, "model": name, "score": score(task, predicted)}


def trained(task: MovieTask, config: TransformerConfig, *, equal: bool | None = None) -> np.ndarray:
    """What a network says of the test frames, R E N; `equal` puts a fixed mixing in attention's place."""
    network = build(task, config)
    if equal is not None:
        for block in (*network.frame_encoder.blocks, *network.time_encoder):
            block.attention = FixedMixing(block.attention, equal)
    fitted = train(network, task, config, device="cpu", show_progress=False)
    return predict(fitted.model, task)


def score(task: MovieTask, predicted: np.ndarray) -> float:
    """CC_norm of the test frames, median over reliable cells."""
    found = repeat_scores(task.responses[:, task.split.test], predicted)
    return float(np.nanmedian(found.cc_norm[task.reliable()]))


STUDY = Study(
    # the first sentence after a look at seed 0, the second before any run of the changed networks
    expected="Where a cell's own field is all that counts (0) the line wins; where motion contrast is "
    "all (1) the network wins by more than 0.1 of CC_norm. With equal weights in the place of attention it "
    "keeps more than half of that lead, since a plain mean over the picture also tells where the ground "
    "moves, and the perceptron can compare; without any mixing it loses the lead.",
    amount="share of motion contrast in what a cell does",
    score="CC_norm on unseen movie",
    simple=LINE,
    model=NETWORK,
    ceiling=CEILING,
    amounts=(0.0, 0.5, 1.0),
    seeds=(10, 11, 12),
    run=run,
    logarithmic=False,
)
