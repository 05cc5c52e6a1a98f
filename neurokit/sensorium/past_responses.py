"""What past responses tell a model: each neuron's own history, and the behavioural state of the mouse.

Both are those of the SENSORIUM 2022 entry "Model 4". History is a filter bank: for each lag L the mean of the
neuron's responses over the last L trials of the tiers train and validation. It is strictly past: neither the
present trial nor a later one enters, and a test response never does. In a run of test trials the last known
window stays. Before the start of the scan there are zeros, and the sum is divided by L all the same. A lag
counts trials; pauses between them do not matter.

The state is ten numbers per trial. Square-rooted responses are reduced by a PCA; a reduced-rank regression
predicts each trial from the one before it; the prediction, back in the space of neurons and with its negative
values set to zero, is factorised into ten non-negative parts. What a trial's last known responses predict, in
those parts, is its state. The entry used pairs whose later trial is a test trial, and left out the square
root when it read the states. Ours does neither; `pairs="as_published"` and `root=False` bring each back.

A model that reads these predicts from past responses; its score has to say so.

Letters: T trials of a scan (file order), K of them known, N neurons, B trials of a batch, L lags, P pairs,
C principal components, R rank, F factors. The state needs standardised responses, without a unit, not
negative.
"""

import copy
import warnings
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from scipy.optimize import nnls
from sklearn.decomposition import NMF, PCA
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits
from torch import Tensor

from neurokit.arguments import explain_values
from neurokit.config import Config, Count, Seed
from neurokit.errors import DataError

LAGS = (1, 2, 5, 10, 30)  # trials
KNOWN_TIERS = ("train", "validation")
BLOCK_SIZE = 32  # rows; a longer lag makes longer blocks
Pairs = Literal["known", "as_published"]
OFFSET = 1e-6  # under the square root, as published
STEPS = 100  # per factor, far above what the exact fit of a state takes
SMALL = 500  # trials and neurons up to which the PCA is exact, as scikit-learn has it


def known_trials(tiers: np.ndarray) -> Bool[np.ndarray, "*T"]:
    """True where the responses may be used as history: tiers train and validation."""
    return np.isin(tiers, KNOWN_TIERS)


def check_order(rank: Int[np.ndarray, "ranks"], trials: int) -> None:
    """Raises DataError unless `rank` puts the trials in an order: each of 0 to T - 1 once."""
    if not np.array_equal(np.sort(rank), np.arange(trials)):
        finding = (
            f"{len(rank)} ranks, {len(np.unique(rank))} of them different, put no {trials} trials in order"
        )
        raise DataError(f"{finding}; rank must hold each of 0 to {trials - 1} once.")


class HistoryBank:
    """Mean responses over the last known trials, read from running sums for any batch of trials.

    Call it with B file indices for their B N L features, in the units and the type (float32 or
    float64) of `responses` T N. `rank` gives each file index its place in the order of
    presentation, 0 to T - 1, and `known` says whose responses may be used; the others are never
    read. `lags` are numbers of trials, 1 or more.

    The sums run over the known trials in time order and start anew every 32 trials, so each is of
    32 values at most, and in float32 a feature is exact to a millionth of such a sum. Memory: one
    copy of the known responses and one more row in 32. For six scans with 46,793 neurons and 6,000
    trials, all known, that is 1.16 GB in float32, against 11.2 GB for the T x N x 5 features in
    float64. A batch takes a few times its own B x N x L numbers.

    Raises DataError for ranks that give no order, lags below 1, another type of number, and
    responses of known trials that are not finite.
    """

    def __init__(
        self,
        responses: Float[Tensor, "T N"],
        rank: Int[Tensor, "T"],
        known: Bool[Tensor, "T"],
        lags: tuple[int, ...] = LAGS,
    ) -> None:
        _check_bank(responses, rank, known, lags)
        self.block = max(BLOCK_SIZE, *lags)
        in_time = rank.argsort().cpu()
        known_in_time = known.cpu()[in_time]
        past = known_in_time.cumsum(0) - known_in_time.long()
        device = responses.device
        self._past = past[rank.cpu()].to(device)  # T: known trials strictly before each
        self._lags = torch.tensor(lags, device=device)
        self._sums = _sum_blocks(responses, in_time[known_in_time].to(device), self.block)

    def __call__(self, trials: Int[Tensor, "B"]) -> Float[Tensor, "B N L"]:
        """Features of the trials with these file indices."""
        return self._compute_means(trials, self._lags).transpose(1, 2)

    def last_known(self, trials: Int[Tensor, "B"]) -> Float[Tensor, "B N"]:
        """Responses in the last known trial before each of these; zeros where there is none."""
        return self._compute_means(trials, torch.ones_like(self._lags[:1]))[:, 0]

    def to(self, device: torch.device | str) -> "HistoryBank":
        """The same bank on another device; this one stays where it is."""
        moved = copy.copy(self)
        moved._past, moved._lags, moved._sums = (
            held.to(device) for held in (self._past, self._lags, self._sums)
        )
        return moved

    def _compute_means(self, trials: Int[Tensor, "B"], lags: Int[Tensor, "L"]) -> Float[Tensor, "B L N"]:
        """Differences of running sums; no window is longer than a block, so it meets two at most."""
        end = self._past[trials.to(self._past.device), None].expand(-1, len(lags))  # B L
        start = (end - lags).clamp(min=0)
        carried = torch.where(start // self.block < end // self.block, self.block, 0)
        sums = self._sums[end // self.block, end % self.block]
        sums += self._sums[start // self.block, carried]
        sums -= self._sums[start // self.block, start % self.block]
        return sums.div_(lags[:, None])


def _sum_blocks(
    responses: Float[Tensor, "T N"], in_time: Int[Tensor, "K"], block: int
) -> Float[Tensor, "blocks rows N"]:
    """Row r of block q: sum of the first r known trials from q * block on; the last block is not full."""
    blocks = len(in_time) // block + 1
    sums = responses.new_zeros(blocks, block + 1, responses.shape[1])
    for number, rows in enumerate(in_time.split(block)):
        torch.cumsum(responses[rows], 0, out=sums[number, 1 : len(rows) + 1])
        if not sums[number, len(rows)].isfinite().all():
            finding = f"The known trials with file indices {rows.tolist()} hold responses that are not finite"
            raise DataError(f"{finding}; mend the recording or leave these trials out of the known ones.")
    return sums


def _check_bank(responses: Tensor, rank: Tensor, known: Tensor, lags: tuple[int, ...]) -> None:
    check_order(rank.cpu().numpy(), len(responses))
    if len(known) != len(responses):
        raise DataError(f"known has {len(known)} values for {len(responses)} trials; give one per trial.")
    if not lags or min(lags) < 1:
        raise DataError(f"lags are {lags}; give one or more whole numbers of trials, 1 or above.")
    if responses.dtype not in (torch.float32, torch.float64):
        raise DataError(f"Responses are {responses.dtype}; running sums need torch.float32 or torch.float64.")


class StateSettings(Config):
    """How the state is fitted; the numbers are those of the published entry."""

    components: Count = 500
    """Components of the PCA; never more than P - 1 and N."""
    rank: Count = 20
    """Rank of the regression; not more than there are components."""
    factors: Count = 10
    """Numbers in a state."""
    seed: Annotated[Seed, Field(le=2**32 - 1)] = 674
    """Seed of the factorisation's start, and of the randomised PCA of a large scan."""
    iterations: Count = 1000
    """Steps of the factorisation, at most."""
    pairs: Pairs = "known"
    """'known' takes neighbours that are both known, 'as_published' looks at the earlier one only."""
    root: bool = True
    """Whether states are read from square roots of responses, as they are fitted."""


@dataclass(frozen=True, eq=False)
class StateTransform:
    """A fitted state: plain arrays, to be saved with the model that was trained on its states.

    PCA, regression and inverse PCA are stored as the two maps that they amount to, of rank R: 50
    numbers per neuron and not 520. `converged` is False where the factorisation stopped at its
    limit of iterations; it is usable then, too.
    """

    mean: Float[np.ndarray, "N"]
    encoder: Float[np.ndarray, "N R"]
    decoder: Float[np.ndarray, "R N"]
    parts: Float[np.ndarray, "F N"]
    root: bool
    converged: bool

    def states(self, last_known: Float[np.ndarray, "B N"]) -> Float[np.ndarray, "B F"]:
        """States of trials from the responses in the last known trial before each.

        Each row's state is the exact non-negative least-squares fit of the parts, so it does not
        depend on the other rows. Raises DataError for responses that are negative or not finite.
        """
        _check_responses(last_known)
        read = _take_root(last_known) if self.root else last_known
        basis, triangle = np.linalg.qr(self.parts.T)
        rows = _predict_next(read, self.mean, self.encoder, self.decoder) @ basis
        states = [nnls(triangle, row, maxiter=STEPS * len(triangle))[0] for row in rows]
        return np.array(states, last_known.dtype).reshape(len(rows), len(self.parts))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything the transform is, by name, for a checkpoint.

        Rows lie one after the other: safetensors saves another layout as if it were this one.
        """
        return {field.name: np.asarray(getattr(self, field.name), order="C") for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "StateTransform":
        """The transform that `arrays` gave; raises DataError where one is missing or unknown."""
        names = {field.name for field in fields(cls)}
        if set(arrays) != names:
            finding = f"A saved state holds {sorted(arrays)} and not {sorted(names)}"
            raise DataError(f"{finding}; fit the state again.")
        mean, encoder, decoder, parts = (arrays[name] for name in ("mean", "encoder", "decoder", "parts"))
        return cls(mean, encoder, decoder, parts, bool(arrays["root"]), bool(arrays["converged"]))


@explain_values
def fit_state(
    responses: Float[np.ndarray, "T N"],
    rank: Int[np.ndarray, "T"],
    known: Bool[np.ndarray, "T"],
    settings: StateSettings = StateSettings(),  # noqa: B008  frozen
) -> StateTransform:
    """The state of one scan; `rank` is each trial's place in time, `known` are train and validation.

    Both tiers that models are trained and stopped with take part, as published; so the validation score
    of a model that reads the state is flattered, and its test score is not, unless `pairs` is
    'as_published'. The same input gives the same transform. Its numbers are of the responses' type. Raises
    DataError for too few pairs and for responses that are negative or not finite.
    """
    check_order(rank, len(responses))
    order = np.argsort(rank)
    first = neighbours(known[order], settings.pairs)
    _check_pairs(len(first), settings)
    now, following = responses[order[first]], responses[order[first + 1]]
    _check_responses(now, following)
    now, following = _take_root(now), _take_root(following)
    pca = _fit_pca(now, settings)
    output, reads = reduced_rank(pca.transform(now), pca.transform(following), settings.rank)
    maps = pca.mean_, pca.components_.T @ reads.T, output.T @ pca.components_
    parts, converged = _factorise(_predict_next(now, *maps), settings)
    # The memory layout that they have when read from a file.
    mean, encoder, decoder, parts = (np.ascontiguousarray(array) for array in (*maps, parts))
    return StateTransform(mean, encoder, decoder, parts, settings.root, converged)


@explain_values
def neighbours(known_in_time: Bool[np.ndarray, "T"], pairs: Pairs = "known") -> Int[np.ndarray, "P"]:
    """Ranks t of the pairs (t, t + 1) that the regression may use."""
    both = known_in_time[:-1] & (known_in_time[1:] if pairs == "known" else True)
    return np.flatnonzero(both)


def reduced_rank(
    x1: Float[np.ndarray, "P C"], x2: Float[np.ndarray, "P D"], rank: int
) -> tuple[Float[np.ndarray, "D R"], Float[np.ndarray, "R C"]]:
    """W and V of the best `x2 ~ x1 (W V)^T` in least squares with a W V of that rank, or less.

    Closed form: the unrestricted fit, projected on the principal directions of what it predicts
    (Izenman, Journal of Multivariate Analysis 1975). There is no intercept.
    """
    unrestricted = np.linalg.lstsq(x1, x2)[0]  # C D
    directions = np.linalg.svd(x1 @ unrestricted, full_matrices=False)[2][:rank]  # R D
    return directions.T, directions @ unrestricted.T


def _take_root(responses: Float[np.ndarray, "P N"]) -> Float[np.ndarray, "P N"]:
    return np.sqrt(responses + OFFSET)


def _predict_next(
    rooted: Float[np.ndarray, "B N"],
    mean: Float[np.ndarray, "N"],
    encoder: Float[np.ndarray, "N R"],
    decoder: Float[np.ndarray, "R N"],
) -> Float[np.ndarray, "B N"]:
    """Square-rooted responses one trial after these, without their negative values."""
    return np.maximum(mean + ((rooted - mean) @ encoder) @ decoder, 0)


def _fit_pca(now: Float[np.ndarray, "P N"], settings: StateSettings) -> PCA:
    components = min(settings.components, len(now) - 1, now.shape[1])
    few = max(now.shape) > SMALL and components < 0.8 * min(now.shape)
    solver = "randomized" if few else "full"
    return PCA(components, svd_solver=solver, random_state=settings.seed).fit(now)


def _factorise(
    predicted: Float[np.ndarray, "P N"], settings: StateSettings
) -> tuple[Float[np.ndarray, "F N"], bool]:
    """The parts, and whether the factorisation converged."""
    model = NMF(settings.factors, init="random", random_state=settings.seed, max_iter=settings.iterations)
    with threadpool_limits(1, "blas"), warnings.catch_warnings():  # its products are too small to share out
        warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
        model.fit(predicted)
    return model.components_, model.n_iter_ < settings.iterations


def _check_pairs(pairs: int, settings: StateSettings) -> None:
    needed = max(settings.rank, settings.factors) + 1
    if pairs < needed:
        finding = f"{pairs} pairs of neighbouring known trials are too few for rank {settings.rank}"
        remedy = f"at least {needed} are needed: record more trials or lower rank and factors"
        raise DataError(f"{finding} and {settings.factors} factors; {remedy}.")


def _check_responses(*responses: Float[np.ndarray, "B N"]) -> None:
    for values in responses:
        bad = np.flatnonzero(~((values >= 0) & (values < np.inf)).all(0))
        if bad.size:
            finding = f"Responses of {bad.size} neurons (column {bad[0]} first) are negative or not finite"
            raise DataError(f"{finding}; the state is fitted to standardised responses of 0 and above.")
