"""Airflow DAG: `maintain`, which closes what was left open and removes what nobody needs.

close_left_runs → clean → trim_history → doctor
"""

from include.orchestration.maintain_dag import build_maintain_dag

maintain = build_maintain_dag()
