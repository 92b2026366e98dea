"""Personal data, made unreadable before anything is stored: mask, keyed hash, drop."""

import hmac
import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import GatehouseError
from include.specs import Column
from include.tables.batches import shorten
from include.tables.contract_types import NOT_FINITE, NUMBER
from include.tables.texts import write_text

HASH_LENGTH: Final = 32
# Longer numbers may be of a telephone, an account or a card.
SHOWN_DIGITS: Final = 6
SHOWN_LENGTH: Final = 60


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


def show_value(value: object, *, has_private: bool) -> str:
    """Write a value of a column that is not private for a reason, an error or an example.

    Beside private columns only small numbers are shown: a separator too many shifts personal
    data into any column. Of all else the reader gets the shape; where it stands tells the rest.

    Args:
        value: A value of the source.
        has_private: Whether the contract has any private column.

    Example:
        >>> show_value("jane@ex.org", has_private=False)
        "'jane@ex.org'"
        >>> show_value("jane@ex.org", has_private=True)
        'a text of 11 characters'
        >>> show_value("12.5", has_private=True), show_value(491701234567, has_private=True)
        ("'12.5'", 'about 4.9e+11')
    """
    if not has_private or isinstance(value, bool):
        return shorten(value, SHOWN_LENGTH)
    text = str(value).strip() if isinstance(value, int | float | Decimal | str) else ""
    if NUMBER.fullmatch(text) or NOT_FINITE.fullmatch(text):
        is_small = sum(char.isdigit() for char in text) <= SHOWN_DIGITS
        return shorten(text) if is_small else f"about {float(text):.1e}"
    if isinstance(value, str):
        return f"a text of {len(value)} {'character' if len(value) == 1 else 'characters'}"
    if isinstance(value, date):
        return f"a time in {value.year}"
    return f"a value of type {type(value).__name__}"


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
