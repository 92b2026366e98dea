"""What goes into a bundle, and what a bundle may ask MLflow to run."""

import zipfile
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

import include
from include.errors import IntegrityError
from include.records import FeatureSchema
from include.specs import Column
from include.tracking.bundles import check_bundle_files, pack_code
from include.tracking.file_digests import digest_directory
from include.tracking.signatures import build_signature

GOOD = {
    "loader_module": "include.serving.scoring_model",
    "data": "data/bundle",
    "code": "code/include.zip",
}


def _write_model(directory: Path, flavors: object) -> Path:
    (directory / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    return directory


def test_a_bundle_of_ours_is_accepted(tmp_path):
    check_bundle_files(_write_model(tmp_path, {"python_function": GOOD}))


@pytest.mark.parametrize(
    ("flavors", "message"),
    [
        ({"python_function": {**GOOD, "loader_module": "os"}}, "loader_module must be"),
        ({"python_function": {**GOOD, "data": "../../etc"}}, "data must be"),
        ({"python_function": {**GOOD, "code": None}}, "code must be"),
        ({"python_function": {**GOOD, "code": "code"}}, "code must be"),
        ({"python_function": {**GOOD, "python_model": "model.pkl"}}, "one flavor"),
        ({"python_function": {**GOOD, "model_code_path": "evil.py"}}, "one flavor"),
        ({"python_function": GOOD, "sklearn": {}}, "one flavor"),
        ({}, "one flavor"),
        ("text", "one flavor"),
    ],
)
def test_anything_else_is_refused(tmp_path, flavors, message):
    with pytest.raises(IntegrityError, match=message):
        check_bundle_files(_write_model(tmp_path, flavors))


@pytest.mark.parametrize("content", [None, "a: [", "!!python/object/apply:os.system [ls]"])
def test_an_mlmodel_that_cannot_be_read_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "MLmodel").write_text(content)

    with pytest.raises(IntegrityError, match="readable MLmodel"):
        check_bundle_files(tmp_path)


def test_the_code_of_users_goes_along_and_what_a_model_never_imports_stays(tmp_path, monkeypatch):
    project = tmp_path / "project/include"
    for name in ("networks/steps/mine.py", "pipelines/x.yaml", "steps/train.py", "serving/a.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    (project / "serving/__pycache__").mkdir()
    (project / "serving/__pycache__/a.pyc").write_text("")
    monkeypatch.setattr(include, "__file__", str(project / "__init__.py"))

    with zipfile.ZipFile(pack_code(tmp_path)) as packed:
        assert set(packed.namelist()) == {"include/networks/steps/mine.py", "include/serving/a.py"}


def test_the_digest_sees_names_contents_and_additions(tmp_path):
    (tmp_path / "a").write_text("1")
    first = digest_directory(tmp_path)
    (tmp_path / "registered_model_meta").write_text("written by MLflow as it downloads")
    assert digest_directory(tmp_path) == first

    (tmp_path / "a").rename(tmp_path / "b")
    second = digest_directory(tmp_path)
    (tmp_path / "c").write_text("")
    assert len({first, second, digest_directory(tmp_path)}) == 3


def test_a_link_out_of_a_model_is_refused(tmp_path):
    (tmp_path / "a").symlink_to("/etc/passwd")

    with pytest.raises(IntegrityError, match="plain files only"):
        digest_directory(tmp_path)


@pytest.mark.parametrize("kind", ["number", "integer", "boolean", "category", "text", "datetime"])
@pytest.mark.parametrize("nulls", [0.0, 0.5])
def test_mlflow_casts_no_column_before_the_model_does(kind, nulls):
    column = TypeAdapter(Column).validate_python({"name": "x", "kind": kind, "nulls": nulls})
    schema = FeatureSchema(inputs=(), task="regression", target="y")

    found = build_signature([column], schema).inputs.to_dict()

    assert found == [{"type": "any", "name": "x", "required": not nulls}]


def test_a_time_may_come_in_parts():
    at = {"name": "at", "kind": "datetime", "from_parts": ["year", "month", "day"]}
    columns = [at, {"name": "month", "kind": "integer"}]
    schema = FeatureSchema(inputs=(), task="regression", target="y")

    found = build_signature(TypeAdapter(list[Column]).validate_python(columns), schema).inputs

    required = {each["name"]: each["required"] for each in found.to_dict()}
    assert required == {"year": False, "month": True, "day": False, "at": False}
