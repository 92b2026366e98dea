"""Rules in SQL: a yes or no for all at once, counts and examples for those that fail."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from include.quality.column_ranges import ask_for_ranges, is_provable, prove, read_ranges
from include.quality.duckdb_engine import open_datasource
from include.quality.results import (
    COUNTS,
    EXAMPLES,
    RuleResult,
    find_exception,
    read_result,
    validate_rules,
)
from include.quality.rules import Rule
from include.quality.screening import (
    YES_OR_NO,
    build_screen,
    count_nulls,
    has_known_counts,
    skipped_missing,
)
from include.specs.names import ROW_ID
from include.values.duck import parquet_scan, quote_name

ALL_ROWS: Final = "gate_rows"
KEPT_ROWS: Final = "gate_kept_rows"
MOVED: Final = "gate_moved"
STATISTICS: Final = {"min": "list_min", "max": "list_max", "mean": "list_avg", "sum": "list_sum"}


class SqlEngine:
    """Checks rules on the rows of Parquet files, less those that were moved away."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._engine = source.get_execution_engine()
        self._batch: Any = None
        self._view = ALL_ROWS
        self._rows = 0
        self._nulls: dict[str, int] = {}

    def open_rows(self, files: Sequence[str], derived: dict[str, tuple[str, str]]) -> None:
        """Look at files of the same columns as one table.

        Args:
            files: Local Parquet files.
            derived: Columns to add: name to tensor column and statistic (min, max, mean, sum).
        """
        self.execute("SET TimeZone = 'UTC'")
        added = "".join(
            f", {_fact_of_tensor(tensor, fact)} AS {quote_name(name)}"
            for name, (tensor, fact) in derived.items()
        )
        self.execute(f"CREATE VIEW {ALL_ROWS} AS SELECT *{added} FROM {parquet_scan(list(files))}")
        self.execute(f"CREATE TABLE {MOVED} ({ROW_ID} BIGINT)")
        self._look_at(ALL_ROWS)
        self._nulls = count_nulls(files)

    @property
    def rows(self) -> int:
        """Rows that are looked at."""
        return self._rows

    def execute(self, statement: str) -> Any:
        """Run a statement of our own on the connection that the expectations use."""
        return self._engine.execute_query_in_transaction(_literal(statement))

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a query of our own and fetch its rows."""
        return [tuple(row) for row in self._engine.execute_query(_literal(statement)).fetchall()]

    def check(self, rules: Sequence[Rule]) -> list[RuleResult]:
        """Check rules: a yes or no for all in few queries, counts and examples where they fail."""
        if not rules:
            return []
        found = self._prove(rules)
        left = [place for place in range(len(rules)) if place not in found]
        screened = self._screen([rules[place] for place in left])
        found.update((left[place], result) for place, result in screened.items())
        left = [place for place in left if place not in found]
        counted = self._count([rules[place] for place in left])
        found.update(zip(left, counted, strict=True))
        return [found[place] for place in range(len(rules))]

    def _prove(self, rules: Sequence[Rule]) -> dict[int, RuleResult]:
        """Find the rules that the ranges of their columns prove, with one query for all."""
        places = [place for place, rule in enumerate(rules) if is_provable(rule)]
        if not places:
            return {}
        asked = ask_for_ranges([rules[place] for place in places])
        (answer,) = validate_rules(self._batch, [asked], COUNTS)
        if find_exception(answer.exception_info):
            return {}
        rows, ranges = read_ranges(asked, answer.result["observed_value"])
        proven = {place: prove(rules[place], rows, ranges) for place in places}
        return {place: result for place, result in proven.items() if result is not None}

    def _screen(self, rules: Sequence[Rule]) -> dict[int, RuleResult]:
        """Find the rules that hold and of which nothing needs to be counted."""
        if not rules:
            return {}
        answers = validate_rules(self._batch, [build_screen(rule) for rule in rules], YES_OR_NO)
        places = [
            place
            for place, (rule, answer) in enumerate(zip(rules, answers, strict=True))
            if answer.success and has_known_counts(rule)
        ]
        columns = {place: skipped_missing(rules[place]) for place in places}
        present = self._count_present({name for name in columns.values() if name is not None})
        return {
            place: RuleResult(True, "sql", checked=self._rows if name is None else present[name])
            for place, name in columns.items()
        }

    def _count_present(self, columns: set[str]) -> dict[str, int]:
        """Count the values that are not missing, from the footers where they tell."""
        known = {name: self._rows - self._nulls[name] for name in columns & set(self._nulls)}
        names = sorted(columns - set(known))
        if not names:
            return known
        counts = ", ".join(f"count({quote_name(name)})" for name in names)
        (row,) = self.query(f"SELECT {counts} FROM {self._view}")
        return {**known, **dict(zip(names, row, strict=True))}

    def _count(self, rules: Sequence[Rule]) -> list[RuleResult]:
        if not rules:
            return []
        results = validate_rules(self._batch, rules, COUNTS)
        read = [read_result(result, "sql", self._rows) for result in results]
        failed = [place for place, one in enumerate(read) if not one.is_met and not one.error]
        shown = [place for place in failed if not rules[place].is_private]
        for place, result in zip(shown, self._explain([rules[n] for n in shown]), strict=True):
            if not result.error:
                read[place] = result
        return read

    def find_rows(self, rule: Rule, limit: int) -> list[int]:
        """Return the ids of the rows that a rule does not expect, at most `limit`."""
        wanted = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": limit,
            "unexpected_index_column_names": [ROW_ID],
            "exclude_unexpected_values": True,
        }
        (result,) = validate_rules(self._batch, [rule], wanted)
        places = dict(result.result or {}).get("partial_unexpected_index_list") or []
        # Without values, the ids come as one list.
        return [int(row) for place in places for row in place[ROW_ID]]

    def move_rows(self, ids: Sequence[int]) -> None:
        """Look past these rows from now on."""
        with NamedTemporaryFile(suffix=".parquet") as file:
            pq.write_table(pa.table({ROW_ID: pa.array(ids, pa.int64())}), file.name)
            self.execute(f"INSERT INTO {MOVED} SELECT * FROM {parquet_scan([file.name])}")
        self.execute(
            f"CREATE OR REPLACE VIEW {KEPT_ROWS} AS "
            f"SELECT * FROM {ALL_ROWS} ANTI JOIN {MOVED} USING ({ROW_ID})"
        )
        self._look_at(KEPT_ROWS)
        self._nulls = {}

    def _look_at(self, view: str) -> None:
        self._view = view
        asset = self._source.add_table_asset(view, table_name=view)
        self._batch = asset.add_batch_definition_whole_table("all").get_batch()
        self._rows = int(self.query(f"SELECT count(*) FROM {view}")[0][0])

    def _explain(self, rules: Sequence[Rule]) -> list[RuleResult]:
        if not rules:
            return []
        wanted = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": EXAMPLES,
            "unexpected_index_column_names": [ROW_ID],
        }
        results = validate_rules(self._batch, rules, wanted)
        return [read_result(result, "sql", self._rows) for result in results]


@contextmanager
def open_sql_engine(*, memory_mb: int = 512, threads: int = 2) -> Iterator[SqlEngine]:
    """Open an engine on a database of its own.

    Args:
        memory_mb: Memory that DuckDB may hold before it spills, in megabytes.
        threads: Worker threads.
    """
    with open_datasource(memory_mb=memory_mb, threads=threads) as source:
        yield SqlEngine(source)


def _fact_of_tensor(tensor: str, fact: str) -> str:
    """Write a number of a tensor as SQL; where it holds a NaN the number is infinite.

    NaN is a missing value to pandas and larger than everything to DuckDB; infinity is the same
    to both, and no range holds it.
    """
    value = f"{STATISTICS[fact]}({quote_name(tensor)})::DOUBLE"
    return f"CASE WHEN isnan({value}) THEN 'inf'::DOUBLE ELSE {value} END"


def _literal(statement: str) -> Any:
    """Keep SQLAlchemy from seeing parameters in names such as `a:b`."""
    return sa.text(statement.replace("\\", "\\\\").replace(":", "\\:"))
