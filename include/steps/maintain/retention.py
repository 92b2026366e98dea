"""What is older, or more, than is kept: runs with all that only they need, tables, downloads, logs.

Runs decide. What a kept run was made from stays whatever its age: its tables and those that they
were made from, and its files. So a champion can be made again as long as an alias names it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from upath import UPath

from include.records import ScoredInput
from include.settings import Settings
from include.steps.maintain.waste import Waste, last_change, waste_of
from include.tables.layout import MANIFEST, open_root
from include.tables.leftovers import FOREIGN_SECONDS
from include.tables.publishing import load_manifest
from include.tables.run_files import RunFiles
from include.tracking.connection import connect
from include.tracking.retention import describe_dag_run, measure_wholly, remove_wholly, sort_runs

if TYPE_CHECKING:
    from mlflow.entities import Run

KEY: Final = re.compile(r"[0-9a-z]{8,64}")


def find_old(settings: Settings, now: datetime, logs: str) -> Iterator[Waste]:
    """Find what may go by its age, or because there is too much of it.

    Runs come last: who is interrupted finds again what belongs to them.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    client = connect(settings)
    runs = sort_runs(settings, client, now)
    root, oldest = open_root(settings.data), (now - timedelta(days=settings.keep_days)).timestamp()
    used_lately = now.timestamp() - FOREIGN_SECONDS
    manifests = {path.parent.name: path.parent for path in root.glob(f"tables/*/*/*/{MANIFEST}")}
    scored = {key for each in _receipts_since(root, oldest) for key in _tables_of(each)}
    kept = _with_origins(_inputs(runs.kept) | scored, manifests)
    gone = _with_origins(_inputs(runs.gone), manifests) - kept
    for path in root.glob(f"tables/*/*/*/{MANIFEST}"):
        bound = used_lately if path.parent.name in gone else oldest
        if path.parent.name not in kept and last_change(path) < bound:
            yield waste_of("table", path.parent)
    stays = {_directory(settings, run) for run in runs.kept}
    goes = {_directory(settings, run) for run in runs.gone} - stays
    for path in root.glob("runs/*/*"):
        if str(path) in goes or (str(path) not in stays and last_change(path) < oldest):
            yield waste_of("run files", path)
    places = {
        "download": root / "downloads",
        "notice": root / "notices",
        # Fetched again when somebody asks for that version.
        "copy of a model": UPath(settings.home / "models"),
    }
    for kind, place in (places | ({"log": UPath(logs)} if logs else {})).items():
        yield from (waste_of(kind, path) for path in _old_files(place, oldest))
    releases = (settings.home / "releases").glob("*")
    yield from (waste_of("release", each) for each in releases if last_change(each) < oldest)
    for run in runs.gone:
        size = measure_wholly(settings, client, run)
        name = f"{run.info.run_name} ({run.info.run_id})"
        yield Waste("MLflow run", name, size, partial(remove_wholly, settings, client, run))


def _inputs(runs: Iterable["Run"]) -> set[str]:
    """Give the keys of the tables that runs read, which MLflow knows as their data sets."""
    sets = (each.dataset for run in runs for each in run.inputs.dataset_inputs)
    return {json.loads(each.source)["uri"].rstrip("/").rpartition("/")[2] for each in sets}


def _with_origins(keys: set[str], places: dict[str, UPath]) -> set[str]:
    """Add the tables that tables were made from, as their manifests say."""
    found, to_read = set(keys), list(keys)
    while to_read:
        place = places.get(to_read.pop())
        manifest = load_manifest(place) if place is not None else None
        origins = KEY.findall(json.dumps((manifest or {}).get("made_from")))
        new = places.keys() & set(origins) - found
        found |= new
        to_read.extend(new)
    return found


def _receipts_since(root: UPath, oldest: float) -> Iterator[ScoredInput]:
    for path in root.glob("scored/*/*/*.json"):
        if last_change(path) >= oldest:
            yield ScoredInput.model_validate_json(path.read_bytes())


def _tables_of(scored: ScoredInput) -> set[str]:
    tables = (*scored.predictions, *(scored.shadow.predictions if scored.shadow else ()))
    return {scored.table.key, *(each.key for each in tables)}


def _directory(settings: Settings, run: "Run") -> str:
    return RunFiles(settings.data, describe_dag_run(run)).directory


def _old_files(directory: UPath, oldest: float) -> Iterator[UPath]:
    if directory.exists():
        for path in directory.rglob("*"):
            if path.is_file() and not Path(str(path)).is_symlink() and last_change(path) < oldest:
                yield path
