"""An environment that was moved, copied or belongs to a Python that is gone is made anew."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project whose environment is installed, as far as make can tell."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")], check=True
    )
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def plan(project: Path, target: str = "install") -> str:
    # The make that runs these tests hands its own settings down, such as VENV and its flags.
    handed_down = {"VENV", "PYTHON", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL"}
    done = subprocess.run(
        ["make", "--dry-run", target],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name not in handed_down},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_an_environment_in_its_place_is_kept(project: Path):
    assert "venv" not in plan(project)


def test_one_that_is_older_than_the_lock_is_brought_up_to_it(project: Path):
    (project / ".venv" / ".installed").unlink()
    steps = plan(project)
    assert "-m venv  .venv" in steps
    assert "uv pip install --quiet --system-certs" in steps


def test_one_that_was_moved_is_made_anew(project: Path, tmp_path_factory):
    moved = tmp_path_factory.mktemp("moved") / "project"
    shutil.move(project, moved)
    assert "-m venv --clear .venv" in plan(moved)


def test_one_whose_python_is_gone_is_made_anew(project: Path):
    python = project / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert "-m venv --clear .venv" in plan(project)


def test_a_stack_is_stopped_from_the_place_it_was_moved_to_before_anything_is_made_anew(
    project: Path, tmp_path_factory
):
    (project / ".venv" / "bin" / "gatehouse").touch()
    moved = tmp_path_factory.mktemp("moved") / "project"
    shutil.move(project, moved)
    steps = plan(moved, "down")
    assert "-m venv" not in steps
    # The program `gatehouse` names the old place in its first line.
    assert ".venv/bin/python -m include.cli down" in steps


def test_where_nothing_is_installed_nothing_is_to_be_stopped(project: Path):
    assert "nothing is up" in plan(project, "down")
