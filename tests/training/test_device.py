"""Which device, how precisely, and one sentence where it is not there."""

import pytest
import torch

from neurokit.errors import SettingsError
from neurokit.training import device
from neurokit.training.device import autocast, choose_device


def machine(monkeypatch: pytest.MonkeyPatch, *, cuda: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(device, "_devices", lambda: {"cuda": cuda > 0, "mps": mps, "cpu": True})
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)


@pytest.mark.parametrize(
    ("there", "chosen"), [({}, "cpu"), ({"mps": True}, "mps"), ({"cuda": 1, "mps": True}, "cuda")]
)
def test_auto_takes_the_fastest_there_is(
    monkeypatch: pytest.MonkeyPatch, there: dict[str, int], chosen: str
) -> None:
    machine(monkeypatch, **there)
    assert choose_device() == torch.device(chosen)


def test_a_named_device_is_taken_though_a_faster_one_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=2)
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "tpu", ""])
def test_a_device_that_is_not_there_is_named_beside_those_that_are(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    machine(monkeypatch)
    with pytest.raises(SettingsError, match=f"Device '{name}' is not there; this machine has cpu."):
        choose_device(name)


@pytest.mark.parametrize("name", ["cuda:2", "cuda:-1", "cuda:first"])
def test_a_gpu_too_many_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    machine(monkeypatch, cuda=2)
    with pytest.raises(SettingsError, match=f"'{name}' is not there; this machine has 2 GPUs"):
        choose_device(name)


def test_bfloat16_computes_coarsely_and_keeps_the_weights() -> None:
    layer = torch.nn.Linear(4, 4)
    with autocast(torch.device("cpu"), "bfloat16"):
        assert layer(torch.ones(1, 4)).dtype == torch.bfloat16
    with autocast(torch.device("cpu"), "float32"):
        assert layer(torch.ones(1, 4)).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(Exception, match=r"float16|precision") as found:
        autocast(torch.device("cpu"), "float16")  # type: ignore[arg-type]
    assert "beartype" in type(found.value).__module__ or isinstance(found.value, SettingsError | TypeError)
