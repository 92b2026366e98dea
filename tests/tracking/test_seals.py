"""Seals: made by the first key, accepted by every key, and by no other."""

import stat

import pytest

from include.errors import IntegrityError
from include.settings import Settings
from include.tracking.seals import Sealed, check_seal, make_seal

CONTENT = Sealed("loans", "r1", "f" * 64, "0" * 64)
OLD, NEW = "o" * 32, "n" * 32


def keyed(*keys: str) -> Settings:
    return Settings(signing_key=",".join(keys))  # type: ignore[arg-type]


def test_a_key_is_rotated_without_losing_what_it_sealed():
    seal = make_seal(keyed(OLD), CONTENT)

    check_seal(keyed(NEW, OLD), CONTENT, seal, version="models:/loans/1")

    assert make_seal(keyed(NEW, OLD), CONTENT) == make_seal(keyed(NEW), CONTENT) != seal
    with pytest.raises(IntegrityError, match="a seal that does not fit"):
        check_seal(keyed(NEW), CONTENT, seal, version="models:/loans/1")


@pytest.mark.parametrize("field", Sealed._fields)
def test_every_part_counts(field):
    seal = make_seal(keyed(OLD), CONTENT)
    other = CONTENT._replace(**{field: "x"})

    with pytest.raises(IntegrityError, match="models:/loans/1 must be sealed"):
        check_seal(keyed(OLD), other, seal, version="models:/loans/1")


@pytest.mark.parametrize("seal", ["", "\u00e9"])
def test_no_seal_is_refused(seal):
    with pytest.raises(IntegrityError, match="must be sealed"):
        check_seal(keyed(OLD), CONTENT, seal, version="models:/loans/1")


def test_a_short_key_is_refused():
    with pytest.raises(IntegrityError, match="16 characters or more"):
        make_seal(keyed(OLD, ""), CONTENT)


def test_a_key_is_made_once_for_the_owner_only(tmp_path):
    settings = Settings(home=tmp_path / "home")

    assert make_seal(settings, CONTENT) == make_seal(settings, CONTENT)

    (path,) = settings.home.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() not in repr(settings)
