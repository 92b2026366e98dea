"""Predictions as files: one for each input and version, written whole or not at all."""

from collections.abc import Iterator, Sequence
from typing import IO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from include.records import TableRef
from include.serving.batch import VERSION
from include.tables.layout import open_root, slug
from include.tables.run_files import replace_file
from include.tables.store import iter_batches

# What a spreadsheet takes for a formula, and what only looks like one.
FORMULA: Final = r"^[=+\-@\t\r]"
PLAIN_NUMBER: Final = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"


def export_file(
    tables: Sequence[TableRef],
    *,
    directory: str,
    name: str,
    version: str,
    file_format: str,
    formulas: bool = False,
) -> str:
    """Write the predictions of an input to its file below `model_version=<n>/`.

    Args:
        tables: The predictions, in the order of the rows.
        directory: Directory or URI.
        name: Name of the input, which names the file.
        version: Version of the model.
        file_format: parquet or csv.
        formulas: CSV: leave texts as they are that a spreadsheet takes for formulas.

    Returns:
        Where the file lies.
    """
    place = open_root(directory) / f"{VERSION}={version}" / f"{slug(name)}.{file_format}"
    batches = (rows for table in tables for rows in iter_batches(table))
    with replace_file(place) as file:
        if file_format == "csv":
            write_csv(file, batches, formulas=formulas)
        else:
            # The directory's name says the version; in the file, too, it would be said twice.
            write_parquet(file, (rows.drop_columns([VERSION]) for rows in batches))
    return str(place)


def write_csv(file: IO[bytes], batches: Iterator[pa.Table], *, formulas: bool) -> None:
    """Write tables as CSV with a header."""
    writer: pa_csv.CSVWriter | None = None
    for rows in batches:
        safe = rows if formulas else disarm(rows)
        if writer is None:
            writer = pa_csv.CSVWriter(file, safe.schema)
        writer.write_table(safe)
    if writer is not None:
        writer.close()


def disarm(rows: pa.Table) -> pa.Table:
    """Put an apostrophe before texts that a spreadsheet would run as formulas.

    Numbers written as text, such as a class `-1`, stay as they are.
    """
    for place, field in enumerate(rows.schema):
        # Texts that were not at rest yet are large ones.
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            texts = rows.column(place).cast(pa.string())
            is_formula = pc.match_substring_regex(texts, FORMULA)
            is_number = pc.match_substring_regex(texts, PLAIN_NUMBER)
            quoted = pc.binary_join_element_wise("'", texts, "")
            is_armed = pc.and_not(is_formula, is_number)
            rows = rows.set_column(place, field.name, pc.if_else(is_armed, quoted, texts))
    return rows


def write_parquet(file: IO[bytes], batches: Iterator[pa.Table]) -> None:
    """Write tables as Parquet."""
    writer: pq.ParquetWriter | None = None
    for rows in batches:
        writer = writer or pq.ParquetWriter(file, rows.schema)
        writer.write_table(rows)
    if writer is not None:
        writer.close()
