"""Where in the picture and when before the response a V1 Transformer looks: attribution of frames.

Integrated gradients run from grey frames to those shown (`neurokit.attribution`). The mean size over several
snippets says where and when a cell looks; signs cancel in a complex cell, so they are left out.

Letters: K snippets, S frames that a snippet shows (those before its first included), H x W pixels,
T frames of a snippet, C of a moment, N neurons of the model, O neurons chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.attribution import check_complete, integrated_gradients, neuron_rate, relative_gap
from neurokit.errors import DataError
from neurokit.v1_transformer.model import V1Transformer
from neurokit.v1_transformer.snippets import Snippets


class AtRunning(nn.Module):
    """A V1 Transformer as a function of the frames alone, while the mouse stands still at its mean speed.

    Raises DataError for a model that answers at each frame.
    """

    def __init__(self, model: V1Transformer) -> None:
        super().__init__()
        if model.settings.head != "pooled":
            raise DataError("The model answers at each frame; ask one whose head is 'pooled'.")
        self.model = model

    def forward(self, frames: Float[Tensor, "K S H W"]) -> Float[Tensor, "K N"]:
        """Activity after each snippet of standardised frames, in the unit of the targets."""
        moments = frames.unfold(1, 1 + self.model.settings.before, 1).movedim(-1, 2)  # K T C H W
        K, T = moments.shape[:2]
        shown = torch.arange(K * T, device=frames.device).view(K, T)
        mean_speed = frames.new_tensor([0.0, 1.0]).expand(1, K, T, 2)  # on the z-scale, and measured
        return self.model(moments.flatten(0, 1), shown, mean_speed)[0]


@dataclass(frozen=True)
class AttributionMaps:
    """Mean size of the attribution of each neuron's activity, in the unit of the targets.

    Attributes:
        space: summed over the frames of a snippet.
        time: summed over pixels; the last frame is the newest.
        relative_gap: by how much the attributions miss the change that they explain (completeness).
    """

    space: Float[Tensor, "O H W"]
    time: Float[Tensor, "O S"]
    relative_gap: float


def shown_frames(snippets: Snippets, ends: Int[Tensor, "K"]) -> Float[Tensor, "K S H W"]:
    """All frames that the snippets of these end frames show, oldest first, standardised.

    Raises DataError for an end frame whose snippet would begin before the movie, or after its end.
    """
    snippets.check_ends(ends)
    ago = snippets.stride * torch.arange(snippets.length + snippets.before - 1, -1, -1)
    frames = snippets.frames[(ends[:, None] - ago).to(snippets.device)].float()
    return (frames - snippets.scales.frame_mean) / snippets.scales.frame_sd


def attribution_maps(
    model: V1Transformer,
    snippets: Snippets,
    ends: Int[Tensor, "K"],
    neurons: Sequence[int],
    *,
    steps: int = 8,
    rows_at_once: int = 64,
    tolerance: float = 0.05,
) -> AttributionMaps:
    """Where and when each of `neurons` looks, over the snippets of these end frames.

    About a tenth of a second on one core for a snippet and neuron of the small model. Raises FitError
    where `steps` are too few, so that the relative completeness gap over all snippets is above `tolerance`,
    and DataError for end frames that no snippet can have (see `shown_frames`).
    """
    frames = shown_frames(snippets, ends)
    grey = torch.zeros_like(frames[0])
    outputs, chunk = neuron_rate(list(neurons)), max(1, rows_at_once // steps)
    sizes, gaps, changes = torch.zeros_like(grey), [], []
    for part in frames.split(chunk):  # one attribution is as large as all frames of its snippet
        found = integrated_gradients(
            AtRunning(model), part, grey, outputs, steps=steps, rows_at_once=rows_at_once, tolerance=torch.inf
        )
        sizes = sizes + found.values.abs().sum(dim=0)  # O S H W
        gaps.append(found.gap)
        changes.append(found.change)
    gap = relative_gap(torch.cat(gaps), torch.cat(changes))
    check_complete(gap, steps, tolerance)
    mean = (sizes / len(frames)).cpu()
    return AttributionMaps(mean.sum(dim=1), mean.sum(dim=(2, 3)), gap)
