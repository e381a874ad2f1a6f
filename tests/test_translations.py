"""Each term is translated into each language, with the placeholders it has."""

import re

import polib
import pytest

from dev import settings

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\{.*?\}\}|t-out=\"[^\"]*\"|(?<!\{)\{\w+\}(?!\})")


@pytest.mark.parametrize("addon", settings.own_addons())
@pytest.mark.parametrize("language", ["nl", "de", "fr"])
def test_no_term_is_missing_empty_or_short_of_a_placeholder(addon, language):
    folder = settings.ROOT / addon / "i18n"
    template = polib.pofile(folder / f"{addon}.pot")
    translated = polib.pofile(folder / f"{language}.po")
    assert {entry.msgid for entry in translated} == {e.msgid for e in template}
    for entry in translated:
        assert entry.msgstr and not entry.fuzzy, entry.msgid
        wanted = sorted(PLACEHOLDER.findall(entry.msgid))
        assert sorted(PLACEHOLDER.findall(entry.msgstr)) == wanted, entry.msgid
