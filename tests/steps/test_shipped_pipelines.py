"""The pipelines that come with the project, on small files in the layouts they are made for."""

import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from upath import UPath

from include.records import (
    EvaluateRecord,
    FeatureSchema,
    IngestRecord,
    PrepareRecord,
    TrainRecord,
    ValidateRecord,
)
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_spec
from include.steps.evaluate import evaluate
from include.steps.ingest import ingest
from include.steps.prepare import prepare
from include.steps.runner import run_step
from include.steps.train import train
from include.steps.validate import validate
from include.tables.store import read_file, read_frame
from tests.builders import make_run
from tests.census_builders import census_rows, write_census

# One worker runs each pipeline once, for all tests that look at it.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("shipped")]
PIPELINES = Path(__file__).resolve().parents[2] / "include" / "pipelines"


class Chain(NamedTuple):
    """What the steps of one pipeline handed on."""

    spec: PipelineSpec
    ingested: IngestRecord
    validated: ValidateRecord
    prepared: PrepareRecord
    trained: TrainRecord
    evaluated: EvaluateRecord

    @property
    def schema(self) -> FeatureSchema:
        return FeatureSchema.model_validate_json(read_file(self.prepared.features, "schema.json"))


def measured_slices(chain: Chain) -> dict[str, set[str]]:
    """Give the values by which the test metrics were split, by column."""
    details = json.loads(UPath(chain.evaluated.details_uri).read_text())
    values: dict[str, set[str]] = {}
    for each in details["slices"]:
        values.setdefault(each["column"], set()).add(each["value"])
    return values


def run_pipeline(name: str) -> Chain:
    """Run a pipeline as it is shipped, but for one epoch only."""
    document = load_pipeline_spec(PIPELINES / f"{name}.yaml").model_dump()
    document["training"]["epochs"] = 1
    spec = PipelineSpec.model_validate(document)
    run = make_run(pipeline=name, dag_id=f"train__{name}", run_id="shipped")
    ingested = run_step(ingest, spec, run)
    validated = run_step(validate, spec, run, ingested)
    prepared = run_step(prepare, spec, run, validated)
    trained = run_step(train, spec, run, prepared)
    evaluated = run_step(evaluate, spec, run, prepared, trained)
    return Chain(spec, ingested, validated, prepared, trained, evaluated)


@pytest.fixture(scope="module", autouse=True)
def sources(mlflow_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the sources directory of a data root that all tests of this file share."""
    root = tmp_path_factory.mktemp("data")
    (root / "sources").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEHOUSE_DATA_ROOT", str(root))
        yield root / "sources"


@pytest.fixture(scope="module")
def adult(sources: Path) -> Chain:
    """Run adult on 400 training rows and 150 test rows.

    Further training rows: three that repeat another, one of them twice, one that the test file
    has too, and one that was cut off.
    """
    train_rows, test_rows = census_rows(400, first=0), census_rows(150, first=1_000)
    extra = [*train_rows[:3], train_rows[0], test_rows[0], train_rows[5][:4]]
    write_census(sources / "adult-train.csv", train_rows + extra)
    write_census(sources / "adult-test.csv", test_rows, ending=".")
    return run_pipeline("adult")


def test_adult_sets_the_row_that_was_cut_off_aside_and_reads_all_others(adult: Chain):
    assert adult.ingested.raw.rows == 400 + 4 + 1 + 150
    assert adult.ingested.rejected_rows == 1
    assert adult.validated.quarantined == 1
    assert adult.validated.checked.rows == 555


def test_adult_keeps_its_test_file_whole_and_drops_what_occurs_twice(adult: Chain):
    prepared = adult.prepared
    assert prepared.cleaning["duplicates_dropped"] == 4
    assert prepared.cleaning["distinct_rows_repeated"] == 3
    assert prepared.cleaning["duplicates_of_test_dropped"] == 1
    assert prepared.train_rows + prepared.validation_rows == 400
    assert 15 < prepared.validation_rows < 80
    assert prepared.test_rows == 150


def test_adult_reads_question_marks_as_missing_and_labels_without_their_full_stop(adult: Chain):
    frame = read_frame(adult.ingested.raw)
    # Every twentieth row of both files, and two of those again, one of them twice.
    assert frame["workclass"].isna().sum() == 20 + 8 + 3
    assert set(frame["income"]) == {"<=50K", ">50K"}
    assert set(frame["sex"]) == {"Female", "Male"}


def test_adult_measures_two_classes_and_its_slices_on_the_test_file(adult: Chain):
    assert adult.schema.classes == ("<=50K", ">50K")
    assert adult.evaluated.test.rows == 150
    assert all(map(math.isfinite, adult.evaluated.test.metrics.values()))
    assert set(adult.spec.metric_names) <= set(adult.evaluated.test.metrics)
    assert measured_slices(adult) == {"sex": {"Female", "Male"}, "race": {"Black", "White"}}


@pytest.fixture(scope="module")
def mnist(sources: Path) -> Chain:
    """Run mnist on 300 training and 100 test images; each digit lights two rows of its own."""
    random = np.random.default_rng(0)

    def draw(rows: int) -> tuple[np.ndarray, np.ndarray]:
        labels = (np.arange(rows) % 10).astype("uint8")
        images = random.integers(0, 100, (rows, 28, 28), dtype="uint8")
        for image, label in zip(images, labels, strict=True):
            image[2 * label : 2 * label + 2] = 255
        return images, labels

    (x_train, y_train), (x_test, y_test) = draw(300), draw(100)
    x_train[1], y_train[1] = x_train[0], y_train[0]
    names = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    np.savez(sources / "mnist.npz", **names)
    return run_pipeline("mnist")


def test_mnist_trains_on_all_images_of_its_first_part_and_tests_on_the_second(mnist: Chain):
    prepared = mnist.prepared
    parts = (prepared.train_rows, prepared.validation_rows, prepared.test_rows)
    assert parts == (300, 0, 100)
    assert mnist.validated.quarantined == 0
    # The one image that stands twice is kept, as in the original.
    assert prepared.cleaning["duplicates_dropped"] == 0
    assert prepared.inputs == 28 * 28


def test_mnist_tells_ten_digits_apart_in_their_order(mnist: Chain):
    assert mnist.schema.classes == tuple("0123456789")
    assert mnist.evaluated.validation is None
    assert all(map(math.isfinite, mnist.evaluated.test.metrics.values()))
    accuracy = mnist.evaluated.test.metrics["accuracy"]
    assert accuracy > mnist.evaluated.baseline.metrics["accuracy"]
    assert measured_slices(mnist) == {"label": set("0123456789")}


@pytest.fixture(scope="module")
def pollution(sources: Path) -> Chain:
    """Run pollution on thirty days; the first day, and six further hours, have no measurement."""
    random = np.random.default_rng(0)
    start = datetime(2010, 1, 1)
    lines = ["No,year,month,day,hour,pm2.5,DEWP,TEMP,PRES,cbwd,Iws,Is,Ir"]
    dust = 100.0
    for number in range(720):
        time = start + timedelta(hours=number)
        dust = max(5.0, 0.9 * dust + 10 + random.normal(0, 8))
        level = "NA" if number < 24 or number % 110 == 109 else f"{dust:.0f}"
        when = f"{number + 1},{time.year},{time.month},{time.day},{time.hour}"
        wind = ("NE", "NW", "SE", "cv")[number // 5 % 4]
        lines.append(f"{when},{level},-21,{-11 + time.hour / 2:.1f},1021,{wind},1.79,0,0")
    (sources / "pollution.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return run_pipeline("pollution")


def test_pollution_makes_one_time_of_four_columns(pollution: Chain):
    frame = read_frame(pollution.ingested.raw)
    assert len(frame) == 720
    assert str(frame["time"].iloc[-1]).startswith("2010-01-30 23:00")
    assert not {"year", "month", "day", "hour"} & set(frame.columns)


def test_pollution_leaves_out_hours_without_a_measurement_and_a_day_between_parts(
    pollution: Chain,
):
    prepared, cleaning = pollution.prepared, pollution.prepared.cleaning
    assert cleaning["missing_target_dropped"] == 24 + 6
    assert cleaning["gap_rows_left_out"] == 2 * 24
    parts = (prepared.train_rows, prepared.validation_rows, prepared.test_rows)
    # Shares of the 690 that have a measurement; the gaps are taken from the earlier parts.
    assert parts == (483 - 24, 103 - 24, 104)


def test_pollution_is_compared_with_the_hour_before(pollution: Chain):
    evaluated = pollution.evaluated
    assert evaluated.persistence is not None
    assert evaluated.persistence.rows == evaluated.test.rows == 104
    assert all(map(math.isfinite, evaluated.test.metrics.values()))
    assert set(pollution.spec.metric_names) <= set(evaluated.test.metrics)
    assert measured_slices(pollution) == {"cbwd": {"NE", "NW", "SE", "cv"}}
