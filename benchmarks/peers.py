"""neuralpredictors 0.3.0, the peer that the SENSORIUM figures are measured beside.

It was written for older Pythons: two names that moved to collections.abc in Python 3.10 are put back, and
torchvision, which it imports for a core that is not used here, is stood in for by an empty module.
"""

import collections
import collections.abc
import importlib.util
import sys
import types
import warnings


def importable() -> bool:
    """Makes `import neuralpredictors...` work; False without it or scikit-image (extra `benchmarks`)."""
    for name in ("Iterable", "Mapping"):
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if "torchvision" not in sys.modules and importlib.util.find_spec("torchvision") is None:
        sys.modules["torchvision"] = types.ModuleType("torchvision")
    warnings.filterwarnings("ignore", module="neuralpredictors")
    return all(importlib.util.find_spec(name) for name in ("neuralpredictors", "skimage"))


def require(*further: str) -> None:
    """Ends the program with one sentence where the peer, or one of `further` modules, is not installed."""
    missing = [name for name in further if importlib.util.find_spec(name) is None]
    if not importable():
        missing.append("neuralpredictors or scikit-image")
    if missing:
        raise SystemExit(
            f"{', '.join(missing)} is not installed; `make setup` does it (extras in pyproject)."
        )
