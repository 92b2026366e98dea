"""CSV and TSV files, plain or gzip: every row keeps its line number, no row is guessed."""

import re
from collections.abc import Generator, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pyarrow as pa
from upath import UPath

from include.errors import SchemaError, SourceError
from include.sources.batches import Batch
from include.sources.csv_block import Scanned
from include.sources.csv_parsing import MiscountError, RecordParser
from include.sources.csv_records import Dialect, RecordError, parse_record
from include.sources.csv_scan import BlockScanner
from include.sources.text_blocks import UNREADABLE, check_encoding_name, iter_text_blocks
from include.specs.sources import FileOptions
from include.values.overlap import read_ahead
from include.values.showing import shorten

HEADER_LINES: Final = 50
EXCEL_LINE: Final = re.compile(rb'\s*"?sep=."?\s*', re.IGNORECASE)


def read_csv_columns(
    path: UPath, options: FileOptions, contract: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the columns of a CSV file: its header's, or those of the contract without one.

    Raises:
        SourceError: The file is empty, or its header is in another encoding.
    """
    if not options.header:
        if next(iter_text_blocks(path, options.encoding), None) is None:
            raise _empty(path)
        return contract
    names, _ = _read_header(path, options)
    return names


def read_csv_batches(
    path: UPath,
    options: FileOptions,
    contract: tuple[str, ...],
    wanted: tuple[str, ...],
    types: Mapping[str, pa.DataType] = MappingProxyType({}),
) -> Iterator[Batch]:
    """Read the rows of a CSV file, block by block.

    Args:
        path: The file.
        options: How it is written.
        contract: Names of the columns where there is no header.
        wanted: Columns to read.
        types: Which of them come as numbers where every cell of a block is one; all others, and
            from the first block where one is not, come as text.
    """
    names, header_lines = _read_header(path, options) if options.header else (contract, 0)
    places = {name: place for place, name in enumerate(names)}
    dialect = _dialect(path, options)
    scanner = BlockScanner(dialect, len(names))
    parser = RecordParser(
        scanner,
        {name: places[name] for name in wanted},
        fields=len(names),
        types=types,
        missing=options.missing,
    )
    guard = _EncodingGuard(path, options)
    for block, line, quick in read_ahead(_iter_scanned(path, options, scanner, header_lines)):
        rows, scanned = _parse(parser, scanner, block, line, quick)
        guard.check(scanned)
        yield Batch(
            rows=rows,
            positions=scanned.positions,
            lines=scanned.lines,
            records=scanned.records,
            rejects=scanned.rejects,
            file=path.name,
            texts=_TextOfRow(block, scanned.spans),
        )


def _parse(
    parser: RecordParser, scanner: BlockScanner, block: bytes, line: int, scanned: Scanned
) -> tuple[pa.Table, Scanned]:
    """Parse a block; where a record is too long or too short it is scanned again, with counts."""
    try:
        return parser.parse(scanned), scanned
    except MiscountError:
        if scanned.is_counted:
            raise
    scanner.counts_fields = True
    scanned = scanner.scan(block, line, is_last=True)
    return parser.parse(scanned), scanned


def _iter_scanned(
    path: UPath, options: FileOptions, scanner: BlockScanner, header_lines: int
) -> Generator[tuple[bytes, int, Scanned], None, None]:
    """Scan all blocks; an open quote at a block's end is read again with the next block."""
    line, skip, rest = 1, header_lines, b""
    blocks = iter_text_blocks(path, options.encoding)
    block = next(blocks, None)
    while block is not None:
        following = next(blocks, None)
        data = rest + block
        while skip and data:
            data = data[data.index(b"\n") + 1 :]
            skip, line = skip - 1, line + 1
        if data:
            scanned = scanner.scan(data, line, is_last=following is None)
            yield data, line, scanned
            line += scanned.consumed_lines
            rest = data[scanned.consumed_bytes :]
        block = following


def _read_header(path: UPath, options: FileOptions) -> tuple[tuple[str, ...], int]:
    """Return the header's names and how many lines it takes, blank lines before it included."""
    dialect = _dialect(path, options)
    block = next(iter_text_blocks(path, options.encoding), b"")
    lines = block.split(b"\n", HEADER_LINES)[:-1]
    filled = (number for number, line in enumerate(lines) if line.strip())
    # Excel writes the separator above the header.
    first = next((number for number in filled if not EXCEL_LINE.fullmatch(lines[number])), None)
    if first is None:
        raise _empty(path)
    for last in range(first, len(lines)):
        text = _decode_header(path, options, b"\n".join(lines[first : last + 1]))
        try:
            names = parse_record(text, dialect)
        except RecordError as error:
            reason = error.reason
        else:
            _check_header_text(path, text)
            cleaned = (name.strip() if options.trim else name for name in names)
            return tuple(cleaned), last + 1
    raise SchemaError(
        f"expected a header line with the columns' names. Received: {shorten(path.name)}, line "
        f"{first + 1}: {reason}. Set source.quote, or source.header: false if it has none."
    )


def _check_header_text(path: UPath, text: str) -> None:
    if "\x00" in text:
        raise SourceError(
            f"expected a header of text. Received: {shorten(path.name)} with NUL bytes in its "
            "first line. Check that it is a CSV file, and source.encoding."
        )


def _decode_header(path: UPath, options: FileOptions, raw: bytes) -> str:
    try:
        return raw.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, options, "its header") from error


def _dialect(path: UPath, options: FileOptions) -> Dialect:
    is_tsv = ".tsv" in [suffix.lower() for suffix in path.suffixes]
    separator = options.separator or ("\t" if is_tsv else ",")
    return Dialect(separator, options.quote, options.trim)


class _EncodingGuard:
    """Tells a stray byte, which costs a row, from a file in another encoding."""

    def __init__(self, path: UPath, options: FileOptions) -> None:
        self._path, self._options, self._is_done = path, options, False

    def check(self, scanned: Scanned) -> None:
        if self._is_done or not scanned.records:
            return
        self._is_done = True
        wrong = sum(reject.rule == "bad_encoding" for reject in scanned.rejects)
        if wrong > max(1, 0.05 * scanned.records):
            raise _wrong_encoding(
                self._path, self._options, f"{wrong} of its first {scanned.records} rows"
            )


def _wrong_encoding(path: UPath, options: FileOptions, where: str) -> SourceError:
    codec = check_encoding_name(options.encoding)
    likely = "cp1252" if codec in {"utf-8", "utf-8-sig", "ascii"} else "utf-8"
    return SourceError(
        f"expected {codec} text. Received: {shorten(path.name)}, where {where} cannot be read as "
        f"such; it may be {likely}. Set source.encoding, or save the file as UTF-8."
    )


def _empty(path: UPath) -> SourceError:
    return SourceError(
        f"expected rows. Received: {shorten(path.name)}, which is empty. "
        "Check what writes the file."
    )


class _TextOfRow:
    """The text of a record as the file has it, cut, for the list of rejected rows."""

    def __init__(self, block: bytes, spans: np.ndarray) -> None:
        self._block, self._spans = block, spans

    def __call__(self, row: int) -> str:
        start, end = self._spans[row]
        raw = self._block[start : min(end, start + 2_000)]
        return raw.replace(UNREADABLE, b"?").decode("utf-8", "replace")
