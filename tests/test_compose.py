"""compose.yaml: reachable from this machine alone, never without a token. No Docker builds it here."""

import re
from pathlib import Path

import pytest
import yaml


def dangers(compose: dict) -> list[str]:
    """Sentences: what would let somebody else in, or what is not there."""
    found = [f"no service {name}" for name in ("cpu", "gpu") if name not in compose["services"]]
    for name, service in compose["services"].items():
        ports = service.get("ports", [])
        found += [
            f"{name}: port {port} is open to others"
            for port in ports
            if not str(port).startswith("127.0.0.1:")
        ]
        found += [f"{name}: JupyterLab's port is not published"] * (
            not any(str(port).endswith(":8888") for port in ports)
        )
        found += [f"{name}: shares the host's network"] * (service.get("network_mode") == "host")
        token = str(service.get("environment", {}).get("JUPYTER_TOKEN", ""))
        # `:?` stops compose for an unset and for an empty variable, `?` only for an unset one.
        found += [f"{name}: an empty token passes"] * (
            not re.fullmatch(r"\$\{JUPYTER_TOKEN:\?[^}]+\}", token)
        )
        found += [f"{name}: its command may switch the token off"] * (
            "command" in service or "entrypoint" in service
        )
    return found


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "compose.yaml").read_text()


def test_compose_is_closed_to_others(text: str) -> None:
    assert dangers(yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("127.0.0.1:8888:8888", "8888:8888", "cpu: port 8888:8888 is open to others"),
        ("127.0.0.1:8888:8888", "0.0.0.0:8888:8888", "gpu: port 0.0.0.0:8888:8888 is open to others"),
        ("JUPYTER_TOKEN:?", "JUPYTER_TOKEN?", "cpu: an empty token passes"),
        ("JUPYTER_TOKEN:?", "JUPYTER_TOKEN:-", "cpu: an empty token passes"),
        ("    ports:", "    network_mode: host\n    ports:", "cpu: shares the host's network"),
        ("  gpu:\n", "  other:\n", "no service gpu"),
    ],
)
def test_an_open_compose_is_noticed(text: str, old: str, new: str, says: str) -> None:
    assert old in text
    assert says in dangers(yaml.safe_load(text.replace(old, new)))


def test_only_the_gpu_service_asks_for_a_gpu(text: str) -> None:
    services = yaml.safe_load(text)["services"]
    device = services["gpu"]["deploy"]["resources"]["reservations"]["devices"][0]
    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]
    assert "deploy" not in services["cpu"]


def test_container_keeps_jupyters_token(root: Path) -> None:
    dockerfile = (root / "Dockerfile").read_text()
    assert not re.search(r"token=|password=|allow-root|disable_check", dockerfile, re.IGNORECASE)
    assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)


@pytest.mark.parametrize("name", ["compose.yaml", "Dockerfile"])
def test_says_that_it_is_not_yet_built(root: Path, name: str) -> None:
    assert "Not yet built by us" in (root / name).read_text()


def test_images_are_built_here_and_never_asked_of_a_registry(text: str) -> None:
    """Without `pull_policy` compose pulls an image of that name before it builds one."""
    services = yaml.safe_load(text)["services"]
    assert {service["pull_policy"] for service in services.values()} == {"build"}


def test_the_gpu_service_does_not_start_the_image_of_the_cpu(text: str) -> None:
    services = yaml.safe_load(text)["services"]
    assert services["cpu"]["image"] != services["gpu"]["image"]
