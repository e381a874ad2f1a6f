"""Whether the words of a customer look like a dispute, and for which reason.

Each reason has keywords: words or short phrases, separated by commas. They are found
as whole words, whatever their case and accents. It is a guess for a person to look at;
what is quoted from earlier messages is none of the customer's words.
"""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence

LONGEST_READ = 20000  # characters; who writes more is read so far
WORD = re.compile(r"\w+")
# Lines after which a mail repeats what it answers.
QUOTE_BEGINS = re.compile(
    r"^\s*(?:-{2,}\s*\w.*\w\s*-{2,}|_{10,}|(?:from|von|de|van)\s*:.*@.*)\s*$",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    r"""Return a message without what it quotes of earlier ones.

    >>> own_words("One is broken.\n> Please pay\n> by Friday")
    'One is broken.'
    >>> own_words("Broken!\n-----Original Message-----\nNot received?")
    'Broken!'
    """
    lines = []
    for line in text.splitlines():
        if QUOTE_BEGINS.match(line):
            break
        if not line.lstrip().startswith(">"):
            lines.append(line)
    return "\n".join(lines).strip()


def find_words(text: str) -> tuple[str, ...]:
    """Return the words of a text, folded: no case, no accents.

    >>> find_words("Défaut, MÜLL & Straße!")
    ('defaut', 'mull', 'strasse')
    """
    parts = unicodedata.normalize("NFKD", text[:LONGEST_READ])
    plain = "".join(char for char in parts if not unicodedata.combining(char))
    return tuple(WORD.findall(plain.casefold()))


def read_keywords(keywords: str) -> tuple[tuple[str, ...], ...]:
    """Return the keywords of a reason, each as its words.

    >>> read_keywords("Broken, not received,, ")
    (('broken',), ('not', 'received'))
    """
    found = (find_words(keyword) for keyword in re.split(r"[,;\n]", keywords or ""))
    return tuple(dict.fromkeys(words for words in found if words))


def find_reason(text: str, rules: Sequence[tuple[Hashable, str]]) -> Hashable | None:
    """Return the reason whose keywords a text has most of; the first one of several.

    :param rules: pairs of (reason, its keywords), the most important first

    >>> rules = [("quality", "broken, damaged"), ("missing", "not received, missing")]
    >>> find_reason("Two bottles were BROKEN", rules)
    'quality'
    >>> find_reason("Unbroken trust; we received it", rules)
    >>> find_reason("It was damaged, box 2 is missing: not received", rules)
    'missing'
    """
    words = find_words(text)
    counts = {}
    for reason, keywords in rules:
        count = sum(_has(words, keyword) for keyword in read_keywords(keywords))
        if count:
            counts[reason] = max(counts.get(reason, 0), count)
    return max(counts, key=counts.get) if counts else None


def find_reason_of_languages(
    text: str, rules: Iterable[Sequence[tuple[Hashable, str]]]
) -> Hashable | None:
    """Return what is found in the first language that has something.

    :param rules: see ``find_reason``, for each language, that of the writer first

    >>> dutch, english = [("quality", "kapot")], [("quality", "broken")]
    >>> find_reason_of_languages("It is broken", [dutch, english])
    'quality'
    >>> find_reason_of_languages("All is well", [dutch, english])
    """
    found = (find_reason(text, each) for each in rules)
    return next((reason for reason in found if reason is not None), None)


def _has(words, keyword):
    size = len(keyword)
    return any(words[at : at + size] == keyword for at in range(len(words) - size + 1))
