"""Reads docker-compose.yaml as Docker Compose does: variables filled in, env files merged.

The compose plugin is not everywhere; what it would do with our file is little enough to do here,
strictly: whatever this reader does not know is an error.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yaml"
EXAMPLE_FILE = ROOT / ".env.example"

# A variable without a value is given to the service as it is, where it is set at all.
PASSED_ON = "passed on"

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:-|:\?)(?P<rest>[^{}]*))?\}"
    r"|(?P<wrong>))"
)


class MissingVariableError(Exception):
    """A variable that the file requires is unset or empty."""


def read_raw() -> dict[str, Any]:
    """Read the file as YAML, variables left as written."""
    document = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def read_filled(variables: Mapping[str, str]) -> dict[str, Any]:
    """Read the file with its variables filled in."""
    filled = _map_strings(read_raw(), lambda text: interpolate(text, variables))
    assert isinstance(filled, dict)
    return filled


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Fill in `${NAME}`, `${NAME:-default}` and `${NAME:?message}`; `$$` is a dollar sign."""

    def fill(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        if match["name"] is None:
            raise ValueError(f"no variable is named at {text[match.start() :]!r}")
        value = variables.get(match["name"], "")
        if value or match["operator"] is None:
            return value
        if match["operator"] == ":-":
            return str(match["rest"])
        raise MissingVariableError(f"{match['name']}: {match['rest']}")

    return _VARIABLE.sub(fill, text)


def find_variables() -> dict[str, set[str]]:
    """List the variables of the file, by how each is written: `:?`, `:-`, nothing, or passed on."""
    found: dict[str, set[str]] = {}
    for text in walk_strings(read_raw()):
        for match in _VARIABLE.finditer(text):
            if match["name"]:
                found.setdefault(match["name"], set()).add(match["operator"] or "")
    for service in read_raw()["services"].values():
        for name, value in service.get("environment", {}).items():
            if value is None:
                found.setdefault(name, set()).add(PASSED_ON)
    return found


def service_environment(service: Mapping[str, Any]) -> dict[str, str]:
    """Give the variables of a service: those of its env file, then its own."""
    values: dict[str, str] = {}
    if "env_file" in service:
        values.update(read_env_file(ROOT / service["env_file"]))
    own = service.get("environment", {}).items()
    values.update({name: "" if value is None else str(value) for name, value in own})
    return values


def read_env_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line.strip() and line[0] != "#")
    return {name: value for name, _, value in pairs}


def walk_strings(node: Any) -> Iterator[str]:
    """Give every string value of a document, keys excepted."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from walk_strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk_strings(value)


def _map_strings(node: Any, change: Any) -> Any:
    if isinstance(node, str):
        return change(node)
    if isinstance(node, dict):
        return {key: _map_strings(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [_map_strings(value, change) for value in node]
    return node
