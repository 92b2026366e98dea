"""How the target goes with each feature: the points of small charts."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from include.analysis.profiles import MAX_LEVEL_LENGTH
from include.records.analysis import Association, RelationPoint, TargetRelation
from include.specs import PipelineSpec
from include.values.showing import cut_label

SHOWN: Final = 12
BINS: Final = 12
MAX_LEVELS: Final = 10


def relate_target(
    spec: PipelineSpec, frame: pd.DataFrame, associations: Sequence[Association]
) -> tuple[TargetRelation, ...]:
    """Show the target over each of the features that go with it most, strongest first.

    Args:
        spec: Names the target.
        frame: The sample; float64 columns are numbers.
        associations: All pairs, strongest first.
    """
    target = spec.target.column
    pairs = [pair for pair in associations if target in {pair.left, pair.right}]
    values = frame.get(target)
    if values is None or not pairs:
        return ()
    # Chosen once, of all rows: a feature whose gaps leave few of them must not turn it round.
    event = event_of(spec, values) if values.dtype != np.float64 else ""
    is_many = values.dtype != np.float64 and values.nunique() > 2
    relations = []
    for pair in pairs[:SHOWN]:
        feature = pair.right if pair.left == target else pair.left
        both = frame[[feature, target]].dropna()
        relations.append(_relate(both, pair, event=event, is_many=is_many))
    return tuple(relations)


def event_of(spec: PipelineSpec, values: pd.Series) -> str:
    """Choose the class whose share is shown: the positive one, the rarer of two, or the largest."""
    counts = values.dropna().astype("str").value_counts()
    if spec.target.positive in counts.index:
        return str(spec.target.positive)
    return str(counts.index[1] if len(counts) == 2 else counts.index[0])


def _relate(both: pd.DataFrame, pair: Association, *, event: str, is_many: bool) -> TargetRelation:
    feature, target = (str(name) for name in both.columns)
    is_number = both[feature].dtype == np.float64
    if both[target].dtype == np.float64:
        points = _bins(both) if is_number else _levels(both[feature], both[target])
        quantity = f"mean of {target}"
    elif is_number and is_many:
        points = _boxes(both[target], both[feature])
        quantity = f"{feature}: median and quartiles"
    else:
        share = (both[target].astype("str") == event).astype(np.float64)
        points = (
            _bins(both.assign(**{target: share})) if is_number else _levels(both[feature], share)
        )
        quantity = f"share of {target} = {cut_label(event, MAX_LEVEL_LENGTH)}"
    return TargetRelation(
        feature=feature,
        association=pair,
        shape="bars" if not is_number else "boxes" if is_many else "curve",
        quantity=quantity,
        points=points,
    )


def _bins(both: pd.DataFrame) -> tuple[RelationPoint, ...]:
    """Average the target in bins of the feature."""
    feature, target = both.columns
    grouped = both.groupby(_bin_values(both[feature]))
    centres = grouped[feature].median().to_numpy(dtype=np.float64)
    values = grouped[target]
    figures = (values.mean(), values.quantile(0.25), values.quantile(0.75), grouped.size())
    is_share = bool(both[target].isin((0.0, 1.0)).all())
    columns = [figure.to_numpy(dtype=np.float64).tolist() for figure in figures]
    return tuple(
        RelationPoint(label=f"{centre:.6g}", value=mean, rows=int(rows), low=low, high=high)
        if not is_share
        else RelationPoint(label=f"{centre:.6g}", value=mean, rows=int(rows))
        for centre, mean, low, high, rows in zip(centres, *columns, strict=True)
    )


def _bin_values(values: pd.Series) -> pd.Series:
    """Number bins of about equally many rows; equal values share one.

    A value that could fill a bin has one of its own, as have all where they are few.
    """
    rows = values.value_counts().sort_index()
    has_own = rows * BINS >= len(values) if len(rows) > BINS else rows > 0
    before = (rows.cumsum() - rows) * BINS // len(values)
    # Counting its start and its end sets such a value apart from those on either side.
    apart = has_own.cumsum() + has_own.shift(fill_value=False).cumsum()
    return values.map(before + BINS * apart)


def _levels(feature: pd.Series, values: pd.Series) -> tuple[RelationPoint, ...]:
    """Average values by the most frequent levels of a category, highest first."""
    grouped = values.groupby(feature.astype("str"))
    table = pd.DataFrame({"mean": grouped.mean(), "rows": grouped.size()})
    largest = table.nlargest(MAX_LEVELS, "rows").sort_values("mean", ascending=False)
    return tuple(
        RelationPoint(
            label=cut_label(str(level), MAX_LEVEL_LENGTH),
            value=float(row["mean"]),
            rows=int(row["rows"]),
        )
        for level, row in largest.iterrows()
    )


def _boxes(classes: pd.Series, values: pd.Series) -> tuple[RelationPoint, ...]:
    """Take median and quartiles of a number by class."""
    names = classes.astype("str")
    largest = names.value_counts().index[:MAX_LEVELS]
    points = []
    for name in sorted(largest):
        members = values[names == name].to_numpy(dtype=np.float64)
        low, middle, high = (float(q) for q in np.quantile(members, (0.25, 0.5, 0.75)))
        label = cut_label(str(name), MAX_LEVEL_LENGTH)
        points.append(
            RelationPoint(label=label, value=middle, rows=len(members), low=low, high=high)
        )
    return tuple(points)
