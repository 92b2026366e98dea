"""Where a pipeline's rows come from: the `source` part of a spec."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from include.specs.base import SpecModel

# Signed addresses are long.
MAX_URI_LENGTH: Final = 4000
FileFormat = Literal["auto", "csv", "jsonl", "parquet", "npz"]
DEFAULT_MISSING: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


class FileOptions(SpecModel):
    """How the bytes of a file become rows; shared by `file` and `http` sources."""

    format: FileFormat = Field(
        default="auto",
        description="File format; `auto` goes by the ending (.csv .tsv .jsonl .parquet .npz, .gz).",
    )
    header: bool = Field(
        default=True,
        description="Whether the first line names the columns. Without one, the columns are those "
        "of the spec, in its order.",
    )
    separator: str | None = Field(
        default=None,
        min_length=1,
        max_length=4,
        description="Field separator of a CSV file; a comma, or a tab for .tsv, unless given.",
    )
    quote: str = Field(default='"', max_length=1, description="Quote character; empty for none.")
    encoding: str = Field(
        default="utf-8",
        description="Text encoding by its Python name. A byte order mark is accepted.",
    )
    missing: tuple[str, ...] = Field(
        default=DEFAULT_MISSING,
        description="Texts that mean a missing value, compared after trimming; a number among them "
        "means it however it is written.",
    )
    trim: bool = Field(default=True, description="Strip blanks around every text value.")
    strip_suffix: str | None = Field(
        default=None,
        description="A suffix to strip from category values, such as the full stop after the "
        "labels of UCI Adult's test file.",
    )
    keys: dict[str, str] = Field(
        default_factory=dict,
        description="For .npz: column name -> array name stem, e.g. {image: x, label: y} reads "
        "x_train, y_train, x_test and y_test, or x and y where there are no parts.",
    )


class BuiltinSource(SpecModel):
    """A data set that an installed library carries: no network, no files."""

    kind: Literal["builtin"] = Field(description="A data set inside an installed library.")
    dataset: Literal["digits", "wine", "breast_cancer", "iris", "diabetes"] = Field(
        description="Name of the scikit-learn data set."
    )


class FileSource(FileOptions):
    """One file, a glob or a directory of files, local or in an object store."""

    kind: Literal["file"] = Field(description="A file, glob or directory.")
    uri: str = Field(
        min_length=1,
        max_length=MAX_URI_LENGTH,
        description="Path or URI (s3://…); relative paths start at the sources directory of the "
        "data root. A glob or a directory stands for all its files in name order. `{date}`, "
        "`{year}`, `{month}` and `{day}` stand for the day of the run: its logical date in the "
        "time zone of the schedule, so that a backfill reads the rows of that day.",
    )
    test_uri: str | None = Field(
        default=None,
        description="A second file that holds the test rows; relative paths start beside `uri`.",
    )


class HttpSource(FileOptions):
    """A file behind an http(s) address."""

    kind: Literal["http"] = Field(description="A file behind an http or https address.")
    uri: str = Field(
        pattern=r"^https?://",
        max_length=MAX_URI_LENGTH,
        description="Address of the file; it may name the day of the run, as that of a file may.",
    )
    timeout_seconds: float = Field(default=60, gt=0, description="Seconds without a byte.")
    max_bytes: int = Field(
        default=5 * 1024**3, gt=0, description="Largest body accepted, in bytes."
    )


class SqlSource(SpecModel):
    """The result of a query against a database, streamed in batches."""

    kind: Literal["sql"] = Field(description="A query against a database.")
    connection: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="Id of an Airflow connection; its secret stays in Airflow.",
    )
    query: str = Field(
        min_length=1,
        description="A SELECT statement; add ORDER BY for a stable row order. It may name the day "
        "of the run, as a file's `uri` may: `WHERE day <= '{date}'`.",
    )
    fingerprint: str | None = Field(
        default=None,
        min_length=1,
        description="A cheap SELECT of one row that changes whenever the rows of `query` do, such "
        "as `SELECT count(*), max(updated_at) FROM orders`: while it does not, the query is not "
        "read again. Without one it always is.",
    )
    batch_rows: int = Field(default=50_000, gt=0, description="Rows fetched at a time.")
    missing: tuple[str, ...] = Field(
        default=("",),
        description="Texts that mean a missing value beside NULL, compared after trimming.",
    )


class UnionSource(SpecModel):
    """Several sources of the same columns, stacked; callers of the model write like the first."""

    kind: Literal["union"] = Field(description="Sources stacked one after the other.")
    sources: tuple["Source", ...] = Field(min_length=2, description="The sources, in order.")


class JoinSource(SpecModel):
    """Several sources joined by key to the first one, as which callers of the model write."""

    kind: Literal["join"] = Field(description="Sources joined by key to the first.")
    sources: tuple["Source", ...] = Field(
        min_length=2, description="The first is kept row by row; the others add columns."
    )
    on: tuple[str, ...] = Field(min_length=1, description="Key columns, present in all sources.")
    how: Literal["left", "inner"] = Field(
        default="left", description="Whether rows without a partner stay (left) or go (inner)."
    )

    @model_validator(mode="after")
    def check_leaves(self) -> "JoinSource":
        """Refuse a join of joins, whose row counts nobody could follow."""
        if any(source.kind in {"join", "union"} for source in self.sources):
            raise ValueError("a join takes plain sources (builtin, file, http, sql)")
        return self


Source = Annotated[
    BuiltinSource | FileSource | HttpSource | SqlSource | UnionSource | JoinSource,
    Field(discriminator="kind"),
]
UnionSource.model_rebuild()
JoinSource.model_rebuild()
