"""What an SMS says, what it costs, and how to keep it cheap.

A text has places that are filled in, ``{amount}``; nothing in it is ever run.

A text in the alphabet of GSM 03.38 takes 160 characters, or 153 a part when it needs
several. One character outside of it, a hard space or a curly quote, and the whole text
is sent in UCS-2: 70 characters, or 67 a part.
"""

import re
import unicodedata
from collections.abc import Mapping

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These take two places.
_EXTENDED = frozenset("^{}\\[~]|€\f")
# What a text may have filled in.
PLACES = ("company", "amount", "count", "date", "link")
_PLACE = re.compile(r"\{([^{}]*)\}")
_PLAIN = {
    "‘": "'",
    "’": "'",
    "‚": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "–": "-",
    "—": "-",
    "−": "-",
    "‑": "-",
    "…": "...",
    "œ": "oe",
    "Œ": "OE",
    "ł": "l",
    "Ł": "L",
    "\t": " ",
}


def simplify(text: str) -> str:
    """Return the text on one line, in the alphabet of GSM where it has a letter for it.

    What that alphabet lacks altogether, Greek or Chinese, stays as it is.

    >>> simplify("1\\u202f250,00\\xa0€ – l’échéance, ça va")
    "1 250,00 € - l'échéance, ca va"
    >>> simplify("two\\n lines ")
    'two lines'
    >>> simplify("Ελλάδα")
    'Ελλάδα'
    """
    plain = "".join(_simplify_character(character) for character in text)
    return " ".join(plain.split())


def _simplify_character(character):
    if character in _BASIC or character in _EXTENDED:
        return character
    if character in _PLAIN:
        return _PLAIN[character]
    if character.isspace():
        return " "
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base in _BASIC and base.isascii() else character


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its places filled in, in one pass.

    >>> fill("{company}: pay {amount} at {link}", {"company": "{link}", "amount": "5"})
    '{link}: pay 5 at {link}'
    >>> fill("{0.env} {company.name}", {"company": "Us"})
    '{0.env} {company.name}'
    """
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def find_unknown_places(text: str) -> list[str]:
    """Return the places of a text that nothing is known for.

    >>> find_unknown_places("{company} {amont} {date}"), find_unknown_places("Pay.")
    (['amont'], [])
    """
    return [name for name in _PLACE.findall(text) if name not in PLACES]


def count_characters(text: str) -> int:
    """Return how many places of an SMS a text takes.

    >>> count_characters("5 EUR"), count_characters("5 €"), count_characters("я €")
    (5, 4, 3)
    """
    if _is_cheap(text):
        return len(text) + sum(character in _EXTENDED for character in text)
    return len(text.encode("utf-16-be")) // 2


def count_parts(text: str) -> int:
    """Return how many messages a text is sent, and paid, as.

    >>> count_parts(""), count_parts("a" * 160), count_parts("a" * 161)
    (0, 1, 2)
    >>> count_parts("a" * 306), count_parts("a" * 307)
    (2, 3)
    >>> count_parts("€" * 80), count_parts("€" * 81)  # two places each
    (1, 2)
    >>> count_parts("Ω" * 71), count_parts("я" * 70), count_parts("я" * 71)
    (1, 1, 2)
    """
    single, several = (160, 153) if _is_cheap(text) else (70, 67)
    length = count_characters(text)
    if length <= single:
        return int(length > 0)
    return -(-length // several)


def _is_cheap(text):
    return all(character in _BASIC or character in _EXTENDED for character in text)
