"""What the tests of scoring do: promote, write rows, run the tasks."""

from pathlib import Path

from include.records import Delivery
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.runner import run_step
from include.steps.score.deliver import deliver
from include.steps.score.inputs import find_new_inputs, read_inputs
from include.steps.score.predict import predict_shard
from include.steps.score.shadow import shadow
from include.tracking.aliases import move_champion
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_frame, make_run
from tests.bundle_builders import SmallBundle


def promote_next(small: SmallBundle, name: str, *, after: str | None = None) -> str:
    settings = load_settings()
    log = open_run(settings, make_run(pipeline=name, run_id=f"manual__{name}{after}"))
    uri = small.log_to(log, name, golden=b"")
    version = register_model(
        settings, name, bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
    )
    move_champion(settings, name, version, expected_current=after)
    return version


def write_rows(spec: PipelineSpec, incoming: Path, file: str, rows: int = 40, **changes) -> Path:
    place = incoming / spec.name / file
    place.parent.mkdir(parents=True, exist_ok=True)
    frame = make_frame(rows, seed=rows).drop(columns=["row_id", "repaid"]).assign(**changes)
    frame.to_csv(place, index=False)
    return place


def score(
    spec: PipelineSpec, run_id: str = "one", *, force: bool = False, due: str = "2026-01-05T03:00Z"
) -> Delivery | None:
    """Run the tasks of a scoring run as the DAG does; None if there is nothing new."""
    wanted = spec.to_score()
    family = {"dag_id": f"score__{spec.name}", "run_id": run_id}
    run = make_run(pipeline=spec.name, **family, force=force, due=due)
    version, inputs = find_new_inputs(wanted, is_asked=False, force=force)
    if not inputs:
        return None
    planned = run_step(read_inputs, wanted, run, version=version, inputs=inputs)
    shards = [
        run_step(predict_shard, wanted, run, planned, shard=each) for each in range(planned.shards)
    ]
    delivered = run_step(deliver, wanted, run, planned, shards=shards)
    run_step(shadow, wanted, run, planned)
    return delivered
