from pathlib import Path

import numpy as np
import pytest

from include.modeling.arrays import Arrays
from include.modeling.networks import build_network
from include.modeling.training import fit_network
from include.records import PrepareRecord
from include.specs import PipelineSpec
from include.specs.model import ModelSpec
from include.steps.train import feature_arrays
from include.steps.train.feature_arrays import held_bytes, read_arrays, read_schema, read_target
from include.tables.store import read_table
from tests.builders import make_run, make_spec
from tests.modeling.samples import make_training
from tests.steps.prepared import prepare_rows

pytestmark = pytest.mark.usefixtures("mlflow_server", "data_root")


@pytest.fixture
def prepared() -> PrepareRecord:
    spec: PipelineSpec = make_spec()
    return prepare_rows(spec, make_run())


def assert_equal(first: Arrays, second: Arrays) -> None:
    np.testing.assert_array_equal(first.inputs["dense"], second.inputs["dense"])
    np.testing.assert_array_equal(first.y, second.y)


def test_arrays_are_what_the_table_holds(prepared: PrepareRecord) -> None:
    schema = read_schema(prepared.features)
    arrays = read_arrays(prepared.features, schema, "train")
    table = read_table(prepared.features, part="train")
    rows = np.stack(table["dense"].to_numpy())
    np.testing.assert_array_equal(arrays.inputs["dense"], rows)
    np.testing.assert_array_equal(arrays.y, table["y"].to_numpy())
    assert arrays.inputs["dense"].dtype == np.float32
    assert arrays.y.dtype == np.int32
    np.testing.assert_array_equal(read_target(prepared.features, "train"), arrays.y)


def test_small_batches_give_the_same_arrays(
    prepared: PrepareRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = read_schema(prepared.features)
    whole = read_arrays(prepared.features, schema, "train")
    monkeypatch.setattr(feature_arrays, "BATCH_BYTES", 1_000)
    assert_equal(whole, read_arrays(prepared.features, schema, "train"))


def test_what_memory_should_not_hold_lies_on_disk_and_trains_the_same(
    prepared: PrepareRecord, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schema = read_schema(prepared.features)
    in_memory = read_arrays(prepared.features, schema, "train", scratch=tmp_path / "arrays")
    assert not isinstance(in_memory.inputs["dense"], np.memmap)
    assert held_bytes(prepared.features, schema, ["train"]) == in_memory.size_bytes
    monkeypatch.setattr(feature_arrays, "MEMORY_SHARE", 0.0)
    assert held_bytes(prepared.features, schema, ["train"]) == 0
    on_disk = read_arrays(prepared.features, schema, "train", scratch=tmp_path / "arrays")
    assert isinstance(on_disk.inputs["dense"], np.memmap)
    assert_equal(in_memory, on_disk)
    assert not list((tmp_path / "arrays").iterdir()), "nothing stays, however the process ends"
    losses = []
    for arrays in (in_memory, on_disk):
        network = build_network(ModelSpec(hidden=(2,)), schema)
        training = make_training(epochs=1)
        losses.append(fit_network(network, arrays, arrays, schema=schema, training=training))
    assert losses[0].history == losses[1].history


def test_a_part_without_rows_gives_empty_arrays() -> None:
    spec = make_spec(split={"fractions": [0.8, 0.0, 0.2]})
    prepared = prepare_rows(spec, make_run())
    arrays = read_arrays(prepared.features, read_schema(prepared.features), "validation")
    assert (arrays.rows, arrays.inputs["dense"].shape[0]) == (0, 0)
