"""Whether the champion understands the test rows: its columns are there, with values it knows."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from include.features.categories import IndexEncoder, OneHotEncoder, find_codes
from include.features.preprocessor import Preprocessor

# Of the values that the candidate knows, this share may be new to the champion.
MAX_UNKNOWN: Final = 0.5


def explain_unreadable(champion: Preprocessor, candidate: Preprocessor, rows: pd.DataFrame) -> str:
    """Say what the champion cannot read of rows that the candidate reads; empty if nothing.

    A model fills what is missing and calls unknown what it never saw, row by row and without a
    word. Of a whole column that is no measurement of the model but of what became of the data:
    a column renamed, emptied, or written in other codes.

    Args:
        champion: The champion's fitted preprocessor.
        candidate: The candidate's.
        rows: The test rows as stored.

    Example:
        A champion that reads `job` as `clerk` or `nurse`, given rows with `CLERK` and `NURSE`:
        `column 'job' has other values than it knows in 100 % of the rows, such as 'CLERK'`.
    """
    return "; ".join((*_list_absent(champion, rows), *_list_recoded(champion, candidate, rows)))


def _list_absent(champion: Preprocessor, rows: pd.DataFrame) -> Iterator[str]:
    for name in champion.columns:
        if name not in rows:
            yield f"column {name!r} is not there"
        elif len(rows) and rows[name].isna().all():
            yield f"column {name!r} has no value in any row"


def _list_recoded(
    champion: Preprocessor, candidate: Preprocessor, rows: pd.DataFrame
) -> Iterator[str]:
    known = _list_values(candidate)
    for name, values in _list_values(champion).items():
        if name not in rows:
            continue
        codes, missing = find_codes(rows[name], values, fill=None)
        is_known = ~missing
        if name in known:  # else the candidate reads it as another kind
            is_known &= find_codes(rows[name], known[name], fill=None)[0] >= 0
        is_new = is_known & (codes < 0)
        share = is_new.sum() / max(is_known.sum(), 1)
        if share > MAX_UNKNOWN:
            example = str(rows[name].iloc[int(np.flatnonzero(is_new)[0])])[:40]
            yield (
                f"column {name!r} has other values than it knows in {share:.0%} of the rows, "
                f"such as {example!r}"
            )


def _list_values(preprocessor: Preprocessor) -> dict[str, tuple[str, ...]]:
    return {
        each.column: each.values  # noqa: PD011 - a field of the encoder
        for each in (*preprocessor.dense, *preprocessor.inputs)
        if isinstance(each, OneHotEncoder | IndexEncoder)
    }
