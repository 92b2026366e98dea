"""Past runs judged again by other rules, from the evidence that they left; nothing is trained."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.errors import ParamError
from include.promotion.gates import decide
from include.records import Verdict
from include.records.names import DECISION
from include.settings import Settings
from include.specs import PipelineSpec
from include.specs.loader import describe_validation_error
from include.steps.judge import Decision
from include.tracking.decisions import PastDecision, iter_decisions

logger = logging.getLogger(__name__)


class JudgedAgain(NamedTuple):
    """A past run, what its verdict was and what it would be."""

    name: str
    started: float
    before: Verdict
    after: Verdict


def change_rules(
    spec: PipelineSpec, gates: Sequence[str], others: Mapping[str, str | None]
) -> PipelineSpec:
    """Write other rules into a spec.

    Args:
        spec: The pipeline as it is.
        gates: `metric=rule`, each in place of the metric's own; `metric=` drops it.
        others: Further keys of `promotion`; None leaves what is there.

    Raises:
        ParamError: A gate is not written that way, or a rule or metric is none.

    Example:
        `change_rules(spec, ["accuracy=>= 0.97"], {"gates": "lower"})`
    """
    document = spec.model_dump(mode="json", exclude_unset=True)
    rules = {**document.get("promotion", {}), "require": dict(spec.promotion.require)}
    for text in gates:
        metric, sign, rule = text.partition("=")
        if not sign:
            raise ParamError(
                f'expected --set METRIC=RULE, as in --set accuracy=">= 0.97". Received: {text!r}.'
            )
        rules["require"].pop(metric.strip(), None)
        if rule.strip():
            rules["require"][metric.strip()] = rule.strip()
    rules |= {key: value for key, value in others.items() if value is not None}
    try:
        return PipelineSpec.model_validate({**document, "promotion": rules})
    except ValidationError as error:
        advice = "Correct the rules; `promotion` in docs/spec.md lists them."
        raise ParamError(describe_validation_error(spec.name, error, advice)) from error


def judge_again(spec: PipelineSpec, past: Iterable[PastDecision]) -> list[JudgedAgain]:
    """Judge past runs by a spec's rules."""
    found = []
    for each in past:
        try:
            decision = Decision.model_validate_json(each.content)
        except ValidationError:
            logger.warning("what run %s left is no decision of this release: left out", each.name)
            continue
        evidence = decision.evidence
        if decision.compare != spec.compare_metric:
            # What was measured of slices is another metric.
            evidence = evidence.model_copy(update={"slices": ()})
        verdict = decide(spec, evidence)
        found.append(JudgedAgain(each.name, each.started, decision.verdict, verdict))
    return found


def replay_verdicts(
    settings: Settings, spec: PipelineSpec, console: Console, *, last: int
) -> list[JudgedAgain]:
    """Judge the latest runs of a pipeline again and print both verdicts of each.

    Raises:
        ParamError: No run left a decision.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    judged = judge_again(spec, iter_decisions(settings, spec.name, DECISION, last=last))
    if not judged:
        raise ParamError(
            f"expected runs of {spec.name} that were judged. Received: none. "
            f"Train one: make run PIPELINE={spec.name}"
        )
    table = Table("run", "began", "was", "would be", "why", box=None, pad_edge=False)
    for each in judged:
        color = "yellow" if each.before.kind != each.after.kind else "dim"
        table.add_row(
            escape(each.name),
            f"{datetime.fromtimestamp(each.started, UTC):%Y-%m-%d %H:%M}",
            each.before.kind,
            f"[{color}]{each.after.kind}[/{color}]",
            escape(each.after.reason),
        )
    console.print(table)
    changed = sum(each.before.kind != each.after.kind for each in judged)
    console.print(f"{changed} of {len(judged)} verdicts would be others; each is judged as it was")
    return judged
