"""What the project imports, requirements.in declares: a dependency of a dependency may go away."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.monitoring import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
OWN = {"include", "benchmarks"}
# Airflow comes as many distributions, of which requirements.in names the one that brings them.
AIRFLOW = "apache-airflow"


def read_declared() -> set[str]:
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    stated = (line.partition("#")[0].strip() for line in lines)
    return {canonicalize_name(Requirement(line).name) for line in stated if line}


def list_imports(text: str) -> set[str]:
    """List the top-level packages that a module imports, also inside of functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - OWN


def is_declared(package: str, declared: set[str], distributions: dict[str, list[str]]) -> bool:
    bringing = {canonicalize_name(name) for name in distributions.get(package, [])}
    if package == "airflow":
        return AIRFLOW in declared
    return bool(bringing & declared)


@pytest.mark.parametrize("folder", ["include", "dags", "plugins", "config", "benchmarks"])
def test_every_library_that_is_imported_is_declared_with_its_reason(folder):
    declared, distributions = read_declared(), packages_distributions()
    # What a benchmark compares with it installs by itself, in environments of their own.
    distributions |= {name: [name] for name in PACKAGES}
    declared |= set(PACKAGES)
    files = sorted((ROOT / folder).rglob("*.py"))
    undeclared = {
        f"{path.relative_to(ROOT)}: {package}"
        for path in files
        for package in list_imports(path.read_text(encoding="utf-8"))
        if not is_declared(package, declared, distributions)
    }
    assert files
    assert undeclared == set()


def test_what_only_comes_along_is_found():
    declared, distributions = read_declared(), packages_distributions()
    (package,) = list_imports("import os\ndef f():\n    from urllib3.util import Retry\n")
    assert not is_declared(package, declared, distributions)


def test_every_declared_library_is_in_the_lock():
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    locked = {
        canonicalize_name(line.partition("==")[0].partition("[")[0])
        for line in lock
        if "==" in line
    }
    assert read_declared() <= locked
