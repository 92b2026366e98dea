"""The branch coverage of include/, when BRANCH_COVERAGE is set: `make test` prints it.

There is no bound: a bound invites tests that assert nothing. SlipCover puts its probes into a
module while it is imported, so conftest.py names this plugin before those that import include. It
starts SlipCover itself: `python -m slipcover` would take probes out again while tests run, by
exchanging the code of functions, and that costs more than it saves (docs/decisions/0065).
"""

import json
import os
from typing import Any

import pytest
import slipcover

LEAST_COVERED = 15
# How often a probe is hit before it is taken out.
NEVER = 2**31 - 1

measured: slipcover.Slipcover | None = None
if "BRANCH_COVERAGE" in os.environ:
    measured = slipcover.Slipcover(branch=True, source=["include"], d_miss_threshold=NEVER)
    files = slipcover.FileMatcher(sources=["include"])
    slipcover.ImportManager(measured, files).__enter__()
    if "PYTEST_XDIST_WORKER" in os.environ:  # whatever its tests start is not measured
        del os.environ["BRANCH_COVERAGE"]
# What each of xdist's workers covered, or this process where there are none.
parts: list[dict[str, Any]] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what this process covered; a worker hands it to the process that started it."""
    if measured is None:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["branch_coverage"] = json.dumps(measured.get_coverage())
    elif not parts:
        parts.append(measured.get_coverage())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker covered; one that died left nothing."""
    covered = getattr(node, "workeroutput", {}).get("branch_coverage")
    if covered is not None:
        parts.append(json.loads(covered))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the modules that are covered least, and the whole."""
    if not parts:
        return
    whole = parts[0]
    for part in parts[1:]:
        slipcover.merge_coverage(whole, part)
    modules = sorted(whole["files"].items(), key=lambda each: each[1]["summary"]["percent_covered"])
    rows = [*modules[:LEAST_COVERED], ("in all", whole)]
    terminalreporter.section("coverage of include/, the least covered modules first")
    for name, module in rows:
        found = module["summary"]
        branches = found["covered_branches"] + found["missing_branches"]
        lines = found["covered_lines"] + found["missing_lines"]
        terminalreporter.line(
            f"{found['percent_covered']:4.0f}%  {name:50} missed: {found['missing_branches']} of "
            f"{branches} branches, {found['missing_lines']} of {lines} lines"
        )
