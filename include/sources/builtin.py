"""Data sets that scikit-learn carries: no network, no files."""

import re
from importlib.metadata import version
from typing import Final

import numpy as np
import pyarrow as pa

from include.sources.batches import OpenedSource, whole_batch
from include.specs.sources import BuiltinSource
from include.tables.digests import digest_key
from include.values.reading import Reading

TARGET: Final = "target"


def open_builtin(source: BuiltinSource) -> OpenedSource:
    """Open a data set by its name.

    `digits` has the columns image (8 × 8, uint8) and label. The others have one column per
    feature, named in lower case with underscores, and `target`: the class's name, or the number
    of a regression.
    """
    rows = _load_digits() if source.dataset == "digits" else _load_tabular(source.dataset)
    return OpenedSource(
        columns=tuple(rows.column_names),
        read=lambda wanted: iter([whole_batch(rows.select(list(wanted)), 1)]),
        reading=Reading(),
    )


def digest_builtin(source: BuiltinSource) -> str:
    """Digest what a data set is: its name, and the version of the library that carries it."""
    return digest_key("scikit-learn", version("scikit-learn"), source.dataset)


def clean_name(name: str) -> str:
    """Write a name in lower case with underscores, without units in brackets.

    Example:
        >>> clean_name("sepal length (cm)")
        'sepal_length'
        >>> clean_name("od280/od315_of_diluted_wines")
        'od280_od315_of_diluted_wines'
    """
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"\(.*?\)", "", name.lower())).strip("_")


def _load_digits() -> pa.Table:
    # scikit-learn takes seconds to import, and only these sources need it here.
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = pa.array(data.images.astype(np.uint8).ravel())
    images = pa.FixedSizeListArray.from_arrays(pixels, 64)
    return pa.table({"image": images, "label": pa.array(data.target)})


def _load_tabular(dataset: str) -> pa.Table:
    from sklearn import datasets

    data = getattr(datasets, f"load_{dataset}")()
    columns = {
        clean_name(name): pa.array(data.data[:, place])
        for place, name in enumerate(data.feature_names)
    }
    names = getattr(data, "target_names", None)
    target = pa.array(data.target)
    if names is not None:
        target = pa.array([str(names[code]) for code in data.target])
    return pa.table({**columns, TARGET: target})
