"""The branch of the training DAG that tells whether more data would help."""

from collections.abc import Iterable
from typing import Any

from airflow.sdk import TaskGroup, task

from include.orchestration.tasks import perform, plan_shares, planned_shares
from include.records import CurvePoint, LearningCurve, PrepareRecord, TrainRecord
from include.specs import PipelineSpec


def build_curve(spec: PipelineSpec, prepared: Any, trained: Any) -> Any:
    """Build `plan_curve → fit_share → draw_curve`; `prepare` skips them unless the form asks.

    They are folded into one box, so that a run without them shows none of them. The fits begin
    once the candidate is trained: it is their last point, and does not share its cores with them.
    A share that fails is left out of the curve and fails nothing else.

    Args:
        spec: The pipeline.
        prepared: What `prepare` hands on.
        trained: What `train` hands on.

    Returns:
        What `draw_curve` hands on.
    """
    with TaskGroup("learning_curve", prefix_group_id=False, tooltip="On request"):
        return _build_tasks(spec, prepared, trained)


def _build_tasks(spec: PipelineSpec, prepared: Any, trained: Any) -> Any:
    @task
    def plan_curve(prepared: PrepareRecord) -> list[float]:
        return plan_shares(spec, prepared)

    @task(max_active_tis_per_dagrun=1)  # each fit takes all cores, and memory for its rows
    def fit_share(prepared: PrepareRecord, trained: TrainRecord, share: float) -> CurvePoint:
        from include.steps.fit_share import fit_share as step
        from include.steps.plan_curve import name_fit

        name = name_fit(share)
        return perform(step, spec, prepared, trained, share=share, cost_name=name)

    @task(trigger_rule="all_done_min_one_success")
    def draw_curve(points: Iterable[CurvePoint]) -> LearningCurve:
        from include.steps.draw_curve import draw_curve as step

        return perform(step, spec, points=tuple(points), planned=planned_shares())

    fits = fit_share.partial(prepared=prepared, trained=trained)
    return draw_curve(fits.expand(share=plan_curve(prepared)))
