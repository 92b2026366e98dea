import json

import numpy as np

from include.modeling.curves import trace_curves
from include.records.figures import Curves
from tests.modeling.samples import SCHEMAS
from tests.modeling.test_metrics import make_predictions


def test_a_classification_gets_confusion_roc_and_calibration() -> None:
    y, shares = make_predictions("many")
    curves = trace_curves(SCHEMAS["many"], y, shares)
    assert sum(map(sum, curves.confusion.counts)) == len(y)
    assert [curve.name for curve in curves.roc] == ["a", "b", "c"]
    for curve in curves.roc:
        assert (curve.false_positive[0], curve.true_positive[-1]) == (0.0, 1.0)
        assert 0.5 < curve.area <= 1
    assert sum(each.rows for each in curves.calibration) == len(y)
    assert curves.residuals is None


def test_two_classes_have_one_curve_of_the_positive_class() -> None:
    curves = trace_curves(SCHEMAS["binary"], *make_predictions("binary"))
    assert [curve.name for curve in curves.roc] == ["yes"]


def test_a_class_that_does_not_occur_has_no_curve() -> None:
    y, shares = make_predictions("many")
    curves = trace_curves(SCHEMAS["many"], y[y != 1], shares[y != 1])
    assert [curve.name for curve in curves.roc] == ["a", "c"]


def test_curves_of_many_rows_stay_small() -> None:
    y, shares = make_predictions("binary", rows=20_000)
    curves = trace_curves(SCHEMAS["binary"], y, shares)
    assert len(curves.roc[0].false_positive) <= 200
    y, values = make_predictions("regression", rows=20_000)
    curves = trace_curves(SCHEMAS["regression"], y, values)
    assert len(curves.residuals.actual) == 2_000
    assert sum(curves.residuals.counts) == 20_000
    assert len(curves.model_dump_json()) < 150_000


def test_points_survive_json() -> None:
    curves = trace_curves(SCHEMAS["regression"], *make_predictions("regression"))
    assert Curves.model_validate(json.loads(curves.model_dump_json())) == curves


def test_nothing_is_traced_of_nan() -> None:
    y, shares = make_predictions("many")
    assert trace_curves(SCHEMAS["many"], y, shares * np.nan) == Curves()
