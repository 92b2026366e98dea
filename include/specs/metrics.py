"""The metrics a spec may name: their task and the direction that is better.

Their computation lives in `include.modeling.metrics`.
"""

from typing import Final, Literal, NamedTuple

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
