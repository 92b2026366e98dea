"""A source that names the day of a run: `rows/{date}.csv`, `WHERE day <= '{date}'`."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from include.specs.sources import FileSource, HttpSource, JoinSource, Source, SqlSource, UnionSource

FORMATS: Final[Mapping[str, str]] = {
    "{date}": "%Y-%m-%d",
    "{year}": "%Y",
    "{month}": "%m",
    "{day}": "%d",
}
# What of a source may name the day.
NAMING: Final[Mapping[type, tuple[str, ...]]] = {
    FileSource: ("uri", "test_uri"),
    HttpSource: ("uri",),
    SqlSource: ("query", "fingerprint"),
}


def at_day(source: Source, day: date) -> Source:
    """Write a day into the addresses and queries of a source; other braces stay as they are.

    Example:
        >>> source = FileSource(kind="file", uri="rows/{year}/{date}.csv")
        >>> at_day(source, date(2026, 3, 1)).uri
        'rows/2026/2026-03-01.csv'
    """
    if isinstance(source, UnionSource | JoinSource):
        parts = tuple(at_day(each, day) for each in source.sources)
        return source.model_copy(update={"sources": parts})
    texts = {name: getattr(source, name) for name in NAMING.get(type(source), ())}
    return source.model_copy(
        update={name: _write(text, day) for name, text in texts.items() if text}
    )


def _write(text: str, day: date) -> str:
    for mark, pattern in FORMATS.items():
        text = text.replace(mark, day.strftime(pattern))
    return text
