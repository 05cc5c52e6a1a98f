"""How the optimiser treats each parameter of a foundation network.

Adaptive clipping (Brock et al., ICML 2021) compares the norm of a gradient with that of its parameter, unit
by unit: the rule says over which dimensions a unit extends. Gains, biases, scales, positions and the pose of
the monitor do not decay. The loss is a mean over neurons, so what belongs to one neuron alone has its
gradient multiplied by their number.
"""

from dataclasses import dataclass


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
