"""JSON lines, plain or gzip: one object per line, each line with its number."""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
from upath import UPath

from include.errors import SourceError
from include.sources.batches import TEXT_LIMIT, Batch, Reject
from include.sources.text_blocks import UNREADABLE, iter_text_blocks
from include.specs.sources import FileOptions
from include.values.showing import shorten
from include.values.texts import array_from_python

SAMPLE_LINES: Final = 1_000
BATCH_LINES: Final = 20_000


def read_json_columns(
    path: UPath, options: FileOptions, contract: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the keys of the first objects, in the order in which they appear.

    There is no header: of the contract's columns, one may appear in the last line only. All lines
    are looked through for those that the first ones lack.

    Args:
        path: The file.
        options: How it is written.
        contract: Names of the contract's columns.

    Raises:
        SourceError: The file is empty, or none of its first lines is an object.
    """
    block = next(iter_text_blocks(path, options.encoding), b"")
    if not block.strip():
        raise SourceError(
            f"expected rows. Received: {shorten(path.name)}, which is empty. "
            "Check what writes the file."
        )
    names: dict[str, None] = {}
    lines = [line for line in block.split(b"\n")[:SAMPLE_LINES] if line.strip()]
    for line in lines:
        row = _parse_line(line)
        if isinstance(row, dict):
            names.update(dict.fromkeys(row))
    if not names:
        _, reason = _explain(lines[0], _parse_line(lines[0]))
        raise SourceError(
            f"expected one JSON object per line. Received: {shorten(path.name)}, whose first lines "
            f"hold none ({reason}). Correct the file, or set source.format."
        )
    late = [name for name in contract if name not in names]
    return (*names, *_find_late_keys(path, options, late))


def _find_late_keys(path: UPath, options: FileOptions, names: list[str]) -> tuple[str, ...]:
    """Return those of the names that are a key of any line."""
    found: list[str] = []
    if names:
        for block in iter_text_blocks(path, options.encoding):
            found += _find_keys(block, [name for name in names if name not in found])
            if len(found) == len(names):
                break
    return tuple(found)


def _find_keys(block: bytes, names: list[str]) -> list[str]:
    # Written without an escape a key is its own bytes: only lines that hold them are parsed.
    marks = [b"\\", *(f'"{name}"'.encode() for name in names)]
    if not any(mark in block for mark in marks):
        return []
    seen: set[str] = set()
    for line in block.split(b"\n"):
        if any(mark in line for mark in marks):
            row = _parse_line(line)
            seen.update(name for name in names if isinstance(row, dict) and name in row)
    return [name for name in names if name in seen]


def read_json_batches(
    path: UPath, options: FileOptions, _: tuple[str, ...], wanted: tuple[str, ...]
) -> Iterator[Batch]:
    """Read the rows of a file of JSON lines; keys that a row lacks are missing values."""
    number = 1
    for block in iter_text_blocks(path, options.encoding):
        lines = block.split(b"\n")[:-1]
        for start in range(0, len(lines), BATCH_LINES):
            some = lines[start : start + BATCH_LINES]
            yield _read_lines(some, number, wanted, path.name)
            number += len(some)


def _read_lines(lines: list[bytes], first: int, wanted: tuple[str, ...], file: str) -> Batch:
    rows: list[dict[str, Any]] = []
    sound: list[int] = []
    places: list[int] = []
    rejects: list[Reject] = []
    records = 0
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        row = _parse_line(line)
        if isinstance(row, dict):
            rows.append(row)
            sound.append(index)
            places.append(records)
        else:
            rejects.append(_reject(line, first + index, records, row))
        records += 1
    columns = [_column([row.get(name) for row in rows]) for name in wanted]
    return Batch(
        rows=pa.table(columns, names=list(wanted)),
        positions=np.asarray(places, dtype=np.int64),
        lines=np.asarray(sound, dtype=np.int64) + first,
        records=records,
        rejects=tuple(rejects),
        file=file,
        texts=lambda row: _text(lines[sound[row]]),
    )


class _RepeatedKeyError(ValueError):
    """An object has a key twice: which value is meant, nobody knows."""


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise _RepeatedKeyError
    return row


def _parse_line(line: bytes) -> object:
    """Return what the line says, or the error that it does not say anything."""
    if not line.strip():
        return None
    try:
        return json.loads(line.decode("utf-8"), object_pairs_hook=_build_object)
    except (ValueError, RecursionError) as error:
        return error


def _reject(line: bytes, number: int, position: int, found: object) -> Reject:
    rule, reason = _explain(line, found)
    return Reject(position, number, "", rule, reason, _text(line))


def _explain(line: bytes, found: object) -> tuple[str, str]:
    """Give the rule that a line breaks, and how."""
    if isinstance(found, UnicodeDecodeError):
        place = found.start
        return "bad_encoding", f"byte 0x{line[place]:02X} at byte {place + 1} is not UTF-8"
    if isinstance(found, json.JSONDecodeError):
        return "bad_json", f"not JSON: {found.msg} at character {found.pos + 1}"
    if isinstance(found, _RepeatedKeyError):
        return "repeated_key", "expected every key once, received one twice"
    if isinstance(found, Exception):
        return "bad_json", f"not JSON: {type(found).__name__}"
    return "bad_json", f"expected a JSON object, received {type(found).__name__}"


def _text(line: bytes) -> str:
    raw = line[: 4 * TEXT_LIMIT].replace(UNREADABLE, b"?")
    return raw.decode("utf-8", "replace")[:TEXT_LIMIT]


def _column(values: list[object]) -> pa.Array:
    column = array_from_python(values)
    # Whether a list holds whole numbers may change from line to line; its type must not.
    return column.cast(_float_lists(column.type)) if pa.types.is_list(column.type) else column


def _float_lists(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_float_lists(kind.value_type))
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)
    return pa.float32() if is_number else kind
