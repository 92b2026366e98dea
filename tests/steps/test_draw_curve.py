"""The step `draw_curve`: figure, points and a sentence that says no more than is known."""

import json
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from include.modeling.learning_curve import CurveFit
from include.records import CurvePoint, RunContext
from include.settings import load_settings
from include.steps.draw_curve import draw_curve, write_sentence
from include.steps.report import report
from include.tables.run_files import RunFiles
from include.tracking.runs import find_run
from tests.builders import make_run, make_spec
from tests.reporting.page_parser import check_is_closed
from tests.reporting.samples import make_records


@pytest.fixture
def run(data_root: Path, mlflow_server: str, request: pytest.FixtureRequest) -> RunContext:
    """Name a run of its own for each test, in an empty data root."""
    return make_run(run_id=request.node.name)


def make_points(rows: list[int], losses: list[float]) -> list[CurvePoint]:
    return [
        CurvePoint(
            share=each / max(rows), rows=each, metrics={"log_loss": loss}, epochs=2, seconds=1.5
        )
        for each, loss in zip(rows, losses, strict=True)
    ]


def power_points() -> list[CurvePoint]:
    rows = [100, 200, 500, 1_000, 2_000]
    return make_points(rows, [0.1 + 4 * each**-0.5 for each in rows])


def read_report(run: RunContext) -> str:
    written = report(make_spec(), run, *make_records().by_step.values())
    return Path(written.uri).read_text(encoding="utf-8")


def test_it_leaves_figure_points_and_gain(run: RunContext) -> None:
    curve = draw_curve(make_spec(), run, points=power_points()[::-1])
    assert curve.kind == "power_law"
    assert curve.doubling_gain == pytest.approx(4 * (2_000**-0.5 - 4_000**-0.5), rel=0.01)
    assert "from 2,000 to 4,000 would lower log loss, now 0.189, by about 0.026" in curve.sentence
    assert [point.rows for point in curve.points] == [100, 200, 500, 1_000, 2_000]
    assert len(curve.model_dump_json()) < 8_000
    files = RunFiles(load_settings().data, run)
    assert files.read_bytes(curve.figure).startswith(b"<svg ")
    assert json.loads(files.read_bytes("learning_curve.json"))["metric"] == "log_loss"
    log = find_run(load_settings(), run)
    client = MlflowClient(load_settings().mlflow)
    metrics = client.get_run(log.run_id).data.metrics
    assert metrics["learning_curve/doubling_gain"] == pytest.approx(curve.doubling_gain)
    assert (
        metrics["learning_curve/doubling_gain_low"] <= metrics["learning_curve/doubling_gain_high"]
    )
    history = client.get_metric_history(log.run_id, "learning_curve/log_loss")
    assert [point.step for point in history] == [100, 200, 500, 1_000, 2_000]
    names = [each.path for each in client.list_artifacts(log.run_id, "figures")]
    assert names == ["figures/learning_curve.svg"]


def test_the_report_answers_whether_more_data_would_help(run: RunContext) -> None:
    curve = draw_curve(make_spec(), run, points=power_points())
    page = read_report(run)
    parsed = check_is_closed(page)
    assert "Would more data help?" in parsed.shown
    assert curve.sentence in parsed.shown
    assert len(parsed.images) == 1


def test_a_report_without_a_curve_does_not_ask(run: RunContext) -> None:
    page = read_report(run)
    assert "Would more data help?" not in check_is_closed(page).shown


def test_noise_is_said_to_be_noise(run: RunContext) -> None:
    losses = (0.4 + np.random.default_rng(1).normal(0, 0.02, 5)).tolist()
    curve = draw_curve(make_spec(), run, points=make_points([100, 200, 500, 1_000, 2_000], losses))
    assert curve.kind == "unknown"
    assert curve.doubling_gain is None
    assert curve.sentence.startswith("Cannot tell what more rows would bring: the 5 points show")
    metrics = find_run(load_settings(), run)
    assert "learning_curve/doubling_gain" not in metrics.client.get_run(metrics.run_id).data.metrics


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_points_are_said_to_be_too_few(run: RunContext, count: int) -> None:
    curve = draw_curve(make_spec(), run, points=power_points()[:count])
    assert "a trend needs at least 3 points" in curve.sentence


def test_a_point_without_the_metric_is_left_out(run: RunContext) -> None:
    broken = power_points()[2].model_copy(update={"metrics": {}})
    points = [*power_points()[:2], broken, *power_points()[3:]]
    planned = [point.share for point in points]
    curve = draw_curve(make_spec(), run, points=points, planned=planned)
    assert len(curve.points) == 4
    assert curve.missing == (0.25,)
    page = read_report(run)
    assert "not defined there: 25 %." in check_is_closed(page).shown


@pytest.mark.parametrize(
    ("fit", "metric", "sentence"),
    [
        (
            CurveFit("log_line", {"a": 0.2, "b": 0.1}, 0.0693, 0.05, 0.09),
            "accuracy",
            "Doubling the training rows from 100 to 200 would raise accuracy, now 0.660, by about "
            "0.069; with 80 % likelihood by 0.050 to 0.090. The points only support a straight "
            "line, which never levels off: take it as the most to hope for.",
        ),
        (
            CurveFit("power_law", {"a": 0.5, "b": 0.1, "c": 3.0}, 0.0, 0.0, 0.001),
            "log_loss",
            "Doubling the training rows from 100 to 200 would hardly change log loss, now 0.6600, "
            "by about 0.0000; with 80 % likelihood by 0.0000 to 0.0010.",
        ),
    ],
    ids=["a line", "nothing to gain"],
)
def test_the_sentence_says_what_is_known(fit: CurveFit, metric: str, sentence: str) -> None:
    assert write_sentence(fit, 100, 0.66, metric=metric) == sentence
