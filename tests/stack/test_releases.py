"""A release of then, checked out by the real git, installed by the real make, and run."""

import subprocess
from pathlib import Path

import pytest

from include.errors import GatehouseError, ParamError
from include.specs.loader import find_pipeline_spec
from include.stack.releases import prepare_release, run_there
from tests.builders import make_spec

# Stands for a release: its lock is a program that writes down how it was called.
MAKEFILE = """
install: $(VENV)/bin/gatehouse
$(VENV)/bin/gatehouse: program
\t@test -z "$$GATEHOUSE_SIGNING_KEY"
\t@mkdir -p $(VENV)/bin
\t@cp program $@
\t@echo installed with $(PYTHON) >> installs
"""
PROGRAM = """#!/bin/sh
echo "$@" > {said}
env > {said}.env
cp "$GATEHOUSE_PIPELINES_DIR"/*.yaml {said}.yaml
exit {code}
"""


def git(clone: Path, *arguments: str) -> str:
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(clone), *person, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(clone: Path, *, code: int = 0, makefile: str = MAKEFILE) -> str:
    (clone / "Makefile").write_text(makefile, encoding="utf-8")
    program = PROGRAM.format(said=clone.parent / "said", code=code)
    (clone / "program").write_text(program, encoding="utf-8")
    (clone / "program").chmod(0o700)
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "one")
    return git(clone, "rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path) -> Path:
    place = tmp_path / "clone"
    place.mkdir()
    git(place, "init", "--quiet")
    return place


@pytest.fixture
def prepare(clone, tmp_path):
    """Prepare a release of the clone, and tell what was said meanwhile."""

    def prepare(revision: str, python: str = "3.99") -> Path:
        told: list[str] = []
        return prepare_release(tmp_path / "home", revision, python, told.append, clone=clone)

    return prepare


def test_the_commit_of_then_runs_and_its_exit_code_is_passed_on(
    clone, prepare, tmp_path, monkeypatch
):
    monkeypatch.setenv("GATEHOUSE_SIGNING_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", str(clone))
    then = commit(clone, code=7)
    commit(clone, code=0)
    spec = make_spec(name="loans")
    program = prepare(then)
    assert program == tmp_path / "home" / "releases" / then / ".venv-3.99" / "bin" / "gatehouse"
    assert run_there(program, spec.model_dump(mode="json", exclude_defaults=True), "3") == 7
    assert (tmp_path / "said").read_text("utf-8").strip() == "reproduce models:/loans/3"
    names = (tmp_path / "said.env").read_text("utf-8")
    assert "GATEHOUSE_SIGNING_KEY=secret" in names
    assert "PYTHONPATH=" not in names
    assert find_pipeline_spec(tmp_path, "loans") == spec
    assert git(clone, "status", "--porcelain") == ""


def test_a_release_is_installed_once_for_each_python(clone, prepare):
    then = commit(clone)
    place = prepare(then).parents[2]
    prepare(then)
    prepare(then, "3.98")
    said = (place / "installs").read_text("utf-8").splitlines()
    assert said == ["installed with python3.99", "installed with python3.98"]


def test_what_was_changed_or_removed_there_comes_back(clone, prepare, tmp_path):
    then = commit(clone)
    place = prepare(then).parents[2]
    (place / "Makefile").write_text("changed", encoding="utf-8")
    prepare(then)
    assert (place / "Makefile").read_text("utf-8") == MAKEFILE
    place.rename(tmp_path / "away")
    assert prepare(then).exists()


def test_a_commit_that_is_not_here_is_named_with_what_to_do(clone, prepare, tmp_path):
    commit(clone)
    for revision in ("", "../../elsewhere", "--force"):
        with pytest.raises(ParamError, match=r"Received: revision='.*Train it again"):
            prepare(revision)
    with pytest.raises(ParamError, match="git fetch origin 0000"):
        prepare("0" * 40)
    assert not (tmp_path / "home" / "releases").exists()


def test_a_release_that_cannot_be_installed_is_no_release(clone, prepare):
    then = commit(clone, makefile="install:\n\t@echo no index >&2; exit 3\n")
    with pytest.raises(GatehouseError, match=r"make --silent install .*Received: exit code 2"):
        prepare(then)
