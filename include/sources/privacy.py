"""Personal data, made unreadable before anything is stored: mask, keyed hash, drop."""

import hmac
import json
from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import GatehouseError
from include.specs import Column
from include.values.texts import write_text

HASH_LENGTH: Final = 32


def check_hash_key(columns: Iterable[Column], key: str) -> None:
    """Refuse to read columns that are to be hashed where no key is set.

    Raises:
        GatehouseError: A column is `private: hash` and there is no key.
    """
    hashed = [column.name for column in columns if column.private == "hash"]
    if hashed and not key:
        raise GatehouseError(
            "columns with `private: hash` need the secret key GATEHOUSE_HASH_KEY. "
            f"Received: no key, columns {hashed}. Set it in the environment or in .env: without "
            "a key, hashes of names or numbers can be guessed back."
        )


def protect(column: Column, values: pa.Array, key: str) -> pa.Array:
    """Replace the values of a private column; other columns pass unchanged.

    Args:
        column: The column's contract.
        values: Its values, already cast.
        key: Secret key of the hash.

    Returns:
        Texts: for `mask` of the same shape (letters x, digits 0), for `hash` 32 hexadecimal
        characters of an HMAC-SHA256. Missing values stay missing.
    """
    if column.private is None:
        return values
    texts = _as_texts(values)
    return _mask(texts) if column.private == "mask" else _hash(texts, key)


def _as_texts(values: pa.Array) -> pa.Array:
    if pa.types.is_nested(values.type):
        written = (None if row is None else json.dumps(row) for row in values.to_pylist())
        return pa.array(list(written), pa.string())
    return write_text(values)


def _mask(texts: pa.Array) -> pa.Array:
    letters = pc.replace_substring_regex(texts, r"[\p{L}\p{M}]", "x")
    return pc.replace_substring_regex(letters, r"\p{N}", "0")


def _hash(texts: pa.Array, key: str) -> pa.Array:
    secret = key.encode()
    coded = texts.dictionary_encode()
    hashes = [
        hmac.digest(secret, text.encode(), "sha256").hex()[:HASH_LENGTH]
        for text in coded.dictionary.to_pylist()
    ]
    return pa.array(hashes, pa.string()).take(coded.indices)
