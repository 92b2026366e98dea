from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from include.quality import sql_engine
from include.quality.rules import Rule
from include.quality.suites import build_suite
from tests.builders import make_spec
from tests.quality.samples import check_in_both

WIDE = 60


@pytest.mark.parametrize("broken", [0, 2])
def test_only_what_the_ranges_do_not_prove_is_asked_rule_by_rule(
    broken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(1).normal(size=(WIDE, 50))
    values[:broken, 3] = 1e9
    names = [f"c{place}" for place in range(WIDE)]
    table = pa.table(
        {
            **dict(zip(names, values, strict=True)),
            "label": ["a", "b"] * 25,
            "row_id": range(50),
        }
    )
    spec = make_spec(
        target={"column": "label", "task": "classification"},
        columns=[
            *({"name": name, "kind": "number", "min": -99, "max": 99} for name in names),
            {"name": "label", "kind": "category"},
        ],
    )
    rules = [rule for rule in build_suite(spec, "training") if "exist" not in rule.name]
    asked: list[Rule] = []
    validate = sql_engine.validate_rules

    def count(batch: object, some: list[Rule], wanted: dict[str, object]) -> object:
        asked.extend(some)
        return validate(batch, some, wanted)

    monkeypatch.setattr(sql_engine, "validate_rules", count)
    in_sql, in_pandas = check_in_both(spec, rules, table, tmp_path)
    assert len(rules) > 3 * WIDE
    assert len(asked) < 5 + 3 * broken
    assert [one.is_met for one in in_sql] == [one.is_met for one in in_pandas]
    assert sum(not one.is_met for one in in_sql) == broken
