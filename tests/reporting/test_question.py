"""The question to a person holds what an answer needs, and names of the data stay plain text."""

from datetime import UTC, datetime
from typing import Any

from markdown_it import MarkdownIt

from include.records import EvaluateRecord, KeyMetric, Verdict
from include.reporting.details import Addresses
from include.reporting.question import write_question
from tests.reporting.samples import DECIDING, make_outcome, make_records

HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script> [click](javascript:alert(3)) "
    "![i](http://evil/x.png) `code` | a | &lt;b&gt;\n\n# big\n\n- point"
)
METRICS = (
    DECIDING,
    KeyMetric(name="accuracy", is_deciding=False, required="at least 0.85", candidate=0.9023),
)


def ask(**changes: Any) -> str:
    records = make_records()
    verdict = records.require(Verdict).model_copy(update=changes.pop("verdict", {}))
    values: dict[str, Any] = {
        "outcome": make_outcome(),
        "metrics": METRICS,
        "warnings": (),
        "addresses": Addresses(report="http://mlflow/report.html", mlflow="http://mlflow/run"),
        "until": datetime(2026, 7, 29, 14, 5, tzinfo=UTC),
    }
    return write_question(verdict, records.require(EvaluateRecord), **{**values, **changes})


def test_the_question_holds_numbers_rows_slices_warnings_and_links() -> None:
    text = ask(verdict={"worst_slice": "job = nurse does worst"}, warnings=("age varies",))
    head, _, first, second = (line for line in text.splitlines() if line.startswith("|"))
    assert "| Candidate | Version 2 | Difference | 95 % interval | Required |" in head
    assert "| 0.2411 | 0.2537 | 0.0126 lower, better | −0.0199 to −0.0051 | – |" in first
    assert first.startswith("| **Log loss** (decides, lower is better) |")
    assert second.endswith("| 0.9023 | – | – | – | at least 0.85 |")
    assert "- Measured on 303 test rows.\n- Job = nurse does worst.\n- Warning: Age varies." in text
    assert "[Report](<http://mlflow/report.html>) · [MLflow run](<http://mlflow/run>)" in text
    assert "Without an answer until 2026-07-29 14:05 UTC version 2 stays champion." in text


def test_names_from_the_data_are_plain_text_to_markdown() -> None:
    outcome = make_outcome().model_copy(update={"why": HOSTILE})
    text = ask(outcome=outcome, warnings=(HOSTILE,), verdict={"worst_slice": HOSTILE})
    parsed = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    children = [part for token in parsed for part in (token.children or ())]
    assert {part.type for part in children} <= {
        *("text", "text_special", "softbreak", "strong_open", "strong_close"),
        *("link_open", "link_close"),
    }
    assert {part.attrs["href"] for part in children if part.type == "link_open"} == {
        "http://mlflow/report.html",
        "http://mlflow/run",
    }
    assert {token.type for token in parsed}.isdisjoint({"heading_open", "html_block", "fence"})
    texts = ["".join(p.content for p in token.children or ()) for token in parsed]
    assert sum(" ".join(HOSTILE.split())[1:100] in each for each in texts) == 3


def test_a_question_of_many_long_names_fits_into_a_record() -> None:
    warnings = tuple(f"column {HOSTILE * 9}" for _ in range(30))
    assert len(ask(warnings=warnings).encode()) < 7_000
