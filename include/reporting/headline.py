"""The one sentence at the top of a run's page: what became of the run, and why."""

from typing import NamedTuple

from include.records import EvaluateRecord, PromoteRecord, QualityReport, RuleOutcome, Verdict
from include.values.formats import format_count, format_number


class Headline(NamedTuple):
    """A verdict in a word, a sentence, and the tone of both (good, warn, bad)."""

    badge: str
    sentence: str
    tone: str


def write_headline(
    *,
    quality: QualityReport | None,
    evaluated: EvaluateRecord | None,
    verdict: Verdict | None,
    promoted: PromoteRecord | None,
    last_step: str,
) -> Headline:
    """Say what became of the run.

    Args:
        quality: Outcome of the data's rules, if they were checked.
        evaluated: What `evaluate` measured, if it came to that.
        verdict: What `judge` decided, if it came to that.
        promoted: What `promote` did, if it came to that.
        last_step: The last step that ended well, empty if none did.
    """
    if verdict is not None:
        return _after_judgement(evaluated, verdict, promoted)
    critical = [rule for rule in quality.failures if rule.severity == "critical"] if quality else []
    if critical and last_step in {"", "ingest"}:
        rules = "1 critical rule" if len(critical) == 1 else f"{len(critical)} critical rules"
        return Headline(
            "Stopped by the data",
            f"The data broke {rules} ({_name_rule(critical[0])}), so nothing was trained and "
            "the champion stays as it is.",
            "bad",
        )
    after = f"after {last_step}" if last_step else "before the data were read"
    return Headline(
        "Failed",
        f"The run ended {after} and came to no verdict; the champion stays as it is. "
        "The failed task's log in Airflow says why.",
        "bad",
    )


def _after_judgement(
    evaluated: EvaluateRecord | None, verdict: Verdict, promoted: PromoteRecord | None
) -> Headline:
    proof = _compare(evaluated)
    if promoted is not None and promoted.is_promoted:
        former = f", taking over from version {promoted.previous_version}"
        return Headline(
            "Promoted",
            f"The candidate is the new champion, version {promoted.version}"
            f"{former if promoted.previous_version else ''}{proof}.",
            "good",
        )
    if verdict.kind == "promote" and promoted is None:
        return Headline(
            "Won, not promoted",
            f"The candidate passed its gates{proof}, but was not promoted: the promotion did not "
            "take place or did not end.",
            "warn",
        )
    reason = _clause(promoted.reason if promoted and verdict.kind != "keep" else verdict.reason)
    if verdict.kind == "inconclusive":
        return Headline("Inconclusive", f"Nothing is promoted: {reason}{proof}.", "warn")
    return Headline("Kept", f"The candidate is not promoted: {reason}{proof}.", "warn")


def _compare(evaluated: EvaluateRecord | None) -> str:
    """Write the deciding numbers in brackets, if there are any."""
    comparison = evaluated.comparison if evaluated else None
    if evaluated is None or comparison is None or comparison.candidate is None:
        return ""
    name = comparison.metric.replace("_", " ")
    text = f"{name} {format_number(comparison.candidate)}"
    if comparison.champion is not None:
        text += f" against the champion's {format_number(comparison.champion)}"
    return f" ({text} on {format_count(evaluated.test.rows)} test rows)"


def _name_rule(rule: RuleOutcome) -> str:
    if rule.advice:
        return rule.advice.split(". ")[0].rstrip(".")
    name = rule.rule.removeprefix("expect_").replace("_", " ")
    return f"{rule.column}: {name}" if rule.column else name


def _clause(sentence: str) -> str:
    return sentence.strip().rstrip(".") or "no reason was given"
