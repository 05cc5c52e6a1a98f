"""Attribution of frames: where in the picture a model of movies looks, and when before the response.

Integrated gradients run from grey frames to those shown (`neurokit.attribution`). The mean size over several
clips says where and when a cell looks; signs cancel in a complex cell, so they are left out.

Letters: K clips, S frames that a clip shows (those before its first included), H x W pixels,
T frames of a clip, C of a moment, N neurons of the model, O neurons chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.arguments import explain_failure
from neurokit.attribution import check_complete, integrated_gradients, neuron_rate, relative_gap
from neurokit.errors import DataError
from neurokit.training.device import first_tensor
from neurokit.v1_transformer.clips import Clips


class FixedRunning(nn.Module):
    """A model of clips as a function of the frames alone, while the mouse runs at its mean speed.

    `model` is any that is called as a V1 Transformer is; each frame comes to it after `before` earlier ones.
    """

    def __init__(self, model: nn.Module, before: int) -> None:
        super().__init__()
        self.model, self.before = model, before

    def forward(self, frames: Float[Tensor, "K S H W"]) -> Float[Tensor, "K N"]:
        """Activity after each clip of standardised frames, in the unit of the targets.

        Raises DataError for a model that answers at each frame.
        """
        moments = frames.unfold(1, 1 + self.before, 1).movedim(-1, 2)  # K T C H W
        K, T = moments.shape[:2]
        shown = torch.arange(K * T, device=frames.device).view(K, T)
        mean_speed = frames.new_tensor([0.0, 1.0]).expand(1, K, T, 2)  # on the z-scale, and measured
        found = self.model(moments.flatten(0, 1), shown, mean_speed)[0]
        if found.ndim != 2 or len(found) != K:
            name = type(self.model).__name__
            raise DataError(f"{name} answers at each frame; ask a model that answers once a clip ('pooled').")
        return found


@dataclass(frozen=True)
class AttributionMaps:
    """Mean size of the attribution of each neuron's activity, in the unit of the targets.

    Attributes:
        space: summed over the frames of a clip.
        time: summed over pixels; the last frame is the newest.
        relative_gap: by how much the attributions miss the change that they explain (completeness).
    """

    space: Float[Tensor, "O H W"]
    time: Float[Tensor, "O S"]
    relative_gap: float


def shown_frames(clips: Clips, ends: Int[Tensor, "K"]) -> Float[Tensor, "K S H W"]:
    """All frames that the clips of these end frames show, oldest first, standardised.

    Raises DataError for an end frame whose clip would begin before the movie, or after its end.
    """
    clips.check_ends(ends)
    ago = clips.stride * torch.arange(clips.length + clips.before - 1, -1, -1)
    frames = clips.frames[(ends[:, None] - ago).to(clips.device)].float()
    return (frames - clips.scales.frame_mean) / clips.scales.frame_sd


@explain_failure
def attribution_maps(
    model: nn.Module,
    clips: Clips,
    ends: Int[Tensor, "K"],
    neurons: Sequence[int],
    *,
    steps: int = 8,
    rows_at_once: int = 64,
    tolerance: float = 0.05,
) -> AttributionMaps:
    """Where and when each of `neurons` looks, over the clips of these end frames.

    `model` may be any that `neurokit.v1_transformer.build` describes. About a tenth of a second on one core
    for a clip and neuron of the small one. Raises FitError where `steps` are too few, so that the relative
    completeness gap over all clips is above `tolerance`, and DataError for end frames that no clip can have
    (see `shown_frames`) and for a model that answers at each frame.
    """
    frames = shown_frames(clips, ends).to(first_tensor(model).device)
    asked, grey = FixedRunning(model, clips.before), torch.zeros_like(frames[0])
    outputs, chunk = neuron_rate(list(neurons)), max(1, rows_at_once // steps)
    sizes, gaps, changes, largest = torch.zeros_like(grey), [], [], 0.0
    for part in frames.split(chunk):  # one attribution is as large as all frames of its clip
        found = integrated_gradients(
            asked, part, grey, outputs, steps=steps, rows_at_once=rows_at_once, tolerance=torch.inf
        )
        sizes = sizes + found.values.abs().sum(dim=0)  # O S H W
        gaps.append(found.gap)
        changes.append(found.change)
        largest = max(largest, found.largest)
    gap = relative_gap(torch.cat(gaps), torch.cat(changes), largest)
    check_complete(gap, steps, tolerance)
    mean = (sizes / len(frames)).cpu()
    return AttributionMaps(mean.sum(dim=1), mean.sum(dim=(2, 3)), gap)
