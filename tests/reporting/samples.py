"""Records of a run as the steps would hand them on, for pages to show."""

import base64
from typing import Any, Final

from include.promotion.wording import tell_outcome
from include.records import (
    Comparison,
    EvaluateRecord,
    Gate,
    IngestRecord,
    KeyMetric,
    ModelMetrics,
    Outcome,
    PrepareRecord,
    PromoteRecord,
    QualityReport,
    RuleOutcome,
    RunRecords,
    StepCost,
    TableRef,
    TrainRecord,
    ValidateRecord,
    Verdict,
)
from include.reporting.details import Addresses, EvaluationDetails, SliceRow
from include.reporting.run_report import RunEvidence

HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)

DECIDING: Final = KeyMetric(
    name="log_loss",
    is_deciding=True,
    candidate=0.2411,
    champion=0.2537,
    change=-0.0126,
    low=-0.0199,
    high=-0.0051,
)


def make_table(name: str, rows: int = 2_000) -> TableRef:
    """Build a reference to a table that lies nowhere."""
    return TableRef(uri=f"/data/{name}", key=name * 4, rows=rows, size_bytes=90_000, columns=8)


def make_quality(text: str = "income", *, is_met: bool = False) -> QualityReport:
    """Build outcomes of three rules; the second is critical."""
    rule = "expect_column_values_to_be_between"
    return QualityReport(
        suite="training",
        rows=2_000,
        seconds=1.4,
        quarantined=7,
        outcomes=(
            RuleOutcome(rule=rule, column="age", severity="critical", is_met=True, engine="sql"),
            RuleOutcome(
                rule=rule,
                column=text,
                severity="critical",
                is_met=is_met,
                engine="sql",
                unexpected=41,
                checked=2_000,
                examples=("-1", "-20.5", text),
                advice=f"{text} must be at least 0. Correct the source, or the column's min.",
            ),
            RuleOutcome(
                rule="expect_column_mean_to_be_between",
                column="age",
                severity="warning",
                is_met=False,
                engine="pandas",
                advice="The mean of age lies outside 30 … 40. Look whether the source changed.",
            ),
        ),
    )


def make_records(text: str = "income") -> RunRecords:
    """Build the records of a run that promoted its candidate."""
    candidate = {"accuracy": 0.9023, "roc_auc": 0.9511, "log_loss": 0.2411, text[:5] + "_x": 1.0}
    champion = {"accuracy": 0.8934, "roc_auc": 0.9472, "log_loss": 0.2537}
    return RunRecords(
        IngestRecord(
            raw=make_table("raw"),
            source=f"file {text}.csv",
            source_digest="9f" * 32,
            rejected=make_table("rejected", 3),
            dropped_columns=("comment", text),
            notes=(f"{text}: joined 2,000 rows with 1,990 partners",),
        ),
        ValidateRecord(
            checked=make_table("checked", 1_993),
            quarantine=make_table("quarantine", 7),
            report_uri="/data/quality.json",
            rules=3,
            warnings=1,
            quarantined=7,
        ),
        PrepareRecord(
            features=make_table("features"),
            preprocessor_uri="/data/p.json",
            schema_uri="/data/s.json",
            train_rows=1_390,
            validation_rows=300,
            test_rows=303,
            inputs=42,
            cleaning={"duplicates_dropped": 23, "rows_without_target": 0},
            warnings=(f"{text} is constant in the training rows",),
        ),
        TrainRecord(
            model_uri="/data/model.keras",
            parameters=12_345,
            epochs=14,
            best_epoch=11,
            is_stopped_early=True,
            seconds=8.21,
            metrics={"loss": 0.2311, "val_loss": 0.2487, "accuracy": 0.9104},
            history_uri="/data/history.csv",
        ),
        EvaluateRecord(
            validation=ModelMetrics(metrics={**champion, "accuracy": 0.9}, rows=300),
            test=ModelMetrics(metrics=candidate, rows=303),
            baseline=ModelMetrics(metrics={"accuracy": 0.76, "log_loss": 0.55}, rows=303),
            champion=ModelMetrics(metrics=champion, rows=303),
            champion_version="2",
            comparison=Comparison(
                metric="log_loss",
                candidate=0.2411,
                champion=0.2537,
                difference=0.0126,
                low=0.0051,
                high=0.0199,
            ),
            details_uri="/data/details.json",
            figures=("figures/confusion.png",),
            bundle_uri="models:/m-1f0c3",
            golden_uri="/data/golden.json",
        ),
        Verdict(
            kind="promote",
            gates=(
                Gate(name="accuracy", is_passed=True, detail="0.9023 >= 0.85"),
                Gate(name="better than the champion", is_passed=True, detail=f"better, {text}"),
            ),
            reason="All gates passed and the interval lies above 0.",
        ),
        PromoteRecord(
            is_promoted=True,
            version="3",
            previous_version="2",
            reason="Version 3 is the champion.",
            replay_seconds=6.4,
        ),
    )


def make_outcome(**promoted: Any) -> Outcome:
    """Tell what became of the candidate of `make_records`, or of one that was not promoted."""
    records = make_records()
    verdict, evaluated = records.require(Verdict), records.require(EvaluateRecord)
    done = records.require(PromoteRecord).model_copy(update=promoted)
    return tell_outcome(verdict, evaluated, done)


def make_evidence(text: str = "income", **changes: Any) -> RunEvidence:
    """Build what lies behind the records."""
    values: dict[str, Any] = {
        "quality": make_quality(text, is_met=True),
        "details": EvaluationDetails(
            slices=(
                SliceRow(column="job", value="clerk", rows=120, metrics={"log_loss": 0.2}),
                SliceRow(column="job", value=text, rows=90, metrics={"log_loss": 0.4}),
            )
        ),
        "figures": {"confusion.png": PIXEL, f"{text}.png": PIXEL},
        "costs": tuple(
            StepCost(
                step=step,
                wall_seconds=seconds,
                cpu_seconds=seconds * 1.3,
                peak_memory_bytes=400_000_000,
                rows=2_000,
                size_bytes=90_000,
            )
            for step, seconds in (("ingest", 0.6), ("validate", 1.9), ("train", 8.9))
        ),
        "outcome": make_outcome(),
        "key_metrics": (DECIDING,),
        "warnings": (f"{text} is constant in the training rows",),
        "addresses": Addresses(mlflow="http://127.0.0.1:5000/#/experiments/1/runs/abc"),
        "versions": {"keras": "3.15.1"},
        "spec_digest": "ab" * 16,
        "written_at": "2025-11-23 10:30 UTC",
    }
    return RunEvidence(**{**values, **changes})
