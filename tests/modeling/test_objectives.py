import numpy as np
import pytest

from include.modeling.arrays import to_loss_target
from include.modeling.objectives import build_loss, build_metric, measure_outputs, metric_name
from include.specs.model import Loss
from tests.modeling.samples import SCHEMAS, make_arrays


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("many", "squared"),
        ("binary", "squared"),
        ("regression", "squared"),
        ("regression", "absolute"),
    ],
)
def test_validation_measures_what_keras_measures(kind: str, loss: Loss) -> None:
    schema, rows = SCHEMAS[kind], make_arrays(kind, 50)
    target, random = to_loss_target(schema, rows.y), np.random.default_rng(0)
    outputs = random.random((50, schema.outputs)).astype("float32")
    if schema.outputs > 1:
        outputs /= outputs.sum(axis=1, keepdims=True)
    outputs[0] = 0.0 if kind == "binary" else outputs[0]  # as sure as can be, and wrong
    metric = build_metric(schema)
    metric.update_state(target, outputs)
    measured = measure_outputs(schema, target, outputs, loss)
    assert measured["loss"] == pytest.approx(
        float(build_loss(schema, loss)(target, outputs)), rel=1e-4
    )
    assert measured[metric_name(schema)] == pytest.approx(float(metric.result()), rel=1e-5)
    assert metric.name == metric_name(schema)
