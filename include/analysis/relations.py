"""How the target goes with each feature: the points of small charts."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd

from include.analysis.profiles import shorten
from include.records.analysis import Association, RelationPoint, TargetRelation
from include.specs import PipelineSpec

SHOWN: Final = 12
BINS: Final = 12
MOSTLY_ONE: Final = 1 / 3
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
    relations = []
    for pair in pairs[:SHOWN]:
        feature = pair.right if pair.left == target else pair.left
        both = frame[[feature, target]].dropna()
        relations.append(_relate(spec, both, pair))
    return tuple(relations)


def event_of(spec: PipelineSpec, values: pd.Series) -> str:
    """Choose the class whose share is shown: the positive one, the rarer of two, or the largest."""
    counts = values.dropna().astype("str").value_counts()
    if spec.target.positive in counts.index:
        return str(spec.target.positive)
    return str(counts.index[1] if len(counts) == 2 else counts.index[0])


def _relate(spec: PipelineSpec, both: pd.DataFrame, pair: Association) -> TargetRelation:
    feature, target = (str(name) for name in both.columns)
    is_number = both[feature].dtype == np.float64
    if both[target].dtype == np.float64:
        points = _bins(both) if is_number else _levels(both[feature], both[target])
        quantity = f"mean of {target}"
    elif is_number and both[target].nunique() > 2:
        points = _boxes(both[target], both[feature])
        quantity = f"{feature}: median and quartiles"
    else:
        event = event_of(spec, both[target])
        share = (both[target].astype("str") == event).astype(np.float64)
        points = (
            _bins(both.assign(**{target: share})) if is_number else _levels(both[feature], share)
        )
        quantity = f"share of {target} = {shorten(event)}"
    return TargetRelation(
        feature=feature,
        association=pair,
        shape=_choose_shape(both),
        quantity=quantity,
        points=points,
    )


def _choose_shape(both: pd.DataFrame) -> Literal["curve", "bars", "boxes"]:
    feature, target = both.columns
    if both[feature].dtype != np.float64:
        return "bars"
    is_line = both[target].dtype == np.float64 or both[target].nunique() <= 2
    return "curve" if is_line else "boxes"


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
    """Number bins of equally many rows; a value that fills a third of them has its own bin."""
    common = values.mode().iloc[0]
    is_common = values == common
    if is_common.mean() < MOSTLY_ONE:
        return pd.qcut(values, BINS, labels=False, duplicates="drop")
    rest = values[~is_common]
    bins = pd.Series(0.0, index=values.index)
    if len(rest):
        # Half numbers on either side keep the order of values around the common one.
        cut = pd.qcut(rest, BINS // 2, labels=False, duplicates="drop").astype(np.float64)
        bins.loc[rest.index] = cut + np.where(rest > common, 0.5, -BINS)
    return bins


def _levels(feature: pd.Series, values: pd.Series) -> tuple[RelationPoint, ...]:
    """Average values by the most frequent levels of a category, highest first."""
    grouped = values.groupby(feature.astype("str"))
    table = pd.DataFrame({"mean": grouped.mean(), "rows": grouped.size()})
    largest = table.nlargest(MAX_LEVELS, "rows").sort_values("mean", ascending=False)
    return tuple(
        RelationPoint(label=shorten(str(level)), value=float(row["mean"]), rows=int(row["rows"]))
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
        label = shorten(str(name))
        points.append(
            RelationPoint(label=label, value=middle, rows=len(members), low=low, high=high)
        )
    return tuple(points)
