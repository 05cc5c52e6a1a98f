"""Numbers that can be compared to the last bit: digests of arrays and weights, exact scores, differences.

Knows nothing of the package that is measured.
"""

import hashlib
import json
import math
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn")  # another version may round otherwise
ABSENT = "nothing"
MOST = 120  # characters of an entry in a line about a difference


def digest(*arrays: Any) -> str:
    """SHA-256 of types, shapes and values of arrays, tensors or texts, little endian, in this order."""
    found = hashlib.sha256()
    for array in arrays:
        for part in _parts(array):
            found.update(part)
    return found.hexdigest()


def digests(**arrays: Any) -> dict[str, str]:
    """The digest of each array by its name; a sequence of arrays counts as one."""
    return {
        name: digest(*array) if isinstance(array, list | tuple) else digest(array)
        for name, array in arrays.items()
    }


def weights(model: nn.Module) -> str:
    """SHA-256 of the values of all parameters and saved buffers, whatever they are called.

    They are sorted by type, shape and bytes; one that bears two names counts once. So two of one shape may
    change places unnoticed, which the digest of the predictions tells.
    """
    once = {id(tensor): tensor for tensor in model.state_dict(keep_vars=True).values()}
    found = hashlib.sha256()
    for parts in sorted(_parts(tensor) for tensor in once.values()):
        for part in parts:
            found.update(part)
    return found.hexdigest()


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """A table's columns by name, exact."""
    return {str(name): [exact(value) for value in column] for name, column in table.items()}


def scores(table: pd.DataFrame, *by: str) -> dict[str, dict[str, Any]]:
    """A table's rows, exact, named after their entries in the columns `by`; their order does not count."""
    rows = table.to_dict("records")
    names = [" / ".join(str(row[key]) for key in by) for row in rows]
    if len(set(names)) < len(names):
        raise ValueError(f"two rows have the same {', '.join(by)}: name more columns")
    return {
        name: {str(key): exact(value) for key, value in row.items() if key not in by}
        for name, row in zip(names, rows, strict=True)
    }


def exact(value: Any) -> Any:
    """A number as JSON keeps it, every digit; what JSON has no word for becomes a text."""
    if hasattr(value, "item"):
        value = value.item()
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def differences(recorded: Any, found: Any, where: str = "") -> Iterator[str]:
    """One line for each entry that is not the same to the last digit, in the order of `recorded`."""
    if isinstance(recorded, Mapping) and isinstance(found, Mapping):
        for name in [*recorded, *(name for name in found if name not in recorded)]:
            pair = recorded.get(name, ABSENT), found.get(name, ABSENT)
            yield from differences(*pair, f"{where}{': ' if where else ''}{name}")
    elif _is_list(recorded) and _is_list(found) and len(recorded) == len(found):
        for number, pair in enumerate(zip(recorded, found, strict=True)):
            yield from differences(*pair, f"{where}[{number}]")
    elif (before := json.dumps(recorded)) != (now := json.dumps(found)):
        yield f"{where}: recorded {before[:MOST]}, found {now[:MOST]}"


def machine() -> dict[str, str]:
    """What the last bits depend on: processor, its vector instructions as torch uses them, libraries."""
    return {
        "processor": _processor(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in LIBRARIES},
    }


def _parts(array: Any) -> tuple[bytes, bytes, bytes]:
    """Type, shape and little-endian values."""
    values = np.asarray(array.detach().cpu().numpy() if isinstance(array, torch.Tensor) else array)
    if values.dtype.kind in "OUST":  # the width of a text type depends on the longest text
        texts = json.dumps([str(value) for value in values.ravel()])
        return b"text", str(values.shape).encode(), texts.encode()
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return little.dtype.str.encode(), str(values.shape).encode(), little.tobytes()


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _processor() -> str:
    """Name, and where Linux tells them family, model and stepping: virtual machines hide the name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    wanted = ("model name", "cpu family", "model", "stepping")
    numbers = " / ".join(facts[name] for name in wanted if name in facts)
    return f"{platform.machine()} {numbers or platform.processor()}"
