"""CPU and memory of a stack on which nothing happens, process by process.

It is left alone until its DAG files were read and what had to be imported is; then each service is
watched with all its children.
"""

import time
from collections.abc import Callable

from benchmarks.result import Result
from benchmarks.training_run import running_stack
from include.settings import Settings
from include.stack.services import build_services, find_process

SETTLE_SECONDS, WATCHED_SECONDS = 90, 60
# Of one core, and in MB, all services together.
MAX_SHARE, MAX_MB = 0.3, 2_500.0


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Start a stack, let it settle, and watch it for a minute."""
    with running_stack(tell) as (settings, _):
        time.sleep(SETTLE_SECONDS)
        before = read_usage(settings)
        time.sleep(WATCHED_SECONDS)
        after = read_usage(settings)
    shares = {name: (after[name][0] - before[name][0]) / WATCHED_SECONDS for name in after}
    sizes = {name: used[1] for name, used in after.items()}
    for name in after:
        tell(f"{name}: {shares[name]:.1%} of a core, {sizes[name]:,.0f} MB")
    total, memory = sum(shares.values()), sum(sizes.values())
    shared = {"seconds": total * WATCHED_SECONDS, "reference_seconds": float(WATCHED_SECONDS)}
    by_service = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    return [
        Result(
            name="an idle stack: CPU",
            ratio=total,
            bound=MAX_SHARE,
            peak_memory_mb=memory,
            reference="one core",
            note=by_service,
            **shared,
        ),
        Result(
            name=f"an idle stack: memory against {MAX_MB:,.0f} MB",
            ratio=memory / MAX_MB,
            bound=1.0,
            peak_memory_mb=memory,
            reference=f"{MAX_MB:,.0f} MB",
            note=", ".join(f"{name} {size:,.0f} MB" for name, size in sizes.items()),
            **shared,
        ),
    ]


def read_usage(settings: Settings) -> dict[str, tuple[float, float]]:
    """Read CPU seconds and MB of each service; memory that processes share counts once."""
    usage = {}
    for service in build_services(settings):
        process = find_process(settings, service.name)
        assert process is not None, service.name
        family = [process, *process.children(recursive=True)]
        usage[service.name] = (
            # With those that have ended: the DAG processor starts one for each reading of a file.
            sum(sum(each.cpu_times()[:4]) for each in family),
            sum(each.memory_full_info().pss for each in family) / 1e6,
        )
    return usage
