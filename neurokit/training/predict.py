"""Prediction: always in evaluation mode, without gradients, leaving the model unchanged.

The winning SENSORIUM 2022 entry predicted in training mode; here no caller can do so by mistake.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from neurokit.training.device import first_tensor


@contextmanager
def evaluating(*models: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; afterwards every submodule has its earlier mode."""
    modes = [(module, module.training) for model in models for module in model.modules()]
    try:
        for model in models:
            model.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def predict(model: nn.Module, *inputs: Tensor, batch_size: int = 256) -> Tensor:
    """The model's output for all rows of `inputs`, in evaluation mode, on the model's device.

    A model without parameters and buffers computes on the CPU. `inputs` share their first axis. The output is
    written batch by batch into one tensor.
    """
    device = first_tensor(model).device
    rows, output = len(inputs[0]), None
    with evaluating(model), torch.no_grad():
        for start in range(0, rows, batch_size):
            part = model(*(values[start : start + batch_size].to(device) for values in inputs))
            if output is None:
                output = part.new_empty((rows, *part.shape[1:]))
            output[start : start + batch_size] = part
    if output is None:
        raise ValueError("predict needs at least one row.")
    return output


def fill_rows(parts: Iterable[Tensor], into: Tensor) -> Tensor:
    """Fills the rows of `into` with those of the parts in turn and returns it.

    A part may be on another device. Raises ValueError where the parts leave rows empty.
    """
    start = 0
    for part in parts:
        into[start : start + len(part)] = part
        start += len(part)
    if start != len(into):
        raise ValueError(f"The parts have {start} rows, and {len(into)} are needed; give all parts.")
    return into


@contextmanager
def predicting_as_in_training(*models: nn.Module) -> Iterator[None]:
    """Training mode inside, to show its effect on predictions; buffers and modes are restored.

    Only for reproducing published numbers that rest on this mistake.
    """
    modes = [(module, module.training) for model in models for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for model in models for buffer in model.buffers()]
    try:
        for model in models:
            model.train()
        yield
    finally:
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        for module, mode in modes:
            module.training = mode
