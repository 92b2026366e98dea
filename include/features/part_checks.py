"""What must hold once rows are split: enough of them, no key in two parts, no time out of order.

Which rows train, validate and test is decided in `splits.py`; equal rows are looked for in
`duplicates.py`.
"""

from collections.abc import Mapping

import numpy as np

from include.errors import DataError, LeakageError
from include.features.splits import LEFT_OUT, PART_NAMES, Order, Parts
from include.values.hashing import NULL_HASH, Hashes


def check_parts(
    parts: Parts, *, min_rows: int, counts: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Check that train and test have rows; validation may be empty.

    Args:
        parts: The part of every row.
        min_rows: Fewest rows that may train.
        counts: What cleaning did, by action; the error names what it cost.

    Returns:
        Rows by part.

    Raises:
        DataError: A part has too few rows.
    """
    sizes = {name: int((parts == code).sum()) for name, code in PART_NAMES.items()}
    received = f"Received: {sizes}{_describe_losses(counts or {}, len(parts))}."
    if sizes["train"] < min_rows:
        raise DataError(
            f"expected at least min_rows={min_rows} rows to train. {received} Bring more rows, or "
            "change `cleaning`, `split` or `min_rows`."
        )
    if sizes["test"] == 0:
        raise DataError(
            f"expected rows to test. {received} Raise the third of split.fractions, or bring more "
            "rows."
        )
    return sizes


def check_keys(parts: Parts, keys: Hashes, *, by: str) -> None:
    """Check that no value of `split.by` stands in two parts.

    Raises:
        LeakageError: One does.
    """
    shared = count_shared_keys(parts, keys)
    if shared:
        raise LeakageError(
            f"split.by names {by!r}, so expected each of its values in one part. Received: "
            f"{shared} values in two. Move each to one of the source's files, or split by another "
            "column or method."
        )


def count_shared_keys(parts: Parts, keys: Hashes) -> int:
    """Count the keys that stand in two parts; a missing key stands for nobody.

    Example:
        >>> parts = np.array([0, 0, 2, 2], dtype=np.uint8)
        >>> count_shared_keys(parts, np.array([7, 8, 8, 9], dtype=np.uint64))
        1
    """
    chosen = (parts != LEFT_OUT) & (keys != NULL_HASH)
    order = np.lexsort((parts[chosen], keys[chosen]))
    sorted_keys, sorted_parts = keys[chosen][order], parts[chosen][order]
    is_same = sorted_keys[1:] == sorted_keys[:-1]
    is_crossing = is_same & (sorted_parts[1:] != sorted_parts[:-1])
    return len(np.unique(sorted_keys[1:][is_crossing]))


def check_time_order(parts: Parts, times: Order) -> None:
    """Check that every row of a part comes after all rows of the part before.

    Raises:
        LeakageError: Some do not.
    """
    last = None
    for name, code in PART_NAMES.items():
        moments = times[parts == code]
        if not moments.size:
            continue
        if last is not None and moments.min() <= last:
            raise LeakageError(
                f"expected the {name} rows after all earlier parts. Received: some at or before "
                "the end of the part before. Split by another column."
            )
        last = moments.max()


def check_series_order(parts_in_order: Parts, *, order_by: str, by: str) -> None:
    """Check that fills and lags, which go from row to row in order, never go back to a part.

    Args:
        parts_in_order: The part of every row, in the order of the fills and lags.
        order_by: What orders the rows of fills and lags.
        by: What orders the rows of the split.

    Raises:
        LeakageError: Rows of a later part come before rows of an earlier one.
    """
    placed = parts_in_order[parts_in_order != LEFT_OUT]
    if (placed[1:] < placed[:-1]).any():
        raise LeakageError(
            "expected fills and lags to go from earlier parts of the time split to later ones. "
            f"Received: cleaning.order_by={order_by!r} and split.by={by!r}, which order the rows "
            f"differently. Set `cleaning: {{order_by: {by}}}`."
        )


def _describe_losses(counts: Mapping[str, int], rows: int) -> str:
    losses = [
        f"{count} {name.replace('_', ' ')}"
        for name, count in counts.items()
        if count and name.endswith(("_dropped", "_left_out"))
    ]
    return f" of {rows} rows ({', '.join(losses)})" if losses else ""
