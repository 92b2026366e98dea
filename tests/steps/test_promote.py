"""Promotion against a real registry: closed by default, safe to repeat, never blind."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import NamedTuple

import pytest

from include.errors import PromotionError, ReplayError
from include.records import Answer, EvaluateRecord, Evidence, ModelMetrics, RunContext, Verdict
from include.records.names import DECISION
from include.serving.loading import load_version
from include.serving.replay import build_golden_rows
from include.settings import Settings, load_settings
from include.specs import PipelineSpec
from include.steps.judge import Decision
from include.steps.promote import BACKFILLED, promote
from include.tables.run_files import RunFiles
from include.tracking.alias_history import read_moves
from include.tracking.aliases import find_champion, move_champion
from include.tracking.connection import connect
from include.tracking.registry import register_model
from include.tracking.runs import open_run
from tests.builders import make_run, make_spec
from tests.bundle_builders import SmallBundle, make_bundle

PROMOTE = Verdict(kind="promote", gates=(), reason="better")
YES, NO = Answer(is_yes=True, by="ada"), Answer(is_yes=False, by="ada")


class Candidate(NamedTuple):
    """A logged bundle and what the steps hand on about it."""

    spec: PipelineSpec
    run: RunContext
    evaluated: EvaluateRecord
    log_id: str


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def settings(mlflow_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return load_settings()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A registered model for each test: they share the server."""
    return request.node.name.split("[")[0][:50].rstrip("_")


def _log_candidate(
    settings: Settings,
    small: SmallBundle,
    name: str,
    *,
    against: str = "",
    shift: float = 0.0,
    number: int = 0,
) -> Candidate:
    run = make_run(run_id=f"manual__{name}{number or ''}", pipeline=name)
    golden = build_golden_rows(small.bundle, small.frame, small.predictions + shift)
    content = golden.model_dump_json()
    log = open_run(settings, run)
    uri = small.log_to(log, name, golden=content.encode())
    RunFiles(settings.data, run).write_bytes(DECISION, b"{}")
    path = settings.home / f"golden-{uri.rsplit('/', 1)[-1]}.json"
    path.write_text(content)
    metrics = ModelMetrics(metrics={"accuracy": 0.9}, rows=64)
    evaluated = EvaluateRecord(
        validation=None,
        test=metrics,
        baseline=metrics,
        champion_version=against,
        details_uri="",
        bundle_uri=uri,
        golden_uri=str(path),
    )
    return Candidate(make_spec(name=name), run, evaluated, log.run_id)


def _register_champion(settings: Settings, small: SmallBundle, name: str) -> str:
    candidate = _log_candidate(settings, small, name)
    current = find_champion(settings, name)
    version = register_model(
        settings,
        name,
        bundle_uri=candidate.evaluated.bundle_uri,
        run_id=candidate.log_id,
        decision=b"{}",
        tags={},
    )
    move_champion(
        settings, name, version, expected_current=None if current is None else current.version
    )
    return version


def test_what_the_verdict_warns_of_stands_at_the_version(settings, small, name):
    candidate = _log_candidate(settings, small, name)
    warned = PROMOTE.model_copy(update={"warnings": ("the candidate never predicts 'y_1'",)})
    record = promote(candidate.spec, candidate.run, warned, candidate.evaluated)
    log = open_run(settings, candidate.run)
    said = log.client.get_model_version(name, record.version).description.splitlines()[0]
    assert said.endswith(r" Warning: The candidate never predicts 'y\_1'.")


def test_a_winner_becomes_champion_and_a_rerun_changes_nothing(settings, small, name):
    before = _register_champion(settings, small, name)
    candidate = _log_candidate(settings, small, name, against=before)

    records = [promote(candidate.spec, candidate.run, PROMOTE, candidate.evaluated) for _ in "ab"]

    assert [record.version for record in records] == ["2", "2"]
    assert [record.previous_version for record in records] == ["1", "1"]
    assert find_champion(settings, name).version == "2"
    assert find_champion(settings, name, "previous").version == "1"
    log = open_run(settings, candidate.run)
    version = log.client.get_model_version(name, "2")
    assert version.run_id == log.run_id
    assert version.description.startswith("On 64 test rows: accuracy 0.9")
    assert f"runs/{log.run_id}/artifacts/report.html" in version.description
    assert all(len(text) != len("0.9722222222222222") for text in version.tags.values())
    data = log.client.get_run(log.run_id).data
    assert data.tags["gatehouse.promoted"] == "true"
    assert data.metrics["comparison/promoted"] == 1.0
    assert len(load_version(settings, name, "2").predict(small.frame)) == len(small.frame)


def test_a_backfill_that_wins_moves_no_alias_and_registers_nothing(settings, small, name):
    candidate = _log_candidate(settings, small, name)
    run = candidate.run.model_copy(update={"is_backfill": True})

    record = promote(candidate.spec, run, PROMOTE, candidate.evaluated)

    assert (record.is_promoted, record.reason) == (False, BACKFILLED)
    assert find_champion(settings, name) is None


def test_a_crash_between_register_and_alias_leaves_one_version(settings, small, name):
    candidate = _log_candidate(settings, small, name)
    uri = candidate.evaluated.bundle_uri
    version = register_model(
        settings, name, bundle_uri=uri, run_id=candidate.log_id, decision=b"{}", tags={}
    )

    record = promote(candidate.spec, candidate.run, PROMOTE, candidate.evaluated)

    assert record.version == version == "1"
    client = open_run(settings, candidate.run).client
    assert len(client.search_model_versions(f"name = '{name}'")) == 1


@pytest.mark.parametrize(
    ("kind", "needs_approval", "answer", "reason"),
    [
        ("keep", False, None, "worse"),
        ("keep", False, YES, "worse"),
        ("inconclusive", True, None, "nobody approved it in time"),
        ("inconclusive", False, None, "the policy asks nobody"),
        ("promote", True, None, "nobody approved it in time"),
        ("promote", True, NO, "declined by ada"),
        ("inconclusive", True, NO, "declined by ada"),
    ],
)
def test_anything_short_of_a_yes_registers_nothing(
    settings, name, kind, needs_approval, answer, reason
):
    run = make_run(run_id=f"manual__{name}", pipeline=name)
    verdict = Verdict(kind=kind, gates=(), reason="worse", needs_approval=needs_approval)
    metrics = ModelMetrics(metrics={}, rows=1)
    evaluated = EvaluateRecord(
        validation=None,
        test=metrics,
        baseline=metrics,
        details_uri="",
        bundle_uri="models:/m-1",
        golden_uri="",
    )

    _judge_by_hand(make_spec(name=name), run, verdict)

    record = promote(make_spec(name=name), run, verdict, evaluated, answer=answer)

    assert not record.is_promoted
    assert reason in record.reason
    log = open_run(settings, run)
    assert log.client.search_model_versions(f"name = '{name}'") == []
    assert log.client.get_run(log.run_id).data.tags["gatehouse.promoted"] == "false"


def test_a_model_that_predicts_something_else_is_rejected(settings, small, name):
    before = _register_champion(settings, small, name)
    candidate = _log_candidate(settings, small, name, against=before, shift=0.01)

    with pytest.raises(ReplayError, match=r"off by up to 0\.01"):
        promote(candidate.spec, candidate.run, PROMOTE, candidate.evaluated)

    assert find_champion(settings, name).version == before
    tags = open_run(settings, candidate.run).client.get_model_version(name, "2").tags
    assert tags["gatehouse.status"] == "rejected"
    assert "off by up to" in tags["gatehouse.reason"]


def test_a_champion_that_changed_since_the_evaluation_is_kept(settings, small, name):
    candidate = _log_candidate(settings, small, name)
    other = _register_champion(settings, small, name)

    with pytest.raises(PromotionError, match="Clear the task `evaluate`"):
        promote(candidate.spec, candidate.run, PROMOTE, candidate.evaluated)

    assert find_champion(settings, name).version == other
    client = open_run(settings, candidate.run).client
    assert len(client.search_model_versions(f"name = '{name}'")) == 1


def test_of_two_runs_that_promote_at_the_same_moment_one_wins_and_the_other_says_so(
    settings, small, name
):
    before = _register_champion(settings, small, name)
    both = [_log_candidate(settings, small, name, against=before, number=n) for n in range(2)]
    barrier = Barrier(2)

    def try_to_promote(candidate: Candidate) -> str:
        barrier.wait()
        try:
            return promote(candidate.spec, candidate.run, PROMOTE, candidate.evaluated).version
        except PromotionError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(try_to_promote, both))

    champion = find_champion(settings, name)
    [won] = [each for each in said if each.isdecimal()]
    [lost] = [each for each in said if not each.isdecimal()]
    assert champion.version == won
    assert "Clear the task `evaluate`" in lost
    assert find_champion(settings, name, "previous").version == before
    moves = read_moves(connect(settings), name)
    assert [move.after for move in moves] == [before, won]


def test_a_crash_between_the_alias_and_its_history_is_made_good_once_by_the_next_try(
    settings, small, name, monkeypatch
):
    before = _register_champion(settings, small, name)
    candidate = _log_candidate(settings, small, name, against=before)

    def crash(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("include.tracking.aliases.write_move", crash)
        with pytest.raises(KeyboardInterrupt):
            promote(candidate.spec, candidate.run, PROMOTE, candidate.evaluated)
    assert find_champion(settings, name).version == "2"

    for _ in "ab":
        record = promote(candidate.spec, candidate.run, PROMOTE, candidate.evaluated)

    assert (record.version, record.previous_version) == ("2", "1")
    moves = read_moves(connect(settings), name)
    assert [(move.before, move.after) for move in moves] == [("", "1"), ("1", "2")]


def test_a_yes_to_a_question_that_was_overtaken_promotes_nothing(settings, small, name):
    before = _register_champion(settings, small, name)
    candidate = _log_candidate(settings, small, name, against=before)
    other = _register_champion(settings, small, name)
    asked = Verdict(kind="inconclusive", gates=(), reason="maybe", needs_approval=True)
    _judge_by_hand(candidate.spec, candidate.run, asked)

    record = promote(candidate.spec, candidate.run, asked, candidate.evaluated, answer=YES)

    assert not record.is_promoted
    assert f"version {other} became champion meanwhile" in record.reason
    assert find_champion(settings, name).version == other


def test_a_yes_is_recorded_and_a_rerun_changes_nothing(settings, small, name):
    before = _register_champion(settings, small, name)
    candidate = _log_candidate(settings, small, name, against=before)
    asked = Verdict(kind="inconclusive", gates=(), reason="maybe", needs_approval=True)
    _judge_by_hand(candidate.spec, candidate.run, asked)

    records = [
        promote(candidate.spec, candidate.run, asked, candidate.evaluated, answer=YES) for _ in "ab"
    ]

    assert [record.version for record in records] == ["2", "2"]
    assert {record.answer for record in records} == {YES}
    client = open_run(settings, candidate.run).client
    moves = client.get_registered_model(name).tags["gatehouse.champion_moves"]
    assert moves.count("approved by ada") == 1


def _judge_by_hand(spec: PipelineSpec, run: RunContext, verdict: Verdict) -> None:
    """Leave the decision that `judge` would have left."""
    decision = Decision(
        run=run,
        owner=spec.owner,
        compare=spec.compare_metric,
        rules=spec.promotion,
        evidence=Evidence(rows=64, units="rows", estimates={}, guesses=()),
        verdict=verdict,
    )
    files = RunFiles(load_settings().data, run)
    files.write_bytes(DECISION, decision.model_dump_json().encode())
