import numpy as np
import pytest

from include.modeling import comparison
from include.modeling.comparison import compare_predictions
from include.specs.metrics import METRICS, metrics_for
from tests.modeling.samples import SCHEMAS

ALL = [(kind, name) for kind in ("many", "regression") for name in metrics_for(SCHEMAS[kind].task)]


def make_models(kind: str, rows: int = 400, gap: float = 1.0) -> tuple:
    """Make a target and the predictions of a worse and a better model for it."""
    random = np.random.default_rng(3)
    if kind == "regression":
        y, noise = random.normal(100, 20, rows), random.normal(0, 5, rows)
        return y, y + noise * (1 + gap), y + noise
    y = random.integers(0, 3, rows)
    scores = random.normal(0, 1, (rows, 3))
    models = [np.exp(scores + skill * np.eye(3)[y]) for skill in (1.0, 1.0 + gap)]
    return y, *(model / model.sum(axis=1, keepdims=True) for model in models)


@pytest.fixture(autouse=True)
def _few_slow_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "SLOW_RESAMPLES", 30)


@pytest.mark.parametrize(("kind", "metric"), ALL)
def test_the_better_model_wins_from_either_side(kind: str, metric: str) -> None:
    y, worse, better = make_models(kind, gap=2.0)
    schema = SCHEMAS[kind]
    won = compare_predictions(schema, y, candidate=better, champion=worse, metric=metric)
    lost = compare_predictions(schema, y, candidate=worse, champion=better, metric=metric)
    assert won.difference == pytest.approx(-lost.difference)
    assert won.low is not None
    assert won.low <= won.difference <= won.high
    if metric != "calibration_error":
        assert won.low > 0
        assert lost.high < 0
    rises = won.candidate > won.champion
    assert rises == ((won.difference > 0) == METRICS[metric].is_higher_better)


def test_a_small_difference_on_few_rows_stays_open() -> None:
    y, worse, better = make_models("many", rows=60, gap=0.05)
    found = compare_predictions(
        SCHEMAS["many"], y, candidate=better, champion=worse, metric="accuracy"
    )
    assert found.low <= 0 <= found.high


def test_the_same_model_differs_by_nothing() -> None:
    y, worse, _ = make_models("many")
    found = compare_predictions(
        SCHEMAS["many"], y, candidate=worse, champion=worse, metric="log_loss"
    )
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_the_interval_is_that_of_the_theory() -> None:
    y, worse, better = make_models("regression", rows=500)
    found = compare_predictions(
        SCHEMAS["regression"], y, candidate=better, champion=worse, metric="mae"
    )
    gaps = np.abs(worse - y) - np.abs(better - y)
    expected = 1.96 * gaps.std() / np.sqrt(len(gaps))
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=0.1)
    assert (found.confidence, found.resamples) == (0.95, 1000)


def test_very_many_rows_give_the_interval_of_the_theory_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparison, "MOST_UNITS", 200)
    y, worse, better = make_models("regression", rows=2_050)
    found = compare_predictions(
        SCHEMAS["regression"], y, candidate=better, champion=worse, metric="mse"
    )
    gaps = np.square(worse - y) - np.square(better - y)
    expected = 1.96 * gaps.std() / np.sqrt(len(gaps))
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=0.2)


def test_the_seed_makes_it_repeatable() -> None:
    y, worse, better = make_models("many")
    first, again, other = (
        compare_predictions(
            SCHEMAS["many"], y, candidate=better, champion=worse, metric="brier", seed=seed
        )
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first.low != other.low


def test_too_few_rows_bound_nothing() -> None:
    y, worse, better = make_models("many", rows=19)
    found = compare_predictions(
        SCHEMAS["many"], y, candidate=better, champion=worse, metric="log_loss"
    )
    assert (found.low, found.high, found.resamples, found.error) == (None, None, 0, "")


@pytest.mark.parametrize("broken", ["candidate", "champion"])
def test_predictions_that_are_no_numbers_are_an_error(broken: str) -> None:
    y, worse, better = make_models("many")
    models = {"candidate": better, "champion": worse}
    models[broken] = np.full_like(better, np.nan)
    found = compare_predictions(SCHEMAS["many"], y, **models, metric="log_loss")
    assert found.difference is None
    assert f"log_loss of the {broken} cannot be computed" in found.error
