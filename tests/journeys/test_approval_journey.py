"""A person answers the question of `approve` by its page alone, or by REST; nobody waits for it."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser_fixture import find_violations
from tests.builders import make_frame
from tests.journeys.journey import Finished, Journey

pytestmark = pytest.mark.timeout(600)
PATIENCE_MS = 60_000


@pytest.fixture
def page(journey: Journey, browser: Browser) -> Iterator[Page]:
    """Open a tab that is signed in to Airflow."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    airflow = journey.settings.airflow
    context.add_cookies([{"name": "_token", "value": journey.api.token, "url": airflow}])
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context.new_page()
    context.close()


def ask(journey: Journey, pipeline: str, **conf: object) -> tuple[str, str]:
    """Start a run and wait until it asks."""
    dag_id, run_id = journey.start(pipeline, **conf)

    def is_asking() -> bool:
        assert journey.api.get_run(dag_id, run_id)["state"] != "failed"
        return journey.state(dag_id, run_id, "approve") == "awaiting_input"

    journey.wait(is_asking, f"{run_id} asks", 240)
    return dag_id, run_id


def read_artifact(journey: Journey, dag_id: str, run_id: str, name: str) -> str:
    link = journey.api.get_link(dag_id, run_id, "judge")
    tracked = link.partition("/runs/")[2].partition("?")[0]
    url = f"{journey.settings.mlflow}/get-artifact"
    answer = journey.http.get(url, params={"path": name, "run_uuid": tracked})
    return answer.raise_for_status().text


def test_a_question_is_answered_by_its_page_alone_and_holds_up_no_other_run(
    journey: Journey, page: Page
):
    make_frame(1500).drop(columns="row_id").to_csv(journey.sources / "asked.csv", index=False)
    dag_id, first = ask(journey, "asked")
    # The first is not answered, and the second comes as far all the same.
    _, second = ask(journey, "asked", note="as good as the first")
    assert journey.state(dag_id, first, "approve") == "awaiting_input"
    waiting = journey.mlflow_run(Finished(dag_id, first, "running", {}, {}, 0.0))
    assert waiting["info"]["status"] == "RUNNING"

    run_url = f"{journey.settings.airflow}/dags/{dag_id}/runs/{first}"
    page.goto(f"{run_url}/tasks/approve/required_actions")
    expect(page.get_by_text("May the candidate of asked go live?").first).to_be_visible()
    expect(page.get_by_role("columnheader", name="Candidate")).to_be_visible()
    expect(page.get_by_role("cell", name="at least 0.5")).to_be_visible()
    expect(page.get_by_text("test rows.").first).to_be_visible()
    expect(page.get_by_role("button", name="Do not promote")).to_be_visible()
    report = page.get_by_role("link", name="Report", exact=True).get_attribute("href")
    page.get_by_role("textbox").last.fill("Looks right to me")
    page.get_by_role("button", name="Promote the candidate").click()

    done = journey.finish(dag_id, first)
    assert done.tasks["promote"] == "success", done.tasks
    assert journey.champion("asked") == "1"
    decision = json.loads(read_artifact(journey, dag_id, first, "decision.json"))
    assert (decision["approved"], decision["answer_reason"]) == (True, "Looks right to me")
    page.goto(str(report))
    shown = page.frame_locator("iframe").first
    expect(shown.get_by_text("admin said yes: “Looks right to me”.")).to_be_visible()

    # The other question was overtaken: its yes promotes nothing, and says why.
    journey.answer(dag_id, second, "Promote the candidate", reason="this one too")
    late = journey.finish(dag_id, second)
    assert late.state == "success", late.tasks
    assert late.tasks["promote"] == "skipped"
    promoted = journey.api.get_record(dag_id, second, "promote") or {}
    assert "became champion meanwhile" in promoted["reason"]
    page_text = read_artifact(journey, dag_id, second, "report.html")
    assert "admin said yes: “this one too”" in page_text
    page.set_content(page_text)
    assert find_violations(page) == []
