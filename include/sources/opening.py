"""Opening sources: one entry for every kind, whatever lies behind it.

An opened source knows its columns, and the digest of its bytes where it has one, so that an
unchanged source is recognised before a row is read. Unions and joins are put together in
`snapshot.py`; here they are the list of their sources.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from types import MappingProxyType
from typing import Final

import pyarrow as pa
from upath import UPath

from include.errors import SourceError
from include.sources.batches import Batch, OpenedSource, limit_batches
from include.sources.builtin import open_builtin
from include.sources.column_match import check_names_differ
from include.sources.file_lists import SourceFile, file_format, find_source_files
from include.sources.http import download, shown_address
from include.sources.opened_files import open_files
from include.sources.private_downloads import download_private, remember_digest
from include.sources.sql import open_sql
from include.specs.sources import (
    BuiltinSource,
    FileSource,
    HttpSource,
    JoinSource,
    Source,
    SqlSource,
    UnionSource,
)
from include.values.reading import Reading

__all__ = ["SourcePlaces", "list_leaves", "open_source"]
NOT_AT_HAND: Final = OpenedSource(
    name="",
    columns=(),
    read=lambda _: iter(()),
    reading=Reading(),
    digest="",
    is_known_only=True,
)


@dataclass(frozen=True)
class SourcePlaces:
    """Where sources lie and how they are reached.

    Attributes:
        sources: Where relative paths start.
        downloads: The cache of downloads; in the temporary directory if it is no local path.
        connect: Gives the SQLAlchemy URL of a connection id.
        has_private: Whether the contract has any private column, so that errors show no value.
        scratch: Where downloads with personal data lie until they have been read; None if they
            may stay in the cache.
    """

    sources: str
    downloads: str
    connect: Callable[[str], str]
    has_private: bool = False
    scratch: Path | None = None

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
    source: Source,
    contract: tuple[str, ...],
    *,
    places: SourcePlaces,
    row_limit: int | None = None,
    needs_rows: bool = True,
    types: Mapping[str, pa.DataType] = MappingProxyType({}),
) -> OpenedSource:
    """Open a plain source: find it, learn its columns and digest, read no rows yet.

    Args:
        source: Any source but a union or join.
        contract: Names of all contract columns in order, for files without a header.
        places: Where sources lie.
        row_limit: Most rows to read; with given test rows, a fifth of them are test rows.
        needs_rows: Whether a source is opened that is known to be unchanged, and not at hand.
        types: Columns that files of text may give as numbers.

    Raises:
        SourceError: It is missing, empty, unreadable, or not allowed.
        SchemaError: Two of its columns have the same name.
        InfrastructureError: A server does not answer.
    """
    if isinstance(source, BuiltinSource):
        opened = _limited(open_builtin(source), row_limit)
    elif isinstance(source, SqlSource):
        opened = open_sql(source, places.connect, has_private=places.has_private)
        opened = _limited(opened, row_limit)
    elif isinstance(source, HttpSource):
        found = _download(source, places, needs_rows=needs_rows)
        if isinstance(found, str):
            return NOT_AT_HAND._replace(name=shown_address(source.uri), digest=found)
        files = [SourceFile(found, file_format(found, source))]
        opened = open_files(source, files, contract, row_limit, types)
        opened = opened._replace(name=shown_address(source.uri))
        if places.scratch is not None and opened.digest is not None:
            remember_digest(source, places.download_directory, places.scratch, opened.digest)
    elif isinstance(source, FileSource):
        files = find_source_files(source, places.sources)
        opened = open_files(source, files, contract, row_limit, types)
        opened = opened._replace(name=_shown_path(source))
    else:
        raise SourceError(f"expected a plain source. Received: kind={source.kind!r}.")
    check_names_differ(opened.columns, opened.name, hides_names=places.has_private)
    return opened


def _download(source: HttpSource, places: SourcePlaces, *, needs_rows: bool) -> UPath | str:
    """Return the local file, or the digest of a file that is not here and has not changed."""
    directory = places.download_directory
    if places.scratch is None:
        return UPath(download(source, directory))
    found = download_private(source, directory, places.scratch, needs_body=needs_rows)
    return found if isinstance(found, str) else UPath(found)


def _limited(opened: OpenedSource, limit: int | None) -> OpenedSource:
    def read(wanted: tuple[str, ...]) -> Iterator[Batch]:
        return limit_batches(opened.read(wanted), limit)

    return opened._replace(read=read)


def _shown_path(source: FileSource) -> str:
    names = [source.uri, *([source.test_uri] if source.test_uri else [])]
    return " and ".join(shown_address(uri) if "://" in uri else uri for uri in names)
