"""Reading what Great Expectations answers: counts, examples, and exceptions as errors."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from include.quality.expectation_classes import build_expectation
from include.quality.gx import ExpectationSuite
from include.quality.rules import Rule
from include.specs.names import ROW_ID

EXAMPLES: Final = 5
EXAMPLE_LENGTH: Final = 60
# Counts only: the engine is asked for no value at all.
COUNTS: Final = {"result_format": "BASIC", "partial_unexpected_count": 0}


class RuleResult(NamedTuple):
    """What an engine found out about one rule; `error` is why it could not find out."""

    is_met: bool
    engine: Literal["sql", "pandas", "reader"]
    unexpected: int = 0
    checked: int = 0
    examples: tuple[str, ...] = ()
    error: str = ""


def validate_rules(batch: Any, rules: Sequence[Rule], result_format: dict[str, Any]) -> list[Any]:
    """Run rules on a batch and return Great Expectations' results in the rules' order."""
    expectations = [build_expectation(rule, number=place) for place, rule in enumerate(rules)]
    suite = ExpectationSuite("rules", expectations=expectations)
    results = batch.validate(suite, result_format=result_format).results
    by_number = {result.expectation_config.meta["number"]: result for result in results}
    return [by_number[place] for place in range(len(rules))]


def read_result(result: Any, engine: Literal["sql", "pandas"], rows: int) -> RuleResult:
    """Read one result.

    Args:
        result: What Great Expectations answered.
        engine: Which engine was asked.
        rows: Rows of the table, for rules that do not count for themselves.
    """
    error = find_exception(result.exception_info)
    if error:
        return RuleResult(False, engine, error=error)
    details = dict(result.result or {})
    elements = details.get("element_count")
    checked = rows if elements is None else elements - (details.get("missing_count") or 0)
    return RuleResult(
        is_met=bool(result.success),
        engine=engine,
        unexpected=details.get("unexpected_count") or 0,
        checked=checked,
        examples=() if result.success else tuple(_examples(details)),
    )


def find_exception(info: Any) -> str:
    """Return the message of the exception in a result, or nothing.

    Great Expectations writes one exception, or one for every metric that raised.
    """
    info = dict(info or {})
    candidates = [info] if "raised_exception" in info else list(info.values())
    for candidate in candidates:
        if isinstance(candidate, dict) and candidate.get("raised_exception"):
            return _first_line(str(candidate.get("exception_message") or "unknown exception"))
    return ""


def format_value(value: Any) -> str:
    r"""Write a value on one line, printable and short; a text stands in quotes.

    Example:
        >>> format_value("two\nlines")
        "'two\\nlines'"
        >>> format_value(0.1 + 0.2)
        '0.3'
    """
    if _is_missing(value):
        return "missing"
    if isinstance(value, float):
        text = f"{value:.12g}"
    elif isinstance(value, datetime):
        text = value.isoformat()
    elif isinstance(value, str):
        text = repr(value[: EXAMPLE_LENGTH + 1])
    else:
        text = str(value)
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= EXAMPLE_LENGTH else f"{text[: EXAMPLE_LENGTH - 1]}…"


def _is_missing(value: Any) -> bool:
    is_nan = isinstance(value, float) and math.isnan(value)
    return value is None or is_nan or str(value) in {"<NA>", "NaT"}


def _examples(details: dict[str, Any]) -> Iterable[str]:
    places = details.get("partial_unexpected_index_list") or []
    values = details.get("partial_unexpected_list") or []
    if not places and not values:
        observed = details.get("observed_value")
        return [] if observed is None else [f"observed: {format_value(observed)}"]
    if not places:
        return [_format_cell(value) for value in values[:EXAMPLES]]
    if isinstance(places[0], dict):
        return [_format_place(dict(place)) for place in places[:EXAMPLES]]
    pairs = zip(values, places, strict=False)
    return [f"{_format_cell(value)} (row {place})" for value, place in list(pairs)[:EXAMPLES]]


def _format_place(place: dict[str, Any]) -> str:
    row = place.pop(ROW_ID, None)
    cell = next(iter(place.values())) if len(place) == 1 else place
    return f"{_format_cell(cell)} (row {row})"


def _format_cell(cell: Any) -> str:
    if isinstance(cell, dict):
        return ", ".join(
            f"{format_value(name)[1:-1]}={format_value(one)}" for name, one in cell.items()
        )
    if isinstance(cell, tuple | list):
        return ", ".join(format_value(one) for one in cell)
    return format_value(cell)


def _first_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = lines[0] if lines else "unknown exception"
    return text if len(text) <= 300 else f"{text[:299]}…"
