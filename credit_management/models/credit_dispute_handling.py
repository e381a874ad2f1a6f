from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_amount, format_date, plaintext2html

from ..logic import dispute as rule


class CreditDisputeHandling(models.Model):
    """What people do with a case, and what the customer hears of it."""

    _inherit = "credit.dispute"  # pylint: disable=consider-merging-classes-inherited

    # === ACTION METHODS === #

    def action_start(self):
        """Begin to look into it."""
        self.check_access("write")
        self._move(rule.IN_PROGRESS)

    def action_resume(self):
        """Go on without an answer of the customer; the clock runs again."""
        self.check_access("write")
        self._resume()

    def action_hand_over(self):
        """Give cases that one has looked into to the collector, who settles them."""
        self.check_access("write")
        self._check_is_open()
        name = self.env.user.name
        for dispute in self:
            # sudo: who looks after a customer, and the change itself.
            dispute_sudo = dispute.sudo()
            collector = dispute_sudo.profile_id._get_informed_user(
                self.env["res.users"]
            )
            dispute_sudo.activity_unlink(
                ["mail.mail_activity_data_todo"], user_id=self.env.uid
            )
            dispute_sudo._give_task(
                collector,
                lambda env: env._(
                    "%(name)s looked into the dispute: settle it", name=name
                ),
                dispute_sudo.deadline,
            )
            dispute_sudo.user_id = collector
        return self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dispute_action"
        )

    def action_confirm_hold(self):
        """Let a repeated dispute hold reminders back."""
        self.check_access("write")
        self._check_may_settle()
        self._check_is_open()
        # sudo: what happened is written by what happens, after the checks.
        self.sudo().is_unconfirmed = False

    def action_ask_customer(self):
        """Open the window to ask the customer something."""
        return self._open_settle("ask")

    def action_accept(self):
        """Open the window to accept, in full or in part."""
        return self._open_settle("accept")

    def action_reject(self):
        """Open the window to reject."""
        return self._open_settle("reject")

    def action_withdraw(self):
        """Open the window to note that the customer dropped it."""
        return self._open_settle("withdraw")

    def _open_settle(self, kind):
        self.ensure_one()
        self.check_access("write")
        if kind != "ask":
            self._check_may_settle()
        self._check_is_open()
        wizard = self.env["credit.dispute.settle"].create(
            {"dispute_id": self.id, "kind": kind}
        )
        return {
            "type": "ir.actions.act_window",
            "name": wizard._get_title(),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_approve(self):
        """Approve a credit that was asked for, and make it."""
        self._check_is_manager()
        for dispute in self:
            if dispute.approval != "asked":
                raise UserError(
                    self.env._(
                        "Nobody asked to approve dispute %(name)s.", name=dispute.name
                    )
                )
            # sudo: what happened is written by what happens, after the checks.
            dispute.sudo().approval = "approved"
            dispute._accept(dispute.answer, dispute.pay_by)

    def action_refuse_approval(self):
        """Give a credit back to the owner, who decides anew."""
        self.check_access("write")
        self._check_may_settle()
        for dispute in self.filtered(lambda each: each.approval == "asked"):
            # sudo: what happened is written by what happens, after the checks.
            dispute_sudo = dispute.sudo()
            dispute_sudo.write(
                {
                    "approval": False,
                    "answer": False,
                    "pay_by": False,
                    "is_write_off": False,
                }
            )
            dispute_sudo._give_task(
                dispute.user_id,
                lambda env: env._("The credit was not approved: decide anew"),
            )

    def action_view_credit_notes(self):
        """Open the credit notes that settled it."""
        self.ensure_one()
        self.check_access("read")
        return self.credit_note_ids._get_records_action(name=self.env._("Credit Notes"))

    def action_view_write_off(self):
        """Open the entry that wrote the amount off."""
        self.ensure_one()
        self.check_access("read")
        return self.write_off_id._get_records_action(name=self.env._("Write-Off"))

    def action_view_invoices(self):
        """Open the invoices that it is about."""
        self.ensure_one()
        self.check_access("read")
        return self.move_ids._get_records_action(name=self.env._("Invoices"))

    def action_view_earlier(self):
        """Open the disputes about the same invoices that were settled before."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Earlier Disputes"),
            "res_model": self._name,
            "view_mode": "list,form",
            "domain": self._get_earlier_domain(self),
            "context": {},
        }

    def action_view_customer_page(self):
        """Open the page that the customer sees."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_url",
            "url": self._get_customer_url(),
            "target": "new",
        }

    def action_open_profile(self):
        """Open the credit file of the customer."""
        self.ensure_one()
        self.check_access("read")
        return self.profile_id._get_records_action()

    def _check_may_settle(self):
        """Refuse owners outside the credit groups.

        :raise AccessError: says what they may do instead
        """
        if not self.env["credit.profile"].has_access("read"):
            raise AccessError(
                self.env._(
                    "Disputes are settled by a collector. Note what you found, say in"
                    " the lines how much you accept, and hand the dispute over."
                )
            )

    def _check_is_manager(self):
        self.check_access("write")
        if not self.env.user.has_group("credit_management.group_credit_manager"):
            raise AccessError(
                self.env._("Only a credit manager approves credits of this amount.")
            )

    # === BUSINESS METHODS === #

    def _resume(self):
        """Let the clock run again."""
        for dispute in self.filtered(lambda each: each.state == rule.WAITING):
            dispute._move(rule.IN_PROGRESS)

    def _ask(self, question):
        """Ask the customer something; the clock stands still until the answer."""
        self.ensure_one()
        self._move(rule.WAITING)
        self._tell_customer(
            self._speak().env._("We have a question about your dispute."), question
        )

    def _reject(self, answer, pay_by):
        """Reject it: the customer gets a new day to pay, and is chased after it."""
        self.ensure_one()
        self.line_ids.sudo().write({"amount_accepted": 0})
        self._move(rule.REJECTED, answer=answer, pay_by=pay_by)
        spoken = self._speak()
        self._tell_customer(
            spoken.env._(
                "We looked into your dispute and cannot agree with it. Please pay"
                " %(amount)s by %(day)s.",
                amount=spoken._say_amount(self.amount_disputed),
                day=format_date(spoken.env, pay_by),
            ),
            answer,
        )

    def _withdraw(self, answer="", closed_by="customer"):
        """Note that the customer does not hold to it any more."""
        self.ensure_one()
        self.line_ids.sudo().write({"amount_accepted": 0})
        self._move(rule.WITHDRAWN, answer=answer, closed_by=closed_by)
        self._tell_customer(
            self._speak().env._("The dispute is withdrawn. Thank you!")
            if closed_by == "customer"
            else self._speak().env._(
                "What you disputed was paid: the dispute is settled. Thank you!"
            ),
            answer,
        )

    def _tell_opened(self):
        """Tell the customer that we have it, and when we answer."""
        self.ensure_one()
        spoken = self._speak()
        self._tell_customer(
            spoken.env._(
                "We received your dispute %(name)s about %(invoices)s: %(amount)s. You"
                " hear from us by %(day)s.",
                name=self.name,
                invoices=self.invoice_names,
                amount=spoken._say_amount(self.amount_disputed),
                day=format_date(spoken.env, self.deadline),
            )
        )

    # === THE TALK === #

    def _say_amount(self, amount):
        return format_amount(self.env, amount, self.currency_id)

    def _tell_customer(self, sentence, text=""):
        """Say something to the customer: on the page, and by mail where mails go.

        :param sentence: ours, in the customer's language
        :param text: of a person, plain
        """
        self.ensure_one()
        # sudo: it is the program that tells, after the checks of whoever acts.
        spoken = self.sudo()._speak()
        subject = spoken.env._(
            "Dispute %(name)s – %(invoices)s",
            name=self.name,
            invoices=self.invoice_names,
        )
        spoken._post_to_customer(subject, sentence, text, dispute=spoken)

    def _hear_customer(self, text, author, attachments=(), by_link=False):
        """Take what a customer writes on the page; the clock runs again.

        :param text: plain
        :param author: partner of the login; that of the public for who has the link
        :param attachments: list of (name, content), checked already
        """
        self.ensure_one()
        dispute_sudo = self.sudo()
        body = plaintext2html(text or self.env._("See the files."))
        if by_link:
            body = (
                self.env["ir.qweb"]._render(
                    "credit_management.credit_dispute_by_link",
                    {"words": dispute_sudo.env._("Written by link")},
                )
                + body
            )
        message = dispute_sudo.with_context(
            mail_create_nosubscribe=True, mail_post_autofollow=False
        ).message_post(
            body=body,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            author_id=author.id,
            attachments=list(attachments),
            force_send=False,
        )
        dispute_sudo._resume()
        return message

    def _message_post_after_hook(self, message, msg_vals):
        """Override of `mail`: an answer by e-mail lets the clock run again."""
        res = super()._message_post_after_hook(message, msg_vals)
        if message.message_type == "email" and self.state == rule.WAITING:
            self.sudo()._resume()
        return res

    def _get_customer_messages(self):
        """Return, with sudo, what customer and house said to each other, in order."""
        self.ensure_one()
        comment = self.env.ref("mail.mt_comment")
        # sudo: the talk with the customer; notes of the house are no comments.
        return (
            self.env["mail.message"]
            .sudo()
            .search(
                [
                    ("model", "=", self._name),
                    ("res_id", "=", self.id),
                    ("subtype_id", "=", comment.id),
                    ("is_internal", "=", False),
                    ("message_type", "in", ("comment", "email")),
                ],
                order="id",
            )
        )

    def _get_talk_items(self):
        """Override: the receivable items of its invoices."""
        return self.line_ids.move_id.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )

    def _get_customer_url(self):
        """Return the address of the customer's page, good without a login."""
        self.ensure_one()
        # sudo: whoever handles it hands out its link.
        dispute_sudo = self.sudo()
        dispute_sudo._portal_ensure_token()
        return dispute_sudo.get_base_url() + dispute_sudo.get_portal_url()

    def _get_page_button(self):
        """Override: the page of the case."""
        return {"url": self._get_customer_url(), "title": self.env._("View Dispute")}
