"""Prediction never trains: evaluation mode, no gradients, and the model left as it was found."""

import pytest
import torch
from torch import Tensor, nn

from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating, fill_rows, predict


class Mixed(nn.Module):
    """Dropout and a batch norm with running statistics: both act otherwise in training."""

    def __init__(self) -> None:
        super().__init__()
        self.normal = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.linear = nn.Linear(4, 3)

    def forward(self, inputs: Tensor, shift: Tensor | None = None) -> Tensor:
        found = self.linear(self.drop(self.normal(inputs)))
        return found if shift is None else found + shift


INPUTS = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))


def mixed() -> Mixed:
    """In training mode but for the batch norm, as somebody who froze its statistics has it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Mixed().train()
    model.normal.eval()
    return model


def modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def test_a_prediction_is_that_of_evaluation_mode() -> None:
    model = mixed()
    expected = model.linear(model.normal(INPUTS))
    torch.testing.assert_close(predict(model, INPUTS), expected)
    assert not torch.allclose(model(INPUTS), expected)  # the negative control: called as it is, it drops


class Doubled(nn.Module):
    """A model with nothing to learn."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * inputs


def test_a_model_without_parameters_predicts() -> None:
    torch.testing.assert_close(predict(Doubled(), INPUTS), 2 * INPUTS)


def test_the_place_and_type_of_a_model_are_those_of_its_first_numbers() -> None:
    counted = nn.BatchNorm1d(3, affine=False).double()  # its buffers alone, one of them a whole number
    assert first_tensor(counted).dtype == torch.float64
    assert first_tensor(nn.Linear(2, 2, device="meta")).device == torch.device("meta")
    assert first_tensor(Doubled()).device == torch.device("cpu") and len(first_tensor(Doubled())) == 0


def test_every_submodule_gets_its_own_mode_back() -> None:
    model = mixed()
    predict(model, INPUTS)
    assert modes(model) == [True, False, True, True]


def test_statistics_and_gradients_are_left_alone() -> None:
    model = mixed().train()
    model.linear(INPUTS).sum().backward()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    gradient = model.linear.weight.grad.clone()
    assert not predict(model, INPUTS).requires_grad
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())
    assert torch.equal(model.linear.weight.grad, gradient)
    assert torch.is_grad_enabled()


def test_modes_come_back_after_an_error_too() -> None:
    model = mixed()
    with pytest.raises(RuntimeError):
        predict(model, INPUTS[:, :2])
    assert modes(model) == [True, False, True, True]


def test_several_models_are_evaluated_together() -> None:
    one, two = mixed(), mixed().eval()
    with evaluating(one, two):
        assert not any(modes(one) + modes(two))
    assert (modes(one), modes(two)) == ([True, False, True, True], [False] * 4)


@pytest.mark.parametrize("batch_size", [1, 3, 10, 99])
def test_batches_do_not_show_in_the_result(batch_size: int) -> None:
    """Rows come back in order, whatever divides them, and so does a second input."""
    model, shift = mixed(), torch.arange(30.0).reshape(10, 3)
    expected = predict(model, INPUTS) + shift
    torch.testing.assert_close(predict(model, INPUTS, shift, batch_size=batch_size), expected)


def test_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        predict(mixed(), INPUTS[:0])


def test_parts_fill_the_rows_in_order() -> None:
    values = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    rows = torch.empty(7, 3)
    assert fill_rows(iter(values.double().split(3)), rows) is rows
    assert torch.equal(rows, values)


def test_rows_that_nothing_fills_are_refused() -> None:
    with pytest.raises(ValueError, match="have 6 rows, and 7"):
        fill_rows(torch.ones(6, 3).split(3), torch.empty(7, 3))
    with pytest.raises(ValueError, match="have 8 rows, and 7"):
        fill_rows(torch.ones(8, 3).split(1), torch.empty(7, 3))
