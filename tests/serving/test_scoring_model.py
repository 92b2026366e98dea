"""The scoring model as behaviour: raw rows in, whatever their order, predictions out."""

import numpy as np
import pandas as pd
import pytest

from include.errors import IntegrityError, SchemaError
from include.serving.scoring_model import CHUNK_ROWS, PyfuncModel, ScoringModel
from tests.builders import make_frame, make_spec
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


def test_a_missing_column_is_named(model):
    with pytest.raises(SchemaError, match=r"Received no \['opened'\]"):
        ScoringModel(
            model.bundle.model_copy(
                update={
                    "columns": tuple(
                        column.model_copy(update={"is_nullable": False})
                        for column in model.bundle.columns
                    )
                }
            ),
            model.preprocessor,
            model.network,
        ).predict(make_frame(3).drop(columns="opened"))


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
    import shutil

    place = shutil.copytree(small.directory, tmp_path / "bundle")
    manifest = place / "bundle.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))

    with pytest.raises(IntegrityError, match="bundle.json of format 1"):
        ScoringModel.load(place)
