"""The points behind the figures of an evaluation: traced by modeling, drawn by reporting."""

from include.records.run import Record


class Confusion(Record):
    """Rows by true class (outer) and predicted class (inner)."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class RocCurve(Record):
    """Share of false alarms and of hits, as the threshold falls."""

    name: str
    false_positive: tuple[float, ...]
    true_positive: tuple[float, ...]
    area: float


class CalibrationBin(Record):
    """Rows whose predicted class had about the same probability."""

    confidence: float
    accuracy: float
    rows: int


class Residuals(Record):
    """Predictions of a regression beside the truth (a sample), and a histogram of errors."""

    actual: tuple[float, ...]
    predicted: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Curves(Record):
    """All points of one evaluation."""

    confusion: Confusion | None = None
    roc: tuple[RocCurve, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    residuals: Residuals | None = None
