"""Permutation importance on data whose true importances are known."""

import numpy as np
import pytest

from include.explaining.importance import Budget, cut_patches, measure_importance, sample_rows
from include.records.explanations import ColumnPart

ROWS = 2_000
PARTS = [
    ColumnPart(column=name, input="dense", start=place, stop=place + 1)
    for place, name in enumerate(["strong", "weak", "none"])
]


def draw(columns: int = 3) -> dict[str, np.ndarray]:
    return {"dense": np.random.default_rng(1).standard_normal((ROWS, columns))}


def score_against(y):
    """Score by the negative mean squared error."""
    return lambda rows, predicted: -float(np.square(predicted - y[rows]).mean())


def test_of_a_linear_model_it_is_twice_the_squared_weight_times_the_variance():
    inputs, weights = draw(), np.array([3.0, 1.0, 0.0])

    def predict(given):
        return given["dense"] @ weights

    losses = measure_importance(
        inputs, PARTS, predict=predict, score=score_against(predict(inputs))
    )

    found = {each.column: each for each in losses.importances}
    assert losses.repeats == 5
    assert [each.column for each in losses.importances] == ["strong", "weak", "none"]
    for column, weight in zip(["strong", "weak"], weights, strict=False):
        spread = inputs["dense"][:, PARTS[0].start if column == "strong" else 1].var()
        assert found[column].value == pytest.approx(2 * weight**2 * spread, rel=0.05)
        assert 0 < found[column].spread < 0.2 * found[column].value
    assert found["none"].value == 0


def test_both_columns_of_an_interaction_matter_though_neither_does_alone():
    inputs = {"dense": np.sign(draw()["dense"])}

    def predict(given):
        return given["dense"][:, 0] * given["dense"][:, 1]

    losses = measure_importance(
        inputs, PARTS, predict=predict, score=score_against(predict(inputs))
    )

    values = {each.column: each.value for each in losses.importances}
    assert values["strong"] == pytest.approx(2, rel=0.1)
    assert values["weak"] == pytest.approx(2, rel=0.1)
    assert values["none"] == 0


def test_positions_of_one_column_move_together():
    inputs = draw(2)
    inputs["dense"][:, 1] = inputs["dense"][:, 0]
    whole = [ColumnPart(column="both", input="dense", start=0, stop=2)]

    def predict(given):
        assert (given["dense"][:, 0] == given["dense"][:, 1]).all()
        return given["dense"].sum(axis=1)

    losses = measure_importance(
        inputs, whole, predict=predict, score=score_against(predict(inputs))
    )

    assert losses.importances[0].value > 1


def test_a_slice_is_measured_by_the_same_permutations():
    inputs = draw()
    is_worst = inputs["dense"][:, 2] > 0

    def predict(given):
        return given["dense"][:, 0] * (given["dense"][:, 2] > 0)

    losses = measure_importance(
        inputs,
        PARTS[:2],
        predict=predict,
        score=score_against(predict(inputs)),
        worst=is_worst,
    )

    first = losses.importances[0]
    assert first.column == "strong"
    assert first.slice_value == pytest.approx(2 * first.value, rel=0.15)
    assert losses.importances[1].slice_value == 0


def test_of_an_image_with_one_telling_patch_that_patch_is_found():
    images = np.random.default_rng(2).random((500, 8, 8)).astype(np.float32)
    parts = cut_patches(ColumnPart(column="image", input="image"), (8, 8), most=4)

    def predict(given):
        return given["image"][:, 2:4, 6:8].mean(axis=(1, 2)).astype(np.float64)

    losses = measure_importance(
        {"image": images},
        parts,
        predict=predict,
        score=score_against(predict({"image": images})),
    )

    assert len(losses.importances) == 16
    assert losses.importances[0].patch == (1, 3)
    assert losses.importances[0].value > 0
    assert all(each.value == 0 for each in losses.importances[1:])


@pytest.mark.parametrize(
    ("row_bytes", "speed", "rows"),
    [(400, 1e9, 600), (400, 1_000, 100), (4_000_000, 1e9, 30), (400, 1, 30)],
    ids=["many rows", "a slow network", "large images", "a very slow network"],
)
def test_a_slow_network_or_large_rows_are_measured_on_fewer(row_bytes, speed, rows):
    chosen = sample_rows(
        1_000_000, 100, Budget(seconds=20), row_bytes=row_bytes, rows_per_second=speed
    )

    assert len(chosen) == rows
    assert len(set(chosen.tolist())) == rows


def test_where_the_metric_is_undefined_without_a_column_nothing_is_told():
    inputs = draw()

    def score(rows, predicted):
        return None if np.allclose(predicted, inputs["dense"][rows, 1]) else 1.0

    losses = measure_importance(
        inputs,
        PARTS[:1],
        predict=lambda given: given["dense"][:, 1],
        score=score,
        worst=inputs["dense"][:, 2] > 0,
    )

    assert losses.importances == ()


def test_rows_are_left_as_they_were_and_time_bounds_the_repeats():
    inputs = draw()
    before = inputs["dense"].copy()
    calls = []

    def predict(given):
        calls.append(len(given["dense"]))
        return given["dense"][:, 0]

    losses = measure_importance(
        inputs,
        PARTS,
        predict=predict,
        score=score_against(before[:, 0]),
        budget=Budget(repeats=50, seconds=0),
    )

    assert (inputs["dense"] == before).all()
    assert losses.repeats == 2
    assert calls == [ROWS, 3 * ROWS, 3 * ROWS]  # all columns in one call
