"""Housekeeping on real files and a real MLflow server: what goes, and what must stay."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from upath import UPath

from include.errors import InfrastructureError
from include.records import RunContext
from include.settings import Settings, load_settings
from include.steps.maintain import clean, close_left_runs, find_late_runs
from include.steps.maintain.leftovers import LOG_BYTES, find_leftover_files
from include.steps.maintain.retention import find_old
from include.steps.maintain.waste import measure
from include.tables.run_files import RunFiles
from include.tables.store import TableStore, digest_key
from include.tracking.connection import connect
from include.tracking.retention import measure_wholly
from include.tracking.runs import end_run, open_child_run, open_run

DAYS = 24 * 3600


@pytest.fixture
def settings(mlflow_server, tmp_path, monkeypatch, request) -> Settings:
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GATEHOUSE_INSTALLATION", f"{request.node.name}-{time.time_ns()}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return load_settings()


def make_old(*paths: Path, days: float = 100) -> None:
    for top in paths:
        for path in (*top.rglob("*"), top):
            os.utime(path, (time.time() - days * DAYS,) * 2)


def context(settings: Settings, number: int, dag: str = "train") -> RunContext:
    run_id = f"{settings.installation}-{number}"
    return RunContext(pipeline="loans", dag_id=f"{dag}__loans", run_id=run_id)


def key_of(settings: Settings, text: str) -> str:
    """Give a key that no other test's tables have: all share one MLflow server."""
    return digest_key(settings.installation, text)


def write_table(settings: Settings, kind: str, key: str, **made_from: str):
    store = TableStore(settings.data)
    with store.write(kind, "loans", key, made_from=made_from) as writer:
        writer.append(pd.DataFrame({"x": [1, 2, 3]}))
    return writer.ref


def train(settings: Settings, number: int):
    """Write what a training leaves: tables, files, an MLflow run with an artifact."""
    run = context(settings, number)
    raw = write_table(settings, "raw", key_of(settings, f"raw {number}"))
    key = key_of(settings, f"checked {number}")
    checked = write_table(settings, "checked", key, raw=raw.uri)
    key = key_of(settings, f"features {number}")
    features = write_table(settings, "features", key, checked=checked.uri)
    files = RunFiles(settings.data, run)
    files.write_bytes("model.keras", b"weights")
    log = open_run(settings, run)
    log.log_table(raw, "raw", "raw")
    log.log_table(features, "features", "training")
    log.log_text("page", "report.html")
    end_run(settings, run, "FINISHED")
    places = [Path(each.uri) for each in (raw, checked, features)]
    return log, [*places, Path(files.directory)]


def test_a_run_that_takes_too_long_is_late_unless_it_waits_for_a_person(settings):
    open_run(settings, context(settings, 1))
    asking = open_run(settings, context(settings, 2, "score"))
    asking.rename("waits", "mae", 0.1)
    now = datetime.now(UTC) + timedelta(hours=3)
    found = list(find_late_runs(settings, lambda name: 2.0, now))
    assert [(run.dag_id, round(hours)) for run, hours in found] == [("train__loans", 3)]
    assert list(find_late_runs(settings, lambda name: 4.0, now)) == []


def status(log) -> str:
    return log.client.get_run(log.run_id).info.status


def stage(log) -> str:
    return log.client.get_run(log.run_id).info.lifecycle_stage


def test_a_run_left_open_by_a_dag_run_that_ended_is_closed_with_a_reason(settings):
    dead, alive = (open_run(settings, context(settings, 1, dag)) for dag in ("train", "explore"))
    child = open_child_run(settings, dead, "share 5 %")
    states = {"train__loans": "failed", "explore__loans": "running"}

    assert close_left_runs(settings, lambda dag_id, _: states[dag_id]) == 1

    assert (status(dead), status(child), status(alive)) == ("KILLED", "KILLED", "RUNNING")
    assert "its DAG run is failed" in dead.client.get_run(dead.run_id).data.tags["gatehouse.reason"]


def test_a_run_of_another_installation_is_not_touched(settings):
    theirs = settings.model_copy(update={"installation": "theirs"})
    log = open_run(theirs, context(settings, 1))
    assert close_left_runs(settings, lambda *_: "gone") == 0
    assert status(log) == "RUNNING"


def test_what_dead_processes_left_goes_and_what_the_living_write_stays(settings, tmp_path):
    ref = write_table(settings, "raw", key_of(settings, "1"))
    parent = Path(ref.uri).parent
    left = parent / ".tmp-elsewhere-1-1-abcd"
    checkpoint = Path(RunFiles(settings.data, context(settings, 1)).directory) / "checkpoint.npz"
    fresh = checkpoint.parent.parent / "other-run" / "checkpoint.npz"
    scratch, home = tmp_path / "gatehouse-duckdb-abcd_123", tmp_path / "gatehouse-home"
    written = (left / "rows-00000.parquet", checkpoint, fresh, scratch / "spill", home / "mine")
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    make_old(left, checkpoint, scratch, home, days=2)

    seen = clean(settings, with_old=False, dry_run=True)
    assert left.exists()
    done = clean(settings, with_old=False)

    assert done.removed == seen.removed == {"scratch": 1, "temporary": 1, "checkpoint": 1}
    assert done.size_bytes == seen.size_bytes == 15
    assert not any(path.exists() for path in (left, checkpoint, scratch))
    assert fresh.exists()
    assert home.exists()
    assert TableStore(settings.data).find("raw", "loans", Path(ref.uri).name)


def test_the_log_of_a_service_keeps_its_end_while_the_service_writes_on(settings):
    log = settings.home / "logs" / "dag-processor.log"
    log.parent.mkdir(parents=True)
    with log.open("ab", buffering=0) as service:
        service.write(b"a line of forty bytes that says nothing\n" * (LOG_BYTES // 40 + 1_000))
        seen = clean(settings, with_old=False, dry_run=True)
        assert log.stat().st_size == LOG_BYTES + 40_000
        done = clean(settings, with_old=False)
        service.write(b"and on\n")
    assert seen.removed == done.removed == {"log of a service": 1}
    assert seen.size_bytes == 40_000
    assert log.stat().st_size <= LOG_BYTES + 7
    lines = log.read_bytes().splitlines()
    assert lines[0].startswith(b"a line")
    assert lines[-1] == b"and on"


def test_the_latest_runs_stay_and_the_others_go_with_all_that_only_they_need(settings):
    settings = settings.model_copy(update={"keep_runs": 1})
    old, old_places = train(settings, 1)
    new, new_places = train(settings, 2)
    make_old(*old_places, *new_places, days=2)
    model = old.client.create_logged_model(old.experiment_id, "m", source_run_id=old.run_id)
    (settings.home / "weights").write_bytes(b"7" * 77_777)
    old.client.log_model_artifact(model.model_id, str(settings.home / "weights"))

    seen = clean(settings, with_old=True, dry_run=True)
    assert all(path.exists() for path in old_places)
    done = clean(settings, with_old=True)

    assert seen.removed == done.removed == {"table": 3, "run files": 1, "MLflow run": 1}
    assert seen.size_bytes == done.size_bytes > 77_777
    assert not any(path.exists() for path in old_places)
    assert all(path.exists() for path in new_places)
    assert (stage(old), stage(new)) == ("deleted", "active")
    assert old.client.list_artifacts(old.run_id) == []
    assert clean(settings, with_old=True).removed == {}


def test_what_an_aliased_version_was_made_from_stays_whatever_its_age(settings):
    settings = settings.model_copy(update={"keep_runs": 1, "keep_days": 0})
    champion, places = train(settings, 1)
    gone, gone_places = train(settings, 2)
    make_old(*places, *gone_places)
    name = f"loans_{settings.installation}"
    client = connect(settings)
    client.create_registered_model(name)
    for log in (champion, gone):
        logged = client.create_logged_model(log.experiment_id, "model", source_run_id=log.run_id)
        client.create_model_version(
            name, logged.artifact_location, log.run_id, model_id=logged.model_id
        )
    client.set_registered_model_alias(name, "previous", "1")

    clean(settings, with_old=True)
    clean(settings.model_copy(update={"installation": "made anew"}), with_old=True)

    assert stage(champion) == "active"
    assert all(path.exists() for path in places)
    assert client.list_artifacts(champion.run_id)
    assert stage(gone) == "deleted"
    left = client.search_model_versions(f"name = '{name}'")
    assert [str(each.version) for each in left] == ["1"]


def test_a_table_in_use_stays_though_the_run_that_made_it_goes(settings):
    settings = settings.model_copy(update={"keep_days": 0})
    log, places = train(settings, 1)
    make_old(*places, days=2)
    assert TableStore(settings.data).find("features", "loans", places[2].name)

    settings = settings.model_copy(update={"keep_days": 1})
    clean(settings.model_copy(update={"keep_runs": 0}), with_old=True)

    assert stage(log) == "deleted"
    assert [path.exists() for path in places] == [False, False, True, False]


def test_old_downloads_logs_and_releases_go(settings, tmp_path):
    logs = tmp_path / "logs"
    unused, used = settings.home / "releases" / "a", settings.home / "releases" / "b"
    for release in (unused, used):
        release.mkdir(parents=True)
        (release / "Makefile").write_bytes(b"1")
    data = Path(settings.data)
    old = [data / "downloads" / "a" / "body.csv", data / "notices" / "a.json", logs / "x" / "1.log"]
    new = logs / "x" / "2.log"
    for path in (*old, new):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")
    make_old(*old, unused, used / "Makefile")
    done = clean(settings, with_old=True, logs=str(logs))
    assert done.removed == {"download": 1, "notice": 1, "log": 1, "release": 1}
    assert new.exists()
    assert used.exists()
    assert not unused.exists()
    assert not any(path.exists() for path in old)


def test_in_an_object_store_the_same_goes_and_the_same_stays(settings, bucket):
    settings = settings.model_copy(update={"data_root": bucket, "keep_days": 1})
    kept, gone = context(settings, 1), context(settings, 2)
    tables = [write_table(settings, "raw", key_of(settings, f"{n}")) for n in (1, 2)]
    for run, table in zip((kept, gone), tables, strict=True):
        RunFiles(settings.data, run).write_bytes("model.keras", b"weights")
        log = open_run(settings, run)
        log.log_table(table, "raw", "raw")
    end_run(settings, gone, "FINISHED")
    notice = UPath(bucket) / "notices" / "loans" / "a.json"
    notice.write_bytes(b"1")
    later = datetime.now(UTC) + timedelta(days=3)
    assert list(find_leftover_files(settings, later)) == []
    found = list(find_old(settings, later, ""))
    assert [each.kind for each in found] == ["table", "run files", "notice", "MLflow run"]
    for each in found:
        each.remove()
    left = {each.name for each in UPath(bucket).rglob("*") if each.is_file()}
    assert left == {"_manifest.json", "rows-00000.parquet", "model.keras"}
    assert TableStore(settings.data).find("raw", "loans", tables[0].key)
    assert list(find_old(settings, later, "")) == []


def test_what_cannot_be_removed_is_told_and_keeps_nothing_else(settings, tmp_path):
    place = Path(write_table(settings, "raw", key_of(settings, "1")).uri)
    elsewhere = place.rename(tmp_path / "elsewhere")
    place.symlink_to(elsewhere)
    other = Path(write_table(settings, "raw", key_of(settings, "2")).uri)
    make_old(elsewhere, other)
    with pytest.raises(InfrastructureError, match=f"1 that are not, such as {place}"):
        clean(settings, with_old=True)
    assert not other.exists()


def measure_all(settings: Settings, logs) -> int:
    """Add up what lies in the data root, and the files of the runs that MLflow shows."""
    artifacts = sum(
        measure_wholly(settings, log.client, log.client.get_run(log.run_id))
        for log in logs
        if stage(log) == "active"
    )
    return measure(Path(settings.data)) + artifacts


@pytest.mark.slow
def test_a_stack_that_trains_all_month_stays_within_its_bound(settings):
    """A sixtieth of a training every ten minutes that keeps 200 runs; the bound is as large."""
    a_day, days = 144 // 60 + 1, 30
    settings = settings.model_copy(update={"keep_runs": 200 // 60})
    champion, places = train(settings, 0)
    of_one = measure_all(settings, [champion])
    name, client = f"month_{settings.installation}", connect(settings)
    client.create_registered_model(name)
    logged = client.create_logged_model(champion.experiment_id, "m", source_run_id=champion.run_id)
    client.create_model_version(
        name, logged.artifact_location, champion.run_id, model_id=logged.model_id
    )
    client.set_registered_model_alias(name, "champion", "1")
    # Those that are kept, those of a day till the night, those of the day whose tables stay, and
    # the champion's.
    bound = (settings.keep_runs + 2 * a_day + 1) * of_one * 1.05
    logs, peaks = [champion], []
    for day in range(days):
        logs += [train(settings, 1 + day * a_day + number)[0] for number in range(a_day)]
        peaks.append(measure_all(settings, logs))
        for path in Path(settings.data).rglob("*"):
            os.utime(path, (path.stat().st_mtime - DAYS - 60,) * 2)
        clean(settings, with_old=True)
    assert max(peaks) <= bound
    assert max(peaks[-5:]) <= max(peaks[:10])
    assert sum(stage(log) == "active" for log in logs) == settings.keep_runs + 1
    assert stage(champion) == "active"
    assert all(path.exists() for path in places)
