"""One table under check: SQL first, pandas for what has no SQL, errors for what has neither."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.quality.pandas_engine import check_frame, find_rows_of_frame, to_frame
from include.quality.results import RuleResult
from include.quality.rules import Rule
from include.quality.sql_engine import ALL_ROWS, SqlEngine
from include.specs.names import ROW_ID
from include.values.duck import quote_name


class TableChecker:
    """Checks rules on a table and takes rows out of it.

    DuckDB does not tell `Age` from `age`; columns that differ by case only are left to pandas.
    """

    def __init__(
        self,
        sql: SqlEngine,
        files: Sequence[str],
        schema: pa.Schema,
        derived: dict[str, tuple[str, str]],
    ) -> None:
        folded = Counter(name.casefold() for name in schema.names)
        self._twins = frozenset(name for name in schema.names if folded[name.casefold()] > 1)
        self._derived = {
            name: fact
            for name, fact in derived.items()
            if fact[0] in schema.names and not {fact[0], name} & self._twins
        }
        self._sql = sql
        self._files = files
        self._moved = np.zeros(0, dtype=np.int64)
        self.columns = frozenset((*schema.names, *self._derived))
        sql.open_rows(files, self._derived)

    @property
    def rows(self) -> int:
        """Rows that have not been moved."""
        return self._sql.rows

    def check(self, rules: Sequence[Rule]) -> list[RuleResult]:
        """Check rules, each in the first engine that can."""
        results: dict[int, RuleResult] = {}
        in_sql = [place for place, rule in enumerate(rules) if self._has_sql(rule)]
        found = self._sql.check([rules[place] for place in in_sql])
        results.update(zip(in_sql, found, strict=True))
        left = [n for n, _ in enumerate(rules) if n not in results or results[n].error]
        for columns, places in self._group(rules, left).items():
            frame = self.read_frame(columns)
            found = check_frame(frame, [rules[place] for place in places])
            results.update(zip(places, found, strict=True))
        return [results[place] for place in range(len(rules))]

    def find_rows(self, rule: Rule, result: RuleResult) -> list[int]:
        """Return the ids of all rows that a rule does not expect."""
        ids: list[int] = []
        if result.engine == "sql":
            ids = self._sql.find_rows(rule, result.unexpected)
        if len(ids) != result.unexpected:
            ids = find_rows_of_frame(self.read_frame(rule.columns), rule)
        return ids

    def move_rows(self, ids: Iterable[int]) -> None:
        """Look past rows from now on."""
        moved = sorted(ids)
        self._moved = np.array(moved, dtype=np.int64)
        self._sql.move_rows(moved)

    def _has_sql(self, rule: Rule) -> bool:
        return self._twins.isdisjoint(rule.columns)

    def _group(
        self, rules: Sequence[Rule], places: Iterable[int]
    ) -> dict[tuple[str, ...], list[int]]:
        """Group rules by the columns they read, so that each column is read once."""
        groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for place in places:
            groups[tuple(sorted(rules[place].columns))].append(place)
        return dict(groups)

    def read_frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """Read columns of the rows that were not moved, from the files."""
        stored = [name for name in columns if name not in self._derived and name in self.columns]
        wanted = list(dict.fromkeys((ROW_ID, *stored)))
        rows = pa.concat_tables([pq.read_table(file, columns=wanted) for file in self._files])
        for name in columns:
            if name in self._derived:
                rows = rows.append_column(name, self._read_derived(name, rows[ROW_ID]))
        if len(self._moved):
            is_moved = pc.is_in(rows[ROW_ID], value_set=pa.array(self._moved))
            rows = rows.filter(pc.invert(is_moved))
        return to_frame(rows)

    def _read_derived(self, name: str, ids: pa.ChunkedArray) -> pa.Array:
        query = f"SELECT {ROW_ID}, {quote_name(name)} FROM {ALL_ROWS}"
        values = dict(self._sql.query(query))
        return pa.array([values[row] for row in ids.to_pylist()], pa.float64())
