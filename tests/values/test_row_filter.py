import numpy as np
import pandas as pd
import pytest

from include.errors import IntegrityError
from include.values.row_filter import RowFilter

ROWS = 20_000


def make_numbers(start: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(start, start + ROWS, dtype=np.float64), "y": "a"})


def make_filter() -> RowFilter:
    rows = RowFilter.sized(("x", "y"), ROWS)
    rows.add(rows.hash(make_numbers(0)))
    return RowFilter.from_bytes(rows.to_bytes())


def test_every_row_that_is_in_is_found() -> None:
    assert make_filter().find(make_numbers(0)).all()


def test_of_other_rows_about_three_in_a_thousand_are_found() -> None:
    share = make_filter().find(make_numbers(ROWS)).mean()
    assert 0.001 < share < 0.006


def test_it_takes_a_byte_and_a_half_a_row() -> None:
    assert len(make_filter().to_bytes()) < 1.51 * ROWS


def test_something_else_is_refused() -> None:
    with pytest.raises(IntegrityError, match=r"names of its columns\. Received: b'PK'"):
        RowFilter.from_bytes(b"PK")
