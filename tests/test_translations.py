"""Each term is translated into each language, with the placeholders it has."""

import re
from pathlib import Path

import polib
import pytest

FOLDER = Path(__file__).parents[1] / "credit_management" / "i18n"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\{.*?\}\}|t-out=\"[^\"]*\"")
TEMPLATE = polib.pofile(FOLDER / "credit_management.pot")


@pytest.mark.parametrize("language", ["nl", "de", "fr"])
def test_no_term_is_missing_empty_or_short_of_a_placeholder(language):
    translated = polib.pofile(FOLDER / f"{language}.po")
    assert {entry.msgid for entry in translated} == {e.msgid for e in TEMPLATE}
    for entry in translated:
        assert entry.msgstr and not entry.fuzzy, entry.msgid
        wanted = sorted(PLACEHOLDER.findall(entry.msgid))
        assert sorted(PLACEHOLDER.findall(entry.msgstr)) == wanted, entry.msgid
