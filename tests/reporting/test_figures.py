from xml.etree import ElementTree

import numpy as np
import pytest

from include.modeling.curves import trace_curves
from include.records import FeatureSchema
from include.records.figures import Curves
from include.reporting.figures import draw_figures, draw_learning_curve
from tests.modeling.samples import SCHEMAS
from tests.modeling.test_metrics import make_predictions

EPOCHS = {"loss_by_epoch", "accuracy_by_epoch"}
ALLOWED = {"svg", "style", "rect", "text", "title", "line", "path"}
HISTORY = [
    {"loss": 1 / epoch, "accuracy": 1 - 0.3 / epoch, "val_loss": 1.1 / epoch, "val_accuracy": 0.7}
    for epoch in range(1, 6)
]


def read_texts(svg: bytes) -> list[str]:
    """Read all texts of a well-formed picture that has a name and loads nothing."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label")
    assert {each.tag.rsplit("}")[-1] for each in root.iter()} <= ALLOWED
    assert b"nan" not in svg
    assert b"href" not in svg
    return [text for each in root.iter() for text in each.itertext()]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "many",
            EPOCHS | {"confusion_matrix", "roc_curves", "calibration"},
        ),
        (
            "binary",
            EPOCHS | {"confusion_matrix", "roc_curves", "precision_and_recall", "calibration"},
        ),
        ("regression", EPOCHS | {"predicted_and_actual", "residuals"}),
    ],
)
def test_each_task_gets_its_figures(kind: str, expected: set[str]) -> None:
    curves = trace_curves(SCHEMAS[kind], *make_predictions(kind))
    figures = draw_figures(curves, HISTORY, target="price (EUR)", best_epoch=4)
    assert set(figures) == expected
    for content in figures.values():
        assert len(read_texts(content)) > 8


@pytest.mark.parametrize("classes", [2, 30, 90])
def test_any_number_of_classes_and_any_name_can_be_drawn(classes: int) -> None:
    names = tuple(f"$x_{{{n}}}$ 分類 <b>{'long ' * 20}" for n in range(classes))
    schema = FeatureSchema(inputs=(), task="classification", target="$y", classes=names)
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(classes), 300)
    curves = trace_curves(schema, random.integers(0, classes, 300), shares)
    figures = draw_figures(curves, HISTORY, target=schema.target, best_epoch=1)
    for content in figures.values():
        read_texts(content)
    assert any("<b>" in text for text in read_texts(figures["confusion_matrix"])) == (classes == 2)


def test_one_epoch_without_validation_and_constant_predictions_can_be_drawn() -> None:
    curves = trace_curves(SCHEMAS["regression"], np.arange(10.0), np.zeros(10))
    history = [{"loss": 0.5, "mae": 0.1}]
    figures = draw_figures(curves, history, target="y", best_epoch=1)
    assert set(figures) == {"loss_by_epoch", "mae_by_epoch", "predicted_and_actual", "residuals"}
    for content in figures.values():
        read_texts(content)


def test_epochs_that_came_to_nothing_are_left_out() -> None:
    history = [{"loss": 0.5}, {"loss": float("nan")}, {"loss": float("inf")}]
    figures = draw_figures(Curves(), history, target="y", best_epoch=1)
    read_texts(figures["loss_by_epoch"])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_learning_curve_of_any_number_of_points_can_be_drawn(count: int) -> None:
    points = [(100.0 * 2**n, 0.5 + 0.1 * n) for n in range(count)]
    svg = draw_learning_curve(points, (), (), likely=(), metric="roc_auc")
    assert "training rows (logarithmic)" in read_texts(svg)


def test_a_learning_curve_shows_where_twice_the_rows_lead() -> None:
    points = [(100.0, 0.5), (200.0, 0.6), (400.0, 0.65)]
    likely = [(800.0, 0.66), (800.0, 0.68), (800.0, 0.7)]
    svg = draw_learning_curve(
        points, points, [points[-1], likely[1]], likely=likely, metric="roc_auc"
    )
    assert {"100", "800", "twice the rows, likely range"} <= set(read_texts(svg))
