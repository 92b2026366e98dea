"""A process that knows the bundle and the installed libraries, and nothing of this project.

A task of Airflow has the libraries in memory already, inherited from the process that forked it.
A fork of it that forgets our package is as clean as a fresh interpreter and spares ten seconds
of imports. Only a process with a single thread may fork safely; any other starts an interpreter.
"""

import os
import runpy
import signal
import subprocess
import sys
import sysconfig
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from include.errors import ReplayError
from include.tracking.connection import DEFAULTS, FORCED

CHILD: Final = Path(__file__).with_name("replay_child.py")
PACKAGE: Final = __name__.partition(".")[0]
# The slowest imports of a prediction: without them in memory a fork spares nothing.
LIBRARIES: Final = ("keras", "mlflow.pyfunc")
# What the clean process may know of ours: where programs and devices are, and the back end.
KEPT_VARIABLES: Final = (
    *("PATH", "HOME", "LANG", "TMPDIR"),
    *("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
)
KEPT_PREFIXES: Final = ("KERAS_", "JAX_", "XLA_", "OMP_", "LC_")
POLL_SECONDS: Final = 0.02


def predict_in_clean_process(model: Path, question: Path, answer: Path, *, timeout: float) -> None:
    """Have a clean process predict the rows of a JSON file.

    Args:
        model: Local directory of a model whose digest was checked.
        question: JSON of lists of values by column; its directory is the process' own.
        answer: Where the process writes its predictions.
        timeout: Seconds that it may take.

    Raises:
        ReplayError: It failed, or took too long.
    """
    run = _fork if can_fork() else _spawn
    code, errors = run(model, question, answer, timeout=timeout)
    if code != 0 or not answer.exists():
        raise clean_process_failed(f"exit code {code} and\n{errors[-2_000:]}")


def can_fork() -> bool:
    """Tell whether this process has the libraries in memory, and one thread only."""
    if any(library not in sys.modules for library in LIBRARIES):
        return False
    try:
        # Threads of native libraries count as well: a lock that one holds is never released.
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - names only
    except OSError:
        return False


def _fork(model: Path, question: Path, answer: Path, *, timeout: float) -> tuple[int, str]:
    errors = question.with_name("errors.txt")
    errors.touch()
    child = os.fork()
    if child == 0:
        _answer_and_exit(model, question, answer, errors)
    deadline = time.monotonic() + timeout
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), errors.read_text(errors="replace")
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise clean_process_failed(f"no answer within {timeout:.0f} s")
        time.sleep(POLL_SECONDS)


def _answer_and_exit(model: Path, question: Path, answer: Path, errors: Path) -> NoReturn:
    """Forget the project, answer, and end without what the parent has to do at its end."""
    code = 1
    try:
        # Whatever is printed must not reach those who listen to the parent.
        descriptor = os.open(errors, os.O_WRONLY)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        _forget_all_but_libraries()
        kept = _clean_environment(os.environ)
        os.environ.clear()
        os.environ.update(kept)
        os.chdir(question.parent)
        runpy.run_path(str(CHILD))["main"](model, question, answer)
        code = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode(errors="replace"))
    finally:
        os._exit(code)


def _forget_all_but_libraries() -> None:
    """Leave what a fresh interpreter would find: Python, and what is installed."""
    standard = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    kept = (*standard, *_library_places())
    sys.path[:] = [place for place in sys.path if place.startswith(kept) or place.endswith(".zip")]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        is_ours = name.partition(".")[0] == PACKAGE
        if is_ours or (file is not None and not str(file).startswith(kept)):
            del sys.modules[name]


def _library_places() -> list[str]:
    return [place for place in sys.path if place.endswith(("site-packages", "dist-packages"))]


def _spawn(model: Path, question: Path, answer: Path, *, timeout: float) -> tuple[int, str]:
    files = [str(CHILD), str(model), str(question), str(answer)]
    try:
        done = subprocess.run(
            # Isolated, Python leaves out a user's own site-packages, where some images install.
            [sys.executable, "-I", "-B", *files, *_library_places()],
            cwd=question.parent,
            env=_clean_environment(os.environ),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise clean_process_failed(f"no answer within {timeout:.0f} s") from error
    return done.returncode, done.stderr


def _clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        if name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES)
    }
    return {**kept, **DEFAULTS, **FORCED}


def clean_process_failed(received: str) -> ReplayError:
    """Say that the clean process gave no answer, and why."""
    return ReplayError(
        "the bundle must load and predict in a clean process that sees only the bundle and the "
        f"installed libraries. Received: {received}. The champion stays; what a custom network "
        "imports must lie in `include/` or in requirements.txt."
    )
