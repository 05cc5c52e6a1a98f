"""NWB files at an address, from a server on this machine: in parts, equal, a sentence for each fault."""

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import h5py
import numpy as np
import pytest

from neurokit import recordings
from neurokit.cli import main
from neurokit.errors import DataError, FetchError, SettingsError
from neurokit.recordings.nwb_remote import name_of_address
from tests.recordings import planted, sessions
from tests.recordings.same import assert_same

pytest.importorskip("pynwb")
from tests.recordings import write_nwb


class Server:
    """One file at every address; `ranges` says whether parts of it are sent."""

    def __init__(self) -> None:
        self.content, self.ranges, self.sent = b"", True, 0  # bytes of parts
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/{path}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        part = self.content
        if request.path.endswith("gone.nwb"):
            request.send_response(404)
            part = b""
        elif wanted and self.ranges:
            first, last = int(wanted[1]), int(wanted[2])
            part = self.content[first : last + 1]
            self.sent += len(part)
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {first}-{last}/{len(self.content)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(part)))
        request.end_headers()
        with suppress(OSError):  # the length was all that was asked for
            request.wfile.write(part)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


@pytest.fixture(scope="module")
def mouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nwb.write_nwb(sessions.two_photon(), tmp_path_factory.mktemp("nwb") / "mouse.nwb")


def test_a_file_at_an_address_is_read_equal(server, mouse):
    pytest.importorskip("remfile")
    server.content = mouse.read_bytes()
    found = recordings.read(server.url("data/mouse.nwb?token=1"))
    assert_same(found, sessions.two_photon())
    path = Path(server.url("data/mouse.nwb"))  # which has one slash only
    assert recordings.recognise(path) == "NWB"
    assert recordings.list_recordings(path) == {"mouse": path}
    assert_same(recordings.read(path), sessions.two_photon())


def test_what_is_typed_next_after_a_check_converts_the_file_at_the_address(
    server, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("remfile")
    server.content = write_nwb.write_nwb(planted.images(), tmp_path / "mouse.nwb").read_bytes()
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    address = server.url("data/mouse.nwb?token=1")
    assert main(["check", address]) == 0
    *_, picture, typed = capsys.readouterr().out.splitlines()
    assert picture == f"wrote {tmp_path / 'data' / 'checks' / 'mouse.png'}"
    assert shlex.split(typed) == (
        ["next:", "neurokit", "sensorium", "convert", address, "--output", "mouse-sensorium"]
    )
    assert main(shlex.split(typed)[2:]) == 0
    assert (tmp_path / "here" / "mouse-sensorium" / "images_scenes.npy").is_file()


def test_only_what_is_needed_is_fetched(server, mouse, tmp_path):
    pytest.importorskip("remfile")
    path = tmp_path / "large.nwb"
    path.write_bytes(mouse.read_bytes())
    with h5py.File(path, "r+") as file:
        file["acquisition/raw/data"] = np.random.default_rng(0).random((4, 10**6))  # the microscope's own
    server.content = path.read_bytes()
    found = recordings.read(server.url("large.nwb"))
    assert found.units == 5
    assert len(mouse.read_bytes()) / 4 < server.sent < len(server.content) / 4


def test_without_remfile_the_extra_is_named(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "remfile", None)
    with pytest.raises(SettingsError, match="install neurokit's extra `nwb`"):
        recordings.read(server.url("mouse.nwb"))


def test_faults_of_a_server_are_named(server, mouse):
    pytest.importorskip("remfile")
    server.content = mouse.read_bytes()
    with pytest.raises(FetchError, match="refused with status 404"):
        recordings.read(server.url("gone.nwb"))
    server.ranges = False
    with pytest.raises(FetchError, match="sends no parts of a file"):
        recordings.read(server.url("mouse.nwb"))
    server.ranges, server.content = True, b"<html>sign in</html>"
    with pytest.raises(DataError, match="is not an HDF5 file"):
        recordings.read(server.url("mouse.nwb"))
    server.content = mouse.read_bytes()[:20_000]
    with pytest.raises(DataError, match="breaks off or is damaged"):
        recordings.read(server.url("mouse.nwb"))
    server.http.server_close()
    with pytest.raises(FetchError, match="cannot be reached"):
        recordings.read("http://127.0.0.1:9/mouse.nwb")


def test_what_is_wrong_in_the_file_is_named_with_its_address(server, mouse, tmp_path):
    pytest.importorskip("remfile")
    path = tmp_path / "bad.nwb"
    path.write_bytes(mouse.read_bytes())
    with h5py.File(path, "r+") as file:
        del file["processing/ophys"]
    server.content = path.read_bytes()
    with pytest.raises(DataError, match="no traces of a plane segmentation") as caught:
        recordings.read(server.url("bad.nwb"))
    assert server.url("bad.nwb") in str(caught.value)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://api.dandiarchive.org/api/assets/fbcd4fe5/download/", "fbcd4fe5"),
        ("https://dandi.s3.amazonaws.com/blobs/a/b/sub-1_ses-2.nwb?x=y", "sub-1_ses-2"),
        ("http://host", "host"),
    ],
)
def test_a_session_is_called_by_the_last_part_of_its_address(address, name):
    assert name_of_address(address) == name
