"""Behavioural state: ten numbers per trial, read from the last known responses of all neurons.

From the SENSORIUM 2022 entry "Model 4". Square-rooted responses are reduced by a PCA; a
reduced-rank regression predicts each trial from the one before it; the prediction, back in the
space of neurons and with its negative values set to zero, is factorised into ten non-negative
parts. What a trial's last known responses predict, in those parts, is its state.

That entry used pairs whose later trial is a test trial, and left out the square root when it read
the states. Ours does neither; `pairs="as_published"` and `root=False` bring each back.

Letters: T trials of a scan (file order), P pairs, N neurons, C principal components, R rank,
F factors, B trials. Responses are standardised, without a unit, not negative.
"""

import warnings
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic import Field
from scipy.optimize import nnls
from sklearn.decomposition import NMF, PCA
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from neurokit.config import Config, Count, Seed
from neurokit.errors import DataError
from neurokit.sensorium.history import check_order

Pairs = Literal["known", "as_published"]
OFFSET = 1e-6  # under the square root, as published
STEPS = 100  # per factor, far above what the exact fit of a state takes
SMALL = 500  # trials and neurons up to which the PCA is exact, as scikit-learn has it


class StateSettings(Config):
    """How the state is fitted; the numbers are those of the published entry."""

    components: Count = 500
    """Of the PCA; P - 1 and N at most, whatever is given."""
    rank: Count = 20
    """Of the regression; no more than there are components."""
    factors: Count = 10
    """Numbers that a state has."""
    seed: Annotated[Seed, Field(le=2**32 - 1)] = 674
    """Of the factorisation's start, and of the randomised PCA of a large scan."""
    iterations: Count = 1000
    """Of the factorisation, at most."""
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
        read = _rooted(last_known) if self.root else last_known
        basis, triangle = np.linalg.qr(self.parts.T)
        rows = _expected(read, self.mean, self.encoder, self.decoder) @ basis
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
    now, following = _rooted(now), _rooted(following)
    pca = _principal_components(now, settings)
    output, reads = reduced_rank(pca.transform(now), pca.transform(following), settings.rank)
    maps = pca.mean_, pca.components_.T @ reads.T, output.T @ pca.components_
    parts, converged = _factorise(_expected(now, *maps), settings)
    # In the order of memory in which they come back from a file.
    mean, encoder, decoder, parts = (np.ascontiguousarray(array) for array in (*maps, parts))
    return StateTransform(mean, encoder, decoder, parts, settings.root, converged)


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


def _rooted(responses: Float[np.ndarray, "P N"]) -> Float[np.ndarray, "P N"]:
    return np.sqrt(responses + OFFSET)


def _expected(
    rooted: Float[np.ndarray, "B N"],
    mean: Float[np.ndarray, "N"],
    encoder: Float[np.ndarray, "N R"],
    decoder: Float[np.ndarray, "R N"],
) -> Float[np.ndarray, "B N"]:
    """Square-rooted responses one trial after these, without their negative values."""
    return np.maximum(mean + ((rooted - mean) @ encoder) @ decoder, 0)


def _principal_components(now: Float[np.ndarray, "P N"], settings: StateSettings) -> PCA:
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
