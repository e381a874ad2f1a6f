"""`make readme`: README.rst of each add-on from its readme/*.md.

Converts the Markdown that these files use and no more: headings, paragraphs, lists,
tables, code, pictures, links, bold, italic. What it does not know it refuses, so that
nothing comes out garbled. Standard library only, which lets a test tell when README.rst
is older than its parts (`tests/test_readme.py`).
"""

import ast
import re

from . import settings
from .steps import Failure, say, short

ADDON = settings.ROOT / settings.PRODUCT
# File, and its heading in README.rst.
PARTS = (
    ("DESCRIPTION", ""),
    ("CONFIGURE", "Configuration"),
    ("USAGE", "Usage"),
    ("ROADMAP", "Known issues / Roadmap"),
    ("CONTRIBUTORS", "Contributors"),
)
UNDERLINES = "=-~^"

ITEM = re.compile(r"^( *)([-*]|\d+\.) +(.*)$")
HEADING = re.compile(r"^(#+) +(.+)$")
IMAGE = re.compile(r"^!\[(.*)\]\((.*)\)$")
INLINE = re.compile(
    r"(?P<code>`[^`]+`)|(?P<bold>\*\*.+?\*\*)|(?P<italic>\*[^*\s](?:[^*]*[^*\s])?\*)"
    r"|(?P<link>\[[^\]]+\]\([^)]+\))"
)


def write():
    """Write README.rst of each add-on."""
    for name in settings.own_addons():
        path = settings.ROOT / name / "README.rst"
        path.write_text(make(settings.ROOT / name))
        say(f"           {short(path)} written")
    return 0


def make(addon=ADDON):
    """Return README.rst of an add-on as it should be; a part may be missing."""
    title = ast.literal_eval((addon / "__manifest__.py").read_text())["name"]
    bar = UNDERLINES[0] * len(title)
    pieces = [f"{bar}\n{title}\n{bar}"]
    pieces.append(".. This file is made of readme/*.md by `make readme`; change those.")
    for name, heading in PARTS:
        part = addon / "readme" / f"{name}.md"
        if not part.exists():
            continue
        if heading:
            pieces.append(f"{heading}\n{UNDERLINES[0] * len(heading)}")
        pieces.append(convert(part.read_text()).strip())
    return "\n\n".join(pieces) + "\n"


def convert(text):
    """Return Markdown as reStructuredText.

    >>> print(convert("# The day\\n\\nPress **Send**, see [there](https://example.com)."))
    The day
    -------
    <BLANKLINE>
    Press **Send**, see `there <https://example.com>`__.
    >>> print(convert("1. one\\n   and more\\n2. `two`\\n   - inner"))
    1. one
       and more
    2. ``two``
    <BLANKLINE>
       - inner
    >>> print(convert("![The run](../static/description/run.png)"))
    .. image:: static/description/run.png
       :alt: The run
    >>> convert("> quoted")
    Traceback (most recent call last):
      ...
    dev.steps.Failure: make readme does not know what to do with: > quoted
    """
    lines = text.rstrip().splitlines()
    pieces = []
    while lines:
        if not lines[0].strip():
            lines.pop(0)
        elif lines[0].startswith("```"):
            pieces.append(take_code(lines))
        elif lines[0].startswith("|"):
            pieces.append(take_table(lines))
        elif ITEM.match(lines[0]):
            pieces.append(take_list(lines))
        else:
            pieces.append(take_paragraph(lines))
    return "\n\n".join(pieces)


def take_paragraph(lines):
    """Return a heading, a picture or a paragraph."""
    block = [lines.pop(0)]
    if heading := HEADING.match(block[0]):
        title = inline(heading[2])
        return f"{title}\n{UNDERLINES[len(heading[1])] * len(title)}"
    if image := IMAGE.match(block[0]):
        path = image[2].removeprefix("../")
        return f".. image:: {path}\n   :alt: {image[1]}"
    if block[0][0] in "<>" or block[0].startswith("    "):
        raise Failure(f"make readme does not know what to do with: {block[0]}")
    while lines and lines[0].strip() and not lines[0].startswith(("|", "```", "#")):
        block.append(lines.pop(0))
    return inline("\n".join(block))


def take_code(lines):
    """Return a block of code."""
    lines.pop(0)
    block = []
    while lines and not lines[0].startswith("```"):
        block.append(f"    {lines.pop(0)}".rstrip())
    if lines:
        lines.pop(0)
    return "\n".join(["::", "", *block])


def take_list(lines):
    """Return a list, with the lists in it; blank lines go around an inner one."""
    entries = []  # (indent, mark, text)
    while lines and lines[0].strip():
        item = ITEM.match(lines[0])
        if item:
            entries.append([len(item[1]), item[2], item[3]])
        elif lines[0].startswith(" "):
            entries[-1][2] += f"\n{lines[0].strip()}"
        else:
            break
        lines.pop(0)
    output, before = [], entries[0][0]
    for indent, mark, text in entries:
        if indent != before:
            output.append("")
        first = f"{' ' * indent}{mark.replace('*', '-')} "
        rest = "\n" + " " * len(first)
        output.append(first + inline(text).replace("\n", rest))
        before = indent
    return "\n".join(output)


def take_table(lines):
    """Return a table."""
    rows = []
    while lines and lines[0].startswith("|"):
        cells = lines.pop(0).strip().strip("|").split("|")
        rows.append([inline(cell.strip()) for cell in cells])
    head, body = rows[0], rows[2:]
    output = [".. list-table::", "   :header-rows: 1", ""]
    for row in [head, *body]:
        for number, cell in enumerate(row):
            output.append(f"   {'  ' if number else '* '}- {cell}".rstrip())
    return "\n".join(output)


def inline(text):
    """Return a text with its marks as reStructuredText has them.

    >>> inline("*New*, **all**, `x_y`, snake_case_ and a*b")
    '*New*, **all**, ``x_y``, snake_case\\\\_ and a\\\\*b'
    """
    output, end = [], 0
    for mark in INLINE.finditer(text):
        output += [plain(text[end : mark.start()]), marked(mark)]
        end = mark.end()
    return "".join([*output, plain(text[end:])])


def marked(mark):
    """Return what stands between marks."""
    kind, words = mark.lastgroup, mark.group()
    if kind == "code":
        return f"``{words[1:-1]}``"
    if kind == "link":
        name, _between, address = words[1:-1].partition("](")
        return f"`{name} <{address.removeprefix('../')}>`__"
    return words


def plain(text):
    """Return a text without anything that reStructuredText would read as a mark."""
    text = text.replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`")
    return re.sub(r"_(?=\W|$)", r"\\_", text)
