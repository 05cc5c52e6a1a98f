"""Names of a package that are imported when they are first used.

A package lists its names once, as imports that only a type checker runs, and takes its lookup from here:

    if TYPE_CHECKING:
        from neurokit.sensorium.model import Model4

    __getattr__, __dir__, __all__ = lazy_names(__name__)
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from inspect import getsource
from typing import Any


def lazy_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of the package whose source is running.

    The names are those of its `if TYPE_CHECKING` block. One that is not there raises AttributeError.
    """
    module = sys.modules[package]
    places = _imports(getsource(module))

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if places[name] == package:  # a module of the package itself
            return import_module(f"{package}.{name}")
        return getattr(import_module(places[name]), name)

    return find, lambda: sorted({*vars(module), *places}), sorted(places)


def _imports(source: str) -> dict[str, str]:
    """The module that each name under `if TYPE_CHECKING` comes from."""
    blocks = (node.body for node in ast.parse(source).body if isinstance(node, ast.If))
    lines = (line for block in blocks for line in block if isinstance(line, ast.ImportFrom))
    return {alias.name: line.module or "" for line in lines for alias in line.names}
