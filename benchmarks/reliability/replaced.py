"""The package without its checks, or with a clock around each of them.

What counts as a check: digests of states, side-cars, packs, recordings and searches; locks; and all functions
that only look at what was read or given and may raise.
"""

import functools
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from neurokit.files import locks, sealed
from neurokit.sensorium import pack

NAMED = {"neurokit.files.cache"}  # here digests are names of folders, and nothing is compared
Replace = Callable[[Any], Any]


class NoDigest:
    """Stands for a digest: takes everything, looks at nothing."""

    digest_size = 32

    def update(self, *_: Any) -> None:
        """Does nothing."""

    def digest(self) -> bytes:
        """Always the same."""
        return bytes(self.digest_size)

    def hexdigest(self) -> str:
        """Always the same."""
        return "0" * 64


NO_HASHLIB = SimpleNamespace(
    sha256=lambda *_: NoDigest(),
    file_digest=lambda *_: NoDigest(),
    blake2b=hashlib.blake2b,  # by which contents are compared: without it other pieces would be left out
)


def _open_json(text: str) -> dict[str, Any]:
    values = json.loads(text)
    del values["digest"]
    return values


def _seal_json(values: Any, **options: Any) -> str:
    return json.dumps({**values, "digest": sealed.NONE}, **options) + "\n"


def _open_bytes(content: bytes) -> bytes:
    return content[len(sealed.MARK) + NoDigest.digest_size :]


def _no_digests(data: np.ndarray) -> np.ndarray:
    return np.zeros(-(-len(data) // pack.BLOCK), np.int64)


HOLD_LOCK = locks.hold_lock
REPLACED: dict[Any, Any] = {
    HOLD_LOCK: lambda *_, **__: nullcontext(),
    sealed.open_json: _open_json,
    sealed.seal_json: _seal_json,
    sealed.open_bytes: _open_bytes,
    pack._digest_blocks: _no_digests,
}


def without_checks() -> AbstractContextManager[int]:
    """Inside, nothing is checked; yields how many names of the package are replaced."""
    return _replaced(NO_HASHLIB, lambda check: REPLACED.get(check, _nothing))


class Clock:
    """The processor's seconds inside checks; what one check calls counts once."""

    def __init__(self) -> None:
        self.seconds, self.depth = 0.0, 0

    def around(self, check: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its time taken."""

        @functools.wraps(check)
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.running():
                return check(*arguments, **options)

        return timed

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time inside counts."""
        begin, self.depth = time.thread_time(), self.depth + 1
        try:
            yield
        finally:
            self.depth -= 1
            self.seconds += 0.0 if self.depth else time.thread_time() - begin

    @contextmanager
    def around_lock(self, *arguments: Any, **options: Any) -> Iterator[None]:
        """A lock whose taking and giving back count, and not what is done while it is held."""
        lock = HOLD_LOCK(*arguments, **options)
        with self.running():
            lock.__enter__()
        try:
            yield
        finally:
            with self.running():
                lock.__exit__(None, None, None)

    def digest(self, make: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """A digest whose time is taken."""
        with self.running():
            made = make(*arguments, **options)
        return SimpleNamespace(
            update=self.around(made.update),
            digest=made.digest,
            hexdigest=made.hexdigest,
            digest_size=made.digest_size,
        )


def timed_checks(clock: Clock) -> AbstractContextManager[int]:
    """Inside, all is checked, and the clock knows how long that took."""
    timed = SimpleNamespace(
        sha256=functools.partial(clock.digest, hashlib.sha256),
        blake2b=functools.partial(clock.digest, hashlib.blake2b),
        file_digest=clock.around(hashlib.file_digest),
    )

    def replace(check: Any) -> Any:
        return clock.around_lock if check is HOLD_LOCK else clock.around(check)

    return _replaced(timed, replace)


@contextmanager
def _replaced(digests: Any, replace: Replace) -> Iterator[int]:
    patches = list(_patches(digests, replace))
    for patch in patches:
        patch.start()
    try:
        yield len(patches)
    finally:
        for patch in patches:
            patch.stop()


def _patches(digests: Any, replace: Replace) -> Iterator[Any]:
    modules = [each for name, each in sys.modules.items() if name.split(".")[0] == "neurokit"]
    for module in modules:
        for name, value in list(vars(module).items()):
            if name == "hashlib" and module.__name__ not in NAMED:
                yield mock.patch.object(module, name, digests)
            elif value is hashlib.blake2b:
                yield mock.patch.object(module, name, digests.blake2b)
            elif _is_check(module, name, value):
                yield mock.patch.object(module, name, replace(value))


def _is_check(module: ModuleType, name: str, value: Any) -> bool:
    if not isinstance(value, FunctionType) or not value.__module__.startswith("neurokit"):
        return False
    only_looks = name.lstrip("_").startswith("check") and value.__annotations__.get("return", 0) is None
    return value in REPLACED or only_looks


def _nothing(*_: Any, **__: Any) -> None:
    """Checks nothing."""
