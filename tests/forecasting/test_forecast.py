"""Forecasts: what a number of rows takes, and a polite word where it will not fit."""

import io

import pytest
from rich.console import Console

from include.forecasting.costs import Costs, Measurement
from include.forecasting.forecast import Forecast, forecast_rows
from include.forecasting.show import show_forecast
from include.modeling.machine import Machine
from include.modeling.memory import total_bytes

GIB = 1 << 30


STEPS = ("ingest", "validate", "prepare", "train")
SIZES = (25_000, 50_000, 100_000)


def make_costs(
    *, row_bytes: int = 1_000, array_bytes: int = 0, sizes: tuple[int, ...] = SIZES
) -> Costs:
    """Measure steps that take 1 s and 400 MB to start, and then so much for each row."""
    return Costs(
        tuple(
            Measurement(
                step=step,
                rows=rows,
                seconds=1 + rows / 10_000,
                cpu_seconds=1.5 + rows / 10_000,
                memory_bytes=400 * 10**6 + row_bytes * rows,
                start_memory_bytes=400 * 10**6,
                disk_bytes=0 if step == "train" else 50 * rows,
                array_bytes=array_bytes * rows if step == "train" else 0,
            )
            for step in STEPS
            for rows in sizes
        )
    )


def show(forecast: Forecast, costs: Costs, machine: Machine) -> str:
    text = io.StringIO()
    show_forecast(forecast, costs, machine, Console(file=text, width=80))
    return text.getvalue()


def test_every_step_and_all_of_them_are_forecast() -> None:
    found = forecast_rows(make_costs(), 1_000_000, Machine(8 * GIB, 500 * GIB))
    assert [step.step for step in found.steps] == list(STEPS)
    assert found.steps[0].seconds.estimate == pytest.approx(101)
    assert found.seconds.estimate == pytest.approx(404)
    assert found.seconds.low < 404 < found.seconds.high
    assert found.memory_bytes.estimate == pytest.approx(1.4e9)
    assert found.disk_bytes.estimate == pytest.approx(1.5e8)
    assert found.fits
    assert found.obstacles == ()


def test_rows_that_need_more_memory_than_there_is_are_refused_with_advice() -> None:
    found = forecast_rows(make_costs(), 20_000_000, Machine(8 * GIB, 500 * GIB))
    assert not found.fits
    sentence = found.obstacles[0].sentence
    assert sentence.startswith(
        "20,000,000 rows will not fit: ingest needs about 19.0 GB (12.4 GB to 29.1 GB) of memory "
        "for them, and 8.0 GB are free here. Use a machine with more memory, or set row_limit to "
        "8,1"
    )


def test_rows_that_need_more_disk_than_there_is_are_refused() -> None:
    found = forecast_rows(make_costs(), 4_000_000, Machine(80 * GIB, GIB // 4))
    assert [each.is_expected for each in found.obstacles] == [True]
    assert "of disk, most of it ingest," in found.obstacles[0].sentence
    assert "GATEHOUSE_DATA_ROOT" in found.obstacles[0].sentence


def test_what_only_might_not_fit_is_a_warning() -> None:
    found = forecast_rows(make_costs(), 1_000_000, Machine(int(1.5e9), None))
    assert found.fits
    assert "1,000,000 rows may not fit: ingest needs" in found.obstacles[0].sentence


def test_a_machine_too_small_for_any_rows_gets_no_row_limit() -> None:
    found = forecast_rows(make_costs(), 1_000, Machine(10**8, None))
    assert "row_limit" not in found.obstacles[0].sentence


def test_arrays_too_large_for_memory_count_as_disk() -> None:
    rows = total_bytes() // 1_000
    found = forecast_rows(make_costs(array_bytes=1_000), rows, Machine(10**15, None))
    train = found.steps[-1]
    assert train.disk_bytes.estimate == pytest.approx(1_000 * rows)
    assert train.memory_bytes.estimate == pytest.approx(400 * 10**6, rel=0.01)


def test_arrays_that_lie_on_disk_count_for_the_rows_that_fit_there() -> None:
    rows = total_bytes() // 1_000
    found = forecast_rows(make_costs(array_bytes=1_000), rows, Machine(10**15, GIB // 2))
    most = int(found.obstacles[0].sentence.split("row_limit to ")[1].split()[0].replace(",", ""))
    assert 0 < most * 1_150 <= GIB // 2


def test_the_page_fits_a_terminal_and_says_what_it_rests_on() -> None:
    costs, machine = make_costs(), Machine(8 * GIB, 500 * GIB)
    text = show(forecast_rows(costs, 50_000_000, machine), costs, machine)
    assert "…" not in text
    assert "Measured by runs on 25,000, 50,000 and 100,000 rows" in text
    assert "500 times the rows that were measured" in text
    assert "Free here: 8.0 GB of memory, 500.0 GB of disk." in text


def test_runs_of_few_rows_say_how_little_they_know() -> None:
    few = make_costs(sizes=(250, 1_000))
    text = show(forecast_rows(few, 2_000, Machine(8 * GIB, None)), few, Machine(8 * GIB, None))
    assert "Trust the ranges, not the estimates" in " ".join(text.split())


@pytest.mark.parametrize("sizes", [(5_000, 5_000, 5_000), (4_990, 5_000, 5_100)], ids=str)
def test_runs_of_about_one_size_give_both_readings_and_no_verdict(sizes: tuple[int, ...]) -> None:
    one, machine = make_costs(row_bytes=40_000, sizes=sizes), Machine(8 * GIB, 500 * GIB)
    found = forecast_rows(one, 10_000_000, machine)
    memory = found.steps[0].memory_bytes
    assert 500e6 < memory.low < 600e6  # what these runs took, 400 MB of it before the step
    assert memory.high > 400e9
    assert found.fits
    assert len(found.obstacles) == 1
    assert found.obstacles[0].sentence.startswith("10,000,000 rows may not fit: ingest needs ")
    assert "Runs that all had about 5," in found.obstacles[0].sentence
    assert "A run on fewer rows, such as --row-limit 12" in found.obstacles[0].sentence
    page = show(found, one, machine)
    assert "…" not in page
    assert "which does not tell what of time and memory grows" in " ".join(page.split())


def test_what_does_not_fit_even_if_nothing_grows_is_refused() -> None:
    one = make_costs(row_bytes=40_000, sizes=(5_000, 5_000))
    found = forecast_rows(one, 10_000_000, Machine(10**8, None))
    assert not found.fits
    assert "will not fit" in found.obstacles[0].sentence


def test_the_training_arrays_and_the_tables_are_known_to_grow() -> None:
    one, machine = make_costs(array_bytes=600, sizes=(5_000, 5_000)), Machine(10**15, None)
    rows = total_bytes() // 6_000
    found = forecast_rows(one, rows, machine)
    assert found.steps[-1].memory_bytes.low > 500 * rows / 1.6
    assert found.disk_bytes.estimate == pytest.approx(150 * rows)
