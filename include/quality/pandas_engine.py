"""Expectations on a pandas frame: for the few rules that have no SQL, on their columns only."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from include.quality.gx import open_context
from include.quality.results import COUNTS, EXAMPLES, RuleResult, read_result, validate_rules
from include.quality.rules import Rule
from include.specs.names import ROW_ID

DTYPES: Final = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype("pyarrow", na_value=np.nan),
}
# The largest of the whole numbers that float64 tells from its neighbours.
EXACT: Final = 2**53
SUMMARY: Final = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}


def to_frame(rows: pa.Table) -> pd.DataFrame:
    """Convert rows to a frame whose index is `row_id`, with nullable integers and booleans."""
    frame: pd.DataFrame = rows.to_pandas(types_mapper=DTYPES.get)
    frame.index = pd.Index(frame[ROW_ID].to_numpy(dtype="int64"))
    return frame


def check_frame(frame: pd.DataFrame, rules: Sequence[Rule]) -> list[RuleResult]:
    """Check rules on a frame: counts first, examples for those that fail.

    Args:
        frame: Rows with the index `row_id`, holding at least the rules' columns.
        rules: What to check.
    """
    several = [place for place, rule in enumerate(rules) if rule.is_over_several]
    single = [place for place in range(len(rules)) if place not in several]
    found = dict(zip(single, _check(frame, [rules[place] for place in single]), strict=True))
    if several:
        compared = _check(make_comparable(frame), [rules[place] for place in several])
        found.update(zip(several, compared, strict=True))
    return [found[place] for place in range(len(rules))]


def make_comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """Write nullable integers and booleans with gaps as floats, if those hold them exactly.

    A comparison with `NA` is `NA`, which Great Expectations cannot count; one with NaN is false.
    """
    with_gaps = [
        name
        for name, column in frame.items()
        if isinstance(column.dtype, pd.Int64Dtype | pd.BooleanDtype) and column.isna().any()
    ]
    exact = [name for name in with_gaps if _is_exact(frame[name])]
    return frame.astype(dict.fromkeys(exact, "float64"))


def _is_exact(column: pd.Series) -> bool:
    return bool((column.dropna().astype("int64").abs() <= EXACT).all())


def _check(frame: pd.DataFrame, rules: Sequence[Rule]) -> list[RuleResult]:
    if not rules:
        return []
    batch = _open_batch(frame)
    read = []
    for rule, result in zip(rules, validate_rules(batch, rules, COUNTS), strict=True):
        counted = read_result(result, "pandas", len(frame))
        if not counted.is_met and not counted.error and not rule.is_private:
            (explained,) = validate_rules(batch, [rule], SUMMARY)
            counted = read_result(explained, "pandas", len(frame))
        read.append(counted)
    return read


def find_rows_of_frame(frame: pd.DataFrame, rule: Rule) -> list[int]:
    """Return the ids of the rows that a rule does not expect."""
    wanted = {"result_format": "COMPLETE", "exclude_unexpected_values": True}
    rows = make_comparable(frame) if rule.is_over_several else frame
    (result,) = validate_rules(_open_batch(rows), [rule], wanted)
    return [int(place) for place in dict(result.result or {}).get("unexpected_index_list") or []]


def _open_batch(frame: pd.DataFrame) -> Any:
    asset = open_context().data_sources.add_pandas("frame").add_dataframe_asset("rows")
    definition = asset.add_batch_definition_whole_dataframe("all")
    return definition.get_batch({"dataframe": frame})
