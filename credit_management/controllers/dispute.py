import re
import uuid

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import html2plaintext

from ..logic import dispute as rule
from ..logic import uploads
from .files import check_file
from .opened import CreditOpenedPortal

LONGEST_TEXT = 4000
AMOUNT = re.compile(r"\d{1,12}([.,]\d{1,3})?")
MESSAGES_SHOWN = 100


class CreditDisputePortal(CreditOpenedPortal):
    """Where a customer says what is wrong, and sees what becomes of it.

    Who may, is decided by the login or by the token of the invoice or of the case, and
    by nothing else. Whoever comes by a token alone is nobody whose name we know: shown
    as "by link", and unable to withdraw anything.
    """

    # === OPEN === #

    @http.route(
        "/my/invoices/<int:invoice_id>/dispute",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_dispute_form(self, invoice_id, access_token=None, **kwargs):
        """Show the form to dispute an invoice; nothing is written."""
        move_sudo = self._get_credit_invoice(invoice_id, access_token)
        if not move_sudo:
            # The same answer whether the invoice exists or not.
            return self._make_credit_private(request.redirect("/my"))
        self._speak_to_visitor(move_sudo.commercial_partner_id)
        return self._render_dispute_form(move_sudo)

    @http.route(
        "/my/invoices/<int:invoice_id>/dispute/open",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_dispute_open(self, invoice_id, access_token=None, **kwargs):
        """Open a dispute, once for each form that was shown."""
        move_sudo = self._get_credit_invoice(invoice_id, access_token)
        if not move_sudo:
            return self._make_credit_private(request.redirect("/my"))
        self._speak_to_visitor(move_sudo.commercial_partner_id)
        profile_sudo = (
            request.env["credit.profile"]
            .sudo()  # sudo: the file of the customer who was proved
            ._get_or_create(move_sudo.company_id, move_sudo.commercial_partner_id)
            .sudo()  # sudo: the same; making one gives it back without
        )
        key = self._clean_credit_key(kwargs.get("key"))
        dispute_sudo = self._find_dispute_by_key(profile_sudo, key)
        if not dispute_sudo:
            try:
                asked = self._read_dispute_form(move_sudo, kwargs)
                files = self._read_dispute_files()
                if not profile_sudo._use_portal_quota(opens=True):
                    return self._render_dispute_form(
                        move_sudo,
                        request.env["credit.profile"]._explain_portal_quota(),
                        kwargs,
                        status=429,
                    )
                with self._all_or_nothing():
                    dispute_sudo = self._open_dispute(profile_sudo, asked, files, key)
            except UserError as error:
                return self._render_dispute_form(
                    move_sudo, str(error), kwargs, status=400
                )
        return self._make_credit_private(
            request.redirect(self._get_dispute_path(dispute_sudo), local=True)
        )

    # === LOOK, WRITE, WITHDRAW === #

    @http.route(
        "/my/disputes/<int:dispute_id>",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_dispute(self, dispute_id, access_token=None, **kwargs):
        """Show a case: state, amounts, and what was said."""
        dispute_sudo = self._get_credit_dispute(dispute_id, access_token)
        if not dispute_sudo:
            return self._make_credit_private(request.redirect("/my"))
        self._speak_to_visitor(dispute_sudo.partner_id)
        return self._render_dispute(dispute_sudo)

    @http.route(
        "/my/disputes/<int:dispute_id>/message",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_dispute_message(self, dispute_id, access_token=None, **kwargs):
        """Take what the customer writes, with files."""
        dispute_sudo = self._get_credit_dispute(dispute_id, access_token)
        if not dispute_sudo or not self._is_credit_visitor():
            return self._make_credit_private(request.redirect("/my"))
        self._speak_to_visitor(dispute_sudo.partner_id)
        text = self._clean_credit_text(kwargs.get("text"), LONGEST_TEXT)
        try:
            dispute_sudo._check_is_open()
            files = self._read_dispute_files()
            if not text and not files:
                raise UserError(request.env._("Please write something."))
            if not dispute_sudo.profile_id._use_portal_quota():
                return self._render_dispute(
                    dispute_sudo,
                    request.env["credit.profile"]._explain_portal_quota(),
                    text,
                    status=429,
                )
            with self._all_or_nothing():
                self._say_in_dispute(dispute_sudo, text, files)
        except UserError as error:
            return self._render_dispute(dispute_sudo, str(error), text, status=400)
        return self._make_credit_private(
            request.redirect(self._get_dispute_path(dispute_sudo), local=True)
        )

    @http.route(
        "/my/disputes/<int:dispute_id>/withdraw",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_dispute_withdraw(self, dispute_id, **kwargs):
        """Withdraw a case: with a login only, links are forwarded."""
        dispute_sudo = self._get_credit_dispute(dispute_id, None)
        if not dispute_sudo:
            return self._make_credit_private(request.redirect("/my"))
        if dispute_sudo.state in rule.OPEN_STATES:
            dispute_sudo._withdraw()
        return self._make_credit_private(
            request.redirect(dispute_sudo.access_url, local=True)
        )

    @http.route(
        "/my/disputes/<int:dispute_id>/file/<int:attachment_id>",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_dispute_file(
        self, dispute_id, attachment_id, access_token=None, **kwargs
    ):
        """Hand out a file of the talk, to be saved and never shown as a page."""
        dispute_sudo = self._get_credit_dispute(dispute_id, access_token)
        if dispute_sudo:
            files_sudo = dispute_sudo._get_customer_messages().attachment_ids
            file_sudo = files_sudo.filtered(lambda each: each.id == attachment_id)
            if file_sudo:
                content = file_sudo.raw or b""
                return self._make_credit_file(
                    content,
                    file_sudo.name,
                    uploads.find_type(content) or "application/octet-stream",
                )
        return self._make_credit_private(request.redirect("/my"))

    # === WHO MAY === #

    def _get_credit_invoice(self, invoice_id, access_token):
        """Return the invoice, with sudo, that the visitor may dispute, or none."""
        # sudo: who may see the invoice is checked below, and by nothing else.
        Move_sudo = request.env["account.move"].sudo()
        move_sudo = Move_sudo.search(
            [
                ("id", "=", invoice_id),
                ("state", "=", "posted"),
                ("move_type", "in", ("out_invoice", "out_receipt")),
            ]
        )
        own_sudo = self._get_credit_partner()
        is_own = own_sudo and own_sudo == move_sudo.commercial_partner_id
        if (
            move_sudo
            and self._is_credit_visitor()
            and move_sudo.company_id.credit_portal_disputes
            and (is_own or self._is_credit_token(move_sudo, access_token))
        ):
            return move_sudo
        return Move_sudo

    def _get_credit_dispute(self, dispute_id, access_token):
        """Return the case, with sudo, that the visitor may see, or none."""
        # sudo: who may see the case is checked below, and by nothing else.
        Dispute_sudo = request.env["credit.dispute"].sudo()
        dispute_sudo = Dispute_sudo.search([("id", "=", dispute_id)])
        own_sudo = self._get_credit_partner()
        is_own = own_sudo and own_sudo == dispute_sudo.partner_id.commercial_partner_id
        if is_own or self._is_credit_token(dispute_sudo, access_token):
            return dispute_sudo
        return Dispute_sudo

    # === WHAT WAS SENT === #

    def _read_dispute_form(self, move_sudo, sent):
        """Return what a form asks for, checked against the invoice.

        :return: dict of reason, lines (see ``credit.dispute``) and text
        :raise UserError: in words for the customer
        """
        reasons_sudo = self._get_dispute_reasons(move_sudo)
        reason_sudo = reasons_sudo.filtered(
            lambda reason: str(reason.id) == sent.get("reason")
        )
        if not reason_sudo:
            raise UserError(request.env._("Please choose what is wrong."))
        text = self._clean_credit_text(sent.get("text"), LONGEST_TEXT)
        if not text:
            raise UserError(request.env._("Please tell us what is wrong."))
        ticked = set(request.httprequest.form.getlist("lines"))
        lines = []
        for line_sudo in self._get_dispute_lines(move_sudo):
            if str(line_sudo.id) in ticked:
                asked = self._read_dispute_amount(sent.get(f"amount_{line_sudo.id}"))
                amount = min(asked or line_sudo.price_total, line_sudo.price_total)
                lines.append(
                    {"move": move_sudo, "invoice_line": line_sudo, "amount": amount}
                )
        if not lines:
            amount = self._read_dispute_amount(sent.get("amount"))
            if not amount:
                raise UserError(
                    request.env._("Please tick what is wrong, or give an amount.")
                )
            lines = [{"move": move_sudo, "amount": amount}]
        return {"reason": reason_sudo, "lines": lines, "text": text}

    def _read_dispute_amount(self, text):
        """Return the amount in a text, 0 for none.

        :raise UserError: it is no amount
        """
        text = text.strip() if isinstance(text, str) else ""
        if not text:
            return 0.0
        if not text.isascii() or not AMOUNT.fullmatch(text):
            raise UserError(request.env._("Please write amounts like 12.50."))
        return float(text.replace(",", "."))

    def _read_dispute_files(self):
        """Return the files that were sent: pairs (name, content), renamed.

        :raise UserError: one of them is too large, or of a kind we do not take
        """
        sent = [
            each for each in request.httprequest.files.getlist("files") if each.filename
        ]
        if len(sent) > uploads.MOST_FILES:
            raise UserError(
                request.env._(
                    "Please send no more than %(count)s files at once.",
                    count=uploads.MOST_FILES,
                )
            )
        files = []
        for each in sent:
            content = each.stream.read(uploads.LARGEST_BYTES + 1)
            kind = check_file(content)
            files.append((uploads.clean_name(each.filename, kind), content))
        return files

    def _find_dispute_by_key(self, profile_sudo, key):
        """Return the case that a form opened already."""
        return (
            request.env["credit.dispute"]
            .sudo()  # sudo: a case of the customer who was proved
            .search([("profile_id", "=", profile_sudo.id), ("portal_key", "=", key)])
        )

    def _open_dispute(self, profile_sudo, asked, files, key):
        user = request.env.user
        by_link = user._is_public()
        values = {} if by_link else {"contact_id": user.partner_id.id}
        dispute_sudo = request.env["credit.dispute"]._open(
            profile_sudo,
            asked["reason"],
            asked["lines"],
            asked["text"],
            source="link" if by_link else "portal",
            portal_key=key,
            **values,
        )
        # sudo: the case of the customer who was proved, in the visitor's own words.
        dispute_sudo = dispute_sudo.with_env(request.env).sudo()
        self._say_in_dispute(dispute_sudo, asked["text"], files)
        dispute_sudo._tell_opened()
        return dispute_sudo

    def _say_in_dispute(self, dispute_sudo, text, files):
        user = request.env.user
        # sudo: the author is the visitor's own contact.
        author_sudo = user.partner_id.sudo()
        dispute_sudo._hear_customer(text, author_sudo, files, by_link=user._is_public())

    # === WHAT IS SHOWN === #

    def _get_dispute_reasons(self, move_sudo):
        """Return, with sudo, what customers may choose as a reason."""
        company_sudo = move_sudo.company_id
        return (
            request.env["credit.dispute.reason"]
            .sudo()  # sudo: names of reasons that are shown to customers
            .search(
                [
                    ("is_for_customers", "=", True),
                    ("company_id", "in", [False, *company_sudo.parent_ids.ids]),
                ]
            )
        )

    def _get_dispute_lines(self, move_sudo):
        return move_sudo.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and line.price_total > 0
        )

    def _render_dispute_form(self, move_sudo, error=None, sent=None, status=200):
        sent = sent or {}
        left = request.env["credit.dispute"]._get_undisputed(move_sudo)
        ticked = set(request.httprequest.form.getlist("lines"))
        response = self._render_credit_private(
            "credit_management.portal_credit_dispute_form",
            {
                "page_name": "credit_dispute",
                "res_company": move_sudo.company_id,
                "invoice_name": move_sudo.name,
                "invoice_url": self._get_dispute_invoice_url(move_sudo),
                "form_url": f"/my/invoices/{move_sudo.id}/dispute/open",
                "access_token": request.params.get("access_token"),
                "currency": move_sudo.currency_id,
                "left": left,
                "may_open": move_sudo.currency_id.compare_amounts(left, 0) > 0,
                "lines": [
                    {
                        "id": line_sudo.id,
                        "name": " ".join((line_sudo.name or "").split())[:200],
                        "amount": line_sudo.price_total,
                        "is_ticked": str(line_sudo.id) in ticked,
                        "typed": self._clean_credit_text(
                            sent.get(f"amount_{line_sudo.id}"), 20
                        ),
                    }
                    for line_sudo in self._get_dispute_lines(move_sudo)
                ],
                "reasons": [
                    {
                        "id": reason_sudo.id,
                        "name": reason_sudo.name,
                        "is_chosen": str(reason_sudo.id) == sent.get("reason"),
                    }
                    for reason_sudo in self._get_dispute_reasons(move_sudo)
                ],
                "typed": {
                    "text": self._clean_credit_text(sent.get("text"), LONGEST_TEXT),
                    "amount": self._clean_credit_text(sent.get("amount"), 20),
                },
                "key": uuid.uuid4().hex,
                "error": error,
            },
        )
        response.status_code = status
        return response

    def _render_dispute(self, dispute_sudo, error=None, typed="", status=200):
        labels = dict(dispute_sudo._fields["state"]._description_selection(request.env))
        is_open = dispute_sudo.state in rule.OPEN_STATES
        is_login = bool(self._get_credit_partner())
        token = request.params.get("access_token")
        response = self._render_credit_private(
            "credit_management.portal_credit_dispute",
            {
                "page_name": "credit_dispute",
                "res_company": dispute_sudo.company_id,
                "error": error,
                "typed": typed,
                "access_token": token,
                "currency": dispute_sudo.currency_id,
                "dispute": {
                    "name": dispute_sudo.name,
                    "company": dispute_sudo.company_id.name,
                    "invoices": [
                        {
                            "name": move_sudo.name,
                            "url": self._get_dispute_invoice_url(move_sudo),
                        }
                        for move_sudo in dispute_sudo.move_ids
                    ],
                    "state": dispute_sudo.state,
                    "state_name": labels[dispute_sudo.state],
                    "reason": dispute_sudo.reason_id.name,
                    "opened": dispute_sudo.opened_date,
                    "deadline": is_open
                    and dispute_sudo.state != rule.WAITING
                    and dispute_sudo.deadline,
                    "pay_by": dispute_sudo.pay_by,
                    "disputed": dispute_sudo.amount_disputed,
                    "credited": dispute_sudo.amount_credited,
                    "credit_notes": ", ".join(
                        dispute_sudo.credit_note_ids.mapped("name")
                    ),
                    "is_open": is_open,
                },
                "lines": [
                    {
                        "name": line_sudo.name or line_sudo.move_id.name,
                        "amount": line_sudo.amount,
                    }
                    for line_sudo in dispute_sudo.line_ids
                ],
                "messages": self._prepare_dispute_messages(dispute_sudo),
                "may_write": is_open and self._is_credit_visitor(),
                "may_withdraw": is_open and is_login,
                "url": dispute_sudo.access_url,
            },
        )
        response.status_code = status
        return response

    def _prepare_dispute_messages(self, dispute_sudo):
        """Return what was said, as plain text; nobody by a link has a name."""
        customer_sudo = dispute_sudo.partner_id
        messages = []
        for message_sudo in dispute_sudo._get_customer_messages()[-MESSAGES_SHOWN:]:
            author_sudo = message_sudo.author_id
            is_customer = author_sudo.commercial_partner_id == customer_sudo
            is_house = author_sudo.commercial_partner_id == (
                dispute_sudo.company_id.partner_id
            ) or any(not user.share for user in author_sudo.user_ids)
            messages.append(
                {
                    "author": author_sudo.name
                    if is_customer
                    else dispute_sudo.company_id.name
                    if is_house
                    else request.env._("By link"),
                    "is_house": is_house,
                    "date": message_sudo.date,
                    "lines": html2plaintext(message_sudo.body or "").splitlines(),
                    "files": [
                        {
                            "name": file_sudo.name,
                            "url": self._get_credit_address(
                                f"{dispute_sudo.access_url}/file/{file_sudo.id}"
                            ),
                        }
                        for file_sudo in message_sudo.attachment_ids
                    ],
                }
            )
        return messages

    def _get_dispute_path(self, dispute_sudo):
        """Return the address of a case that the visitor may open."""
        if request.env.user._is_public():
            dispute_sudo._portal_ensure_token()
            return dispute_sudo.get_portal_url()
        return dispute_sudo.access_url

    def _get_dispute_invoice_url(self, move_sudo):
        """Return the address of an invoice of the visitor; a GET makes no token."""
        if not request.env.user._is_public():
            return move_sudo.access_url
        return move_sudo.access_token and move_sudo.get_portal_url()

    # === ON OTHER PAGES === #

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        """Override of `account`: offer to dispute, and show what is disputed."""
        values = super()._invoice_get_page_view_values(invoice, access_token, **kwargs)
        # sudo: the host proved who sees the invoice; checked again by our own rule.
        move_sudo = self._get_credit_invoice(invoice.id, access_token)
        if move_sudo:
            values |= self._prepare_invoice_disputes(move_sudo)
        return values

    def _prepare_invoice_disputes(self, move_sudo):
        disputes_sudo = (
            request.env["credit.dispute"]
            .sudo()  # sudo: those about an invoice that the visitor was proved to see
            .search([("line_ids.move_id", "=", move_sudo.id)])
        )
        is_due = move_sudo.payment_state in ("not_paid", "partial")
        return {
            "credit_dispute_url": is_due
            and self._get_credit_address(f"/my/invoices/{move_sudo.id}/dispute"),
            "credit_disputes": self._prepare_dispute_rows(disputes_sudo),
        }

    def _prepare_dispute_rows(self, disputes_sudo):
        """Return a row a case: name, state, amount, address."""
        labels = dict(
            disputes_sudo._fields["state"]._description_selection(request.env)
        )
        return [
            {
                "name": dispute_sudo.name,
                "invoices": dispute_sudo.invoice_names,
                "state": dispute_sudo.state,
                "state_name": labels[dispute_sudo.state],
                "amount": dispute_sudo.amount_disputed,
                "currency": dispute_sudo.currency_id,
                "url": dispute_sudo.get_portal_url()
                if request.env.user._is_public() and dispute_sudo.access_token
                else dispute_sudo.access_url,
            }
            for dispute_sudo in disputes_sudo[:MESSAGES_SHOWN]
        ]

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: show what is disputed, and offer to dispute what is open."""
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        values["disputes"] = self._prepare_dispute_rows(profile_sudo.dispute_ids)
        return values

    def _prepare_credit_row(self, facts, item, line_sudo, readable, invoices_paid_here):
        """Override: where an item can be disputed."""
        row = super()._prepare_credit_row(
            facts, item, line_sudo, readable, invoices_paid_here
        )
        move_sudo = line_sudo.move_id
        may_dispute = (
            row["url"]
            and row["open_amount"]
            and move_sudo.move_type in ("out_invoice", "out_receipt")
            and move_sudo.company_id.credit_portal_disputes
            and self._is_credit_visitor()
        )
        row["dispute_url"] = may_dispute and (
            f"/my/invoices/{move_sudo.id}/dispute"
            if move_sudo.id in readable
            else f"/my/invoices/{move_sudo.id}/dispute"
            f"?access_token={move_sudo.access_token}"
        )
        return row
