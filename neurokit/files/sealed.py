"""Content that carries its own SHA-256, so that a single flipped bit is noticed when it is read back.

Both functions that open raise ValueError with a reason, which readers put into a sentence of their own.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

MARK = b"neurokit, sealed by SHA-256\n"
NONE = "0" * 64  # where the digest stands while it is computed
_DIGEST = re.compile(r'"digest": "([0-9a-f]{64})"\s*}\s*\Z')


def seal_bytes(content: bytes) -> bytes:
    """The content behind a mark and its digest."""
    return MARK + hashlib.sha256(content).digest() + content


def open_bytes(sealed: bytes) -> bytes:
    """The content of `seal_bytes`; ValueError where a bit of it differs."""
    start = len(MARK) + hashlib.sha256().digest_size
    digest, content = sealed[len(MARK) : start], sealed[start:]
    if not sealed.startswith(MARK):
        raise ValueError("it does not begin as such a file does")
    if hashlib.sha256(content).digest() != digest:
        raise ValueError("its content is not the one that was written")
    return content


def seal_json(values: Mapping[str, Any], **options: Any) -> str:
    """A JSON object whose last entry, `digest`, is that of the text itself; `options` go to `json.dumps`."""
    text = json.dumps({**values, "digest": NONE}, **options) + "\n"
    head, _, tail = text.rpartition(NONE)
    return f"{head}{hashlib.sha256(text.encode()).hexdigest()}{tail}"


def open_json(text: str) -> dict[str, Any]:
    """The object of `seal_json`, without its digest; ValueError where a character of the text differs."""
    found = _DIGEST.search(text)
    if found is None:
        raise ValueError("it does not end with its digest")
    start, end = found.span(1)
    if hashlib.sha256(f"{text[:start]}{NONE}{text[end:]}".encode()).hexdigest() != found[1]:
        raise ValueError("its content is not the one that was written")
    values = json.loads(text)
    del values["digest"]
    return values
