"""What a text costs as an SMS, and how to keep it cheap.

A text in the alphabet of GSM 03.38 takes 160 characters, or 153 a part when it needs
several. One character outside of it, a hard space or a curly quote, and the whole text
is sent in UCS-2: 70 characters, or 67 a part.
"""

import unicodedata

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These take two places.
_EXTENDED = frozenset("^{}\\[~]|€\f")
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


def count_parts(text: str) -> int:
    """Return how many messages a text is sent, and paid, as.

    >>> count_parts(""), count_parts("a" * 160), count_parts("a" * 161)
    (0, 1, 2)
    >>> count_parts("€" * 80), count_parts("€" * 81)  # two places each
    (1, 2)
    >>> count_parts("Ω" * 71), count_parts("я" * 70), count_parts("я" * 71)
    (1, 1, 2)
    """
    if all(character in _BASIC or character in _EXTENDED for character in text):
        length = len(text) + sum(character in _EXTENDED for character in text)
        single, several = 160, 153
    else:
        length = len(text.encode("utf-16-be")) // 2
        single, several = 70, 67
    if length <= single:
        return int(length > 0)
    return -(-length // several)
