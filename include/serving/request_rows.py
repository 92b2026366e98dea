"""The body of a request as rows: MLflow's forms of JSON, read strictly."""

import json
from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any, Final, NoReturn, TypeGuard

import numpy as np
import pandas as pd

from include.errors import SchemaError
from include.values.showing import shorten

FORMS: Final = ("dataframe_records", "dataframe_split", "inputs", "instances")
# A row in a list in an object, in it an array; Arrow takes seconds for one of a thousand levels.
MAX_LEVELS: Final = 20
# How much deeper each byte leads.
STEPS: Final = np.array([(byte in b"[{") - (byte in b"]}") for byte in range(256)], dtype=np.int8)
RECORDS: Final = "a list of objects, each with at least one column of the model"


def read_rows(body: bytes, *, names: Collection[str], max_rows: int) -> pd.DataFrame:
    """Read the rows of a request; every value stays as JSON has it.

    Args:
        body: JSON in one of the forms that MLflow takes.
        names: Columns that the model knows; others are left out of records.
        max_rows: Most rows.

    Raises:
        SchemaError: It is not strict JSON, of none of the forms, or has no rows or too many.

    Example:
        >>> body = b'{"dataframe_records": [{"age": 30, "x": 1}, {"age": null}]}'
        >>> read_rows(body, names=["age"], max_rows=10)["age"].tolist()
        [30, None]
    """
    form, content = _read_form(body)
    if form == "dataframe_split":
        columns, rows = _split(content)
    elif isinstance(content, dict):
        columns, rows = _from_columns(content)
    else:
        columns, rows = _from_records(content, form, names)
    if not 1 <= len(rows) <= max_rows:
        raise SchemaError(
            f"a request must have 1 to {max_rows:,} rows. Received: {len(rows):,}. "
            "Send them in several requests."
        )
    return pd.DataFrame(rows, columns=columns, dtype=object)


def read_objects(texts: Sequence[str]) -> pd.DataFrame:
    """Read rows, each written as a JSON object; every value stays as JSON has it.

    Raises:
        SchemaError: One is not strict JSON, or no object.

    Example:
        >>> read_objects(['{"age": 30}', '{"age": null, "job": "nurse"}'])["age"].tolist()
        [30, None]
    """
    rows = [_read_json(text) for text in texts]
    if not rows or not _is_list_of(rows, dict):
        raise SchemaError(
            'a row must be a JSON object such as {"age": 30}. Received: '
            f"{'no row' if not rows else 'something else'}."
        )
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = [[row.get(name) for name in names] for row in rows]
    return pd.DataFrame(values, columns=names, dtype=object)


def _read_json(text: bytes | str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise _not_json("brackets nested too deeply") from error
    except ValueError as error:  # also what is not UTF-8, and numbers of thousands of digits
        raise _not_json(str(error)[:200]) from error


def _read_form(body: bytes) -> tuple[str, Any]:
    content = _read_json(body)
    if _may_be_deep(body) and _is_deep(content):
        raise _not_json(f"more than {MAX_LEVELS} levels of brackets")
    given = [form for form in FORMS if isinstance(content, dict) and form in content]
    if len(given) != 1:
        is_object = isinstance(content, dict)
        keys = shorten(", ".join(content)) if is_object and content else "no keys"
        raise SchemaError(
            f"a request must be a JSON object with one of {list(FORMS)}. "
            f"Received: {f'an object with {keys}' if is_object else type(content).__name__}."
        )
    return given[0], content[given[0]]


def _may_be_deep(body: bytes) -> bool:
    """Tell whether brackets, also those in texts, are nested beyond the bound."""
    steps = STEPS[np.frombuffer(body, np.uint8)]
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0)) > MAX_LEVELS


def _is_deep(content: Any) -> bool:
    level = [content]
    for _ in range(MAX_LEVELS):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for each in chain(*inner) if isinstance(each, dict | list)]
    return bool(level)


def _split(content: Any) -> tuple[list[Any], list[Any]]:
    given = content if isinstance(content, dict) else {}
    columns, rows = given.get("columns"), given.get("data")
    if not _is_list_of(columns, str) or not _is_list_of(rows, list):
        raise _wrong_form("dataframe_split", "`columns`, a list of names, and `data`, one of lists")
    if any(len(row) != len(columns) for row in rows):
        raise _wrong_form("dataframe_split", f"{len(columns)} values in every row, as `columns`")
    return columns, rows


def _from_columns(content: dict[str, Any]) -> tuple[list[str], list[Any]]:
    values = list(content.values())
    if not _is_list_of(values, list) or len({len(each) for each in values}) > 1:
        raise _wrong_form("inputs", "lists of the same length by column, or a list of objects")
    return list(content), list(zip(*values, strict=True))


def _from_records(
    content: Any, form: str, names: Collection[str]
) -> tuple[list[str], list[list[Any]]]:
    if not _is_list_of(content, dict):
        raise _wrong_form(form, RECORDS)
    given = set().union(*content)
    known = [name for name in names if name in given]
    return known, [[row.get(name) for name in known] for row in content]


def _is_list_of(value: Any, kind: type) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)


def _wrong_form(form: str, expected: str) -> SchemaError:
    return SchemaError(f"`{form}` must hold {expected}. Received: something else. Correct it.")


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text}, which JSON does not know; write null for a missing value")


def _not_json(received: str) -> SchemaError:
    return SchemaError(f"a request must be JSON in UTF-8. Received: {received}. Correct it.")
