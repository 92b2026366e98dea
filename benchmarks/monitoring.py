"""Monitoring: false alarms and power, agreement with others, time and memory against Evidently.

Writes what it finds into `docs/monitoring.md`. Evidently 0.7 and NannyML 0.13 run in environments
of their own below `var/rivals/`, made once.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.data_plane import Taken, run_step_script
from benchmarks.result import Result
from benchmarks.timing import ROOT
from include.modeling.metrics import compute_metrics
from include.monitoring.distances import kolmogorov_smirnov, wasserstein
from include.monitoring.drift import compare_column, judge_window
from include.monitoring.estimates import estimate_performance
from include.monitoring.reference import calibrate, describe_column
from include.monitoring.together import compare_together
from include.records import ColumnDrift, FeatureSchema

PAGE = ROOT / "docs" / "monitoring.md"
RIVALS = ROOT / "var" / "rivals"
PACKAGES = {
    "evidently": ("evidently==0.7.*", "pandas<3", "pyarrow"),
    "nannyml": ("nannyml==0.13.*", "statsmodels"),
}
ALPHA, SHIFT, COLUMNS = 0.01, 0.1, 50
STABLE_WINDOWS, POWER_WINDOWS, TOGETHER_WINDOWS = 1_000, 200, 40
REFERENCE_ROWS = 3_000
SIZES = (200, 1_000, 5_000)


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Simulate, compare with others, write the page's tables."""
    tell(f"{STABLE_WINDOWS:,} stable windows of {COLUMNS} columns")
    started = time.perf_counter()
    alarms = count_alarms((0.0, SHIFT))
    together = count_together_alarms()
    simulated = time.perf_counter() - started
    tell("power")
    power = list(list_power())
    with tempfile.TemporaryDirectory() as scratch:
        agreements = list(list_agreements(Path(scratch), tell))
        tell("1 M rows × 50 columns, against Evidently")
        ours, theirs = measure_both(Path(scratch) / "home")
    write_page(alarms, together, power, agreements)
    most = ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / STABLE_WINDOWS)
    shared = {"seconds": ours.seconds, "reference_seconds": theirs.seconds}
    memory = f"{ours.peak_memory_mb:,.0f} MB against {theirs.peak_memory_mb:,.0f} MB"
    return [
        Result(
            name="monitoring, 1,000 stable windows × 50 columns: false alarms",
            ratio=alarms[0.0],
            bound=float(most),
            seconds=simulated,
            reference_seconds=simulated,
            reference=f"stated: {ALPHA}, and three binomial deviations",
        ),
        Result(
            name="monitoring, 1 M rows × 50 columns: time",
            ratio=ours.seconds / theirs.seconds,
            bound=1 / 3,
            peak_memory_mb=ours.peak_memory_mb,
            reference="Evidently 0.7",
            note=f"CPU {ours.cpu_seconds:.1f} s against {theirs.cpu_seconds:.1f} s",
            **shared,
        ),
        Result(
            name="monitoring, 1 M rows × 50 columns: peak memory",
            ratio=ours.peak_memory_mb / theirs.peak_memory_mb,
            bound=1 / 3,
            peak_memory_mb=ours.peak_memory_mb,
            reference="Evidently 0.7",
            note=memory,
            **shared,
        ),
    ]


def count_alarms(shifts: Sequence[float]) -> dict[float, float]:
    """Give the share of stable windows in which any column drifted, by the least shift."""
    random, alarms = np.random.default_rng(0), dict.fromkeys(shifts, 0)
    for _ in range(STABLE_WINDOWS):
        found = [
            compare_column(describe_column("", before), "", now, min_rows=100)
            for before, now in (draw_stable(random, kind) for kind in range(COLUMNS))
        ]
        for shift in shifts:
            judged = judge_window(found, alpha=ALPHA, min_shift=shift)
            alarms[shift] += any(each.state == "drift" for each in judged)
    return {shift: count / STABLE_WINDOWS for shift, count in alarms.items()}


def draw_stable(random: np.random.Generator, kind: int) -> "list[pd.Series]":
    """Draw a column twice: normal, skewed, whole numbers with gaps, or one of five values."""
    draws = (
        lambda rows: random.normal(size=rows),
        lambda rows: random.lognormal(size=rows),
        lambda rows: np.where(random.random(rows) < 0.1, np.nan, random.poisson(4, rows)),
        lambda rows: random.choice(list("abcde"), rows, p=[0.5, 0.3, 0.1, 0.07, 0.03]),
    )
    return [pd.Series(draws[kind % 4](rows)) for rows in (REFERENCE_ROWS, 500)]


def count_together_alarms() -> float:
    """Give the share of stable windows in which the classifier alone would raise an alarm."""
    random, alarms = np.random.default_rng(1), 0
    for _ in range(TOGETHER_WINDOWS):
        sides = [pd.DataFrame(random.normal(size=(rows, 10))) for rows in (1_000, 500)]
        found = compare_together(*sides, min_rows=100)
        judged = judge_window([found], alpha=ALPHA, min_shift=0.0)
        alarms += judged[0].state == "drift"
    return alarms / TOGETHER_WINDOWS


def list_power() -> Iterable[tuple[str, list[float]]]:
    """Give the share of windows in which a shift of one column of fifty is found, by rows."""
    shifts = {
        "mean by 0.3 standard deviations": lambda r, n: r.normal(0.3, 1, n),
        "mean by 0.5 standard deviations": lambda r, n: r.normal(0.5, 1, n),
        "mean by 1 standard deviation": lambda r, n: r.normal(1.0, 1, n),
        "spread by half": lambda r, n: r.normal(0, 1.5, n),
        "10 % of the values missing": lambda r, n: np.where(
            r.random(n) < 0.1, np.nan, r.normal(size=n)
        ),
    }
    for name, draw in shifts.items():
        yield name, [find_share(lambda r, n: r.normal(size=n), draw, rows) for rows in SIZES]

    def letters(shares: Sequence[float]) -> Callable[[np.random.Generator, int], np.ndarray]:
        return lambda r, n: r.choice(list("abc"), n, p=shares)

    for name, shares in {
        "a category from 20 to 30 %": [0.4, 0.3, 0.3],
        "a category from 20 to 40 %": [0.35, 0.25, 0.4],
        "a new category with 10 %": None,
    }.items():
        before = letters([0.45, 0.35, 0.2])
        now = letters(shares) if shares else _with_new
        yield name, [find_share(before, now, rows) for rows in SIZES]


def _with_new(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.choice(list("abcd"), rows, p=[0.405, 0.315, 0.18, 0.1])


def find_share(before: Callable, now: Callable, rows: int) -> float:
    """Give the share of windows in which the shift is found among 49 columns that are stable."""
    random, found = np.random.default_rng(2), 0
    quiet = [ColumnDrift(name="", state="stable", rows=rows) for _ in range(COLUMNS - 1)]
    for _ in range(POWER_WINDOWS):
        reference = describe_column("x", pd.Series(before(random, REFERENCE_ROWS)))
        column = compare_column(reference, "x", pd.Series(now(random, rows)), min_rows=100)
        judged = judge_window([column, *quiet], alpha=ALPHA, min_shift=SHIFT)
        found += judged[0].state == "drift"
    return found / POWER_WINDOWS


def list_agreements(
    scratch: Path, tell: Callable[[str], None]
) -> Iterable[tuple[str, float, float]]:
    """Give our figures beside those of Evidently and NannyML on the same rows."""
    tell("agreement with Evidently and NannyML")
    random = np.random.default_rng(3)
    sides = {
        name: pd.DataFrame(
            {"x": random.normal(mean, 1, 1_000), "job": random.choice(list("abc"), 1_000, p=shares)}
        )
        for name, mean, shares in (("before", 0, [0.5, 0.3, 0.2]), ("now", 0.1, [0.45, 0.3, 0.25]))
    }
    for name, frame in sides.items():
        frame.to_parquet(scratch / f"{name}.parquet")
    theirs = ask("evidently", "agree", scratch)
    x, job = (describe_column(name, sides["before"][name]) for name in ("x", "job"))
    values = np.sort(sides["now"]["x"].to_numpy())
    column = compare_column(job, "job", sides["now"]["job"], min_rows=100)
    ours = {
        "x ks": kolmogorov_smirnov(x, values)[1],
        "x wasserstein": wasserstein(x, values),
        "job psi": column.psi,
        "job jensenshannon": column.jensen_shannon,
    }
    yield from ((f"Evidently, {name}", ours[name], theirs[name]) for name in theirs)
    said = {name: draw_answers(random, mean) for name, mean in (("before", 0.0), ("now", 0.5))}
    for name, frame in said.items():
        frame.to_parquet(scratch / f"said_{name}.parquet")
    theirs = ask("nannyml", "nannyml", scratch)
    schema = FeatureSchema(inputs=(), task="classification", target="y", classes=("0", "1"))
    before, now = (np.column_stack([1 - p, p]) for p in (said[n]["probability"] for n in said))

    def measure_drawn(y: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
        hits = (y == 1) & (predictions[:, 1] >= 0.5)
        f1 = 2 * hits.sum() / ((y == 1).sum() + (predictions[:, 1] >= 0.5).sum())
        return compute_metrics(schema, y, predictions, ["accuracy", "roc_auc"]) | {"f1": float(f1)}

    calibration = calibrate(before, said["before"]["y"].to_numpy())
    found = estimate_performance(now, calibration, measure_drawn)
    truth = measure_drawn(said["now"]["y"].to_numpy(), now)
    for name, value in theirs.items():
        label = f"NannyML, {name} without labels (with labels {truth[name]:.4f})"
        yield label, found[name].value, value


def draw_answers(random: np.random.Generator, mean: float) -> pd.DataFrame:
    """Draw answers of a model that is surer than right, and the truth."""
    odds = random.normal(mean, 1.5, 20_000)
    probability = 1 / (1 + np.exp(-1.6 * odds))
    y = (random.random(len(odds)) < 1 / (1 + np.exp(-odds))).astype(int)
    predicted = (probability >= 0.5).astype(int)
    return pd.DataFrame({"probability": probability, "predicted": predicted, "y": y})


def measure_both(home: Path) -> tuple[Taken, Taken]:
    """Take time and peak memory of ours, and of Evidently's default report."""
    subprocess.run(
        [sys.executable, "-m", "benchmarks.monitoring_step", "make", str(home)],
        cwd=ROOT,
        check=True,
    )
    ours = run_step_script(["benchmarks.monitoring_step", "look", str(home)], {})
    return ours, Taken(*ask("evidently", "evidently", home))


def ask(environment: str, what: str, folder: Path) -> "dict[str, float]":
    """Run `rivals.py` where the library is installed, making that environment if need be."""
    python = RIVALS / environment / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", RIVALS / environment], check=True)
        packages = ("--system-certs", "--python", python, *PACKAGES[environment])
        subprocess.run([uv, "pip", "install", "--quiet", *packages], check=True)
    script = Path(__file__).with_name("rivals.py")
    done = subprocess.run(
        [python, script, what, folder],
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{environment} must run. Received:\n{done.stderr[-2_000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def write_page(
    alarms: dict[float, float],
    together: float,
    power: list[tuple[str, list[float]]],
    agreements: list[tuple[str, float, float]],
) -> None:
    """Write the tables into the page, between its marks."""
    lines = [
        f"{COLUMNS} columns, `alpha: {ALPHA}`, references of {REFERENCE_ROWS:,} rows.",
        "",
        "| nothing moved | windows | false alarms |",
        "|---|---:|---:|",
        f"| columns, by chance alone (`min_shift: 0`) | {STABLE_WINDOWS:,} | {alarms[0.0]:.1%} |",
        f"| columns, with `min_shift: {SHIFT}` | {STABLE_WINDOWS:,} | {alarms[SHIFT]:.1%} |",
        f"| all columns together, by chance alone | {TOGETHER_WINDOWS:,} | {together:.1%} |",
        "",
        "| found in so many windows, if one column moves | "
        + " | ".join(f"{rows:,} rows" for rows in SIZES)
        + " |",
        "|---|" + "---:|" * len(SIZES),
        *(f"| {name} | " + " | ".join(f"{s:.0%}" for s in row) + " |" for name, row in power),
        "",
        "| on the same rows | here | there |",
        "|---|---:|---:|",
        *(f"| {name} | {ours:.4f} | {theirs:.4f} |" for name, ours, theirs in agreements),
    ]
    begin, end = "<!-- written by python -m benchmarks monitoring -->\n", "<!-- end -->"
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(begin)
    body = "\n".join(lines)
    PAGE.write_text(f"{head}{begin}{body}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
