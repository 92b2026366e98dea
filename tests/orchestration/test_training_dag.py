"""Counts, shapes and policy of the training DAGs."""

import importlib
import itertools
from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

import pytest

from include.orchestration.policies import RETRY_POLICY
from include.orchestration.training_dag import build_training_dag
from include.records import TASKS
from include.specs.loader import load_pipeline_specs
from tests.builders import make_spec

ROOT = Path(__file__).resolve().parents[2]
MAIN = [name for name, task in TASKS.items() if not task.is_on_request]
CURVE = [name for name, task in TASKS.items() if task.is_on_request]


def test_there_is_one_training_dag_for_each_pipeline_file(dag_bag):
    files = list((ROOT / "include" / "pipelines").glob("*.yaml"))
    assert dag_bag.import_errors == {}
    trained = [dag_id for dag_id in dag_bag.dags if dag_id.startswith("train__")]
    assert sorted(trained) == sorted(f"train__{path.stem}" for path in files)


def test_the_tasks_are_those_of_the_table_in_its_order(digits_dag):
    assert MAIN[:4] == ["ingest", "validate", "prepare", "train"]
    assert CURVE == ["plan_curve", "fit_share", "draw_curve"]
    names = [task.task_id for task in digits_dag.topological_sort()]
    assert [name for name in names if name not in CURVE] == MAIN
    assert [name for name in names if name in CURVE] == CURVE


@pytest.mark.parametrize(
    "path", [MAIN, ["prepare", *CURVE, "report"]], ids=["training", "learning curve"]
)
def test_each_task_leads_to_the_next(digits_dag, path):
    for name, following in itertools.pairwise(path):
        assert following in digits_dag.get_task(name).downstream_task_ids


def test_the_verdict_never_waits_for_the_learning_curve(digits_dag):
    for name in ("train", "evaluate", "judge", "approve", "promote"):
        before = digits_dag.get_task(name).get_flat_relative_ids(upstream=True)
        assert not before.intersection(CURVE)


def test_the_learning_curve_waits_for_the_candidate(digits_dag):
    assert "train" in digits_dag.get_task("fit_share").upstream_task_ids
    assert digits_dag.get_task("fit_share").max_active_tis_per_dagrun == 1


def test_no_curve_and_a_curve_with_gaps_leave_the_report_alone(digits_dag):
    assert digits_dag.get_task("draw_curve").trigger_rule == "all_done_min_one_success"
    assert digits_dag.get_task("report").trigger_rule == "none_failed"


def test_nothing_promotes_before_judge_and_approve(digits_dag):
    promote = digits_dag.get_task("promote")
    assert {"judge", "approve"} <= promote.get_flat_relative_ids(upstream=True)
    # `approve` is skipped where nobody is asked; without an answer it needs, `promote` refuses.
    assert promote.trigger_rule == "none_failed"


def test_nothing_trains_before_validate(digits_dag):
    assert "validate" in digits_dag.get_task("train").get_flat_relative_ids(upstream=True)


def test_close_run_is_a_teardown_that_gives_the_run_its_state(digits_dag):
    close_run = digits_dag.get_task("close_run")
    assert close_run.is_teardown
    assert close_run.on_failure_fail_dagrun


def test_every_dag_has_an_owner_tags_docs_and_no_overlap(dag_bag):
    for dag in dag_bag.dags.values():
        assert dag.owner
        assert "gatehouse" in dag.tags
        assert dag.doc_md
        # Runs that wait for an answer do not hold up the one at work.
        may_ask = dag.dag_id.startswith("train__") or dag.dag_id == "rollback"
        assert dag.max_active_runs == (16 if may_ask else 1)
        assert dag.catchup is False


def test_every_task_has_the_policy_that_tells_mistakes_from_outages(digits_dag):
    for task in digits_dag.tasks:
        assert task.retries == 4
        assert task.retry_policy is RETRY_POLICY


def test_every_task_links_to_mlflow(digits_dag):
    for task in digits_dag.tasks:
        assert task.operator_extra_links[0].name == "MLflow run"


def test_the_tasks_that_end_a_run_link_to_its_report(digits_dag):
    linked = {task.task_id for task in digits_dag.tasks if len(task.operator_extra_links) > 1}
    assert linked == {"approve", "promote", "report", "close_run"}


def test_the_learning_curve_is_one_box_until_it_is_opened(digits_dag):
    assert list(digits_dag.task_group_dict["learning_curve"].children) == CURVE


def test_the_page_of_a_dag_leads_to_champion_runs_and_report(digits_dag):
    for place in ("champion", "runs", "report"):
        assert f"](/gatehouse/digits/{place})" in digits_dag.doc_md


def test_an_unanswered_approval_keeps_the_champion(digits_dag):
    approve = digits_dag.get_task("approve")
    assert approve.defaults == ["Do not promote"]
    assert approve.params.dump() == {"reason": None}
    assert approve.response_timeout == timedelta(hours=24)


@pytest.mark.parametrize(
    ("schedule", "is_catchup"),
    [
        (None, False),
        ({"cron": "0 3 * * 1", "timezone": "Europe/Berlin"}, False),
        ({"cron": "0 3 * * *", "catchup_from": "2026-01-01"}, True),
    ],
    ids=["by hand", "cron", "catching up"],
)
def test_the_schedule_is_that_of_the_spec(schedule, is_catchup):
    dag = build_training_dag(make_spec(schedule=schedule))
    assert dag.catchup is is_catchup
    if schedule is None:
        assert dag.schedule is None
    else:
        assert schedule["cron"] in repr(dag.timetable)
    assert (dag.start_date is not None) is is_catchup


def test_a_hundred_pipelines_give_a_hundred_dags(tmp_path: Path):
    text = (ROOT / "include" / "pipelines" / "adult.yaml").read_text(encoding="utf-8")
    for number in range(100):
        renamed = text.replace("name: adult\n", f"name: adult_{number}\n")
        (tmp_path / f"{number}.yaml").write_text(renamed, encoding="utf-8")
    specs = [entry.spec for entry in load_pipeline_specs(tmp_path) if entry.spec]
    assert len({build_training_dag(spec).dag_id for spec in specs}) == 100


def test_every_task_hands_on_the_record_of_the_table():
    for name, task in TASKS.items():
        if task.record is None or name == "plan_curve":  # its shares are mapped over as a list
            continue
        module = importlib.import_module(f"include.steps.{name}")
        assert get_type_hints(getattr(module, name))["return"] is task.record
