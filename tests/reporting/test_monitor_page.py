"""The page of the windows: trends, what is lost, and text that stays text."""

from datetime import UTC, datetime, timedelta

import numpy as np

from include.records import ColumnDrift, Performance, Window
from include.records.monitoring import TOGETHER
from include.reporting.monitor_page import render_monitor_page
from tests.builders import make_run, make_spec
from tests.reporting.page_parser import check_is_closed
from tests.reporting.samples import HOSTILE

RULES = {"require": {"accuracy": ">= 0.8"}}


def make_windows(count: int, *, name: str = "income", real: int = 0) -> list[Window]:
    """Build windows whose income drifts at last; the first ones have labels."""
    random = np.random.default_rng(0)
    return [make_window(random, number, count, name, real) for number in range(1, count + 1)]


def make_window(random, number: int, count: int, name: str, real: int) -> Window:
    psi = {name: 0.02 + 0.4 * (number / count) ** 6, "age": 0.01, "job": 0.03, TOGETHER: 0.05}
    columns = tuple(
        ColumnDrift(
            name=each,
            state="drift" if index > 0.1 else "stable",
            rows=900,
            psi=index + float(random.random()) / 50,
            distance=index,
            wasserstein=index if each != "job" else 0.0,
            p_value=0.0001 if index > 0.1 else 0.7,
        )
        for each, index in psi.items()
    )
    guess = 0.86 - 0.1 * (number / count) ** 2
    return Window(
        version="3",
        at=datetime(2026, 1, 1, 3, tzinfo=UTC) + timedelta(days=number),
        number=number,
        inputs=(f"{number}.csv",),
        rows=900 + number,
        quarantined=number % 5,
        columns=(*columns, ColumnDrift(name="opened", state="no baseline", rows=900)),
        shares={"no": 0.7 + number / 400, "yes": 0.3 - number / 400},
        estimated=performances(guess),
        real=performances(guess - 0.02) if number <= real else (),
        labelled=850 if number <= real else 0,
        before={"accuracy": 0.87, "log_loss": 0.3},
        why="income drifted: a training is started" if number == count else "nothing drifted",
    )


def performances(accuracy: float) -> tuple[Performance, ...]:
    lost = "accuracy >= 0.8" if accuracy + 0.02 < 0.8 else ""
    loss = 1.2 - accuracy
    return (
        Performance(
            metric="accuracy", value=accuracy, low=accuracy - 0.02, high=accuracy + 0.02, lost=lost
        ),
        Performance(metric="log_loss", value=loss, low=loss - 0.03, high=loss + 0.03),
    )


def render(windows: list[Window]) -> str:
    run = make_run(dag_id="monitor__loans")
    return render_monitor_page(make_spec(monitoring=RULES), windows, run=run)


def test_it_says_what_is_lost_and_what_drifted_and_draws_every_column():
    page = render(make_windows(12, real=12))
    assert "Performance is lost" in page
    assert "Income drifted: a training is started." in page
    assert page.count('over the windows"') == 2 + 2 + 3 + 4
    assert "accuracy, real 0.7400 (0.7200 to 0.7600)" in page


def test_one_window_without_labels_or_estimate_is_a_page_as_well():
    [window] = make_windows(1)
    page = render([window.model_copy(update={"estimated": (), "before": {}})])
    assert "nothing measured yet" in page
    assert "no labels yet" in page


def test_names_of_columns_and_classes_stay_text():
    [window] = make_windows(1, name=HOSTILE)
    window = window.model_copy(update={"shares": {HOSTILE: 1.0}, "why": HOSTILE})
    parsed = check_is_closed(render([window]), scripts=1)
    assert HOSTILE in parsed.shown
