"""A table's Parquet files as files of this machine, for libraries that read nothing else."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from include.records import TableRef
from include.tables.layout import is_local, open_root
from include.tables.readers import parquet_files


@contextmanager
def open_local_files(ref: TableRef, part: str = "") -> Iterator[list[str]]:
    """Give the paths of a table's Parquet files; from an object store they are fetched first.

    Args:
        ref: The table.
        part: One part; all of them unless given.
    """
    places = [open_root(place) for place in parquet_files(ref, part)]
    if all(is_local(place) for place in places):
        yield [str(place) for place in places]
        return
    with TemporaryDirectory(prefix="gatehouse-files-") as directory:
        copies = [Path(directory) / place.name for place in places]
        for place, copy in zip(places, copies, strict=True):
            with place.open("rb") as remote, copy.open("wb") as local:
                shutil.copyfileobj(remote, local, 4 * 1024**2)
        yield [str(copy) for copy in copies]
