"""A server on this machine with one file, in a process of its own; it knows Range and If-Range."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

CONTENT = np.random.default_rng(0).bytes(1_000_000)
VERSION = f'"{hashlib.sha256(CONTENT).hexdigest()[:16]}"'
PIECE, PAUSE = 1 << 16, 0.01  # bytes, and the wait after each (s), so that a download takes a while


class Handler(BaseHTTPRequestHandler):
    """Sends CONTENT, or its end."""

    def do_GET(self) -> None:
        """Answers 206 where a Range of this version is asked for, 416 beyond its end, else 200."""
        first = self._first()
        if first >= len(CONTENT):
            return self._head(416, f"bytes */{len(CONTENT)}", 0)
        span = f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}"
        self._head(206 if first else 200, span, len(CONTENT) - first)
        for begin in range(first, len(CONTENT), PIECE):
            try:
                self.wfile.write(CONTENT[begin : begin + PIECE])
            except OSError:  # the other side was killed
                return None
            time.sleep(PAUSE)

    def _first(self) -> int:
        asked = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        same = self.headers.get("If-Range", VERSION) == VERSION
        return int(asked) if asked.isdecimal() and same else 0

    def _head(self, status: int, span: str, length: int) -> None:
        self.send_response(status)
        self.send_header("ETag", VERSION)
        self.send_header("Content-Length", str(length))
        if status != 200:
            self.send_header("Content-Range", span)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """The address of the file, while a process serves it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    process = os.fork()
    if not process:
        server.serve_forever()
        os._exit(0)
    try:
        yield f"http://127.0.0.1:{server.server_port}/file.bin"
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        server.server_close()
