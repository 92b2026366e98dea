"""The threshold of a yes that costs least, by what a false yes and a false no cost.

It is chosen on validation rows and told with what it costs on the test rows, which had no say in
it (Elkan 2001, "The Foundations of Cost-Sensitive Learning").
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from include.records.explanations import ThresholdChoice, ThresholdPoint

MAX_POINTS: Final = 200
Floats = npt.NDArray[np.float64]


class Costs(NamedTuple):
    """What a wrong answer costs, in any unit."""

    false_positive: float
    false_negative: float

    def of(self, y: npt.NDArray[Any], scores: Floats, threshold: float) -> float:
        """Give the mean cost of a row if a score of at least `threshold` means yes.

        Example:
            >>> Costs(1, 4).of(np.array([0, 1, 1, 0]), np.array([0.9, 0.2, 0.8, 0.1]), 0.5)
            1.25
        """
        is_yes, is_true = scores >= threshold, np.asarray(y) == 1
        alarms, misses = (is_yes & ~is_true).mean(), (~is_yes & is_true).mean()
        return float(alarms * self.false_positive + misses * self.false_negative)


class Scored(NamedTuple):
    """Rows: 1 where the answer is yes, and the probability of yes."""

    y: npt.NDArray[Any]
    scores: Floats


def choose_threshold(
    validation: Scored, test: Scored, costs: Costs, *, positive: str
) -> ThresholdChoice:
    """Choose the threshold on validation rows and tell what it costs on test rows.

    Args:
        validation: Rows to choose on.
        test: Rows to tell the cost on.
        costs: What a wrong answer costs.
        positive: Name of the class that is a yes.
    """
    thresholds, found = trace_costs(validation, costs)
    best = int(np.argmin(found))
    kept = np.unique(np.linspace(0, len(found) - 1, MAX_POINTS).round().astype(int))
    threshold = float(thresholds[best])
    return ThresholdChoice(
        positive=positive,
        false_positive=costs.false_positive,
        false_negative=costs.false_negative,
        threshold=threshold,
        validation_rows=len(validation.y),
        validation_cost=float(found[best]),
        test_cost=costs.of(*test, threshold),
        half_cost=costs.of(*test, 0.5),
        never_cost=costs.of(*test, np.inf),
        always_cost=costs.of(*test, 0.0),
        points=tuple(
            ThresholdPoint(threshold=float(thresholds[place]), cost=float(found[place]))
            for place in kept
        ),
    )


def trace_costs(rows: Scored, costs: Costs) -> tuple[Floats, Floats]:
    """Give the mean cost at every threshold that tells rows apart, in one pass over sorted scores.

    Thresholds lie halfway between neighbouring scores, so a row close by falls on its own side.

    Returns:
        Thresholds from 0 to 1, and the mean cost of a row at each.
    """
    order = np.argsort(rows.scores, kind="stable")
    scores, is_true = rows.scores[order], np.asarray(rows.y)[order] == 1
    # Before place n everything is answered no.
    misses = np.concatenate([[0], np.cumsum(is_true)])
    alarms = (~is_true).sum() - np.concatenate([[0], np.cumsum(~is_true)])
    edges = np.concatenate([[0.0], (scores[:-1] + scores[1:]) / 2, [1.0]])
    is_apart = np.concatenate([[True], scores[1:] > scores[:-1], [True]])
    total = (alarms * costs.false_positive + misses * costs.false_negative) / max(len(scores), 1)
    return edges[is_apart], np.asarray(total[is_apart], dtype=np.float64)
