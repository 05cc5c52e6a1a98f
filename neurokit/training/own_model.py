"""A model of one's own: the function that builds it, found in a file and recognised by its code."""

import functools
import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from neurokit.errors import SettingsError


def load_build(text: str) -> Any:
    """The function `name` of a file, as in 'my_file.py:name'; the file is run, as Python runs any import.

    Raises SettingsError for a file that is not there or does not run, and where it has no such function.
    """
    file, _, name = text.rpartition(":")
    module = _run_file(Path(file))
    if not callable(found := getattr(module, name, None)):
        raise SettingsError(f"--model {text}: {file} has no function {name}.")
    return found


def _run_file(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise SettingsError(f"--model: {path} is no Python file; write my_file.py:name.")
    module = importlib.util.module_from_spec(specification)
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # where loading a checkpoint looks the class up
    try:
        specification.loader.exec_module(module)
    except Exception as error:  # whatever the file raises
        sys.modules.pop(path.stem)
        sys.modules.update({path.stem: before} if before is not None else {})
        line = _line_in(path, error)
        raise SettingsError(
            f"--model: {path} does not run ({line}{type(error).__name__}: {error})."
        ) from error
    return module


def _line_in(path: Path, error: Exception) -> str:
    """Where in the file it went wrong: its last line on the way to the error."""
    lines, step = [], error.__traceback__
    while step is not None:
        if Path(step.tb_frame.f_code.co_filename) == path:
            lines.append(step.tb_lineno)
        step = step.tb_next
    return f"line {lines[-1]}, " if lines else ""


def build_name(build: Any) -> str:
    """Module and name of the function, such as 'my_file:my_model'."""
    function = wrapped_function(build)
    return f"{function.__module__}:{function.__qualname__}"


def build_code(build: Any) -> str:
    """Name and digest of the code: another function of the same name has another one."""
    fixed = ""
    if isinstance(build, functools.partial):
        held = [*build.args, *(each for pair in sorted(build.keywords.items()) for each in pair)]
        fixed = repr([getattr(each, "__qualname__", each) for each in held])
    digest = hashlib.sha256(_source(wrapped_function(build)) + fixed.encode()).hexdigest()[:10]
    return f"{build_name(build)} {digest}"


def wrapped_function(build: Any) -> Any:
    """The function itself, without the arguments that `functools.partial` has fixed."""
    return wrapped_function(build.func) if isinstance(build, functools.partial) else build


def _source(function: Any) -> bytes:
    """The file that defines it; its own lines in a cell of a notebook; nothing where there are none."""
    try:
        file = Path(inspect.getsourcefile(function) or "")
        return file.read_bytes() if file.is_file() else inspect.getsource(function).encode()
    except (OSError, TypeError):
        return b""
