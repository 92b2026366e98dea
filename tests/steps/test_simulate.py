"""Policies of retraining, tried on a past that changes half way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.errors import ParamError
from include.records import Simulation
from include.reporting.simulation_page import choose_best, render_simulation
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.simulate import simulate
from tests.builders import make_spec

DAYS = 120


def make_past_spec(**changes) -> PipelineSpec:
    """A time series of which a number follows another, and from some day on the other way round."""
    values = {
        "name": "past",
        "source": {"kind": "file", "uri": "past.csv"},
        "target": {"column": "y", "task": "regression"},
        "columns": [
            {"name": "at", "kind": "datetime"},
            {"name": "x", "kind": "number"},
            {"name": "y", "kind": "number"},
        ],
        "split": {"method": "time", "by": "at", "fractions": [0.8, 0.1, 0.1]},
        "model": {"hidden": [8]},
        "training": {
            "epochs": 8,
            "batch_size": 32,
            "learning_rate": 0.01,
            "early_stopping": None,
        },
        "promotion": {},
        "monitoring": {"ignore": [], "cooldown_days": 0, "weekly_budget": 10},
        **changes,
    }
    return make_spec(**values)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    sources = tmp_path_factory.mktemp("sources")
    at = pd.date_range("2024-01-01", periods=DAYS * 24, freq="h", tz="UTC")
    random = np.random.default_rng(1)
    # From day 75 on x lies elsewhere and means the contrary.
    is_late = np.arange(len(at)) >= 75 * 24
    x = random.normal(size=len(at)) + 4 * is_late
    y = np.where(is_late, -3 * x, 3 * x) + random.normal(scale=1.5, size=len(at))
    frame = pd.DataFrame({"at": at, "x": x, "y": y})
    # The order in the file is not that of time.
    frame.sample(frac=1, random_state=1).to_csv(sources / "past.csv", index=False)
    settings = load_settings().model_copy(update={"relative_sources": str(sources)})
    return simulate(make_past_spec(), settings, share=0.5)


def by_policy(found: Simulation) -> dict:
    return {each.policy: each for each in found.courses}


def test_every_policy_is_held_against_never_training_again(found):
    assert list(by_policy(found)) == ["never", "weekly", "monthly", "on-drift"]
    weeks = len(found.starts)
    assert weeks == 9
    assert by_policy(found)["never"].trained == ()
    assert by_policy(found)["weekly"].trained == tuple(range(1, weeks))
    assert by_policy(found)["monthly"].trained == (5,)
    assert sum(found.rows) == DAYS * 24 - found.first_rows


def test_all_begin_alike_and_only_drift_starts_a_training_by_drift(found):
    assert len({each.scores[0] for each in found.courses}) == 1
    trained = by_policy(found)["on-drift"].trained
    # x moves within the third week.
    assert trained
    assert min(trained) == 3
    assert by_policy(found)["on-drift"].seconds > 0


def test_who_trains_again_after_the_world_changed_does_better(found):
    never, weekly = (by_policy(found)[name].overall for name in ("never", "weekly"))
    assert weekly < never
    assert choose_best(found).policy != "never"


def test_a_gain_of_some_lucky_weeks_is_not_called_best(found):
    never, weekly, *_ = found.courses
    scores = tuple(v + (0.3 if week % 2 else -0.4) for week, v in enumerate(never.scores))
    lucky = weekly.model_copy(update={"scores": scores, "overall": never.overall - 0.05})
    judged = found.model_copy(update={"courses": (never, lucky)})
    assert choose_best(judged).policy == "never"
    assert "No policy was surely better" in render_simulation(make_past_spec(), judged)


def test_the_page_shows_every_policy_and_loads_nothing(found):
    page = render_simulation(make_past_spec(description="<b>"), found)
    for policy in ("Weekly", "Monthly", "On-drift"):
        assert f">{policy}</h2>" in page
    assert "<b> " not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"policies": ["daily"]}, "Received: daily"),
        ({"split": {}}, {}, "split: {method: time, by: COLUMN}"),
    ],
)
def test_what_cannot_be_walked_over_is_said(changes, options, message, tmp_path: Path):
    settings = load_settings()
    with pytest.raises(ParamError, match=message):
        simulate(make_past_spec(**changes), settings, **options)
