"""Values as YAML on one line, whatever they hold."""

import json
import re
from typing import Any, Final

from include.values.showing import cut_label

PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_. ]*[A-Za-z0-9_]|[A-Za-z_]")
WORDS: Final = frozenset(["true", "false", "null", "yes", "no", "on", "off", "nan", "inf"])
MAX_COMMENT_LENGTH: Final = 400


def write_flow(value: Any) -> str:
    """Write a value as YAML on one line; JSON is YAML, plain where it may be.

    Example:
        >>> write_flow({"name": "no", "values": [1, "a b"]})
        '{name: "no", values: [1, a b]}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {write_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(write_flow(item) for item in value) + "]"
    if not isinstance(value, str):
        # To YAML 1e-05 is a text, and 1.0e-05 a number.
        return re.sub(r"^(-?\d+)e", r"\1.0e", json.dumps(value))
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return "".join(_escape(letter) for letter in json.dumps(value, ensure_ascii=False))


def write_comment(text: str) -> str:
    r"""Keep a comment on its line and short, whatever the values it quotes hold.

    Example:
        >>> write_comment("two\nlines")
        'two lines'
    """
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return cut_label(line, MAX_COMMENT_LENGTH)


def _escape(letter: str) -> str:
    """Escape what YAML may not hold as it is: control characters and other invisible ones."""
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"
