"""The points behind the figures of an evaluation: traced by modeling, drawn by reporting."""

from pydantic import Field

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


class PrecisionRecall(Record):
    """Share of true ones among those found, against the share of them that was found."""

    name: str
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    share: float = Field(description="Share of the class among the rows: precision by chance.")
    area: float = Field(description="Average precision.")


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
    precision_recall: PrecisionRecall | None = None
    calibration: tuple[CalibrationBin, ...] = ()
    residuals: Residuals | None = None
