"""Texts that may stand for a missing value."""

from typing import Final

from include.specs.sources import DEFAULT_MISSING

# No person writes these as the name of a thing.
SURE: Final = (
    *("#N/A", "<NA>", "NaN", "nan", "?", r"\N"),
    *("#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"),
)
# Words that may be the name of a class: a disorder may be `None`.
WORDS: Final = (*(mark for mark in DEFAULT_MISSING if mark and mark not in SURE), "n/a")
# Missing if they are all that keeps a column from being numbers or times.
ONLY_AMONG_NUMBERS: Final = ("-", "--", ".", "*", "inf", "-inf", "Infinity", "-Infinity")
ALL_MARKS: Final = (*SURE, *WORDS, *ONLY_AMONG_NUMBERS)
# What a line of totals is called.
TOTAL: Final = (
    r"(?i)^\s*((grand|sub|overall)?[ -]?totals?:?|sums?|summe|gesamt(summe|ergebnis)?|insgesamt"
    r"|total g[eé]n[eé]ral|totaa?le?|.{1,40}[ -]totals?|somma|soma|suma|totalt|razem|ukupno|toplam"
    r"|yhteensä|összesen|итого|всего|合计|总计|合計)\s*$"
)
AVERAGE: Final = (
    r"(?i)^\s*(averages?|means?|medians?|durchschnitt|mittel(wert)?|moyenne|promedio)\s*$"
)
# Share of a text column from which on a word is taken for a value.
FREQUENT: Final = 0.05
# Share of a column's values that must fit a kind: one bad cell never costs a column its kind.
FITS: Final = 0.95
