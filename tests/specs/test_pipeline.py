"""What a spec derives from its parts."""

import json
import math
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from include.features.target import order_classes
from include.specs.json_schema import MODELINE, render_schema
from include.specs.loader import _parse_yaml
from include.specs.metrics import METRICS
from include.specs.promotion import Requirement, parse_requirement
from include.specs.reference import render_spec, write_reference
from tests.builders import BASE_SPEC, make_spec

SHIPPED = Path(__file__).resolve().parents[2] / "include" / "pipelines"


@pytest.mark.parametrize("value", [None, float("nan"), 0.94], ids=["missing", "nan", "below"])
def test_a_gate_is_closed_unless_its_metric_passes(value: float | None):
    assert not parse_requirement("accuracy", ">= 0.95").is_met(value)


@pytest.mark.parametrize(
    ("text", "value", "is_met"),
    [(">=0.5", 0.5, True), ("<= 0.2", 0.2, True), ("<= 0.2", 0.21, False), ("<= 1e-3", 0.0, True)],
)
def test_a_gate_compares_as_it_is_written(text: str, value: float, is_met: bool):
    assert parse_requirement("log_loss", text).is_met(value) is is_met


def test_infinity_passes_no_upper_bound():
    gate = Requirement(metric="log_loss", is_minimum=False, bound=1.0)
    assert not gate.is_met(float("inf"))


def test_metrics_that_promotion_needs_are_always_computed():
    spec = make_spec(
        evaluation={"metrics": ["roc_auc"]},
        promotion={"require": {"accuracy": ">= 0.5"}, "compare": "brier"},
    )
    assert spec.metric_names == ("roc_auc", "brier", "accuracy")
    assert all(METRICS[name].task == "classification" for name in spec.metric_names)


def test_ids_ignored_masked_and_dropped_columns_are_no_features():
    columns = [
        *BASE_SPEC["columns"],
        {"name": "skipped", "kind": "ignore"},
        {"name": "mail", "kind": "text", "private": "drop"},
        {"name": "phone", "kind": "text", "private": "mask"},
        {"name": "city", "kind": "category", "private": "hash"},
    ]
    spec = make_spec(columns=columns)
    features = [column.name for column in spec.feature_columns]
    assert features == ["age", "income", "married", "job", "opened", "city"]
    stored = {column.name for column in spec.stored_columns}
    assert "phone" in stored
    assert stored.isdisjoint({"skipped", "mail"})


def test_a_private_target_is_refused():
    columns = [*BASE_SPEC["columns"][:-1], {**BASE_SPEC["columns"][-1], "private": "hash"}]
    with pytest.raises(ValueError, match="not private"):
        make_spec(columns=columns)


@pytest.mark.parametrize(
    ("written", "text"), [(True, "true"), (False, "false"), ("true", "true"), (None, None)]
)
def test_the_positive_class_of_a_boolean_target_is_one_of_its_classes(written, text):
    target = {"column": "married", "task": "classification", "positive": written}
    assert make_spec(target=target).target.positive == text


@pytest.mark.parametrize("positive", [True, False])
def test_the_positive_class_of_a_boolean_target_is_the_networks_second(positive):
    target = {"column": "married", "task": "classification", "positive": positive}
    classes = order_classes(make_spec(target=target), {"false": 3, "true": 3})
    assert classes[1] == ("true" if positive else "false")


@pytest.mark.parametrize(("written", "text"), [(1, "1"), (1.0, "1"), (2.5, "2.5"), ("a", "a")])
def test_the_positive_class_is_written_as_values_are(written, text):
    target = {"column": "job", "task": "classification", "positive": written}
    assert make_spec(target=target).target.positive == text


@pytest.mark.parametrize(
    ("column", "positive", "classes"),
    [("married", "yes", r"\['false', 'true'\]"), ("repaid", True, r"\['no', 'yes'\]")],
)
def test_a_positive_class_that_the_target_cannot_have_is_refused(column, positive, classes):
    target = {"column": column, "task": "classification", "positive": positive}
    with pytest.raises(ValueError, match=f"target.positive must be one of .*{classes}. Received"):
        make_spec(target=target)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, "nan"], ids=str)
@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("training", "learning_rate"),
        ("model", "l2"),
        ("model", "dropout"),
        ("training.early_stopping", "min_delta"),
        ("cleaning", "isolation_share"),
        ("promotion", "approval_hours"),
    ],
)
def test_a_number_that_is_not_finite_is_refused(part, key, value):
    changes = {key: value}
    for name in reversed(part.split(".")):
        changes = {name: changes}
    with pytest.raises(ValueError, match=key):
        make_spec(**changes)


def test_a_gate_beyond_all_numbers_is_refused():
    with pytest.raises(ValueError, match="finite"):
        parse_requirement("log_loss", "<= 1e999")


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 11 *", "0 0 1 1 * 0 2099", "every Monday"])
def test_a_cron_that_never_comes_is_refused(cron):
    with pytest.raises(ValueError, match="cron must be"):
        make_spec(schedule={"cron": cron})


def test_category_values_are_text_whatever_the_yaml_says():
    columns = [
        {"name": "x", "kind": "number"},
        {"name": "y", "kind": "category", "values": [0, 1.0, 2.5, True]},
    ]
    spec = make_spec(columns=columns, target={"column": "y", "task": "classification"})
    assert spec.target_column.values == ("0", "1", "2.5", "true")


def test_the_reference_page_is_current_and_names_every_key():
    assert write_reference(check=True) == []


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_for_editors_accepts_the_shipped_files_and_refuses_a_wrong_key(path):
    schema = Draft202012Validator(json.loads(render_schema()))
    document = _parse_yaml(path.name, path.read_text(encoding="utf-8"))
    assert path.read_text(encoding="utf-8").startswith(f"{MODELINE}\n")
    assert [error.message for error in schema.iter_errors(document)] == []
    assert not schema.is_valid({**document, "sorce": {}})
    page = render_spec()
    for key in ("early_stopping", "quarantine_limit", "`source`, kind `sql`", "hash_bins"):
        assert key in page


@pytest.mark.parametrize(
    ("task", "option", "words"),
    [
        ("regression", {"kind": "number", "fill": "mean"}, "fill"),
        ("regression", {"kind": "integer", "fill": 0.0}, "fill"),
        ("regression", {"kind": "number", "fill": "drop_row"}, "cleaning.missing_target"),
        ("regression", {"kind": "number", "indicator": True}, "indicator"),
        ("regression", {"kind": "number", "outliers": "clip"}, "bound them by min and max"),
        ("regression", {"kind": "number", "outlier_quantiles": (0.1, 0.9)}, "outlier_quantiles"),
        ("classification", {"kind": "integer", "scale": "log"}, "classes are not scaled"),
        ("classification", {"kind": "boolean", "fill": True}, "fill"),
        ("classification", {"kind": "category", "encode": "hash"}, "encode"),
        ("classification", {"kind": "category", "min_share": 0.1}, "every class is learned"),
        ("classification", {"kind": "category", "max_values": 3}, "every class is learned"),
        ("classification", {"kind": "category", "hash_bins": 8}, "hash_bins"),
    ],
    ids=str,
)
def test_an_option_that_means_nothing_for_the_target_is_refused(task, option, words):
    columns = [{"name": "x", "kind": "number"}, {"name": "y", **option}]
    with pytest.raises(ValueError, match=rf"columns.y.*no meaning for the target.*{words}|{words}"):
        make_spec(columns=columns, target={"column": "y", "task": task}, promotion={})


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "log", "none"])
@pytest.mark.parametrize("fill", ["forward", "backward", "median"])
def test_a_regression_may_scale_its_target_and_fill_it_in_order(scale, fill):
    options = {"scale": scale, "fill": fill, "min": 0, "unique": True, "nulls": 0.1}
    columns = [{"name": "x", "kind": "number"}, {"name": "y", "kind": "number", **options}]
    target = {"column": "y", "task": "regression"}
    spec = make_spec(columns=columns, target=target, promotion={})
    assert type(spec).model_validate(spec.model_dump()) == spec
