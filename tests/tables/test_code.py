"""The code behind a result: closed under imports, blind to words, found without running it."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from include.steps.train import FIT_CODE
from include.tables.code import code_digest, find_code, list_modules

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = (
    *FIT_CODE[:2],
    "include.sources.snapshot",
    "include.steps.prepare",
    "include.steps.validate",
)
# Changes each module of the entries' code, then one that they do not import, and says what is seen.
EDITS = """
import sys
from pathlib import Path
from include.tables.code import code_digest, find_code

entries, before = sys.argv[1:], code_digest(*sys.argv[1:])
for name in [*find_code(*entries), "include.cli"]:
    path = Path(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "another = 1\\n", encoding="utf-8")
    if code_digest(*entries) == before:
        print(name)
    path.write_text(text, encoding="utf-8")
    assert code_digest(*entries) == before
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Give a package of a user's own, as the builder of a network may be."""
    files = {
        "__init__.py": "from own_networks import unused",
        "unused.py": "",
        "build.py": '''
            """Networks."""
            from typing import TYPE_CHECKING

            from own_networks.blocks import (
                block,
            )
            if TYPE_CHECKING:
                from own_networks import types

            def build():
                """Build one."""
                from . import lazy  # when it is needed
                return block, lazy
            ''',
        "blocks.py": "def block(): pass",
        "lazy.py": "from include.values.order import *",
        "types.py": "",
    }
    (tmp_path / "own_networks").mkdir()
    for name, text in files.items():
        (tmp_path / "own_networks" / name).write_text(textwrap.dedent(text), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "own_networks"


def test_imports_are_followed_also_those_inside_of_functions(package):
    found = find_code("own_networks.build")
    own = [name for name in found if name.startswith("own_networks")]
    assert own == ["own_networks", "own_networks.blocks", "own_networks.build", "own_networks.lazy"]
    assert "include.values.order" in found
    assert "own_networks" not in sys.modules


@pytest.mark.parametrize(
    ("file", "old", "new", "is_seen"),
    [
        ("build.py", "Build one.", "Build another.", False),
        ("build.py", '    """Build one."""\n', "", False),
        ("build.py", "# when it is needed", "", False),
        ("build.py", "return block, lazy", "return  block,\\\n        lazy", False),
        ("build.py", "return block, lazy", "return lazy, block", True),
        ("lazy.py", "import *", "import rank", True),
        ("__init__.py", "unused", "unused as x", True),
    ],
    ids=["docstring", "no docstring", "comment", "layout", "code", "lazy import", "package"],
)
def test_a_digest_sees_what_code_does_and_not_its_words(package, file, old, new, is_seen):
    before = code_digest("own_networks.build")
    text = (package / file).read_text(encoding="utf-8")
    assert old in text
    (package / file).write_text(text.replace(old, new), encoding="utf-8")
    assert (code_digest("own_networks.build") != before) is is_seen


def test_a_file_that_is_no_python_counts_by_its_bytes(package):
    (package / "lazy.py").write_text("def (", encoding="utf-8")
    before = code_digest("own_networks.build")
    (package / "lazy.py").write_text("def ((", encoding="utf-8")
    assert code_digest("own_networks.build") != before


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match="include.no_such"):
        code_digest("include.no_such")


def test_what_enters_keys_is_closed_under_what_python_really_imports():
    listing = f"import sys, {', '.join(ENTRIES)}\nprint(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = {name for name in said.stdout.split() if name.partition(".")[0] == "include"}
    assert len(imported) > 50
    assert imported - set(find_code(*ENTRIES)) == set()


@pytest.mark.parametrize("entries", [FIT_CODE, ENTRIES[2:]], ids=["fit", "tables"])
def test_an_edit_anywhere_in_that_code_changes_the_digest_and_one_of_the_command_line_does_not(
    entries, tmp_path
):
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "include", tmp_path / "include", ignore=skip)
    said = subprocess.run(
        [sys.executable, "-c", EDITS, *entries],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["include.cli"]


@pytest.mark.parametrize(
    "module", ["checkpoints", "custom_networks", "epochs", "jax_epochs", "prediction", "progress"]
)
def test_all_that_decides_the_weights_is_found(module):
    assert f"include.modeling.{module}" in find_code(*FIT_CODE)


def test_every_module_of_the_project_is_listed():
    modules = list_modules()
    assert {"include", "include.cli", "include.steps.train", "include.tables.code"} <= set(modules)
    assert len(find_code(*modules)) == len(modules)
