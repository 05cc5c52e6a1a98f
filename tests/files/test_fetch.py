"""Downloads from a server on this machine that breaks off, corrupts, refuses, forgets and lies."""

import hashlib
import io
import json
import os
import resource
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import fields, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from neurokit.errors import DataError, DiskError, FetchError
from neurokit.files.fetch import fetch
from neurokit.files.registry import CHECKSUMS, REGISTRY, Entry, find, read_registry, save_pin
from neurokit.files.transfer import CHUNK_SIZE, Patience

CONTENT = np.random.default_rng(0).bytes(1_000_000)
OTHER = np.random.default_rng(1).bytes(1_000_000)
NAME = "file.bin"
AT = 5 * CHUNK_SIZE  # where lines break
REST = len(CONTENT) - AT


class Server:
    """One file at every address; `faults` are spent one a request, then it serves honestly.

    A fault is a dictionary: status, headers (added), cut (bytes sent before the line breaks), wrong
    (a byte is flipped), ignore_range, ignore_if_range, no_length, version (the ETag), endless.
    """

    def __init__(self) -> None:
        self.content = CONTENT
        self.faults: list[dict[str, Any]] = []
        self.always: dict[str, dict[str, Any]] = {}
        self.requests: list[SimpleNamespace] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def url(self, path: str = "a") -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{path}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        fault = self.always.get(handler.path) or (self.faults.pop(0) if self.faults else {})
        record = SimpleNamespace(path=handler.path, headers=dict(handler.headers), sent=0)
        self.requests.append(record)
        if "status" in fault:
            body = b"refused"
            handler.send_response(fault["status"])
            headers = {"Content-Length": str(len(body))}
        else:
            body, headers = self.file(handler, fault)
        for key, value in (headers | fault.get("headers", {})).items():
            handler.send_header(key, value)
        handler.end_headers()
        if fault.get("wrong"):
            body = body[:5] + bytes([body[5] ^ 1]) + body[6:]
        body = body[: fault.get("cut")]
        record.sent = len(body)
        try:
            handler.wfile.write(body)
            while fault.get("endless"):
                record.sent += handler.wfile.write(bytes(100_000))
        except OSError:
            pass

    def file(
        self,
        handler: BaseHTTPRequestHandler,
        fault: dict[str, Any],
    ) -> tuple[bytes, dict[str, str]]:
        version = fault.get("version", '"' + hashlib.md5(self.content).hexdigest() + '"')
        headers = {"ETag": version} if version else {}
        start = self.start(handler, fault, version)
        if start is None:
            handler.send_response(200)
            body = self.content
        elif start >= len(self.content):
            handler.send_response(416)
            return b"", {"Content-Range": f"bytes */{len(self.content)}", "Content-Length": "0"}
        else:
            handler.send_response(206)
            body = self.content[start:]
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        if not (fault.get("no_length") or fault.get("endless")):
            headers["Content-Length"] = str(len(body))
        return body, headers

    @staticmethod
    def start(
        handler: BaseHTTPRequestHandler,
        fault: dict[str, Any],
        version: str | None,
    ) -> int | None:
        asked = handler.headers.get("Range")
        if asked is None or fault.get("ignore_range"):
            return None
        condition = handler.headers.get("If-Range")
        if condition not in (None, version) and not fault.get("ignore_if_range"):
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = Server()
    yield running
    running.close()


def entry(*urls: str, known: bool = True, content: bytes = CONTENT, name: str = NAME) -> Entry:
    return Entry(
        name=name,
        recording="test",
        bytes=len(content) if known else None,
        sha256=hashlib.sha256(content).hexdigest() if known else None,
        urls=urls,
        licence="none",
        citation="none",
        page="https://example.org/page",
    )


class Caller:
    """Calls `fetch` with a clock that does not wait, and collects its sentences."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.waits: list[float] = []
        self.sentences: list[str] = []

    def __call__(self, wanted: Entry, tries: int = 3, **options: Any) -> Path:
        patience = Patience(tries=tries, first_wait=1.0, longest_wait=60.0, timeout=60.0)
        return fetch(
            wanted,
            self.folder,
            patience=patience,
            sleep=self.waits.append,
            tell=self.sentences.append,
            **options,
        )

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if not path.name.endswith(".lock")}


@pytest.fixture
def call(tmp_path: Path) -> Caller:
    return Caller(tmp_path / "downloads")


def interrupted(server: Server, call: Caller, wanted: Entry, at: int = AT, **fault: Any) -> None:
    """Leaves a part of `at` bytes, as a broken line does."""
    server.faults = [{"cut": at, **fault}]
    with pytest.raises(FetchError, match="broke off"):
        call(wanted, tries=1)
    assert (call.folder / f"{NAME}.part").stat().st_size == at
    assert not (call.folder / NAME).exists()
    server.requests.clear()


def test_a_download_is_complete_and_the_next_call_needs_no_server(
    server: Server,
    call: Caller,
) -> None:
    path = call(entry(server.url()))
    assert path.read_bytes() == CONTENT
    assert call.files() == {NAME}
    assert server.requests[0].headers["Accept-Encoding"] == "identity"
    assert call(entry(server.url())) == path
    assert len(server.requests) == 1


def test_it_tells_size_source_and_free_space_first(server: Server, call: Caller) -> None:
    call(entry(server.url()))
    assert len(call.sentences) == 1
    for word in (NAME, "1.0 MB", server.url(), str(call.folder), "free"):
        assert word in call.sentences[0]


@pytest.mark.parametrize("known", [True, False])
def test_a_break_is_resumed_within_one_call(server: Server, call: Caller, known: bool) -> None:
    server.faults = [{"cut": AT}]
    assert call(entry(server.url(), known=known)).read_bytes() == CONTENT
    assert [request.headers.get("Range") for request in server.requests] == [None, f"bytes={AT}-"]
    assert [request.sent for request in server.requests] == [AT, REST]
    assert call.waits == [1.0]


@pytest.mark.parametrize("known", [True, False])
def test_a_part_is_resumed_by_a_later_call(server: Server, call: Caller, known: bool) -> None:
    wanted = entry(server.url(), known=known)
    interrupted(server, call, wanted)
    assert call(wanted).read_bytes() == CONTENT
    assert server.requests[0].headers["Range"] == f"bytes={AT}-"
    assert server.requests[0].headers["If-Range"] == '"' + hashlib.md5(CONTENT).hexdigest() + '"'
    assert [request.sent for request in server.requests] == [REST]
    assert NAME in call.files() and not any("part" in name for name in call.files())


def test_without_a_version_and_a_checksum_it_starts_anew(server: Server, call: Caller) -> None:
    wanted = entry(server.url(), known=False)
    interrupted(server, call, wanted, version=None)
    assert call(wanted).read_bytes() == CONTENT
    assert "Range" not in server.requests[0].headers


def test_a_weak_version_is_no_version(server: Server, call: Caller) -> None:
    wanted = entry(server.url(), known=False)
    interrupted(server, call, wanted, version='W/"1"')
    call(wanted)
    assert "Range" not in server.requests[0].headers


def test_a_date_serves_as_version(server: Server, call: Caller) -> None:
    wanted = entry(server.url(), known=False)
    date = formatdate(0, usegmt=True)
    interrupted(server, call, wanted, version=None, headers={"Last-Modified": date})
    server.faults = [{"version": date, "headers": {"ETag": "", "Last-Modified": date}}]
    assert call(wanted).read_bytes() == CONTENT
    assert server.requests[0].headers["If-Range"] == date
    assert server.requests[0].sent == REST


@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_ignores_ranges(server: Server, call: Caller, known: bool) -> None:
    wanted = entry(server.url(), known=known)
    interrupted(server, call, wanted)
    server.faults = [{"ignore_range": True}]
    assert call(wanted).read_bytes() == CONTENT
    assert [request.sent for request in server.requests] == [1_000_000]


def test_content_that_changed_between_requests_is_fetched_anew(
    server: Server,
    call: Caller,
) -> None:
    wanted = entry(server.url(), known=False)
    interrupted(server, call, wanted)
    server.content = OTHER
    assert call(wanted).read_bytes() == OTHER
    assert [request.sent for request in server.requests] == [1_000_000]


def test_changed_content_is_noticed_though_the_server_ignores_if_range(
    server: Server,
    call: Caller,
) -> None:
    wanted = entry(server.url(), known=False)
    interrupted(server, call, wanted)
    server.content = OTHER
    server.faults = [{"ignore_if_range": True}]
    assert call(wanted).read_bytes() == OTHER
    assert "Range" not in server.requests[1].headers


def test_a_part_with_a_wrong_beginning_is_dropped(server: Server, call: Caller) -> None:
    wanted = entry(server.url())
    interrupted(server, call, wanted, wrong=True)
    assert call(wanted).read_bytes() == CONTENT
    assert [request.headers.get("Range") for request in server.requests] == [f"bytes={AT}-", None]


def test_a_complete_part_is_only_verified(server: Server, call: Caller) -> None:
    wanted = entry(server.url())
    interrupted(server, call, wanted)
    (call.folder / f"{NAME}.part").write_bytes(CONTENT)
    assert call(wanted).read_bytes() == CONTENT
    assert [request.sent for request in server.requests] == [0]


def test_a_part_longer_than_the_file_starts_anew(server: Server, call: Caller) -> None:
    wanted = entry(server.url())
    interrupted(server, call, wanted)
    (call.folder / f"{NAME}.part").write_bytes(CONTENT + b"more")
    assert call(wanted).read_bytes() == CONTENT


def test_corruption_is_removed_and_named(server: Server, call: Caller) -> None:
    server.faults = [{"wrong": True}]
    with pytest.raises(FetchError, match=r"file\.bin could not be fetched: http.*another SHA-256"):
        call(entry(server.url()))
    assert call.files() == set()


@pytest.mark.parametrize("kind", ["bytes", "sha256", "md5"])
def test_another_file_is_refused_with_what_it_has_and_what_it_should_have(
    server: Server, call: Caller, kind: str
) -> None:
    known = {"bytes": 999_999, "sha256": "0" * 64, "md5": "0" * 32}
    facts = {"bytes": 1_000_000} | {
        name: hashlib.new(name, CONTENT, usedforsecurity=False).hexdigest() for name in ("sha256", "md5")
    }
    wanted = replace(entry(server.url(), known=False), **{kind: known[kind]})
    with pytest.raises(FetchError) as caught:
        call(wanted)
    assert str(facts[kind]) in str(caught.value) and str(known[kind]) in str(caught.value)
    assert "update its entry in the registry" in str(caught.value)
    assert call.files() == set()
    assert call(replace(wanted, **{kind: facts[kind]})).read_bytes() == CONTENT


def test_the_next_mirror_makes_good(server: Server, call: Caller) -> None:
    server.always = {"/bad": {"wrong": True}, "/gone": {"status": 404}, "/down": {"status": 500}}
    urls = [server.url(path) for path in ("bad", "gone", "down", "good")]
    assert call(entry(*urls)).read_bytes() == CONTENT
    asked = [request.path for request in server.requests]
    assert asked == ["/bad", "/gone", *["/down"] * 3, "/good"]
    assert call.waits == [1.0, 2.0]


def test_a_mirror_goes_on_where_another_broke_off(server: Server, call: Caller) -> None:
    server.always = {"/broken": {"cut": AT}}
    assert call(entry(server.url("broken"), server.url("good")), tries=1).read_bytes() == CONTENT
    assert [request.sent for request in server.requests] == [AT, REST]
    assert "If-Range" not in server.requests[1].headers


def test_halves_of_two_mirrors_are_not_joined_without_a_checksum(
    server: Server,
    call: Caller,
) -> None:
    server.always = {"/broken": {"cut": AT}}
    wanted = entry(server.url("broken"), server.url("good"), known=False)
    assert call(wanted, tries=1).read_bytes() == CONTENT
    assert "Range" not in server.requests[1].headers


def test_every_mirror_is_named_when_all_fail(server: Server, call: Caller) -> None:
    server.always = {"/a": {"status": 404}, "/b": {"status": 503}}
    with pytest.raises(FetchError) as raised:
        call(entry(server.url("a"), server.url("b")))
    sentence = str(raised.value)
    assert f"{server.url('a')} answered 404" in sentence
    assert f"{server.url('b')} answered 503 (3 tries)" in sentence
    assert "call again" in sentence and "\n" not in sentence


@pytest.mark.parametrize(
    "fault", [{"status": 404}, {"status": 403}, {"headers": {"Content-Type": "text/html"}}, {"status": 500}]
)
def test_a_publisher_who_does_not_deliver_may_be_helped_by_hand(
    server: Server, call: Caller, fault: dict[str, Any]
) -> None:
    """The sentence names page, file and folder, and the right file, once there, is taken."""
    server.always = {"/a": fault}
    wanted = entry(server.url())
    with pytest.raises(FetchError) as raised:
        call(wanted)
    assert all(str(part) in str(raised.value) for part in (wanted.page, NAME, call.folder.absolute()))
    assert "check the connection" not in str(raised.value)
    (call.folder / NAME).write_bytes(OTHER)
    with pytest.raises(FetchError):
        call(wanted)
    (call.folder / NAME).write_bytes(CONTENT)
    assert call(wanted).read_bytes() == CONTENT


def test_back_off_doubles_and_retry_after_is_obeyed(server: Server, call: Caller) -> None:
    busy = {"status": 429, "headers": {"Retry-After": "7"}}
    server.faults = [{"status": 500}, busy, {"status": 500}]
    call(entry(server.url()), tries=4)
    assert call.waits == [1.0, 7.0, 4.0]


def test_retry_after_may_be_a_date_and_may_be_nonsense(server: Server, call: Caller) -> None:
    past = {"status": 429, "headers": {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}}
    server.faults = [past, {"status": 429, "headers": {"Retry-After": "soon"}}]
    call(entry(server.url()))
    assert call.waits == [0.0, 2.0]


def test_a_server_that_asks_for_an_hour_is_left(server: Server, call: Caller) -> None:
    server.always = {"/a": {"status": 429, "headers": {"Retry-After": "3600"}}}
    assert call(entry(server.url("a"), server.url("b"))).read_bytes() == CONTENT
    assert call.waits == []
    with pytest.raises(FetchError, match="asks to wait 3600 s"):
        Caller(call.folder / "else")(entry(server.url("a")))


def test_no_server_at_all(call: Caller, server: Server) -> None:
    url = server.url()
    server.http.server_close()
    with pytest.raises(FetchError, match=r"broke off \(ConnectionError\) \(3 tries\)"):
        call(entry(url))


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ({"headers": {"Content-Encoding": "gzip"}}, "sends the file encoded"),
        ({"headers": {"Content-Type": "text/html; charset=utf-8"}}, "web page instead"),
        ({"status": 204}, "answered 204"),
        ({"status": 206}, "answered 206"),
        ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, "cannot be used"),
        ({"headers": {"Content-Length": "12"}}, "offers 12 bytes instead of 1000000"),
    ],
)
def test_answers_that_are_not_the_file(
    server: Server,
    call: Caller,
    fault: dict,
    finding: str,
) -> None:
    server.always = {"/a": fault}
    with pytest.raises(FetchError, match=finding):
        call(entry(server.url()))
    assert len(server.requests) == 1
    assert call.files() == set()


def test_a_length_that_is_unknown(server: Server, call: Caller) -> None:
    server.faults = [{"no_length": True, "cut": 500_000}, {"no_length": True}]
    assert call(entry(server.url())).read_bytes() == CONTENT
    assert [request.sent for request in server.requests] == [500_000, 500_000]


@pytest.mark.parametrize("known", [True, False])
def test_an_endless_answer_is_cut(server: Server, call: Caller, known: bool) -> None:
    server.faults = [{"endless": True}]
    with pytest.raises(FetchError, match="has more than 1000000 bytes"):
        call(entry(server.url(), known=known), most_bytes=1_000_000)
    assert call.files() == set()


def test_a_file_of_unknown_size_may_be_too_large(server: Server, call: Caller) -> None:
    with pytest.raises(FetchError, match="more than most_bytes=999999"):
        call(entry(server.url(), known=False), most_bytes=999_999)
    call(entry(server.url(), known=False), most_bytes=1_000_000)


def disk_with(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    usage = SimpleNamespace(total=10**9, used=0, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


@pytest.mark.parametrize("known", [True, False])
def test_too_small_a_disk_is_refused_before_any_byte(
    server: Server, call: Caller, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    disk_with(monkeypatch, 999_999)
    with pytest.raises(FetchError, match=r"needs 1\.0 MB, .* has 1000\.0 kB free"):
        call(entry(server.url(), known=known))
    assert len(server.requests) == (0 if known else 1)
    assert NAME not in call.files()
    disk_with(monkeypatch, 1_000_000)
    assert call(entry(server.url(), known=known)).read_bytes() == CONTENT


def test_a_resumed_download_needs_only_the_rest(
    server: Server, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(server, call, entry(server.url()))
    disk_with(monkeypatch, REST)
    assert call(entry(server.url())).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written(server: Server, call: Caller) -> None:
    call.folder.write_text("a file")
    with pytest.raises(DiskError, match=r"file\.bin could not be written"):
        call(entry(server.url()))


def test_an_unknown_checksum_is_pinned_and_held(server: Server, call: Caller) -> None:
    wanted = entry(server.url(), known=False)
    path = call(wanted)
    saved = json.loads((call.folder / CHECKSUMS).read_text())
    assert saved == {NAME: {"sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": 1_000_000}}
    call(wanted)
    assert len(server.requests) == 1

    path.write_bytes(CONTENT[:-1] + b"?")  # damaged later: the same content is asked for
    assert call(wanted).read_bytes() == CONTENT
    assert len(server.requests) == 2

    path.unlink()
    server.content = OTHER
    with pytest.raises(FetchError, match=rf"another SHA-256.*{CHECKSUMS}"):
        call(wanted)
    assert not path.exists()


def test_a_damaged_file_stands_until_its_successor_is_verified(
    server: Server,
    call: Caller,
) -> None:
    call.folder.mkdir()
    (call.folder / NAME).write_bytes(b"damaged")
    server.always = {"/a": {"status": 404}}
    with pytest.raises(FetchError):
        call(entry(server.url()))
    assert (call.folder / NAME).read_bytes() == b"damaged"
    assert "has 7 bytes instead of 1000000" in call.sentences[0]
    server.always = {}
    assert call(entry(server.url())).read_bytes() == CONTENT


def test_two_pins_live_side_by_side(tmp_path: Path) -> None:
    save_pin(tmp_path, "one", "1" * 64, 1)
    save_pin(tmp_path, "two", "2" * 64, 2)
    assert set(json.loads((tmp_path / CHECKSUMS).read_text())) == {"one", "two"}


@pytest.mark.parametrize("text", ["", "[]", '{"x": "abc"}', '{"x": {"sha256": "x", "bytes": 1}}'])
def test_damaged_pins_are_named(server: Server, call: Caller, text: str) -> None:
    call.folder.mkdir()
    (call.folder / CHECKSUMS).write_text(text)
    with pytest.raises(DataError, match=r"checksums\.json"):
        call(entry(server.url(), known=False))


def test_an_archive_without_a_checksum_must_at_least_be_one(server: Server, call: Caller) -> None:
    wanted = entry(server.url(), known=False, name="part.npz")
    with pytest.raises(FetchError, match="zip archive"):
        call(wanted)
    assert call.files() == set()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", CONTENT)
    server.content = stream.getvalue()
    assert zipfile.is_zipfile(call(wanted))


def test_an_empty_answer_is_no_file(server: Server, call: Caller) -> None:
    server.content = b""
    with pytest.raises(FetchError, match="is empty"):
        call(entry(server.url(), known=False))


def test_a_file_to_be_had_by_hand(call: Caller) -> None:
    wanted = entry(known=False)
    with pytest.raises(FetchError, match=r"no direct address: .*https://example\.org/page"):
        call(wanted)
    (call.folder / NAME).write_bytes(CONTENT)
    assert call(wanted).read_bytes() == CONTENT
    (call.folder / NAME).write_bytes(OTHER)
    with pytest.raises(FetchError):
        call(wanted)


def test_bars_and_sentences_are_silent_under_ci(
    server: Server, call: Caller, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    fetch(entry(server.url()), call.folder)
    assert capfd.readouterr() == ("", "")
    monkeypatch.delenv("CI")
    monkeypatch.delenv("NEUROKIT_QUIET", raising=False)
    (call.folder / NAME).unlink()
    fetch(entry(server.url()), call.folder)
    assert "1.0 MB" in capfd.readouterr().err


@pytest.mark.parametrize(
    "change",
    [{"name": name} for name in ("../x", "a/b", "/x", "..", ".hidden", "", "a\\b", "C:x", "a\n")]
    + [{"urls": (url,)} for url in ("file:///etc/passwd", "ftp://x/y", "http://", "x", "")]
    + [{"bytes": 0}, {"bytes": -1}, {"sha256": "ab"}, {"sha256": "A" * 64}],
)
def test_entries_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="unusable"):
        replace(entry("https://example.org/x"), **change)


def test_the_registry_is_well_formed() -> None:
    raw = json.loads(REGISTRY.read_text())["files"]
    assert {frozenset(item) for item in raw} == {frozenset(field.name for field in fields(Entry))}
    entries = read_registry()
    assert {f"steinmetz_part{part}.npz" for part in range(3)} <= entries.keys()
    for each in entries.values():
        assert all(urlsplit(url).scheme == "https" for url in (*each.urls, each.page))
        assert each.licence and each.citation and each.recording
        assert each.sha256 is not None or "pinned locally after the first download" in each.note


def test_what_publishers_say_is_in_the_fields() -> None:
    scans, weights = find("microns.h5"), find("foundational_model_weights_and_metadata_v1.zip")
    revision = scans.urls[0].split("/resolve/")[1].split("/")[0]
    assert (scans.bytes, len(revision)) == (20_638_694_845, 40)
    assert weights.md5 == "58fcac4b31ad2902c81e339432cec787"


@pytest.mark.parametrize(
    "text", ["", "{}", '{"files": [{"name": "x"}]}', '{"files": 3}', '{"files": [3]}', "[]"]
)
def test_damaged_registries_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "registry.json").write_text(text)
    with pytest.raises(DataError, match=r"registry\.json"):
        read_registry(tmp_path / "registry.json")


def test_doubled_and_unknown_names(tmp_path: Path) -> None:
    raw = json.loads(REGISTRY.read_text())
    (tmp_path / "r.json").write_text(json.dumps({"files": raw["files"] * 2}))
    with pytest.raises(DataError, match="names a file twice"):
        read_registry(tmp_path / "r.json")
    with pytest.raises(DataError, match=r"'nothing' is not in .*steinmetz_part0\.npz"):
        find("nothing")


def test_a_name_is_looked_up_in_the_registry(server: Server, call: Caller, tmp_path: Path) -> None:
    item = {field.name: getattr(entry(server.url()), field.name) for field in fields(Entry)}
    (tmp_path / "r.json").write_text(json.dumps({"files": [item]}))
    assert os.path.getsize(fetch(NAME, call.folder, registry=tmp_path / "r.json")) == 1_000_000


def test_a_disk_that_fills_up_meanwhile_loses_nothing(server: Server, call: Caller) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (AT, hard))
    try:
        with pytest.raises(DiskError, match=r"file\.bin could not be written"):
            call(entry(server.url()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert call.files() == {f"{NAME}.part", f"{NAME}.part.json"}
    assert call(entry(server.url())).read_bytes() == CONTENT
    assert [request.headers.get("Range") for request in server.requests] == [None, f"bytes={AT}-"]


@pytest.mark.parametrize("known", [True, False])
def test_the_note_of_a_killed_download_goes_with_the_next_call(
    server: Server, call: Caller, known: bool
) -> None:
    wanted = entry(server.url(), known=known)
    call(wanted)
    note = call.folder / f"{NAME}.part.json"
    for _ in range(2):  # an unknown checksum is pinned by the first
        note.write_text("{}")
        call(wanted)
        assert not note.exists()
    assert len(server.requests) == 1
