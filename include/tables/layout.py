"""Ids and places of tables: the one home of the grammar `tables/<kind>/<pipeline>/<key>`.

A table's directory holds Parquet files named `<part>-<number>.parquet`, the files its step added,
and `_manifest.json`, without which there is no table. Sources that were already read leave a
pointer under `tables/raw/<pipeline>/_sources/`.
"""

import hashlib
import re
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from upath import UPath

TableKind = Literal["raw", "checked", "quarantine", "features", "references", "predictions"]
TABLE_KINDS: Final = get_args(TableKind)
MANIFEST: Final = "_manifest.json"
WHOLE: Final = "rows"
KEY_PATTERN: Final = re.compile(r"^[0-9a-z]{8,64}$")
NAME_PATTERN: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")


class TableId(NamedTuple):
    """What a table is called."""

    kind: str
    pipeline: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.pipeline}/{self.key[:12]}…"


def open_root(root: str) -> UPath:
    """Return the path of a data root, local or in an object store.

    Example:
        >>> open_root("file:///tmp/data").as_posix()
        '/tmp/data'
    """
    return UPath(root.removeprefix("file://"))


def is_local(path: UPath) -> bool:
    """Tell whether a path lies on a disk of this machine."""
    return isinstance(path, Path)


def check_id(kind: str, pipeline: str, key: str | None) -> None:
    """Refuse ids that would lead outside the tables.

    Raises:
        ValueError: A part is not of the form that tables have.
    """
    if kind not in TABLE_KINDS:
        raise ValueError(f"kind must be one of {list(TABLE_KINDS)}. Received: kind={kind!r}")
    if not NAME_PATTERN.match(pipeline):
        raise ValueError(f"pipeline must be a plain name. Received: pipeline={pipeline!r}")
    if key is not None and not KEY_PATTERN.match(key):
        raise ValueError(f"key must be 8 to 64 of 0-9 a-z. Received: key={key!r}")


def pipeline_path(root: UPath, kind: str, pipeline: str) -> UPath:
    """Return the directory of all tables of one kind and pipeline."""
    return root / "tables" / kind / pipeline


def table_path(root: UPath, table: TableId) -> UPath:
    """Return the directory of a table."""
    return pipeline_path(root, table.kind, table.pipeline) / table.key


def pointer_path(root: UPath, pipeline: str, fingerprint: str) -> UPath:
    """Return where it is noted which raw table a source became."""
    return pipeline_path(root, "raw", pipeline) / "_sources" / f"{fingerprint}.json"


def data_file_name(part: str, number: int) -> str:
    """Name the Parquet files of a part so that name order is row order.

    Example:
        >>> data_file_name("train", 3)
        'train-00003.parquet'
    """
    return f"{part or WHOLE}-{number:05d}.parquet"


def check_file_name(name: str) -> None:
    """Refuse names of added files or parts that are not plain names.

    Raises:
        ValueError: The name has separators, starts with a dot, or is too long.
    """
    if not NAME_PATTERN.match(name):
        raise ValueError(f"a file or part needs a plain name. Received: {name[:120]!r}")


def slug(text: str) -> str:
    """Write any text as the name of a directory, readable and unlike that of any other text.

    Example:
        >>> slug("manual__2026-01-01T00:00:00+00:00")
        'manual__2026-01-01T00-00-00-00-00-1e8dc70c'
    """
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip(".-")[:80]
    return f"{readable or 'run'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
