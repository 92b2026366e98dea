"""Rows at rest in, rows of predictions out, batch by batch in bounded memory."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pydantic import Field

from include.errors import DataError, ParamError
from include.records import Record
from include.specs.names import ROW_ID
from include.tracking.signatures import PREDICTION, PROBABILITY

if TYPE_CHECKING:
    import pandas as pd

    from include.serving.scoring_model import ScoringModel

INPUT: Final = "input"
VERSION: Final = "model_version"
SCORED_AT: Final = "scored_at"
EXPLANATION: Final = "explanation"
MAX_NAMED: Final = 3
# A regression that answers further away than this has met rows of another kind.
FAR: Final = 10.0


class PredictionSummary(Record):
    """What a stretch of predictions looks like, in bounded form."""

    rows: int = 0
    far: int = Field(
        default=0, description="Regression: beyond ten deviations from the training rows' mean."
    )
    classes: dict[str, int] = Field(default_factory=dict, description="Rows by predicted class.")
    total: float = Field(default=0.0, description="Regression: sum of the predictions.")

    def add(self, other: "PredictionSummary") -> "PredictionSummary":
        """Put two stretches together."""
        return PredictionSummary(
            rows=self.rows + other.rows,
            far=self.far + other.far,
            classes=dict(Counter(self.classes) + Counter(other.classes)),
            total=self.total + other.total,
        )

    def rank_classes(self) -> list[tuple[str, int]]:
        """List the predicted classes with their rows, the most common first."""
        return sorted(self.classes.items(), key=lambda one: (-one[1], one[0]))


class BatchScorer:
    """Predicts frames of stored rows, and sums up what it predicted."""

    def __init__(
        self,
        model: "ScoringModel",
        *,
        version: str,
        names: Sequence[str] = (),
        probabilities: bool = True,
        explanations: bool = False,
    ) -> None:
        """Take a model.

        Args:
            model: The model.
            version: Its version.
            names: Columns that name a row, copied beside its prediction.
            probabilities: Whether the probability of every class is written.
            explanations: Whether what adds most to each prediction is written.

        Raises:
            ParamError: A column that names a row has the name of a column of predictions.
        """
        own = {INPUT, ROW_ID, PREDICTION, VERSION, SCORED_AT, EXPLANATION}
        taken = [each for each in names if each in own or each.startswith(PROBABILITY)]
        if taken:
            raise ParamError(
                f"columns that name a row must not be called like those of predictions. Received: "
                f"{taken}. Set scoring.key to others, or rename them in the source."
            )
        self._model = model
        self._version = version
        self._names = tuple(names)
        self._probabilities, self._explanations = probabilities, explanations
        self.summary = PredictionSummary()

    def score(
        self, frames: Iterable["pd.DataFrame"], *, source: str, scored_at: datetime
    ) -> Iterator[pa.Table]:
        """Predict frames.

        Args:
            frames: Stored rows with `row_id`, the names and what the model asks for.
            source: Name of the input that they come from.
            scored_at: The time to write beside every row.

        Yields:
            Tables of `input`, `row_id`, the names, `prediction`, `probability_<class>`, if asked
            for `explanation`, `model_version` and `scored_at`.

        Raises:
            DataError: The model gives no finite number for a row.
            SchemaError: A column is missing, or holds values of another kind.
        """
        for frame in frames:
            answer = self._model.predict_stored(frame)
            self._check(frame, answer)
            size = len(frame)
            kept = [name for name in answer if self._probabilities or name == PREDICTION]
            columns = {
                INPUT: pa.repeat(source, size),
                **{name: pa.array(frame[name]) for name in (ROW_ID, *self._names)},
                **{str(name): pa.array(answer[name], from_pandas=True) for name in kept},
                **({EXPLANATION: self._explain(frame)} if self._explanations else {}),
                VERSION: pa.repeat(int(self._version), size),
                SCORED_AT: pa.repeat(pa.scalar(scored_at, pa.timestamp("us", tz="UTC")), size),
            }
            yield pa.table(columns)

    def _explain(self, frame: "pd.DataFrame") -> list[str]:
        """Name what adds most to each answer, and how much; no value of a row."""
        return [
            "; ".join(f"{each.column} {each.amount:+.3g}" for each in row.attributions[:MAX_NAMED])
            for row in self._model.explainer.explain(frame)
        ]

    def _check(self, frame: "pd.DataFrame", answer: "pd.DataFrame") -> None:
        numbers = answer.select_dtypes("number").to_numpy(dtype=np.float64)
        wrong = ~np.isfinite(numbers).all(axis=1)
        if wrong.any():
            first = frame[ROW_ID].iloc[int(np.flatnonzero(wrong)[0])]
            raise DataError(
                f"version {self._version} must give a finite number for every row. Received: none "
                f"for {int(wrong.sum()):,} rows, the first of them row {first}. Nothing of this "
                "input was delivered; go back to the version before, and look at these rows."
            )
        schema = self._model.bundle.features
        seen = PredictionSummary(rows=len(frame))
        if schema.task == "regression":
            distance = np.abs(numbers[:, 0] - schema.target_mean)
            far = int((distance > FAR * max(schema.target_std, 1e-12)).sum())
            seen = seen.model_copy(update={"far": far, "total": float(numbers[:, 0].sum())})
        else:
            counts = answer[PREDICTION].value_counts()
            seen = seen.model_copy(
                update={"classes": {str(name): int(n) for name, n in counts.items()}}
            )
        self.summary = self.summary.add(seen)
