"""What people's files hold beside rows: lines of names, joined cells, parts of an old split."""

from typing import Final

import numpy as np
import numpy.typing as npt

from include.drafting.names import is_only
from include.drafting.profile import ColumnProfile, FileProfile

# Fewer cells are joined by chance.
FEWEST_JOINED: Final = 4
# Cells filled by chance lie less evenly: the spread of their distances is near their mean.
EVEN: Final = 0.5
# Columns of the copy that are read at a time: opening it takes longer than reading one.
READ_TOGETHER: Final = 100
PARTS: Final = frozenset(
    [
        *("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"),
        *("holdout", "hold-out", "trn", "tst"),
    ]
)
TRAINING: Final = frozenset(["train", "training", "trn"])
MEASURED: Final = frozenset(
    [
        *("variable", "parameter", "indicator", "metric", "measure", "measurement", "attribute"),
        "property",
    ]
)


def find_repeated_names(profile: FileProfile) -> str:
    """Point out columns whose own names are values of theirs."""
    rows = {
        column.name: count
        for column in profile.columns
        if column.distinct > 1 and (count := _count_own_name(column))
    }
    if len(rows) < 2:
        return ""
    names = ", ".join(repr(name) for name in [*rows][:3])
    return (
        f"CHECK: the names {names} are values as well, in {min(rows.values())} rows or more: lines "
        "of names between the rows (remove them), or a file without one (its columns are column0, "
        "column1, …)"
    )


def _count_own_name(column: ColumnProfile) -> int:
    return column.values.get(column.name, 0) + column.reading.doubtful.get(column.name, 0)


def find_joined_cells(profile: FileProfile) -> dict[str, str]:
    """Point out texts that each stand above empty cells, at even distances from the first row."""
    sparse = {column.key: column for column in profile.columns if _is_sparse(column)}
    keys = list(sparse)
    groups = (keys[at : at + READ_TOGETHER] for at in range(0, len(keys), READ_TOGETHER))
    return {
        sparse[key].name: (
            f"CHECK: {sparse[key].filled} values, each above empty cells, as cells that were "
            "joined are written: if they hold for the rows below, fill them in"
        )
        for group in groups
        for key, places in _list_filled(profile, group).items()
        if _are_joined(places)
    }


def _is_sparse(column: ColumnProfile) -> bool:
    is_text = not (column.is_numeric or column.time or column.array or column.is_nested)
    return is_text and FEWEST_JOINED <= column.filled <= column.rows / 2


def _list_filled(profile: FileProfile, keys: list[str]) -> dict[str, npt.NDArray[np.int64]]:
    masks: dict[str, list[npt.NDArray[np.bool_]]] = {key: [] for key in keys}
    for batch in profile.copy.iter_columns(keys, profile.unfit):
        for key in keys:
            masks[key].append(batch.column(key).is_valid().to_numpy(zero_copy_only=False))
    return {key: np.flatnonzero(np.concatenate(parts)) for key, parts in masks.items()}


def _are_joined(places: npt.NDArray[np.int64]) -> bool:
    steps = np.diff(places)
    is_even = len(steps) and steps.min() >= 2 and steps.std() <= EVEN * steps.mean()
    return bool(is_even and places[0] == 0)


def hint_at_measures(column: ColumnProfile) -> str:
    """Point out a column that says what the number in its row is, as long tables have."""
    if column.distinct < 2 or column.numbers or not is_only(column.name, MEASURED):
        return ""
    return (
        f"CHECK: if each row holds another of {column.distinct} things measured, give each a "
        "column of its own"
    )


def show_old_split(column: ColumnProfile) -> str:
    """Point out a column whose values name parts of a split."""
    values = {text.lower() for text in column.values}
    if len(values) < 2 or not values <= PARTS or not values & TRAINING:
        return ""
    return (
        "CHECK: names parts of a split that was made before; this draft splits anew: to keep it, "
        "give each part a file of its own"
    )
