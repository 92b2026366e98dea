"""How the texts of a source become values: part of the contract, and of the model."""

from typing import Final, NamedTuple

from include.specs.sources import (
    DEFAULT_MISSING,
    BuiltinSource,
    FileOptions,
    JoinSource,
    Source,
    UnionSource,
)


class Reading(NamedTuple):
    """How texts of a source are read."""

    missing: tuple[str, ...] = DEFAULT_MISSING
    trim: bool = True
    strip_suffix: str | None = None


# Values that were read before: nothing in them is a mark, a blank or a suffix any more.
AT_REST: Final = Reading(missing=(), trim=False)


def reading_of(source: Source | FileOptions) -> Reading:
    """Give the reading of a source.

    Of a union or a join it is the first source's: a row that comes from none of them, such as
    one that a model is asked about, is read like the rows of the first.

    Example:
        >>> from include.specs.sources import FileSource
        >>> reading_of(FileSource(kind="file", uri="a.csv", missing=("?",))).missing
        ('?',)
    """
    if isinstance(source, UnionSource | JoinSource):
        return reading_of(source.sources[0])
    if isinstance(source, BuiltinSource):
        return Reading()
    if isinstance(source, FileOptions):
        return Reading(source.missing, source.trim, source.strip_suffix)
    return Reading(missing=source.missing)
