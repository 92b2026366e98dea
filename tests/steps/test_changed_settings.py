"""Settings that are not as they were: both values are said, and no secret."""

import pytest

from include.specs import PipelineSpec
from include.steps.changed_settings import list_changed_settings
from tests.builders import BASE_SPEC, make_spec

COLUMNS = BASE_SPEC["columns"]


def make_reading(uri: str) -> PipelineSpec:
    return make_spec(source={"kind": "http", "uri": uri})


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (make_spec(), make_spec(), []),
        (
            make_spec(source={"kind": "file", "uri": "runs/loans-2.csv"}),
            make_spec(source={"kind": "file", "uri": "loans.csv", "separator": ";"}),
            [
                "source.uri was 'runs/loans-2.csv', and is 'loans.csv'",
                "source.separator was not set, and is ';'",
            ],
        ),
        (
            make_reading("https://me:secret@host.org/a.csv?token=secret"),
            make_reading("https://host.org/b.csv?token=secret"),
            ["source.uri was 'https://host.org/a.csv', and is 'https://host.org/b.csv'"],
        ),
        (
            make_reading("https://host.org/a.csv?token=secret1"),
            make_reading("https://host.org/a.csv?token=secret2"),
            ["source.uri was and is 'https://host.org/a.csv', but differs in what is not shown"],
        ),
        (
            make_spec(columns=COLUMNS),
            make_spec(columns=[COLUMNS[0], {**COLUMNS[1], "min": 21}, *COLUMNS[2:]]),
            ["columns.age.min was 18.0, and is 21.0"],
        ),
        (
            make_spec(columns=COLUMNS),
            make_spec(columns=COLUMNS[::-1]),
            ["columns stand in another order"],
        ),
    ],
    ids=["nothing", "a file", "an address", "a secret", "a column", "an order"],
)
def test_settings_that_differ_are_said_with_both_values(then, now, said):
    assert list_changed_settings(then, now) == said
