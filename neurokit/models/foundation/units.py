"""From the drive of a neuron to its rate, and how wrong a rate is.

Rates are in units of a neuron's mean response in training, so an untrained network, whose drive is zero,
predicts 1 and has a Poisson loss of 1.
"""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from neurokit.models.foundation.settings import Unit


@runtime_checkable
class UnitModel(Protocol):
    """A rate and a loss."""

    def rate(self, drive: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The predicted response."""

    def loss(self, drive: Float[Tensor, "*any"], response: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """How wrong it is, element by element."""


class Poisson:
    """rate = exp(drive); loss = rate - response x drive, without the response's own term."""

    def rate(self, drive: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The exponential of the drive."""
        return drive.exp()

    def loss(self, drive: Float[Tensor, "*any"], response: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The negative log likelihood, up to a term of the response alone."""
        return drive.exp() - response * drive


class Elu:
    """rate = ELU(drive) + 1; loss = squared error."""

    def rate(self, drive: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Exponential below zero, linear above."""
        return functional.elu(drive) + 1

    def loss(self, drive: Float[Tensor, "*any"], response: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The square of what the rate is off."""
        return (self.rate(drive) - response).square()


def unit_model(name: Unit) -> UnitModel:
    """The unit of that name."""
    return {"poisson": Poisson, "elu": Elu}[name]()
