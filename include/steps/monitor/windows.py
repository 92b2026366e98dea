"""The windows of a pipeline: one small file each, in the order in which they were looked at."""

from datetime import UTC, datetime, timedelta

from include.records import Window
from include.settings import Settings
from include.tables.digests import digest_key
from include.tables.layout import open_root
from include.tables.run_files import write_atomically


class Windows:
    """The windows of one pipeline."""

    def __init__(self, root: str, pipeline: str) -> None:
        """Open them; there need not be any yet."""
        self._directory = open_root(root) / "windows" / pipeline

    def list_all(self) -> list[Window]:
        """List the windows, the earliest first."""
        if not self._directory.exists():
            return []
        paths = sorted(path for path in self._directory.iterdir() if path.suffix == ".json")
        return [Window.model_validate_json(path.read_bytes()) for path in paths]

    def write(self, window: Window) -> str:
        """Write a window; the same inputs of the same time are the same window, measured or not."""
        key = digest_key(window.version, window.inputs)[:8]
        path = self._directory / f"{window.at:%Y%m%dT%H%M%S}-{key}.json"
        write_atomically(path, window.model_dump_json().encode())
        return str(path)


def kept_since(settings: Settings) -> datetime:
    """Tell since when `maintain` keeps the rows of deliveries."""
    return datetime.now(UTC) - timedelta(days=settings.keep_days)
