"""Which settings of a pipeline are not today as they were, with both values of each."""

import json
from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from include.sources.http import shown_address
from include.specs import PipelineSpec
from include.values.showing import SHOWN_LENGTH, cut_label, shorten


def list_changed_settings(then: PipelineSpec, now: PipelineSpec) -> list[str]:
    """Say which settings differ, both values of each; of addresses what can hold no secret.

    Args:
        then: What trained, with the parameters of its run written in.
        now: What the pipeline's file says.
    """
    found = []
    for part in type(now).model_fields:
        if getattr(then, part) != getattr(now, part):
            before, after = (_read_part(spec, part) for spec in (then, now))
            changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
            found += [_describe(key, before, after) for key in changed]
            if not changed:
                found.append(f"{part} stand in another order")
    return found


def _describe(key: str, before: Mapping[str, object], after: Mapping[str, object]) -> str:
    was, is_now = (_show(settings, key) for settings in (before, after))
    if was == is_now:
        return f"{key} was and is {was}, but differs in what is not shown"
    return f"{key} was {was}, and is {is_now}"


def _read_part(spec: BaseModel, part: str) -> dict[str, object]:
    return dict(_flatten(spec.model_dump(mode="json", include={part}, exclude_defaults=True)))


def _flatten(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Give each setting with its place; items of a list are called by their name, if any."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        value = {str(item.get("name", at)): item for at, item in enumerate(value)}
    if not isinstance(value, dict) or not value:
        yield place, value
        return
    for key, item in value.items():
        yield from _flatten(item, f"{place}.{key}" if place else key)


def _show(settings: Mapping[str, object], key: str) -> str:
    if key not in settings:
        return "not set"
    value = settings[key]
    if not isinstance(value, str):
        return cut_label(json.dumps(value), SHOWN_LENGTH)
    return shorten(shown_address(value) if "://" in value else value, SHOWN_LENGTH)
