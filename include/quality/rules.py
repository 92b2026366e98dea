"""A rule: one expectation with everything around it that Great Expectations does not know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from include.quality.conditions import Where
from include.specs import PipelineSpec
from include.specs.columns import Severity
from include.specs.names import ROW_ID

Suite = Literal["training", "scoring"]
TENSOR_FACTS: Final = ("min", "max", "mean", "sum")
COLUMN_ARGUMENTS: Final = ("column", "column_A", "column_B", "column_list")


@dataclass(frozen=True)
class Rule:
    """What is expected of the table, how much it matters, and what to tell the reader.

    Attributes:
        expect: Snake-case name of the expectation, or the dotted path of a class.
        arguments: The expectation's own arguments.
        origin: Where in the spec it comes from, such as `columns.age` or `quality.2`.
        severity: What its failure does.
        is_quarantine: Whether failing rows move to quarantine.
        where: The rows it applies to; all unless given.
        expected: What was expected, as the end of a sentence that starts "Expected".
        next_move: What to do when it fails, as a sentence.
        is_private: Whether its columns hold personal data, so that examples stay hidden.
    """

    expect: str
    arguments: Mapping[str, Any]
    origin: str
    severity: Severity = "critical"
    is_quarantine: bool = False
    where: Where | None = None
    expected: str = ""
    next_move: str = ""
    is_private: bool = False
    _columns: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "_columns", _named_columns(self.arguments))

    @property
    def name(self) -> str:
        """The expectation's name, without the modules of a class."""
        return self.expect.rpartition(".")[2]

    @property
    def subject(self) -> str:
        """The column or columns that the rule is about; empty for rules on the table."""
        return ", ".join(self._columns)

    @property
    def is_over_several(self) -> bool:
        """Whether the rule looks at several columns of a row together."""
        return bool(self._columns) and "column" not in self.arguments

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there to check the rule, those of its condition included."""
        conditions = (self.where.column,) if self.where else ()
        return tuple(dict.fromkeys((*self._columns, *conditions)))

    @property
    def advice(self) -> str:
        """What was expected and what to do next."""
        return f"Expected {self.expected}. {self.next_move}"


def column_kinds(spec: PipelineSpec) -> dict[str, str]:
    """Return the kind of every column that rules may name, derived ones included.

    A masked or hashed column holds text, whatever it held at the source.
    """
    kinds = {
        column.name: "text" if column.private else column.kind for column in spec.stored_columns
    }
    return {**kinds, **dict.fromkeys(derived_columns(spec), "number"), ROW_ID: "integer"}


def derived_columns(spec: PipelineSpec) -> dict[str, tuple[str, str]]:
    """Return the numbers that rules see of tensors: name to tensor column and statistic."""
    return {
        f"{column.name}.{fact}": (column.name, fact)
        for column in spec.stored_columns
        if column.kind == "tensor" and column.private is None
        for fact in TENSOR_FACTS
    }


def private_columns(spec: PipelineSpec) -> frozenset[str]:
    """Return the columns whose values no reader may see."""
    return frozenset(column.name for column in spec.columns if column.private)


def _named_columns(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    names: list[str] = []
    for argument in COLUMN_ARGUMENTS:
        value = arguments.get(argument)
        if isinstance(value, str):
            names.append(value)
        elif isinstance(value, list | tuple):
            names += [name for name in value if isinstance(name, str)]
    return tuple(dict.fromkeys(names))
