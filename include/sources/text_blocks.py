"""The bytes of a text file as UTF-8, block by block, each block ending at a line's end.

Knows byte order marks, gzip, and files that are not the text they claim to be. Bytes that the
encoding cannot read arrive as the byte 0xFF, which UTF-8 never holds, so that the reader of the
lines sees exactly which ones are affected.
"""

import codecs
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from upath import UPath

from include.errors import SourceError
from include.values.showing import shorten

BLOCK_BYTES: Final = 8 * 1024**2
LINE_BYTES: Final = 32 * 1024**2
SAMPLE_BYTES: Final = 8192
# Longer first lines are none: the end of a line shows within this.
HEAD_BYTES: Final = 1024**2
UNREADABLE: Final = b"\xff"
GZIP_MARK: Final = b"\x1f\x8b"
BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BINARY_MARKS: Final = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive (.npz, .xlsx)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF"),
)
TAR_MARK: Final = b"ustar"
TAR_MARK_AT: Final = 257


def iter_text_blocks(path: UPath, encoding: str) -> Iterator[bytes]:
    """Read a text file as UTF-8 blocks of whole lines; the last line gets an end if it has none.

    Raises:
        SourceError: The file is in another encoding, is not text, or cannot be read.
    """
    rest = b""
    chunks = _iter_utf8(path, encoding)
    head = _read_head(chunks)
    is_old_mac = b"\r" in head and b"\n" not in head
    for chunk in itertools.chain([head], chunks):
        data = rest + (chunk.replace(b"\r", b"\n") if is_old_mac else chunk)
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if len(rest) > LINE_BYTES:
            raise SourceError(
                f"expected lines of at most {LINE_BYTES >> 20} MB. Received: a longer one in "
                f"{shorten(path.name)}. Check that it is a text file with line ends."
            )
        if cut:
            yield _plain_line_ends(data[:cut])
    if rest:
        yield _plain_line_ends(rest + b"\n")


def _read_head(chunks: Iterator[bytes]) -> bytes:
    """Read up to the first line feed, as far as one may be: it tells what ends the lines."""
    head = b""
    for chunk in chunks:
        head += chunk
        if b"\n" in chunk or len(head) > HEAD_BYTES:
            break
    return head


def check_encoding_name(encoding: str) -> str:
    """Return the codec's own name of an encoding.

    Raises:
        SourceError: Python does not know the encoding.
    """
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise SourceError(
            "source.encoding must be an encoding that Python knows, e.g. utf-8, cp1252, utf-16. "
            f"Received: {encoding!r}."
        ) from error


@contextmanager
def open_bytes(path: UPath) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed if it is gzip.

    Raises:
        SourceError: The file is missing, not allowed, or damaged gzip.
    """
    name = shorten(path.name)
    try:
        with path.open("rb") as raw:
            buffered = cast("BinaryIO", raw if hasattr(raw, "peek") else io.BufferedReader(raw))
            start = buffered.read(len(GZIP_MARK))
            buffered.seek(0)
            if start == GZIP_MARK:
                with gzip.GzipFile(fileobj=buffered) as unpacked:
                    yield cast("BinaryIO", unpacked)
            else:
                yield buffered
    except FileNotFoundError as error:
        raise SourceError(f"expected a source file. Received: {name}, which is missing.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(
            f"expected whole gzip data. Received: {name} ({error}). Copy the file again."
        ) from error
    except (PermissionError, IsADirectoryError) as error:
        raise SourceError(f"expected a readable file. Received: {name} ({error}).") from error


def _iter_utf8(path: UPath, encoding: str) -> Iterator[bytes]:
    codec = check_encoding_name(encoding)
    with open_bytes(path) as file:
        start = file.read(SAMPLE_BYTES)
        _check_is_text(path, start, codec)
        if codec in {"utf-8", "utf-8-sig", "ascii"}:
            yield start.removeprefix(codecs.BOM_UTF8)
            while chunk := file.read(BLOCK_BYTES):
                yield chunk
        else:
            yield from _transcode(file, start, codec)


def _transcode(file: BinaryIO, start: bytes, codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    chunk = start
    while chunk:
        yield _mark_unreadable(decoder.decode(chunk))
        chunk = file.read(BLOCK_BYTES)
    yield _mark_unreadable(decoder.decode(b"", final=True))


def _mark_unreadable(text: str) -> bytes:
    data = text.removeprefix("\ufeff").encode("utf-8", "replace")
    return data.replace("\ufffd".encode(), UNREADABLE)


def _plain_line_ends(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data


def _check_is_text(path: UPath, start: bytes, codec: str) -> None:
    name = shorten(path.name)
    if start.startswith(TAR_MARK, TAR_MARK_AT):
        raise SourceError(
            f"expected text. Received: {name}, which is a tar archive. No setting helps: unpack "
            "it, and name the file inside."
        )
    for mark, what in BINARY_MARKS:
        if start.startswith(mark):
            raise SourceError(
                f"expected text. Received: {name}, which is {what}. Set source.format if it is "
                "one that is read, else unpack it or save it as CSV."
            )
    found = next((name_ for mark, name_ in BYTE_ORDER_MARKS if start.startswith(mark)), None)
    if found is None and not codec.startswith(("utf-16", "utf-32")):
        found = _guess_wide(start)
    declared = codec.removesuffix("-sig").split("-le")[0].split("-be")[0]
    if found is not None and found.split("-le")[0].split("-be")[0] != declared:
        raise SourceError(
            f"expected {codec} text. Received: {name}, which is {found.upper()}. "
            f"Set source.encoding: {found}, or save the file as UTF-8."
        )


def _guess_wide(start: bytes) -> str | None:
    """Recognise UTF-16 without a mark: every second byte of western text is zero."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    zeros = even + odd
    if zeros < 8 or zeros < 0.3 * len(start) or max(even, odd) < 0.9 * zeros:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"
