"""The replay in a real clean process: the bundle alone must predict what its run did."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from include.errors import IntegrityError, ReplayError
from include.serving.clean_process import CleanProcess
from include.serving.replay import GoldenRows, build_golden_rows, compare_predictions, replay
from include.settings import Settings
from include.specs.columns import TensorColumn
from include.tracking.bundles import CODE
from include.tracking.registry import download_version, register_model
from include.tracking.runs import open_run
from tests.builders import BASE_SPEC, make_run, make_spec
from tests.bundle_builders import SmallBundle, make_bundle

GOLDEN = GoldenRows(
    columns={"x": [1, 2]},
    predictions=[[0.2, 0.8], [0.5, 0.5]],
    classes=("no", "yes"),
    tolerance=1e-5,
)
SAME = {
    "prediction": ["yes", "yes"],
    "probability_no": [0.2, 0.5],
    "probability_yes": [0.8, 0.5],
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    # A time that the source writes in its own way: golden rows have it as ISO text.
    columns = [
        {**column, "format": "%d.%m.%Y"} if column["kind"] == "datetime" else column
        for column in BASE_SPEC["columns"]
    ]
    return make_bundle(tmp_path_factory.mktemp("bundle"), spec=make_spec(columns=columns))


@pytest.fixture(scope="module")
def model(small: SmallBundle, mlflow_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as the registry gives it back."""
    settings = Settings(mlflow_url=mlflow_server, home=tmp_path_factory.mktemp("home"))
    log = open_run(settings, make_run(run_id="manual__replay"))
    uri = small.log_to(log, "replayed")
    version = register_model(
        settings, "replayed", bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
    )
    return download_version(settings, "replayed", version, tmp_path_factory.mktemp("model"))


def replay_here(model: Path, golden: GoldenRows, timeout: float = 120.0) -> float:
    with CleanProcess() as process:
        return replay(process, model, golden, timeout=timeout)


def test_the_bundle_predicts_the_same_in_a_clean_process(small, model):
    golden = build_golden_rows(small.bundle, small.frame, small.predictions)

    assert replay_here(model, GoldenRows.model_validate_json(golden.model_dump_json())) > 0


def test_a_bundle_whose_code_is_incomplete_fails_with_its_reason(small, model, tmp_path):
    broken = shutil.copytree(model, tmp_path / "model")
    remove_package(broken / CODE, "include/features/")
    golden = build_golden_rows(small.bundle, small.frame, small.predictions)

    with (
        CleanProcess() as process,
        pytest.raises(ReplayError, match=r"No module named 'include\.features'"),
    ):
        process.predict(broken, golden.columns, timeout=120)


def test_other_code_than_this_project_packs_is_not_run(small, model, tmp_path):
    broken = shutil.copytree(model, tmp_path / "model")
    canary = tmp_path / "canary"
    with zipfile.ZipFile(broken / CODE, "w") as packed:
        packed.writestr("include/__init__.py", f"open({str(canary)!r}, 'w')")
    golden = build_golden_rows(small.bundle, small.frame, small.predictions)

    with pytest.raises(IntegrityError, match="must be the code of this project"):
        replay_here(broken, golden)

    assert not canary.exists()


def remove_package(archive: Path, prefix: str) -> None:
    with zipfile.ZipFile(archive) as packed:
        kept = {n: packed.read(n) for n in packed.namelist() if not n.startswith(prefix)}
    with zipfile.ZipFile(archive, "w") as packed:
        for name, content in kept.items():
            packed.writestr(name, content)


def test_a_clean_process_that_hangs_is_ended(small, model):
    golden = build_golden_rows(small.bundle, small.frame, small.predictions)

    with pytest.raises(ReplayError, match="no answer within"):
        replay_here(model, golden, timeout=0.2)


def test_golden_rows_are_few_where_rows_are_large(small):
    wide = TensorColumn(name="wide", kind="tensor", shape=(500, 500))
    bundle = small.bundle.model_copy(update={"columns": (wide,)})
    frame = small.frame.assign(**{wide.name: [np.zeros((500, 500))] * len(small.frame)})

    golden = build_golden_rows(bundle, frame, small.predictions)

    assert len(golden.predictions) == 4


def test_golden_rows_are_json_with_missing_values(small):
    golden = build_golden_rows(small.bundle, small.frame, small.predictions)

    again = json.loads(golden.model_dump_json())["columns"]
    assert any(value is None for values in again.values() for value in values)
    assert "NaN" not in golden.model_dump_json()


def test_equal_predictions_pass_also_where_two_classes_tie():
    compare_predictions(GOLDEN, SAME)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probability_no": [0.21, 0.5]}, "1 of 2 rows off by up to 0.01"),
        ({"probability_no": [float("nan"), 0.5]}, "1 of 2 rows off"),
        ({"prediction": ["no", "yes"]}, "class 'no' rather than 'yes' for row 0"),
        ({"further": [1, 2]}, "the columns"),
        ({name: values[:1] for name, values in SAME.items()}, "numbers rather than"),
    ],
    ids=["number", "nan", "class", "columns", "rows"],
)
def test_any_difference_is_refused(change, message):
    with pytest.raises(ReplayError, match=message):
        compare_predictions(GOLDEN, {**SAME, **change})


# What a task is: the fork of a process that has the libraries, and the project, in memory.
TASK = """
import json, os, sys, threading
from pathlib import Path
import keras, mlflow.pyfunc
import include.steps.promote
from include.serving.clean_process import CleanProcess, can_fork
from include.serving.replay import GoldenRows, replay
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
golden = GoldenRows.model_validate_json(Path(sys.argv[1]).read_bytes())
os.environ["SECRET"] = "not for the bundle"

def ask_unchecked(process, model, golden, timeout):
    process.predict(model, golden.columns, timeout=timeout)

def answer(model, timeout=120.0):
    try:
        with CleanProcess() as process:
            # Other code than the project's is refused before it could be asked.
            ask = replay if model == sound else ask_unchecked
            ask(process, Path(model), golden, timeout=timeout)
    except Exception as error:
        return f"{type(error).__name__} {error}"
    return "the same"

sound, incomplete, spy = sys.argv[2:]
said = {
    "forks": can_fork(),
    "sound": answer(sound),
    "incomplete": answer(incomplete),
    "spy": answer(spy),
    "hanging": answer(sound, timeout=0.01),
    "is_whole": bool(os.environ["SECRET"]) and "include.serving.replay" in sys.modules,
}
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(json.dumps({**said, "forks_with_threads": can_fork(), "with_threads": answer(sound)}))
"""


@pytest.fixture(scope="module")
def answers(
    small: SmallBundle, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What a task's replays of a sound bundle, of broken ones, and beside a thread came to."""
    place = tmp_path_factory.mktemp("task")
    golden = build_golden_rows(small.bundle, small.frame, small.predictions)
    (place / "golden.json").write_text(golden.model_dump_json(), encoding="utf-8")
    incomplete = shutil.copytree(model, place / "incomplete")
    remove_package(incomplete / CODE, "include/features/")
    spy = shutil.copytree(model, place / "spy")
    text = "import os; raise RuntimeError(sorted(os.environ))"
    replace_module(spy / CODE, "include/serving/scoring_model.py", text)
    done = subprocess.run(
        [sys.executable, "-c", TASK, place / "golden.json", model, incomplete, spy],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def replace_module(archive: Path, name: str, text: str) -> None:
    with zipfile.ZipFile(archive) as packed:
        content = {n: packed.read(n) for n in packed.namelist()}
    with zipfile.ZipFile(archive, "w") as packed:
        for each, data in content.items():
            packed.writestr(each, text if each == name else data)


def test_a_task_answers_by_a_fork_and_stays_as_it_was(answers):
    assert answers["forks"]
    assert answers["sound"] == "the same"
    assert answers["is_whole"]


def test_a_task_with_threads_starts_an_interpreter(answers):
    assert not answers["forks_with_threads"]
    assert answers["with_threads"] == "the same"


def test_a_fork_knows_no_module_that_the_bundle_lacks(answers):
    assert "No module named 'include.features'" in answers["incomplete"]


def test_a_fork_knows_no_variable_of_its_task(answers):
    assert "RuntimeError" in answers["spy"]
    assert "PATH" in answers["spy"]
    assert "SECRET" not in answers["spy"]


def test_a_fork_that_hangs_is_ended(answers):
    assert "no answer within" in answers["hanging"]
