"""The base of all records, and which run a step works for."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """The base of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunContext(Record):
    """Which run a step works for, and as what it is known on either side."""

    pipeline: str
    dag_id: str
    run_id: str = Field(description="Airflow's run id, or any text that names the run.")
    airflow_url: str = Field(default="", description="Page of the DAG run in the Airflow UI.")
    note: str = Field(
        default="",
        max_length=500,
        description="Why you run it; shown in MLflow and in the report.",
        json_schema_extra={"format": "multiline"},
    )
    force: bool = Field(
        default=False,
        title="Recompute",
        description="Compute every table anew, even if one of the same content exists.",
    )
    learning_curve: bool = Field(
        default=False,
        description="Also fit on 5, 10, 25 and 50 % of the training rows, and tell what twice as "
        "many would bring. Takes about as long again as the training; the verdict does not wait "
        "for it.",
    )
    try_number: int = 1
    due: datetime | None = Field(
        default=None, description="When Airflow meant it to run; the same in every try."
    )
    deciding_metric: str = Field(default="", description="The metric that decides promotion.")
    is_backfill: bool = Field(
        default=False, description="Whether it makes up for the past; then it moves no alias."
    )
    triggered_by: str = Field(default="", description="Who or what started it.")
    cause: str = Field(
        default="", description="Why: a person, a schedule, or what an asset's event says."
    )

    @property
    def run_key(self) -> str:
        """The key under which the MLflow run is found again: `<dag_id>/<run_id>`."""
        return f"{self.dag_id}/{self.run_id}"

    @property
    def kind(self) -> str:
        """What the run is for, by the family of its DAG, e.g. `train`."""
        return self.dag_id.partition("__")[0]

    @property
    def experiment(self) -> str:
        """The MLflow experiment: trainings and explorations stand apart from what follows them.

        Example:
            >>> RunContext(pipeline="digits", dag_id="score__digits", run_id="1").experiment
            'digits-score'
        """
        apart = self.kind in {"score", "monitor", "reproduce"}
        return f"{self.pipeline}-{self.kind}" if apart else self.pipeline


class StepCost(Record):
    """What a step took."""

    step: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    start_memory_bytes: int = Field(default=0, description="In use when the step began.")
    is_reused: bool = Field(default=False, description="Its table was there from before.")
    rows: int = 0
    size_bytes: int = 0


class StepFailure(Record):
    """Why a step failed, in the words of its error."""

    step: str
    error: str
