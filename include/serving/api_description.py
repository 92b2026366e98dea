"""The OpenAPI document of a served model, from its column contract."""

from typing import Any, Final

from include.records.explanations import ExplainedRow
from include.serving.champion import ServedModel
from include.specs import Column
from include.specs.columns import CategoryColumn, DatetimeColumn, NumericColumn, TensorColumn
from include.tracking.signatures import WARNING, output_columns

# What JSON may hold for a kind; texts are read as ingest reads them.
TYPES: Final[dict[str, tuple[str, ...]]] = {
    "number": ("number", "string"),
    "integer": ("integer", "string"),
    "boolean": ("boolean", "integer", "string"),
    "category": ("string", "number", "boolean"),
    "datetime": ("string",),
    "text": ("string",),
    "tensor": ("array", "string"),
    "id": ("string", "number"),
}


def describe_request(served: ServedModel) -> dict[str, Any]:
    """Describe the body of a request to `/invocations`."""
    columns = served.model.bundle.columns
    required = [
        column.name
        for column in columns
        if not column.nulls and not (isinstance(column, DatetimeColumn) and column.from_parts)
    ]
    row = {
        "type": "object",
        "properties": {column.name: describe_column(column) for column in columns},
        "required": required,
    }
    rows = {"type": "array", "minItems": 1, "items": row}
    split = {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "data": {"type": "array", "items": {"type": "array"}},
        },
        "required": ["columns", "data"],
    }
    lists = {"type": "object", "additionalProperties": {"type": "array"}}
    forms = {
        "dataframe_records": rows,
        "dataframe_split": split,
        "inputs": {"anyOf": [rows, lists]},
        "instances": {"anyOf": [rows, lists]},
    }
    return {
        "oneOf": [
            {"type": "object", "properties": {form: schema}, "required": [form]}
            for form, schema in forms.items()
        ]
    }


def describe_answer(served: ServedModel) -> dict[str, Any]:
    """Describe the body of an answer."""
    bundle = served.model.bundle
    first, *shares = output_columns(bundle.features)
    is_class = bundle.features.task == "classification"
    properties = {first: {"type": "string" if is_class else "number"}}
    properties |= {name: {"type": "number"} for name in shares}
    if bundle.may_warn:
        properties[WARNING] = {"type": "string"}
    row = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "object", "properties": {"predictions": {"type": "array", "items": row}}}


def describe_explanation() -> tuple[dict[str, Any], dict[str, Any]]:
    """Describe the body of an answer of `/explain`, and the components that it names."""
    row = ExplainedRow.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    components = row.pop("$defs")
    answer = {
        "type": "object",
        "properties": {
            "explained_as": {"type": "string", "description": "What the amounts are of."},
            "reference_row": {"type": "object", "additionalProperties": {"type": "string"}},
            "explanations": {"type": "array", "items": row},
        },
    }
    return answer, components


def describe_column(column: Column) -> dict[str, Any]:
    """Describe a value of a column as JSON schema."""
    described: dict[str, Any] = {
        "type": [*TYPES[column.kind], *(["null"] if column.nulls else [])],
        "description": column.description or f"{column.kind} column",
    }
    if isinstance(column, NumericColumn) and not column.private:
        bounds = {"minimum": column.min, "maximum": column.max}
        described |= {name: value for name, value in bounds.items() if value is not None}
    elif isinstance(column, CategoryColumn) and column.values and not column.private:
        described["examples"] = list(column.values)
    elif isinstance(column, TensorColumn):
        described["description"] += f", shape {list(column.shape)}"
    return described
