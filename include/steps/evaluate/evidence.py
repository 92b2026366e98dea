"""The evidence of a verdict: every test metric with its error, rivals, slices, and the tries."""

from collections.abc import Mapping

import pandas as pd

from include.modeling.slices import label_rows
from include.promotion.budget import count_try, digest_predictions, sketch_rows, spend
from include.promotion.estimates import bound
from include.records import Comparison, Evidence, SliceGap, TableRef
from include.specs import PipelineSpec
from include.specs.metrics import METRICS
from include.steps.evaluate.champion import ChampionScores
from include.steps.evaluate.court import Court, Predictions, describe_units
from include.tables.store import read_table
from include.tracking.runs import RunLog
from include.tracking.tries import read_tried_rows, write_tried_rows
from include.values.hashing import hash_table


def gather_evidence(
    spec: PipelineSpec,
    court: Court,
    frame: pd.DataFrame,
    *,
    candidate: Predictions,
    guesses: Mapping[str, Predictions],
    champion: ChampionScores | None,
    cleaning: Mapping[str, int],
    disturbance: str = "",
) -> Evidence:
    """Measure the candidate and its rivals on the same rows, with errors.

    Args:
        spec: The pipeline.
        court: The test rows.
        frame: The test rows as stored, for slices.
        candidate: What the candidate predicts.
        guesses: What guesses without a model predict, by their names.
        champion: What the champion predicts; None without one.
        cleaning: What cleaning did, by action.
        disturbance: What somebody did to the champion's alias by hand.
    """
    ours = court.measure(candidate)
    estimates = {
        name: court.estimate(name, value, ours.influences[name])
        for name, value in ours.metrics.items()
    }
    rivals = tuple(court.compare(name, ours, each) for name, each in guesses.items())
    rows, units = len(court.y), describe_units(court.dependence)
    unpredicted = court.find_unpredicted(candidate)
    rival, theirs = None, None if champion is None else champion.predictions
    fair = None if champion is None else champion.fair
    left_out = 0 if fair is None or theirs is None else int((~fair).sum())
    if fair is not None and theirs is not None and left_out:
        court, frame = court.keep(fair), frame.loc[fair]
        candidate, theirs = candidate[fair], theirs[fair]
        ours = court.measure(candidate)
    if champion is not None and theirs is not None:
        rival = court.compare(f"champion version {champion.version}", ours, theirs)
    return Evidence(
        rows=rows,
        units=units,
        estimates=estimates,
        guesses=rivals,
        champion=rival,
        champion_version="" if champion is None else champion.version,
        champion_error="" if champion is None else champion.error,
        is_unreadable=champion is not None and champion.is_unreadable,
        rows_left_out=left_out,
        slices=_compare_slices(spec, court, frame, candidate=candidate, champion=theirs),
        classes=len(court.schema.classes),
        unpredicted=unpredicted,
        cleaning=dict(cleaning),
        disturbance=disturbance,
        flaw=court.flaw,
    )


def _compare_slices(
    spec: PipelineSpec,
    court: Court,
    frame: pd.DataFrame,
    *,
    candidate: Predictions,
    champion: Predictions | None,
) -> tuple[SliceGap, ...]:
    metric, found = spec.compare_metric, []
    for column in list_slice_columns(spec):
        for value, mask in label_rows(frame[column]).masks():
            rows = int(mask.sum())
            if rows < spec.evaluation.slice_rows:
                continue
            part = court.keep(mask)._replace(names=(metric,), is_slice=True)
            ours = part.measure(candidate[mask])
            rival = None if champion is None else part.compare("", ours, champion[mask])
            found.append(
                SliceGap(
                    column=column,
                    value=value,
                    rows=rows,
                    candidate=ours.metrics.get(metric),
                    gap=rival.gaps.get(metric) if rival else None,
                )
            )
    return tuple(found)


def list_slice_columns(spec: PipelineSpec) -> list[str]:
    """List the columns to slice by; private ones and tensors have no slices."""
    columns = [spec.column_by_name.get(name) for name in spec.evaluation.slices]
    return [
        name
        for name, column in zip(spec.evaluation.slices, columns, strict=True)
        if column is None or (column.private is None and column.kind != "tensor")
    ]


def count_this_try(
    spec: PipelineSpec, log: RunLog, evidence: Evidence, features: TableRef, candidate: Predictions
) -> Evidence:
    """Count this try against the champion on these rows, and write it down where runs share it."""
    if evidence.champion_version and evidence.champion is None:
        return evidence
    version = evidence.champion_version or "none"
    names = [column.name for column in spec.stored_columns]
    sketch = sketch_rows(hash_table(read_table(features, names, "test_rows")))
    known = read_tried_rows(log, version)
    tries, tried = count_try(known, sketch, digest_predictions(candidate))
    write_tried_rows(log, version, tries.rows, tried)
    return evidence.model_copy(update={"tries": tries})


def summarise_comparison(spec: PipelineSpec, evidence: Evidence) -> Comparison | None:
    """Tell the comparison with the champion on the metric that decides; None without one."""
    if not evidence.champion_version and evidence.champion is None:
        return None
    metric, rival = spec.compare_metric, evidence.champion
    gap = rival.gaps.get(metric) if rival else None
    ours = evidence.estimates.get(metric)
    alpha = spend(evidence.tries.number)
    interval = None if gap is None else bound(gap, alpha)
    error = evidence.champion_error
    candidate = ours.value if ours else None
    if rival and gap and evidence.rows_left_out:
        # On the rows that both were measured on.
        sign = 1 if METRICS[metric].is_higher_better else -1
        candidate = rival.metrics[metric] + sign * gap.value
    if gap is None and not error:
        error = f"{metric} cannot be computed on these {evidence.rows} rows"
    return Comparison(
        metric=metric,
        candidate=candidate,
        champion=rival.metrics.get(metric) if rival else None,
        difference=gap.value if gap else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        confidence=1 - 2 * alpha,
        units=evidence.units,
        error=error,
    )


def name_past(lag: int) -> str:
    """Name the guess that nothing has changed since some rows ago.

    Example:
        >>> name_past(1), name_past(24)
        ('the same as the row before', 'the same as 24 rows ago')
    """
    return "the same as the row before" if lag == 1 else f"the same as {lag} rows ago"
