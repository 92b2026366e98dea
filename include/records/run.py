"""The base of all records, and which run a step works for."""

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
    note: str = Field(default="", description="What the person who triggered it wrote.")
    force: bool = Field(default=False, description="Recompute tables that could be reused.")
    learning_curve: bool = Field(
        default=False, description="Fit on shares of the training rows as well."
    )
    try_number: int = 1

    @property
    def run_key(self) -> str:
        """The key under which the MLflow run is found again: `<dag_id>/<run_id>`."""
        return f"{self.dag_id}/{self.run_id}"


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
