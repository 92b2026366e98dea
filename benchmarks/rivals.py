"""What others make of the same rows, in an environment of their own: no module of ours is there.

`python rivals.py evidently FOLDER | agree FOLDER | nannyml FOLDER`, prints JSON in its last line.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd


def measure_evidently(folder: Path) -> list[float]:
    """Compare all columns as Evidently does by default; reading the rows counts."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    started, cpu = time.perf_counter(), time.process_time()
    before, now = (pd.read_parquet(folder / name) for name in ("before", "now"))
    Report([DataDriftPreset()]).run(now, before).dict()
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM:"))
    return [time.perf_counter() - started, peak, time.process_time() - cpu]


def read_statistics(folder: Path) -> dict[str, float]:
    """Give the statistics that have the same definition there as here."""
    from evidently import Report
    from evidently.metrics import ValueDrift

    before, now = (pd.read_parquet(folder / f"{name}.parquet") for name in ("before", "now"))
    asked = [
        *(("x", "ks"), ("x", "wasserstein")),
        *(("job", "psi"), ("job", "jensenshannon")),
    ]
    metrics = [ValueDrift(column=column, method=method) for column, method in asked]
    found = Report(metrics).run(now, before).dict()["metrics"]
    names = [f"{column} {method}" for column, method in asked]
    values = {name: float(each["value"]) for name, each in zip(names, found, strict=True)}
    # Its logarithm is the natural one, ours is to base 2.
    return values | {"job jensenshannon": values["job jensenshannon"] / np.sqrt(np.log(2))}


def estimate_nannyml(folder: Path) -> dict[str, float]:
    """Estimate performance without labels, of two classes."""
    import nannyml

    before, now = (pd.read_parquet(folder / f"said_{name}.parquet") for name in ("before", "now"))
    metrics = ["accuracy", "roc_auc", "f1"]
    estimator = nannyml.CBPE(
        y_pred_proba="probability",
        y_pred="predicted",
        y_true="y",
        problem_type="classification_binary",
        metrics=metrics,
        chunk_number=1,
    ).fit(before)
    found = estimator.estimate(now).filter(period="analysis").to_df()
    return {name: float(np.asarray(found[(name, "value")])[0]) for name in metrics}


if __name__ == "__main__":
    what, place = sys.argv[1], Path(sys.argv[2])
    run = {"evidently": measure_evidently, "agree": read_statistics, "nannyml": estimate_nannyml}
    sys.stdout.write("\n" + json.dumps(run[what](place)) + "\n")
