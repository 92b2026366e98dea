"""The contract's columns against those of a source: what is missing, double, or left over."""

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from include.errors import SchemaError
from include.values.showing import shorten

SHOWN: Final = 20
MAX_COMPARED: Final = 200


def check_names_differ(columns: Iterable[str], source: str, *, hides_names: bool = False) -> None:
    """Refuse a source with two columns of one name; columns without a name are ignored.

    Args:
        columns: Names in the order of the source.
        source: What to call the source.
        hides_names: Whether to tell places instead of names: beside private columns, the first
            row of a file without a header is personal data.

    Raises:
        SchemaError: A name stands twice.
    """
    names = tuple(columns)
    counts = Counter(name for name in names if name)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        shown = ", ".join(shorten(name) for name in twice[:SHOWN])
        if hides_names:
            places = [str(place) for place, name in enumerate(names, 1) if counts[name] > 1]
            shown = f"columns {', '.join(places[:SHOWN])}"
        raise SchemaError(
            f"expected different column names in {shorten(source, 200)}. "
            f"Received the same name more than once: {shown}. Rename or remove the copies, or set "
            "source.header: false if there is no line of names."
        )


def check_columns_present(
    wanted: Iterable[str], found: tuple[str, ...], source: str, *, hides_names: bool = False
) -> None:
    """Refuse a source that lacks columns of the contract, and name what comes near them.

    Args:
        wanted: Names that must be there.
        found: Names of the source.
        source: What to call the source.
        hides_names: Whether to count the source's names where not one is known: beside private
            columns, the first row of a file without a header is personal data.

    Raises:
        SchemaError: A column is missing, or none is there.
    """
    names = tuple(wanted)
    missing = [name for name in names if name not in found]
    if not missing:
        return
    place = shorten(source, 200)
    if len(missing) == len(names):
        raise SchemaError(
            f"expected the columns of the contract in {place}, such as "
            f"{', '.join(shorten(name) for name in names[:5])}. Received none of them, but: "
            f"{_count(found) if hides_names else _list(found)}.{_hint(found)} Check "
            "source.header and source.separator, or the names in `columns`."
        )
    lines = [f"{shorten(name)} (nearest: {_nearest(name, found)})" for name in missing[:SHOWN]]
    raise SchemaError(
        f"expected all columns of the contract in {place}. Received no {', '.join(lines)}. "
        "Correct the source, or the names in `columns`."
    )


def list_dropped(found: tuple[str, ...], known: Iterable[str]) -> tuple[str, ...]:
    """Return the source's columns that the contract does not know, shortened, at most 20."""
    contract = set(known)
    return tuple(
        shorten(name)[1:-1] if len(name) <= 80 else shorten(name)
        for name in (one or "(no name)" for one in found)
        if name not in contract
    )[:SHOWN]


def _nearest(name: str, found: tuple[str, ...]) -> str:
    by_lower = {one.lower(): one for one in found if one and len(one) <= MAX_COMPARED}
    near = get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.5)
    return " or ".join(shorten(by_lower[one]) for one in near) or "none"


def _list(found: tuple[str, ...]) -> str:
    shown = ", ".join(shorten(name) for name in found[:10])
    return shown + (f" and {len(found) - 10} more" if len(found) > 10 else "")


def _count(found: tuple[str, ...]) -> str:
    return f"{len(found)} {'other' if len(found) == 1 else 'others'}, not shown beside private data"


def _hint(found: tuple[str, ...]) -> str:
    if len(found) != 1:
        return ""
    marks = {";": "a semicolon", "\t": "a tab", "|": "a bar", ",": "a comma"}
    seen = next((words for mark, words in marks.items() if mark in found[0]), None)
    return f" The only name holds {seen}: is that the separator?" if seen else ""
