"""The gate: how fast a verdict's statistics are, and whether their stated level is true.

The speed is that of a million test rows, in a process of its own. The level is counted over pairs
of models that are equal in truth, and pairs in which the candidate is better; the tables are
written to `docs/judgement.md`.
"""

import math
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np

from benchmarks.judged_pairs import KINDS, Kind, measure_lucky_series, measure_wins
from benchmarks.result import Result
from benchmarks.timing import ROOT, measure_snippet
from include.promotion.budget import LEVEL, spend

PAIRS: Final = 1_000
SIZES: Final = (50, 200, 1_000, 5_000, 20_000)
# Metrics of one task are taken of the same pairs.
LEVEL_METRICS: Final = (("mae", "r2"), ("log_loss", "accuracy", "roc_auc", "f1_macro"))
POWER_METRICS: Final = (("mae",), ("roc_auc",))
EDGE: Final = 0.1
# Shown and not bounded: what so few blocks of time can bound ends here.
LONGEST: Final[Kind] = "AR(1) 0.9"
TRIES: Final = 20
TRIED_ROWS: Final = 270
TRIED_METRICS: Final = ("mae", "accuracy")
MAX_SECONDS: Final = 30.0
MAX_MB: Final = 1_500
TIMED_METRICS: Final = ("mae", "roc_auc", "average_precision", "f1_macro")
PAGE: Final = ROOT / "docs" / "judgement.md"
ONE: Final = """
import numpy as np
from benchmarks.judged_pairs import compare_pair
compare_pair("AR(1) 0.8", ["{metric}"], 1_000_000, np.random.default_rng(0), edge=0.01)
"""

Shares = dict[tuple[str, Kind], list[float]]


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure speed, level and power."""
    tell("comparisons on a million test rows")
    found = {name: measure_snippet(ONE.format(metric=name)) for name in TIMED_METRICS}
    speed = [
        Result(
            name=f"compare on 1 M test rows by {name}",
            # The worse of both bounds.
            ratio=max(each.seconds / MAX_SECONDS, each.peak_memory_mb / MAX_MB),
            bound=1.0,
            seconds=each.seconds,
            reference_seconds=MAX_SECONDS,
            reference=f"{MAX_SECONDS:g} s, {MAX_MB:,} MB",
            peak_memory_mb=each.peak_memory_mb,
        )
        for name, each in found.items()
    ]
    tell(f"{PAIRS:,} pairs of equal models for each case")
    levels = measure_shares(LEVEL_METRICS, alpha=LEVEL)
    tell("pairs in which the candidate is better")
    powers = measure_shares(POWER_METRICS, alpha=spend(1), edge=EDGE)
    tell(f"series of {TRIES} equal candidates")
    tries = measure_tries()
    write_page(levels, powers, tries, speed)
    # Where all stay undecided there is no power.
    steps = [pair for each in powers.values() for pair in pairwise(np.nan_to_num(each))]
    return [
        *speed,
        _rate("false promotions, the worst case", _worst(levels), LEVEL + _error(LEVEL, 3.5)),
        _rate(f"false promotions in {TRIES} tries", _worst(tries), LEVEL + _error(LEVEL, 3)),
        _rate("power lost by more rows", max(a - b for a, b in steps), _error(0.5, 3)),
    ]


def measure_shares(groups: Iterable[tuple[str, ...]], **options: Any) -> Shares:
    """Count, by the number of rows, how often the candidate of a pair wins."""
    cases = [(kind, metrics, rows) for metrics in groups for kind in KINDS for rows in SIZES]
    count = partial(measure_wins, pairs=PAIRS, **options)
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(count, *zip(*cases, strict=True)))
    shares: Shares = {}
    for (kind, _, _), wins in zip(cases, found, strict=True):
        for metric, share in wins.items():
            shares.setdefault((metric, kind), []).append(share)
    return shares


def measure_tries() -> Shares:
    """Count how often one of twenty equal candidates wins."""
    cases = [(kind, metric, TRIED_ROWS) for metric in TRIED_METRICS for kind in KINDS]
    count = partial(measure_lucky_series, tries=TRIES, series=PAIRS)
    with ProcessPoolExecutor() as pool:
        found = pool.map(count, *zip(*cases, strict=True))
    return {(metric, kind): [share] for (kind, metric, _), share in zip(cases, found, strict=True)}


def write_page(levels: Shares, powers: Shares, tries: Shares, speed: list[Result]) -> None:
    """Write the tables between the marks of the page."""
    head = ("metric", "rows hang together", *(f"{rows:,} rows" for rows in SIZES))
    tables = [
        f"Shares of {PAIRS:,} pairs of equal models in which the candidate wins; stated: "
        f"{LEVEL:.1%}, three binomial errors above it: {LEVEL + _error(LEVEL, 3):.1%}. A dash: the "
        "rows are too few, and every pair stays undecided.",
        "",
        _draw(head, _list_rows(levels, "{:.1%}")),
        "",
        f"Shares of {PAIRS:,} pairs in which a candidate wins whose errors are smaller by "
        f"{EDGE:.0%} (first try):",
        "",
        _draw(head, _list_rows(powers, "{:.0%}")),
        "",
        f"Of {TRIES} equal candidates in a row on {TRIED_ROWS} rows, one wins by luck in so many "
        f"of {PAIRS:,} cases:",
        "",
        _draw(("metric", "rows hang together", "one wins"), _list_rows(tries, "{:.1%}")),
        "",
        _draw(
            ("a million test rows", "seconds", "peak memory"),
            [
                (each.name, f"{each.seconds:.1f}", f"{each.peak_memory_mb:,.0f} MB")
                for each in speed
            ],
        ),
    ]
    text = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(r"(<!-- measured -->\n).*(<!-- /measured -->)", re.DOTALL)
    PAGE.write_text(
        pattern.sub(lambda found: found[1] + "\n".join(tables) + "\n" + found[2], text),
        encoding="utf-8",
    )


def _list_rows(shares: Shares, form: str) -> list[tuple[str, ...]]:
    return [
        (metric, kind, *("–" if math.isnan(each) else form.format(each) for each in found))
        for (metric, kind), found in shares.items()
    ]


def _draw(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _worst(shares: Shares) -> float:
    bounded = [found for (_, kind), found in shares.items() if kind != LONGEST]
    return max(each for found in bounded for each in found if not math.isnan(each))


def _rate(name: str, share: float, most: float) -> Result:
    return Result(
        name=name,
        ratio=share,
        bound=most,
        seconds=0.0,
        reference_seconds=0.0,
        reference=f"stated {LEVEL:.1%}",
    )


def _error(share: float, times: float) -> float:
    return times * math.sqrt(share * (1 - share) / PAIRS)
