"""Read pipeline files safely: YAML in, frozen specs out, one readable error per wrong file.

A file may not use aliases (a few hundred bytes of them expand to gigabytes), tags, or the same
key twice, and may not exceed 256 KB; its numbers are finite and fit 64 bits. Only `true` and
`false` are booleans, as in YAML 1.2: `no` is an answer, a country or a label, and `on` is a key.
Only plain decimals are numbers: `010` (octal 8 to YAML 1.1), `12:30` (750), `1_000` and `0x1F` are
texts, which a field that is a number refuses.

Only regular files are opened: a pipe or a device among them would never come to an end. One that
does not within seconds, on a disk that hangs, is given up.
"""

import math
import re
import stat
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, ClassVar, NamedTuple

import yaml
from pydantic import ValidationError

from include.errors import ParamError, SpecError, did_you_mean
from include.specs.known_keys import list_known_keys
from include.specs.pipeline import PipelineSpec

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_SECONDS = 10.0
MAX_KEPT = 1_000
SUFFIXES = {".yaml", ".yml"}
NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"-?(0|[1-9][0-9]*)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"-?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
        r"|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
}


class LoadedSpec(NamedTuple):
    """A pipeline file and what became of it: exactly one of `spec` and `error` is set."""

    path: Path
    spec: PipelineSpec | None
    error: SpecError | None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, in C where it is built, that keeps yes, no, 010 and 12:30 as text."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {
        first: [
            (tag, NUMBERS.get(tag, pattern))
            for tag, pattern in resolvers
            if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Construct a value, and name one that cannot be: PyYAML says of what nature only."""
        try:
            value = super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            raise _refuse(f"{_shorten(node.value)} cannot be read: {error}", node) from error
        if isinstance(value, float) and not math.isfinite(value):
            raise _refuse(f"{node.value!r} is not finite", node)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise _refuse(f"{_shorten(node.value)} does not fit 64 bits", node)
        return value


def load_pipeline_specs(directory: Path) -> Iterator[LoadedSpec]:
    """Read every pipeline file of a directory, in name order; a wrong one takes no other down.

    Files end in `.yaml` or `.yml`, in whatever case. Hidden ones are not read: editors keep
    theirs beside the file they change.

    Yields:
        One entry per file, with its spec or its error.
    """
    names: dict[str, Path] = {}
    for path in sorted(directory.glob("[!.]*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
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


def find_pipeline_spec(directory: Path, name: str) -> PipelineSpec:
    """Read the pipeline file of a name.

    Raises:
        SpecError: Its file is wrong.
        ParamError: There is no pipeline of this name.
    """
    names = []
    for entry in load_pipeline_specs(directory):
        if entry.spec is None:
            if entry.error is not None and entry.path.stem == name:
                raise entry.error
        elif entry.spec.name == name:
            return entry.spec
        else:
            names.append(entry.spec.name)
    raise ParamError(
        f"expected one of the pipelines {names}. Received: {name!r}.{did_you_mean(name, names)}"
    )


def load_pipeline_spec(path: Path) -> PipelineSpec:
    """Read one pipeline file.

    Raises:
        SpecError: The file cannot be read, is not the YAML we accept, or breaks the spec.
    """
    try:
        text = _within_seconds(lambda: _read_bytes(path)).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name}: cannot be read as UTF-8 text. Received: {error}.") from error
    return _build_spec(path.name, text)


@lru_cache(maxsize=MAX_KEPT)
def _build_spec(file: str, text: str) -> PipelineSpec:
    """Build the spec of a file, once for each of its texts: tasks have it where they fork."""
    document = _parse_yaml(file, text)
    if not isinstance(document, dict):
        raise SpecError(
            f"{file}: expected a mapping of keys such as name, source, target and columns. "
            f"Received: {type(document).__name__}. See docs/spec.md."
        )
    try:
        return PipelineSpec.model_validate(document)
    except ValidationError as error:
        raise SpecError(describe_validation_error(file, error)) from error


def describe_validation_error(
    file: str,
    error: ValidationError,
    advice: str = "Correct the file, then run `gatehouse check`; see docs/spec.md.",
) -> str:
    """Say file, key, expectation, received value and next move of the first five errors."""
    lines = []
    # First the keys that there are not: they tell why another one is missing.
    for detail in sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")[:5]:
        key = ".".join(str(part) for part in detail["loc"]) or "(whole file)"
        expected = detail["msg"].removeprefix("Value error, ")
        given = detail["input"]
        if detail["type"] == "missing" and isinstance(given, dict):
            received = f" Received: only the keys {_shorten(', '.join(map(str, given)))}."
        elif detail["type"] == "extra_forbidden":
            *place, wrong = detail["loc"]
            known = list_known_keys(PipelineSpec, place)
            hint = did_you_mean(str(wrong), known)
            expected = "expected a key that there is" if hint else f"expected one of {known}"
            received = f" Received: {str(wrong)!r} ({_shorten(given)}).{hint}"
        else:
            received = "" if "Received:" in expected else f" Received: {_shorten(given)}."
        lines.append(f"{file}: {key}: {expected.rstrip('.')}.{received}")
    more = error.error_count() - len(lines)
    if more > 0:
        lines.append(f"{file}: and {more} more.")
    return "\n".join([*lines, advice])


def _parse_yaml(file: str, text: str) -> object:
    try:
        return _construct(text)
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise SpecError(
            f"{file}: expected plain YAML: no aliases, tags or repeated keys, days that "
            f"exist, finite numbers. Received: {reason}. Correct it, or quote what is text."
        ) from error


def _read_bytes(path: Path) -> bytes:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise SpecError(
            f"{path.name}: expected a regular file. Received: {stat.filemode(found.st_mode)}, a "
            "directory, pipe or device. Put a file in its place, or remove it."
        )
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise SpecError(
            f"{path.name}: expected at most {MAX_BYTES} bytes. Received: {found.st_size}. "
            "A pipeline file states only what differs from the defaults."
        )
    return content


def _within_seconds(read: Callable[[], bytes]) -> bytes:
    """Read in a thread of its own, since nothing else ends a wait for a disk.

    Raises:
        TimeoutError: It took too long; the thread is left behind.
    """
    answers: SimpleQueue[bytes | Exception] = SimpleQueue()

    def work() -> None:
        try:
            answers.put(read())
        except Exception as error:
            answers.put(error)

    Thread(target=work, daemon=True).start()
    try:
        answer = answers.get(timeout=MAX_SECONDS)
    except Empty:
        raise TimeoutError(f"no answer from the disk within {MAX_SECONDS:.0f} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _construct(text: str) -> object:
    """Build the document after a look at its parts, while an alias has not multiplied anything."""
    _check_events(text)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _check_keys(root)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _check_events(text: str) -> None:
    """Refuse aliases, tags, NUL and depth one event at a time: composing nodes would recurse.

    A thousand brackets are enough to end the process in PyYAML's C code.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise _refuse("aliases are not allowed", event)
        if depth > MAX_DEPTH:
            raise _refuse(f"nested deeper than {MAX_DEPTH} levels", event)
        if getattr(event, "tag", None) is not None:
            raise _refuse("tags are not allowed", event)
        if "\0" in getattr(event, "value", ""):
            raise _refuse("text with NUL, which no database keeps,", event)


def _check_keys(root: yaml.Node) -> None:
    """Refuse a key that stands twice in a mapping."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in seen:
                        raise _refuse(f"key {_shorten(key.value)} stands twice", key)
                    seen.add(key.value)
            waiting += [part for pair in node.value for part in pair]


def _refuse(problem: str, place: Any) -> yaml.YAMLError:
    """Say what is wrong with an event or a node, and where it stands."""
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
