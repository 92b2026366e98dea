"""The part of a run's page that tells why."""

import zlib

import numpy as np
import pytest

from include.records.explanations import (
    Attribution,
    Course,
    ExplainedRow,
    Explanations,
    Importance,
    Importances,
    Picture,
    ReferenceFit,
    ReferenceMetric,
    ThresholdChoice,
    ThresholdPoint,
)
from include.reporting.explanations import draw_course, draw_threshold, render_explanations
from include.reporting.png import draw_array, draw_heat

COLUMN = "<img src=x onerror=alert(1)>"


def make_importances(**changes):
    values = {
        "metric": "log_loss",
        "baseline": 0.25,
        "rows": 5_000,
        "of_rows": 60_000,
        "repeats": 3,
        "planned_repeats": 5,
        "seconds": 21.0,
        "budget_seconds": 20.0,
        "slice_name": "sex = Female",
        "slice_rows": 400,
        "slice_baseline": 0.4,
        "columns": [
            Importance(column=COLUMN, value=0.2, spread=0.01, slice_value=0.3, slice_spread=0.02)
        ],
        **changes,
    }
    return Importances.model_validate(values)


def make_picture():
    heat = np.zeros((4, 4))
    heat[1, 2], heat[3, 3] = 0.5, -0.25
    return Picture(
        column="image",
        shape=(4, 4),
        values=tuple(np.linspace(0, 1, 16)),
        heat=tuple(heat.ravel()),
    )


def make_row(**changes):
    values = {
        "row": "12",
        "said": "yes",
        "actual": "no",
        "is_wrong": True,
        "output": 0.9,
        "reference_output": 0.2,
        "gap": 0.0,
        "attributions": [Attribution(column=COLUMN, shown="40", amount=0.7)],
        **changes,
    }
    return ExplainedRow.model_validate(values)


def test_it_says_what_was_measured_on_what_and_escapes_what_users_name():
    page = render_explanations(Explanations(importances=make_importances()), "repaid")

    assert COLUMN not in page
    assert "&lt;img src=x" in page
    assert "a sample of 5,000 of 60,000 test rows with 3 repeats" in page
    assert "5 were planned and the 20.0 s for them were over" in page
    assert "worst slice, sex = Female (400 rows)" in page
    assert "Higher by" in page


def test_a_run_without_explanations_has_no_such_part():
    assert render_explanations(None, "repaid") == ""
    assert "<section" not in render_explanations(Explanations(), "repaid")


def test_hard_rows_tell_what_was_said_and_what_was_true():
    found = Explanations(explained_as="the probability of what is said", hardest=(make_row(),))

    page = render_explanations(found, "repaid")

    assert 'said <b>yes</b>, true is <b class="bad">no</b>' in page
    assert "0.900 against 0.200 of the reference row" in page
    assert "+0.700" in page


def test_patches_and_heat_of_an_image_are_pictures_within_the_page():
    patches = [
        Importance(column="image", patch=(row, column), value=row * column, spread=0.1)
        for row in range(2)
        for column in range(2)
    ]
    ranked = make_importances(columns=patches, grid=(2, 2), slice_name="")
    found = Explanations(importances=ranked, sample=(make_row(pictures=[make_picture()]),))

    page = render_explanations(found, "label")

    assert page.count("data:image/png;base64,") == 2
    assert page.count('class="pos"') == 4
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_heat_is_orange_where_it_adds_and_blue_where_it_takes_away():
    picture = make_picture()

    pixels, plain = (
        np.frombuffer(zlib.decompress(content[41:-16]), np.uint8).reshape(4, 13)[:, 1:]
        for content in (draw_heat(picture), draw_array(picture))
    )

    pixels, plain = pixels.reshape(4, 4, 3), plain.reshape(4, 4, 3)
    assert pixels[1, 2].tolist() == [230, 97, 0]
    assert pixels[3, 3, 2] > pixels[3, 3, 0]
    assert (plain[0, 0].tolist(), plain[3, 3].tolist()) == ([0, 0, 0], [255, 255, 255])


def test_the_reference_is_told_with_its_interval_or_with_why_there_is_none():
    fit = ReferenceFit(
        rows=1_000,
        trees=100,
        seconds=2.5,
        metrics=(
            ReferenceMetric(
                name="log_loss",
                candidate=0.3,
                reference=0.28,
                difference=-0.02,
                low=-0.03,
                high=-0.01,
            ),
        ),
    )

    told = render_explanations(Explanations(reference=fit), "repaid")
    none = render_explanations(Explanations(reference=ReferenceFit(note="it reads tables")), "y")

    assert 'class="num bad">−0.0200' in told
    assert "−0.0300 to −0.0100" in told
    assert "There is no reference of gradient boosting: it reads tables." in none


@pytest.mark.parametrize("length", [2, 240])
def test_threshold_and_course_are_drawn(length):
    points = [ThresholdPoint(threshold=each, cost=each) for each in np.linspace(0, 1, length)]
    choice = ThresholdChoice(
        positive="yes",
        false_positive=1,
        false_negative=4,
        threshold=0.2,
        validation_rows=100,
        validation_cost=0.1,
        test_cost=0.12,
        half_cost=0.3,
        never_cost=0.5,
        always_cost=0.6,
        points=points,
    )
    course = Course(
        title="All test rows",
        rows_per_point=1,
        times=[f"2024-01-01 {each % 24:02d}:00" for each in range(length)],
        actual=[1.0] * length,
        predicted=[2.0] * length,
    )

    assert b"least cost: 0.200" in draw_threshold(choice)
    assert draw_course(course, "dust").count(b"<path") >= 2
    page = render_explanations(Explanations(threshold=choice, courses=(course,)), "dust")
    assert "A false yes costs 1 and a missed one 4." in page


def test_the_name_of_a_metric_keeps_its_large_letters() -> None:
    ranked = make_importances(metric="rmse")
    page = render_explanations(Explanations(importances=ranked), "label")
    assert "<caption>RMSE is 0.25" in page
