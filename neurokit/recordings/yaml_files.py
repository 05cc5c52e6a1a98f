"""Small YAML files of others, read with a limit on their size and plain values only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from neurokit.errors import DataError
from neurokit.files.reading import check_is_file

MOST_BYTES = 2**24  # lists of the spikes of 40,000 units are a few hundred kilobytes
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """What a YAML file says by name; DataError where it is missing, damaged, too large or says nothing so."""
    size = check_is_file(path).stat().st_size
    if size > MOST_BYTES:
        raise DataError(
            f"{path} has {size} bytes, more than {MOST_BYTES}; it is no description of a recording."
        )
    try:
        found = yaml.load(Path(path).read_text("utf-8"), LOADER)
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        raise DataError(f"{path} is no plain YAML ({reason}); write names and plain values.") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds {type(found).__name__}; write lines of name: value.")
    return found


def number(folder: Path, meta: Mapping[str, Any], name: str, least: int | float = -np.inf) -> float:
    """A number of a description; DataError where there is none, or less than `least`."""
    found = meta.get(name)
    if not isinstance(found, int | float) or isinstance(found, bool) or not least <= found < np.inf:
        raise DataError(f"{folder}: {name} in meta.yml is {found!r}; write a number that it can be.")
    return float(found)
