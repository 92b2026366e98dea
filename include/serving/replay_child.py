"""The clean process of the replay: load a bundle by MLflow, predict rows, write the answer.

Run as a file by a fresh interpreter (`python -I replay_child.py MODEL ROWS ANSWER LIBRARIES…`).
It must not import anything of ours: what it needs comes out of the bundle.
"""

import json
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

PACKAGE: Final = "include"
# As `include.tracking.bundles.CODE` has it.
CODE: Final = "code/include.zip"


class BundleOnly(MetaPathFinder):
    """Finds our package in the bundle and nowhere else.

    Where the project is installed in the environment (`pip install --editable`), Python would
    otherwise complete a bundle that lacks a module from the project, and the replay would prove
    nothing.
    """

    def __init__(self, code: Path) -> None:
        """Name the bundle's archive of code."""
        self.code = str(code)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of ours in the bundle; leave all others to Python."""
        if name.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(name, [self.code] if path is None else path, target)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r} in the bundle", name=name)
        return spec


def main(model: Path, question: Path, answer: Path) -> None:
    """Predict the rows of a JSON file with a model directory.

    Args:
        model: Local directory that holds `MLmodel`.
        question: JSON of lists of values by column.
        answer: Where the predictions go, as JSON of lists by column.
    """
    sys.meta_path.insert(0, BundleOnly(model / CODE))
    import mlflow.pyfunc
    import pandas as pd

    loaded = mlflow.pyfunc.load_model(str(model))
    columns: dict[str, list[Any]] = json.loads(question.read_text(encoding="utf-8"))
    predicted = loaded.predict(pd.DataFrame(columns))
    content = {
        "code": _own_files(),
        "columns": {name: predicted[name].tolist() for name in predicted},
    }
    answer.write_text(json.dumps(content), encoding="utf-8")


def _own_files() -> list[str]:
    """List the files that modules of ours were read from."""
    return sorted(
        str(module.__file__)
        for name, module in sys.modules.items()
        if name.partition(".")[0] == PACKAGE
    )


if __name__ == "__main__":
    # Libraries of the parent that an isolated interpreter leaves out, e.g. a user's own.
    sys.path.extend(place for place in sys.argv[4:] if place not in sys.path)
    main(*(Path(argument) for argument in sys.argv[1:4]))
