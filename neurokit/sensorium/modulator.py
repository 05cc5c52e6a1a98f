"""Modulator: what the image does not explain of a neuron's rate.

The output of the winning SENSORIUM+ 2022 entry ("Model 4", Adrian Roggenbach): the neuron's own
recent responses and a brain state of ten numbers are added to its drive, and a gain that drifts over
trials multiplies its rate. All three know past responses, so a score with them says so; the gain of a
trial is trained by trials up to 100 later as well.

Letters: B images, N neurons, L lags, S state numbers, T trials of the scan.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.errors import DataError
from neurokit.training.device import full_precision


class HistoryTerm(nn.Module):
    """A weight for each neuron and lag on the neuron's own past responses, and a bias."""

    def __init__(self, neurons: int, lags: int = 5) -> None:
        super().__init__()
        self.weights = nn.Parameter(_draw_uniform(neurons, lags, bound=lags**-0.5))
        self.bias = nn.Parameter(_draw_uniform(neurons, bound=lags**-0.5))

    def forward(self, history: Float[Tensor, "B N L"]) -> Float[Tensor, "B N"]:
        """What is added to the drive; `history` is the mean response over the last L trials, per lag."""
        return (history * self.weights).sum(dim=-1) + self.bias


class StateTerm(nn.Module):
    """A linear layer from the brain state to each neuron, with an ELU."""

    def __init__(self, neurons: int, states: int = 10) -> None:
        super().__init__()
        self.encoder = nn.Linear(states, neurons)

    def forward(self, state: Float[Tensor, "B S"]) -> Float[Tensor, "B N"]:
        """What is added to the drive."""
        return F.elu(self.encoder(state))


class TrialGain(nn.Module):
    """A free number per trial, smoothed over the trials before it, which each neuron follows in part.

    The smoothing is half a Gaussian: `width` trials, cut `reach` trials back. Trials before the first
    count as zero, so early ones are pulled to a gain of 1.
    """

    kernel: Float[Tensor, "_"]

    def __init__(self, neurons: int, trials: int, *, width: float = 30.0, reach: int = 100) -> None:
        super().__init__()
        self.per_trial = nn.Parameter(_draw_uniform(trials, bound=trials**-0.5))
        self.coupling = nn.Parameter(_draw_uniform(neurons, bound=neurons**-0.5))
        self.coupling_offset = nn.Parameter(torch.zeros(1))
        weights = torch.exp(-0.5 * (torch.arange(reach + 1) / width) ** 2)
        self.register_buffer("kernel", weights / weights.sum(), persistent=False)

    def of_trial(self, rank: Int[Tensor, "B"]) -> Float[Tensor, "B"]:
        """The gain that all neurons share at each rank (order of presentation, 0..T-1)."""
        lags = torch.arange(len(self.kernel), device=rank.device)
        before = rank[:, None] - lags  # B reach+1
        values = torch.where(before >= 0, self.per_trial[before.clamp_min(0)], 0)
        with full_precision(rank.device):  # near 1, bfloat16 has steps of 1 %
            return F.elu(values @ self.kernel) + 1

    def forward(self, rank: Int[Tensor, "B"]) -> Float[Tensor, "B N"]:
        """The factor of each neuron's rate: above zero, and 1 where the shared gain is 1."""
        coupling = F.elu(self.coupling + self.coupling_offset) + 1  # N
        return F.elu(coupling * (self.of_trial(rank)[:, None] - 1)) + 1

    def roughness(self) -> Float[Tensor, ""]:
        """The sum of squared steps from trial to trial."""
        return self.per_trial.diff().square().sum()


class HistoryStateGain(nn.Module):
    """From drive to rate: history and state are added, ELU + 1, the gain multiplies.

    Each of the three is a module or None; with none of them this is the plain output ELU + 1. The
    weights of the penalties are those of Model 4.
    """

    def __init__(
        self,
        history: HistoryTerm | None = None,
        state: StateTerm | None = None,
        gain: TrialGain | None = None,
        *,
        gamma_gain: float = 100.0,
        gamma_coupling: float = 0.3,
        gamma_history: float = 0.3,
        gamma_state: float = 0.3,
    ) -> None:
        super().__init__()
        self.history, self.state, self.gain = history, state, gain
        self.gamma_gain, self.gamma_coupling = gamma_gain, gamma_coupling
        self.gamma_history, self.gamma_state = gamma_history, gamma_state

    def forward(
        self,
        drive: Float[Tensor, "B N"],
        history: Float[Tensor, "B N L"] | None = None,
        state: Float[Tensor, "B S"] | None = None,
        rank: Int[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B N"]:
        """The rate of each neuron, above zero; an input that is None contributes nothing.

        Raises DataError for an input whose module is None.
        """
        if history is not None:
            drive = drive + _require(self.history, "history", "history")(history)
        if state is not None:
            drive = drive + _require(self.state, "state", "state")(state)
        rate = F.elu(drive) + 1
        return rate if rank is None else rate * _require(self.gain, "gain", "rank")(rank)

    def regulariser(self) -> Float[Tensor, ""]:
        """The weighted penalties of its parts; biases and the offset of the coupling are free."""
        penalty = torch.zeros(())
        if self.history is not None:
            penalty = penalty + self.gamma_history * self.history.weights.abs().sum()
        if self.state is not None:
            penalty = penalty + self.gamma_state * self.state.encoder.weight.abs().sum()
        if self.gain is not None:
            penalty = penalty + self.gamma_coupling * self.gain.coupling.abs().sum()
            penalty = penalty + self.gamma_gain * self.gain.roughness()
        return penalty


def _require(module: nn.Module | None, part: str, name: str) -> nn.Module:
    if module is None:
        raise DataError(f"This model has no {part} and would ignore {name}; leave it out.")
    return module


def _draw_uniform(*shape: int, bound: float) -> Tensor:
    return torch.empty(*shape).uniform_(-bound, bound)
