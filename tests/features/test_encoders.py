from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from include.features.categories import CategoryFitter, HashEncoder, IndexEncoder, OneHotEncoder
from include.features.datetimes import DatetimeFitter
from include.features.text_tokens import TokenFitter
from include.specs.columns import CategoryColumn, DatetimeColumn, TextColumn
from include.values.times import AT_REST


def fit_category(train: list[Any], **column: Any) -> OneHotEncoder:
    spec = CategoryColumn(name="c", kind="category", **column)
    fitter = CategoryFitter(spec, input_name="c")
    fitter.observe(pa.array(train, pa.string()))
    encoder = fitter.finish()
    assert isinstance(encoder, OneHotEncoder)
    return encoder


def write(encoder: Any, values: list[Any]) -> list[list[float]]:
    out = np.zeros((len(values), len(encoder.names)), dtype=np.float32)
    encoder.write(pa.array(values, pa.string()), out)
    return out.tolist()


def test_missing_and_rare_values_have_positions_of_their_own() -> None:
    encoder = fit_category(["a"] * 5 + ["b"] * 5 + ["z", None], min_share=0.2)
    assert encoder.names == ("c=a", "c=b", "c=(missing)", "c=(unknown)")
    assert write(encoder, ["b", None, "z", "never seen"]) == [
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 1],
    ]


def test_a_position_that_never_trained_does_not_exist() -> None:
    encoder = fit_category(["a", "b"])
    assert encoder.names == ("c=a", "c=b")
    assert write(encoder, [None, "never seen"]) == [[0, 0], [0, 0]]


def test_only_the_most_frequent_values_are_learned() -> None:
    encoder = fit_category(["a"] * 3 + ["b"] * 2 + ["c"] * 2 + ["d"], max_values=2)
    assert encoder.names == ("c=a", "c=b", "c=(unknown)")


def test_the_values_of_the_contract_are_all_known_in_its_order() -> None:
    encoder = fit_category(["low", "high"], values=("low", "middle", "high"))
    assert encoder.names == ("c=low", "c=middle", "c=high")


def test_gaps_may_take_the_most_frequent_value() -> None:
    encoder = fit_category(["a", "a", "b", None], fill="most_frequent")
    assert write(encoder, [None]) == [[1, 0]]


def test_embedding_codes_keep_0_for_unknown_and_1_for_missing() -> None:
    spec = CategoryColumn(name="c", kind="category", encode="embedding")
    fitter = CategoryFitter(spec, input_name="c")
    fitter.observe(pa.array(["b", "a", None]))
    encoder = fitter.finish()
    assert isinstance(encoder, IndexEncoder)
    codes = encoder.encode(pa.array(["a", "b", None, "never seen"]))
    assert codes.tolist() == [[2], [3], [1], [0]]
    assert encoder.feature_input.size == 4


def test_hashed_bins_store_no_value() -> None:
    spec = CategoryColumn(name="c", kind="category", encode="hash", hash_bins=5)
    fitter = CategoryFitter(spec, input_name="c")
    fitter.observe(pa.array(["secret"]))
    encoder = fitter.finish()
    assert isinstance(encoder, HashEncoder)
    assert "secret" not in encoder.model_dump_json()
    first, again, missing = write(encoder, ["secret", "secret", None])
    assert first == again
    assert (sum(first), sum(missing)) == (1, 0)


def to_times(moments: list[Any]) -> pa.Array:
    return pa.array(moments, pa.string()).cast(pa.timestamp("us")).cast(AT_REST)


def encode_time(moments: list[Any], parts: list[str], train: list[Any]) -> np.ndarray:
    spec = DatetimeColumn(name="at", kind="datetime", parts=tuple(parts))
    fitter = DatetimeFitter(spec)
    fitter.observe(to_times(train))
    encoder = fitter.finish()
    assert encoder is not None
    out = np.zeros((len(moments), len(encoder.names)), dtype=np.float32)
    encoder.write(to_times(moments), out)
    return out


TRAIN = ["2020-01-01", "2024-12-31"]


@pytest.mark.parametrize(
    ("part", "moment", "expected"),
    [
        ("month", "2024-04-15", [1, 0]),
        ("day", "2024-04-01", [0, 1]),
        ("weekday", "2024-04-01", [0, 1]),
        ("hour", "2024-04-01T18:00", [-1, 0]),
        ("minute", "2024-04-01T18:30", [0, -1]),
        ("year", "2021-06-01", [0.25]),
        ("elapsed_days", "2020-01-01", [0]),
        ("elapsed_days", "2024-12-31", [1]),
    ],
)
def test_parts_of_a_time(part: str, moment: str, expected: list[float]) -> None:
    np.testing.assert_allclose(encode_time([moment], [part], TRAIN)[0], expected, atol=1e-6)


def test_december_stands_beside_january() -> None:
    december, january, june = encode_time(
        ["2023-12-01", "2024-01-01", "2024-06-01"], ["month"], TRAIN
    )
    assert np.linalg.norm(december - january) < np.linalg.norm(december - june)


def test_a_missing_time_is_zero_everywhere() -> None:
    out = encode_time([None, "2024-01-01"], ["year", "month", "elapsed_days"], TRAIN)
    assert out[0].tolist() == [0.0] * 4


def test_words_become_codes_by_frequency() -> None:
    fitter = TokenFitter(TextColumn(name="t", kind="text", max_tokens=10, length=4), input_name="t")
    fitter.observe(pa.array(["The cat", "the dog, the bird!", None]))
    encoder = fitter.finish()
    assert encoder is not None
    assert encoder.vocabulary == ("the", "bird", "cat", "dog")
    texts = pa.array(["DOG the fish", "", None, "a the the the the", "- cat -"])
    assert encoder.encode(texts).tolist() == [
        [5, 2, 1, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 2, 2, 2],
        [4, 0, 0, 0],
    ]


def test_the_vocabulary_has_its_bound_with_padding_and_unknown() -> None:
    fitter = TokenFitter(TextColumn(name="t", kind="text", max_tokens=10, length=4), input_name="t")
    fitter.observe(pa.array([" ".join(f"w{n}" for n in range(50))]))
    encoder = fitter.finish()
    assert encoder is not None
    assert encoder.feature_input.size == 10
