"""Integrated gradients: how much each input moved a model's output away from that of a baseline.

Sundararajan, Taly and Yan (ICML 2017): the gradient is integrated along the straight line from the
baseline to the input, times their difference. Captum does the integration; here many outputs of one
model share each forward pass, memory is bounded, and completeness (the attributions of an output
add up to its change) is checked.

Inputs are traces (T C) or images (H W), whatever the model takes after its first axis.

Letters: K trials, O outputs, T bins, C channels, R regions, H x W image, N neurons.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import isnan

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import IntegratedGradients
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.arguments import explain_values
from neurokit.errors import DataError, FitError
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating

LEAST = 1e-3  # of the largest change
ROUNDING = 1e-5  # of the largest output, in float32
SMALLEST = 1e-12

Outputs = Callable[[Tensor], Tensor]  # a model's rates (K T R or K N) to the K O numbers to be explained


@dataclass(frozen=True)
class Attribution:
    """What each input contributed to each output.

    Attributes:
        values: K x O x inputs, in the unit of the output; summed over the inputs they give `change`.
        change: K x O, output at the input minus output at the baseline.
        gap: K x O, the sum of `values` minus `change`, which is the error of the integration.
        largest: absolute output at any input and at the baseline, which rounding is a share of.
    """

    values: Float[Tensor, "K O *inputs"]
    change: Float[Tensor, "K O"]
    gap: Float[Tensor, "K O"]
    largest: float = 0.0

    @property
    def relative_gap(self) -> float:
        """`relative_gap` of this set."""
        return relative_gap(self.gap, self.change, self.largest)


def relative_gap(gap: Float[Tensor, "K O"], change: Float[Tensor, "K O"], largest: float = 0.0) -> float:
    """Root mean square gap over trials, relative to that of the change, of the worst output.

    It is one number for all trials; `gap` shows single trials with a large one. An output that hardly changes
    is judged as one that changes by a thousandth of the output that changes most, or by what rounding does to
    outputs as large as `largest`. NaN where a gap is NaN.
    """
    gaps, changes = (values.square().mean(dim=0).sqrt() for values in (gap, change))
    least = max(LEAST * float(changes.max()), ROUNDING * largest, SMALLEST)
    return float((gaps / changes.clamp_min(least)).max())


@explain_values
def integrated_gradients(
    model: nn.Module,
    inputs: Tensor | np.ndarray,
    baseline: Tensor | np.ndarray | float | int,
    outputs: Outputs,
    *,
    steps: int = 32,
    rows_at_once: int = 512,
    tolerance: float = 0.02,
) -> Attribution:
    """Attribution of every output to every input, from `baseline` to each trial of `inputs`.

    `inputs` has trials first, `baseline` is one trial or a number for all of it; both may be of any type of
    number. `outputs` selects or averages the explained numbers (`region_rate`, `rate_at`, `neuron_rate`). The
    line has `steps` Gauss-Legendre points. At most `rows_at_once` trials x steps are in memory: the SENSORIUM
    network needs 8 MB for each, so use 64. The model is used in evaluation mode and left unchanged; inputs
    that stay fixed belong into a model that wraps it (`neurokit.sensorium.attribution.FixedState`). Raises
    FitError where the relative completeness gap is above `tolerance`, and DataError for inputs with NaN, a
    baseline of another shape, and `outputs` that give no column for each number.
    """
    if steps < 1 or len(inputs) == 0:
        raise FitError(f"{len(inputs)} trials and {steps} steps: use at least one of each.")
    chunk = max(1, rows_at_once // steps)
    with torch.inference_mode(False), evaluating(model), _differentiable(model):
        trials, start = _check_inputs(inputs, baseline, first_tensor(model))
        parts = [_attribute(model, part, start, outputs, steps) for part in trials.split(chunk)]
    values, change, largest = zip(*parts, strict=True)
    return build_attribution(torch.cat(values), torch.cat(change), max(largest), steps, tolerance)


def _check_inputs(
    inputs: Tensor | np.ndarray, baseline: Tensor | np.ndarray | float | int, like: Tensor
) -> tuple[Float[Tensor, "K *inputs"], Float[Tensor, "*inputs"]]:
    """Both as the model's own kind of number, on its device; copies, since autograd writes to them."""
    trials, start = (torch.as_tensor(values).to(like, copy=True) for values in (inputs, baseline))
    if not trials.isfinite().all():
        bad = int((~trials.isfinite().flatten(1).all(dim=1)).nonzero()[0])
        raise DataError(f"inputs are NaN or infinite in trial {bad}; leave it out, or fill its gaps first.")
    if start.ndim == 0:
        start = start.expand(trials.shape[1:])
    if start.shape != trials.shape[1:]:
        finding = f"baseline is {tuple(start.shape)}, and one of the inputs is {tuple(trials.shape[1:])}"
        raise DataError(f"{finding}; inputs have an axis of trials first, and baseline has none.")
    return trials, start


def _find_change(
    model: nn.Module, inputs: Float[Tensor, "K *inputs"], baseline: Float[Tensor, "*inputs"], outputs: Outputs
) -> tuple[Float[Tensor, "K O"], float]:
    """From the baseline to each input, and the largest absolute output at any of them."""
    try:
        with torch.no_grad():
            ends = outputs(model(inputs)), outputs(model(baseline[None]))
    except IndexError as error:
        raise DataError(
            f"outputs ask for what the model does not give ({error}); give other numbers."
        ) from error
    if any(found.ndim != 2 for found in ends) or len(ends[0]) != len(inputs):
        raise DataError(
            f"outputs give {tuple(ends[0].shape)} for {len(inputs)} trials; they have to give a row for each "
            "trial with a column for each number."
        )
    return ends[0] - ends[1], float(torch.cat(ends).abs().max())


def build_attribution(
    values: Float[Tensor, "K O *inputs"],
    change: Float[Tensor, "K O"],
    largest: float,
    steps: int,
    tolerance: float,
) -> Attribution:
    """The attribution with its gap. Raises FitError where the relative one is above `tolerance`."""
    gap = values.reshape(*change.shape, -1).sum(dim=-1) - change
    found = Attribution(values, change, gap, largest)
    check_complete(found.relative_gap, steps, tolerance)
    return found


def check_complete(gap: float, steps: int, tolerance: float) -> None:
    """Raises FitError where the relative `gap` of attributions is NaN or above `tolerance`."""
    if isnan(gap):
        raise FitError(
            "Integrated gradients are NaN: the model answers NaN, or its gradient is NaN, on the line from "
            "baseline to input; look for NaN or infinite weights."
        )
    if not gap <= tolerance:
        raise FitError(
            f"Integrated gradients miss completeness by {gap:.2g} of the output's "
            f"change (allowed: {tolerance:g}); raise steps above {steps}, or leave out the trials whose "
            "`gap` is large: a recurrent model can jump between two states on the line, and no number "
            "of steps integrates a jump."
        )


def region_rate(region: int, window: slice = slice(None)) -> Outputs:
    """The rate of one region, averaged over a window of bins: one output."""
    return lambda rates: rates[:, window, region].mean(dim=1, keepdim=True)


def rate_at(region: int, bins: list[int]) -> Outputs:
    """The rate of one region in each of the bins: one output per bin."""
    return lambda rates: rates[:, bins, region]


def neuron_rate(neurons: list[int]) -> Outputs:
    """The rate of each of the neurons: one output per neuron."""
    return lambda rates: rates[:, neurons]


@explain_values
def lag_profile(
    attribution: Float[Tensor, "K O T C"], bins: list[int], longest: float, bin_size: float
) -> tuple[Float[Tensor, "L"], Float[Tensor, "L C"]]:
    """The lags in s, -longest to longest, and the mean absolute attribution at each, for
    `rate_at` outputs.

    `longest` and `bin_size` are in s. A positive lag means that the input came before the rate. Raises
    FitError for a bin that is less than `longest` from an edge of the trial.
    """
    reach = round(longest / bin_size)
    if min(bins) < reach or max(bins) + reach >= attribution.shape[2]:
        raise FitError(
            f"Bins {min(bins)} to {max(bins)} of a trial of {attribution.shape[2]} are too close "
            f"to an edge for lags of {longest:g} s ({reach} bins); use bins further inside, or shorter lags."
        )
    lags = torch.arange(-reach, reach + 1)
    source = torch.tensor(bins)[:, None] - lags  # O L
    size = attribution.abs().mean(dim=0)  # O T C
    return lags * bin_size, size[torch.arange(len(bins))[:, None], source].mean(dim=0)


@explain_values
def find_strongest(
    profile: Float[Tensor, "L C"], lags: Float[Tensor, "L"], around: float = 0.05
) -> tuple[int, float]:
    """The channel with the largest attribution and the lag, in s, at which its profile peaks.

    The profile is first averaged over lags up to `around` s away: neighbouring bins of a slow input carry the
    same information, so how a model divides the credit between them is arbitrary.
    """
    channel = int(profile.sum(dim=0).argmax())
    bins = 0 if len(lags) < 2 else round(around * (len(lags) - 1) / float(lags[-1] - lags[0]))
    smooth = F.avg_pool1d(profile[None, :, channel], 2 * bins + 1, stride=1, padding=bins)[0]
    return channel, float(lags[smooth.argmax()])


def _differentiable(model: nn.Module) -> AbstractContextManager[None]:
    """Disables cuDNN for recurrent models, as it computes no gradients of these in evaluation mode."""
    recurrent = any(isinstance(module, nn.RNNBase) for module in model.modules())
    return torch.backends.cudnn.flags(enabled=False) if recurrent else nullcontext()


def _attribute(
    model: nn.Module, inputs: Tensor, baseline: Tensor, outputs: Outputs, steps: int
) -> tuple[Float[Tensor, "K O *inputs"], Float[Tensor, "K O"], float]:
    """Values, changes and the largest absolute output at the ends of the line."""
    change, largest = _find_change(model, inputs, baseline, outputs)
    method = IntegratedGradients(lambda rows: outputs(model(rows[:, 0])))
    method.gradient_func = _gradients_of_all_outputs
    ends = (
        inputs[:, None],
        baseline.expand_as(inputs)[:, None],
    )  # K 1 inputs: the second axis becomes that of outputs
    values = method.attribute(ends[0], ends[1], n_steps=steps, method="gausslegendre")
    return values.detach(), change, largest


def _gradients_of_all_outputs(
    forward_fn: Callable[..., Tensor],
    inputs: tuple[Tensor, ...],
    target_ind: None,
    additional_forward_args: None = None,
) -> tuple[Tensor, ...]:
    """Gradients of all outputs after one forward pass, in place of captum's gradient of one output."""
    (rows,) = inputs
    with torch.enable_grad():
        found = forward_fn(rows)  # rows O
        each = [
            torch.autograd.grad(output.sum(), rows, retain_graph=True)[0] for output in found.unbind(dim=1)
        ]
    return (torch.cat(each, dim=1),)
