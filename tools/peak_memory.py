"""The most memory that this process's children took while a block ran."""

import threading
from types import TracebackType
from typing import Self

import psutil


class PeakMemory:
    """`with PeakMemory() as memory: ...`; then `memory.peak` is in MB.

    Sampled ten times a second over all descendants together (a kernel and the workers it starts),
    because Binder counts them together. Memory shared between them counts once for each.
    """

    def __init__(self, interval: float = 0.1) -> None:
        self.peak, self._interval = 0.0, interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._ended.wait(self._interval):
            self.peak = max(self.peak, sum(map(_resident, process.children(recursive=True))) / 2**20)


def _resident(process: psutil.Process) -> int:
    """Bytes of the process, 0 once it has ended."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0
