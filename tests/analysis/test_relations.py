"""The panels of one target speak of one event, and no value hides in another's point."""

import numpy as np
import pandas as pd

from include.records.analysis import Association, RelationPoint, TargetRelation
from include.reporting.charts import draw_boxes
from tests.analysis.test_analyze import analyze
from tests.builders import make_frame, make_spec


def test_all_panels_show_the_share_of_the_same_class() -> None:
    frame = make_frame(400)
    frame["repaid"] = np.where(np.arange(400) < 190, "yes", "no")
    # Of the rows whose job is known `no` is the rarer class, of all rows `yes` is.
    frame.loc[frame.index[200:360], "job"] = None
    spec = make_spec(target={"column": "repaid", "task": "classification"})
    quantities = {relation.quantity for relation in analyze(spec, frame).relations}
    assert quantities == {"share of repaid = yes"}


def test_few_whole_numbers_have_a_point_each() -> None:
    frame = make_frame(891)
    ages = np.repeat([1, 2, 3], [216, 184, 491])
    frame["age"] = pd.array(ages, dtype="Int64")
    frame["repaid"] = np.where(ages == 1, "yes", "no")
    relations = {relation.feature: relation for relation in analyze(make_spec(), frame).relations}
    assert [(p.label, p.rows) for p in relations["age"].points] == [
        ("1", 216),
        ("2", 184),
        ("3", 491),
    ]


def test_a_value_of_many_rows_is_not_mixed_with_its_neighbours() -> None:
    frame = make_frame(600)
    ages = np.concatenate([np.repeat([1, 2], [210, 190]), np.arange(3, 203)])
    frame["age"] = pd.array(ages, dtype="Int64")
    frame["repaid"] = np.where(ages == 1, "yes", "no")
    relations = {relation.feature: relation for relation in analyze(make_spec(), frame).relations}
    points = relations["age"].points
    assert [(p.label, p.rows) for p in points[:2]] == [("1", 210), ("2", 190)]
    assert sum(point.rows for point in points) == 600
    assert [float(p.label) for p in points] == sorted(float(p.label) for p in points)


def test_a_quartile_of_exactly_zero_is_drawn_at_zero() -> None:
    points = (
        RelationPoint(label="a", value=5.0, rows=9, low=0.0, high=10.0),
        RelationPoint(label="b", value=-5.0, rows=9, low=-10.0, high=0.0),
    )
    relation = TargetRelation(
        feature="x",
        association=Association(
            left="x", right="y", measure="correlation_ratio", value=0.5, rows=18
        ),
        shape="boxes",
        quantity="x: median and quartiles",
        points=points,
    )
    widths = [
        float(part.split('width="')[1].split('"')[0])
        for part in draw_boxes(relation).split("<rect")[1:]
        if "fill-opacity" in part
    ]
    assert len(widths) == 2
    assert widths[0] == widths[1] > 50
