"""The part of the story that is about the target: balance, relations, leaks, memory, cycles."""

from typing import Final

from include.records.analysis import Analysis, Association, Cycle, Remark
from include.specs import PipelineSpec
from include.values.formats import (
    format_count,
    format_list,
    format_number,
    format_percent,
    format_signed,
)

LEAK: Final = 0.98
WEAK: Final = 0.3
RARE_CLASS: Final = 0.25
REMEMBERS: Final = 0.3
CYCLE: Final = 0.15
COMBINE: Final = (
    "The model has to combine several columns, or needs new ones such as earlier values."
)
PLACES: Final = {"hour": "at {} o'clock", "weekday": "on {}", "month": "in {}"}


def describe_balance(spec: PipelineSpec, found: Analysis) -> Remark | None:
    """Say how the target is distributed."""
    profile = next((profile for profile in found.profiles if profile.is_target), None)
    if profile is None:
        return None
    if profile.category and profile.category.levels:
        return _describe_classes(spec, found)
    if profile.number is None:
        return None
    values = profile.number
    text = (
        f"{profile.name} lies between {format_number(values.minimum)} and "
        f"{format_number(values.maximum)}; half of the values are between "
        f"{format_number(values.q25)} and {format_number(values.q75)}, the median is "
        f"{format_number(values.median)} and the mean {format_number(values.mean)}."
    )
    advice = ""
    if values.mean > 1.2 * values.median > 0:
        advice = (
            "A few high values pull the mean up: look at the mean absolute error beside the "
            "squared one, and at the errors on high values."
        )
    return Remark(topic="The target", text=text, advice=advice)


def describe_target(spec: PipelineSpec, found: Analysis) -> Remark | None:
    """Say which features go with the target most."""
    target = spec.target.column
    if not found.relations:
        return None
    pairs = [relation.association for relation in found.relations]
    top = [pair for pair in pairs if not pair.is_negligible][:3]
    if not top:
        return Remark(
            topic="What goes with the target",
            text=f"No column by itself goes with {target} noticeably.",
            advice=COMBINE,
        )
    names = [f"{_other(pair, target)} ({format_signed(pair.value, 2)})" for pair in top]
    text = f"{target} goes most with {format_list(names)}."
    signed = [pair for pair in top if pair.measure == "pearson"]
    if signed:
        pair = signed[0]
        way = "falls" if pair.value < 0 else "rises"
        text += f" As {_other(pair, target)} rises, {target} {way}."
    advice = f"No single column explains much. {COMBINE}" if top[0].strength < WEAK else ""
    return Remark(topic="What goes with the target", text=text, advice=advice)


def describe_leaks(spec: PipelineSpec, found: Analysis) -> Remark | None:
    """Warn of columns that all but give the target away."""
    target = spec.target.column
    leaks = [
        _other(relation.association, target)
        for relation in found.relations
        if relation.association.strength >= LEAK
    ]
    if not leaks:
        return None
    return Remark(
        topic="Perhaps a leak",
        text=f"{format_list(leaks)} all but {'give' if len(leaks) > 1 else 'gives'} {target} away.",
        advice="If it is known only after the event, set its kind to ignore.",
    )


def describe_memory(spec: PipelineSpec, found: Analysis) -> Remark | None:
    """Say how much the target's own past tells."""
    memory = found.time.memory if found.time else None
    if memory is None or not memory.values or abs(memory.values[0]) < REMEMBERS:
        return None
    by_lag = dict(zip(memory.lags, memory.values, strict=True))
    target = spec.target.column
    before = format_signed(by_lag[1], 2)
    text = f"{target} remembers itself: its correlation with one row earlier is {before}"
    if 24 in by_lag:
        text += f", with 24 rows earlier {format_signed(by_lag[24], 2)}"
    lagged = {lag.column for lag in spec.cleaning.lags}
    advice = (
        "" if target in lagged else "Earlier values are the strongest feature: add cleaning.lags."
    )
    return Remark(topic="Memory", text=f"{text}.", advice=advice)


def describe_cycles(spec: PipelineSpec, found: Analysis) -> Remark | None:
    """Say when in the day, week and year the target is high and low."""
    if found.time is None:
        return None
    sentences = [text for text in map(_describe_cycle, found.time.cycles) if text]
    if not sentences:
        return None
    quantity = found.time.timelines[0].quantity
    return Remark(
        topic="Cycles",
        text=f"The {quantity} follows the calendar: {'; '.join(sentences)}.",
        advice=""
        if _sees_calendar(spec, found.time.column)
        else "Give the network the calendar: `parts` of the datetime column.",
    )


def _describe_classes(spec: PipelineSpec, found: Analysis) -> Remark | None:
    profile = next(profile for profile in found.profiles if profile.is_target)
    if profile.category is None:
        return None
    levels = profile.category.levels
    total = sum(level.rows for level in levels) + profile.category.other_rows
    rarest, largest = levels[-1], levels[0]
    share, most = rarest.rows / total, format_percent(largest.rows / total)
    text = (
        f"{profile.name} has {format_count(profile.distinct)} classes: {largest.value} is the "
        f"most frequent ({most}), {rarest.value} the rarest ({format_percent(share)})."
    )
    advice = ""
    if share < RARE_CLASS / max(1, len(levels) / 2):
        advice = (
            f"Guessing {largest.value} every time is right in {most} of "
            "rows: judge by more than accuracy. training.class_weights: balanced gives rows to "
            "rare classes more often; it costs log loss, so let average_precision decide with it."
        )
    return Remark(topic="The target", text=text, advice=advice)


def _describe_cycle(cycle: Cycle) -> str:
    known = [(v, n) for v, n in zip(cycle.values, cycle.labels, strict=True) if v is not None]
    if len(known) < 3:
        return ""
    (low, lowest), (high, highest) = min(known), max(known)
    mean = sum(value for value, _ in known) / len(known)
    if mean == 0 or (high - low) / abs(mean) < CYCLE:
        return ""
    place = PLACES[cycle.unit]
    return (
        f"by {cycle.unit} it is highest {place.format(highest)} ({format_number(high)}) and lowest "
        f"{place.format(lowest)} ({format_number(low)})"
    )


def _sees_calendar(spec: PipelineSpec, column: str) -> bool:
    return bool(getattr(spec.column_by_name[column], "parts", ()))


def _other(pair: Association, target: str) -> str:
    return pair.right if pair.left == target else pair.left
