"""Write `docs/spec.md` and the editors' schema from the models, and check that both are current.

python -m include.specs.reference [--check]
"""

import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from include.specs.json_schema import SCHEMA_FILE, render_schema
from include.specs.pipeline import PipelineSpec

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA = Path(__file__).resolve().parents[1] / "pipelines" / SCHEMA_FILE
HEAD = """\
# The pipeline file

One YAML file (`.yaml` or `.yml`) in `include/pipelines/` is one pipeline. It states only what
differs from the defaults below; `gatehouse check` says what is wrong with it. Aliases, tags,
repeated keys and numbers other than plain decimals are not accepted.

*This page is generated from `include/specs` by `make docs`.*
"""


def write_reference(*, check: bool = False) -> list[Path]:
    """Write the generated pages; with `check`, only list those that are stale."""
    return refresh({DOCS / "spec.md": render_spec(), SCHEMA: render_schema()}, check=check)


def refresh(pages: Mapping[Path, str], *, check: bool = False) -> list[Path]:
    """Write those of some generated files that are stale, or with `check` only list them."""
    stale = []
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return stale


def render_spec() -> str:
    """Render the reference of the pipeline file as Markdown."""
    return "\n".join([HEAD, *_sections(PipelineSpec, "the file", set())]) + "\n"


def _sections(model: type[BaseModel], title: str, seen: set[type[BaseModel]]) -> Iterator[str]:
    seen.add(model)
    summary = (model.__doc__ or "").strip().splitlines()[0]
    yield f"## {title}\n\n{summary}\n"
    yield "| key | type | default | meaning |\n|---|---|---|---|"
    for name, field in model.model_fields.items():
        meaning = (field.description or "").replace("|", "\\|")
        yield f"| `{name}` | {_type_name(field.annotation)} | {_default(field)} | {meaning} |"
    yield ""
    for name, field in model.model_fields.items():
        for child in _models(field.annotation):
            if child not in seen:
                yield from _sections(child, _title(name, child), seen)


def _title(name: str, model: type[BaseModel]) -> str:
    kind = model.model_fields.get("kind")
    choices = typing.get_args(kind.annotation) if kind is not None else ()
    return f"`{name}`, kind `{choices[0]}`" if choices else f"`{name}`"


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models(part)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    if value is None:
        return "none"
    text = str(list(value)) if isinstance(value, tuple) else repr(value)
    return f"`{text}`".replace("|", "\\|")


def _type_name(annotation: object) -> str:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None:
        return _plain_type_name(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin in {typing.Union, types.UnionType}:
        names = (_type_name(part) for part in parts if part is not type(None))
        return " or ".join(dict.fromkeys(names))
    if origin is tuple:
        return f"list of {_type_name(parts[0])}"
    return _type_name(parts[0]) if origin is typing.Annotated else "mapping"


def _plain_type_name(annotation: object) -> str:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    names_of = {str: "text", int: "integer", float: "number", bool: "true/false"}
    return names_of.get(typing.cast("type", annotation), "ISO date")


def run_as_command(write: Callable[..., list[Path]]) -> None:
    """Write generated files and name them; with `--check`, end with 1 at the first stale one."""
    is_check = "--check" in sys.argv[1:]
    for page in write(check=is_check):
        sys.stdout.write(f"{page.name} is stale, run `make docs`\n" if is_check else f"{page}\n")
        if is_check:
            sys.exit(1)


if __name__ == "__main__":
    run_as_command(write_reference)
