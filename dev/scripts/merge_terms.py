"""Bring the translations of an add-on up to its terms: `make terms`.

Usage: merge_terms.py exported.pot folder [added.json]

What is translated already stays. Terms that are new are taken from the JSON file,
``{"term": {"nl": "…", "de": "…", "fr": "…"}}``; those that are still without are said.
"""

import json
import sys
from pathlib import Path

import polib

# What the export takes for terms and nobody reads: the word "id" of a hidden column.
NO_TERMS = {"id"}


def merge(template, translated, language, added):
    """Return the terms of the template, translated as far as known.

    >>> template = [polib.POEntry(msgid="Due"), polib.POEntry(msgid="New")]
    >>> known = [polib.POEntry(msgid="Due", msgstr="Fällig")]
    >>> entries = merge(template, known, "de", {"New": {"de": "Neu"}})
    >>> [entry.msgstr for entry in entries]
    ['Fällig', 'Neu']
    """
    known = {entry.msgid: entry.msgstr for entry in translated}
    entries = []
    for entry in template:
        text = known.get(entry.msgid) or added.get(entry.msgid, {}).get(language, "")
        entries.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgstr=text,
                comment=entry.comment,
                occurrences=entry.occurrences,
            )
        )
    return entries


def main(exported, folder, added=None):
    """Write the template and each language; return how many terms lack a text."""
    added = json.loads(Path(added).read_text()) if added else {}
    template = polib.pofile(exported, wrapwidth=78)
    for day in ("POT-Creation-Date", "PO-Revision-Date"):  # git knows it
        template.metadata.pop(day, None)
    template[:] = [entry for entry in template if entry.msgid not in NO_TERMS]
    folder = Path(folder)
    template.save(folder / f"{folder.parent.name}.pot")
    lacking = {}
    for path in sorted(folder.glob("*.po")):
        translated = polib.pofile(path, wrapwidth=76)
        translated[:] = merge(template, translated, path.stem, added)
        translated.save(path)
        for entry in translated:
            if not entry.msgstr:
                lacking.setdefault(entry.msgid, {})[path.stem] = ""
    if lacking:
        print(json.dumps(lacking, indent=1, ensure_ascii=False))
    return len(lacking)


if __name__ == "__main__":
    sys.exit(bool(main(*sys.argv[1:])))
