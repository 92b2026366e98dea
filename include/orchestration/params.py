"""The trigger form: what a person may change from run to run, and how it changes the spec.

Title, help, type and bounds of a field are those of the model's field. Airflow checks them when a
run is triggered, by form or by REST. It accepts keys it does not know, so `apply_params` refuses
those in the first task.
"""

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Final, NamedTuple

from airflow.sdk import Param
from pydantic import BaseModel, TypeAdapter, ValidationError

from include.errors import ParamError, SpecError
from include.records import RunContext
from include.specs import PipelineSpec
from include.specs.loader import describe_validation_error

DATA: Final = "Data"
RUN: Final = "This run"
TRAINING: Final = "Training"
# What of a field's JSON schema Airflow's form understands.
UNDERSTOOD: Final = (
    "description",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minimum",
)


class FormField(NamedTuple):
    """Where a field of the form stands on its page, and what of the spec it is."""

    section: str
    place: tuple[str, ...]
    note: str = ""


FIELDS: Final = {
    "epochs": FormField(TRAINING, ("training", "epochs")),
    "batch_size": FormField(TRAINING, ("training", "batch_size")),
    "learning_rate": FormField(TRAINING, ("training", "learning_rate")),
    "seed": FormField(TRAINING, ("training", "seed")),
    "hidden": FormField(TRAINING, ("model", "hidden"), "One number a line."),
    "row_limit": FormField(DATA, ("row_limit",), "Empty for all."),
    "source_uri": FormField(
        DATA,
        ("source", "uri"),
        "Inside it, or at a place that GATEHOUSE_SOURCE_ROOTS allows; empty for the spec's own.",
    ),
}
# What a run is told beside its spec.
TOLD: Final = ("learning_curve", "force", "note")


def build_params(spec: PipelineSpec) -> dict[str, Param]:
    """Build the form of a training run; the defaults are those of the spec."""
    told = {name: _build_param(RunContext, name, RUN) for name in TOLD}
    return {**dict(_build_fields(spec)), **told}


def build_data_params(spec: PipelineSpec) -> dict[str, Param]:
    """Build the form of a run that reads data and trains nothing."""
    of_training = {name for name, field in FIELDS.items() if field.section == TRAINING}
    left_out = {*of_training, "learning_curve"}
    return {name: param for name, param in build_params(spec).items() if name not in left_out}


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
    document = spec.model_dump()
    for name, field in FIELDS.items():
        # Nothing is a value where the spec accepts it: a cleared row limit asks for all rows.
        if name in params and (params[name] is not None or name == "row_limit"):
            *above, key = field.place
            part = document[above[0]] if above else document
            part[key] = params[name]
    try:
        return PipelineSpec.model_validate(document)
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


def _build_fields(spec: PipelineSpec) -> Iterator[tuple[str, Param]]:
    """Build what of the form changes the spec; a source without an address cannot be replaced."""
    for name, field in FIELDS.items():
        *above, key = field.place
        model = getattr(spec, above[0]) if above else spec
        if key in type(model).model_fields:
            default = None if name == "source_uri" else getattr(model, key)
            yield name, _build_param(type(model), key, field.section, name, field.note, default)


def _build_param(
    model: type[BaseModel],
    key: str,
    section: str,
    name: str = "",
    note: str = "",
    default: Any = None,
) -> Param:
    schema = _read_schema(model, key)
    options: dict[str, Any] = {option: schema[option] for option in UNDERSTOOD if option in schema}
    if schema["type"] == "number":
        # NaN is neither below a bound nor above it, so that it meets both of them.
        options["not"] = {"minimum": 2 * schema["maximum"]}
    options["description"] = f"{options['description']} {note}".rstrip()
    title = model.model_fields[key].title or (name or key).replace("_", " ").capitalize()
    if not name:
        default = schema["default"]
    elif isinstance(default, tuple):
        default = list(default)
    return Param(default, type=schema["type"], title=title, section=section, **options)


@cache
def _read_schema(model: type[BaseModel], key: str) -> dict[str, Any]:
    """Describe a field in JSON schema; a text or what may be missing can be left empty."""
    field = model.model_fields[key]
    annotated: Any = Annotated[field.annotation, field]
    schema = dict(TypeAdapter(annotated).json_schema())
    for choice in schema.pop("anyOf", ()):
        schema.update(choice if choice["type"] != "null" else {})
    is_blank = schema["type"] == "string" or schema.get("default", 0) is None
    return {**schema, "type": ["null", schema["type"]] if is_blank else schema["type"]}
