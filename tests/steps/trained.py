"""A candidate as the steps before `evaluate` leave it, and a way to make it champion."""

from typing import Any

import pandas as pd

from include.records import EvaluateRecord, PrepareRecord, RunContext, TrainRecord
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.evaluate import evaluate
from include.steps.train import train
from include.tables.run_files import RunFiles
from include.tracking.aliases import move_champion
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_frame, make_run, make_spec
from tests.steps.prepared import prepare_rows


def make_named_spec(name: str, **changes: Any) -> PipelineSpec:
    """Build a spec under a name of its own, so that no other test's champion gets in its way."""
    values = {
        "training": {"epochs": 20, "learning_rate": 0.01, "early_stopping": None},
        "model": {"hidden": [8]},
        "evaluation": {"slices": ["job", "age"]},
        **changes,
    }
    return make_spec(name=name, **values)


class Trained:
    """A spec, a run, and what the steps before `evaluate` handed on."""

    def __init__(
        self, spec: PipelineSpec, run_id: str = "run", frame: pd.DataFrame | None = None
    ) -> None:
        self.spec = spec
        self.run: RunContext = make_run(
            pipeline=spec.name, dag_id=f"train__{spec.name}", run_id=run_id
        )
        self.prepared: PrepareRecord = prepare_rows(
            spec, self.run, make_frame(400) if frame is None else frame
        )
        self.trained: TrainRecord = train(spec, self.run, self.prepared)

    def evaluate(self, **options: Any) -> EvaluateRecord:
        return evaluate(self.spec, self.run, self.prepared, self.trained, **options)

    @property
    def files(self) -> RunFiles:
        return RunFiles(load_settings().data, self.run)


def promote(
    spec: PipelineSpec, evaluated: EvaluateRecord, run: RunContext, *, expected: str | None = None
) -> str:
    """Register a candidate and make it champion, without the replay of its golden rows."""
    settings = load_settings()
    run_id = open_run(settings, run).run_id
    version = register_model(
        settings, spec.name, bundle_uri=evaluated.bundle_uri, run_id=run_id, decision=b"{}", tags={}
    )
    move_champion(settings, spec.name, version, expected_current=expected)
    return version
