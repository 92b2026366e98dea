"""Builders for tests of sources: a data root, and a spec's snapshot in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from include.records import IngestRecord
from include.settings import Settings
from include.sources.snapshot import take_snapshot
from include.specs import PipelineSpec
from include.steps.ingest import build_reading_plan
from include.tables.store import TableStore

COLUMNS: list[dict[str, Any]] = [
    {"name": "n", "kind": "integer"},
    {"name": "x", "kind": "number"},
    {"name": "c", "kind": "category"},
]


def make_source_spec(source: dict[str, Any], **changes: Any) -> PipelineSpec:
    """Build a spec that reads a source; three columns n, x and c unless told."""
    values = {
        "name": "demo",
        "source": source,
        "target": {"column": "c", "task": "classification"},
        "columns": COLUMNS,
        **changes,
    }
    return PipelineSpec.model_validate(values)


def snapshot(
    root: Path,
    source: dict[str, Any],
    *,
    force: bool = False,
    connect: Callable[[str], str] = str,
    hash_key: str = "",
    **changes: Any,
) -> IngestRecord:
    """Take the snapshot of a source below a data root."""
    spec = make_source_spec(source, **changes)
    settings = Settings(data_root=str(root), hash_key=hash_key)  # type: ignore[arg-type]
    plan = build_reading_plan(spec, settings, connect)
    return take_snapshot(TableStore(settings.data), spec.name, spec.source, plan, force=force)


def put(root: Path, name: str, content: str | bytes) -> Path:
    """Write a file into the sources of a data root."""
    path = root / "sources" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
