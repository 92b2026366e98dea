"""What a person sees in a browser: which run won, lined up beside another."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from include.stack.airflow_api import read_password
from tests.journeys.journey import Journey

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("train__digits"),
]
CHROMIUM = "/usr/bin/chromium"
DECIDING = "Deciding: log_loss"
SECONDS = 60_000


@pytest.fixture
def page() -> Iterator[Page]:
    """Open the machine's own browser, with nothing in it."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(SECONDS)
        yield page
        browser.close()


def sign_in(page: Page, journey: Journey) -> None:
    page.goto(f"{journey.settings.airflow}/auth/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", read_password(journey.settings))
    page.click("button[type=submit]")
    expect(page.get_by_role("link", name="Dags").first).to_be_visible(timeout=SECONDS)


def read_first_row(page: Page) -> list[str]:
    """Read the cells of the table of metrics that stand highest, from left to right."""
    cells = page.locator(".ReactVirtualized__Grid__innerScrollContainer > div").all()
    placed = [(cell.bounding_box() or {}, cell.inner_text()) for cell in cells]
    top = min(box["y"] for box, _ in placed)
    highest = [(box["x"], text) for box, text in placed if abs(box["y"] - top) < 5]
    return [text for _, text in sorted(highest)]


def test_two_runs_are_compared_by_the_metric_that_decides(journey: Journey, page: Page):
    runs = [journey.train("digits", epochs=epochs) for epochs in (6, 1)]
    found = [journey.mlflow_run(run) for run in runs]
    names = [each["info"]["run_name"] for each in found]
    decided = [
        next(metric["value"] for metric in each["data"]["metrics"] if metric["key"] == DECIDING)
        for each in found
    ]
    sign_in(page, journey)

    page.goto(f"{journey.settings.airflow}/gatehouse/digits/runs")
    for name in names:
        row = page.get_by_role("row").filter(has_text=name).first
        row.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Compare", exact=True).first.click()

    expect(page.get_by_role("heading", name="Comparing 2 Runs")).to_be_visible()
    plotted = page.locator("svg text").filter(has_text=DECIDING)
    expect(plotted).to_be_visible()
    first_row = read_first_row(page)
    assert first_row[0] == DECIDING
    assert sorted(map(float, first_row[1:])) == pytest.approx(sorted(decided), rel=0.1)

    # The report of the later run leads to its comparison with the champion.
    later = found[1]["info"]["run_id"]
    url = f"{journey.settings.mlflow}/get-artifact"
    report = httpx.get(url, params={"path": "report.html", "run_uuid": later}, timeout=30).text
    page.set_content(report)
    link = page.get_by_role("link", name="Compare both runs in MLflow").get_attribute("href")
    page.goto("about:blank")
    page.goto(str(link))
    expect(page.get_by_role("heading", name="Comparing 2 Runs")).to_be_visible()
