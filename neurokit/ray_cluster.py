"""Ray, for the search and the ensemble: the cluster already joined, or a local one of one's own.

Needs the extra `[distributed]`.
"""

import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from neurokit.errors import FitError


def import_ray(purpose: str, module: str = "ray") -> ModuleType:
    """Ray, told before its first import to report no usage and to stay on the loopback address.

    Raises FitError, with the `purpose` in its sentence, where it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "ray" not in sys.modules:
        # On Linux this variable, not `_node_ip_address`, is what keeps a local Ray off the network.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        importlib.import_module(module)
    except ImportError as error:
        finding = f"{purpose} needs ray ({error})"
        raise FitError(f"{finding}: install this project's extra [distributed].") from error
    return importlib.import_module("ray")


@contextmanager
def cluster(processors: int) -> Iterator[None]:
    """The cluster already joined, or a local one that is stopped at the end.

    The local one listens on the loopback address; its workers import from this process's paths.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    options = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.WARNING}
    try:
        ray.init(address="local", num_cpus=processors, **options)
        yield
    finally:
        ray.shutdown()
        os.environ.pop("PYTHONPATH")
        os.environ.update({"PYTHONPATH": before} if before is not None else {})
