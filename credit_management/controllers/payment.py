from urllib.parse import urlencode

from odoo import http
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.http import request

from .portal import CreditPortal

# Instead of the ids of items.
ALL_OVERDUE = "overdue"


class CreditPaymentPortal(CreditPortal):
    """Paying several items at once, by the host's own payment form.

    What may be paid, and how much, is read from the ledger when the form is shown and
    again when the payment begins; the browser only names the items.
    """

    # === PAGES === #

    @http.route(
        "/my/credit/<int:profile_id>/pay",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_pay(self, profile_id, currency=None, access_token=None, **kwargs):
        """Show what was chosen, and the host's form to pay it.

        :param currency: code of the currency: one payment is in one currency
        """
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if not profile_sudo:
            # The same answer whether the file exists or not.
            return self._make_credit_private(request.redirect("/my"))
        self._speak_to_visitor(profile_sudo.partner_id)
        items = "-".join(request.httprequest.args.getlist("items"))
        return self._render_credit_private(
            "credit_management.portal_credit_pay",
            self._prepare_credit_pay_values(
                profile_sudo, currency, items, access_token
            ),
        )

    @http.route(
        "/my/credit/<int:profile_id>/transaction/<string:currency>/<string:items>",
        type="jsonrpc",
        auth="public",
        website=True,
    )
    def portal_credit_transaction(
        self, profile_id, currency, items, access_token=None, **kwargs
    ):
        """Begin the payment of what was chosen; called by the host's form.

        :param items: ids of journal items with dashes between, or "overdue"
        :raise ValidationError: when the link is wrong, or when other amounts are open
            by now than the form has shown
        """
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if not profile_sudo:
            raise ValidationError(request.env._("The access token is invalid."))
        self._validate_transaction_kwargs(kwargs)
        profile_sudo._take_turn()
        rows = self._choose_credit_rows(profile_sudo, currency, items)
        amount = self._sum_credit_rows(rows)
        currency_sudo = rows and rows[0]["currency"]
        shown = self._cast_as_float(kwargs.get("amount")) or 0.0
        if not rows or currency_sudo.compare_amounts(shown, amount):
            raise ValidationError(
                request.env._(
                    "Something was paid or changed in the meantime. Please go back and"
                    " look at what is open now."
                )
            )
        partner_sudo = self._get_credit_payer(profile_sudo)
        providers_sudo = self._get_credit_providers(
            profile_sudo, amount, currency_id=currency_sudo.id
        )
        if self._cast_as_int(kwargs.get("provider_id")) not in providers_sudo.ids:
            raise ValidationError(
                request.env._("This way to pay is not available. Choose another one.")
            )
        self._check_credit_stored(kwargs)
        moves_sudo = self._get_credit_moves(rows)
        kwargs |= {
            "amount": amount,
            "currency_id": currency_sudo.id,
            "partner_id": partner_sudo.id,
            "is_validation": False,
            "landing_route": self._get_credit_url(profile_sudo, access_token),
            "reference_prefix": self._get_credit_reference(profile_sudo, moves_sudo),
        }
        transaction_sudo = self._create_transaction(
            custom_create_values={"invoice_ids": [Command.set(moves_sudo.ids)]},
            **kwargs,
        )
        return transaction_sudo._get_processing_values()

    # === WHAT MAY BE PAID === #

    def _get_overdue_invoices_domain(self, partner_id=None):
        """Override of `account`: what is paid in parts is not asked for as a whole."""
        domain = super()._get_overdue_invoices_domain(partner_id)
        partner = partner_id or request.env.user.partner_id.id
        planned_sudo = (
            request.env["credit.payment.plan.item"]
            .sudo()  # sudo: only to leave out invoices of the visitor
            .search(
                [("state", "=", "active"), ("move_id.partner_id", "=", partner)],
            )
        )
        if planned_sudo.move_id:
            domain.append(("id", "not in", planned_sudo.move_id.ids))
        return domain

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: offer to pay what is ticked, or all that is overdue.

        Where the company has a way to pay online; else the page says how to transfer.
        """
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        can_pay = profile_sudo and self._get_credit_providers(profile_sudo, 0.0)
        values["pay_form"] = can_pay and {
            "url": f"{profile_sudo.access_url}/pay",
            "access_token": request.params.get("access_token"),
        }
        return values

    def _choose_credit_rows(self, profile_sudo, currency, items):
        """Return what was chosen and may be paid online now: rows of plain values.

        :param items: ids with dashes between, or "overdue" for all that is overdue:
            then credits are taken off, as letter and page do
        """
        company_sudo, partner_sudo = profile_sudo.company_id, profile_sudo.partner_id
        facts = self._gather_credit_facts(company_sudo, partner_sudo)
        kinds = self._sort_credit_items(facts)
        payable = kinds["overdue"] + kinds["upcoming"]
        if items == ALL_OVERDUE:
            # What is paid in parts is asked for on the page of its plan.
            payable = [i for i in kinds["overdue"] if i.ref not in facts.planned]
        else:
            wanted = {int(word) for word in items.split("-") if word.isdecimal()}
            payable = [item for item in payable if item.ref in wanted]
        # sudo: the items are the customer's own; rows hold what a customer may see.
        lines_sudo = (
            request.env["account.move.line"].sudo().browse(i.ref for i in payable)
        )
        rows = [
            {
                "item": item.ref,
                "move": line_sudo.move_id.id,
                "name": line_sudo.move_id.name,
                "due_date": line_sudo.date_maturity,
                "currency": line_sudo.currency_id,
                # What is in dispute is not asked for.
                "amount": float(self._get_asked_amount(facts, item)),
            }
            for item, line_sudo in zip(payable, lines_sudo, strict=True)
            if line_sudo.currency_id.name == currency
            and self._can_pay_credit_item(item, line_sudo)
            and self._get_asked_amount(facts, item) > 0
            and not self._has_credit_discount(facts, line_sudo.move_id)
        ]
        if rows and items == ALL_OVERDUE:
            rows += self._prepare_credits_row(facts, rows)
        return rows if self._sum_credit_rows(rows) > 0 else []

    def _prepare_credits_row(self, facts, rows):
        """Return the row, if any, of the credits in the currency of other rows."""
        currency_sudo = rows[0]["currency"]
        amount = sum(
            credit.amount
            for customer in facts.customers.values()
            for credit in customer.credits
            if credit.currency == currency_sudo.id
        )
        if not amount:
            return []
        return [
            {
                "item": None,
                "move": None,
                "name": request.env._("Credits not applied"),
                "due_date": False,
                "currency": currency_sudo,
                "amount": -float(amount),
            }
        ]

    def _sum_credit_rows(self, rows):
        """Return what the rows come to, in their currency, rounded as it is."""
        total = sum(row["amount"] for row in rows)
        return rows[0]["currency"].round(total) if rows else 0.0

    def _get_credit_moves(self, rows):
        """Return the invoices of the rows, each once."""
        ids = dict.fromkeys(row["move"] for row in rows if row["move"])
        # sudo: invoices of the customer, proved by its link or login.
        return request.env["account.move"].sudo().browse(ids)

    def _get_credit_payer(self, profile_sudo):
        """Return who pays: whose login it is, or the customer whose link it is.

        As the host has it: saved ways to pay belong to whoever is logged in.
        """
        user = request.env.user
        # sudo: the partner of the visitor or of the proved link.
        return profile_sudo.partner_id if user._is_public() else user.partner_id.sudo()

    def _get_credit_providers(self, profile_sudo, amount, **kwargs):
        """Return the ways to pay online that the visitor has."""
        return (
            request.env["payment.provider"]
            .sudo()  # sudo: which ways to pay there are is told to whoever may pay
            ._get_compatible_providers(
                profile_sudo.company_id.id,
                self._get_credit_payer(profile_sudo).id,
                amount,
                **kwargs,
            )
        )

    def _get_credit_form_values(self, data, access_token):
        """Return what the host's form needs to pay.

        Who has a link and no login may pay, and neither sees nor stores a way to pay:
        links are forwarded, and what is stored can be charged.
        """
        values = self._get_common_page_view_values(data, access_token=access_token)
        if request.env.user._is_public():
            shown = values["show_tokenize_input_mapping"]
            values |= {
                "tokens_sudo": values["tokens_sudo"].browse(),
                "show_tokenize_input_mapping": dict.fromkeys(shown, False),
            }
        return values

    def _check_credit_stored(self, sent):
        """Let a stored way to pay be charged by the person alone who stored it.

        The host asks only whether it is of the same customer, and links are forwarded.

        :param sent: what the form sent; its provider was checked
        :raise ValidationError: it is not the visitor's own
        """
        user = request.env.user
        if user._is_public():
            sent["tokenization_requested"] = False
        if sent.get("flow") != "token":
            return
        provider_id = self._cast_as_int(sent.get("provider_id"))
        own_sudo = (
            request.env["payment.token"]
            .sudo()  # sudo: as the host has it, those of the visitor
            ._get_available_tokens([provider_id], user.partner_id.id)
        )
        token_id = self._cast_as_int(sent.get("token_id"))
        if user._is_public() or token_id not in own_sudo.ids:
            raise ValidationError(
                request.env._("This way to pay is not available. Choose another one.")
            )

    def _get_credit_reference(self, profile_sudo, moves_sudo):
        """Return what stands on the payment: the invoice, or a number for several."""
        if len(moves_sudo) == 1:
            return None  # the host takes its name
        return profile_sudo.company_id.get_next_batch_payment_communication()

    def _get_credit_url(self, profile_sudo, access_token):
        query = f"?{urlencode({'access_token': access_token})}" if access_token else ""
        return f"{profile_sudo.access_url}{query}"

    def _prepare_credit_pay_values(self, profile_sudo, currency, items, access_token):
        """Return the values of the form: those of the host's page of an invoice."""
        rows = self._choose_credit_rows(profile_sudo, currency, items)
        back = self._get_credit_url(profile_sudo, access_token)
        company_sudo = profile_sudo.company_id
        values = {
            "page_name": "credit",
            "credit_company_name": company_sudo.name,
            "res_company": company_sudo,
            "rows": rows,
            "back_url": back,
        }
        if not rows:
            return values
        amount = self._sum_credit_rows(rows)
        chosen = items
        if items != ALL_OVERDUE:
            chosen = "-".join(str(row["item"]) for row in rows)
        return (
            values
            | self._get_credit_form_values(
                {
                    "partner": profile_sudo.partner_id,
                    "company": company_sudo,
                    "total_amount": amount,
                    "currency": rows[0]["currency"],
                    "amount_residual": amount,
                    "landing_route": back,
                    "transaction_route": (
                        f"{profile_sudo.access_url}/transaction/{currency}/{chosen}"
                    ),
                },
                access_token,
            )
            | {"amount": amount}
        )
