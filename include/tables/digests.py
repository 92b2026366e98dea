"""The digest of what a table depends on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

KEY_LENGTH: Final = 32


def digest_key(*things: object) -> str:
    """Digest what a table depends on: models, texts, bytes, mappings, in the given order.

    Returns:
        The first 32 hexadecimal characters of a SHA-256.

    Example:
        >>> digest_key("a", {"x": 1, "y": 2}) == digest_key("a", {"y": 2, "x": 1})
        True
        >>> digest_key("ab", "c") == digest_key("a", "bc")
        False
    """
    total = hashlib.sha256()
    for thing in things:
        data = _canonical_bytes(thing)
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()[:KEY_LENGTH]


def _canonical_bytes(thing: object) -> bytes:
    if isinstance(thing, bytes):
        return thing
    if isinstance(thing, str):
        return thing.encode("utf-8", errors="surrogatepass")
    return json.dumps(thing, sort_keys=True, default=_plain, ensure_ascii=True).encode()


def _plain(thing: object) -> Any:
    if isinstance(thing, BaseModel):
        return thing.model_dump(mode="json")
    if isinstance(thing, set | frozenset):
        return sorted(thing)
    if isinstance(thing, Mapping):
        return dict(thing)
    if isinstance(thing, Sequence):
        return list(thing)
    return str(thing)
