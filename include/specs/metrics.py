"""The metrics a spec may name: their task and the direction that is better.

Their computation lives in `include.modeling.metrics`.
"""

import math
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple, TypeVar

T = TypeVar("T")
Task = Literal["classification", "regression"]


class Metric(NamedTuple):
    """A metric's task and direction."""

    task: Task
    is_higher_better: bool


METRICS: Final[dict[str, Metric]] = {
    "accuracy": Metric("classification", True),
    "balanced_accuracy": Metric("classification", True),
    "f1_macro": Metric("classification", True),
    "f1_weighted": Metric("classification", True),
    "precision_macro": Metric("classification", True),
    "recall_macro": Metric("classification", True),
    "roc_auc": Metric("classification", True),
    "average_precision": Metric("classification", True),
    "log_loss": Metric("classification", False),
    "brier": Metric("classification", False),
    "calibration_error": Metric("classification", False),
    "mae": Metric("regression", False),
    "mse": Metric("regression", False),
    "rmse": Metric("regression", False),
    "median_absolute_error": Metric("regression", False),
    "mape": Metric("regression", False),
    "r2": Metric("regression", True),
}


def metrics_for(task: Task) -> tuple[str, ...]:
    """Name the metrics of a task, in the order in which they are shown.

    Example:
        >>> metrics_for("regression")[:2]
        ('mae', 'mse')
    """
    return tuple(name for name, metric in METRICS.items() if metric.task == task)


def find_worst(metric: str, rows: Iterable[T], value: Callable[[T], float | None]) -> T | None:
    """Find the row, such as a slice, on which a metric is worst; None where no row has a number.

    Args:
        metric: Name of the metric; one that is not known counts as higher is better.
        rows: The rows.
        value: Gives a row's value, None for none.

    Example:
        >>> find_worst("log_loss", [0.2, 0.9, None], lambda each: each)
        0.9
    """
    known = METRICS.get(metric)
    sign = 1.0 if known is None or known.is_higher_better else -1.0
    measured = [
        (sign * found, row)
        for row in rows
        if (found := value(row)) is not None and math.isfinite(found)
    ]
    return min(measured, key=lambda each: each[0])[1] if measured else None
