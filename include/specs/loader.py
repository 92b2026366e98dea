"""Read pipeline files safely: YAML in, frozen specs out, one readable error per wrong file.

A file may not use aliases (a few hundred bytes of them expand to gigabytes), tags, or the same
key twice, and may not exceed 256 KB. Only `true` and `false` are booleans, as in YAML 1.2: `no` is
an answer, a country or a label, and `on` is a key.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

import yaml
from pydantic import ValidationError

from include.errors import SpecError
from include.specs.pipeline import PipelineSpec

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20


class LoadedSpec(NamedTuple):
    """A pipeline file and what became of it: exactly one of `spec` and `error` is set."""

    path: Path
    spec: PipelineSpec | None
    error: SpecError | None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, in C where it is built, that keeps yes, no, on and off as text."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def load_pipeline_specs(directory: Path) -> Iterator[LoadedSpec]:
    """Read every `*.yaml` of a directory, in name order; a wrong file takes no other down.

    Yields:
        One entry per file, with its spec or its error.
    """
    names: dict[str, Path] = {}
    for path in sorted(directory.glob("*.yaml")):
        try:
            spec = load_pipeline_spec(path)
            if spec.name in names:
                raise SpecError(
                    f"{path.name}: name must be unique. Received: name={spec.name!r}, which "
                    f"{names[spec.name].name} has too. Rename one of them."
                )
        except SpecError as error:
            yield LoadedSpec(path, None, error)
        else:
            names[spec.name] = path
            yield LoadedSpec(path, spec, None)


def load_pipeline_spec(path: Path) -> PipelineSpec:
    """Read one pipeline file.

    Raises:
        SpecError: The file cannot be read, is not the YAML we accept, or breaks the spec.
    """
    document = _read_yaml(path)
    if not isinstance(document, dict):
        raise SpecError(
            f"{path.name}: expected a mapping of keys such as name, source, target and columns. "
            f"Received: {type(document).__name__}. See docs/spec.md."
        )
    try:
        return PipelineSpec.model_validate(document)
    except ValidationError as error:
        raise SpecError(describe_validation_error(path.name, error)) from error


def describe_validation_error(file: str, error: ValidationError) -> str:
    """Say file, key, expectation, received value and next move of the first five errors."""
    lines = []
    for detail in error.errors()[:5]:
        key = ".".join(str(part) for part in detail["loc"]) or "(whole file)"
        expected = detail["msg"].removeprefix("Value error, ")
        received = "" if "Received:" in expected else f" Received: {_shorten(detail['input'])}."
        lines.append(f"{file}: {key}: {expected.rstrip('.')}.{received}")
    more = error.error_count() - len(lines)
    if more > 0:
        lines.append(f"{file}: and {more} more.")
    return "\n".join([*lines, "Correct the file, then run `gatehouse check`; see docs/spec.md."])


def _read_yaml(path: Path) -> object:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SpecError(
                f"{path.name}: expected at most {MAX_BYTES} bytes. Received: {size}. "
                "A pipeline file states only what differs from the defaults."
            )
        text = path.read_text(encoding="utf-8")
        return _construct(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name}: cannot be read as UTF-8 text. Received: {error}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise SpecError(
            f"{path.name}: expected plain YAML without aliases, tags or repeated keys. "
            f"Received: {reason}."
        ) from error


def _construct(text: str) -> object:
    """Build the document after a look at its nodes, while an alias has not multiplied anything."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _check_nodes(root)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _check_nodes(root: yaml.Node) -> None:
    """Refuse a node that stands in two places (an alias), a key that stands twice, and depth."""
    seen: set[int] = set()
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if id(node) in seen:
            raise yaml.MarkedYAMLError(
                problem="aliases are not allowed", problem_mark=node.start_mark
            )
        if depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=node.start_mark
            )
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(part, depth + 1) for part in node.value]
        elif isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
            if twice is not None:
                raise yaml.MarkedYAMLError(
                    problem=f"key {twice!r} stands twice", problem_mark=node.start_mark
                )
            waiting += [(part, depth + 1) for pair in node.value for part in pair]


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
