"""Which files a `file` source means, and in which order."""

import glob
import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

from upath import UPath

from include.errors import SourceError
from include.specs.sources import FileOptions, FileSource
from include.tables.layout import open_root
from include.values.showing import shorten

MAX_URI: Final = 1_000
HIVE_SEGMENT: Final = re.compile(r"^([A-Za-z_][A-Za-z0-9_ -]*)=(.*)$")
FORMAT_BY_ENDING: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".data": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".npz": "npz",
}


class SourceFile(NamedTuple):
    """One file of a source."""

    path: UPath
    format: str
    part: str = ""
    constants: tuple[tuple[str, str], ...] = ()


class ListedFile(NamedTuple):
    """A file of a source: its path, its name below the source, and the address to read it alone."""

    path: UPath
    name: str
    uri: str


def list_source_files(source: FileSource, root: str, *, must_exist: bool) -> list[ListedFile]:
    """List the files of a source, each to be read by itself.

    Args:
        source: The source; its `test_uri` is left out.
        root: Where relative paths start.
        must_exist: Refuse a source where nothing is; a folder that is watched may be empty.

    Raises:
        SourceError: Nothing is there, or the path is not allowed.
    """
    if must_exist:
        list(_find(source.uri, root, source, ""))
    paths, base = expand_path(_locate(source.uri, root))
    return [_list(path, base) for path in paths]


def _list(path: UPath, base: UPath) -> ListedFile:
    name = path.relative_to(base).as_posix()
    if not _constants(path, base):
        return ListedFile(path, name, str(path))
    # As a pattern, the address still says where the values of the partitions begin.
    return ListedFile(path, name, f"{base}/[{name[0]}]{glob.escape(name[1:])}")


def find_source_files(source: FileSource, root: str) -> list[SourceFile]:
    """Find the files of a source in the order in which they are read.

    Args:
        source: The source; with `test_uri` the files of `uri` are the part `train`.
        root: Where relative paths start.

    Raises:
        SourceError: Nothing is there, or the path is not allowed.
    """
    part = "train" if source.test_uri else ""
    files = list(_find(source.uri, root, source, part))
    if source.test_uri:
        files += _find(source.test_uri, directory_of(source.uri, root), source, "test")
    return files


def check_plain_path(uri: str) -> None:
    """Refuse paths that mean something else than they say.

    Raises:
        SourceError: Longer than 1,000 characters, with control characters, `..`, a home
            directory, or any of these written with percent signs.
    """
    written = unquote(unquote(uri)).replace("\\", "/")
    has_control = any(ord(char) < 32 or ord(char) == 127 for char in written)
    climbs = ".." in written.split("/") or written.startswith("~")
    is_encoded = "://" not in uri and re.search(r"%(2e|2f|5c|00|25)", uri, re.IGNORECASE)
    if not uri.strip() or len(uri) > MAX_URI or has_control or climbs or is_encoded:
        raise SourceError(
            f"a source path must be plain: at most {MAX_URI} characters, no `..`, no control "
            f"characters, no percent codes. Received: {shorten(uri, 120)}. "
            "Name a file below the sources directory."
        )


_UNPACK: Final = "No setting helps: unpack it, and name the file inside."
_OF_PROGRAMS: Final = (
    *(".sav", ".dta", ".sas7bdat", ".rds", ".rdata", ".mat", ".h5", ".hdf5"),
    *(".feather", ".arrow", ".orc", ".avro", ".pkl", ".db", ".sqlite"),
)
MOVES: Final = {
    **dict.fromkeys((".zip", ".7z", ".rar", ".bz2", ".xz", ".zst", ".tar", ".tgz"), _UNPACK),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "Save the sheet as CSV (UTF-8), and name that."),
    **dict.fromkeys(_OF_PROGRAMS, "Write it as Parquet or CSV, for example with pandas."),
}


def find_move(path: UPath) -> str:
    """Say what to do with a file that is not read, by its ending; nothing if that tells nothing."""
    return MOVES.get(_ending(path), "")


def file_format(path: UPath, options: FileOptions) -> str:
    """Return the format of a file, by the spec or else by its ending.

    Raises:
        SourceError: The ending is none of those known.
    """
    if options.format != "auto":
        return options.format
    ending = _ending(path)
    if ending not in FORMAT_BY_ENDING:
        raise SourceError(
            f"expected a file ending in {', '.join(FORMAT_BY_ENDING)} (or one of them with .gz). "
            f"Received: {shorten(path.name)}. {find_move(path) or 'Set source.format.'}"
        )
    return FORMAT_BY_ENDING[ending]


def _locate(uri: str, root: str) -> UPath:
    if "\x00" in uri or len(uri) > MAX_URI:
        raise SourceError(
            f"a source path has at most {MAX_URI} characters and no NUL. "
            f"Received: {shorten(uri, 120)}."
        )
    if "://" in uri or uri.startswith("/"):
        return open_root(uri)
    check_plain_path(uri)
    return open_root(f"{root.rstrip('/')}/{uri}")


def directory_of(uri: str, root: str) -> str:
    """Give the directory in which a path lies; relative paths start at `root`."""
    return str(_locate(uri, root).parent)


def _find(uri: str, root: str, options: FileOptions, part: str) -> Iterator[SourceFile]:
    place = _locate(uri, root)
    try:
        paths, base = expand_path(place)
    except PermissionError as error:
        raise SourceError(
            f"expected a readable source. Received: {shorten(place, 200)} ({error.strerror}). "
            "Check the rights of the file."
        ) from error
    if not paths:
        raise SourceError(
            f"expected a source at {shorten(place, 200)}. Received: no such file, directory or "
            "match. Put the file there, or change source.uri."
        )
    for path in paths:
        yield SourceFile(path, file_format(path, options), part, _constants(path, base))


def expand_path(place: UPath) -> tuple[list[UPath], UPath]:
    """Find the files that a path, directory or pattern stands for, and where they are named from.

    Returns:
        The files in the order in which they are read, none if nothing is there; and the directory
        below which their names say which partition they are of.
    """
    if place.is_file():
        return [place], place.parent
    if place.is_dir():
        found = [path for path in place.rglob("*") if _is_data(path, place)]
        return sorted(found, key=lambda path: path.relative_to(place).parts), place
    text = str(place)
    if not glob.has_magic(text):
        return [], place
    base, pattern = _split_pattern(place)
    matches = [path for path in base.glob(pattern) if path.is_file()]
    return sorted(matches, key=lambda path: path.relative_to(base).parts), base


def _split_pattern(place: UPath) -> tuple[UPath, str]:
    base, parts = place, []
    while glob.has_magic(str(base)):
        parts.append(base.name)
        base = base.parent
    return base, "/".join(reversed(parts))


def _is_data(path: UPath, base: UPath) -> bool:
    if any(part.startswith((".", "_")) for part in path.relative_to(base).parts):
        return False
    return path.is_file() and (_ending(path) in FORMAT_BY_ENDING or not path.suffix)


def _ending(path: UPath) -> str:
    name = path.name.lower().removesuffix(".gz")
    return f".{name.rpartition('.')[2]}" if "." in name else ""


def _constants(path: UPath, base: UPath) -> tuple[tuple[str, str], ...]:
    """Read the values of partition columns from a path such as `year=2024/month=1/a.parquet`."""
    segments = path.relative_to(base).parts[:-1]
    matches = (HIVE_SEGMENT.match(segment) for segment in segments)
    return tuple((match[1], unquote(match[2])) for match in matches if match)
