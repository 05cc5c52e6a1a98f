"""History: what each neuron did over the last trials whose responses are known.

The filter bank of the SENSORIUM 2022 entry "Model 4": for each lag L the mean of the neuron's
responses over the last L trials of the tiers train and validation. Strictly past: neither the
present trial nor a later one enters, and a test response never does. In a run of test trials the
last known window is held. Before the start of the scan there are zeros, and the sum is divided by
L all the same. A lag counts trials; pauses between them do not matter.

A model that reads this predicts from past responses; its score has to say so.

Letters: T trials of a scan (file order), K of them known, N neurons, B trials of a batch, L lags.
"""

import copy

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurokit.errors import DataError

LAGS = (1, 2, 5, 10, 30)  # trials
KNOWN_TIERS = ("train", "validation")
BLOCK = 32  # rows; a longer lag makes longer blocks


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

    Raises DataError for ranks that are no order, lags below 1, another type of number, and
    responses of known trials that are not finite.
    """

    def __init__(
        self,
        responses: Float[Tensor, "T N"],
        rank: Int[Tensor, "T"],
        known: Bool[Tensor, "T"],
        lags: tuple[int, ...] = LAGS,
    ) -> None:
        _check(responses, rank, known, lags)
        self.block = max(BLOCK, *lags)
        in_time = rank.argsort().cpu()
        known_in_time = known.cpu()[in_time]
        past = known_in_time.cumsum(0) - known_in_time.long()
        device = responses.device
        self._past = past[rank.cpu()].to(device)  # T: known trials strictly before each
        self._lags = torch.tensor(lags, device=device)
        self._sums = _running_sums(responses, in_time[known_in_time].to(device), self.block)

    def __call__(self, trials: Int[Tensor, "B"]) -> Float[Tensor, "B N L"]:
        """Features of the trials with these file indices."""
        return self._means(trials, self._lags).transpose(1, 2)

    def last_known(self, trials: Int[Tensor, "B"]) -> Float[Tensor, "B N"]:
        """Responses in the last known trial before each of these; zeros where there is none."""
        return self._means(trials, torch.ones_like(self._lags[:1]))[:, 0]

    def to(self, device: torch.device | str) -> "HistoryBank":
        """The same bank on another device; this one stays where it is."""
        moved = copy.copy(self)
        moved._past, moved._lags, moved._sums = (
            held.to(device) for held in (self._past, self._lags, self._sums)
        )
        return moved

    def _means(self, trials: Int[Tensor, "B"], lags: Int[Tensor, "L"]) -> Float[Tensor, "B L N"]:
        """Differences of running sums; no window is longer than a block, so it meets two at most."""
        end = self._past[trials.to(self._past.device), None].expand(-1, len(lags))  # B L
        start = (end - lags).clamp(min=0)
        carried = torch.where(start // self.block < end // self.block, self.block, 0)
        sums = self._sums[end // self.block, end % self.block]
        sums += self._sums[start // self.block, carried]
        sums -= self._sums[start // self.block, start % self.block]
        return sums.div_(lags[:, None])


def _running_sums(
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


def _check(responses: Tensor, rank: Tensor, known: Tensor, lags: tuple[int, ...]) -> None:
    check_order(rank.cpu().numpy(), len(responses))
    if len(known) != len(responses):
        raise DataError(f"known has {len(known)} values for {len(responses)} trials; give one per trial.")
    if not lags or min(lags) < 1:
        raise DataError(f"lags are {lags}; give one or more whole numbers of trials, 1 or above.")
    if responses.dtype not in (torch.float32, torch.float64):
        raise DataError(f"Responses are {responses.dtype}; running sums need torch.float32 or torch.float64.")
