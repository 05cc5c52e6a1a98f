"""AllenSDK itself: its import beside numpy 2, the catalogue offline, and downloads from a bad network."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurokit.errors import DataError, DiskError, FetchError
from neurokit.v1_transformer import allensdk_cache as allen_server
from neurokit.v1_transformer.allensdk_cache import fetch_session, find_sessions, import_allensdk, open_cache
from neurokit.v1_transformer.simulated_files import write_session
from neurokit.v1_transformer.simulation import SessionParameters, simulate_session

SMALL = {"cells": 3, "frames": 12, "height": 12, "width": 24, "repeats": 2, "spontaneous": 2.0}
PARAMETERS = [
    SessionParameters(**SMALL),
    SessionParameters(**SMALL, session_type="three_session_B"),
    SessionParameters(**SMALL, session_type="three_session_C", seed=1),
]
BLOCKED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from neurokit.v1_transformer.allensdk_cache import import_allensdk
from neurokit.errors import DataError
try:
    import_allensdk()
except DataError as error:
    print(error)
"""
UNCHANGED = """
import numpy
names = "VisibleDeprecationWarning", "string_", "NaN"
before = [hasattr(numpy, name) for name in names]
from neurokit.v1_transformer.allensdk_cache import import_allensdk
reader, cache = import_allensdk()
assert (reader, cache) == import_allensdk()
assert before == [hasattr(numpy, name) for name in names]
print(reader.__name__, cache.__name__)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with three simulated sessions."""
    folder = tmp_path_factory.mktemp("allen")
    for parameters in PARAMETERS:
        write_session(simulate_session(parameters), folder)
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_import_leaves_numpy_as_it_was() -> None:
    assert run(UNCHANGED) == "BrainObservatoryNwbDataSet BrainObservatoryCache"


def test_a_missing_allensdk_is_named_with_the_command() -> None:
    said = run(BLOCKED.format(name="allensdk"))
    assert "not installed" in said and "pip install --no-deps allensdk==2.16.2" in said


def test_a_broken_import_is_named_with_its_cause() -> None:
    said = run(BLOCKED.format(name="simplejson"))
    assert "cannot be imported" in said and "simplejson" in said and "pip install" in said


def test_the_catalogue_is_read_offline(folder: Path, offline: None) -> None:
    cache = open_cache(folder)
    table = find_sessions(cache)
    assert list(table["session_id"]) == [each.session_id for each in PARAMETERS]
    assert list(table["session_type"]) == [each.session_type for each in PARAMETERS]
    assert table["container_id"].nunique() == 2
    assert set(table["structure"]) == {"VISp"} and set(table["cre_line"]) == {"Cux2-CreERT2"}
    assert cache.get_all_cre_lines() == ["Cux2-CreERT2"]
    assert len(cache.get_experiment_containers()) == 2
    assert len(cache.get_cell_specimens()) == 6


@pytest.mark.parametrize(
    ("movie", "types"),
    [("natural_movie_three", ["three_session_A"]), ("natural_movie_two", ["three_session_C"])],
)
def test_sessions_are_chosen_by_their_movie(
    folder: Path, offline: None, movie: str, types: list[str]
) -> None:
    table = find_sessions(open_cache(folder), movie=movie, depth=175, cre_line="cux2-creert2")
    assert list(table["session_type"]) == types


@pytest.mark.parametrize(
    "choice", [{"structure": "VISl"}, {"depth": 350}, {"cre_line": "Rorb-IRES2-Cre"}, {"movie": "natural"}]
)
def test_a_choice_without_sessions_is_told(folder: Path, offline: None, choice: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="No session has"):
        find_sessions(open_cache(folder), **choice)


def test_a_session_that_is_there_needs_no_network(folder: Path, offline: None) -> None:
    path = fetch_session(open_cache(folder), PARAMETERS[0].session_id)
    assert path == folder / "ophys_experiment_data" / f"{PARAMETERS[0].session_id}.nwb"


def test_the_same_session_written_again_stands_in_the_catalogue_once(tmp_path: Path, offline: None) -> None:
    session = simulate_session(PARAMETERS[1])
    for _ in range(2):
        write_session(session, tmp_path)
    assert len(find_sessions(open_cache(tmp_path))) == 1


@pytest.mark.parametrize("name", ["manifest.json", "ophys_experiments.json"])
def test_a_damaged_json_is_named(tmp_path: Path, offline: None, name: str) -> None:
    open_cache(tmp_path)
    (tmp_path / name).write_text('{"half": ')
    with pytest.raises(DataError, match=f"{name}.*remove it"):
        find_sessions(open_cache(tmp_path))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match=r"manifest\.json"):
        open_cache(tmp_path / "file" / "cache")


Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Answers a query with a link to a file, and that with `content`."""

    content = b""
    missing = 0  # bytes promised and not sent
    status = 200
    silent = False
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.server.silent:
            threading.Event().wait(5)
            return
        link = {"success": True, "msg": [{"download_link": "/session.nwb"}], "total_rows": 1}
        query = self.path != "/session.nwb"
        body = json.dumps(link).encode() if query else self.server.content
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body) + (0 if query else self.server.missing)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def keep_silent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says nothing, and soon that is too long."""
    server.silent = True
    monkeypatch.setattr(allen_server, "TIMEOUT", (60.0, 0.5))


def cache_of(server: Server, folder: Path) -> Any:
    cache = open_cache(folder)
    cache.api.set_api_urls(f"http://127.0.0.1:{server.server_port}")
    return cache


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def listed(folder: Path, tmp_path: Path) -> Path:
    """A cache whose catalogue has sessions 7, which showed movies one and three, and 8, but no file."""
    entries = json.loads((folder / "ophys_experiments.json").read_text())
    for number, entry in zip((7, 8), entries, strict=False):
        entry["id"] = number
    (tmp_path / "ophys_experiments.json").write_text(json.dumps(entries[:2]))
    return tmp_path


LISTED = ["manifest.json", "ophys_experiments.json"]


def test_a_session_is_downloaded_whole(server: Server, folder: Path, listed: Path) -> None:
    server.content = fetch_session(open_cache(folder), PARAMETERS[0].session_id).read_bytes()
    path = fetch_session(cache_of(server, listed), 7, ["natural_movie_three", "natural_movie_one"])
    assert path.read_bytes() == server.content
    assert files(listed) == ["7.nwb", *LISTED]


@pytest.mark.parametrize(
    ("session", "movies", "says"),
    [
        (78, None, r"Session 78 is none of the 2 .* like it are (7, 8|8, 7): find_sessions"),
        (7, "natural_movie_two", "natural_movie_two, only natural_movie_one, natural_movie_three"),
        (8, ["natural_movie_one", "natural_movie_three"], "did not show natural_movie_three, only"),
    ],
)
def test_what_the_catalogue_lacks_is_refused_before_the_download(
    listed: Path, offline: None, session: int, movies: str | list[str] | None, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        fetch_session(open_cache(listed), session, movies)
    assert files(listed) == LISTED


@pytest.mark.parametrize("trouble", ["silent", "refused", "cut short", "half a file", "a page", "away"])
def test_a_bad_network_leaves_nothing_behind(
    server: Server, folder: Path, listed: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    whole = fetch_session(open_cache(folder), PARAMETERS[0].session_id).read_bytes()
    if trouble == "silent":
        keep_silent(server, monkeypatch)
    server.status = 503 if trouble == "refused" else 200
    server.content = {"half a file": whole[:5000], "a page": b"<html>sorry</html>"}.get(trouble, whole)
    server.missing = 100 if trouble == "cut short" else 0
    cache = cache_of(server, listed)
    if trouble == "away":
        cache.api.set_api_urls("http://127.0.0.1:9")
    with pytest.raises(FetchError, match="session 7") as caught:
        fetch_session(cache, 7)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    assert files(listed) == LISTED


def test_a_catalogue_that_does_not_come_is_not_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_silent(server, monkeypatch)
    with pytest.raises(FetchError, match="catalogue of sessions"):
        find_sessions(cache_of(server, tmp_path))
    assert files(tmp_path) == ["manifest.json"]


def test_the_shim_serves_numpy_s_own_names() -> None:
    reader, _ = import_allensdk()
    namespace = sys.modules[reader.__module__].np
    assert namespace.string_ is np.bytes_ and np.isnan(namespace.NaN)
    assert namespace.where is np.where
