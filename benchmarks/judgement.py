"""The gate: how fast a verdict's statistics are, and whether their stated level is true.

The speed is that of a million test rows, in a process of its own. The level is counted over pairs
of models that are equal in truth, and pairs in which the candidate is better; the tables are
written to `docs/judgement.md`.
"""

import math
import re
from collections.abc import Callable
from typing import Final

import numpy as np

from benchmarks.judged_pairs import KINDS, Kind, compare_pair, measure_wins
from benchmarks.result import Result
from benchmarks.timing import ROOT, measure_snippet
from include.promotion.budget import LEVEL, spend
from include.promotion.estimates import is_shown

PAIRS: Final = 1_000
SIZES: Final = (50, 200, 1_000, 5_000, 20_000)
# What takes a sort or a table of counts for each metric is counted at fewer sizes.
SLOW: Final = {"roc_auc", "f1_macro"}
LEVEL_METRICS: Final = ("mae", "log_loss", "accuracy", "r2", "roc_auc", "f1_macro")
POWER_SIZES: Final = (50, 200, 1_000, 5_000)
EDGE: Final = 0.1
MAX_SECONDS: Final = 30.0
MAX_MB: Final = 1_500
PAGE: Final = ROOT / "docs" / "judgement.md"
ONE: Final = """
import numpy as np
from benchmarks.judged_pairs import compare_pair
compare_pair("AR(1) 0.8", "{metric}", 1_000_000, np.random.default_rng(0), edge=0.01)
"""


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure speed, level and power."""
    tell("comparisons on a million test rows")
    slowest = {name: measure_snippet(ONE.format(metric=name)) for name in ("mae", "roc_auc")}
    speed = [
        Result(
            name=f"compare on 1 M test rows by {name}",
            ratio=found.seconds / MAX_SECONDS,
            bound=1.0,
            seconds=found.seconds,
            reference_seconds=MAX_SECONDS,
            reference=f"{MAX_SECONDS:g} s, {MAX_MB:,} MB",
            peak_memory_mb=found.peak_memory_mb,
        )
        for name, found in slowest.items()
    ]
    for each in speed:
        if (each.peak_memory_mb or 0) > MAX_MB:
            tell(f"{each.name}: {each.peak_memory_mb:,.0f} MB is above {MAX_MB:,}")
    levels = {
        metric: {kind: measure_levels(kind, metric, tell) for kind in KINDS}
        for metric in LEVEL_METRICS
    }
    powers = {kind: measure_powers(kind) for kind in KINDS}
    tries = measure_tries()
    write_page(levels, powers, tries, speed)
    worst = max(found for rows in levels.values() for each in rows.values() for found in each)
    return [
        *speed,
        _rate("false promotions, the worst case", worst, LEVEL + _error(LEVEL, 3.5)),
        _rate("false promotions in 20 equal tries", tries, LEVEL + _error(LEVEL, 3)),
    ]


def measure_levels(kind: Kind, metric: str, tell: Callable[[str], None]) -> list[float]:
    """Count how often a candidate wins that is no better, by the number of rows."""
    tell(f"level of {metric}, {kind}")
    sizes = SIZES[:3] if metric in SLOW else SIZES
    return [measure_wins(kind, metric, rows, pairs=PAIRS, alpha=LEVEL)[0] for rows in sizes]


def measure_powers(kind: Kind) -> list[float]:
    """Count how often a candidate wins whose errors are smaller by a tenth."""
    return [
        measure_wins(kind, "mae", rows, pairs=PAIRS, alpha=spend(1), edge=EDGE)[0]
        for rows in POWER_SIZES
    ]


def measure_tries() -> float:
    """Count how often one of twenty equal candidates on 270 rows wins."""
    random, promoted = np.random.default_rng(0), 0
    for _ in range(PAIRS):
        found = (compare_pair("independent", "accuracy", 270, random) for _ in range(20))
        promoted += any(
            each is not None and is_shown(each, spend(number))
            for number, each in enumerate(found, start=1)
        )
    return promoted / PAIRS


def write_page(
    levels: dict[str, dict[Kind, list[float]]],
    powers: dict[Kind, list[float]],
    tries: float,
    speed: list[Result],
) -> None:
    """Write the tables between the marks of the page."""
    tables = [
        f"Shares of {PAIRS:,} pairs of equal models in which the candidate wins; stated: "
        f"{LEVEL:.1%}, three binomial errors above it: {LEVEL + _error(LEVEL, 3):.1%}.",
        "",
        _draw(
            ("metric", "rows hang together", *(f"{rows:,} rows" for rows in SIZES)),
            [
                (metric, kind, *(f"{share:.1%}" for share in found))
                for metric, kinds in levels.items()
                for kind, found in kinds.items()
            ],
        ),
        "",
        f"Shares of {PAIRS:,} pairs in which a candidate wins whose errors are smaller by "
        f"{EDGE:.0%} (`mae`, first try):",
        "",
        _draw(
            ("rows hang together", *(f"{rows:,} rows" for rows in POWER_SIZES)),
            [(kind, *(f"{share:.0%}" for share in found)) for kind, found in powers.items()],
        ),
        "",
        f"Of twenty equal candidates on 270 rows one wins by luck in {tries:.1%}.",
        "",
        _draw(
            ("comparison on a million test rows", "seconds", "peak memory"),
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


def _draw(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(row + ("–",) * (len(head) - len(row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


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
