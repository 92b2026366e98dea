"""The story in words: what stands out in the numbers, and what to do about it.

Every sentence follows from figures of the analysis by a stated threshold; where nothing crosses
it, nothing is said.
"""

from collections.abc import Callable
from typing import Final

from include.analysis.story_of_rows import (
    describe_duplicates,
    describe_missing,
    describe_table,
)
from include.analysis.story_of_target import (
    describe_balance,
    describe_cycles,
    describe_leaks,
    describe_memory,
    describe_target,
)
from include.records.analysis import Analysis, Association, ColumnProfile, Remark
from include.specs import PipelineSpec
from include.values.formats import format_list, format_number, format_percent, format_signed

STRONG: Final = 0.5
SAME: Final = 0.95
CURVED: Final = 0.15
SKEWED: Final = 2.0
MOSTLY_ZERO: Final = 0.8


def tell_story(spec: PipelineSpec, found: Analysis) -> tuple[Remark, ...]:
    """Write the remarks, from the table as a whole to its details."""
    writers: tuple[Callable[[PipelineSpec, Analysis], Remark | None], ...] = (
        describe_table,
        describe_missing,
        describe_duplicates,
        describe_balance,
        describe_target,
        describe_leaks,
        describe_memory,
        describe_cycles,
        _describe_pairs,
        _describe_same,
        _describe_curved,
        _describe_skewed,
        _describe_zeros,
        _describe_constant,
    )
    remarks = (write(spec, found) for write in writers)
    return tuple(remark for remark in remarks if remark is not None)


def _describe_pairs(spec: PipelineSpec, found: Analysis) -> Remark | None:
    others = [pair for pair in found.associations if not _has(pair, spec.target.column)]
    if not others:
        return None
    told = [pair for pair in others if not pair.is_negligible]
    top = [pair for pair in told if pair.strength >= STRONG][:3] or told[:1]
    described = (
        format_list([f"{p.left} with {p.right} ({_measure(p)})" for p in top]) if top else ""
    )
    if not top:
        text = "No two features go together noticeably."
    elif top[0].strength < STRONG:
        text = f"No two features go together strongly; the closest are {described}."
    elif len(top) > 1:
        text = f"The features that go together most are {described}."
    else:
        text = f"Among the features, {described} go together {_name_strength(top[0].strength)}."
    return Remark(topic="Correlated features", text=text)


def _describe_same(spec: PipelineSpec, found: Analysis) -> Remark | None:
    same = [
        pair
        for pair in found.associations
        if pair.strength >= SAME and not _has(pair, spec.target.column)
    ][:3]
    if not same:
        return None
    names = format_list([f"{pair.left} and {pair.right}" for pair in same])
    return Remark(
        topic="Nearly the same column",
        text=f"{names} carry almost the same information.",
        advice="One of them is enough: set the other to kind ignore and compare the runs.",
    )


def _describe_curved(spec: PipelineSpec, found: Analysis) -> Remark | None:
    del spec
    curved = [
        pair
        for pair in found.associations
        if pair.spearman is not None
        and abs(pair.spearman) - pair.strength >= CURVED
        and abs(pair.spearman) >= pair.chance
    ][:3]
    if not curved:
        return None
    names = [
        f"{p.left} and {p.right} "
        f"(rank {format_signed(p.spearman, 2)}, straight line {format_signed(p.value, 2)})"
        for p in curved
    ]
    return Remark(
        topic="Curved relations",
        text=f"{format_list(names)} go together, but not along a straight line.",
        advice="A network can bend; for a linear look, take logarithms (scale: log).",
    )


def _describe_skewed(spec: PipelineSpec, found: Analysis) -> Remark | None:
    skewed = [
        profile
        for profile in found.profiles
        if profile.number and profile.number.skewness >= SKEWED and _outliers(profile, found) > 0
    ]
    heavy = sorted(skewed, key=lambda profile: -_outliers(profile, found))[:3]
    if not heavy:
        return None
    facts = [
        f"{p.name} ({format_percent(_outliers(p, found))} of values outside Tukey's fences, "
        f"largest {format_number(p.number.maximum if p.number else None)})"
        for p in heavy
    ]
    plain = [p.name for p in heavy if _scale_of(spec, p.name) not in {"log", "robust"}]
    advice = f"Scale {format_list(plain)} by log or robust, or clip the outliers." if plain else ""
    return Remark(
        topic="Long tails",
        text=f"{format_list(facts)} {'have' if len(facts) > 1 else 'has'} a long upper tail.",
        advice=advice,
    )


def _describe_zeros(spec: PipelineSpec, found: Analysis) -> Remark | None:
    del spec
    zeros = [
        f"{profile.name} ({format_percent(profile.number.zeros)})"
        for profile in found.profiles
        if profile.number and MOSTLY_ZERO <= profile.number.zeros < 1 and profile.distinct > 2
    ]
    if not zeros:
        return None
    return Remark(
        topic="Mostly zero",
        text=f"{format_list(zeros[:4])} {'are' if len(zeros) > 1 else 'is'} zero in most rows: "
        "the event is rare, and its amount matters only when it happens.",
    )


def _describe_constant(spec: PipelineSpec, found: Analysis) -> Remark | None:
    del spec
    constant = [
        profile.name
        for profile in found.profiles
        if profile.role in {"number", "category"} and profile.distinct < 2
    ]
    if not constant:
        return None
    return Remark(
        topic="Constant columns",
        text=f"{format_list(constant[:5])} never change.",
        advice="They teach nothing: set their kind to ignore.",
    )


def _name_strength(value: float) -> str:
    bounds = ((0.7, "strongly"), (0.4, "clearly"), (0.2, "weakly"))
    return next((word for bound, word in bounds if value >= bound), "hardly")


def _measure(pair: Association) -> str:
    names = {"pearson": "r", "cramers_v": "Cramér's V", "correlation_ratio": "correlation ratio"}
    return f"{names[pair.measure]} {format_signed(pair.value, 2)}"


def _has(pair: Association, name: str) -> bool:
    return name in {pair.left, pair.right}


def _outliers(profile: ColumnProfile, found: Analysis) -> float:
    if profile.number is None:
        return 0.0
    outside = profile.number.outliers_low + profile.number.outliers_high
    return outside / max(1, found.sampled_rows) if outside else 0.0


def _scale_of(spec: PipelineSpec, name: str) -> str:
    return str(getattr(spec.column_by_name[name], "scale", ""))
