"""Several steps in a row: the same rows give the same model, and private values stay private."""

from pathlib import Path

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
from tests.tables.test_sql import POSTGRES, is_postgres_up

pytestmark = pytest.mark.usefixtures("mlflow_server")
PLANTED = "Zaphod-Planted-7731"


def run_chain(spec: PipelineSpec, run: RunContext) -> dict:
    """Run the steps up to the report and give their records by the names `report` uses."""
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
    run_step(report, spec, run, **records)
    return records


def write_sources(data_root: Path, frame: pd.DataFrame) -> dict[str, dict]:
    """Write the same rows as one CSV and as a directory of fifty Parquet files."""
    frame.to_csv(data_root / "sources" / "loans.csv", index=False)
    parts = data_root / "sources" / "parts"
    parts.mkdir()
    size = len(frame) // 50
    for number in range(50):
        part = frame.iloc[number * size : (number + 1) * size]
        part.to_parquet(parts / f"part-{number:03d}.parquet", index=False)
    return {
        "csv": {"kind": "file", "uri": "loans.csv"},
        "parquet": {"kind": "file", "uri": "parts"},
    }


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch):
    """Give a function that puts rows into PostgreSQL and the source that reads them."""
    if not is_postgres_up():
        pytest.skip("no PostgreSQL at 127.0.0.1:5432")
    engine = sa.create_engine(POSTGRES, poolclass=sa.NullPool)
    name = "gatehouse_chain"
    monkeypatch.setenv("AIRFLOW_CONN_CHAIN", POSTGRES)

    def put(frame: pd.DataFrame) -> dict:
        plain = frame.assign(opened=frame["opened"].dt.tz_convert(None))
        plain.to_sql(name, engine, index_label="place", if_exists="replace")
        columns = ", ".join(f'"{column}"' for column in frame.columns)
        query = f"SELECT {columns} FROM {name} ORDER BY place"
        return {"kind": "sql", "connection": "chain", "query": query}

    yield put
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
    engine.dispose()


def test_csv_parquet_and_postgres_give_the_same_table_and_the_same_model(data_root, table):
    frame = make_frame(400).drop(columns="row_id")
    sources = {**write_sources(data_root, frame), "sql": table(frame)}
    seen = {}
    for name, source in sources.items():
        run = make_run(run_id=f"chain__{name}", force=True)
        records = run_chain(make_spec(source=source), run)
        metrics = records["evaluated"].test.metrics
        seen[name] = (records["ingested"].raw.key, records["prepared"].features.key, metrics)
    assert seen["csv"] == seen["parquet"] == seen["sql"]


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
