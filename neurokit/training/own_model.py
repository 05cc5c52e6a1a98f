"""A model of one's own: the function that builds it, found in a file and recognised by its code."""

import functools
import hashlib
import importlib.util
import inspect
import re
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
    if not file or not name:
        raise SettingsError(f"--model {text} names no function in a file; write my_file.py:name.")
    module = _run_file(Path(file))
    if not callable(found := getattr(module, name, None)):
        raise SettingsError(f"--model {text}: {file} has no function {name}.")
    return found


def _run_file(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise SettingsError(f"--model: {path} is no Python file; write my_file.py:name.")
    _check_name(path)
    module = importlib.util.module_from_spec(specification)
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # where loading a checkpoint looks the class up
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the file raises
        sys.modules.pop(path.stem)
        sys.modules.update({path.stem: before} if before is not None else {})
        raise SettingsError(f"--model: {path} does not run ({describe_error(error, path)}).") from error
    return module


def _check_name(path: Path) -> None:
    """Raises SettingsError for the name of another module, which the file would replace."""
    there = sys.modules.get(path.stem)
    file = getattr(there, "__file__", None)
    if there is None:
        try:
            found = importlib.util.find_spec(path.stem)
        except (ImportError, ValueError):
            found = None
        file = found.origin if found is not None else None
    if (there is not None or file is not None) and (file is None or not _is_same(Path(file), path)):
        raise SettingsError(f"--model: {path} has the name of another module, {path.stem}; rename the file.")


def _is_same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute() or (one.is_file() and other.is_file() and one.samefile(other))


def describe_error(error: BaseException, path: Path | None) -> str:
    """Kind and message of an error, after the last line of the file on the way to it."""
    reason = str(error).splitlines()
    return f"{_line_in(path, error)}{type(error).__name__}: {reason[0] if reason else 'no reason given'}"


def _line_in(path: Path | None, error: BaseException) -> str:
    lines, step = [], error.__traceback__
    while step is not None:
        if path is not None and _is_same(Path(step.tb_frame.f_code.co_filename), path):
            lines.append(step.tb_lineno)
        step = step.tb_next
    return f"line {lines[-1]}, " if lines else ""


def build_name(build: Any) -> str:
    """Module and name of the function, such as 'my_file:my_model'."""
    function = wrapped_function(build)
    return f"{function.__module__}:{getattr(function, '__qualname__', type(function).__qualname__)}"


def build_file(build: Any) -> Path | None:
    """The file that defines the function; None for one of a notebook's cell."""
    try:
        return Path(inspect.getsourcefile(wrapped_function(build)) or "")
    except TypeError:
        return None


def build_code(build: Any) -> str:
    """Name and digest of the code: another function of the same name has another one."""
    held: list[Any] = []
    if isinstance(build, functools.partial):
        held += [*build.args, *(each for pair in sorted(build.keywords.items()) for each in pair)]
    function = wrapped_function(build)
    held += sorted(inspect.getclosurevars(function).nonlocals.items()) if inspect.isfunction(function) else []
    held += getattr(function, "__defaults__", None) or ()
    held += sorted((getattr(function, "__kwdefaults__", None) or {}).items())
    named = [getattr(each, "__qualname__", each) for each in held]
    fixed = re.sub(r" at 0x[0-9a-f]+", "", repr(named)) if held else ""  # addresses differ in every process
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
