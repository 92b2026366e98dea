"""Step `promote`: a candidate that won becomes the champion, if it still predicts the same."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from upath import UPath

from include.errors import PromotionError
from include.promotion.wording import describe_answer
from include.records import Answer, EvaluateRecord, PromoteRecord, RunContext, Verdict
from include.records.names import DECISION, REPORT_PAGE
from include.serving.clean_process import CleanProcess
from include.serving.replay import GoldenRows, replay
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.judge import record_answer
from include.tables.run_files import RunFiles
from include.tracking.aliases import (
    SPLIT,
    check_champion_unchanged,
    find_champion,
    move_champion,
)
from include.tracking.names import in_group
from include.tracking.registry import download_version, register_model, reject_version
from include.tracking.runs import RunLog, open_run
from include.values.formats import (
    escape_markdown,
    format_count,
    format_name,
    format_number,
    format_sentence,
)

if TYPE_CHECKING:
    from include.settings import Settings

logger = logging.getLogger(__name__)
# How the name of a run that was not promoted tells its verdict.
BACKFILLED: Final = "a backfill compares, and moves no alias"
STATES: Final = {"promote": "won", "keep": "kept", "inconclusive": "inconclusive"}


def promote(
    spec: PipelineSpec,
    run: RunContext,
    verdict: Verdict,
    evaluated: EvaluateRecord,
    *,
    answer: Answer | None = None,
) -> PromoteRecord:
    """Register the candidate, replay its golden rows in a clean process, move the alias.

    Anything short of a clear yes keeps the champion. A rerun after a crash finds the version
    that the first try registered and goes on from there.

    Args:
        spec: The pipeline; its name is that of the registered model.
        run: The DAG run.
        verdict: What `judge` decided.
        evaluated: The candidate, its metrics, and the champion it was compared with.
        answer: A person's answer; None if nobody was asked or nobody answered. It stands in the
            decision and, if it is yes, in the alias's history.

    Raises:
        PromotionError: The champion changed since the evaluation and nobody was asked meanwhile,
            or the files are not those that were logged.
        ReplayError: Reloaded, the candidate predicts something else.
    """
    settings = load_settings()
    log = open_run(settings, run)
    files = RunFiles(settings.data, run)
    if answer is not None:
        record_answer(files, log, answer)
    refusal = BACKFILLED if run.is_backfill else explain_refusal(verdict, answer)
    if not refusal and answer is not None:
        refusal = _explain_overtaken(settings, spec.name, evaluated)
    if refusal:
        record = PromoteRecord(is_promoted=False, reason=refusal, answer=answer)
    else:
        yes = f", {describe_answer(answer)}" if answer else ""
        why = files.read_bytes(DECISION)
        by = f"{run.run_key}{yes}"
        record = _promote(settings, spec, evaluated, why, log=log, by=by, warnings=verdict.warnings)
        record = record.model_copy(update={"answer": answer})
    _record(log, verdict, record)
    is_declined = answer is not None and not answer.is_yes
    state = "promoted" if record.is_promoted else "declined" if is_declined else None
    metric = spec.compare_metric
    log.rename(state or STATES[verdict.kind], metric, evaluated.test.metrics.get(metric))
    logger.info("%s: %s", spec.name, record.reason)
    return record


def explain_refusal(verdict: Verdict, answer: Answer | None) -> str:
    """Say why a candidate is not promoted; empty if it is. Closed unless everything says yes."""
    if verdict.kind == "keep":
        return verdict.reason
    if answer is not None:
        return "" if answer.is_yes else describe_answer(answer)
    if verdict.needs_approval:
        return "nobody approved it in time"
    if verdict.kind == "inconclusive":
        return (
            "nobody approved it, since the policy asks nobody; to be asked, set "
            "`promotion.approval: inconclusive`"
        )
    return ""


def _explain_overtaken(settings: "Settings", name: str, evaluated: EvaluateRecord) -> str:
    """Say that another became champion while the question was open; empty if none did."""
    champion, expected = find_champion(settings, name), evaluated.champion_version
    if champion is None or champion.version == expected:
        return ""
    if champion.bundle_uri == evaluated.bundle_uri:  # an earlier try of this step did it
        return ""
    return (
        f"version {champion.version} became champion meanwhile, and the candidate was compared "
        f"with {f'version {expected}' if expected else 'none'}; a new run compares it"
    )


def _promote(
    settings: "Settings",
    spec: PipelineSpec,
    evaluated: EvaluateRecord,
    decision: bytes,
    *,
    log: RunLog,
    by: str,
    warnings: Sequence[str],
) -> PromoteRecord:
    name = spec.name
    champion = find_champion(settings, name)
    expected = evaluated.champion_version or None
    # Only an earlier try of this step can have made this very bundle champion: it was replayed.
    is_done = champion is not None and champion.bundle_uri == evaluated.bundle_uri
    if not is_done:
        current = None if champion is None else champion.version
        check_champion_unchanged(name, expected=expected, current=current)
    version = register_model(
        settings,
        name,
        bundle_uri=evaluated.bundle_uri,
        run_id=log.run_id,
        decision=decision,
        tags={SPLIT: spec.split.model_dump_json()},
        about=spec.description,
        description=_describe(evaluated, spec.compare_metric, log, warnings),
    )
    seconds = 0.0 if is_done else _replay_version(settings, name, version, evaluated)
    previous = move_champion(settings, name, version, expected_current=expected, by=by)
    return PromoteRecord(
        is_promoted=True,
        version=version,
        previous_version=previous,
        reason=f"version {version} is champion, before it {previous or 'none'}",
        replay_seconds=round(seconds, 3),
    )


def _describe(
    evaluated: EvaluateRecord, deciding: str, log: RunLog, warnings: Sequence[str]
) -> str:
    """Say in Markdown how good a version is, the deciding metric first, and where that stands.

    The first line is all that `gatehouse show` has room for: the warnings stand there too.
    """
    metrics = evaluated.test.metrics
    named = sorted(metrics.items(), key=lambda item: item[0] != deciding)
    told = ", ".join(f"{format_name(name)} {format_number(value)}" for name, value in named)
    links = f"[Report](<{log.artifact_url(REPORT_PAGE)}>) · [MLflow run](<{log.url}>)"
    doubts = "".join(f" Warning: {escape_markdown(format_sentence(each))}" for each in warnings)
    return f"On {format_count(evaluated.test.rows)} test rows: {told}.{doubts}\n\n{links}"


def _replay_version(
    settings: "Settings", name: str, version: str, evaluated: EvaluateRecord
) -> float:
    golden = UPath(evaluated.golden_uri).read_bytes()
    try:
        with CleanProcess() as process, tempfile.TemporaryDirectory() as scratch:
            model = download_version(settings, name, version, Path(scratch), golden=golden)
            return replay(process, model, GoldenRows.model_validate_json(golden))
    except PromotionError as error:
        reject_version(settings, name, version, str(error))
        raise


def _record(log: RunLog, verdict: Verdict, record: PromoteRecord) -> None:
    log.set_tags(
        {
            "gatehouse.verdict": verdict.kind,
            "gatehouse.promoted": str(record.is_promoted).lower(),
            "gatehouse.version": record.version or "none",
            "gatehouse.reason": record.reason,
        }
    )
    log.log_metrics(
        in_group("comparison", {"promoted": record.is_promoted})
        | in_group("cost", {"replay_seconds": record.replay_seconds})
    )
    if record.is_promoted:  # from now on no other candidate may be made in this run
        log.send()
