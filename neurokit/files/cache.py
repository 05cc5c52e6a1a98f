"""A cache of recordings: each is written to its own folder on the first call and read afterwards.

The folder is named after the kind of recording, its parameters, and the code that made it: the modules of the
makers and all that they import. Comments and docstrings do not count as code. Parameters of a converted
recording are where its files lie, and what tells whether they were changed (`files.reading.state_of`).
"""

import ast
import functools
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import resolve_name
from pathlib import Path
from typing import TypeVar

import neurokit
from neurokit import settings
from neurokit.errors import DataError
from neurokit.files.locks import hold_lock
from neurokit.files.reading import state_of

Read = TypeVar("Read")
PACKAGE = Path(neurokit.__file__).parent
# These find names, report, and place files; they do not affect the content of any.
NO_CONTENT = {f"neurokit.{name}" for name in ("arguments", "errors", "files", "lazy", "progress", "settings")}


def simulated_folder(kind: str, parameters: dict[str, object], makers: Sequence[Callable]) -> Path:
    """The folder of a recording; it changes with the parameters and with the code of the `makers`.

    `makers` are the functions that simulate and write it.
    """
    return settings.data_folder() / "simulated" / _name(kind, parameters, makers)


def converted_folder(
    kind: str,
    source: Path,
    parameters: dict[str, object],
    makers: Sequence[Callable],
    modules: Sequence[str] = (),
) -> Path:
    """The folder of what is made of a file or folder; one of earlier files there is then removed.

    `modules` are those whose code takes part although none of the `makers` imports them.
    """
    source = source.absolute()
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    found = [(str(file), *state_of(file.stat())) for file in files if file.is_file()]
    asked = parameters | {"source": str(source)}
    return settings.data_folder() / "converted" / _name(kind, asked, makers, modules, files=found)


def _name(
    kind: str,
    parameters: dict[str, object],
    makers: Sequence[Callable],
    modules: Sequence[str] = (),
    files: object = None,
) -> str:
    code = code_digest(tuple(sorted({*modules, *(maker.__module__ for maker in makers)})))
    code = code if files is None else _digest(json.dumps([code, files]))
    return f"{kind}-{_digest(json.dumps(parameters, sort_keys=True))}-{code}"


@functools.cache
def code_digest(modules: tuple[str, ...], package: Path = PACKAGE) -> str:
    """Twelve hexadecimal digits of the code of `modules` and of all that they import from `package`."""
    trees = _imported(modules, package)
    return _digest(repr([(name, _plain(_Code().visit(trees[name]))) for name in sorted(trees)]))


def read_or_write(
    folder: Path, last: str, write: Callable[[Path], object], read: Callable[[Path], Read]
) -> Read:
    """Returns what `read` makes of the folder; `write` fills it first where files are missing or damaged.

    `last` is the file that `write` makes last, which shows that all others are there. `read` must raise
    DataError for damaged files. One process writes while others wait. Folders of the same recording by other
    code are then removed. Raises DiskError where the folder cannot be written.
    """
    found = _read_complete(folder, last, read)  # needs no lock, so the data folder may be read-only
    if found is not None:
        return found
    recording, _, _ = folder.name.rpartition("-")
    with hold_lock(folder.with_name(recording)):  # of all folders of this recording
        found = _read_complete(folder, last, read)  # another process may have written it meanwhile
        if found is not None:
            return found
        shutil.rmtree(folder, ignore_errors=True)  # damaged or unfinished, so nothing is lost
        write(folder)
        _remove_stale(folder)
        return read(folder)


def _read_complete(folder: Path, last: str, read: Callable[[Path], Read]) -> Read | None:
    try:
        return read(folder) if (folder / last).is_file() else None
    except DataError:
        return None


def _remove_stale(folder: Path) -> None:
    """Removes folders of the same recording that other code made."""
    recording, _, _ = folder.name.rpartition("-")
    for other in folder.parent.iterdir():
        same = re.fullmatch(rf"{re.escape(recording)}-[0-9a-f]{{12}}", other.name)
        if same and other != folder and not other.is_symlink():
            shutil.rmtree(other, ignore_errors=True)


def _imported(modules: Iterable[str], package: Path) -> dict[str, ast.Module]:
    """The syntax trees of `modules` and of all that they import from `package`, by name."""
    found: dict[str, ast.Module] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and not _reports(name):
            found[name] = ast.parse(_file(name, package).read_bytes())
            waiting += _imports(name, found[name], package)
    return found


def _imports(name: str, tree: ast.Module, package: Path) -> Iterator[str]:
    """The modules of `package` that the module `name` imports, wherever in it, except for type checkers."""
    for node in _running(tree):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            within = resolve_name(relative, name.rpartition(".")[0])
            inner = [f"{within}.{alias.name}" for alias in node.names]
            wanted = [each if _file(each, package).is_file() else within for each in inner]
        else:
            continue
        yield from (each for each in wanted if each.split(".")[0] == neurokit.__name__)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from _running(child)


def _reports(name: str) -> bool:
    """Whether a module, or the package that it lies in, is one of NO_CONTENT."""
    return any(name == each or name.startswith(f"{each}.") for each in NO_CONTENT)


def _file(name: str, package: Path) -> Path:
    """The path that a module of `package` would have."""
    path = package.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")


class _Code(ast.NodeTransformer):
    """Removes docstrings: strings that are statements of their own."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        constant = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if constant else node


def _plain(node: object) -> object:
    """A syntax tree as nested lists, without positions and empty fields, in which Python versions differ."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, ast.AST):
        return node
    fields = ((name, _plain(value)) for name, value in ast.iter_fields(node) if value not in (None, []))
    return [type(node).__name__, *fields]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
