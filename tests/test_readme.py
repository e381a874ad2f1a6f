"""The add-on's README.rst is what its parts say, and reads without an error."""

import doctest

import docutils.core

from dev import readme


def test_the_examples_of_the_converter_are_true():
    assert doctest.testmod(readme).failed == 0


def test_the_readme_is_as_new_as_its_parts():
    written = (readme.ADDON / "README.rst").read_text()
    assert written == readme.make(), "run: make readme"


def test_the_readme_reads_without_a_warning():
    complaints = []

    class Stream:
        def write(self, text):
            complaints.append(text)

    docutils.core.publish_string(
        readme.make(),
        writer_name="null",
        settings_overrides={"warning_stream": Stream(), "report_level": 1},
    )
    assert not complaints
