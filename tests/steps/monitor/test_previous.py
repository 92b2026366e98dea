"""A champion whose first labels say that the one before was better."""

import shutil
from datetime import timedelta

from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.monitor import index_labels, read_labels
from include.steps.monitor.previous import hold_against_previous
from include.steps.score.receipts import Receipts
from tests.builders import make_frame
from tests.steps.monitor.test_late_labels import (  # noqa: F401 - `sources` is a fixture
    NOW,
    ROWS,
    monitor,
    read_windows,
    sources,
    write_labels,
)
from tests.steps.score.test_scoring_chain import score, write_rows
from tests.steps.trained import Trained, make_named_spec, promote


def replace_champion(name: str, incoming, *, is_worse: bool) -> PipelineSpec:
    """Promote a champion, then one that learned the opposite or the same, which scores a file."""
    spec = make_named_spec(name)
    frame = make_frame(1_200)
    first = Trained(spec, frame=frame)
    promote(spec, first.evaluate(), first.run)
    opposite = frame["repaid"].map({"yes": "no", "no": "yes"})
    second = Trained(spec, "two", frame=frame.assign(repaid=opposite) if is_worse else frame)
    promote(spec, second.evaluate(), second.run, expected="1")
    write_rows(spec, incoming, "monday.csv", ROWS)
    score(spec, due=NOW.isoformat())
    return spec


def hold(spec: PipelineSpec, **shadow):
    changed = spec.scoring.shadow.model_copy(update=shadow)
    spec = spec.replace(scoring=spec.scoring.model_copy(update={"shadow": changed}))
    labels = read_labels(spec, load_settings(), str)
    known = None if labels is None else index_labels(spec, labels)
    return hold_against_previous(spec, load_settings(), "2", known)


def test_a_champion_that_its_labels_show_to_be_worse_than_the_one_before_goes_back(sources):  # noqa: F811
    spec = replace_champion("worse_by_labels", sources / "incoming", is_worse=True)
    assert monitor(spec, "one").back is None
    write_labels(spec, sources, slice(0, 30))
    few = hold(spec)
    assert not few.goes_back
    assert "30 rows with labels version 2 has too few" in few.why
    write_labels(spec, sources, slice(0, 300))
    assert not hold(spec, tolerance=100.0).goes_back
    back = monitor(spec, "two", 1).back
    assert (back.version, back.previous, back.goes_back) == ("2", "1", True)
    assert back.why.startswith("on 300 rows with labels version 2 has ")
    assert back.why.endswith(" higher log loss than version 1, worse")
    [window] = read_windows(spec)
    assert window.why.endswith(back.why)


def test_one_that_is_as_good_stays_and_so_does_one_that_nobody_scored_along(sources):  # noqa: F811
    spec = replace_champion("as_good_by_labels", sources / "incoming", is_worse=False)
    write_labels(spec, sources, slice(0, 300))
    found = hold(spec)
    assert not found.goes_back
    assert "not surely worse" in found.why
    receipts = Receipts(load_settings().data, spec.name, "2")
    [scored] = receipts.list_all()
    receipts.write(scored.model_copy(update={"shadow": None}))
    assert hold(spec) is None


def test_without_labels_neither_version_is_fetched(sources):  # noqa: F811
    spec = replace_champion("unlabelled", sources / "incoming", is_worse=False)
    shutil.rmtree(load_settings().home / "models")
    assert hold(spec) is None
    assert not (load_settings().home / "models").exists()


def test_rows_that_are_kept_no_longer_are_compared_no_more(sources, monkeypatch):  # noqa: F811
    spec = replace_champion("kept_no_longer", sources / "incoming", is_worse=True)
    write_labels(spec, sources, slice(0, 300))
    receipts = Receipts(load_settings().data, spec.name, "2")
    [scored] = receipts.list_all()
    receipts.write(scored.model_copy(update={"scored_at": NOW - timedelta(days=2)}))
    shutil.rmtree(scored.table.uri)
    monkeypatch.setenv("GATEHOUSE_KEEP_DAYS", "1")
    assert hold(spec) is None
