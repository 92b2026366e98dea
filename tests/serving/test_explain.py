"""Rows explained: by column, complete, and without what is private."""

import json

import numpy as np
import pandas as pd
import pytest

from include.features.reference_row import HIDDEN, find_reference, pack_reference
from include.serving.explain import explain_raw
from include.serving.raw_rows import cast_rows
from include.serving.scoring_model import ScoringModel
from tests.builders import BASE_SPEC, make_spec
from tests.bundle_builders import SmallBundle, make_bundle

ROW = {"age": 40, "income": 9.5, "married": False, "job": "nurse", "opened": "2024-01-01"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    made = make_bundle(tmp_path_factory.mktemp("bundle"))
    reference = find_reference(made.preprocessor, made.preprocessor.transform(made.frame))
    (made.directory / "reference_row.npz").write_bytes(pack_reference(reference))
    return made


@pytest.fixture(scope="module")
def model(small: SmallBundle) -> ScoringModel:
    return ScoringModel.load(small.directory)


def test_amounts_of_the_columns_sum_up_to_the_difference_from_the_reference(model):
    rows = pd.DataFrame([ROW, {**ROW, "job": None, "age": 80}], dtype=object)

    explained = explain_raw(model, rows)

    predicted = model.predict(rows)
    for place, row in enumerate(explained):
        assert row.said == predicted["prediction"].iloc[place]
        assert row.output == pytest.approx(
            predicted[f"probability_{row.said}"].iloc[place], abs=1e-5
        )
        total = sum(each.amount for each in row.attributions)
        assert total == pytest.approx(row.output - row.reference_output + row.gap, abs=1e-6)
        assert abs(row.gap) <= 0.01 * max(abs(row.output - row.reference_output), 0.01)
        assert {each.column for each in row.attributions} == set(ROW)
    shown = {each.column: each.shown for each in explained[1].attributions}
    assert (shown["job"], shown["age"]) == ("missing", "80")


def test_the_reference_row_itself_has_nothing_to_explain(model, small):
    words = dict(model.explainer.describe_reference())

    assert words["married"] in {"true", "false"}
    assert float(words["age"]) == pytest.approx(small.frame["age"].mean(), rel=0.05)


def test_a_bundle_without_a_reference_row_is_explained_against_a_neutral_one(tmp_path):
    old = ScoringModel.load(make_bundle(tmp_path).directory)

    (explained,) = explain_raw(old, pd.DataFrame([ROW], dtype=object))

    assert abs(explained.gap) <= 0.01 * max(
        abs(explained.output - explained.reference_output), 0.01
    )


def test_values_of_private_columns_are_nowhere(tmp_path):
    columns = [
        {**column, **({"private": "hash"} if column["name"] == "job" else {})}
        for column in BASE_SPEC["columns"]
    ]
    made = make_bundle(tmp_path, spec=make_spec(columns=columns))
    model = ScoringModel.load(made.directory)

    (explained,) = explain_raw(model, made.frame.head(1).astype({"job": object}))

    shown = {each.column: each.shown for each in explained.attributions}
    assert shown["job"] == HIDDEN
    assert str(made.frame["job"].iloc[0]) not in json.dumps(explained.model_dump(mode="json"))


def make_image_bundle(place):
    images = np.random.default_rng(0).integers(0, 17, (40, 96, 80)).astype(np.uint8)
    frame = pd.DataFrame(
        {
            "image": list(images.reshape(40, -1)),
            "label": np.where(np.arange(40) % 2, "a", "b"),
            "row_id": np.arange(40),
        }
    )
    spec = make_spec(
        target={"column": "label", "task": "classification"},
        columns=[
            {"name": "image", "kind": "tensor", "shape": [96, 80], "scale": 16},
            {"name": "label", "kind": "category", "values": ["a", "b"]},
        ],
        promotion={},
    )
    return make_bundle(place, spec=spec, frame=frame)


def test_an_image_gets_its_heat_shrunk_and_complete(tmp_path):
    made = make_image_bundle(tmp_path)
    model = ScoringModel.load(made.directory)

    stored = cast_rows(model.bundle, made.frame.head(1)).frame

    (explained,) = model.explainer.explain(stored, actual=["b"])

    (picture,) = explained.pictures
    assert picture.shape == (48, 40)
    assert len(picture.heat) == len(picture.values) == 48 * 40
    assert (min(picture.values), max(picture.values)) == (0, 1)
    assert sum(picture.heat) == pytest.approx(explained.attributions[0].amount, rel=0.02, abs=1e-4)
    assert (explained.actual, explained.is_wrong) == ("b", explained.said != "b")
