"""Evidence as `evaluate` leaves it, for tests of the gates."""

from typing import Any

from include.records import Estimate, Evidence, Rival, SliceGap

ROWS = 400
Pair = tuple[float, float | None]


def sure(value: float, error: float | None = 0.001, units: int = 200) -> Estimate:
    """Make an estimate over many independent rows."""
    return Estimate(value, error, ROWS - 1, 0.0, units)


def make_rival(name: str, gap: Estimate | None, metric: str = "log_loss") -> Rival:
    """Make a rival that the candidate leads by a gap."""
    if gap is None:
        return Rival(name=name, metrics={}, gaps={})
    metrics = {"accuracy": 0.5, metric: 0.2 + gap.value}
    return Rival(name=name, metrics=metrics, gaps={metric: gap})


def make_slice(value: str, gap: Estimate | None = None, candidate: float = 0.2) -> SliceGap:
    """Make a slice of the column `job`."""
    return SliceGap(column="job", value=value, rows=80, candidate=candidate, gap=gap)


def make_evidence(champion: Estimate | None = None, **changes: Any) -> Evidence:
    """Make the evidence of a good candidate; with a champion's gap, against version 3."""
    values: dict[str, Any] = {
        "rows": ROWS,
        "units": "independent rows",
        "estimates": {"accuracy": sure(0.9, 0.015), "log_loss": sure(0.2, 0.02)},
        "guesses": (make_rival("always alike", sure(0.5, 0.02)),),
    }
    if champion is not None:
        values |= {
            "champion": make_rival("champion version 3", champion),
            "champion_version": "3",
        }
    return Evidence.model_validate({**values, **changes})
