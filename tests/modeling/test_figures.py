import numpy as np
import pytest
from matplotlib import pyplot

from include.modeling.curves import trace_curves
from include.modeling.figures import draw_figures
from include.records import FeatureSchema
from tests.modeling.samples import SCHEMAS
from tests.modeling.test_metrics import make_predictions

HISTORY = [
    {"loss": 1 / epoch, "accuracy": 1 - 0.3 / epoch, "val_loss": 1.1 / epoch, "val_accuracy": 0.7}
    for epoch in range(1, 6)
]


def read_size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("many", {"learning_curves", "confusion_matrix", "roc_curves", "calibration"}),
        ("binary", {"learning_curves", "confusion_matrix", "roc_curves", "calibration"}),
        ("regression", {"learning_curves", "predicted_and_actual", "residuals"}),
    ],
)
def test_each_task_gets_its_figures(kind: str, expected: set[str]) -> None:
    curves = trace_curves(SCHEMAS[kind], *make_predictions(kind))
    figures = draw_figures(curves, HISTORY, target="price (EUR)", best_epoch=4)
    assert set(figures) == expected
    for content in figures.values():
        width, height = read_size(content)
        assert 400 < width < 2000
        assert 300 < height < 2000


@pytest.mark.parametrize("classes", [2, 30, 90])
def test_any_number_of_classes_and_any_name_can_be_drawn(classes: int) -> None:
    names = tuple(f"$x_{{{n}}}$ 分類 <b>{'long ' * 20}" for n in range(classes))
    schema = FeatureSchema(inputs=(), task="classification", target="$y", classes=names)
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(classes), 300)
    curves = trace_curves(schema, random.integers(0, classes, 300), shares)
    figures = draw_figures(curves, HISTORY, target=schema.target, best_epoch=1)
    assert max(read_size(figures["confusion_matrix"])) < 2000


def test_one_epoch_without_validation_and_constant_predictions_can_be_drawn() -> None:
    curves = trace_curves(SCHEMAS["regression"], np.arange(10.0), np.zeros(10))
    history = [{"loss": 0.5, "mae": 0.1}]
    figures = draw_figures(curves, history, target="y", best_epoch=1)
    assert set(figures) == {"learning_curves", "predicted_and_actual", "residuals"}


def test_no_figure_stays_open() -> None:
    curves = trace_curves(SCHEMAS["many"], *make_predictions("many"))
    draw_figures(curves, HISTORY, target="kind", best_epoch=1)
    assert pyplot.get_fignums() == []
