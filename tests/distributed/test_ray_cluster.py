"""Which Ray is worked on: the one that RAY_ADDRESS names, which stays, or a local one, which goes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from neurokit.distributed.ray_cluster import TOO_SLOW, TRIES, cluster, import_ray, start_local
from neurokit.errors import FitError

NEEDS_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="the extra [distributed] is not installed")
STARTED = "Ray runtime started"
JOIN = """
import os
from neurokit.distributed.ray_cluster import cluster, import_ray
ray = import_ray("This test")
with cluster(1):
    there = ray.remote(resources={"mark": 1} if "mark" in ray.cluster_resources() else {})
    task = there(lambda: os.environ["NEUROKIT_SOURCE"])
    print(ray.cluster_resources().get("mark"), ray.get(task.remote()))
assert not ray.is_initialized()
"""


def joined(**environment: str) -> str:
    """What a process of its own prints of the cluster that it works on."""
    done = subprocess.run(
        [sys.executable, "-c", JOIN],
        env=os.environ | {"NEUROKIT_SOURCE": "full"} | environment,
        capture_output=True,
        text=True,
        timeout=1800,  # of a busy machine
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which a running cluster of one marked node is found; it listens on loopback."""
    environment = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    for _ in range(TRIES):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with started(port, environment, tmp_path_factory.mktemp("ray") / "head.log") as said:
            if STARTED in said:
                yield environment | {"RAY_ADDRESS": f"127.0.0.1:{port}"}
                return
            assert TOO_SLOW in said, said
    raise RuntimeError(f"Ray did not start in {TRIES} tries")


@contextmanager
def started(port: int, environment: dict[str, str], log: Path) -> Iterator[str]:
    """A process that starts a head and stays, and what it said until it had started or had given up."""
    where = ["--head", "--node-ip-address=127.0.0.1", f"--port={port}", "--include-dashboard=false"]
    size = ["--num-cpus=1", "--object-store-memory=80000000", '--resources={"mark": 1}']
    command = [Path(sys.executable).parent / "ray", "start", *where, *size, "--block"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            while process.poll() is None and STARTED not in log.read_text():
                time.sleep(0.5)
            yield log.read_text()
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=120)
            with suppress(ProcessLookupError):  # what it started and could not stop
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@NEEDS_RAY
@pytest.mark.distributed
def test_the_cluster_of_ray_address_is_joined_and_left_running(head: dict[str, str]) -> None:
    """Its workers, started before, get the variables of whoever joins."""
    assert joined(**head) == "1.0 full"
    assert joined(**head) == "1.0 full"
    assert joined(**head | {"RAY_ADDRESS": ""}) == "None full"


@NEEDS_RAY
@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_an_address_at_which_nobody_answers_is_named(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:  # a port that is bound and does not listen refuses
        taken.bind(("127.0.0.1", 0))
        address = f"{prefix}127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        import_ray("This test")
        with (
            pytest.raises(FitError, match=rf"^No Ray cluster answers at RAY_ADDRESS {address}: [^\n]*\.$"),
            cluster(2),
        ):
            pytest.fail("nothing was joined")


@NEEDS_RAY
def test_what_ray_itself_refuses_raises_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = import_ray("This test")

    def refused(address: str, **options: object) -> None:
        raise ConnectionError(f"Failed to connect to Ray cluster at {address}")

    monkeypatch.setattr(ray, "init", refused)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(FitError, match="at RAY_ADDRESS auto"), cluster(2):
        pytest.fail("nothing was joined")


class SlowRay:
    """Stands in for Ray on a machine that is too busy for the first few starts."""

    def __init__(self, failures: int, words: str = f"The current node {TOO_SLOW}.") -> None:
        self.failures, self.words, self.starts = failures, words, []

    def init(self, **options: object) -> None:
        self.starts.append(options["num_cpus"])
        if len(self.starts) <= self.failures:
            raise Exception(self.words)


def test_a_start_that_took_too_long_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowRay(failures=2)
    monkeypatch.setitem(sys.modules, "ray", slow)
    start_local(3)
    assert slow.starts == [3, 3, 3]


def test_a_machine_that_is_too_busy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowRay(failures=99)
    monkeypatch.setitem(sys.modules, "ray", slow)
    with pytest.raises(FitError, match=f"{TRIES} tries"):
        start_local(1)
    assert len(slow.starts) == TRIES


def test_what_else_ray_raises_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = SlowRay(failures=99, words="no memory")
    monkeypatch.setitem(sys.modules, "ray", broken)
    with pytest.raises(Exception, match="no memory"):
        start_local(1)
    assert len(broken.starts) == 1
