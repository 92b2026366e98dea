import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from include.errors import SchemaError, SourceError
from include.sources import npz_files as arrays
from include.tables.store import read_frame
from tests.table_builders import put, snapshot

NPZ = {"kind": "file", "uri": "a.npz", "keys": {"image": "x", "label": "y"}}
COLUMNS = [
    {"name": "image", "kind": "tensor", "shape": [2, 3]},
    {"name": "label", "kind": "category"},
]
SHAPE: dict[str, Any] = {
    "columns": COLUMNS,
    "target": {"column": "label", "task": "classification"},
}
IMAGES = np.arange(60, dtype="uint8").reshape(10, 2, 3)
LABELS = np.arange(10) % 3


def archive(root: Path, **content: Any) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **content)
    put(root, "a.npz", buffer.getvalue())


def keras_layout() -> dict[str, Any]:
    return {
        "x_train": IMAGES[:7],
        "y_train": LABELS[:7],
        "x_test": IMAGES[7:],
        "y_test": LABELS[7:],
    }


def test_the_keras_layout_gives_train_then_test_rows(tmp_path: Path) -> None:
    archive(tmp_path, **keras_layout())
    frame = read_frame(snapshot(tmp_path, NPZ, **SHAPE).raw)
    assert frame["part"].tolist() == ["train"] * 7 + ["test"] * 3
    assert frame["label"].tolist() == [str(label) for label in LABELS]
    assert np.array_equal(np.stack(frame["image"].to_list()), IMAGES.reshape(10, 6))
    assert str(frame["image"].dtype).startswith("fixed_size_list<element: uint8>[6]")


def test_batches_do_not_change_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path, **keras_layout())
    whole = snapshot(tmp_path, NPZ, **SHAPE)
    monkeypatch.setattr(arrays, "BATCH_ROWS", 2)
    assert snapshot(tmp_path, NPZ, **SHAPE, force=True).raw.key == whole.raw.key


def test_arrays_without_parts_and_in_column_order(tmp_path: Path) -> None:
    archive(tmp_path, x=np.asfortranarray(IMAGES), y=LABELS.astype(">i4"))
    frame = read_frame(snapshot(tmp_path, NPZ, **SHAPE).raw)
    assert "part" not in frame
    assert np.array_equal(np.stack(frame["image"].to_list()), IMAGES.reshape(10, 6))
    assert frame["label"].tolist() == [str(label) for label in LABELS]


def test_a_row_limit_is_divided_between_the_parts(tmp_path: Path) -> None:
    archive(tmp_path, **keras_layout())
    frame = read_frame(snapshot(tmp_path, NPZ, **SHAPE, row_limit=5).raw)
    assert frame["part"].tolist() == ["train"] * 4 + ["test"]


class Canary:
    """Runs a command when unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("/tmp/gatehouse-canary",)


def test_pickled_objects_are_refused_and_never_loaded(tmp_path: Path) -> None:
    archive(tmp_path, x=IMAGES, y=np.array([Canary()] * 10, dtype=object))
    with pytest.raises(SourceError, match="never loaded"):
        snapshot(tmp_path, NPZ, **SHAPE)
    assert not Path("/tmp/gatehouse-canary").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x": IMAGES}, "Received no 'label'"),
        ({"x": IMAGES, "y": LABELS[:3]}, "arrays of one length"),
        ({"x": IMAGES, "y": np.array(3)}, "arrays of one length"),
        ({"x": IMAGES[:, :, :2], "y": LABELS}, r"expected an array of shape \[2, 3\]"),
    ],
    ids=["missing", "shorter", "scalar", "shape"],
)
def test_archives_that_do_not_fit(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    archive(tmp_path, **content)
    with pytest.raises(SchemaError, match=message):
        snapshot(tmp_path, NPZ, **SHAPE)


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    archive(tmp_path, **keras_layout())
    path = tmp_path / "sources" / "a.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SourceError, match=r"whole \.npz archive"):
        snapshot(tmp_path, NPZ, **SHAPE)
