"""Every exception of ours says what it received."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from include import errors

ROOT = Path(__file__).resolve().parents[1]
OURS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
MODULES = sorted(path for path in (ROOT / "include").rglob("*.py") if path.name != "errors.py")


def find_silent(tree: ast.Module) -> Iterator[int]:
    """Give the lines of exceptions whose text, and what it is put together of, lacks the word."""
    parts = {"describe_validation_error": "Received: "}  # of include/specs/loader.py
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            parts[name] = parts.get(name, "") + ast.unparse(node)
        elif isinstance(node, ast.FunctionDef):
            parts[node.name] = ast.unparse(node)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        if node.func.id not in OURS:
            continue
        named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        text = ast.unparse(node) + "".join(parts.get(name, "") for name in named - OURS)
        if "Received" not in text:
            yield node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_message_says_what_was_received(path: Path):
    assert list(find_silent(ast.parse(path.read_text(encoding="utf-8")))) == []
