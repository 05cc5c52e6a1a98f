"""Ray for search and ensemble: the cluster already joined, that of RAY_ADDRESS, or a local one.

RAY_ADDRESS is Ray's own variable: the address that `ray start --head` prints. Needs the extra
`[distributed]`.
"""

import importlib
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from neurokit.errors import FitError

PATIENCE = 10.0  # s
TRIES = 5  # to start a local Ray
TOO_SLOW = "timed out during startup"  # Ray waits 15 s for its agents: ray-project/ray issue 65983


def import_ray(purpose: str, module: str = "ray") -> ModuleType:
    """Imports Ray, set to report no usage and, without RAY_ADDRESS, to stay on this machine.

    Raises FitError, with the `purpose` in its message, where it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "ray" not in sys.modules and _address() is None:
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
    """Uses the cluster already joined, or that of RAY_ADDRESS, or a local one that is stopped at the end.

    A local one has `processors` CPUs and listens on the loopback address; its workers have this process's
    import paths. Workers of another cluster get this process's NEUROKIT_ variables. Raises FitError where
    nothing answers at RAY_ADDRESS, or where the machine is too busy to start a local one in time.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    if (address := _address()) is not None:
        yield from _join(address)
        return
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        start_local(processors)
        yield
    finally:
        ray.shutdown()
        os.environ.pop("PYTHONPATH")
        os.environ.update({"PYTHONPATH": before} if before is not None else {})


def start_local(processors: int) -> None:
    """Starts Ray on this machine; tries again where the machine is too busy for a start in time.

    Raises FitError after TRIES tries.
    """
    import ray

    for _ in range(TRIES):
        try:
            ray.init(
                address="local",
                num_cpus=processors,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.WARNING,
            )
        except Exception as error:  # Ray raises no narrower one
            if TOO_SLOW not in str(error):
                raise
        else:
            return
    raise FitError(
        f"Ray did not start in {TRIES} tries: this machine is too busy; wait until it is less busy, or "
        "work without Ray."
    )


def _join(address: str) -> Iterator[None]:
    """Joins a running cluster and leaves it running."""
    import ray

    try:
        _check_answer(address)
        ray.init(
            address,
            runtime_env={"env_vars": _variables()},
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except (OSError, ValueError, ImportError) as error:
        raise FitError(
            f"No Ray cluster answers at RAY_ADDRESS {address}: check it with `ray status`, or unset "
            "the variable to work on this machine."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_answer(address: str) -> None:
    """Raises OSError where nothing listens at a `host:port`; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()


def _address() -> str | None:
    """The cluster of RAY_ADDRESS, if any; 'local' is Ray's word for a new one on this machine."""
    address = os.environ.get("RAY_ADDRESS", "").strip()
    return None if address in ("", "local") else address


def _variables() -> dict[str, str]:
    """This project's environment variables, for workers on other machines."""
    return {name: value for name, value in os.environ.items() if name.startswith("NEUROKIT_")}
