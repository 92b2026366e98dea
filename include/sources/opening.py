"""Finding and opening sources: one entry for every kind, whatever lies behind it.

A source that was found has the digest of its bytes, or of what its fingerprint query gives, if it
has either, so that an unchanged source is recognised before it is opened; one that was opened knows
its columns. Unions and joins are put together in `snapshot.py`; here they are the list of their
sources.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa
from upath import UPath

from include.errors import SourceError
from include.sources.batches import Batch, OpenedSource, limit_batches
from include.sources.builtin import digest_builtin, open_builtin
from include.sources.column_match import check_names_differ
from include.sources.downloads import Downloads
from include.sources.file_lists import SourceFile, file_format, find_source_files
from include.sources.http import shown_address
from include.sources.opened_files import digest_files, open_files
from include.sources.sql import digest_sql, open_sql
from include.specs.sources import (
    BuiltinSource,
    FileSource,
    HttpSource,
    JoinSource,
    Source,
    SqlSource,
    UnionSource,
)

__all__ = ["FoundSource", "SourcePlaces", "find_source", "list_leaves", "open_source"]


@dataclass(frozen=True)
class SourcePlaces:
    """Where sources lie and how they are reached.

    Attributes:
        sources: Where relative paths start.
        downloads: What brings files from other machines.
        connect: Gives the SQLAlchemy URL of a connection id.
    """

    sources: str
    downloads: Downloads
    connect: Callable[[str], str]


class FoundSource(NamedTuple):
    """A plain source that is there, and the digest of its bytes (None: it has none)."""

    source: Source
    name: str
    digest: str | None
    files: tuple[SourceFile, ...] = ()


def list_leaves(source: Source) -> tuple[Source, ...]:
    """Return the plain sources of a union or join, in order; a plain source is its own."""
    if isinstance(source, UnionSource | JoinSource):
        return tuple(leaf for one in source.sources for leaf in list_leaves(one))
    return (source,)


def find_source(source: Source, places: SourcePlaces, *, needs_rows: bool = True) -> FoundSource:
    """Find a plain source, and learn its digest.

    Args:
        source: Any source but a union or join.
        places: Where sources lie.
        needs_rows: Whether it will be read even if it is known to be unchanged.

    Raises:
        SourceError: It is missing, unreadable, or not allowed.
        InfrastructureError: A server does not answer.
    """
    if isinstance(source, BuiltinSource):
        name = f"scikit-learn's {source.dataset}"
        return FoundSource(source, name, digest_builtin(source))
    if isinstance(source, SqlSource):
        digest = digest_sql(source, places.connect)
        return FoundSource(source, f"query on connection {source.connection}", digest)
    if isinstance(source, HttpSource):
        if needs_rows:
            places.downloads.find_body(source)
        digest = places.downloads.find_digest(source)
        return FoundSource(source, shown_address(source.uri), digest)
    if isinstance(source, FileSource):
        files = find_source_files(source, places.sources)
        return FoundSource(source, _shown_path(source), digest_files(files), tuple(files))
    raise SourceError(f"expected a plain source. Received: kind={source.kind!r}.")


def open_source(
    found: FoundSource,
    contract: tuple[str, ...],
    *,
    places: SourcePlaces,
    row_limit: int | None = None,
    types: Mapping[str, pa.DataType] = MappingProxyType({}),
    has_private: bool = False,
) -> OpenedSource:
    """Open a source: learn its columns, read no rows yet.

    Args:
        found: The source.
        contract: Names of all contract columns in order, for files without a header.
        places: Where sources lie.
        row_limit: Most rows to read; with given test rows, a fifth of them are test rows.
        types: Columns that files of text may give as numbers.
        has_private: Whether the contract has any private column, so that errors show no value.

    Raises:
        SourceError: It is empty or unreadable.
        SchemaError: Two of its columns have the same name.
        InfrastructureError: A server does not answer.
    """
    source, digest = found.source, found.digest
    if isinstance(source, BuiltinSource):
        opened = _limited(open_builtin(source), row_limit)
    elif isinstance(source, SqlSource):
        opened = _limited(open_sql(source, places.connect, has_private=has_private), row_limit)
    elif isinstance(source, HttpSource):
        body = UPath(places.downloads.find_body(source))
        digest = places.downloads.find_digest(source)  # the body may be younger than what was found
        files = [SourceFile(body, file_format(body, source))]
        opened = open_files(source, files, contract, row_limit, types)
    elif isinstance(source, FileSource):
        opened = open_files(source, list(found.files), contract, row_limit, types)
    else:
        raise SourceError(f"expected a plain source. Received: kind={source.kind!r}.")
    check_names_differ(opened.columns, found.name, hides_names=has_private)
    return opened._replace(name=found.name, digest=digest)


def _limited(opened: OpenedSource, limit: int | None) -> OpenedSource:
    def read(wanted: tuple[str, ...]) -> Iterator[Batch]:
        return limit_batches(opened.read(wanted), limit)

    return opened._replace(read=read)


def _shown_path(source: FileSource) -> str:
    names = [source.uri, *([source.test_uri] if source.test_uri else [])]
    return " and ".join(shown_address(uri) if "://" in uri else uri for uri in names)
