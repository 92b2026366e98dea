"""The champion before scores along, and says when the new one is another."""

from include.records import ScoredInput, ShadowRecord
from include.settings import load_settings
from include.steps.rollback import rollback
from include.steps.runner import run_step
from include.steps.score.inputs import find_new_inputs, read_inputs
from include.steps.score.receipts import Receipts
from include.steps.score.shadow import shadow
from tests.builders import make_run
from tests.bundle_builders import sabotage
from tests.steps.score.scoring import promote_next, score, write_rows


def receipt(spec, name: str, version: str) -> ScoredInput:
    return Receipts(load_settings().data, spec.name, version).find(name)


def compare(spec, version: str = "2", run_id: str = "again") -> ShadowRecord:
    """Run the task by itself on the plan of a run that scores everything anew."""
    wanted = spec.to_score()
    run = make_run(
        pipeline=spec.name,
        dag_id=f"score__{spec.name}",
        run_id=run_id,
        force=True,
        due="2026-01-05",
    )
    _, inputs = find_new_inputs(wanted, is_asked=False, force=True)
    planned = run_step(read_inputs, wanted, run, version=version, inputs=inputs)
    return run_step(shadow, wanted, run, planned)


def test_a_first_champion_is_held_against_nobody(spec, incoming):
    write_rows(spec, incoming, "a.csv", 40)
    score(spec)
    assert receipt(spec, "a.csv", "1").shadow is None
    assert compare(spec, "1").previous == ""


def test_a_champion_that_says_the_same_stays(spec, small, incoming):
    write_rows(spec, incoming, "a.csv", 200)
    score(spec)
    promote_next(small, spec.name, after="1")
    score(spec, "two")
    assert receipt(spec, "a.csv", "2").shadow.disagreeing == 0
    found = compare(spec)
    assert (found.previous, found.rows, found.goes_back) == ("1", 200, False)


def test_a_champion_that_says_another_thing_of_most_rows_goes_back(spec, incoming, tmp_path):
    write_rows(spec, incoming, "a.csv", 200)
    score(spec)
    said = max(_classes(spec, "1").items(), key=lambda each: each[1])[0]
    promote_next(sabotage(tmp_path, said), spec.name, after="1")
    score(spec, "two")
    found = compare(spec)
    assert found.goes_back
    assert found.disagreement > 0.5
    rollback(spec.name, to="1", instead_of="2", reason=found.why, by="the comparison")
    # Whoever was gone back to is not held against the one that was left.
    assert compare(spec, "1", "third").previous == ""


def test_only_the_first_inputs_are_compared_and_each_once(spec, small, incoming):
    shadowed = spec.scoring.shadow.model_copy(update={"inputs": 1})
    spec = spec.replace(scoring=spec.scoring.model_copy(update={"shadow": shadowed}))
    promote_next(small, spec.name, after="1")
    for name in ("a.csv", "b.csv"):
        write_rows(spec, incoming, name, 40)
        score(spec, name)
    score(spec, "again", force=True)
    kept = [receipt(spec, name, "2").shadow for name in ("a.csv", "b.csv")]
    assert sum(each is not None for each in kept) == 1


def _classes(spec, version: str) -> dict[str, int]:
    from include.steps.score.predict import sum_up

    return sum_up(receipt(spec, "a.csv", version).predictions).classes
