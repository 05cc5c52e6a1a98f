"""The V1 Transformer as its public description has it, without what was changed to make it better.

The description, "Transformers for Modeling Mouse Visual Cortex", names parts and no sizes: patches by a plain
convolution, an encoder in space, running through an embedding, an encoder in time, the plain mean over time,
a dense layer to all neurons; Adam with a schedule, mean absolute error. It refers to Walker et al. (Nature
Neuroscience 22, 2060-2065, 2019), Cadena et al. (PLOS Computational Biology 15, e1006897, 2019) and Batty et
al. (ICLR 2017). Its encoders are here those of Vaswani et al. (NeurIPS 2017) as torch has them, normalised
first; a frame is described by the mean of its patches, which is what plain vision transformers do.

Letters: U distinct frames, each in C frames, E clips, T frames of a clip, R repeats, H x W pixels, P patches,
D width, N neurons.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.errors import DataError
from neurokit.v1_transformer.config import TransformerSettings

POSITION_SD = 0.02  # of learned positions at the start


class DescribedTransformer(nn.Module):
    """Called as a `V1Transformer` is, with the same sizes; it reads each frame without those before it.

    Of its settings it uses frame, clip_length, patch, step, width, heads, both numbers of layers, expansion,
    dropout, and whether running is read. Weights are drawn from torch's global generator; `build` takes a
    seed. A dictionary is taken in place of settings, as `configuration` gives it.
    """

    def __init__(self, neurons: int, settings: TransformerSettings | dict[str, Any]) -> None:
        super().__init__()
        if isinstance(settings, dict):
            settings = TransformerSettings.from_dict(settings)
        self.settings, width = settings, settings.width
        rows, columns = settings.grid
        self.patches = nn.Conv2d(1, width, settings.patch, stride=settings.step)
        self.places = nn.Parameter(POSITION_SD * torch.randn(rows * columns, width))
        self.space = _encoder(settings, settings.spatial_layers)
        self.running = nn.Linear(2, width) if settings.running else None
        self.times = nn.Parameter(POSITION_SD * torch.randn(settings.clip_length, width))
        self.time = _encoder(settings, settings.temporal_layers)
        self.readout = nn.Linear(width, neurons)

    def forward(
        self,
        frames: Float[Tensor, "U C H W"],
        shown: Int[Tensor, "E T"],
        running: Float[Tensor, "R E T 2"] | None = None,
    ) -> Float[Tensor, "#R E N"]:
        """Activity after each clip, in the unit of the targets, in each repeat.

        A model that reads no running gives one answer for all repeats (R is 1). Raises DataError without the
        running that the model reads.
        """
        tokens = self.patches(frames[:, -1:]).flatten(2).mT + self.places  # U P D
        described = self.space(tokens).mean(dim=1)[shown][None]  # 1 E T D
        if self.running is not None:
            if running is None:
                raise DataError("running is missing; give it, or build the model with running=None.")
            described = described + self.running(running)  # R E T D
        moments = described.flatten(0, 1) + self.times[-described.shape[2] :]
        return self.readout(self.time(moments).mean(dim=1)).unflatten(0, described.shape[:2])

    @property
    def configuration(self) -> dict[str, Any]:
        """What makes this model anew, as JSON can hold it: `DescribedTransformer(**configuration)`."""
        return {"neurons": self.readout.out_features, "settings": self.settings.to_dict()}


def _encoder(settings: TransformerSettings, layers: int) -> nn.Module:
    """Blocks of attention and a perceptron, and a last normalisation; nothing for no layers."""
    if not layers:
        return nn.Identity()
    width = settings.width
    block = nn.TransformerEncoderLayer(
        width,
        settings.heads,
        settings.expansion * width,
        settings.dropout,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    return nn.TransformerEncoder(block, layers, nn.LayerNorm(width), enable_nested_tensor=False)
