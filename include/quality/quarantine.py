"""Rows that break a rule but need not stop the run: found, moved away, and counted."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from include.quality.checker import TableChecker
from include.quality.results import RuleResult
from include.quality.rules import Rule
from include.records import RuleOutcome
from include.specs.names import ROW_ID

Checked = tuple[Rule, RuleResult]
# The ids of moved rows are held in memory.
MAX_MOVED: Final = 1_000_000
MOVED_SCHEMA: Final = pa.schema(
    [(ROW_ID, pa.int64()), ("rule", pa.string()), ("column", pa.string()), ("reason", pa.string())]
)


class Quarantine:
    """The rows that rules marked `quarantine` move out of a table.

    A rule that holds, be it thanks to `mostly`, moves nothing: what it tolerates stays. A rule
    that fails moves every row that breaks it, unless those are more than are allowed.
    """

    def __init__(self, checker: TableChecker, *, limit: float, rejected: int) -> None:
        """Begin with the rows that could not even be read.

        Args:
            checker: The table.
            limit: Largest share of rows that may go to quarantine.
            rejected: Rows of the source that went there before.
        """
        self.rows = checker.rows
        self.untouched: list[Checked] = []
        self.moved_by: list[Checked] = []
        self._checker = checker
        self._limit = limit
        self._rejected = rejected
        self._reasons: dict[int, list[Rule]] = defaultdict(list)
        self._overflow = 0

    @property
    def count(self) -> int:
        """Rows in quarantine, those that could not be read included."""
        return len(self._reasons) + self._rejected

    def fill(self, rules: Sequence[Rule]) -> None:
        """Check rules and move the rows that fail them."""
        allowed = self._count_allowed()
        for rule, result in zip(rules, self._checker.check(rules), strict=True):
            if result.is_met or result.error or not result.unexpected:
                self.untouched.append((rule, result))
            elif result.unexpected > allowed:
                self._overflow = max(self._overflow, result.unexpected)
                self.untouched.append((rule, result))
            else:
                self._move(rule, result)
        if self._reasons:
            self._checker.move_rows(self._reasons)

    def list_moved(self) -> pa.Table:
        """List the moved rows in the order of their ids, each with the rules it failed."""
        ids = sorted(self._reasons)
        rules = [self._reasons[row] for row in ids]
        columns = [
            pa.array(ids, pa.int64()),
            pa.array(["; ".join(dict.fromkeys(rule.name for rule in one)) for one in rules]),
            pa.array(["; ".join(dict.fromkeys(rule.subject for rule in one)) for one in rules]),
            pa.array(["; ".join(f"expected {rule.expected}" for rule in one) for one in rules]),
        ]
        arrays = [
            column.cast(kind) for column, kind in zip(columns, MOVED_SCHEMA.types, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=MOVED_SCHEMA)

    def judge(self) -> RuleOutcome | None:
        """Tell whether the quarantine holds more rows than it may; None if nothing asked for it."""
        unexpected = max(len(self._reasons), self._overflow) + self._rejected
        if not unexpected:
            return None
        total = self.rows + self._rejected
        return RuleOutcome(
            rule="quarantine_limit",
            severity="critical",
            is_met=not self._overflow and unexpected <= self._limit * total + 1e-9,
            engine="reader",
            unexpected=unexpected,
            checked=total,
            advice=(
                f"Expected at most {self._limit:.4g} of the rows in quarantine, "
                f"{self._rejected:,} of which could not be read. "
                "Correct the source, or raise `quarantine_limit`."
            ),
        )

    def _count_allowed(self) -> int:
        total = self.rows + self._rejected
        allowed = math.floor(self._limit * total + 1e-9) - self._rejected
        return min(max(0, allowed), MAX_MOVED)

    def _move(self, rule: Rule, result: RuleResult) -> None:
        ids = self._checker.find_rows(rule, result)
        if len(ids) != result.unexpected:
            error = f"{result.unexpected} rows fail it, and {len(ids)} could be found to move"
            self.untouched.append((rule, result._replace(error=error, engine="reader")))
            return
        self.moved_by.append((rule, result))
        for row in ids:
            self._reasons[row].append(rule)
