"""README.rst of each add-on is what its parts say, and reads without an error."""

import doctest

import docutils.core
import pytest

from dev import readme, settings

ADDONS = [settings.ROOT / name for name in settings.own_addons()]
each_addon = pytest.mark.parametrize("addon", ADDONS, ids=lambda path: path.name)


def test_the_examples_of_the_converter_are_true():
    assert doctest.testmod(readme).failed == 0


@each_addon
def test_the_readme_is_as_new_as_its_parts(addon):
    written = (addon / "README.rst").read_text()
    assert written == readme.make(addon), "run: make readme"


@each_addon
def test_the_readme_reads_without_a_warning(addon):
    complaints = []

    class Stream:
        def write(self, text):
            complaints.append(text)

    docutils.core.publish_string(
        readme.make(addon),
        writer_name="null",
        settings_overrides={"warning_stream": Stream(), "report_level": 1},
    )
    assert not complaints
