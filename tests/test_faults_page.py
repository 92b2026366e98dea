"""The page of faults names tests that exist, and at least one for each fault that it must hold."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| (\d+) [^|]*\| `(tests/[\w/]+\.py)::(test_\w+)` \|$", re.MULTILINE)
HELD = {*range(1, 11), 20, *range(22, 27), 28, 29, 30, 31, 32, 36, 37, 39, 40}


def test_every_fault_names_a_test_that_exists():
    rows = ROW.findall((ROOT / "docs" / "faults.md").read_text(encoding="utf-8"))
    assert {int(number) for number, _, _ in rows} == HELD
    for _, path, name in rows:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in names, f"{path}::{name}"
