"""A draft trains without an edit: from the file to a fitted network, by the steps themselves."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.drafting.draft import draft_pipeline
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_spec
from include.steps.ingest import ingest
from include.steps.prepare import prepare
from include.steps.runner import run_step
from include.steps.train import train
from include.steps.validate import validate
from tests.builders import make_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mlflow_server")]
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def write_every_kind(path: Path) -> str:
    """Write a CSV with a column of every kind, gaps and traps among them."""
    random = np.random.default_rng(1)
    rows = 300
    income = random.lognormal(10, 1, rows).round(2)
    frame = pd.DataFrame(
        {
            "order_id": [f"L{number:05d}" for number in range(rows)],
            "age": random.integers(18, 90, rows).astype(str),
            "income": income,
            "married": random.choice(["yes", "no"], rows),
            "job": random.choice(["clerk", "nurse", "smith"], rows),
            "opened": pd.to_datetime(random.integers(0, 700, rows), unit="D", origin="2024-01-01"),
            "seen": pd.Series(pd.date_range("2024-01-01", periods=rows)).dt.strftime("%d.%m.%Y"),
            "remark": random.choice(["it came late and wet", "all fine with it"], rows),
            "picture": [json.dumps(random.integers(0, 9, 4).tolist()) for _ in range(rows)],
            "nothing": "",
            "Name": [f"Smith{number}, Mr. John" for number in range(rows)],
            "margin": [f"{value:.2f}".replace(".", ",") for value in random.normal(size=rows)],
            "score": income * 3,
            "repaid": np.where(income > np.e**10, "yes", "no"),
        }
    )
    frame["remark"] = [f"{text} {number}" for number, text in enumerate(frame["remark"])]
    frame.loc[::11, ["age", "married", "job"]] = "?"
    frame.to_csv(path)
    return "repaid"


def write_adult_like(path: Path) -> str:
    """Write rows as UCI Adult has them: no header, a blank after each comma, `?`, repeats."""
    random = np.random.default_rng(2)
    rows = 400
    lines = [
        f"{random.integers(17, 90)}, {random.choice(['Private', 'State-gov', '?'])}, "
        f"{random.integers(20_000, 400_000)}, {random.choice(['HS-grad', '11th'])}, "
        f"{random.choice([0, 0, 0, 2174])}, {random.choice(['<=50K', '>50K'], p=[0.75, 0.25])}"
        for _ in range(rows)
    ]
    path.write_text("\n".join([*lines, *lines[:5]]) + "\n\n", encoding="utf-8")
    return "column5"


def write_pollution_like(path: Path) -> str:
    """Write hours with their parts in columns, a numbered row, and gaps in the target."""
    random = np.random.default_rng(3)
    hours = pd.date_range("2010-01-01", periods=500, freq="h")
    frame = pd.DataFrame({"No": range(1, 501), "year": hours.year, "month": hours.month})
    frame["day"], frame["hour"] = hours.day, hours.hour
    frame["pm2.5"] = random.lognormal(4, 1, 500).round()
    frame["TEMP"] = random.normal(0, 9, 500).round()
    frame["cbwd"] = random.choice(["NW", "SE", "cv"], 500)
    frame.loc[:23, "pm2.5"] = np.nan
    frame.to_csv(path, index=False, na_rep="NA")
    return "pm2.5"


def copy_shared(name: str, target: str):
    def write(path: Path) -> str:
        source = SHARED / name
        if not source.is_file():
            pytest.skip(f"no ../shared/data/{name}: its small twin above runs always")
        shutil.copy(source, path)
        return target

    return write


FILES = {
    "every kind": write_every_kind,
    "like Adult": write_adult_like,
    "like Pollution": write_pollution_like,
    "Adult": copy_shared("adult-train.csv", "column14"),
    "Pollution": copy_shared("pollution.csv", "pm2.5"),
}


def draft(data_root: Path, write) -> PipelineSpec:
    source = data_root / "sources" / "drafted" / "table.csv"
    source.parent.mkdir()
    target = write(source)
    path = draft_pipeline("drafted", source, target, data_root)
    spec = load_pipeline_spec(path)
    training = spec.training.model_copy(update={"epochs": 1})
    return spec.model_copy(update={"training": training})


@pytest.mark.parametrize("write", FILES.values(), ids=list(FILES))
def test_a_draft_trains_without_an_edit(data_root: Path, write, request):
    spec = draft(data_root, write)
    name = request.node.callspec.id
    run = make_run(pipeline=spec.name, run_id=f"drafted {name}")
    validated = run_step(validate, spec, run, run_step(ingest, spec, run))
    assert validated.warnings == 0
    prepared = run_step(prepare, spec, run, validated)
    trained = run_step(train, spec, run, prepared)
    assert trained.epochs == 1


def test_a_file_of_every_kind_gives_every_kind(data_root: Path):
    spec = draft(data_root, write_every_kind)
    assert {column.name: column.kind for column in spec.columns} == {
        "order_id": "id",
        "age": "integer",
        "income": "ignore",
        "married": "boolean",
        "job": "category",
        "opened": "datetime",
        "seen": "datetime",
        "remark": "text",
        "picture": "tensor",
        "nothing": "ignore",
        "Name": "text",
        "margin": "number",
        "score": "ignore",
        "repaid": "category",
    }
