"""One opened source out of one file or many, with parts, partition columns and a digest."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from include.errors import SchemaError, SourceError
from include.sources.batches import Batch, OpenedSource, limit_batches
from include.sources.column_match import check_names_differ
from include.sources.csv_files import read_csv_batches, read_csv_columns
from include.sources.file_lists import SourceFile
from include.sources.json_lines import read_json_batches, read_json_columns
from include.sources.npz_files import list_array_columns, read_array_batches
from include.sources.parquet_files import read_parquet_batches, read_parquet_columns
from include.specs.sources import FileOptions
from include.tables.digests import digest_key
from include.values.overlap import map_in_threads
from include.values.reading import reading_of
from include.values.showing import shorten

COLUMN_READERS: Final = {
    "csv": read_csv_columns,
    "jsonl": read_json_columns,
    "parquet": read_parquet_columns,
}
BATCH_READERS: Final[dict[str, Callable[..., Iterator[Batch]]]] = {
    "jsonl": read_json_batches,
    "parquet": read_parquet_batches,
}


def open_files(
    options: FileOptions,
    files: list[SourceFile],
    contract: tuple[str, ...],
    limit: int | None,
    types: Mapping[str, pa.DataType] = MappingProxyType({}),
) -> OpenedSource:
    """Open files as one source, whatever their number and formats.

    Args:
        options: How their bytes become rows.
        files: The files in order; those of one part follow each other.
        contract: Names of the contract's columns, for files without a header.
        limit: Most rows to read.
        types: Columns that files of text may give as numbers.
    """
    if any(file.format == "npz" for file in files):
        return _open_archive(options, files, limit)
    first = files[0]
    constants = dict(first.constants)
    columns = _list_columns(options, files, contract)
    by_part = {
        part: [file for file in files if file.part == part] for part in ("", "train", "test")
    }
    limits = _split_limit(limit, ("train", "test") if first.part else ())

    def read(wanted: tuple[str, ...]) -> Iterator[Batch]:
        for part, group in by_part.items():
            if group and limits.get(part) != 0:
                batches = _read_files(options, group, contract, wanted, types)
                yield from limit_batches(batches, limits.get(part))

    return OpenedSource(
        columns=(*columns, *(name for name in constants if name not in columns)),
        read=read,
        reading=reading_of(options),
        parts=("train", "test") if first.part else (),
        has_open_rows=all(file.format == "jsonl" for file in files),
    )


def _list_columns(
    options: FileOptions, files: list[SourceFile], contract: tuple[str, ...]
) -> tuple[str, ...]:
    """Name the columns of the first file; of JSON lines, those of any file that are looked for."""
    columns = COLUMN_READERS[files[0].format](files[0].path, options, contract)
    for file in files[1:]:
        if file.format != "jsonl" or set(contract) <= {*columns, *dict(file.constants)}:
            break
        more = COLUMN_READERS[file.format](file.path, options, contract)
        columns = tuple(dict.fromkeys((*columns, *more)))
    return columns


def _open_archive(options: FileOptions, files: list[SourceFile], limit: int | None) -> OpenedSource:
    if len(files) > 1:
        raise SourceError(
            f"expected one .npz archive. Received: {len(files)} files. Name one of them in "
            "source.uri; an archive holds its own test rows (x_test, y_test)."
        )
    path = files[0].path
    columns, parts = list_array_columns(path, options)
    limits = _split_limit(limit, parts)

    def read(wanted: tuple[str, ...]) -> Iterator[Batch]:
        for part in parts or ("",):
            if limits.get(part) != 0:
                batches = read_array_batches(path, options, wanted, part)
                yield from limit_batches(batches, limits.get(part))

    return OpenedSource(
        columns=columns,
        read=read,
        reading=reading_of(options),
        parts=parts,
    )


def _split_limit(limit: int | None, parts: tuple[str, ...]) -> dict[str, int]:
    """Divide a row limit so that a source with given test rows still has some."""
    if limit is None:
        return {}
    if not parts:
        return {"": limit}
    test = limit // 5
    return {"train": limit - test, "test": test}


def _read_files(
    options: FileOptions,
    files: list[SourceFile],
    contract: tuple[str, ...],
    wanted: tuple[str, ...],
    types: Mapping[str, pa.DataType],
) -> Iterator[Batch]:
    of_csv = partial(read_csv_batches, types=types)
    for file in files:
        constants = dict(file.constants)
        columns = _columns_to_read(options, file, contract, wanted)
        own = tuple(name for name in wanted if name in columns)
        missing = [name for name in wanted if name not in columns and name not in constants]
        if missing:
            raise SchemaError(
                f"expected the same columns in every file. Received: {shorten(file.path.name)} "
                f"without {[shorten(name) for name in missing[:10]]}. Correct that file, or keep "
                "it out of source.uri."
            )
        check_names_differ(columns, file.path.name)
        read_batches = BATCH_READERS.get(file.format, of_csv)
        for batch in read_batches(file.path, options, contract, own):
            yield _add_constants(batch, wanted, constants)._replace(part=file.part)


def _columns_to_read(
    options: FileOptions, file: SourceFile, contract: tuple[str, ...], wanted: tuple[str, ...]
) -> tuple[str, ...]:
    """Name the columns of a file; an object of JSON lines may lack any that is wanted."""
    if file.format != "jsonl":
        return COLUMN_READERS[file.format](file.path, options, contract)
    first_keys = COLUMN_READERS[file.format](file.path, options, ())
    constants = dict(file.constants)
    return (*first_keys, *(one for one in wanted if one not in {*first_keys, *constants}))


def _add_constants(batch: Batch, wanted: tuple[str, ...], constants: dict[str, str]) -> Batch:
    rows = batch.rows
    # Naming all columns is dear where there are thousands: once, not for each.
    for name in {*wanted}.difference(rows.column_names):
        rows = rows.append_column(name, pa.repeat(constants[name], batch.rows.num_rows))
    return batch._replace(rows=rows.select(list(wanted)))


def digest_files(files: list[SourceFile]) -> str:
    """Digest the bytes of all files in order, with what their places say."""
    digests: list[str] = []
    for file, digest in zip(files, map_in_threads(_digest_file, files), strict=True):
        digests += [digest, file.part, *(f"{name}={value}" for name, value in file.constants)]
    plain = not any(file.part or file.constants for file in files)
    return digests[0] if len(files) == 1 and plain else digest_key(digests)


def _digest_file(file: SourceFile) -> str:
    try:
        with file.path.open("rb") as raw:
            return hashlib.file_digest(raw, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(
            f"expected a readable file. Received: {shorten(file.path.name)} "
            f"({error.strerror or error}). Check the file and its rights."
        ) from error
