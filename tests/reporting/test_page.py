"""The ground of all pages: escaped, closed to other hosts, one script at most."""

import base64
import hashlib

import pytest

from include.reporting.page import TEMPLATES, _environment, content_policy, image_uri, safe_link


def test_every_template_is_escaped_whatever_its_ending() -> None:
    environment = _environment()
    assert environment.autoescape is True
    template = environment.from_string("{{ value }}")
    assert template.render(value="<b>") == "&lt;b&gt;"


def test_only_the_digest_of_our_script_may_run() -> None:
    code = (TEMPLATES / "explore.js").read_text()
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert content_policy(code).endswith(f"script-src 'sha256-{digest}'")
    assert "script-src" not in content_policy()


def test_our_script_never_writes_markup() -> None:
    code = (TEMPLATES / "explore.js").read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in code


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "//host/x", "", "http://["],
)
def test_other_links_than_http_are_dropped(url: str) -> None:
    assert safe_link(url) == ""


def test_a_figure_becomes_a_data_uri() -> None:
    assert image_uri("roc.png", b"abc") == "data:image/png;base64,YWJj"
    assert image_uri("tree.svg", b"abc").startswith("data:image/svg+xml;base64,")
