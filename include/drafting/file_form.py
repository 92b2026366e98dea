"""How a file is written: format, encoding, separator, quote and header, by ingest's own reader.

Every form is tried by reading the first rows as `ingest` will read them; what reads most rows is
taken. So nothing is drafted that ingest would read in another way.
"""

import codecs
import re
from pathlib import Path
from typing import Final, NamedTuple

from upath import UPath

from include.errors import SchemaError, SourceError, did_you_mean
from include.sources.csv_files import read_csv_batches, read_csv_columns
from include.sources.file_lists import file_format, find_move
from include.sources.opened_files import COLUMN_READERS
from include.sources.text_blocks import BLOCK_BYTES, iter_text_blocks, open_bytes
from include.specs.sources import FileSource
from include.values.showing import shorten

SEPARATORS: Final = (",", ";", "\t", "|", " ")
QUOTES: Final = ('"', "'", "")
WIDE: Final = ("utf-16", "utf-16-le", "utf-16-be", "utf-32")
WESTERN: Final = "cp1252"
MIN_SOUND: Final = 0.5
SHOWN: Final = 50
# So many fields in every row are no chance: no other mark separates them better.
PLAINLY: Final = 20


class FormHints(NamedTuple):
    """What a person knows better of how a file is written."""

    encoding: str | None = None
    separator: str | None = None


class FileForm(NamedTuple):
    """How a file is read, and the names of its columns in order; some may have none."""

    source: FileSource
    columns: tuple[str, ...]


class _Attempt(NamedTuple):
    source: FileSource
    columns: tuple[str, ...]
    sound: float
    quoted: bool

    @property
    def is_perfect(self) -> bool:
        """Whether every row was read, and nothing in it looks like a quote that was not."""
        return self.sound == 1.0 and not self.quoted


def find_form(path: Path, target: str, hints: FormHints) -> FileForm:
    """Find out how a file is written.

    Args:
        path: The file.
        target: The column to predict. If it stands in the first line, that line is the header;
            a file without one has the columns `column0`, `column1`, and so on.
        hints: What a person knows better.

    Raises:
        SourceError: The file cannot be read, or has no such column.
        SchemaError: Its header cannot be read.
    """
    source = FileSource(kind="file", uri=str(path.resolve()), missing=("",))
    kind, is_known = _find_format(path, source)
    changes = {} if is_known else {"format": kind}
    if kind != "parquet":
        changes["encoding"] = hints.encoding or find_encoding(path)
    source = source.model_copy(update=changes)
    if kind == "csv":
        return _find_csv_form(path, source, target, hints.separator)
    columns = COLUMN_READERS[kind](UPath(path), source, ())
    if kind == "jsonl":
        _check_rows(path, source)
    if target not in columns:
        raise _no_target(path, target, columns, "")
    return FileForm(source, columns)


def find_encoding(path: Path) -> str:
    """Guess the encoding of a text file; what is no Unicode is taken for Windows' western one.

    Raises:
        SourceError: It is no text.
    """
    try:
        next(iter_text_blocks(UPath(path), "utf-8"), b"")
    except SourceError as error:
        return _find_wide(path, error)
    return "utf-8" if _is_mostly_utf8(path) else WESTERN


def default_separator(path: Path) -> str:
    """Return the separator that the reader takes if a spec names none."""
    return "\t" if ".tsv" in [suffix.lower() for suffix in path.suffixes] else ","


def _find_format(path: Path, source: FileSource) -> tuple[str, bool]:
    """Return the format, and whether the file's ending tells it."""
    try:
        told = file_format(UPath(path), source)
    except SourceError:
        if find_move(UPath(path)):
            raise
        told = ""
    if told == "npz":
        raise SourceError(
            f"--from must name a table: CSV, TSV, JSON lines or Parquet. Received: {path.name!r}, "
            "an archive of arrays. Write its pipeline by hand: see `keys` in docs/spec.md."
        )
    kind = _look_inside(path, told or "csv")
    return kind, kind == told


def _look_inside(path: Path, told: str) -> str:
    """Tell the format by how the file begins, or take what its ending tells."""
    with open_bytes(UPath(path)) as file:
        start = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()
    if re.match(rb"\[\s*\{" if told == "csv" else rb"\[", start):
        raise _json_array(path.name)
    if re.match(rb"<(!doctype html|html|head|body|table)\b", start, re.IGNORECASE):
        raise SourceError(
            f"expected a table. Received: {shorten(path.name)}, an HTML page. If the address gave "
            "this instead of a file, fetch it as a browser that is logged in does; if it holds the "
            "table, save that as CSV."
        )
    if start.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if re.match(rb"\{\s*\"", start) else told


def _check_rows(path: Path, source: FileSource) -> None:
    """Refuse one object that holds all rows, as lists or below a name."""
    block = next(iter_text_blocks(UPath(path), source.encoding), b"")
    first, _, rest = block.strip().partition(b"\n")
    if not rest and any(mark in first for mark in (b": [", b":[", b": {", b":{")):
        raise SourceError(
            f"expected one JSON object per line. Received: {shorten(path.name)}, one object that "
            "holds all rows. Write it as JSON lines, for example with `jq -c '.NAME[]'` or pandas' "
            "to_json(orient='records', lines=True)."
        )


def _json_array(name: str) -> SourceError:
    """Say what to do with one array of objects."""
    return SourceError(
        f"expected one JSON object per line. Received: {shorten(name)}, one array of them. Write "
        "it as JSON lines, for example with `jq -c '.[]'`."
    )


def _find_wide(path: Path, error: SourceError) -> str:
    """Choose the encoding that gives the plainest text; separators and digits are ASCII."""
    shares = {}
    for encoding in WIDE:
        try:
            block = next(iter_text_blocks(UPath(path), encoding), b"")
        except (SourceError, UnicodeError):
            continue
        shares[encoding] = sum(byte < 128 for byte in block) / max(1, len(block))
    if not shares:
        raise error
    return max(shares, key=lambda encoding: shares[encoding])


def _is_mostly_utf8(path: Path) -> bool:
    """Tell stray bytes, each of which costs a row, from a file in another encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    wrong = right = 0
    with open_bytes(UPath(path)) as file:
        while chunk := file.read(BLOCK_BYTES):
            text = decoder.decode(chunk)
            if not text.isascii():
                unread = text.count("\ufffd")
                wrong += unread
                right += len(text) - len(text.encode("ascii", "ignore")) - unread
    return right >= wrong


def _find_csv_form(path: Path, source: FileSource, target: str, separator: str | None) -> FileForm:
    try:
        best = _find_dialect(path, source, separator, target)
    except SourceError as error:
        if source.encoding != WESTERN:
            raise
        raise SourceError(
            f"expected UTF-8 text. Received: {shorten(path.name)}, which is none, nor {WESTERN}. "
            "Name its encoding with --encoding, such as shift_jis, gb18030 or cp1251."
        ) from error
    names = best.columns
    source = best.source
    if target not in names:
        numbered = _number_columns(len(names))
        if target not in numbered:
            known = numbered if _is_data(names) else names
            raise _no_target(path, target, known, _find_move(path, source, target, names))
        names, source = numbered, source.model_copy(update={"header": False})
    return FileForm(source, names)


def _find_dialect(path: Path, source: FileSource, separator: str | None, target: str) -> _Attempt:
    first = default_separator(path)
    separators = (first, *(mark for mark in SEPARATORS if mark != first))
    separators = (separator,) if separator else separators
    attempts, errors = [], []
    for quote in QUOTES:
        for mark in separators:
            changes = {"separator": mark, "quote": quote}
            try:
                attempts.append(_try(path, source.model_copy(update=changes)))
            except (SourceError, SchemaError) as error:
                errors.append(error)
                continue
            if len(attempts[-1].columns) > PLAINLY and attempts[-1].is_perfect:
                return attempts[-1]
    if not attempts:
        raise errors[0]
    split = [attempt for attempt in attempts if len(attempt.columns) > 1]
    if not split and min(attempt.sound for attempt in attempts) < MIN_SOUND:
        # One field above rows of several: a title or comment, not a file of one column.
        raise _not_a_header(path, attempts[0], target)
    # Blanks stand in texts: they separate only where nothing else does.
    marked = [attempt for attempt in split if attempt.source.separator != " "]
    best = max(
        marked or split or attempts,
        key=lambda one: (round(one.sound, 2), not one.quoted, len(one.columns)),
    )
    if best.source.separator == " " and any(not name for name in best.columns):
        raise SourceError(
            f"expected one mark between two fields. Received: {shorten(path.name)}, whose columns "
            "are set apart by several blanks. Write it with commas, for example with "
            "`tr -s ' ' ','` or pandas' read_csv(sep=r\"\\s+\")."
        )
    if best.sound < MIN_SOUND:
        raise _not_a_header(path, best, target)
    if best.source.quote != '"' and b'\\"' in _first_block(path, source):
        raise SourceError(
            'expected quotes within a quoted text to be doubled, as in "5 "" wide". Received: '
            f"{shorten(path.name)}, where a backslash stands before them. Write it anew, for "
            "example with pandas' read_csv(escapechar='\\\\') and to_csv()."
        )
    return best


def _try(path: Path, source: FileSource) -> _Attempt:
    """Read the first rows; how many of them have as many fields as the first line?"""
    columns = read_csv_columns(UPath(path), source, ())
    quoted = source.quote != "'" and any(_is_quoted(name) for name in columns)
    for batch in read_csv_batches(UPath(path), source, (), columns[:1]):
        if batch.records:
            sound = 1 - len(batch.rejects) / batch.records
            first = batch.rows.column(0).slice(0, SHOWN).to_pylist()
            quoted = quoted or (source.quote != "'" and all(map(_is_quoted, first)))
            return _Attempt(source, columns, sound, quoted)
    return _Attempt(source, columns, 1.0, quoted)


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] == "'"


def _number_columns(count: int) -> tuple[str, ...]:
    width = len(str(count - 1))
    return tuple(f"column{number:0{width}d}" for number in range(count))


def _is_data(names: tuple[str, ...]) -> bool:
    """Tell a first line of values: a name is hardly ever a number."""
    return any(name.replace(".", "", 1).lstrip("+-").isdecimal() for name in names)


def _no_target(path: Path, target: str, columns: tuple[str, ...], move: str) -> SourceError:
    listed = [shorten(name)[1:-1] for name in columns[:SHOWN]]
    return SourceError(
        f"--target must name a column of {path.name}. Received: {target!r}; columns: {listed}. "
        + (move or f"Name one of them.{did_you_mean(target, columns)}")
    )


def _first_block(path: Path, source: FileSource) -> bytes:
    return next(iter_text_blocks(UPath(path), source.encoding), b"")


def _find_move(path: Path, source: FileSource, target: str, names: tuple[str, ...]) -> str:
    """Say what makes a column of the target: another separator, or fewer lines above it."""
    if len(names) == 1 and target in re.split(r"[^\w ]+", names[0]):
        marks = re.findall(r"[^\w ]", names[0])
        return f"Its fields seem to be set apart by {marks[0]!r}: name that with --separator."
    line = _find_line_naming(path, source, target)
    if line:
        return f"Line {line} names it: remove what stands above."
    close = did_you_mean(target, names).strip()
    return close or "If its first line is data, they are column0, column1, …"


def _find_line_naming(path: Path, source: FileSource, target: str) -> int:
    """Find the line below the first that has the target as a field; 0 if none near the top has."""
    lines = _first_block(path, source).decode("utf-8", "replace").splitlines()[1:SHOWN]
    for number, line in enumerate(lines, start=2):
        marks = {*SEPARATORS[:-1], source.separator or ","}
        if any(target in (one.strip(" \"'") for one in line.split(mark)) for mark in marks):
            return number
    return 0


def _not_a_header(path: Path, attempt: _Attempt, target: str) -> SourceError:
    fields = len(attempt.columns)
    is_named = target in {name.strip("\"'") for name in attempt.columns}
    line = "" if is_named else _find_line_naming(path, attempt.source, target)
    move = (
        "Give the first line as many fields as the rows have: one more separator if each row ends "
        "with one, one more name in front if each begins with its number, as R writes them."
    )
    if not is_named:
        move = "Remove what stands above the names (comments, titles)"
        move += f": line {line} names {target!r}." if line else "."
    return SourceError(
        f"expected a first line that names the columns. Received: {shorten(path.name)}, whose "
        f"first line has another number of fields ({fields}) than most rows. {move}"
    )
