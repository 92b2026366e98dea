"""What a candidate must show to become champion."""

import math
import re
from functools import cached_property
from typing import Literal

from pydantic import Field, field_validator

from include.specs.base import SpecModel


class Requirement(SpecModel):
    """One absolute gate: a test metric and its bound."""

    metric: str
    is_minimum: bool
    bound: float

    def is_met(self, value: float | None) -> bool:
        """Tell whether a metric passes; a missing or NaN one never does.

        Example:
            >>> Requirement(metric="accuracy", is_minimum=True, bound=0.9).is_met(float("nan"))
            False
        """
        if value is None:
            return False
        return value >= self.bound if self.is_minimum else value <= self.bound

    def __str__(self) -> str:
        return f"{self.metric} {'>=' if self.is_minimum else '<='} {self.bound:g}"


class Requirements(SpecModel):
    """Metrics with bounds."""

    require: dict[str, str] = Field(
        default_factory=dict,
        description='Absolute gates on test metrics, e.g. {accuracy: ">= 0.95"}.',
    )

    @field_validator("require")
    @classmethod
    def check_require(cls, value: dict[str, str]) -> dict[str, str]:
        """Refuse bounds that cannot be read."""
        for name, text in value.items():
            parse_requirement(name, text)
        return value

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """The bounds, read."""
        return tuple(parse_requirement(name, text) for name, text in self.require.items())


class PromotionSpec(Requirements):
    """What a candidate must show to become champion."""

    compare: str | None = Field(
        default=None,
        description="Test metric that must beat the champion's; log_loss or rmse unless given.",
    )
    beat_reference: bool = Field(
        default=False,
        description="Whether it must also beat `evaluation.reference` by `compare`; where there "
        "is no such reference, nothing is promoted.",
    )
    gates: Literal["point", "lower"] | None = Field(
        default=None,
        description="What must pass `require` and beat the trivial guesses: the measured value "
        "(point), or the lower end of its interval (lower). Unless given, lower for the first "
        "champion and point for those after it, which must beat a champion.",
    )
    unreadable_champion: Literal["ask", "replace"] = Field(
        default="ask",
        description="When the champion no longer understands the rows (a column renamed, emptied "
        "or recoded): a person decides (ask), or a candidate that passes its gates as a first "
        "champion must replaces it (replace).",
    )
    slice_tolerance: float = Field(
        default=0.0,
        ge=0,
        description="How much worse than the champion a slice may be, in units of `compare`; one "
        "that is surely worse than that keeps the champion.",
    )
    approval: Literal["never", "inconclusive", "always"] = Field(
        default="inconclusive",
        description="When a person decides in the Airflow UI; no answer means no.",
    )
    approval_hours: float = Field(
        default=24,
        gt=0,
        le=365 * 24,
        description="Hours until an unanswered request counts as no; a year at most.",
    )


def parse_requirement(metric: str, text: str) -> Requirement:
    """Read a gate such as `>= 0.95`.

    Raises:
        ValueError: The text is not `>=` or `<=` and a finite number.

    Example:
        >>> str(parse_requirement("accuracy", ">=0.95"))
        'accuracy >= 0.95'
    """
    match = re.fullmatch(r"\s*(>=|<=)\s*(-?\d+(?:\.\d*)?(?:[eE]-?\d+)?)\s*", str(text))
    if match is None:
        raise ValueError(f'a gate is written ">= 0.95" or "<= 0.2". Received: {metric}: {text!r}')
    if not math.isfinite(float(match[2])):
        raise ValueError(f"a gate's bound must be finite. Received: {metric}: {text!r}")
    return Requirement(metric=metric, is_minimum=match[1] == ">=", bound=float(match[2]))
