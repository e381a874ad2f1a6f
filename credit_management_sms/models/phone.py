"""Which number a telephone has on the wire, by the host's means where it has them."""

from ..logic.phone import to_e164

try:
    import phonenumbers
except ImportError:  # as in the host: numbers are then taken as they look
    phonenumbers = None


def find_mobile(partner, written, home):
    """Return a number as E.164, or None if no SMS can go there.

    :param partner: whose number it is; its country says what a national number means
    :param written: the number as somebody typed it
    :param home: country to assume where the partner has none
    """
    country = partner.country_id or partner.commercial_partner_id.country_id or home
    known = partner._phone_format(number=written, country=country)
    number = to_e164(known or None, country.phone_code)
    return number if number and _is_mobile(number) else None


def _is_mobile(number):
    if not phonenumbers:
        return True
    types = phonenumbers.PhoneNumberType
    kind = phonenumbers.number_type(phonenumbers.parse(number))
    # In North America a number does not tell.
    return kind in (types.MOBILE, types.FIXED_LINE_OR_MOBILE)
