"""The question whether a candidate becomes champion, as Markdown that Airflow shows.

Whoever answers needs nothing else. Names and values come from the data, so all of them are
written as plain text on one line.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from include.records import EvaluateRecord, KeyMetric, Outcome, Verdict
from include.reporting.details import Addresses
from include.reporting.metric_rows import describe_difference, is_higher_better
from include.reporting.page import safe_link
from include.values.formats import (
    NOTHING,
    capitalise,
    escape_markdown,
    format_change,
    format_count,
    format_metric,
    format_name,
    format_percent,
    format_sentence,
)

LONGEST: Final = 300
MAX_WARNINGS: Final = 8


def write_question(
    verdict: Verdict,
    evaluated: EvaluateRecord,
    *,
    outcome: Outcome,
    metrics: Sequence[KeyMetric],
    warnings: Sequence[str],
    addresses: Addresses,
    until: datetime,
) -> str:
    """Write what a person has to know before they answer.

    Args:
        verdict: What `judge` decided.
        evaluated: What `evaluate` measured.
        outcome: Where the candidate stands, in a sentence.
        metrics: The metrics on which the verdict rests.
        warnings: What else a careful reader would ask about.
        addresses: Where to look further.
        until: When no answer counts as no, UTC.
    """
    version = evaluated.champion_version
    lines = [f"**{_plain(format_sentence(outcome.why))}**", ""]
    lines += _draw_table(metrics, version, verdict)
    lines += ["", f"- Measured on {format_count(evaluated.test.rows)} test rows."]
    worst = verdict.worst_slice
    lines += [f"- {_plain(format_sentence(worst))}" if worst else "- No slices are compared."]
    lines += [f"- Warning: {_plain(format_sentence(text))}" for text in warnings[:MAX_WARNINGS]]
    more = len(warnings) - MAX_WARNINGS
    lines += [f"- {more} more warnings stand in the report."] if more > 0 else []
    lines += [] if warnings else ["- No warnings."]
    if verdict.rows_needed:
        lines.append(f"- About {verdict.rows_needed:,} more test rows would settle it.")
    named = {
        "Report": addresses.report,
        "Both runs compared in MLflow": addresses.comparison,
        "MLflow run": addresses.mlflow,
        "Airflow run": addresses.airflow,
    }
    links = [f"[{name}](<{safe_link(url)}>)" for name, url in named.items() if safe_link(url)]
    stays = f"version {version} stays champion" if version else "nothing is promoted"
    lines += ["", " · ".join(links), ""]
    lines.append(f"Without an answer until {until:%Y-%m-%d %H:%M} UTC {stays}.")
    return "\n".join(lines)


def _draw_table(metrics: Sequence[KeyMetric], version: str, verdict: Verdict) -> list[str]:
    """Draw the metrics; without a champion there is nothing to compare with."""
    sure = f"{format_percent(verdict.confidence)} interval"
    compared = (f"Version {version}", "Difference", sure) if version else ()
    head = ("Metric", "Candidate", *compared, "Required")
    lines = [head, ("--",) * len(head), *(_list_cells(each, bool(version)) for each in metrics)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _list_cells(metric: KeyMetric, is_compared: bool) -> tuple[str, ...]:
    better = "higher" if is_higher_better(metric.name) else "lower"
    decides = "decides, " if metric.is_deciding else ""
    bounds = (metric.low, metric.high)
    compared = (
        format_metric(metric.champion),
        describe_difference(metric.name, metric.change, 0.0).text or NOTHING,
        " to ".join(map(format_change, bounds)) if None not in bounds else NOTHING,
    )
    return (
        f"**{capitalise(format_name(metric.name))}** ({decides}{better} is better)",
        format_metric(metric.candidate),
        *(compared if is_compared else ()),
        metric.required or NOTHING,
    )


def _plain(text: str) -> str:
    """Write a text of the data so that Markdown acts on none of it, cut where it is long."""
    return escape_markdown(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
