"""What the modules of a foundation network share: the run of a sequence, and the rules of their updates.

A `ClipState` holds what is computed or drawn once at the start of a video, and the state carried along.
Everything random is drawn once for each clip of the batch and then held, so that noise is a property of the
clip and not of the frame ("variational"). Standardised kernels are the same for all frames, too. What
changes from frame to frame are the last inputs of each causal convolution and the states of the LSTMs.

Modules keep none of this themselves: a network can run any number of sequences at once, and a sequence of
frames can be handed over at once, in stretches, or frame by frame with equal results.

An `UpdateRule` says how the optimiser treats one parameter. Adaptive clipping (Brock et al., ICML 2021)
compares the norm of a gradient with that of its parameter, unit by unit: the rule says over which dimensions
a unit extends. Gains, biases, scales, positions and the pose of the monitor do not decay. The loss is a mean
over neurons, so what belongs to one neuron alone has its gradient multiplied by their number.

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
    """Standard normal numbers of one sequence of training.

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
    """The memory of a run of the network over the frames of B clips.

    Attributes:
        streams: which of the network's streams run.
        batch: number of clips.
        noise: that of training; None in evaluation, where there is none.
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
        """What `make` returned when `module` asked first."""
        if module not in self.cache:
            self.cache[module] = make()
        return self.cache[module]
