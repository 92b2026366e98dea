"""The scoring model as behaviour: raw rows in, whatever their order, predictions out."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.errors import IntegrityError, SchemaError
from include.serving.scoring_model import CHUNK_ROWS, PyfuncModel, ScoringModel
from tests.builders import BASE_SPEC, make_frame, make_spec
from tests.bundle_builders import SmallBundle, make_bundle


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def model(small: SmallBundle) -> ScoringModel:
    return ScoringModel.load(small.directory)


def test_it_predicts_what_the_run_predicted(small, model):
    answer = model.predict(small.frame)

    shares = [f"probability_{name}" for name in small.bundle.features.classes]
    assert list(answer) == ["prediction", *shares]
    np.testing.assert_allclose(answer[shares], small.predictions, atol=1e-6)
    best = small.predictions.argmax(axis=1)
    assert list(answer["prediction"]) == [small.bundle.features.classes[i] for i in best]


def test_the_order_of_columns_and_rows_and_further_columns_do_not_matter(small, model):
    expected = model.predict(small.frame)
    shuffled = small.frame.iloc[::-1, ::-1].assign(further="x")

    answer = model.predict(shuffled)

    pd.testing.assert_frame_equal(answer.loc[expected.index], expected, atol=1e-6)


def test_the_target_and_ids_are_not_asked_for(small, model):
    rows = small.frame.drop(columns=["repaid", "loan_id", "row_id"])

    assert len(model.predict(rows)) == len(rows)


def with_columns(model: ScoringModel, **changes: object) -> ScoringModel:
    columns = tuple(column.model_copy(update=changes) for column in model.bundle.columns)
    bundle = model.bundle.model_copy(update={"columns": columns})
    return ScoringModel(bundle, model.preprocessor, model.network)


def test_a_missing_column_is_named(model):
    with pytest.raises(SchemaError, match=r"Received no \['opened'\]"):
        with_columns(model, nulls=0.0).predict(make_frame(3).drop(columns="opened"))


def test_an_optional_column_may_be_absent(small, model):
    with_nulls = small.frame.assign(job=pd.Series([None] * len(small.frame), dtype="str"))

    absent = model.predict(small.frame.drop(columns="job"))

    pd.testing.assert_frame_equal(absent, model.predict(with_nulls), atol=1e-6)


def test_a_column_given_twice_is_refused(model):
    frame = make_frame(3)
    twice = pd.concat([frame, frame[["age"]]], axis=1)

    with pytest.raises(SchemaError, match="Received twice"):
        model.predict(twice)


def test_a_category_never_seen_is_predicted(small, model):
    answer = model.predict(small.frame.assign(job="astronaut"))

    assert np.isfinite(answer.filter(like="probability_").to_numpy()).all()


def test_values_as_json_brings_them_are_read(small, model):
    rows = small.frame.dropna().head(4)
    sent = pd.DataFrame(
        {
            "age": [str(value) for value in rows["age"]],
            "income": [float(value) for value in rows["income"]],
            "married": [bool(value) for value in rows["married"]],
            "job": list(rows["job"]),
            "opened": [value.isoformat() for value in rows["opened"]],
        },
        index=rows.index,
    )

    pd.testing.assert_frame_equal(model.predict(sent), model.predict(rows), atol=1e-6)


def test_no_rows_give_no_predictions_but_the_columns(small, model):
    answer = model.predict(small.frame.head(0))

    assert len(answer) == 0
    assert list(answer) == list(model.predict(small.frame.head(1)))


def test_more_rows_than_one_chunk_keep_their_order(small, model):
    times = CHUNK_ROWS // len(small.frame) + 2
    many = pd.concat([small.frame] * times, ignore_index=True)

    answer = model.predict(many)

    first = model.predict(small.frame).filter(like="probability_").to_numpy()
    every = answer.filter(like="probability_").to_numpy().reshape(times, *first.shape)
    np.testing.assert_allclose(every, np.broadcast_to(first, every.shape), atol=1e-6)


def test_a_regression_gives_numbers_in_the_targets_unit(tmp_path):
    columns = [{"name": "age", "kind": "integer"}, {"name": "income", "kind": "number"}]
    spec = make_spec(
        target={"column": "income", "task": "regression"},
        columns=columns,
        promotion={},
    )
    small = make_bundle(tmp_path, spec=spec, frame=make_frame(64).dropna())

    answer = PyfuncModel(ScoringModel.load(small.directory)).predict(small.frame)

    assert list(answer) == ["prediction"]
    np.testing.assert_allclose(answer["prediction"], small.predictions, rtol=1e-5)


def test_a_tensor_is_taken_nested_or_flat(tmp_path):
    images = np.random.default_rng(0).integers(0, 16, (12, 4, 4))
    flat = pd.Series([image.ravel().tolist() for image in images])
    spec = make_spec(
        target={"column": "label", "task": "classification"},
        columns=[
            {"name": "image", "kind": "tensor", "shape": [4, 4], "scale": 16},
            {"name": "label", "kind": "category", "values": ["a", "b", "c"]},
        ],
    )
    frame = pd.DataFrame({"image": flat, "label": list("abc") * 4})
    small = make_bundle(tmp_path, spec=spec, frame=frame)
    model = ScoringModel.load(small.directory)

    nested = model.predict(frame.assign(image=[image.tolist() for image in images]))

    pd.testing.assert_frame_equal(nested, model.predict(frame), atol=1e-6)


def test_a_bundle_of_another_format_is_refused(small, tmp_path):
    place = shutil.copytree(small.directory, tmp_path / "bundle")
    manifest = place / "bundle.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 3'))

    with pytest.raises(IntegrityError, match=r"(?s)bundle.json of format 2, or 1.*Train the model"):
        ScoringModel.load(place)


def test_a_bundle_of_format_1_still_predicts_rows_at_rest(small, model, tmp_path):
    place = shutil.copytree(small.directory, tmp_path / "bundle")
    content = json.loads((place / "bundle.json").read_text())
    columns = [
        {
            "name": c["name"],
            "kind": c["kind"],
            "is_nullable": True,
            "is_private": False,
            "shape": [],
        }
        for c in content["columns"]
    ]
    old = {name: content[name] for name in ("name", "spec_digest", "features")}
    old["features"].pop("target_scale")
    (place / "bundle.json").write_text(json.dumps({**old, "format": 1, "columns": columns}))
    fitted = json.loads((place / "preprocessor.json").read_text())
    retired = {"number": {"is_integer": False}, "datetime": {"pattern": "%Y"}}
    fitted["dense"] = [{**each, **retired.get(each["kind"], {})} for each in fitted["dense"]]
    fitted["target"] = {**fitted["target"], "is_boolean": False}
    fitted["target"].pop("scale")
    (place / "preprocessor.json").write_text(json.dumps(fitted))

    answer = ScoringModel.load(place).predict_stored(small.frame)

    pd.testing.assert_frame_equal(answer, model.predict_stored(small.frame))


BROKEN = [
    ("age", -5, "expected values between 18 and 100, received '-5'"),
    ("age", "old", "expected a whole number, received 'old'"),
    ("age", 20.5, "expected a whole number, received '20.5'"),
    ("income", float("inf"), "expected finite numbers, received 'inf'"),
    ("married", "banana", "expected true or false, received 'banana'"),
    ("job", "alien", "expected one of clerk, nurse, smith, received 'alien'"),
    ("opened", "soon", "expected a date written as ISO 8601, received 'soon'"),
]
IDS = [f"{name}={value}" for name, value, _ in BROKEN]


def make_strict(directory: Path, **serving: str) -> ScoringModel:
    columns = [
        {**column, "values": ["clerk", "nurse", "smith"]} if column["name"] == "job" else column
        for column in BASE_SPEC["columns"]
    ]
    spec = make_spec(columns=columns, serving=serving)
    return ScoringModel.load(make_bundle(directory, spec=spec).directory)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> ScoringModel:
    return make_strict(tmp_path_factory.mktemp("strict"))


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> ScoringModel:
    return make_strict(tmp_path_factory.mktemp("lenient"), broken_rows="warn")


def make_row(**changes: object) -> pd.DataFrame:
    row = {"age": 30, "income": 5.0, "married": True, "job": "nurse", "opened": "2024-01-01"}
    return pd.DataFrame([{**row}, {**row, **changes}])


@pytest.mark.parametrize(("name", "value", "words"), BROKEN, ids=IDS)
def test_a_row_that_breaks_the_contract_is_refused_with_its_reason(strict, name, value, words):
    with pytest.raises(SchemaError, match=re.escape(f"row 1, {name!r}: {words}")):
        strict.predict(make_row(**{name: value}))


@pytest.mark.parametrize(("name", "value", "words"), BROKEN, ids=IDS)
def test_or_answered_with_a_warning_where_the_spec_says_so(lenient, name, value, words):
    answer = lenient.predict(make_row(**{name: value}))

    assert answer["warning"].tolist() == ["", f"{name}: {words}"]
    assert np.isfinite(answer.filter(like="probability_").to_numpy()).all()


def test_a_value_that_cannot_be_read_is_taken_as_missing_under_a_warning(lenient):
    shares = ["probability_no", "probability_yes"]
    answer = lenient.predict(make_row(age="old"))[shares]

    pd.testing.assert_frame_equal(answer, lenient.predict(make_row(age=None))[shares])


def test_a_missing_value_where_none_may_be_is_refused(model):
    with pytest.raises(SchemaError, match="row 1, 'job': expected no missing value, received none"):
        with_columns(model, nulls=0.0).predict(make_row(job=None))


def test_a_column_that_only_warns_at_the_gate_only_warns_when_served(model):
    answer = with_columns(model, severity="warning").predict(make_row(age=-5))

    assert answer["warning"].tolist() == [
        "",
        "age: expected values between 18 and 100, received '-5'",
    ]


def test_stored_rows_are_read_no_second_time_and_not_judged(strict):
    rows = make_row(age=-5)
    stored = rows.assign(opened=pd.to_datetime(rows["opened"], utc=True))

    assert len(strict.predict_stored(stored)) == 2


def test_the_time_may_come_itself_or_in_parts(tmp_path):
    at = {"name": "at", "kind": "datetime", "from_parts": ["year", "month", "day", "hour"]}
    spec = make_spec(columns=[{**at, "nulls": 0.5}, BASE_SPEC["columns"][-1]])
    frame = make_frame(64)[["opened", "repaid"]].rename(columns={"opened": "at"})
    model = ScoringModel.load(make_bundle(tmp_path, spec=spec, frame=frame).directory)
    parts = pd.DataFrame({"year": [2024, 2011], "month": ["2", 7], "day": 3.0, "hour": [4, 5]})

    whole = pd.DataFrame({"at": ["2024-02-03 04:00", pd.Timestamp("2011-07-03 05:00")]})
    pd.testing.assert_frame_equal(model.predict(parts), model.predict(whole))


def test_one_answer_per_meaning_of_a_row_of_adult(tmp_path):
    columns = [
        {"name": "age", "kind": "integer", "min": 0},
        {"name": "workclass", "kind": "category", "nulls": 0.2},
        {"name": "income", "kind": "category", "values": ["<=50K", ">50K"]},
    ]
    spec = make_spec(
        source={"kind": "file", "uri": "adult.csv", "missing": ["?"], "strip_suffix": "."},
        target={"column": "income", "task": "classification"},
        columns=columns,
    )
    frame = pd.DataFrame(
        {
            "age": [30, 40, 50, 60],
            "workclass": pd.Series(["State-gov", "Private", None, "Private"], dtype="str"),
            "income": ["<=50K", ">50K", "<=50K", ">50K"],
        }
    )
    model = ScoringModel.load(make_bundle(tmp_path, spec=spec, frame=frame).directory)

    def ask(workclass: object) -> list[float]:
        rows = pd.DataFrame([{"age": 39, "workclass": workclass}])
        return [float(share) for share in model.predict(rows).filter(like="prob").iloc[0]]

    known, missing = ask("State-gov"), ask(None)
    assert known != missing
    assert [ask(text) for text in (" State-gov ", "State-gov.", "State-gov .")] == [known] * 3
    assert [ask(text) for text in ("?", " ? ", float("nan"))] == [missing] * 3
    assert model.predict(pd.DataFrame({"age": ["39"]})).iloc[0, 1] == missing[0]


def test_a_logarithmic_target_is_answered_in_its_unit_and_never_below_zero(tmp_path):
    columns = [
        {"name": "age", "kind": "integer"},
        {"name": "income", "kind": "number", "min": 0, "scale": "log"},
    ]
    spec = make_spec(
        target={"column": "income", "task": "regression"}, columns=columns, promotion={}
    )
    small = make_bundle(tmp_path, spec=spec, frame=make_frame(64).dropna())
    extreme = pd.DataFrame({"age": [-(10**6), 0, 50, 10**6]})

    predictions = ScoringModel.load(small.directory).predict(extreme)["prediction"]

    assert small.bundle.features.scaling.log_origin == 0
    assert (predictions >= 0).all()
    income = small.frame["income"]
    assert income.min() < np.median(small.predictions) < income.max()
