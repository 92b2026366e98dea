"""What decides whether a change lands: it may not pass because a Python was not there to try."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "dirname", "ls", "sort", "tail", "env")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Give a directory of programs on which no Python is, and where `make` only says its goals."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or tool)
    write_program(programs / "make", 'echo "make $*"')
    return programs


def write_program(path: Path, line: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def run_ci(programs: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    home = {"PATH": str(programs), "HOME": str(programs.parent)}
    command = [programs / "bash", ROOT / ".ci" / "run"]
    return subprocess.run(
        command, env={**home, **environment}, capture_output=True, text=True, check=False
    )


def test_on_ci_a_python_that_is_missing_fails_before_anything_is_built(machine: Path):
    done = run_ci(machine, CI="true")
    assert done.returncode != 0
    assert "expected Python 3.12" in done.stderr
    assert "Received: none" in done.stderr
    assert "make" not in done.stdout


def test_elsewhere_a_python_that_is_missing_is_said_and_the_others_are_tried(machine: Path):
    write_program(machine / "python3.13", "exit 0")
    done = run_ci(machine)
    assert done.returncode == 0
    assert "Python 3.12" in done.stderr
    assert f"make test-quick PYTHON={machine / 'python3.13'} VENV=.venv-3.13" in done.stdout


def test_a_program_of_that_name_that_does_not_run_is_no_python(machine: Path):
    write_program(machine / "python3.12", "exit 127")
    write_program(machine / "python3.13", "exit 0")
    assert run_ci(machine, CI="true").returncode != 0


def test_the_newest_python_of_pyenv_is_tried(machine: Path, tmp_path: Path):
    for version in ("3.12.9", "3.12.11", "3.13.0"):
        program = tmp_path / "pyenv" / "versions" / version / "bin" / "python3"
        program.parent.mkdir(parents=True)
        write_program(program, "exit 0")
    done = run_ci(machine, CI="true", PYENV_ROOT=str(tmp_path / "pyenv"))
    assert done.returncode == 0
    goals = [line for line in done.stdout.splitlines() if "test-quick" in line]
    assert ["3.12.11" in goals[0], "3.13.0" in goals[1]] == [True, True]


def test_a_goal_that_fails_ends_it(machine: Path):
    write_program(machine / "make", 'echo "make $*"; [ "$1" != check ]')
    done = run_ci(machine)
    assert done.returncode != 0
    assert done.stdout.split("\n")[:2] == ["make install", "make check"]
    assert "make test" not in done.stdout


def test_the_file_may_be_executed():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
