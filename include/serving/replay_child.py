"""The clean process of the replay: load a bundle by MLflow, predict rows, write the answer.

Run as a file by a fresh interpreter (`python -I replay_child.py MODEL ROWS ANSWER`). It must not
import anything of ours: what it needs comes out of the bundle.
"""

import json
import sys
from pathlib import Path
from typing import Any


def main(model: Path, question: Path, answer: Path) -> None:
    """Predict the rows of a JSON file with a model directory.

    Args:
        model: Local directory that holds `MLmodel`.
        question: JSON of lists of values by column.
        answer: Where the predictions go, as JSON of lists by column.
    """
    import mlflow.pyfunc
    import pandas as pd

    loaded = mlflow.pyfunc.load_model(str(model))
    columns: dict[str, list[Any]] = json.loads(question.read_text(encoding="utf-8"))
    types = loaded.metadata.get_input_schema().input_dict()
    frame = pd.DataFrame(
        {name: _as_column(values, str(types[name].type)) for name, values in columns.items()}
    )
    predicted = loaded.predict(frame)
    code = sys.modules["include"].__file__
    content = {"code": code, "columns": {name: predicted[name].tolist() for name in predicted}}
    answer.write_text(json.dumps(content), encoding="utf-8")


def _as_column(values: list[Any], kind: str) -> Any:
    import pandas as pd

    if kind == "DataType.double":
        return pd.Series(values, dtype="float64")
    return pd.Series(values, dtype=object if None in values else None)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
