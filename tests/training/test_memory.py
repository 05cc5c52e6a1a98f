"""Reused memory: what the system still hands out, counted in a process of its own, and who asks for it."""

import platform
import subprocess
import sys
from importlib import import_module

import pytest
import torch
from torch import nn

from neurokit.training import device as allocator
from neurokit.training.fit import Rows, fit, masked_squared_error
from neurokit.training.settings import FitSettings

FAULTS = """
import resource, sys
import torch
from neurokit.training.device import keep_freed_memory

if sys.argv[1] == "reused":
    assert keep_freed_memory()

def fill():
    return float(torch.ones(2**24).sum())  # 64 MB

for _ in range(10):
    fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(allocator: str) -> int:
    """Pages that the system hands out for 20 tensors of 64 MB, one after the other."""
    command = [sys.executable, "-c", FAULTS, allocator]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_memory_is_reused_where_asked_and_not_elsewhere() -> None:
    assert faults("reused") * 10 < faults("as it comes")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: pytest.fail("the C library was opened"))
    assert allocator.keep_freed_memory() is False


@pytest.mark.parametrize(("value", "calls"), [("1", 1), ("", 0), ("0", 0), (None, 0)])
def test_training_asks_for_it_where_the_user_does(
    monkeypatch: pytest.MonkeyPatch, value: str | None, calls: int
) -> None:
    asked = []
    monkeypatch.delenv("NEUROKIT_KEEP_MEMORY", raising=False)
    if value is not None:
        monkeypatch.setenv("NEUROKIT_KEEP_MEMORY", value)
    monkeypatch.setattr(
        import_module("neurokit.training.fit"), "keep_freed_memory", lambda: asked.append(True)
    )
    rows = Rows(torch.zeros(2, 3, 2), torch.zeros(2, 3, 1), torch.ones(2, 3, dtype=torch.bool))
    fit(nn.Linear(2, 1), masked_squared_error, rows, rows, FitSettings(epochs=1), show_progress=False)
    assert len(asked) == calls
