"""Charts along time: their labels can be read."""

from datetime import date, timedelta

from include.reporting.time_charts import draw_course


def test_a_month_of_a_few_days_gives_its_place_to_the_name_of_the_next():
    weeks = [f"{date(2014, 5, 26) + timedelta(days=7 * n)}" for n in range(32)]
    values = [1.0] * len(weeks)
    chart = draw_course(weeks, values, values, {}, quantity="mae", bounds=(0.0, 2.0))
    assert ">2014-05<" not in chart
    assert all(f">2014-{month:02}<" in chart for month in range(6, 13))
