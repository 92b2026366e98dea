import numpy as np
import pytest

from include.modeling.influences import INFLUENCES, compute_influences
from include.modeling.metrics import compute_metrics
from include.specs.metrics import METRICS, metrics_for
from tests.modeling.samples import SCHEMAS

COPIES = 400
CASES = [
    (kind, name)
    for kind in ("binary", "many", "regression")
    for name in metrics_for(SCHEMAS[kind].task)
    if name != "median_absolute_error"
]


def make_rows(kind: str, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(4)
    if kind == "regression":
        y = random.normal(100, 20, rows)
        return y, y + random.normal(0, 5, rows)
    classes = 2 if kind == "binary" else 3
    y = random.integers(0, classes, rows)
    scores = np.round(random.normal(0, 1, (rows, classes)), 1) + np.eye(classes)[y]
    shares = np.exp(scores)
    return y, shares / shares.sum(axis=1, keepdims=True)


def test_every_metric_has_influences() -> None:
    assert set(INFLUENCES) == set(METRICS)


@pytest.mark.parametrize(("kind", "metric"), CASES)
def test_an_influence_is_what_one_more_copy_of_the_row_changes(kind: str, metric: str) -> None:
    y, predictions = make_rows(kind)
    found = compute_influences(metric, y, predictions)
    many = np.tile(np.arange(len(y)), COPIES)

    def measure(rows: np.ndarray) -> float:
        return compute_metrics(SCHEMAS[kind], y[rows], predictions[rows], [metric])[metric]

    before = measure(many)
    changes = [
        (measure(np.append(many, [row] * 20)) - before) * (len(many) / 20 + 1) for row in range(12)
    ]
    centred = found - found.mean()
    assert changes == pytest.approx(centred[:12], rel=0.05, abs=0.02 * np.abs(centred).max())


def test_the_median_varies_as_theory_says() -> None:
    random = np.random.default_rng(1)
    y = np.zeros(20_000)
    found = compute_influences("median_absolute_error", y, random.exponential(1.0, len(y)))
    # Of an exponential the density at the median is 1/2, so each row pulls by 1/2 / (1/2).
    assert np.abs(found).mean() == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(
    ("kind", "metric"),
    [("many", name) for name in ("accuracy", "log_loss", "brier")]
    + [("binary", "brier"), ("regression", "mae"), ("regression", "mse")],
)
def test_a_metric_that_is_a_mean_is_that_of_its_influences(kind: str, metric: str) -> None:
    y, predictions = make_rows(kind)
    found = compute_metrics(SCHEMAS[kind], y, predictions, [metric])
    assert found[metric] == pytest.approx(compute_influences(metric, y, predictions).mean())
