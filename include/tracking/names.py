"""What runs, metrics and tags are called in MLflow; every name of a metric is made here.

MLflow folds metrics by what stands before a slash, and sorts them by their letters.
"""

import posixpath
import re
import zlib
from collections.abc import Mapping
from typing import Final, Literal

MAX_NAME: Final = 240
# fmt: off
MetricGroup = Literal[
    "test", "validation", "train", "champion", "baseline", "persistence", "reference", "comparison",
    "data", "cost", "learning_curve",
]
# fmt: on
# Without it MLflow's pages open as those of generative AI.
MODE: Final = "workflowType=machine_learning"
# The key of the view of a pipeline's runs that all share.
VIEW_KEY: Final = "gatehouse"
RUNNING: Final = "running"
WAITS: Final = "waits"


def entity_name(name: str) -> str:
    """Write a name of a metric, parameter or tag with the characters that MLflow allows.

    A name that had to change ends in a checksum of the original, so that two of them never fall
    together and the same one is the same in every run.

    Example:
        >>> entity_name("test/accuracy")
        'test/accuracy'
        >>> entity_name("accuracy sex=<b>")
        'accuracy sex__b_ 4cba34d3'
    """
    allowed = re.sub(r"[^/\w.\- :]", "_", name, flags=re.ASCII)
    path = posixpath.normpath(allowed[:MAX_NAME]).lstrip("/.") or "_"
    if path == name:
        return name
    return f"{path} {zlib.crc32(name.encode('utf-8', 'replace')):08x}"


def in_group(group: MetricGroup, metrics: Mapping[str, float]) -> dict[str, float]:
    """Name metrics as MLflow shows them: of a model, of the data, of what a step cost.

    Example:
        >>> in_group("test", {"accuracy": 0.9})
        {'test/accuracy': 0.9}
    """
    return {f"{group}/{name}": float(value) for name, value in metrics.items()}


def epoch_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Name what Keras says of an epoch; of the validation rows too, to be drawn side by side.

    Example:
        >>> epoch_metrics({"loss": 0.5, "val_loss": 0.6})
        {'train/loss': 0.5, 'train/validation_loss': 0.6}
    """
    return in_group("train", {re.sub("^val_", "validation_", k): v for k, v in metrics.items()})


def deciding_name(metric: str) -> str:
    """Name the test metric that decides once more, so that it sorts before all others.

    Example:
        >>> sorted(["test/accuracy", "baseline/log_loss", deciding_name("log_loss")])[0]
        'Deciding: log_loss'
    """
    return f"Deciding: {metric}"


def retitle(name: str, state: str, metric: str = "", value: float | None = None) -> str:
    """Name a run by its number and how it stands, told in the few letters that MLflow shows.

    A name that a person gave stays.

    Example:
        >>> retitle("#12 running", "promoted", "log_loss", 0.08123)
        '#12 promoted 0.08123 log_loss'
        >>> retitle("my best", "failed")
        'my best'
    """
    number = name.partition(" ")[0]
    if not re.fullmatch(r"#\d+", number):
        return name
    return f"{number} {state}" + (f" {value:.4g} {metric}" if value is not None else "")
