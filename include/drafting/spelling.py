"""How a column's numbers are written, found by trying ingest's own cast on its values."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from include.drafting.marks import FITS
from include.specs.columns import NumberColumn
from include.values.casts import cast_column
from include.values.numerals import write_alike
from include.values.reading import Reading

# Decimal mark and mark between thousands; of those that fit as well the first is taken.
MARKS: Final = ((".", ""), (".", ","), (",", ""), (",", "."), (".", " "), (",", " "), (".", "'"))
# Currencies that are written as words before the number.
CURRENCY_WORDS: Final = r"(?:Rs|RS|Rp|RM|SFr|Fr|kr|Kr|Ft|Kč|zł|DM|Tk)\.?"
CURRENCY: Final = rf"(?:[A-Z]{{0,3}}[$€£¥₹₽₩₺฿]|[A-Z]{{3}}(?=\s)|{CURRENCY_WORDS})"
WRITTEN: Final = re.compile(
    rf"\s*[+-]?\s*({CURRENCY}?)\s*[+-]?(\d[\d.,' ]*|[.,]\d+)(?:[eE][+-]?\d+)?"
    r"\s*([^\d\s.,'+\x00-\x1f-]\D{0,11})?"
)
# Letters that multiply a number: beside numbers without them they are no unit.
MULTIPLES: Final = frozenset({"K", "k", "M", "B", "T", "Mio", "Mio.", "Mrd", "Mrd.", "bn", "mn"})
THOUSAND: Final = 1000
# Share of values with a leading zero from which on they are codes: a zero is no quantity.
CODES: Final = 0.005
# Share of the values that fit the best reading from which on another may be meant.
NEARLY: Final = 0.99
# The mark behind a lone zero stands before a fraction; then it stands between no thousands.
FRACTION: Final = re.compile(r"0[.,]\d")
PLAIN: Final = Reading(missing=())


class Spelling(NamedTuple):
    """How numbers are written: options of the column, and what speaks against them."""

    options: dict[str, str]
    check: str
    fitting: frozenset[str]


def find_spelling(counts: Mapping[str, int]) -> Spelling | None:
    """Find the spelling in which nearly all values are numbers, if there is one.

    Args:
        counts: The column's values, and how many rows have each.
    """
    matches = {text: match for text in counts if (match := WRITTEN.fullmatch(write_alike(text)))}
    rows = sum(counts.values())
    codes = sum(counts[text] for text, match in matches.items() if re.match(r"0\d", match[2]))
    if codes > CODES * rows or sum(counts[text] for text in matches) < FITS * rows:
        return None
    unit = _find_unit(counts, matches, (1 - FITS) * rows)
    bare = sum(counts[text] for text in matches if unit not in write_alike(text))
    if bare and unit in MULTIPLES:
        unit, bare = "", 0
    texts = pa.array(list(counts))
    weights = np.array(list(counts.values()))
    found = []
    fractions: Counter[str] = Counter()
    for text, match in matches.items():
        if FRACTION.match(match[2]):
            fractions[match[2][1]] += counts[text]
    for decimal, thousands in MARKS:
        if fractions[thousands] > (1 - NEARLY) * rows:
            continue
        options = {"decimal": decimal, "thousands": thousands, "unit": unit}
        column = NumberColumn(name="any", kind="number", **options)
        numbers = cast_column(column, texts, PLAIN).values.to_numpy(zero_copy_only=False)
        found.append((int(weights[~np.isnan(numbers)].sum()), options, numbers))
    most = max(count for count, _, _ in found)
    if most < FITS * rows:
        return None
    first = next(one for one in found if one[0] == most)
    # A cell or two that fit one reading only do not rule out the other.
    nearly = (one for one in found if one[0] >= NEARLY * most)
    second = next((one for one in nearly if not _agree(one[2], first[2])), None)
    found_so = _choose(first, second, weights, list(counts))
    if not bare:
        return found_so
    check = f"CHECK: {bare} of {rows} values have no {unit!r} and are read as if they had it"
    return found_so._replace(check="; ".join(one for one in (found_so.check, check) if one))


def _agree(some: Any, others: Any) -> bool:
    """Tell whether two readings give the same numbers wherever both give one."""
    return bool(np.all((some == others) | np.isnan(some) | np.isnan(others)))


def _find_unit(
    counts: Mapping[str, int], matches: Mapping[str, re.Match[str]], fewest: float
) -> str:
    """Find the unit that most values with one have; what few rows have is no unit of all."""
    units: dict[str, int] = {}
    for text, match in matches.items():
        unit = (match[1] or match[3] or "").strip()
        units[unit] = units.get(unit, 0) + counts[text]
    named = {unit: count for unit, count in units.items() if unit and count > fewest}
    return max(named, key=lambda unit: named[unit]) if named else ""


def _choose(first: Any, second: Any, weights: Any, texts: list[str]) -> Spelling:
    """Take the first spelling, or of two that fit alike the one for thousands if it is likelier.

    Beside numbers without a mark, all of them below a thousand, marks stand between thousands. So
    they do where every number has one, and some have two.
    """
    count, options, numbers = first
    if second is None:
        return Spelling(_changed(options), "", _fitting(texts, numbers))
    readings = {"thousands": second, "decimals": first}
    if options["thousands"]:
        readings = {"thousands": first, "decimals": second}
    is_same = first[2] == second[2]
    is_bare = is_same & ~np.isnan(numbers)
    if is_bare.any():
        is_likely = np.abs(numbers[is_bare]).max() < THOUSAND
        reason = "those without a mark are all below 1000" if is_likely else "all have the mark"
    else:
        alone = [int(weights[np.isnan(one[2])].sum()) for one in readings.values()]
        is_likely = alone[0] < alone[1]
        reason = "some have two marks" if is_likely else "all have the mark"
    chosen, other = ("thousands", "decimals") if is_likely else ("decimals", "thousands")
    marked = int(weights[~is_same & ~np.isnan(numbers)].sum())
    check = (
        f"CHECK: {marked} of {count} values have exactly three digits after their mark: they may "
        f"be thousands or decimals; read as {chosen} because {reason}"
        f" (as {other}: {_changed(readings[other][1]) or 'no options'})"
    )
    return Spelling(_changed(readings[chosen][1]), check, _fitting(texts, readings[chosen][2]))


def _changed(options: dict[str, str]) -> dict[str, str]:
    defaults = {"decimal": ".", "thousands": "", "unit": ""}
    return {name: mark for name, mark in options.items() if mark != defaults[name]}


def _fitting(texts: list[str], numbers: Any) -> frozenset[str]:
    return frozenset(text for text, one in zip(texts, numbers, strict=True) if not np.isnan(one))
