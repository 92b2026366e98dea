"""The row that others are held against."""

import numpy as np
import pytest

from include.features.preprocessor import fit_preprocessor
from include.features.reference_row import (
    HIDDEN,
    describe_reference,
    find_neutral,
    find_reference,
    list_parts,
    pack_reference,
    unpack_reference,
)
from tests.builders import make_frame, make_spec

COLUMNS = [
    {"name": "age", "kind": "integer", "nulls": 0.2},
    {"name": "income", "kind": "number", "nulls": 0.2, "scale": "minmax"},
    {"name": "married", "kind": "boolean", "nulls": 0.2},
    {"name": "job", "kind": "category", "nulls": 0.2, "encode": "embedding"},
    {"name": "opened", "kind": "datetime", "nulls": 0.2},
    {"name": "repaid", "kind": "category", "values": ["no", "yes"]},
]


@pytest.fixture(scope="module")
def frame():
    rows = make_frame(300)
    rows.loc[:200, "job"] = "nurse"
    return rows


@pytest.fixture(scope="module")
def preprocessor(frame):
    return fit_preprocessor(make_spec(columns=COLUMNS), lambda: iter([frame]))


def test_it_holds_means_and_most_frequent_values(preprocessor, frame):
    reference = find_reference(preprocessor, preprocessor.transform(frame))

    words = dict(describe_reference(preprocessor, reference))
    assert float(words["age"]) == pytest.approx(frame["age"].mean(), rel=0.02)
    mean = frame["income"].fillna(frame["income"].median()).mean()
    assert float(words["income"].replace(",", "")) == pytest.approx(mean, rel=0.05)
    assert words["job"] == "nurse"
    assert words["married"] in {"true", "false"}
    assert {name: array.shape[0] for name, array in reference.items()} == {"dense": 1, "job": 1}


def test_private_values_are_not_written(preprocessor, frame):
    reference = find_reference(preprocessor, preprocessor.transform(frame))

    words = dict(describe_reference(preprocessor, reference, private=["job", "age"]))

    assert (words["job"], words["age"]) == (HIDDEN, HIDDEN)


def test_parts_cover_every_position_once(preprocessor, frame):
    inputs = preprocessor.transform(frame)

    covered = np.zeros(inputs["dense"].shape[1], dtype=int)
    for part in list_parts(preprocessor):
        if part.input == "dense":
            covered[part.start : part.stop] += 1

    assert (covered == 1).all()
    assert {part.column for part in list_parts(preprocessor)} == set(preprocessor.columns)


def test_it_is_written_and_read_back_and_another_models_counts_as_none(preprocessor, frame):
    reference = find_reference(preprocessor, preprocessor.transform(frame))

    found = unpack_reference(pack_reference(reference), preprocessor)
    foreign = unpack_reference(pack_reference({"dense": np.zeros((1, 2))}), preprocessor)

    assert all((found[name] == array).all() for name, array in reference.items())
    assert all((foreign[name] == array).all() for name, array in find_neutral(preprocessor).items())
