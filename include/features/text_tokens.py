"""Free text as codes of its words: 0 pads, 1 stands for words never learned."""

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from include.features.encoders import Fitter, InputEncoder
from include.features.typed_values import read_texts
from include.records import FeatureInput
from include.specs.columns import TextColumn
from include.values.statistics import ValueCounts

# Letters of any script, their marks, digits and the underscore make words.
_SEPARATORS: Final = r"[^\p{L}\p{M}\p{N}_]+"
_UNKNOWN_CODE: Final = 1
_FIRST_CODE: Final = 2


class TokenEncoder(InputEncoder):
    """The first words of a text, as codes of the learned vocabulary."""

    kind: Literal["tokens"] = "tokens"
    vocabulary: tuple[str, ...] = Field(description="Learned words, the most frequent first.")
    length: int = Field(ge=1, description="Words kept of each text.")

    @property
    def feature_input(self) -> FeatureInput:
        """`length` int32 codes per row."""
        return FeatureInput(
            name=self.input_name,
            kind="tokens",
            shape=(self.length,),
            dtype="int32",
            size=len(self.vocabulary) + _FIRST_CODE,
            columns=(self.column,),
        )

    def encode(self, values: pa.Array) -> npt.NDArray[Any]:
        """Give the codes of each row's first words, padded with 0 behind."""
        words, rows = split_words(read_texts(values))
        places = pc.index_in(words, value_set=pa.array(self.vocabulary, words.type))
        codes = places.fill_null(_UNKNOWN_CODE - _FIRST_CODE).to_numpy() + _FIRST_CODE
        starts = np.searchsorted(rows, np.arange(len(values)))
        position = np.arange(len(rows)) - starts[rows]
        out = np.zeros((len(values), self.length), dtype=np.int32)
        kept = position < self.length
        out[rows[kept], position[kept]] = codes[kept]
        return out


class TokenFitter(Fitter):
    """Fits a `TokenEncoder`."""

    def __init__(self, column: TextColumn, *, input_name: str) -> None:
        """Begin with a column and the name its input would have."""
        super().__init__(column.name)
        self._spec = column
        self._input_name = input_name
        self._counts = ValueCounts()

    def observe(self, values: pa.Array) -> None:
        """Count the words."""
        words, _ = split_words(read_texts(values))
        self._counts.update(words)

    def finish(self) -> TokenEncoder | None:
        """Give the encoder; None, with a warning, for a column without any word."""
        learned = self._counts.ranked()[: self._spec.max_tokens - _FIRST_CODE]
        if not learned:
            self.warnings.append(f"column {self.column!r} has no word in training: left out")
            return None
        return TokenEncoder(
            column=self.column,
            input_name=self._input_name,
            vocabulary=tuple(word for word, _ in learned),
            length=self._spec.length,
        )


def split_words(texts: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Split texts into lower-case words; gives all words and the row each stands in."""
    lowered = pc.utf8_lower(texts.fill_null(""))
    lists = pc.split_pattern_regex(lowered, pattern=_SEPARATORS)
    words = pc.list_flatten(lists)
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    is_word = pc.not_equal(words, "")
    return words.filter(is_word), rows[is_word.to_numpy(zero_copy_only=False)]
