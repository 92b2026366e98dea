"""Opening sources: one entry for every kind, whatever lies behind it.

An opened source knows its columns, and the digest of its bytes where it has one, so that an
unchanged source is recognised before a row is read. Unions and joins are put together in
`snapshot.py`; here they are the list of their sources.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from upath import UPath

from include.errors import SourceError
from include.specs.sources import (
    BuiltinSource,
    FileSource,
    HttpSource,
    JoinSource,
    Source,
    SqlSource,
    UnionSource,
)
from include.tables.batches import Batch, OpenedSource, limit_batches
from include.tables.builtin import open_builtin
from include.tables.column_match import check_names_differ
from include.tables.http import download, shown_address
from include.tables.opened_files import open_files
from include.tables.source_access import check_source_allowed
from include.tables.source_files import SourceFile, file_format, find_source_files
from include.tables.sql import open_sql

__all__ = ["SourcePlaces", "check_source_allowed", "list_leaves", "open_source"]


@dataclass(frozen=True)
class SourcePlaces:
    """Where sources lie and how they are reached.

    Attributes:
        sources: Where relative paths start.
        downloads: The cache of downloads; in the temporary directory if it is no local path.
        connect: Gives the SQLAlchemy URL of a connection id.
    """

    sources: str
    downloads: str
    connect: Callable[[str], str]

    @property
    def download_directory(self) -> Path:
        """The cache of downloads on this machine."""
        if "://" in self.downloads:
            return Path(gettempdir()) / "gatehouse" / "downloads"
        return Path(self.downloads)


def list_leaves(source: Source) -> tuple[Source, ...]:
    """Return the plain sources of a union or join, in order; a plain source is its own."""
    if isinstance(source, UnionSource | JoinSource):
        return tuple(leaf for one in source.sources for leaf in list_leaves(one))
    return (source,)


def open_source(
    source: Source, contract: tuple[str, ...], *, places: SourcePlaces, row_limit: int | None = None
) -> OpenedSource:
    """Open a plain source: find it, learn its columns and digest, read no rows yet.

    Args:
        source: Any source but a union or join.
        contract: Names of all contract columns in order, for files without a header.
        places: Where sources lie.
        row_limit: Most rows to read; with given test rows, a fifth of them are test rows.

    Raises:
        SourceError: It is missing, empty, unreadable, or not allowed.
        SchemaError: Two of its columns have the same name.
        InfrastructureError: A server does not answer.
    """
    if isinstance(source, BuiltinSource):
        opened = _limited(open_builtin(source), row_limit)
    elif isinstance(source, SqlSource):
        opened = _limited(open_sql(source, places.connect), row_limit)
    elif isinstance(source, HttpSource):
        path = UPath(download(source, places.download_directory))
        files = [SourceFile(path, file_format(path, source))]
        opened = open_files(source, files, contract, row_limit)
        opened = opened._replace(name=shown_address(source.uri))
    elif isinstance(source, FileSource):
        files = find_source_files(source, places.sources)
        opened = open_files(source, files, contract, row_limit)
        opened = opened._replace(name=_shown_path(source))
    else:
        raise SourceError(f"expected a plain source. Received: kind={source.kind!r}.")
    check_names_differ(opened.columns, opened.name)
    return opened


def _limited(opened: OpenedSource, limit: int | None) -> OpenedSource:
    def read(wanted: tuple[str, ...]) -> Iterator[Batch]:
        return limit_batches(opened.read(wanted), limit)

    return opened._replace(read=read)


def _shown_path(source: FileSource) -> str:
    names = [source.uri, *([source.test_uri] if source.test_uri else [])]
    return " and ".join(shown_address(uri) if "://" in uri else uri for uri in names)
