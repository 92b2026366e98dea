"""A full disk and a full memory end a step at once, with what to do, and leave nothing half."""

import errno
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest

from include.errors import RoomError
from include.orchestration.policies import RETRY_POLICY
from include.tables.run_files import RunFiles
from include.tables.storage_errors import explain_storage_errors
from tests.builders import make_run

ROOT = Path(__file__).resolve().parents[2]
# A step that wants more memory than the process may have, as the kernel's limit says.
GREEDY = """
import resource
import numpy as np
from include.errors import RoomError
from include.tables.storage_errors import explain_storage_errors

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000, resource.RLIM_INFINITY))
try:
    with explain_storage_errors("/tmp"):
        np.ones(100_000_000)
except RoomError as error:
    print(error)
"""


@pytest.fixture
def small_files():
    """Let no file of this process grow beyond 100 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_named_with_what_was_needed_and_the_old_file_stays(tmp_path, small_files):
    files = RunFiles(str(tmp_path), make_run())
    files.write_bytes("model.keras", b"old")

    with (
        pytest.raises(RoomError, match=r"Needed: 200000 bytes for model\.keras.*bytes free"),
        explain_storage_errors(str(tmp_path)),
    ):
        files.write_bytes("model.keras", b"x" * 200_000)

    assert files.read_bytes("model.keras") == b"old"
    assert [path.name for path in Path(files.directory).iterdir()] == ["model.keras"]


def test_where_no_file_is_named_it_is_the_fuller_of_the_data_and_the_temporary_directory(
    tmp_path, monkeypatch
):
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs two file systems")
    fuller = min((tmp_path, shared), key=lambda place: shutil.disk_usage(place).free)
    for data, temporary in ((tmp_path, shared), (shared, tmp_path)):
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        with (
            pytest.raises(RoomError, match=rf"write at {fuller}\..*TMPDIR to a larger disk"),
            explain_storage_errors(str(data)),
        ):
            raise OSError(errno.ENOSPC, "No space left on device")


def test_what_arrow_says_of_a_full_memory_is_understood_and_the_value_in_it_not_shown():
    error = pa.lib.ArrowException("Unknown error: Wrapping jane@ex.org failed")
    with (
        pytest.raises(RoomError, match="no room for a value") as caught,
        explain_storage_errors("/tmp"),
    ):
        raise error
    assert "jane" not in str(caught.value)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_a_full_memory_is_named_with_what_needs_less():
    done = subprocess.run(
        [sys.executable, "-c", GREEDY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "expected memory enough" in done.stdout
    assert "gatehouse forecast" in done.stdout


def test_neither_is_tried_again():
    assert RETRY_POLICY.evaluate(RoomError("x"), 1, 2).action.value == "fail"
    assert RETRY_POLICY.evaluate(MemoryError(), 1, 2).action.value == "fail"


@pytest.mark.parametrize(
    "text", ["RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.", "can't start new thread"]
)
def test_a_device_or_a_thread_without_memory_is_the_same(text):
    with pytest.raises(RoomError, match=text[:18]), explain_storage_errors("/tmp"):
        raise RuntimeError(text)


def test_a_full_directory_of_temporary_files_is_named(monkeypatch, tmp_path):
    # Python tries to write into each of its candidates.
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/dev/full", "/proc"])
    said = "room for temporary files. Received: No usable.*TMPDIR"
    with pytest.raises(RoomError, match=said), explain_storage_errors(str(tmp_path)):
        tempfile.mkdtemp()
