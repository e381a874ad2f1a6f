from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import html2plaintext, plaintext2html

from odoo.addons.portal.controllers.thread import PortalThreadController

from ..logic import uploads

LONGEST_TEXT = 4000


class CreditTalkThread(PortalThreadController):
    """What a customer writes in the host's talk on the page of an invoice.

    Plain text in, files told by what is in them, so many a day; and whoever has only a
    link is nobody whose name we know.
    """

    def _prepare_message_data(self, post_data, *, thread, **kwargs):
        """Override of `portal`: see the class.

        :raise UserError: in words for the customer
        """
        data = super()._prepare_message_data(post_data, thread=thread, **kwargs)
        user = request.env.user
        if not kwargs.get("from_create") or thread._name != "account.move":
            return data
        if user._is_internal():
            return data
        profile_sudo = thread.sudo()._get_talk_profile()  # sudo: of whom was proved
        if not profile_sudo:
            return data
        if not profile_sudo._use_portal_quota():
            raise UserError(request.env["credit.profile"]._explain_portal_quota())
        text = uploads.clean_text(html2plaintext(data.get("body") or ""), LONGEST_TEXT)
        self._check_talk_files(data.get("attachment_ids") or [])
        data["body"] = plaintext2html(text) if text else ""
        data["partner_ids"] = []  # whom to tell is ours to say
        if user._is_public():
            data["author_id"] = user.partner_id.id
        return data

    def _check_talk_files(self, ids):
        """Refuse files whose content is not what customers may send.

        :raise UserError: too many, too large, or of a kind we do not take
        """
        # sudo: the host saw that who writes has sent these.
        files_sudo = request.env["ir.attachment"].sudo().browse(ids)
        if len(files_sudo) > uploads.MOST_FILES:
            raise UserError(
                request.env._(
                    "Please send no more than %(count)s files at once.",
                    count=uploads.MOST_FILES,
                )
            )
        for file_sudo in files_sudo:
            content = file_sudo.raw or b""
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
            file_sudo.write(
                {
                    "name": uploads.clean_name(file_sudo.name or "", kind),
                    "mimetype": kind,
                }
            )
