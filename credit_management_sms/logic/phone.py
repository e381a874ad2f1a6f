"""Telephone numbers as the wire wants them, E.164: a plus, the country, the number."""

import re

_E164 = re.compile(r"\+[1-9]\d{6,14}")
# Countries where the zero in front is part of the number abroad too.
_KEEPS_ZERO = {39, 378, 379}


def to_e164(number: str | None, country_prefix: int | None) -> str | None:
    """Return the number as E.164, or ``None`` if it is none.

    For where the host's library of numbers is not there: whether the number exists, or
    is a mobile one, is not known then.

    :param country_prefix: telephone prefix of the country the number is in

    >>> to_e164("+31 (0)6 1234-5678", 31)
    '+31612345678'
    >>> to_e164("06 12 34 56 78", 33), to_e164("0033 6 12345678", 31)
    ('+33612345678', '+33612345678')
    >>> to_e164("347 1234567", 39), to_e164("202-555-0143", 1)
    ('+393471234567', '+12025550143')
    >>> to_e164("call me", 31), to_e164("12", 31), to_e164(None, 31)
    (None, None, None)
    >>> to_e164("0612345678", None) is None
    True
    """
    text = (number or "").strip().replace("(0)", "")
    if re.search(r"[^\d\s()+./-]", text):
        return None
    digits = re.sub(r"\D", "", text)
    if text.startswith("+"):
        found = f"+{digits}"
    elif digits.startswith("00"):
        found = f"+{digits[2:]}"
    elif country_prefix:
        if country_prefix not in _KEEPS_ZERO:
            digits = digits.removeprefix("0")
        found = f"+{country_prefix}{digits}"
    else:
        return None
    return found if _E164.fullmatch(found) else None
