"""Which Ray is worked on: the one that RAY_ADDRESS names, which stays, or a local one, which goes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from neurokit.errors import FitError
from neurokit.ray_cluster import cluster, import_ray

NEEDS_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="the extra [distributed] is not installed")
JOIN = """
import os
from neurokit.ray_cluster import cluster, import_ray
ray = import_ray("This test")
with cluster(1):
    there = ray.remote(resources={"mark": 1} if "mark" in ray.cluster_resources() else {})
    task = there(lambda: os.environ["NEUROKIT_TIER"])
    print(ray.cluster_resources().get("mark"), ray.get(task.remote()))
assert not ray.is_initialized()
"""


def joined(**environment: str) -> str:
    """What a process of its own prints of the cluster that it works on."""
    done = subprocess.run(
        [sys.executable, "-c", JOIN],
        env=os.environ | {"NEUROKIT_TIER": "full"} | environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which a running cluster of one marked node is found; it listens on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    program = Path(sys.executable).parent / "ray"
    where = ["--head", "--node-ip-address=127.0.0.1", f"--port={port}", "--include-dashboard=false"]
    size = ["--num-cpus=1", "--object-store-memory=80000000", '--resources={"mark": 1}']
    log = tmp_path_factory.mktemp("ray") / "head.log"
    with log.open("w") as stream:
        command = [program, "start", *where, *size, "--block"]
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            _wait_for("Ray runtime started", log, process)
            yield environment | {"RAY_ADDRESS": f"127.0.0.1:{port}"}
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait_for(words: str, log: Path, process: subprocess.Popen) -> None:
    for _ in range(240):
        if words in log.read_text():
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.5)
    raise AssertionError(log.read_text())


@NEEDS_RAY
@pytest.mark.slow
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
def test_what_ray_itself_refuses_is_told_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = import_ray("This test")

    def refused(address: str, **options: object) -> None:
        raise ConnectionError(f"Failed to connect to Ray cluster at {address}")

    monkeypatch.setattr(ray, "init", refused)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(FitError, match="at RAY_ADDRESS auto"), cluster(2):
        pytest.fail("nothing was joined")
