"""The trigger form: what it shows, what it refuses, how it changes the spec."""

import pytest
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import ParamValidationError

from include.errors import ParamError
from include.orchestration.params import build_data_params, build_params
from include.records.form import apply_params
from include.specs.bounds import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_HIDDEN_LAYERS,
    MAX_LEARNING_RATE,
    MAX_ROWS,
    MAX_UNITS,
)
from tests.builders import BASE_SPEC, make_spec


def test_every_field_of_the_form_has_a_title_and_help():
    for name, param in build_params(make_spec()).items():
        schema = param.schema
        assert schema["title"], name
        assert param.description, name


def test_common_fields_stand_open_and_the_rest_is_folded():
    form = build_params(make_spec())
    is_open = {name: "section" not in param.schema for name, param in form.items()}
    common = ["epochs", "learning_rate", "source_uri", "learning_curve", "note"]
    assert [name for name in is_open if is_open[name]] == common == list(is_open)[:5]
    assert list(build_data_params(make_spec())) == ["source_uri", "note", "row_limit", "force"]


def test_help_tells_bounds_that_the_form_cannot_clamp_to():
    epochs = build_params(make_spec())["epochs"]
    assert f"From 1 to {MAX_EPOCHS:,}." in epochs.description
    assert not {"minimum", "maximum"} & set(epochs.schema)


def test_defaults_of_the_form_leave_the_spec_as_it_is():
    spec = make_spec()
    form = {name: param.value for name, param in build_params(spec).items()}
    assert apply_params(spec, form) == spec


def test_what_the_form_says_is_written_into_the_spec():
    spec = apply_params(
        make_spec(),
        {
            "epochs": 7.0,
            "batch_size": 64,
            "learning_rate": 0.01,
            "hidden": [8, 8],
            "row_limit": 50,
            "source_uri": "other.csv",
        },
    )
    assert (spec.training.epochs, spec.training.batch_size) == (7, 64)
    assert spec.training.learning_rate == 0.01
    assert spec.model.hidden == (8, 8)
    assert spec.row_limit == 50
    assert spec.source.uri == "other.csv"


@pytest.mark.parametrize("cleared", [{"row_limit": None}, {}], ids=["cleared", "untouched"])
def test_clearing_the_row_limit_reads_all_rows(cleared):
    spec = make_spec(row_limit=100)
    form = ParamsDict(build_params(spec))
    form.update(cleared)
    assert apply_params(spec, form.dump()).row_limit == (None if cleared else 100)


def test_an_empty_source_is_the_source_of_the_spec():
    assert apply_params(make_spec(), {"source_uri": None}).source.uri == "loans.csv"


@pytest.mark.parametrize(
    ("name", "edge", "beyond"),
    [
        ("epochs", MAX_EPOCHS, MAX_EPOCHS + 1),
        ("batch_size", MAX_BATCH_SIZE, MAX_BATCH_SIZE + 1),
        ("learning_rate", MAX_LEARNING_RATE, 1.1e30),
        ("hidden", [1] * MAX_HIDDEN_LAYERS, [1] * (MAX_HIDDEN_LAYERS + 1)),
        ("hidden", [MAX_UNITS], [MAX_UNITS + 1]),
    ],
    ids=["epochs", "batch size", "learning rate", "layers", "units"],
)
def test_form_and_spec_have_the_same_bounds(name, edge, beyond):
    part = "model" if name == "hidden" else "training"
    spec = make_spec(**{part: {**BASE_SPEC[part], name: edge}})
    ParamsDict(build_params(spec)).validate()
    with pytest.raises(ParamValidationError):
        ParamsDict(build_params(spec)).update({name: beyond})
    with pytest.raises(ValueError, match=name):
        make_spec(**{part: {**BASE_SPEC[part], name: beyond}})


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(ParamError, match=r"Received: 'epoch'. Did you mean 'epochs'\?"):
        apply_params(make_spec(), {"epoch": 3})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", "many"),
        ("batch_size", 1.5),
        ("learning_rate", 0),
        ("learning_rate", "fast"),
        ("hidden", [0]),
        ("hidden", "64"),
        ("row_limit", 0),
        ("force", "yes"),
        ("learning_curve", "yes"),
        ("note", "x" * 501),
        ("source_uri", "x" * 4001),
    ],
)
def test_a_bad_value_is_refused_when_the_run_is_triggered(name, value):
    params = ParamsDict(build_params(make_spec()))
    with pytest.raises(ParamValidationError, match=name):
        params.update({name: value})


def test_a_value_that_only_the_spec_can_refuse_is_refused_too():
    with pytest.raises(ParamError, match="breaks the spec of 'loans'"):
        apply_params(make_spec(), {"learning_rate": float("nan")})


def test_a_builtin_source_cannot_be_replaced():
    spec = make_spec(source={"kind": "builtin", "dataset": "iris"})
    assert "source_uri" not in build_params(spec)
    with pytest.raises(ParamError, match="source_uri"):
        apply_params(spec, {"source_uri": "/etc/passwd"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("row_limit", 10**30),
        ("row_limit", MAX_ROWS + 1),
        ("row_limit", float("nan")),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("epochs", 10**30),
        ("batch_size", float("nan")),
        ("hidden", [10**30]),
        ("hidden", [float("nan")]),
    ],
)
def test_a_number_that_nothing_can_carry_is_refused_before_anything_runs(name, value):
    form = ParamsDict(build_params(make_spec()))
    with pytest.raises(ParamValidationError):
        form[name] = value


def test_the_largest_numbers_are_accepted():
    form = ParamsDict(build_params(make_spec()))
    form.update({"row_limit": MAX_ROWS, "learning_rate": MAX_LEARNING_RATE})
    assert apply_params(make_spec(), form.validate()).row_limit == MAX_ROWS


def test_a_run_takes_a_seed() -> None:
    assert apply_params(make_spec(), {"seed": 3}).training.seed == 3
