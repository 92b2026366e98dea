"""The champion over its life: what changes around it is never taken for its merit or its fault."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.promotion.gates import decide
from include.records import Evidence, Verdict
from include.records.names import TRAINED_ROWS
from include.settings import load_settings
from include.sources.privacy import protect
from include.specs import PipelineSpec
from include.steps.judge import read_evidence
from include.steps.promote import explain_refusal
from include.tables.store import read_file, read_frame
from include.tracking.aliases import find_champion
from include.tracking.connection import connect
from include.values.row_filter import RowFilter
from tests.builders import BASE_SPEC, make_frame
from tests.registry_attack import find_files, put_code
from tests.steps.trained import Trained, make_named_spec, promote

SHORT = {"epochs": 2, "early_stopping": None}
WEAK = {"epochs": 1, "learning_rate": 1e-5, "early_stopping": None}


@pytest.fixture(scope="module", autouse=True)
def _root(mlflow_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEHOUSE_DATA_ROOT", str(tmp_path_factory.mktemp("data")))
        yield


def judge(case: Trained) -> tuple[Verdict, Evidence]:
    evidence = read_evidence(case.evaluate())
    return decide(case.spec, evidence), evidence


def make_champion(spec: PipelineSpec, frame: pd.DataFrame | None = None, name: str = "") -> Trained:
    case = Trained(spec, name or "first", frame=frame)
    promote(spec, case.evaluate(), case.run)
    return case


def take_alias_away(name: str) -> None:
    connect(load_settings()).delete_registered_model_alias(name, "champion")


def delete_version(name: str) -> None:
    connect(load_settings()).delete_model_version(name, "1")


@pytest.mark.parametrize("harm", [take_alias_away, delete_version])
def test_without_a_champion_that_once_was_a_person_is_asked(harm: Callable[[str], None]) -> None:
    name = f"lost_{harm.__name__}"
    spec = make_named_spec(name)
    first = make_champion(spec)
    harm(name)
    verdict, _ = judge(first)
    assert verdict.kind == "inconclusive"
    assert verdict.needs_approval
    assert "the champion was version 1, and its alias is gone" in verdict.reason


@pytest.mark.parametrize("tag", ["", "gatehouse.digest"], ids=["archive", "archive_and_tag"])
def test_a_champion_that_was_changed_in_the_store_is_not_run_and_a_person_is_asked(
    tag: str, tmp_path: Path, mlflow_directory: Path
) -> None:
    name, canary = f"changed_{bool(tag)}".lower(), tmp_path / "canary"
    make_champion(make_named_spec(name, training=WEAK))
    settings = load_settings()
    files = find_files(settings, name, "1", mlflow_directory)
    put_code(settings, files, f"{name}/1", canary, tag=tag)

    verdict, evidence = judge(Trained(make_named_spec(name), "second"))

    assert (verdict.kind, verdict.needs_approval) == ("inconclusive", True)
    assert evidence.champion_error.startswith("IntegrityError: ")
    assert "champion version 1 could not be compared with" in verdict.reason
    assert not verdict.reason.endswith(".")  # a sentence goes on from there
    assert not canary.exists()


def test_a_roll_back_by_hand_is_not_undone_by_the_next_run() -> None:
    name = "rolled_back"
    make_champion(make_named_spec(name, training=WEAK))
    better = Trained(make_named_spec(name), "second")
    assert judge(better)[0].kind == "promote"
    promote(better.spec, better.evaluate(), better.run, expected="1")
    connect(load_settings()).set_registered_model_alias(name, "champion", "1")
    verdict, _ = judge(better)
    assert verdict.kind == "inconclusive"
    assert "somebody moved the alias to version 1 since, so a person decides" in verdict.reason
    assert "nobody approved" in explain_refusal(verdict, None)
    champion = find_champion(load_settings(), name)
    assert champion is not None
    assert champion.version == "1"


def find_unseen(case: Trained, first: Trained, fresh: pd.DataFrame) -> int:
    """Count the test rows of a case that another neither trained nor validated on."""
    columns = [name for name in fresh if name != "row_id"]
    test = read_frame(case.prepared.features, part="test_rows")[columns]
    own = read_frame(first.prepared.features, part="test_rows")[columns]
    known = pd.concat([own, fresh[columns]]).drop_duplicates()
    return len(test.merge(known, on=columns))


def test_a_window_that_slides_leaves_out_what_the_champion_learned() -> None:
    name, rows = "sliding", make_frame(1_800)
    first = make_champion(make_named_spec(name, training=SHORT), rows.iloc[:1_500])
    window = rows.iloc[300:].assign(row_id=np.arange(1_500))
    second = Trained(make_named_spec(name, training=SHORT), "second", frame=window)
    _, evidence = judge(second)
    kept = evidence.rows - evidence.rows_left_out
    unseen = find_unseen(second, first, rows.iloc[1_500:])
    assert 20 <= unseen < evidence.rows / 2
    assert abs(kept - unseen) <= 3  # the filter errs in 0.3 % of the rows


def test_rows_with_a_private_column_are_known_by_what_is_stored() -> None:
    columns = [
        {**each, "private": "hash"} if each["name"] == "job" else each
        for each in BASE_SPEC["columns"]
    ]
    options: dict[str, Any] = {"columns": columns, "evaluation": {}, "training": SHORT}
    spec = make_named_spec("private_rows", **options)
    rows = make_frame(1_500)
    stored = protect(spec.column_by_name["job"], pa.array(rows["job"]), "a key of sixteen")
    rows = rows.assign(job=pd.array(stored.to_pylist(), dtype="str"))
    first = make_champion(spec, rows)
    content = read_file(first.prepared.features, TRAINED_ROWS)
    assert "job" in RowFilter.from_bytes(content).columns
    shuffled = rows.sample(frac=1.0, random_state=3).assign(row_id=rows["row_id"].to_numpy())
    second = Trained(spec, "second", frame=shuffled.reset_index(drop=True))
    _, evidence = judge(second)
    kept = evidence.rows - evidence.rows_left_out
    assert abs(kept - find_unseen(second, first, rows.iloc[:0])) <= 2
    assert evidence.rows_left_out > evidence.rows / 2


def change_classes(*values: str) -> list[dict[str, Any]]:
    return [
        {**each, "values": list(values)} if each["name"] == "repaid" else each
        for each in BASE_SPEC["columns"]
    ]


def test_a_class_that_comes_or_goes_leaves_both_comparable() -> None:
    name, rows = "classes", make_frame(600)
    late = rows["repaid"].where(np.arange(len(rows)) % 5 > 0, "late")
    make_champion(make_named_spec(name, training=SHORT), rows)
    three = Trained(
        make_named_spec(name, columns=change_classes("no", "yes", "late")),
        "added",
        frame=rows.assign(repaid=late),
    )
    verdict, evidence = judge(three)
    assert evidence.champion is not None
    assert evidence.champion.metrics["log_loss"] > evidence.estimates["log_loss"].value
    assert verdict.kind in {"promote", "keep"}
    promote(three.spec, three.evaluate(), three.run, expected="1")
    _, evidence = judge(Trained(make_named_spec(name, training=SHORT), "removed", frame=rows))
    assert evidence.champion_version == "2"
    assert evidence.champion is not None
    assert evidence.champion_error == ""


def test_a_champion_is_not_measured_on_a_column_of_another_kind() -> None:
    name, rows = "other_kind", make_frame(400)
    make_champion(make_named_spec(name, training=SHORT), rows)
    columns = [
        {"name": "age", "kind": "category"} if each["name"] == "age" else each
        for each in BASE_SPEC["columns"]
    ]
    words = rows.assign(age=np.where(rows["age"].fillna(0) > 40, "old", "young"))
    spec = make_named_spec(name, columns=columns, training=SHORT)
    _, evidence = judge(Trained(spec, "second", frame=words.astype({"age": "str"})))
    assert evidence.champion is None
    assert "'age': expected a whole number, received 'old'" in evidence.champion_error


def test_another_target_metric_or_name() -> None:
    name, rows = "changed", make_frame(400)
    first = make_champion(make_named_spec(name, training=SHORT), rows)
    by_accuracy = {"require": {}, "compare": "accuracy"}
    verdict, evidence = judge(
        Trained(make_named_spec(name, promotion=by_accuracy), "metric", frame=rows)
    )
    assert evidence.champion is not None
    assert set(evidence.champion.gaps) == set(first.spec.metric_names)
    assert "higher accuracy than champion version 1" in verdict.gates[-1].detail
    other = make_named_spec(
        name,
        target={"column": "married", "task": "classification"},
        promotion={},
        training=SHORT,
        cleaning={"missing_target": "drop"},
    )
    verdict, evidence = judge(Trained(other, "target", frame=rows))
    assert verdict.kind in {"inconclusive", "keep"}
    assert "the champion must predict 'married'" in evidence.champion_error
    renamed = Trained(make_named_spec("changed_name", training=SHORT), "renamed", frame=rows)
    verdict, evidence = judge(renamed)
    assert (evidence.champion_version, evidence.disturbance) == ("", "")
    assert "no champion yet" in verdict.gates[-1].detail
    assert find_champion(load_settings(), name) is not None
