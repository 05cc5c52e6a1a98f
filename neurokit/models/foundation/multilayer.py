"""A stack of linear layers in time, for any of its streams at once.

Letters: T frames, B clips, C channels.
"""

from jaxtyping import Float
from torch import Tensor, nn

from neurokit.models.foundation.convolution import CausalConvolution, gelu
from neurokit.models.foundation.sequence import Sequence


class Perceptron(nn.Module):
    """Hidden layers, each followed by a scaled GELU, and a linear output where `outputs` is given.

    The first layer is not standardised and starts silent, so that at first nothing depends on the input.
    """

    def __init__(
        self, streams: int, inputs: int, hidden: int, layers: int, outputs: int | None = None
    ) -> None:
        super().__init__()
        first = CausalConvolution(
            streams, inputs, hidden, standardise=False, gain=None, shared_input=True
        ).start_silent()
        widths = [hidden] * (layers - 1) + ([] if outputs is None else [outputs])
        later = [CausalConvolution(streams, hidden, width) for width in widths]
        self.linears = nn.ModuleList([first, *later])
        self.hidden_layers = layers

    def forward(self, x: Float[Tensor, "T B C"], sequence: Sequence) -> Float[Tensor, "T B D"]:
        """Output of each frame."""
        x = x[..., None, None]
        for number, linear in enumerate(self.linears):
            x = linear(x, sequence)
            x = gelu(x) if number < self.hidden_layers else x
        return x[..., 0, 0]
