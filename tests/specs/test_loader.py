"""Reading pipeline files: what is accepted, and what a wrong file says."""

import os
import re
import sys
import threading
from pathlib import Path

import pytest

from include.errors import SpecError
from include.specs import loader
from include.specs.loader import load_pipeline_spec, load_pipeline_specs

HERE = Path(__file__).parent
PIPELINES = HERE.parents[1] / "include" / "pipelines"
INVALID = sorted((HERE / "invalid").glob("*.yaml"))
VALID = sorted((HERE / "valid").glob("*.yaml"))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_file_says_what_is_wrong(path: Path):
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    with pytest.raises(SpecError, match=re.escape(expected)) as caught:
        load_pipeline_spec(path)
    assert path.name in str(caught.value)
    assert "Received" in str(caught.value)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_file_loads(path: Path):
    assert load_pipeline_spec(path).name == path.stem


def test_the_pipelines_of_the_project_are_valid():
    entries = list(load_pipeline_specs(PIPELINES))
    assert {"adult", "digits", "mnist"} <= {entry.path.stem for entry in entries}
    assert [entry.error for entry in entries if entry.error] == []


def test_a_broken_file_leaves_the_others_alive(tmp_path: Path):
    (tmp_path / "a_broken.yaml").write_text("name: [", encoding="utf-8")
    (tmp_path / "digits.yaml").write_bytes((PIPELINES / "digits.yaml").read_bytes())
    broken, right = load_pipeline_specs(tmp_path)
    assert broken.spec is None
    assert "a_broken.yaml" in str(broken.error)
    assert right.spec is not None
    assert right.spec.name == "digits"


def test_a_file_is_built_anew_when_it_says_something_else(tmp_path: Path):
    path = tmp_path / "digits.yaml"
    text = (PIPELINES / "digits.yaml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    before = load_pipeline_spec(path)
    assert load_pipeline_spec(path) is before
    path.write_text(text.replace("name: digits", "name: digitt"), encoding="utf-8")
    assert load_pipeline_spec(path).name == "digitt"


def test_two_files_of_one_name_are_refused_by_name(tmp_path: Path):
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_bytes((PIPELINES / "digits.yaml").read_bytes())
    first, second = load_pipeline_specs(tmp_path)
    assert first.error is None
    assert re.search("two.yaml: name must be unique.*one.yaml", str(second.error))


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    # Expanded, it would take gigabytes.
    assert count_calls(path, "aliases are not allowed") < 1_000


def test_a_python_tag_is_not_executed(tmp_path: Path):
    canary = tmp_path / "canary"
    path = tmp_path / "tag.yaml"
    path.write_text(f"name: !!python/object/apply:pathlib.Path.touch [{canary}]", encoding="utf-8")
    with pytest.raises(SpecError, match="Received"):
        load_pipeline_spec(path)
    assert not canary.exists()


def test_a_file_beyond_the_size_cap_is_refused(tmp_path: Path):
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(SpecError, match="at most 262144 bytes. Received: 300000"):
        load_pipeline_spec(path)


@pytest.mark.parametrize("levels", [21, 20_000, 250_000])
@pytest.mark.parametrize("opening", ["[", "{a: "], ids=["lists", "mappings"])
def test_nesting_beyond_reason_is_refused(tmp_path: Path, opening: str, levels: int):
    path = tmp_path / "deep.yaml"
    path.write_text((opening * levels)[:250_000], encoding="utf-8")
    with pytest.raises(SpecError, match="nested deeper than 20 levels"):
        load_pipeline_spec(path)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-02-30", "'2026-02-30'.*day"),
        ("2026-13-01", "'2026-13-01'.*month"),
        ("1" * 5_000, "limit"),
        ("9" * 25, "64 bits"),
        ("[1, 99999999999999999999]", "64 bits.*line 1"),
        (".inf", "'.inf' is not finite"),
        ("[0, -.INF]", "'-.INF' is not finite"),
        (".NaN", "'.NaN' is not finite"),
        ("!!bool perhaps", "tags are not allowed"),
        ("!mine {a: 1}", "tags are not allowed"),
        ('"a\\0b"', "NUL"),
    ],
)
def test_a_value_that_nothing_can_hold_is_named_and_takes_no_other_file_down(
    tmp_path: Path, value: str, said: str
):
    (tmp_path / "a_wrong.yaml").write_text(f"name: {value}", encoding="utf-8")
    (tmp_path / "digits.yaml").write_bytes((PIPELINES / "digits.yaml").read_bytes())
    wrong, right = load_pipeline_specs(tmp_path)
    assert re.search(f"a_wrong.yaml: expected plain YAML.* Received: .*{said}", str(wrong.error))
    assert right.error is None


def test_bytes_that_are_not_utf_8_are_named(tmp_path: Path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: café".encode("latin-1"))
    with pytest.raises(SpecError, match="cannot be read as UTF-8"):
        load_pipeline_spec(path)


def test_yes_and_no_are_labels_rather_than_booleans(tmp_path: Path):
    path = tmp_path / "loans.yaml"
    path.write_text(
        "name: loans\nsource: {kind: file, uri: loans.csv}\n"
        "target: {column: repaid, task: classification, positive: yes}\n"
        "columns: [{name: x, kind: number}, {name: repaid, kind: category, values: [no, yes]}]\n",
        encoding="utf-8",
    )
    spec = load_pipeline_spec(path)
    assert spec.column_by_name["repaid"].values == ("no", "yes")
    assert spec.target.positive == "yes"


def test_what_only_looks_like_a_number_to_yaml_1_1_stays_a_label(tmp_path: Path):
    path = tmp_path / "loans.yaml"
    path.write_text(
        "name: loans\nsource: {kind: file, uri: loans.csv}\n"
        "target: {column: repaid, task: classification}\n"
        "columns:\n"
        "  - {name: x, kind: number, min: -1.5, max: 100}\n"
        "  - {name: zip, kind: category, values: [010, 12:30, 1_000, 0x1F, 7]}\n"
        "  - {name: repaid, kind: category, values: [no, yes]}\n"
        "training: {learning_rate: 1e-3}\n",
        encoding="utf-8",
    )
    spec = load_pipeline_spec(path)
    assert spec.column_by_name["zip"].values == ("010", "12:30", "1_000", "0x1F", "7")
    assert spec.column_by_name["x"].min == -1.5
    assert spec.training.learning_rate == 0.001


def count_calls(path: Path, message: str) -> int:
    """Count the functions that are called while a wrong file is read: its work, not its time."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event.endswith("call")

    sys.setprofile(count)
    try:
        with pytest.raises(SpecError, match=message):
            load_pipeline_spec(path)
    finally:
        sys.setprofile(None)
    return calls


def test_the_work_for_a_file_of_many_keys_grows_with_their_number_only(tmp_path: Path):
    path = tmp_path / "many.yaml"
    calls = []
    for keys in (500, 5_000):
        path.write_text("\n".join(f"k{n}: 1" for n in range(keys)), encoding="utf-8")
        calls.append(count_calls(path, f"and {keys - 1} more"))
    assert calls[1] < 12 * calls[0]  # looking each key up among all others took 100 times as many


def test_a_key_that_stands_twice_is_found_at_any_depth(tmp_path: Path):
    path = tmp_path / "twice.yaml"
    path.write_text("name: a\ntraining:\n  epochs: 1\n  epochs: 2\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"'epochs' stands twice.*line 4"):
        load_pipeline_spec(path)
    path.write_text("columns:\n  - {name: a}\n  - [{kind: id, kind: text}]\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"'kind' stands twice.*line 3"):
        load_pipeline_spec(path)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_whole_numbers_of_64_bits_are_read_and_larger_ones_refused(tmp_path: Path, number: int):
    path = tmp_path / "large.yaml"
    path.write_text(f"name: {number}", encoding="utf-8")
    with pytest.raises(SpecError, match=f"name: .*Received: {number}"):
        load_pipeline_spec(path)
    path.write_text(f"name: {number + (1 if number > 0 else -1)}", encoding="utf-8")
    with pytest.raises(SpecError, match="does not fit 64 bits"):
        load_pipeline_spec(path)


@pytest.mark.parametrize("number", ["010", "1_000", "0x1F", "+5"])
@pytest.mark.parametrize("key", ["epochs: {}", "batch_size: {}", "learning_rate: {}"])
def test_a_number_is_a_plain_decimal(tmp_path: Path, key: str, number: str):
    text = (PIPELINES / "digits.yaml").read_text(encoding="utf-8")
    text = re.sub(r"^training:.*(\n +.*)*", "", text, flags=re.MULTILINE)
    path = tmp_path / "digits.yaml"
    path.write_text(f"{text}\ntraining: {{{key.format(number)}}}\n", encoding="utf-8")
    said = f"training: {key.split(':', maxsplit=1)[0]} must be a plain decimal"
    with pytest.raises(SpecError, match=f"{said}.*Received: '{re.escape(number)}'"):
        load_pipeline_spec(path)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [make_pipe, make_link_to_device, Path.mkdir])
def test_what_is_no_regular_file_is_named_and_takes_no_other_down(tmp_path: Path, make):
    make(tmp_path / "a_wrong.yaml")
    (tmp_path / "digits.yaml").write_bytes((PIPELINES / "digits.yaml").read_bytes())
    wrong, right = load_pipeline_specs(tmp_path)
    assert "a_wrong.yaml: expected a regular file. Received: " in str(wrong.error)
    assert right.error is None


def test_a_disk_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(loader, "_read_bytes", lambda _: bytes(never.wait()))
    monkeypatch.setattr(loader, "MAX_SECONDS", 0.01)
    with pytest.raises(SpecError, match="cannot be read.*no answer from the disk"):
        load_pipeline_spec(tmp_path / "far.yaml")
    never.set()


def test_every_spelling_of_the_suffix_is_read_and_editors_files_are_not(tmp_path: Path):
    text = (PIPELINES / "digits.yaml").read_text(encoding="utf-8")
    for name in ("a.yml", "b.YAML", "c.Yml"):
        changed = text.replace("name: digits", f"name: {name[0]}")
        (tmp_path / name).write_text(changed, encoding="utf-8")
    (tmp_path / ".#d.yaml").symlink_to("user@machine.1")
    (tmp_path / "notes.txt").touch()
    entries = list(load_pipeline_specs(tmp_path))
    assert [entry.spec.name for entry in entries if entry.spec] == ["a", "b", "c"]
    assert len(entries) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trainings: {epochs: 3}", r"trainings: .*'trainings' .* Did you mean 'training'\?"),
        ("training: {epoch: 3}", r"training\.epoch: .*'epoch' \(3\)\. Did you mean 'epochs'\?"),
        (
            "columns: [{name: x, kind: number, mni: 3}]",
            r"columns\.0\.number\.mni: .*'mni' \(3\)\. Did you mean 'min'\?",
        ),
        (
            "scoring: {output: {format: sql, tabel: scores}}",
            r"scoring\.output\.tabel: .* Did you mean 'table'\?",
        ),
        (
            "schedule: {xyz: 3}",
            r"schedule\.xyz: expected one of \['catchup_from', .*Received: 'xyz'",
        ),
        # What another kind has is no key of this one.
        ("columns: [{name: x, kind: id, unit: kg}]", r"columns\.0\.id\.unit: .*Received: 'unit'"),
    ],
)
def test_a_key_that_there_is_not_is_answered_by_the_one_that_was_meant(
    tmp_path: Path, text: str, said: str
):
    path = tmp_path / "typed.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=said) as caught:
        load_pipeline_spec(path)
    assert "Extra inputs" not in str(caught.value)
