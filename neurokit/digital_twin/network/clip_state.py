"""What the modules of a foundation network share: the state of running clips, and update rules.

A `ClipState` holds what is computed or drawn once at the start of a clip, and the state that changes with
frames. Noise is drawn once for each clip of the batch, so that it belongs to the clip and not to the frame
("variational"). Standardised kernels are the same for all frames, too. The last inputs of each causal
convolution and the states of the LSTMs change from frame to frame.

Modules hold none of this themselves: a network can run any number of clips at once, and the frames of a clip
can be passed at once, in pieces, or one by one with equal results.

An `UpdateRule` says how the optimiser treats one parameter. Adaptive clipping (Brock et al., ICML 2021)
compares the norm of a gradient with that of its parameter, unit by unit: the rule says over which dimensions
a unit extends. Gains, biases, scales, positions and the pose of the monitor do not decay. The loss is a mean
over neurons, so gradients of parameters of a single neuron are multiplied by their number.

Letters: B clips, U neurons.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

Periphery = Literal["dark", "extend"]
Made = TypeVar("Made")


@dataclass(frozen=True)
class UpdateRule:
    """How one parameter is updated.

    Attributes:
        decay: whether its values decay.
        norm_over: dimensions that a norm for clipping sums over; None for all of them.
        scale: factor of its gradient.
    """

    decay: bool
    norm_over: tuple[int, ...] | None
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Noise:
    """Standard normal numbers of one batch of training clips.

    Attributes:
        center: moves the monitor.
        angle: turns it.
        position: moves where neurons look.
    """

    center: Float[Tensor, "B 3"]
    angle: Float[Tensor, "B 3"]
    position: Float[Tensor, "B U 2"]


@dataclass(eq=False)
class ClipState:
    """The state of a network that runs over the frames of B clips.

    Attributes:
        streams: which of the network's streams run.
        batch: number of clips.
        noise: that of training; None in evaluation.
        periphery: what lies around the monitor, 'dark' or 'extend' (its edge goes on).
        generator: draws dropout masks; None without them.
    """

    streams: tuple[int, ...]
    batch: int
    noise: Noise | None = None
    periphery: Periphery = "dark"
    generator: torch.Generator | None = None
    cache: dict[nn.Module, Any] = field(default_factory=dict, repr=False)
    state: dict[nn.Module, Any] = field(default_factory=dict, repr=False)

    def cached(self, module: nn.Module, make: Callable[[], Made]) -> Made:
        """The result of `make` when `module` first called this, computed once per clip."""
        if module not in self.cache:
            self.cache[module] = make()
        return self.cache[module]
