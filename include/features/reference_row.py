"""The row that others are held against: the mean or most frequent value of every column.

It stands in the network's own numbers, as the preprocessor gives them: of a number the mean of
what training rows became (of its logarithm, where that is what the network sees), of categories
and truths the most frequent one, of times and arrays the mean of their numbers, of texts an empty
one. A model carries it, so a served row is held against the same.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.features.categories import HashEncoder, IndexEncoder, OneHotEncoder
from include.features.contract import DENSE_INPUT
from include.features.datetimes import DatetimeEncoder
from include.features.numbers import BooleanEncoder, NumberEncoder
from include.features.preprocessor import Preprocessor
from include.features.tensors import TensorEncoder
from include.records.explanations import ColumnPart
from include.values.formats import format_number

Arrays = Mapping[str, npt.NDArray[Any]]
Row = dict[str, npt.NDArray[Any]]
CODES: Final = ("(unknown)", "(missing)")
HIDDEN: Final = "private, not shown"


def list_parts(preprocessor: Preprocessor) -> tuple[ColumnPart, ...]:
    """Say where the numbers of each column stand in the network's inputs."""
    parts, start = [], 0
    for encoder in preprocessor.dense:
        stop = start + len(encoder.names)
        parts.append(ColumnPart(column=encoder.column, input=DENSE_INPUT, start=start, stop=stop))
        start = stop
    parts += [
        ColumnPart(column=encoder.column, input=encoder.input_name)
        for encoder in preprocessor.inputs
    ]
    return tuple(parts)


def find_reference(preprocessor: Preprocessor, rows: Arrays) -> Row:
    """Find the reference row of some training rows.

    Args:
        preprocessor: What made the rows.
        rows: The network's inputs, shape (rows, …).

    Returns:
        The network's inputs of one row, shape (1, …).
    """
    reference: Row = {}
    if preprocessor.dense:
        reference[DENSE_INPUT] = _find_dense(preprocessor, rows[DENSE_INPUT])
    for encoder in preprocessor.inputs:
        array = rows[encoder.input_name]
        if isinstance(encoder, TensorEncoder):
            middle = array.mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32)
        elif isinstance(encoder, IndexEncoder):
            middle = np.array([[np.bincount(array[:, 0]).argmax()]], dtype=np.int32)
        else:
            middle = np.zeros((1, *array.shape[1:]), dtype=np.int32)
        reference[encoder.input_name] = middle
    return reference


def find_neutral(preprocessor: Preprocessor) -> Row:
    """Give a reference row for a model that carries none: zeros, and codes of missing values."""
    return {
        each.name: np.ones((1, *each.shape), np.int32)
        if each.kind == "index"
        else np.zeros((1, *each.shape), each.dtype)
        for each in preprocessor.schema.inputs
    }


def describe_reference(
    preprocessor: Preprocessor, reference: Arrays, *, private: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Write the reference row for a reader, column by column.

    Args:
        preprocessor: What made it.
        reference: What `find_reference` found.
        private: Columns whose values are not written.
    """
    words, start = [], 0
    for encoder in preprocessor.dense:
        stop = start + len(encoder.names)
        numbers = reference[DENSE_INPUT][0, start:stop].astype(np.float64)
        start = stop
        is_hidden = encoder.column in private or isinstance(encoder, HashEncoder)
        text = HIDDEN if is_hidden else _DESCRIBE[type(encoder)](encoder, numbers)
        words.append((encoder.column, text))
    for each in preprocessor.inputs:
        if each.column in private:
            text = HIDDEN
        elif isinstance(each, IndexEncoder):
            code = int(reference[each.input_name][0, 0])
            text = (*CODES, *each.values)[code]
        else:
            text = "the mean array" if isinstance(each, TensorEncoder) else "an empty text"
        words.append((each.column, text))
    return tuple(words)


def pack_reference(reference: Arrays) -> bytes:
    """Write a reference row as a file of a bundle."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **reference)
    return buffer.getvalue()


def unpack_reference(content: bytes, preprocessor: Preprocessor) -> Row:
    """Read a reference row; one of other inputs than the preprocessor's counts as none."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        found = {name: archive[name] for name in archive.files}
    expected = {each.name: (1, *each.shape) for each in preprocessor.schema.inputs}
    is_fitting = {name: array.shape for name, array in found.items()} == expected
    return found if is_fitting else find_neutral(preprocessor)


def _find_dense(preprocessor: Preprocessor, rows: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    means = rows.mean(axis=0, dtype=np.float64)
    middle, start = means.copy(), 0
    for encoder in preprocessor.dense:
        stop = start + len(encoder.names)
        if isinstance(encoder, OneHotEncoder | HashEncoder):
            middle[start:stop] = 0.0
            middle[start + int(means[start:stop].argmax())] = 1.0
        elif isinstance(encoder, BooleanEncoder):
            middle[start] = round(means[start])
        elif isinstance(encoder, NumberEncoder) and encoder.has_indicator:
            middle[start + 1] = round(means[start + 1])
        start = stop
    return np.asarray(middle[None], dtype=np.float32)


def _describe_number(encoder: NumberEncoder, numbers: npt.NDArray[np.float64]) -> str:
    if encoder.has_indicator and numbers[1] > 0.5:
        return CODES[1]
    value = float(numbers[0] * encoder.width + encoder.center)
    if encoder.log_origin is not None:
        value = float(np.expm1(value) + encoder.log_origin)
    return format_number(value)


_DESCRIBE: Final[Mapping[type, Callable[[Any, npt.NDArray[np.float64]], str]]] = {
    NumberEncoder: _describe_number,
    BooleanEncoder: lambda encoder, numbers: str(bool(numbers[0] > 0.5)).lower(),
    OneHotEncoder: lambda encoder, numbers: encoder.names[int(numbers.argmax())].removeprefix(
        f"{encoder.column}="
    ),
    DatetimeEncoder: lambda encoder, numbers: "the mean of the times",
}
