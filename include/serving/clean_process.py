"""A process that knows the bundle and the installed libraries, and nothing of this project.

A task of Airflow has the libraries in memory already, inherited from the process that forked it.
A fork of it that forgets our package is as clean as a fresh interpreter and spares ten seconds
of imports. Only a process with a single thread may fork safely; any other starts an interpreter.
"""

import contextlib
import json
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
from tempfile import TemporaryDirectory
from typing import Any, Final, NoReturn, Self

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
ROWS: Final = "rows.json"
ANSWER: Final = "answer.json"
ERRORS: Final = "errors.txt"


class CleanProcess:
    """A process that waits for a model to be loaded, and for rows to be predicted.

    It is forked when the block begins, since what comes before a prediction, such as a download,
    may start threads.
    """

    def __init__(self) -> None:
        """Begin without a process."""
        self._scratch = TemporaryDirectory(prefix="gatehouse-replay-")
        self._place = Path(self._scratch.name)
        self._child = 0
        self._jobs = -1

    def __enter__(self) -> Self:
        """Fork, if this process may."""
        if can_fork():
            (self._place / ERRORS).touch()
            read_end, self._jobs = os.pipe()
            self._child = os.fork()
            if self._child == 0:
                os.close(self._jobs)
                _wait_and_answer(read_end, self._place)
            os.close(read_end)
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, whether it was asked or not."""
        if self._child:
            os.close(self._jobs)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
        self._scratch.cleanup()

    def predict(self, model: Path, columns: Mapping[str, Any], *, timeout: float) -> Any:
        """Load a model and predict rows; once for each process.

        Args:
            model: Local directory of a model whose seal and code were checked.
            columns: Lists of values by column.
            timeout: Seconds that it may take.

        Returns:
            What `replay_child` answers.

        Raises:
            ReplayError: It failed, or took too long.
        """
        (self._place / ROWS).write_text(json.dumps(columns), encoding="utf-8")
        ask = self._ask if self._child else self._spawn
        code, errors = ask(model, timeout)
        answer = self._place / ANSWER
        if code != 0 or not answer.exists():
            raise clean_process_failed(f"exit code {code} and\n{errors[-2_000:]}")
        return json.loads(answer.read_text(encoding="utf-8"))

    def _ask(self, model: Path, timeout: float) -> tuple[int, str]:
        os.write(self._jobs, f"{model}\n".encode())
        deadline = time.monotonic() + timeout
        while True:
            done, status = os.waitpid(self._child, os.WNOHANG)
            if done:
                os.close(self._jobs)
                self._child = 0
                errors = (self._place / ERRORS).read_text(errors="replace")
                return os.waitstatus_to_exitcode(status), errors
            if time.monotonic() > deadline:
                raise clean_process_failed(f"no answer within {timeout:.0f} s")
            time.sleep(POLL_SECONDS)

    def _spawn(self, model: Path, timeout: float) -> tuple[int, str]:
        files = [str(path) for path in (CHILD, model, self._place / ROWS, self._place / ANSWER)]
        try:
            done = subprocess.run(
                # Isolated, Python leaves out a user's own site-packages, where some images install.
                [sys.executable, "-I", "-B", *files, *_library_places()],
                cwd=self._place,
                env=_clean_environment(os.environ),
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise clean_process_failed(f"no answer within {timeout:.0f} s") from error
        return done.returncode, done.stderr


def can_fork() -> bool:
    """Tell whether this process has the libraries in memory, and one thread only."""
    if any(library not in sys.modules for library in LIBRARIES):
        return False
    try:
        # Threads of native libraries count as well: a lock that one holds is never released.
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - names only
    except OSError:
        return False


def _wait_and_answer(jobs: int, place: Path) -> NoReturn:
    """Forget the project, wait for a model, answer, and end without the parent's own last acts."""
    code = 1
    try:
        # Whatever is printed must not reach those who listen to the parent.
        errors = os.open(place / ERRORS, os.O_WRONLY)
        os.dup2(errors, 1)
        os.dup2(errors, 2)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        _forget_all_but_libraries()
        kept = _clean_environment(os.environ)
        os.environ.clear()
        os.environ.update(kept)
        os.chdir(place)
        with open(jobs, encoding="utf-8") as lines:
            model = lines.readline().rstrip("\n")
        if model:  # else the parent is gone, or had nothing to ask
            answer = runpy.run_path(str(CHILD))["main"]
            answer(Path(model), place / ROWS, place / ANSWER)
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
