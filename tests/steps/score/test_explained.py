"""What is written beside predictions if asked."""

from datetime import UTC, datetime

from include.serving.batch import EXPLANATION, BatchScorer
from include.serving.scoring_model import ScoringModel
from tests.builders import make_frame

WHEN = datetime(2026, 1, 5, tzinfo=UTC)


def test_each_row_names_the_columns_that_add_most_and_no_value(small):
    scorer = BatchScorer(ScoringModel.load(small.directory), version="1", explanations=True)
    frame = make_frame(5)
    [rows] = scorer.score([frame], source="a.csv", scored_at=WHEN)
    for text in rows.column(EXPLANATION).to_pylist():
        named = [part.rsplit(" ", 1) for part in text.split("; ")]
        assert len(named) == 3
        assert {name for name, _ in named} <= set(frame)
        amounts = [abs(float(amount)) for _, amount in named]
        assert amounts == sorted(amounts, reverse=True)


def test_without_being_asked_nothing_is_explained(small):
    scorer = BatchScorer(ScoringModel.load(small.directory), version="1")
    [rows] = scorer.score([make_frame(5)], source="a.csv", scored_at=WHEN)
    assert EXPLANATION not in rows.column_names
