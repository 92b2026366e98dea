"""The page of a table's story: complete, closed, and deaf to hostile names."""

from collections.abc import Iterator

import pandas as pd
import pytest

from include.analysis.analyze import analyze_table
from include.reporting.explore_page import render_explore_page
from include.specs import PipelineSpec
from tests.builders import make_frame, make_run, make_spec
from tests.reporting.page_parser import check_is_closed
from tests.reporting.samples import HOSTILE


def render(spec: PipelineSpec, frame: pd.DataFrame) -> str:
    def batches() -> Iterator[pd.DataFrame]:
        yield frame

    found = analyze_table(spec, batches, len(frame))
    return render_explore_page(spec, make_run(note=HOSTILE), found, source=HOSTILE)


def test_the_page_holds_every_part_of_the_story() -> None:
    parsed = check_is_closed(render(make_spec(), make_frame()), scripts=1)
    for part in ("The story", "Cleaning", "Where they are missing", "Heat map", "Pairs"):
        assert part in parsed.shown
    for part in ("What goes with repaid", "Over time", "Columns", "Outliers"):
        assert part in parsed.shown
    assert parsed.policy.count("script-src 'sha256-") == 1


def test_hostile_columns_and_categories_stay_text() -> None:
    frame = make_frame().rename(columns={"job": HOSTILE})
    frame[HOSTILE] = frame[HOSTILE].replace("clerk", HOSTILE)
    frame["repaid"] = frame["repaid"].replace("no", HOSTILE)
    columns = [
        {"name": "age", "kind": "integer"},
        {"name": "income", "kind": "number"},
        {"name": HOSTILE, "kind": "category", "description": HOSTILE},
        {"name": "opened", "kind": "datetime"},
        {"name": "repaid", "kind": "category"},
    ]
    parsed = check_is_closed(render(make_spec(columns=columns), frame), scripts=1)
    assert parsed.images == []
    assert "<img src=x onerror" in parsed.shown


def test_private_values_never_reach_the_page() -> None:
    frame = make_frame()
    frame["job"] = "SECRET-" + frame["job"].astype("str")
    columns = [
        {"name": "age", "kind": "integer"},
        {"name": "income", "kind": "number"},
        {"name": "job", "kind": "category", "private": "hash"},
        {"name": "repaid", "kind": "category"},
    ]
    page = render(make_spec(columns=columns), frame)
    assert "SECRET-" not in page
    assert "its values are not looked at" in page


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_tiny_table_gets_a_page(rows: int) -> None:
    assert check_is_closed(render(make_spec(), make_frame(rows)), scripts=1).shown
