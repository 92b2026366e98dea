import numpy as np
import pytest

from include.errors import TrainingError
from include.modeling.arrays import balance_rows, to_loss_target
from tests.modeling.samples import SCHEMAS


@pytest.mark.parametrize(
    ("kind", "y", "expected"),
    [
        ("many", [0, 2], [0, 2]),
        ("binary", [0, 1], [[0.0], [1.0]]),
        ("regression", [100.0, 140.0], [[0.0], [2.0]]),
    ],
)
def test_the_target_takes_the_form_of_the_loss(kind: str, y: list, expected: list) -> None:
    assert to_loss_target(SCHEMAS[kind], np.array(y)).tolist() == expected


def test_balanced_weights_give_every_class_the_same_total() -> None:
    y = np.array([0] * 90 + [1] * 9 + [2])
    weights = balance_rows(SCHEMAS["many"], y)
    totals = [weights[y == each].sum() for each in range(3)]
    assert totals == pytest.approx([100 / 3] * 3, rel=1e-5)


def test_a_class_without_rows_takes_no_weight() -> None:
    assert balance_rows(SCHEMAS["many"], np.array([0, 0, 1, 1])).tolist() == [1.0] * 4


def test_a_regression_has_no_classes_to_balance() -> None:
    with pytest.raises(TrainingError, match="class_weights=balanced"):
        balance_rows(SCHEMAS["regression"], np.array([1.0]))
