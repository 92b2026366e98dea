import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from mlflow import MlflowClient

from include.errors import DataError, LeakageError
from include.features.preprocessor import Preprocessor
from include.records import FeatureSchema, PrepareRecord, TableRef, ValidateRecord
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.prepare import prepare
from include.tables.store import TableStore, read_file, read_frame, read_table
from include.tracking.runs import open_run
from tests.builders import make_frame, make_run, make_spec

pytestmark = pytest.mark.usefixtures("mlflow_server", "data_root")


def write_checked(frame: pd.DataFrame) -> ValidateRecord:
    store = TableStore(load_settings().data)
    with store.write("checked", "loans", None, made_from={}) as writer:
        for start in range(0, len(frame), 100):
            writer.append(frame.iloc[start : start + 100])
    return ValidateRecord(checked=writer.ref, report_uri="", rules=0, warnings=0, quarantined=0)


def list_tables() -> list[Path]:
    return sorted(Path(load_settings().data).glob("tables/features/loans/*"))


@pytest.fixture
def checked() -> ValidateRecord:
    return write_checked(make_frame(400))


def read_part(features: TableRef, part: str) -> dict[str, np.ndarray]:
    table = read_table(features, part=part)
    return {
        name: table[name].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
        if pa.types.is_nested(table[name].type)
        else table[name].to_numpy()
        for name in table.column_names
    }


def test_it_writes_arrays_of_every_part_and_what_they_were_made_with(
    checked: ValidateRecord,
) -> None:
    record = prepare(make_spec(), make_run(), checked)
    assert (record.train_rows + record.validation_rows + record.test_rows) == 400
    schema = FeatureSchema.model_validate_json(read_file(record.features, "schema.json"))
    fitted = Preprocessor.model_validate_json(read_file(record.features, "preprocessor.json"))
    assert fitted.schema == schema
    train = read_part(record.features, "train")
    assert train["dense"].shape == (record.train_rows, record.inputs)
    assert train["dense"].dtype == np.float32
    assert np.isfinite(train["dense"]).all()
    assert train["y"].dtype == np.int32
    assert (np.diff(train["row_id"]) > 0).all()
    scaled = train["dense"][:, list(schema.inputs[0].columns).index("income")]
    assert abs(scaled.mean()) < 0.1


def test_test_rows_stand_beside_the_test_arrays(checked: ValidateRecord) -> None:
    record = prepare(make_spec(), make_run(), checked)
    arrays = read_part(record.features, "test")
    rows = read_frame(record.features, part="test_rows")
    fitted = Preprocessor.model_validate_json(read_file(record.features, "preprocessor.json"))
    assert rows["row_id"].tolist() == arrays["row_id"].tolist()
    assert {"loan_id", "repaid"} <= set(rows.columns)
    np.testing.assert_array_equal(fitted.transform(rows)["dense"], arrays["dense"])
    np.testing.assert_array_equal(fitted.transform_target(rows), arrays["y"])


def test_no_validation_or_test_value_reaches_the_fit(checked: ValidateRecord) -> None:
    frame = make_frame(400)
    first = prepare(make_spec(), make_run(), checked)
    trained = read_part(first.features, "train")["row_id"]
    changed = frame.copy()
    held_out = ~changed["row_id"].isin(trained)
    changed.loc[held_out, "income"] *= 1_000
    changed.loc[held_out, "job"] = "spy"
    second = prepare(make_spec(), make_run(), write_checked(changed))
    assert read_file(second.features, "preprocessor.json") == read_file(
        first.features, "preprocessor.json"
    )
    np.testing.assert_array_equal(
        read_part(second.features, "train")["dense"], read_part(first.features, "train")["dense"]
    )


def test_the_same_input_gives_the_same_table_and_says_why_it_is_reused(
    checked: ValidateRecord, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first = prepare(make_spec(), make_run(), checked)
    elsewhere = make_spec(training={"epochs": 9}, description="another text")
    again = prepare(elsewhere, make_run(), checked)
    assert again == first.model_copy(
        update={"features": first.features.model_copy(update={"is_reused": True})}
    )
    assert f"reusing features {first.features.key}" in caplog.text
    other = prepare(make_spec(split={"method": "stratified"}), make_run(), checked)
    assert other.features.key != first.features.key


def test_force_recomputes_the_same_rows(checked: ValidateRecord) -> None:
    first = prepare(make_spec(), make_run(), checked)
    forced = prepare(make_spec(), make_run(force=True), checked)
    assert not forced.features.is_reused
    np.testing.assert_array_equal(
        read_part(forced.features, "train")["dense"], read_part(first.features, "train")["dense"]
    )


def test_numbers_and_the_preprocessor_go_to_mlflow(
    checked: ValidateRecord, mlflow_server: str
) -> None:
    run = make_run(run_id="manual__prepare_logs")
    record = prepare(make_spec(), run, checked)
    client = MlflowClient(mlflow_server)
    logged = client.get_run(open_run(load_settings(), run).run_id)
    assert logged.data.metrics["data/train_rows"] == record.train_rows
    assert logged.data.metrics["data/cleaning_rows_read"] == 400
    assert logged.data.params["features_key"] == record.features.key
    names = {file.path for file in client.list_artifacts(logged.info.run_id, "preparation")}
    assert names == {"preparation/preprocessor.json", "preparation/cleaning.json"}


def test_cleaning_is_counted(checked: ValidateRecord) -> None:
    frame = make_frame(400)
    repeated = pd.concat([frame, frame.iloc[:23]], ignore_index=True)
    spec = make_spec(cleaning={"duplicates": "drop"})
    record = prepare(spec, make_run(), write_checked(repeated.assign(row_id=np.arange(423))))
    assert record.cleaning["duplicates_dropped"] == 23
    assert record.cleaning["values_filled_median"] == frame[["age", "income"]].isna().sum().sum()
    details = json.loads(read_file(record.features, "cleaning.json"))
    assert details["counts"] == record.cleaning
    assert len(record.model_dump_json()) < 8_000


def test_what_is_lost_and_what_is_alike_is_warned_of() -> None:
    frame = make_frame(400)
    twice = pd.concat([frame, frame.iloc[:40]], ignore_index=True)
    spec = make_spec(cleaning={"duplicates": "drop"})
    record = prepare(spec, make_run(), write_checked(twice.assign(row_id=np.arange(440))))
    assert "40 of 440 rows (9%) are dropped" in record.warnings[0]
    other = twice.assign(row_id=np.arange(440), loan_id=[f"L{n}" for n in range(440)])
    alike = prepare(make_spec(), make_run(), write_checked(other))
    assert alike.cleaning["duplicates_dropped"] == 0
    assert "equal a training row in every column but ids" in alike.warnings[0]


def test_no_value_of_a_later_part_reaches_the_fit_by_a_backward_fill() -> None:
    spec = series_spec()
    cleaning = spec.cleaning.model_copy(update={"forward_fill": (), "backward_fill": ("heat",)})
    heat = np.random.default_rng(0).normal(size=300)
    heat[200:215] = np.nan
    heat[215] = 1e6
    hours = pd.date_range("2024-01-01", periods=300, freq="h", tz="UTC").as_unit("us")
    frame = pd.DataFrame({"at": hours, "heat": heat, "row_id": np.arange(300)})
    record = prepare(
        spec.model_copy(update={"cleaning": cleaning}), make_run(), write_checked(frame)
    )
    assert record.train_rows == 200
    assert record.cleaning["unfilled_rows_left_out"] == 10
    assert np.abs(read_part(record.features, "train")["y"]).max() < 10


def test_given_parts_may_leave_validation_empty() -> None:
    part = pd.Series(np.where(np.arange(400) < 300, "train", "test"), dtype="str")
    spec = make_spec(split={"method": "given", "fractions": [1, 0, 0]})
    record = prepare(spec, make_run(), write_checked(make_frame(400).assign(part=part)))
    assert (record.train_rows, record.validation_rows, record.test_rows) == (300, 0, 100)
    assert len(read_table(record.features, part="validation")) == 0


def test_images_keep_their_numbers() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 17, (120, 4)).astype(np.uint8)
    table = pa.table(
        {
            "image": pa.FixedSizeListArray.from_arrays(pa.array(pixels.reshape(-1)), 4),
            "label": pa.array(random.choice(["0", "1", "2"], 120)),
            "row_id": pa.array(np.arange(120)),
        }
    )
    spec = make_spec(
        target={"column": "label", "task": "classification"},
        columns=[
            {"name": "image", "kind": "tensor", "shape": [2, 2], "scale": 16},
            {"name": "label", "kind": "category", "values": [0, 1, 2]},
        ],
        cleaning={"duplicates": "keep"},
        split={"method": "stratified"},
    )
    with TableStore(load_settings().data).write("checked", "loans", None, made_from={}) as writer:
        writer.append(table)
    checked = ValidateRecord(checked=writer.ref, report_uri="", rules=0, warnings=0, quarantined=0)
    record = prepare(spec, make_run(), checked)
    train = read_part(record.features, "train")
    np.testing.assert_array_equal(train["image"], pixels[train["row_id"]] / np.float32(16))
    assert record.inputs == 4


@pytest.mark.parametrize(
    ("changes", "spec", "error", "message"),
    [
        ({"repaid": "yes"}, {}, DataError, "at least two classes"),
        ({"repaid": None}, {}, DataError, "400 missing"),
        (
            {"income": lambda frame: (frame["repaid"] == "yes") * 1.0},
            {},
            LeakageError,
            "'income'",
        ),
        ({}, {"split": {"method": "given"}}, DataError, "without them"),
        ({}, {"min_rows": 500}, DataError, "min_rows=500"),
        ({"income": np.inf}, {}, DataError, "expected finite numbers"),
    ],
    ids=["one class", "no target", "leak", "no parts", "few rows", "infinite"],
)
def test_rows_that_cannot_train_leave_no_table(
    changes: dict[str, Any], spec: dict[str, Any], error: type[Exception], message: str
) -> None:
    checked = write_checked(make_frame(400).assign(**changes).astype({"repaid": "str"}))
    with pytest.raises(error, match=message):
        prepare(make_spec(**spec), make_run(), checked)
    assert list_tables() == []


def test_a_series_gets_its_lags_and_a_time_split() -> None:
    spec = series_spec()
    hours = pd.date_range("2024-01-01", periods=300, freq="h", tz="UTC").as_unit("us")
    heat = np.sin(np.arange(300) / 4) + np.random.default_rng(0).normal(0, 0.1, 300)
    heat[[5, 50]] = np.nan
    frame = pd.DataFrame({"at": hours, "heat": heat, "row_id": np.arange(300)})
    record: PrepareRecord = prepare(spec, make_run(), write_checked(frame))
    schema = FeatureSchema.model_validate_json(read_file(record.features, "schema.json"))
    assert schema.inputs[0].columns[-2:] == ("heat_lag_1", "heat_mean_3")
    assert record.cleaning["values_filled_forward"] == 2
    rows = read_frame(record.features, part="test_rows")
    assert rows["row_id"].tolist() == list(range(255, 300))
    np.testing.assert_array_equal(rows["heat_lag_1"], heat[254:299])
    np.testing.assert_array_equal(read_part(record.features, "test")["y"], heat[255:])


def series_spec() -> PipelineSpec:
    return make_spec(
        target={"column": "heat", "task": "regression"},
        columns=[
            {"name": "at", "kind": "datetime", "parts": ["hour"]},
            {"name": "heat", "kind": "number", "nulls": 0.1},
        ],
        cleaning={
            "order_by": "at",
            "forward_fill": ["heat"],
            "lags": [{"column": "heat", "lags": [1], "windows": [3]}],
        },
        split={"method": "time", "by": "at"},
        promotion={},
    )
