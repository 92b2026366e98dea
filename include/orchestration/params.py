"""The trigger form: what a person may change from run to run, and how it changes the spec.

Airflow checks types and bounds when a run is triggered, by form or by REST. It accepts keys it
does not know, so `apply_params` refuses those in the first task.
"""

import difflib
from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param
from pydantic import ValidationError

from include.errors import ParamError, SpecError
from include.specs import PipelineSpec
from include.specs.bounds import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_HIDDEN_LAYERS,
    MAX_LEARNING_RATE,
    MAX_ROWS,
    MAX_UNITS,
)
from include.specs.loader import describe_validation_error
from include.specs.model import ModelSpec, TrainingSpec

TRAINING = "Training"
DATA = "Data"
RUN = "This run"


def build_params(spec: PipelineSpec) -> dict[str, Param]:
    """Build the form of a training run; the defaults are those of the spec."""
    return {**_training_params(spec), **build_data_params(spec), **_curve_params()}


def build_data_params(spec: PipelineSpec) -> dict[str, Param]:
    """Build the form of a run that reads data and trains nothing."""
    return {**_data_params(spec), **_run_params()}


def apply_params(spec: PipelineSpec, params: Mapping[str, Any]) -> PipelineSpec:
    """Write what the form says into the spec.

    Raises:
        ParamError: A key is unknown, or a value is not one the spec accepts.
    """
    known = set(build_params(spec))
    for name in params:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ParamError(
                f"expected one of the parameters {sorted(known)}. Received: {name!r}.{hint} "
                "Trigger the run again without it."
            )
    try:
        return PipelineSpec.model_validate(_merge(spec, params))
    except ValidationError as error:
        raise ParamError(
            f"a parameter breaks the spec of {spec.name!r}: "
            f"{describe_validation_error('the form', error)}"
        ) from error
    except (ValueError, OverflowError, SpecError) as error:
        raise ParamError(
            f"a parameter must be one that the spec of {spec.name!r} accepts. Received: {error}. "
            "Trigger the run again with another."
        ) from error


def _merge(spec: PipelineSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in params.items() if value is not None}
    document = spec.model_dump()
    for name in ("epochs", "batch_size"):
        if name in given:
            document["training"][name] = int(given[name])
    if "learning_rate" in given:
        document["training"]["learning_rate"] = float(given["learning_rate"])
    if "hidden" in given:
        document["model"]["hidden"] = tuple(int(units) for units in given["hidden"])
    if "row_limit" in params:
        # Here nothing is a value: a cleared field asks for all rows.
        limit = params["row_limit"]
        document["row_limit"] = None if limit is None else int(limit)
    if "source_uri" in given:
        document["source"]["uri"] = str(given["source_uri"])
    return document


def _training_params(spec: PipelineSpec) -> dict[str, Param]:
    training: TrainingSpec = spec.training
    model: ModelSpec = spec.model
    return {
        "epochs": Param(
            training.epochs,
            type="integer",
            minimum=1,
            maximum=MAX_EPOCHS,
            title="Epochs",
            description="Most passes over the training rows; early stopping may end sooner.",
            section=TRAINING,
        ),
        "batch_size": Param(
            training.batch_size,
            type="integer",
            minimum=1,
            maximum=MAX_BATCH_SIZE,
            title="Batch size",
            description="Rows in one optimizer step.",
            section=TRAINING,
        ),
        "learning_rate": Param(
            training.learning_rate,
            type="number",
            exclusiveMinimum=0,
            maximum=MAX_LEARNING_RATE,
            # NaN is neither below a bound nor above it, so that it meets both of them.
            **{"not": {"minimum": 2 * MAX_LEARNING_RATE}},
            title="Learning rate",
            description="Step size of the optimizer.",
            section=TRAINING,
        ),
        "hidden": Param(
            list(model.hidden),
            type="array",
            items={"type": "integer", "minimum": 1, "maximum": MAX_UNITS},
            maxItems=MAX_HIDDEN_LAYERS,
            title="Hidden layers",
            description="Units of each hidden dense layer, one number a line.",
            section=TRAINING,
        ),
    }


def _data_params(spec: PipelineSpec) -> dict[str, Param]:
    params = {
        "row_limit": Param(
            spec.row_limit,
            type=["null", "integer"],
            minimum=1,
            maximum=MAX_ROWS,
            title="Row limit",
            description="Read at most this many rows; empty for all.",
            section=DATA,
        )
    }
    if spec.source.kind in {"file", "http"}:
        params["source_uri"] = Param(
            None,
            type=["null", "string"],
            maxLength=1000,
            title="Source",
            description="Read this file instead of the spec's: a path below the sources "
            "directory, or a place that GATEHOUSE_SOURCE_ROOTS allows.",
            section=DATA,
        )
    return params


def _curve_params() -> dict[str, Param]:
    return {
        "learning_curve": Param(
            False,
            type="boolean",
            title="Learning curve",
            description="Also fit on 5, 10, 25 and 50 % of the training rows, and tell what twice "
            "as many would bring. Takes about as long again as the training; the verdict does "
            "not wait for it.",
            section=RUN,
        )
    }


def _run_params() -> dict[str, Param]:
    return {
        "force": Param(
            False,
            type="boolean",
            title="Recompute",
            description="Compute every table anew, even if one of the same content exists.",
            section=RUN,
        ),
        "note": Param(
            "",
            type=["null", "string"],
            maxLength=500,
            format="multiline",
            title="Note",
            description="Why you run it; shown in MLflow and in the report.",
            section=RUN,
        ),
    }
