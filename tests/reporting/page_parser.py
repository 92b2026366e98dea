"""Reads a page as a browser would and lists what could run or load."""

from html.parser import HTMLParser

LOADING = {"src", "href", "srcset", "data", "poster", "action", "formaction", "xlink:href"}
FORBIDDEN = {"iframe", "object", "embed", "link", "base", "form", "applet", "frame", "audio"}


class PageParser(HTMLParser):
    """Collects scripts, images, handlers, addresses and ids of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.images: list[str] = []
        self.handlers: list[str] = []
        self.forbidden: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.captions = 0
        self.tables = 0
        self.policy = ""
        self.text: list[str] = []
        self._is_script = False
        self._is_style = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.handlers += [name for name in values if name.startswith("on")]
        self.forbidden += [tag] if tag in FORBIDDEN else []
        self._is_script, self._is_style = tag == "script", tag == "style"
        if tag == "script":
            self.scripts.append("")
        if tag == "img":
            self.images.append(values.get("src", ""))
        if tag == "a":
            self.links.append(values.get("href", ""))
        else:
            self.loads += [values[name] for name in LOADING.intersection(values)]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        self.tables += tag == "table"
        self.captions += tag == "caption"

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._is_script = self._is_style = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts[-1] += data
        elif not self._is_style:
            self.text.append(data)

    @property
    def shown(self) -> str:
        """All text of the page, blanks made single."""
        return " ".join(" ".join(self.text).split())


def check_is_closed(page: str, *, scripts: int = 0) -> PageParser:
    """Assert that a page runs only our scripts and loads nothing from elsewhere."""
    parsed = PageParser(page)
    assert parsed.policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert len(parsed.scripts) == scripts
    assert parsed.handlers == []
    assert parsed.forbidden == []
    assert all(place.startswith("data:image/") for place in (*parsed.images, *parsed.loads))
    assert "alert(" not in "".join(parsed.scripts)
    assert "@import" not in page
    assert "url(" not in page
    assert all(link.startswith(("http://", "https://", "#")) for link in parsed.links)
    assert parsed.tables == parsed.captions
    return parsed
