"""The base of all spec models: frozen, finite, and closed to keys it does not know."""

import functools
import re
from collections.abc import Iterator
from typing import Any, Final, get_args

from pydantic import BaseModel, ConfigDict, model_validator

PLAIN_DECIMAL: Final = re.compile(r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


class SpecModel(BaseModel):
    """A part of a pipeline's YAML: checked once, never changed after."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _check_plain_decimals(cls, given: Any) -> Any:
        """Refuse texts that only Python takes for numbers, such as 010 and 1_000."""
        for name in _numbers(cls).intersection(given) if isinstance(given, dict) else ():
            for text in _texts(given[name]):
                if not PLAIN_DECIMAL.fullmatch(text.strip()):
                    raise ValueError(
                        f"{name} must be a plain decimal such as 10 or 1.5e-3. Received: {text!r}"
                    )
        return given


@functools.cache
def _numbers(model: type[BaseModel]) -> frozenset[str]:
    """Name the fields of a model that hold numbers and nothing else."""
    numeric = {int, float, type(None)}
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if numeric.issuperset(_leaves(field.annotation))
    )


def _leaves(annotation: Any) -> Iterator[Any]:
    parts = [part for part in get_args(annotation) if part is not ...]
    # What stands behind the type in `Annotated` describes it.
    parts = parts[:1] if hasattr(annotation, "__metadata__") else parts
    if not parts:
        yield annotation
    for part in parts:
        yield from _leaves(part)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
