"""Each term is translated into each language, with the placeholders it has."""

import ast
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


# What a person reads and must go through the translation: names of calls and of keys.
READ_BY_PEOPLE = {"UserError", "ValidationError", "AccessError", "RedirectWarning"}
NOTES = {"message_post", "_message_log", "activity_schedule"}
KEYS = {"title", "message", "summary", "note", "body", "help"}
SOURCES = sorted(
    path
    for addon in settings.own_addons()
    for folder in ("models", "wizards", "controllers", "report")
    for path in (settings.ROOT / addon / folder).glob("*.py")
)


def read_literals(node):
    """Yield line and text of each literal with a word in it that a value is made of."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if re.search(r"[^\W\d_]{3,}", re.sub(r"<[^>]*>", "", node.value)):
            yield node.lineno, node.value
    elif isinstance(node, ast.JoinedStr | ast.BinOp | ast.IfExp):
        for part in ast.iter_child_nodes(node):
            yield from read_literals(part)


def find_shown(node):
    """Yield the values in a call or dict that a person reads."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in READ_BY_PEOPLE:
            yield from node.args
        if name in NOTES:
            yield from (word.value for word in node.keywords if word.arg in KEYS)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in KEYS:
                yield value


def find_untranslated(source):
    """Return each literal with a word in it that a person reads as it stands.

    >>> find_untranslated('raise UserError("Not so")')
    [(1, 'Not so')]
    >>> find_untranslated('raise UserError(self.env._("So"))')
    []
    >>> find_untranslated('x = {"title": f"{a} is late"}')
    [(1, ' is late')]
    """
    return [
        found
        for node in ast.walk(ast.parse(source))
        for shown in find_shown(node)
        for found in read_literals(shown)
    ]


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: f"{path.parts[-3]}-{path.stem}"
)
def test_what_a_person_reads_goes_through_the_translation(path):
    assert find_untranslated(path.read_text()) == []
