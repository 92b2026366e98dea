"""A champion against the one that it replaced, by labels of the rows that both have scored."""

import logging

import pandas as pd

from include.promotion.dependence import Dependence
from include.promotion.estimates import is_shown
from include.promotion.wording import describe_change
from include.records import WayBack
from include.serving.bundle import read_bundle
from include.settings import Settings
from include.specs import PipelineSpec
from include.steps.evaluate.court import Court
from include.steps.monitor.performance import Scored, join_labels, read_said, tell_dependence
from include.steps.monitor.windows import kept_since
from include.steps.score.receipts import Receipts
from include.tables.store import read_manifest
from include.tracking.aliases import find_replaced
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version

logger = logging.getLogger(__name__)


def hold_against_previous(
    spec: PipelineSpec, settings: Settings, version: str, labels: pd.DataFrame | None
) -> WayBack | None:
    """Tell whether a champion is surely worse than the one before on the rows that both scored.

    Both are measured on the same rows by `promotion.compare`, as in a verdict.

    Args:
        spec: The pipeline; `scoring.shadow` says how much worse is too much.
        settings: Where receipts and models are.
        version: The champion's.
        labels: What `index_labels` gave; None where only rows that hold their target have one.

    Returns:
        None if there is nothing to compare: no version before, no row that both scored, is still
        kept, and whose label has come, or another set of classes.
    """
    previous, since = find_replaced(settings, spec.name, version), kept_since(settings)
    both = [
        each
        for each in Receipts(settings.data, spec.name, version).list_all()
        if previous and each.shadow is not None and each.shadow.version == previous
        if each.scored_at >= since
        if labels is not None or spec.target.column in read_manifest(each.table)["schema"]
    ]
    if not both:
        return None
    schema, before = (
        read_bundle(fetch_version(settings, spec.name, each) / DATA).features
        for each in (version, previous)
    )
    if {*schema.classes} != {*before.classes}:
        return None
    rows, y = join_labels(
        spec, schema, [Scored(each.table, each.predictions) for each in both], labels
    )
    theirs, _ = join_labels(
        spec,
        schema,
        [Scored(each.table, each.shadow.predictions) for each in both if each.shadow],
        labels,
    )
    if not len(y):
        return None
    (ours, names), (other, also) = (read_said(spec, schema, each) for each in (rows, theirs))
    if spec.compare_metric not in {*names} & {*also}:
        return None
    dependence = tell_dependence(spec, rows)
    court = Court(schema, y, dependence or Dependence(), (spec.compare_metric,))
    gap = court.compare(previous, court.measure(ours), other).gaps.get(spec.compare_metric)
    told = f"on {len(y):,} rows with labels version {version} has"
    if gap is None or gap.error is None or dependence is None or len(y) < spec.monitoring.min_rows:
        why = f"{told} too few to be held against version {previous}"
        return WayBack(version=version, previous=previous, goes_back=False, why=why)
    told = f"{told} {describe_change(spec.compare_metric, gap.value, f'version {previous}')}"
    beyond = gap._replace(value=-gap.value - spec.scoring.shadow.tolerance, skew=-gap.skew)
    goes_back = is_shown(beyond, spec.monitoring.alpha)
    why = told if goes_back else f"{told}: not surely worse than what is tolerated"
    logger.info("%s: %s", spec.name, why)
    return WayBack(version=version, previous=previous, goes_back=goes_back, why=why)
