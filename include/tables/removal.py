"""Removing what was stored for a while only, such as the tables of a probe."""

import contextlib
import shutil
from pathlib import Path

from upath import UPath

from include.records import RunContext
from include.tables.layout import TABLE_KINDS, check_id, is_local, open_root, pipeline_path
from include.tables.run_files import RunFiles


def remove_tables(root: str, pipeline: str) -> None:
    """Remove all tables of a pipeline, and the pointers to them.

    Args:
        root: The data root.
        pipeline: Name of the pipeline; one without tables is no error.
    """
    for kind in TABLE_KINDS:
        check_id(kind, pipeline, None)
        _remove(pipeline_path(open_root(root), kind, pipeline))


def remove_run(root: str, run: RunContext) -> None:
    """Remove the files of a run, and the directory of its pipeline's runs if it was the last."""
    directory = UPath(RunFiles(root, run).directory)
    _remove(directory)
    if is_local(directory):
        with contextlib.suppress(OSError):
            Path(str(directory.parent)).rmdir()


def _remove(directory: UPath) -> None:
    if not directory.exists():
        return
    if is_local(directory):
        shutil.rmtree(str(directory), ignore_errors=True)
    else:
        directory.fs.rm(directory.path, recursive=True)
