"""The faces of the package and of each system: each name is there, typed, and imported when asked for."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from neurokit import settings

SYSTEMS = tuple(name.replace("-", "_") for name in settings.SYSTEMS)
FACES = ("neurokit", *(f"neurokit.{name}" for name in SYSTEMS))


def typed(face: str, root: Path) -> set[str]:
    """The names that type checkers find: those under `if TYPE_CHECKING`."""
    tree = ast.parse((root / face.replace(".", "/") / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {alias.name for node in block.body for alias in node.names}


@pytest.mark.parametrize("face", FACES)
def test_what_a_face_lists_is_there_and_typed(face: str, root: Path) -> None:
    module = import_module(face)
    assert set(module.__all__) == typed(face, root)
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        module.nothing  # noqa: B018


@pytest.mark.parametrize("face", FACES)
def test_a_face_imports_nothing_before_it_is_asked(face: str, root: Path) -> None:
    code = f"import {face}, sys; print('torch' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert run.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_all_systems_offer_the_same_flow(name: str) -> None:
    module = import_module(f"neurokit.{name}")
    flow = (
        "load",
        "sessions",
        "describe",
        "task",
        "build",
        "train",
        "score",
        "predict",
        "evaluate",
        "respond",
    )
    assert {*flow, "simulate", "MODELS", "search_space"} <= set(module.__all__)


def test_the_face_in_one_line() -> None:
    from neurokit import Experiment, fit, load_pretrained, metrics, sensorium

    assert all(callable(each) for each in (Experiment, fit, load_pretrained))
    assert metrics.r2 and sensorium.__name__ == "neurokit.sensorium"
