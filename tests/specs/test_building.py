"""Building something of every spec: one that fails takes no other down."""

from pathlib import Path

import pytest

from include.errors import SpecError
from include.specs import PipelineSpec
from include.specs.building import build_each
from include.specs.loader import LoadedSpec
from tests.builders import make_spec


class Built:
    """What a spec was built into."""

    def __init__(self, spec: PipelineSpec) -> None:
        self.name = spec.name
        if spec.name == "half":
            raise OverflowError("too large")

    def validate(self) -> None:
        if self.name == "unsound":
            raise ValueError("never sound")


def build(*names: str) -> tuple[list[str], list[str]]:
    entries = [LoadedSpec(Path(f"{name}.yaml"), make_spec(name=name), None) for name in names]
    wrong = LoadedSpec(Path("wrong.yaml"), None, SpecError("wrong"))
    built, errors = build_each([wrong, *entries], Built)
    return [str(error) for error in errors], [each.name for each in built]


def test_what_can_be_built_stays():
    assert build("one", "two") == ([], ["one", "two"])


@pytest.mark.parametrize(
    ("name", "said"),
    [("half", "OverflowError: too large"), ("unsound", "ValueError: never sound")],
)
def test_what_failed_is_named_and_leaves_nothing_behind(name: str, said: str):
    errors, names = build("one", name, "two")
    assert names == ["one", "two"]
    (error,) = errors
    assert error.startswith(
        f"{name}.yaml: expected a spec whose DAG can be built. Received: {said}"
    )
