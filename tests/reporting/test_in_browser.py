"""The pages in a real browser: nothing hangs over, and axe finds nothing to complain of."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from include.records import STEPS, Gate, IngestRecord, RunRecords, StepFailure, Verdict
from include.reporting.run_report import RunEvidence, render_run_report
from tests.browser_fixture import find_violations, overhang
from tests.builders import make_frame, make_run, make_spec
from tests.reporting.samples import HOSTILE, make_evidence, make_outcome, make_quality, make_records
from tests.reporting.test_explore_page import render as render_story
from tests.reporting.test_monitor_page import make_windows
from tests.reporting.test_monitor_page import render as render_windows

pytestmark = pytest.mark.slow
LONG = "a_very_long_name_of_a_column_" * 5


def promoted() -> str:
    return render_run_report(make_spec(), make_run(), make_records(), make_evidence())


def first() -> str:
    gate = Gate(name="champion", is_passed=True, is_made=False, detail="there is no champion yet")
    verdict = Verdict(kind="promote", gates=(gate,), reason="there is no champion yet")
    records = RunRecords(*(make_records().by_step | {"judge": verdict}).values())
    return render_run_report(make_spec(), make_run(), records, make_evidence())


def kept() -> str:
    outcome = make_outcome(is_promoted=False)
    return render_run_report(
        make_spec(), make_run(), make_records(), make_evidence(outcome=outcome)
    )


def stopped_by_its_data() -> str:
    records = RunRecords(make_records().get(IngestRecord))
    evidence = RunEvidence(quality=make_quality("income"))
    return render_run_report(make_spec(), make_run(), records, evidence)


def failed_in_train() -> str:
    records = RunRecords(*list(make_records().by_step.values())[: STEPS.index("train")])
    failure = StepFailure(step="train", error="the loss is nan. Lower the learning rate.")
    return render_run_report(make_spec(), make_run(), records, RunEvidence(failure=failure))


def nasty_names() -> str:
    name = f"{HOSTILE} {LONG}"
    evidence = make_evidence(name)
    return render_run_report(make_spec(), make_run(note=name), make_records(name), evidence)


def story() -> str:
    return render_story(make_spec(), make_frame(500))


def windows() -> str:
    return render_windows(make_windows(12, name=f"{HOSTILE} {LONG}", real=5))


@pytest.mark.parametrize(
    "render",
    [promoted, first, kept, stopped_by_its_data, failed_in_train, nasty_names, story, windows],
)
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_can_be_read_by_everybody(
    browser: Browser, render: Callable[[], str], width: int, scheme: str
):
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,  # for axe; the page itself runs nothing
    )
    page = context.new_page()
    page.set_content(render())
    assert find_violations(page) == []
    assert overhang(page) == 0
    context.close()
