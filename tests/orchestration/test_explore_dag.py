"""Counts, shapes and policy of the exploring DAGs."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_there_is_one_exploring_dag_for_each_pipeline_file(dag_bag):
    files = (ROOT / "include" / "pipelines").glob("*.yaml")
    explored = [dag_id for dag_id in dag_bag.dags if dag_id.startswith("explore__")]
    assert sorted(explored) == sorted(f"explore__{path.stem}" for path in files)


def test_it_reads_and_tells_and_runs_only_by_hand(dag_bag):
    dag = dag_bag.dags["explore__digits"]
    assert [task.task_id for task in dag.topological_sort()] == ["ingest", "explore", "close_run"]
    assert dag.get_task("close_run").is_teardown
    assert dag.schedule is None
    assert set(dag.params) == {"row_limit", "force", "note"}
