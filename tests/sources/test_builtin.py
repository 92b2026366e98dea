import numpy as np
import pytest

from include.sources.builtin import digest_builtin, open_builtin
from include.specs.sources import BuiltinSource


@pytest.mark.parametrize(
    ("dataset", "rows", "columns", "target"),
    [
        ("iris", 150, 5, "setosa"),
        ("wine", 178, 14, "class_0"),
        ("breast_cancer", 569, 31, "malignant"),
        ("diabetes", 442, 11, 151.0),
    ],
)
def test_tabular_sets_have_clean_names_and_a_target(
    dataset: str, rows: int, columns: int, target: object
) -> None:
    opened = open_builtin(BuiltinSource.model_validate({"kind": "builtin", "dataset": dataset}))
    (batch,) = opened.read(opened.columns)
    assert (batch.rows.num_rows, batch.rows.num_columns) == (rows, columns)
    assert all(name.replace("_", "").isalnum() and name.islower() for name in opened.columns)
    assert batch.rows["target"][0].as_py() == target


def test_digits_are_images_of_bytes() -> None:
    opened = open_builtin(BuiltinSource(kind="builtin", dataset="digits"))
    (batch,) = opened.read(("label", "image"))
    assert batch.rows.column_names == ["label", "image"]
    pixels = np.asarray(batch.rows["image"].chunk(0).flatten())
    assert pixels.dtype == np.uint8
    assert (len(pixels), pixels.max()) == (1797 * 64, 16)
    assert digest_builtin(BuiltinSource(kind="builtin", dataset="digits"))
