"""Which inputs a version has scored: one small file each, written when all of it is delivered."""

from include.records import ScoredInput
from include.tables.layout import open_root, slug
from include.tables.run_files import write_atomically


class Receipts:
    """The receipts of one version of a pipeline's model."""

    def __init__(self, root: str, pipeline: str, version: str) -> None:
        """Open them; there need not be any yet."""
        self._directory = open_root(root) / "scored" / pipeline / version

    def find(self, name: str) -> ScoredInput | None:
        """Find the receipt of an input; None if this version has not scored it."""
        path = self._directory / f"{slug(name)}.json"
        if not path.exists():
            return None
        return ScoredInput.model_validate_json(path.read_bytes())

    def list_all(self) -> list[ScoredInput]:
        """List the receipts, the earliest delivery first."""
        if not self._directory.exists():
            return []
        found = [path.read_bytes() for path in self._directory.iterdir() if path.suffix == ".json"]
        scored = [ScoredInput.model_validate_json(each) for each in found]
        return sorted(scored, key=lambda each: (each.scored_at, each.name))

    def write(self, scored: ScoredInput) -> None:
        """Write the receipt of an input, in place of one for other rows of the same name."""
        path = self._directory / f"{slug(scored.name)}.json"
        write_atomically(path, scored.model_dump_json().encode())
