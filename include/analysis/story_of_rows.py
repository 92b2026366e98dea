"""The part of the story that is about rows: how many, what is missing, what stands twice."""

from include.records.analysis import Analysis, Remark
from include.specs import PipelineSpec
from include.values.formats import format_count, format_list, format_percent


def describe_table(spec: PipelineSpec, found: Analysis) -> Remark | None:
    """Say how large the table is and what time it spans."""
    text = f"The table has {format_count(found.rows)} rows and {len(found.profiles)} columns"
    times = [profile for profile in found.profiles if profile.time]
    advice = ""
    if times and times[0].time:
        time = times[0].time
        text += f", from {time.first} to {time.last}"
        if time.step != "irregular":
            rows = time.rows_per_step
            each = "one row" if rows == 1 else f"{format_count(rows)} rows"
            lacks = [f"{format_count(time.holes)} holes"] if time.holes else []
            if time.short_times:
                lacks.append(f"{format_count(time.short_times)} times with fewer rows")
            holes = f"with {format_list(lacks)}" if lacks else "without a hole"
            text += f", usually {each} every {time.step.removeprefix('1 ')}, {holes}"
        if spec.split.method != "time" and time.step != "irregular":
            advice = "Rows follow each other in time: split by time (split.method: time)."
    return Remark(topic="The table", text=f"{text}.", advice=advice)


def describe_missing(spec: PipelineSpec, found: Analysis) -> Remark | None:
    """Say what is missing, and what filling it would do."""
    start = "the start of their groups" if spec.cleaning.group_by else "the start"
    gappy = sorted((p for p in found.profiles if p.missing), key=lambda p: -p.missing)
    if not gappy:
        return Remark(topic="Missing values", text="No value is missing in any column.")
    first = gappy[0]
    share = format_percent(first.missing / found.rows)
    text = f"{first.name} misses {format_count(first.missing)} values ({share})"
    has_order = found.is_in_time
    text += f", in gaps of up to {format_count(first.longest_gap)} rows" if has_order else ""
    others = [f"{p.name} ({format_percent(p.missing / found.rows)})" for p in gappy[1:5]]
    if others:
        text += f"; values are missing in {format_list(others)} as well"
    left = first.missing - first.filled_forward
    if has_order:
        filled = format_count(first.filled_forward)
        text += f". Filling forward gives {filled} of them the value before"
        text += f" and leaves the {format_count(left)} at {start}" if left else ""
    advice = ""
    if first.is_target:
        advice = (
            "It is the target: rows without it cannot teach or test, so drop them rather than "
            "learn from filled values."
        )
    elif has_order and first.longest_gap > 24:
        advice = "A fill across a long gap repeats one old value: add an indicator column."
    return Remark(topic="Missing values", text=f"{text}.", advice=advice)


def describe_duplicates(spec: PipelineSpec, found: Analysis) -> Remark | None:
    """Say how many rows repeat an earlier one."""
    if not found.duplicates:
        return Remark(topic="Duplicates", text="No row occurs twice.")
    repeats = "row repeats" if found.duplicates == 1 else "rows repeat"
    done = {"drop": "they are dropped", "keep": "they are kept", "fail": "the run fails on them"}
    return Remark(
        topic="Duplicates",
        text=f"{format_count(found.duplicates)} {repeats} an earlier one in every column "
        f"({format_percent(found.duplicates / found.rows)}); {done[spec.cleaning.duplicates]}.",
        advice="The same row in train and test makes a model look better than it is."
        if spec.cleaning.duplicates == "keep"
        else "",
    )
