import re

from werkzeug.exceptions import NotFound

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import html2plaintext, plaintext2html

from odoo.addons.mail.controllers.attachment import AttachmentController
from odoo.addons.portal.controllers.thread import PortalThreadController

from ..logic import uploads
from .files import check_file

LONGEST_TEXT = 4000


def _find_talk_profile(thread):
    """Return, with sudo, the file of the customer who writes on an invoice, or none.

    :param thread: to which the host saw that who writes has access
    """
    if thread._name != "account.move" or request.env.user._is_internal():
        return request.env["credit.profile"]
    return thread.sudo()._get_talk_profile()  # sudo: of whom was proved


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
        profile_sudo = _find_talk_profile(thread)
        if not profile_sudo:
            return data
        if not kwargs.get("from_create"):
            raise UserError(
                request.env._(
                    "What was written stays as it is. Please write a new message."
                )
            )
        if not profile_sudo._use_portal_quota():
            raise UserError(request.env["credit.profile"]._explain_portal_quota())
        text = uploads.clean_text(html2plaintext(data.get("body") or ""), LONGEST_TEXT)
        self._check_talk_files(data.get("attachment_ids") or [])
        data["body"] = plaintext2html(text) if text else ""
        data["partner_ids"] = []  # whom to tell is ours to say
        # Nor is it a note of the house or of the program.
        data |= {"message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
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
            kind = check_file(file_sudo.raw or b"")
            file_sudo.write(
                {
                    "name": uploads.clean_name(file_sudo.name or "", kind),
                    "mimetype": kind,
                }
            )


class CreditTalkAttachment(AttachmentController):
    """Files that a customer sends for a message on an invoice, before it is written.

    Looked at when they come, so many a day, and on the invoice only with the message.
    """

    @http.route()
    def mail_attachment_upload(
        self, ufile, thread_id, thread_model, is_pending=False, **kwargs
    ):
        """Override of `mail`: see the class."""
        if thread_model == "account.move" and not request.env.user._is_internal():
            if not re.fullmatch(r"[0-9]{1,9}", thread_id):
                raise NotFound()
            thread = self._get_thread_with_access_for_post(
                thread_model, thread_id, **kwargs
            )
            profile_sudo = thread and _find_talk_profile(thread)
            if profile_sudo:
                try:
                    content = ufile.stream.read(uploads.LARGEST_BYTES + 1)
                    kind = check_file(content)
                    if not profile_sudo._use_portal_quota(is_file=True):
                        raise UserError(
                            request.env["credit.profile"]._explain_portal_quota()
                        )
                except UserError as error:
                    return request.make_json_response({"error": str(error)})
                ufile.stream.seek(0)
                ufile.filename = uploads.clean_name(ufile.filename or "", kind)
                is_pending = True
        return super().mail_attachment_upload(
            ufile, thread_id, thread_model, is_pending=is_pending, **kwargs
        )
