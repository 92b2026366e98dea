"""Kills, full disks and double triggers in mid-scoring: nothing lost, nothing doubled."""

import multiprocessing
import os
import resource
import signal
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.score.receipts import Receipts
from tests.steps.score.scoring import score, write_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]
TIMES = 10
ROWS = 2_500
# Each child begins with its imports done, as a task of Airflow does.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.steps.score.scoring", "keras", "include.steps.runner"])


def work(environment: dict[str, str], text: str, run_id: str, limit: int) -> None:
    """Score what there is, in a process whose files may not grow beyond a limit."""
    os.environ.update(environment)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    score(PipelineSpec.model_validate_json(text), run_id)


def begin(spec: PipelineSpec, run_id: str, *, limit: int = 0) -> BaseProcess:
    environment = {name: os.environ[name] for name in os.environ if name.startswith("GATEHOUSE_")}
    child = CONTEXT.Process(target=work, args=(environment, spec.model_dump_json(), run_id, limit))
    child.start()
    return child


def end(child: BaseProcess) -> int | None:
    child.join(300)
    return child.exitcode


@pytest.fixture
def sharded(spec: PipelineSpec) -> PipelineSpec:
    """The pipeline with three shards for each input."""
    return spec.replace(scoring=spec.scoring.model_copy(update={"shard_rows": 1_000}))


def check_whole(spec: PipelineSpec) -> set[str]:
    """Of each input that is there, each row is there once; gives their names."""
    place = Path(load_settings().data) / "predictions" / spec.name / "model_version=1"
    rows: Counter[tuple[str, int]] = Counter()
    for file in place.glob("*.parquet"):
        found = pq.ParquetFile(file).read(["input", "row_id"]).to_pydict()
        rows.update(zip(found["input"], found["row_id"], strict=True))
    names = {name for name, _ in rows}
    assert rows == Counter((name, row) for name in names for row in range(ROWS))
    return names


def check_complete(spec: PipelineSpec, names: list[str]) -> None:
    """All inputs are there, whole, and each has its receipt."""
    assert check_whole(spec) == set(names)
    receipts = Receipts(load_settings().data, spec.name, "1").list_all()
    assert {each.name: each.rows for each in receipts} == dict.fromkeys(names, ROWS)


def count_files(data_root: Path) -> int:
    # Directories come and go meanwhile, which only `os.walk` takes as it is.
    return sum(len(dirs) + len(files) for _, dirs, files in os.walk(data_root))


def test_a_kill_at_any_moment_neither_loses_nor_doubles_a_row(sharded, incoming, data_root):
    names, killed = [], 0
    for turn in range(TIMES):
        names.append(f"{turn}.csv")
        write_rows(sharded, incoming, names[-1], ROWS)
        before = count_files(data_root)
        child = begin(sharded, f"run{turn}")
        # Each time a few files later: among the tables, the shards, the output, the receipt.
        while child.is_alive() and count_files(data_root) - before < 1 + 4 * turn:
            time.sleep(0.005)
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
        killed += end(child) == -signal.SIGKILL
        # As Airflow tries the tasks of the same run again.
        assert end(begin(sharded, f"run{turn}")) == 0
        check_complete(sharded, names)
    assert killed >= TIMES // 2


def test_a_full_disk_leaves_nothing_that_looks_whole(sharded, incoming):
    names, failed = [], 0
    for turn in range(TIMES):
        before = list(names)
        names.append(f"{turn}.csv")
        write_rows(sharded, incoming, names[-1], ROWS)
        code = end(begin(sharded, f"run{turn}", limit=1_000 * 2**turn))
        failed += code != 0
        assert set(before) <= check_whole(sharded) <= set(names)
        assert end(begin(sharded, f"run{turn}")) == 0
        check_complete(sharded, names)
    assert failed >= TIMES // 2


def test_two_runs_at_once_score_each_input_once(sharded, incoming):
    names = []
    for turn in range(TIMES):
        names.append(f"{turn}.csv")
        write_rows(sharded, incoming, names[-1], ROWS)
        both = [begin(sharded, f"run{turn}{which}") for which in "ab"]
        assert [end(each) for each in both] == [0, 0]
        check_complete(sharded, names)
