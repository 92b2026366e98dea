from pathlib import Path

import pytest

from include.errors import SourceError
from include.sources.access import check_files_allowed, check_source_allowed
from include.sources.file_lists import check_plain_path
from include.specs.sources import FileSource


@pytest.fixture
def roots(tmp_path: Path) -> tuple[str, ...]:
    for name in ("sources/sub", "other", "secret"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "sources" / "a.csv").write_text("x")
    (tmp_path / "secret" / "s.csv").write_text("x")
    (tmp_path / "sources" / "link.csv").symlink_to(tmp_path / "secret" / "s.csv")
    (tmp_path / "sources" / "linked").symlink_to(tmp_path / "secret")
    (tmp_path / "sources" / "fine.csv").symlink_to(tmp_path / "sources" / "a.csv")
    (tmp_path / "sources" / "mixed").mkdir()
    (tmp_path / "sources" / "mixed" / "s.csv").symlink_to(tmp_path / "secret" / "s.csv")
    (tmp_path / "sources" / "dots").mkdir()
    (tmp_path / "sources" / "dots" / ".s.csv").symlink_to(tmp_path / "secret" / "s.csv")
    (tmp_path / "sources" / "deep").mkdir()
    (tmp_path / "sources" / "deep" / ".linked").symlink_to(tmp_path / "secret")
    (tmp_path / "sources" / "[z]").mkdir()
    (tmp_path / "sources" / "[z]" / "s.csv").symlink_to(tmp_path / "secret" / "s.csv")
    return (str(tmp_path / "sources"), str(tmp_path / "other"), "s3://bucket/data")


@pytest.mark.parametrize(
    ("uri", "resolved"),
    [
        ("a.csv", "sources/a.csv"),
        ("fine.csv", "sources/a.csv"),
        ("sub", "sources/sub"),
        ("not/yet.csv", "sources/not/yet.csv"),
        ("sub/*.csv", "sources/sub/*.csv"),
    ],
)
def test_paths_inside_are_resolved(
    roots: tuple[str, ...], tmp_path: Path, uri: str, resolved: str
) -> None:
    assert check_source_allowed(uri, roots) == str(tmp_path / resolved)


def test_absolute_paths_and_uris_inside_are_allowed(roots: tuple[str, ...]) -> None:
    assert check_source_allowed(f"{roots[1]}/b.csv", roots) == f"{roots[1]}/b.csv"
    assert check_source_allowed(f"file://{roots[1]}/b.csv", roots) == f"{roots[1]}/b.csv"
    assert check_source_allowed("s3://bucket/data/b.csv", roots) == "s3://bucket/data/b.csv"


@pytest.mark.parametrize(
    "uri",
    [
        "../secret/s.csv",
        "sub/../../secret/s.csv",
        "/etc/passwd",
        "file:///etc/passwd",
        "link.csv",
        "linked/s.csv",
        "mixed",
        "mixed/*",
        "*/*.csv",
        "dots/*.csv",
        "deep/*/s.csv",
        "[z]",
        "%2e%2e/secret/s.csv",
        "%252e%252e/secret/s.csv",
        "sub/%2E./x",
        "..\\secret\\s.csv",
        "a.csv\x00.png",
        "a\n.csv",
        "~/x.csv",
        "x" * 1001,
        "",
        " ",
        "s3://bucket/secret/b.csv",
        "s3://bucket/data/../secret",
        "s3://bucket/data-other/b.csv",
        "http://127.0.0.1/x.csv",
    ],
)
def test_ways_out_are_refused(roots: tuple[str, ...], uri: str) -> None:
    with pytest.raises(SourceError, match="Received") as caught:
        check_source_allowed(uri, roots)
    assert len(str(caught.value)) < 1_500


def test_a_sibling_with_the_same_beginning_is_outside(
    roots: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "other2").mkdir()
    with pytest.raises(SourceError, match="inside one of"):
        check_source_allowed(str(tmp_path / "other2" / "x.csv"), roots)


def test_plain_names_with_percent_signs_are_fine() -> None:
    check_plain_path("share of 5% or so.csv")


def test_a_test_file_beside_the_given_one_may_not_lead_out_either(roots: tuple[str, ...]) -> None:
    for name, test in (("mixed/a.csv", "s.csv"), ("a.csv", "mixed/*"), ("a.csv", "link.csv")):
        source = FileSource(kind="file", uri=name, test_uri=test)
        with pytest.raises(SourceError, match="inside one of"):
            check_files_allowed(source, roots, roots[0])


def test_a_test_file_that_the_pipeline_names_outright_is_its_authors_choice(
    roots: tuple[str, ...], tmp_path: Path
) -> None:
    elsewhere = str(tmp_path / "secret" / "s.csv")
    check_files_allowed(FileSource(kind="file", uri="a.csv", test_uri=elsewhere), roots, roots[0])
    check_files_allowed(FileSource(kind="file", uri="a.csv", test_uri="fine.csv"), roots, roots[0])
