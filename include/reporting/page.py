"""One way to make an HTML page: escaped, self-contained, and closed to every other host.

All templates share one Jinja environment whose autoescape is on whatever a template's file name
ends in. A page carries its styles and figures within itself, and a content security policy that
lets nothing else load: even a value that escaped the escaping could not call home.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from include.values import formats
from include.values.showing import cut_label

TEMPLATES: Final = Path(__file__).parent / "templates"
# Nothing may load; `base-uri` and `form-action` do not inherit from `default-src`.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
IMAGE_TYPES: Final = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}


def render_page(template: str, context: Mapping[str, object], *, script: str = "") -> str:
    """Render a template of this package as a whole page.

    Args:
        template: File name in `templates/`.
        context: What the template shows; every value is escaped.
        script: File name in `templates/` of our own script, for a page that answers to clicks.
            The policy allows the digest of its text and no other script.
    """
    code = (TEMPLATES / script).read_text(encoding="utf-8") if script else ""
    return (
        _environment()
        .get_template(template)
        .render(
            {**context, "policy": content_policy(code), "script": Markup(code)}  # noqa: S704 - ours
        )
    )


def render_part(template: str, context: Mapping[str, object]) -> Markup:
    """Render a template of this package as a part of a page; every value is escaped."""
    return Markup(_environment().get_template(template).render(context))  # noqa: S704 - escaped


def compile_templates() -> None:
    """Compile all templates ahead, so that processes that are forked off need not: 0.1 s a page."""
    environment = _environment()
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)


def content_policy(script: str = "") -> str:
    """Write the content security policy of a page.

    Args:
        script: Text of the one script that may run; none may without it.

    Example:
        >>> "script-src 'sha256-" in content_policy("let a = 1")
        True
    """
    if not script:
        return POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return f"{POLICY}; script-src 'sha256-{digest}'"


def image_uri(name: str, content: bytes) -> str:
    """Write a figure as a `data:` URI.

    Args:
        name: File name; its ending tells the type (.png .jpg .svg), PNG for any other.
        content: The file.
    """
    kind = IMAGE_TYPES.get(Path(name).suffix.lower(), "image/png")
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def safe_link(url: str) -> str:
    """Return an address if it is http or https, and nothing otherwise.

    Example:
        >>> safe_link("https://mlflow.example/run/1"), safe_link("javascript:alert(1)")
        ('https://mlflow.example/run/1', '')
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in {"http", "https"} and parts.netloc else ""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=formats.format_number,
        metric=formats.format_metric,
        count=formats.format_count,
        percent=formats.format_percent,
        seconds=formats.format_seconds,
        size=formats.format_size,
        signed=formats.format_signed,
        short=cut_label,
        words=formats.format_name,
        large=formats.capitalise,
        sentence=formats.format_sentence,
        change=formats.format_change,
        link=safe_link,
    )
    return environment
