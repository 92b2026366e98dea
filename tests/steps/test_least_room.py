"""A network that could never fit is refused before a row is read; one that may fit is not."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from include.errors import RoomError
from include.features.contract import least_schema
from include.features.preprocessor import fit_preprocessor
from include.modeling.room import count_weights
from include.specs.model import ModelSpec
from include.steps.ingest import ingest
from include.steps.least_room import check_least_room
from tests.builders import BASE_SPEC, make_frame, make_run, make_spec

HUGE = {"hidden": [65_536] * 50}
# What the contract tells counts: two numbers that are always there, and an image.
WIDE = [
    {"name": "a", "kind": "number"},
    {"name": "b", "kind": "integer"},
    {"name": "c", "kind": "number", "nulls": 0.5},
    {"name": "d", "kind": "category"},
    {"name": "image", "kind": "tensor", "shape": [30, 20]},
    {"name": "y", "kind": "category", "values": ["no", "yes"]},
]


def test_before_a_row_is_read_an_image_and_numbers_that_are_always_there_count():
    target = {"column": "y", "task": "classification"}
    spec = make_spec(target=target, columns=WIDE, promotion={})
    weights = count_weights(ModelSpec(hidden=(10,)), least_schema(spec))
    assert weights == (30 * 20 + 2 + 1) * 10 + 11
    chosen = make_spec(target=target, columns=WIDE, promotion={}, selection={"keep": 1})
    assert count_weights(ModelSpec(hidden=(10,)), least_schema(chosen)) == (600 + 1) * 10 + 11


def test_it_is_never_more_than_what_the_rows_lead_to():
    columns = [{**each, "nulls": 0} for each in BASE_SPEC["columns"]]
    spec, frame = make_spec(columns=columns), make_frame(100).dropna()
    known = fit_preprocessor(spec, lambda: [frame]).schema
    assert 0 < count_weights(spec.model, least_schema(spec)) < count_weights(spec.model, known)


@pytest.mark.parametrize(
    "look",
    [
        check_least_room,
        lambda spec: ingest(spec, make_run(), for_training=True),
    ],
    ids=["before a run", "in its first task"],
)
def test_a_network_that_could_never_fit_is_refused_with_numbers(look: Callable, data_root):
    said = r"GB of all memory. Received: model.hidden=\[65536.* weights; .* it takes [\d.]+ GB"
    with pytest.raises(RoomError, match=said):
        look(make_spec(model=HUGE))
    assert not (data_root / "tables").exists()
    check_least_room(make_spec())


def test_counting_before_a_run_waits_for_no_library():
    code = (
        "import sys; from include.steps.least_room import check_least_room; "
        "from tests.builders import BASE_SPEC; from include.specs import PipelineSpec; "
        "check_least_room(PipelineSpec.model_validate(BASE_SPEC)); "
        "assert not {'keras', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
