"""Pictures of the guide, the app list and the README are there, small, and known."""

import doctest
import re

import pytest

from dev import shots
from dev.readme import ADDON
from dev.settings import ROOT

FOLDER = ADDON / "static" / "description"
PLACES = (
    FOLDER / "index.html",
    ADDON / "README.rst",
    ROOT / "README.rst",
    *sorted((ADDON / "readme").glob("*.md")),
)
NAMED = re.compile(r"""src="([^"]+)"|image:: (\S+)|!\[[^\]]*\]\(([^)]+)\)""")


def test_the_examples_of_the_table_are_true():
    assert doctest.testmod(shots).failed == 0


@pytest.mark.parametrize("place", PLACES, ids=lambda path: path.name)
def test_each_picture_that_is_named_is_there(place):
    for names in NAMED.findall(place.read_text()):
        name = next(filter(None, names))
        assert (place.parent / name).is_file(), name


def test_each_picture_stands_in_the_table():
    known = {shot.file(width) for shot in shots.SHOTS for width in shot.widths}
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.png")}
    assert found - known == {"icon.png"}


def test_no_name_is_in_the_table_twice():
    names = [shot.name for shot in shots.SHOTS]
    assert len(names) == len(set(names))


def test_the_pictures_weigh_little():
    sizes = [path.stat().st_size for path in FOLDER.rglob("*.png")]
    assert max(sizes) <= 150_000
    assert sum(sizes) <= 4_000_000
