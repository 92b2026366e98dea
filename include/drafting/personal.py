"""Personal data: told by the values, with the column's name as support.

A name alone flags nothing: `email_count` and `address_changes` are counts. Values alone do where
their form is plain: e-mail addresses, telephone numbers, titles before names.
"""

from typing import Final

from include.drafting.names import split_name
from include.drafting.profile import ColumnProfile

FEW_VALUES: Final = 20
PLAIN_SHARE: Final = 0.5
ANY_SHARE: Final = 0.05
CODE_DIGITS: Final = 7
NAME_OF: Final = frozenset(
    [
        *("first", "last", "given", "family", "full", "middle", "maiden", "sur", "fore"),
        *("nick", "birth", "legal", "patient", "person", "customer", "client"),
        *("employee", "user", "passenger", "student", "pupil", "contact", "owner"),
        *("author", "holder", "applicant", "member", "guest", "driver", "doctor"),
        *("tenant", "buyer", "seller", "subscriber", "teacher", "player"),
    ]
)
WHOLE_NAMES: Final = frozenset(
    [
        *("surname", "surnames", "firstname", "lastname", "forename", "forenames"),
        *("fullname", "middlename", "familyname", "givenname", "nickname", "vorname"),
        *("nachname", "familienname"),
    ]
)
PERSONS: Final = frozenset(["person", "patient", "employee", "passenger", "contact"])
PHONES: Final = frozenset(
    ["phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "telefon", "handy"]
)
EMAILS: Final = frozenset(["email", "mail", "emails"])
CODES: Final = frozenset(["ssn", "iban", "passport"])
PLACES: Final = frozenset(["street", "address", "addr", "strasse", "adresse"])
BIRTHS: Final = frozenset(["dob", "birthday", "birthdate", "dateofbirth", "geburtsdatum"])


def find_personal(column: ColumnProfile) -> str:
    """Say what personal data a column seems to hold; empty for none."""
    words = split_name(column.name)
    is_text = column.numbers < column.filled and not column.is_boolean
    if _is_birth(words) and (column.time or not is_text) and column.distinct > 2:
        return "dates of birth" if column.time else ""
    if not is_text or column.time or column.array:
        is_dialled = bool(words & PHONES) and column.shortest >= CODE_DIGITS
        is_code = bool(words & CODES) and column.shortest >= CODE_DIGITS
        is_long = column.integers == column.filled and (is_dialled or is_code)
        return "numbers named like personal data" if is_long else ""
    return _by_value(column) or _by_name(column, words)


def _by_value(column: ColumnProfile) -> str:
    if column.emails > ANY_SHARE * column.filled:
        return "e-mail addresses"
    if column.phones > PLAIN_SHARE * column.filled:
        return "telephone numbers"
    if column.addresses > PLAIN_SHARE * column.filled:
        return "IP addresses"
    if column.titles > PLAIN_SHARE * column.filled:
        return "names of persons"
    return ""


def _by_name(column: ColumnProfile, words: frozenset[str]) -> str:
    is_lettered = column.lettered > PLAIN_SHARE * column.filled
    many = column.distinct > FEW_VALUES
    if is_lettered and (words & WHOLE_NAMES or ("name" in words and words & NAME_OF)):
        return "names of persons"
    is_whole_name = words == {"name"} or bool(words & PERSONS and len(words) == 1)
    if is_lettered and many and is_whole_name and column.capitals > PLAIN_SHARE * column.filled:
        return "names of persons"
    if _is_birth(words) and many:
        return "dates of birth"
    if words & PHONES and column.dialled > PLAIN_SHARE * column.filled:
        return "telephone numbers"
    is_named = words & (CODES | EMAILS) or (words & PLACES and is_lettered)
    return "named like personal data" if is_named and many else ""


def _is_birth(words: frozenset[str]) -> bool:
    return bool(words & BIRTHS) or {"birth", "date"} <= words or {"birth", "day"} <= words
