"""The page that says how good the champion would have been by several policies of retraining."""

import math
from statistics import mean, stdev
from typing import Final

from include.records import PolicyCourse, Simulation
from include.reporting.page import render_page
from include.reporting.time_charts import draw_course
from include.specs import PipelineSpec
from include.values.formats import format_name

MIN_WINDOWS: Final = 3
STANDARD_ERRORS: Final = 2


def render_simulation(spec: PipelineSpec, found: Simulation) -> str:
    """Render a simulation as one self-contained HTML document.

    Args:
        spec: The pipeline.
        found: What came of it.
    """
    never, *policies = found.courses
    known = [v for each in found.courses for v in each.scores if v is not None] or [0.0, 1.0]
    quantity = format_name(found.metric)
    charts = [
        (
            course,
            draw_course(
                found.starts,
                course.scores,
                never.scores,
                {n: _name_training(course, n) for n in course.trained},
                quantity=quantity,
                bounds=(min(known), max(known)),
            ),
        )
        for course in policies
    ]
    context = {
        "spec": spec,
        "found": found,
        "quantity": quantity,
        "charts": charts,
        "best": choose_best(found),
        "gains": {each.policy: gain_over(never, each, found) for each in policies},
    }
    return render_page("simulation.html.j2", context, script="explore.js")


def choose_best(found: Simulation) -> PolicyCourse:
    """Choose the policy of the best quality among those that are surely better than never."""
    sign = 1 if found.is_higher_better else -1
    never, *policies = found.courses
    better = [each for each in policies if _is_surely_better(never, each, sign)]
    return max(better, key=lambda each: sign * (each.overall or 0.0), default=never)


def _is_surely_better(never: PolicyCourse, course: PolicyCourse, sign: int) -> bool:
    """Tell whether its windows are better by more than two standard errors of their mean."""
    gains = [
        sign * (score - without)
        for score, without in zip(course.scores, never.scores, strict=True)
        if score is not None and without is not None
    ]
    if len(gains) < MIN_WINDOWS:
        return False
    return mean(gains) > STANDARD_ERRORS * stdev(gains) / math.sqrt(len(gains))


def gain_over(never: PolicyCourse, course: PolicyCourse, found: Simulation) -> float | None:
    """Give by how much a policy does better than never training again, as a share of it.

    Example:
        >>> one = {"scores": (), "trained": (), "replaced": (), "seconds": 0}
        >>> never, weekly = (PolicyCourse(policy="", overall=v, **one) for v in (4.0, 3.0))
        >>> many = {"starts": (), "rows": (), "first_rows": 0, "epochs": 1, "courses": ()}
        >>> gain_over(never, weekly, Simulation(metric="mae", is_higher_better=False, **many))
        0.25
    """
    if never.overall is None or course.overall is None or not never.overall:
        return None
    change = (course.overall - never.overall) / abs(never.overall)
    return change if found.is_higher_better else -change


def _name_training(course: PolicyCourse, place: int) -> str:
    return "trained: replaced" if place in course.replaced else "trained: the champion stayed"
