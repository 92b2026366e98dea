"""The keys that a place of the pipeline file may have: a wrong key is answered by them."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel

Model = type[BaseModel]


def list_known_keys(model: Model, place: Sequence[int | str]) -> list[str]:
    """List the keys that a mapping may have.

    Args:
        model: What the whole document is.
        place: How pydantic's errors lead to the mapping: keys, positions in lists, and kinds.

    Example:
        >>> from include.specs import PipelineSpec
        >>> list_known_keys(PipelineSpec, ("schedule",))[:2]
        ['catchup_from', 'cron']
    """
    models = {model}
    for part in place:
        of_kind = {one for one in models if "kind" in one.model_fields and _is_kind(one, part)}
        below = {
            found
            for one in models
            if part in one.model_fields
            for found in _find_models(one.model_fields[str(part)].annotation)
        }
        models = of_kind or below or models
    return sorted({name for one in models for name in one.model_fields})


def _is_kind(model: Model, part: int | str) -> bool:
    return part in get_args(model.model_fields["kind"].annotation)


def _find_models(annotation: Any) -> Iterator[Model]:
    """Find the models that a field holds, in lists, unions and mappings as well."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _find_models(part)
