"""Make the rows of the monitoring benchmark, or look at them: `… monitoring_step make|look HOME`.

Prints seconds, peak megabytes and CPU seconds of `compare_tables` as JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from include.monitoring.reference import Reference, build_reference
from include.records import TableRef
from include.serving.bundle import Bundle
from include.specs import PipelineSpec
from include.specs.columns import CategoryColumn, NumberColumn
from include.steps.monitor.comparing import Watched, compare_tables
from include.steps.runner import memory_bytes
from include.tables.store import TableStore

ROWS = 1_000_000
PART = 250_000
NUMBERS = [f"x{number}" for number in range(40)]
CATEGORIES = [f"c{number}" for number in range(10)]


def make_frame(rows: int, seed: int) -> pd.DataFrame:
    """Draw rows: forty numbers, ten categories."""
    random = np.random.default_rng(seed)
    numbers = {name: random.normal(size=rows) for name in NUMBERS}
    letters = np.array(list("abcdefghijklmnop"))
    categories = {name: letters[random.integers(0, 16, rows)] for name in CATEGORIES}
    return pd.DataFrame(numbers | categories)


def make(home: Path) -> None:
    """Write rows of the reference and of a window as tables and for others, and the reference."""
    store = TableStore(str(home))
    refs = {}
    for name, kind, part in (("before", "features", "test_rows"), ("now", "checked", "")):
        (home / name).mkdir(parents=True)
        with store.write(kind, "bench", None, made_from={}) as writer:
            for place in range(ROWS // PART):
                frame = make_frame(PART, seed=place + 100 * (name == "now"))
                writer.append(frame, part)
                frame.to_parquet(home / name / f"{place}.parquet")
        refs[name] = writer.ref.model_dump(mode="json")
    whole = pd.read_parquet(home / "before")
    kinds = dict.fromkeys(NUMBERS, "number") | dict.fromkeys(CATEGORIES, "category")
    reference = build_reference(whole, kinds, whole["c0"])
    (home / "made.json").write_text(json.dumps([refs, reference.model_dump(mode="json")]))


def look(home: Path) -> None:
    """Compare the window with the reference, and say what that took."""
    refs, said = json.loads((home / "made.json").read_text())
    columns = (
        *(NumberColumn(name=name, kind="number") for name in NUMBERS),
        *(CategoryColumn(name=name, kind="category") for name in CATEGORIES),
    )
    spec = PipelineSpec.model_validate(
        {
            "name": "bench",
            "source": {"kind": "file", "uri": "x.csv"},
            "target": {"column": "y", "task": "regression"},
            "columns": [*(each.model_dump() for each in columns), {"name": "y", "kind": "number"}],
        }
    )
    before, now = (TableRef.model_validate(refs[name]) for name in ("before", "now"))
    started, cpu = time.perf_counter(), time.process_time()
    bundle = Bundle.model_construct(columns=columns)
    watched = Watched("1", bundle, Reference.model_validate(said), before)
    found = compare_tables(spec, watched, [now])
    taken = time.perf_counter() - started, memory_bytes("VmHWM:") / 1e6, time.process_time() - cpu
    assert {each.state for each in found} == {"stable"}
    sys.stdout.write("\n" + json.dumps(taken) + "\n")


if __name__ == "__main__":
    {"make": make, "look": look}[sys.argv[1]](Path(sys.argv[2]))
