"""What a column's name says: an id, a code, a thing met again, a time."""

import itertools
import re
from typing import Final

ID_NAMES: Final = re.compile(
    r"(^|[^a-z])(id|ids|no|nr|key|uuid|guid|index)([^a-z]|$)|(?-i:[a-z]I[dD])$", re.IGNORECASE
)
CODE_ID: Final = re.compile(
    r"(^|[^A-Za-z])(id|uid|uuid|guid|nr|no|hash|mrn|ssn|vin|imei)$|nummer$|(?-i:[a-z]I[dD])$|^ID$"
    # As Spanish, French and others name them: id_paciente, idCliente.
    r"|^id[_ .-]|^(?-i:id[A-Z])",
    re.IGNORECASE,
)
CODE_NAMES: Final = re.compile(
    r"(^|[^a-z])(zip|zip_?code|post_?code|postal_?code|plz|isbn|ean|upc|gtin|sku|icd"
    r"|postleitzahl|fips|naics|code_?postale?|c[oó]digo_?postal|cep|pin_?code|post_?n(umme)?r)([^a-z]|$)|(^|[^a-z])code$",
    re.IGNORECASE,
)
THINGS: Final = frozenset(
    [
        *("patient", "subject", "customer", "client", "user", "shop", "store", "session"),
        *("device", "machine", "household", "family", "person", "student", "employee"),
        *("driver", "vehicle", "account", "member", "participant", "hospital", "player"),
        *("animal", "mouse", "owner", "author", "tenant", "school", "teacher", "farm"),
        *("sensor", "plate", "batch", "lot", "kunde", "proband", "subj", "usubj"),
        *("filiale", "maschine", "fahrzeug", "mitarbeiter", "tienda", "loja", "magasin"),
        *("paciente", "cliente", "usuario", "utilisateur", "alumno", "estudiante"),
    ]
)
TIMES: Final = frozenset(
    [
        *("time", "timestamp", "date", "datetime", "ts", "epoch", "unix", "created"),
        *("updated", "at", "when"),
    ]
)
YEARS: Final = frozenset(["year", "jahr"])
# What counts time without being one.
COUNTED: Final = TIMES | {
    *("t", "day", "week", "month", "quarter", "period", "hour", "minute", "second", "step"),
    *("tick", "frame", "cycle", "round", "season", "days", "weeks", "tag", "woche", "monat"),
    *("julday", "yday", "doy", "dayofyear", "mjd", "jd", "elapsed"),
}
# What was counted or measured in a time, and is none.
AMOUNTS: Final = frozenset(
    ["total", "count", "num", "number", "mean", "avg", "average", "per", "calls", "charge", "rate"]
)
WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def split_name(name: str) -> frozenset[str]:
    """Split a column's name into its words in lower case.

    Example:
        >>> sorted(split_name("patientName_2"))
        ['name', 'patient']
    """
    words = [word.lower() for word in WORDS.findall(name)]
    joined = ["email"] if ("e", "mail") in itertools.pairwise(words) else []
    return frozenset([*words, *joined])


def is_only(name: str, words: frozenset[str]) -> bool:
    """Tell whether a column's name is made of some words alone.

    Example:
        >>> is_only("storeId", THINGS), is_only("store", THINGS), is_only("1", THINGS)
        (False, True, False)
    """
    found = split_name(name)
    return bool(found) and found <= words


def names_things(name: str) -> bool:
    """Tell whether a column's name says that it names things: `patient`, `order_id`, `userid`.

    Example:
        >>> names_things("orderId"), names_things("userid"), names_things("paid")
        (True, True, False)
    """
    stem = name.lower().removesuffix("id")
    return bool(CODE_ID.search(name)) or is_only(name, THINGS) or stem in THINGS
