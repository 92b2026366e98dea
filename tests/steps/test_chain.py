"""Several steps in a row: the same rows give the same model, and private values stay private."""

from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
import sqlalchemy as sa

from include.records import RunContext
from include.specs import PipelineSpec
from include.steps.evaluate import evaluate
from include.steps.ingest import ingest
from include.steps.prepare import prepare
from include.steps.report import report
from include.steps.runner import run_step
from include.steps.train import train
from include.steps.validate import validate
from include.tables.layout import open_root
from tests.builders import BASE_SPEC, make_frame, make_run, make_spec

pytestmark = pytest.mark.usefixtures("mlflow_server")
PLANTED = "Zaphod-Planted-7731"


def run_chain(spec: PipelineSpec, run: RunContext) -> dict:
    """Run the steps up to the report and give their records."""
    ingested = run_step(ingest, spec, run)
    validated = run_step(validate, spec, run, ingested)
    prepared = run_step(prepare, spec, run, validated)
    trained = run_step(train, spec, run, prepared)
    evaluated = run_step(evaluate, spec, run, prepared, trained)
    records = {
        "ingested": ingested,
        "validated": validated,
        "prepared": prepared,
        "trained": trained,
        "evaluated": evaluated,
    }
    run_step(report, spec, run, *records.values())
    return records


def write_csv(data_root: Path, frame: pd.DataFrame) -> dict:
    """Write rows as one CSV and give the source that reads it."""
    frame.to_csv(data_root / "sources" / "loans.csv", index=False)
    return {"kind": "file", "uri": "loans.csv"}


def write_parquet(data_root: Path, frame: pd.DataFrame) -> dict:
    """Write rows as a directory of fifty Parquet files and give the source that reads them."""
    parts = data_root / "sources" / "parts"
    parts.mkdir()
    size = len(frame) // 50
    for number in range(50):
        part = frame.iloc[number * size : (number + 1) * size]
        part.to_parquet(parts / f"part-{number:03d}.parquet", index=False)
    return {"kind": "file", "uri": "parts"}


@pytest.fixture
def table(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    """Give a function that puts rows into PostgreSQL and the source that reads them."""
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    name = f"gatehouse_chain_{uuid4().hex}"
    monkeypatch.setenv("AIRFLOW_CONN_CHAIN", postgres_url)

    def put(frame: pd.DataFrame) -> dict:
        plain = frame.assign(opened=frame["opened"].dt.tz_convert(None))
        plain.to_sql(name, engine, index_label="place")
        columns = ", ".join(f'"{column}"' for column in frame.columns)
        query = f"SELECT {columns} FROM {name} ORDER BY place"
        return {"kind": "sql", "connection": "chain", "query": query}

    yield put
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
    engine.dispose()


def outcome_of(source: dict, run_id: str) -> tuple:
    """Run the chain on a source and give what must not depend on where the rows came from."""
    records = run_chain(make_spec(source=source), make_run(run_id=run_id, force=True))
    metrics = records["evaluated"].test.metrics
    return records["ingested"].raw.key, records["prepared"].features.key, metrics


def test_csv_and_parquet_give_the_same_table_and_the_same_model(data_root):
    frame = make_frame(400).drop(columns="row_id")
    csv, parquet = write_csv(data_root, frame), write_parquet(data_root, frame)
    assert outcome_of(csv, "chain__csv") == outcome_of(parquet, "chain__parquet")


@pytest.mark.xdist_group("postgres")
def test_a_query_gives_the_same_table_and_the_same_model_as_a_csv(data_root, table):
    frame = make_frame(400).drop(columns="row_id")
    csv, query = write_csv(data_root, frame), table(frame)
    assert outcome_of(csv, "chain__csv") == outcome_of(query, "chain__sql")


def test_an_object_store_gives_the_same_tables_and_the_same_model(data_root, bucket, monkeypatch):
    text = make_frame(400).drop(columns="row_id").to_csv(index=False)
    (data_root / "sources" / "loans.csv").write_text(text)
    here = run_chain(make_spec(), make_run(run_id="chain__local"))

    monkeypatch.setenv("GATEHOUSE_DATA_ROOT", f"{bucket}/data")
    open_root(f"{bucket}/data/sources/loans.csv").write_bytes(text.encode())
    there = run_chain(make_spec(), make_run(run_id="chain__remote"))

    assert there["ingested"].raw.uri.startswith(bucket)
    assert there["prepared"].features.key == here["prepared"].features.key
    assert there["evaluated"].test.metrics == here["evaluated"].test.metrics


def test_a_planted_private_value_is_found_nowhere(
    data_root, mlflow_directory, monkeypatch, caplog, capfd
):
    monkeypatch.setenv("GATEHOUSE_HASH_KEY", "a key of the test")
    monkeypatch.setenv("GATEHOUSE_HOME", str(data_root.parent / "home"))
    frame = make_frame(200).drop(columns="row_id")
    for column in ("mail", "phone", "city"):
        frame[column] = [f"{PLANTED}-{number % 7}" for number in range(len(frame))]
    frame.loc[3, "age"] = 7
    # Outside the data root: the source itself is the user's.
    outside = data_root.parent / "theirs.csv"
    frame.to_csv(outside, index=False)
    with outside.open("a", encoding="utf-8") as file:
        file.write(f"half,a,line,{PLANTED}\n")
    columns = [
        *BASE_SPEC["columns"],
        {"name": "mail", "kind": "text", "private": "drop"},
        {"name": "phone", "kind": "text", "private": "mask"},
        {"name": "city", "kind": "category", "private": "hash"},
    ]
    columns[1] = {**columns[1], "quarantine": True}
    spec = make_spec(
        source={"kind": "file", "uri": str(outside)}, columns=columns, quarantine_limit=0.1
    )
    caplog.set_level("DEBUG")
    records = run_chain(spec, make_run(run_id="private"))
    assert records["validated"].quarantined == 2
    planted = PLANTED.encode()
    roots = (data_root, data_root.parent / "home", mlflow_directory)
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if planted in path.read_bytes()] == []
    told = capfd.readouterr()
    assert PLANTED not in caplog.text + told.out + told.err
