"""What is said of files that customers send."""

from odoo.exceptions import UserError
from odoo.http import request

from ..logic import uploads


def check_file(content):
    """Return what kind of file this is.

    :raise UserError: too large, or of a kind we do not take
    """
    if len(content) > uploads.LARGEST_BYTES:
        raise UserError(
            request.env._(
                "A file is larger than %(size)s MB.",
                size=uploads.LARGEST_BYTES // 1024**2,
            )
        )
    kind = uploads.find_type(content)
    if not kind:
        raise UserError(
            request.env._("Please send PDF, PNG, JPEG or plain text files.")
        )
    return kind
