"""The trigger form: what a person may change from run to run, as Airflow shows and checks it.

Title, help, type and bounds of a field are those of the model's field. Airflow checks them when a
run is triggered, by form or by REST. It accepts keys it does not know; `apply_params` refuses
those, before it where `run_bodies` stands and in the first task.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Final

from airflow.sdk import Param
from pydantic import BaseModel, TypeAdapter

from include.records import RunContext
from include.records.form import FIELDS, TOLD, list_fields
from include.specs import PipelineSpec

# Fields without a section stand open on the form; a section is folded.
MORE: Final = "More"
# What of a field's JSON schema Airflow's form understands.
UNDERSTOOD: Final = ("description", "format", "items", "maxItems", "maxLength")
# What it would change a number to without a word; hidden from it, they refuse the number.
BOUNDS: Final = ("minimum", "exclusiveMinimum", "maximum")
# Above it a bound is there for the machine, not for the reader.
TELLING: Final = 1_000_000_000


def build_params(spec: PipelineSpec) -> dict[str, Param]:
    """Build the form of a training run; the defaults are those of the spec."""
    params = {**dict(_build_fields(spec)), **dict(_build_told())}
    return dict(sorted(params.items(), key=lambda item: "section" in item[1].schema))


def build_data_params(spec: PipelineSpec) -> dict[str, Param]:
    """Build the form of a run that reads data and trains nothing."""
    of_training = {name for name, field in FIELDS.items() if field.is_of_training}
    left_out = {*of_training, "learning_curve"}
    return {name: param for name, param in build_params(spec).items() if name not in left_out}


def _build_fields(spec: PipelineSpec) -> Iterator[tuple[str, Param]]:
    for name, field in list_fields(spec).items():
        *above, key = field.place
        model = getattr(spec, above[0]) if above else spec
        default = None if name == "source_uri" else getattr(model, key)
        options = {"title": name.replace("_", " ").capitalize(), "note": field.note}
        yield name, _build_param(type(model), key, default, field.is_common, **options)


def _build_told() -> Iterator[tuple[str, Param]]:
    for name, is_common in TOLD.items():
        default = RunContext.model_fields[name].default
        title = name.replace("_", " ").capitalize()
        yield name, _build_param(RunContext, name, default, is_common, title=title)


def _build_param(
    model: type[BaseModel], key: str, default: Any, is_common: bool, *, title: str, note: str = ""
) -> Param:
    schema = _read_schema(model, key)
    options: dict[str, Any] = {option: schema[option] for option in UNDERSTOOD if option in schema}
    bounds: dict[str, float] = {name: schema[name] for name in BOUNDS if name in schema}
    if bounds:
        options["allOf"] = [bounds]
    if schema["type"] == "number":
        # NaN is neither below a bound nor above it, so that it meets both of them.
        options["not"] = {"minimum": 2 * schema["maximum"]}
    told = (options["description"], _describe_bounds(bounds), note)
    options["description"] = " ".join(filter(None, told))
    if not is_common:
        options["section"] = MORE
    return Param(
        list(default) if isinstance(default, tuple) else default,
        type=schema["type"],
        title=model.model_fields[key].title or title,
        **options,
    )


def _describe_bounds(bounds: dict[str, float]) -> str:
    """Say in words what a number may be.

    Example:
        >>> _describe_bounds({"minimum": 1, "maximum": 10_000})
        'From 1 to 10,000.'
        >>> _describe_bounds({"exclusiveMinimum": 0, "maximum": 1e30}), _describe_bounds({})
        ('Above 0.', '')
    """
    least, above, most = (bounds.get(name) for name in BOUNDS)
    words = [f"from {least:,}"] if least is not None else []
    words += [f"above {above:,}"] if above is not None else []
    words += [f"to {most:,}"] if most is not None and most < TELLING else []
    return f"{' '.join(words).capitalize()}." if words else ""


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
