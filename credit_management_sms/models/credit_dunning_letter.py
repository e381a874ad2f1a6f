from odoo import api, fields, models
from odoo.tools import format_amount, format_date

from .phone import find_mobile

# The service has taken it: it is a message.
LEFT_STATES = ("sent", "delivered")


class CreditDunningLetter(models.Model):
    """The SMS of a letter: to whom, what it says, and what became of it.

    What it said and where it went is kept here: the host deletes its own.
    """

    _inherit = "credit.dunning.letter"

    send_sms = fields.Boolean(related="level_id.send_sms", string="Level Sends SMS")
    sms_state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("sent", "Sent"),
            ("delivered", "Delivered"),
            ("unknown", "Unknown"),
            ("failed", "Failed"),
            ("left_out", "Not Sent"),
        ],
        string="SMS",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    sms_reason = fields.Char(string="Why the SMS", readonly=True, copy=False)
    sms_leads = fields.Boolean(
        string="By SMS Only",
        readonly=True,
        copy=False,
        help="Neither an e-mail nor paper carries this letter: what becomes of the SMS"
        " becomes of the letter.",
    )
    sms_number = fields.Char(string="SMS To", readonly=True, copy=False)
    sms_body = fields.Text(string="SMS as Sent", readonly=True, copy=False)
    sms_uuid = fields.Char(
        string="SMS Key",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The SMS service knows the SMS by this; it stays the same when the SMS is"
        " tried again.",
    )
    sms_not_before = fields.Datetime(string="SMS Not Before", readonly=True, copy=False)
    sms_sent_date = fields.Datetime(string="SMS Sent On", readonly=True, copy=False)
    sms_claimed_date = fields.Datetime(
        string="SMS Claimed On",
        readonly=True,
        copy=False,
        help="When the SMS was taken to the service. Found claimed and still waiting,"
        " it is not known whether it left.",
    )
    sms_attempt_count = fields.Integer(
        string="SMS Attempts", default=0, readonly=True, copy=False
    )

    # === COMPUTE METHODS === #

    @api.depends("level_id.send_sms")
    def _compute_flags(self):
        """Override of `credit_management` to point at those without a number."""
        res = super()._compute_flags()
        by_sms = self.filtered(
            lambda letter: letter.send_sms and letter.state in ("proposed", "queued")
        )
        for letter, (number, _reason) in by_sms._find_sms_numbers().items():
            if not number:
                flags = [letter.flags, self.env._("no number for the SMS")]
                letter.flags = ", ".join(filter(None, flags))
        return res

    # === BUSINESS METHODS - TEXT === #

    def _render_sms_texts(self):
        """Return what the SMS of these letters say, each in its own language.

        :return: dict letter -> text
        """
        return {letter: letter._render_sms_text() for letter in self}

    def _render_sms_text(self):
        self.ensure_one()
        letter = self.with_context(lang=self.lang)
        profile = letter.profile_id
        profile._get_customer_url()  # its token, which the short link is made of
        amount = letter.amount_total or letter.amount_upcoming
        return letter.level_id._fill_sms_text(
            {
                "company": letter.company_id.name,
                "amount": format_amount(letter.env, amount, letter.currency_id),
                "count": str(letter.chased_count),
                "date": format_date(letter.env, letter.pay_by_date),
                "link": profile._get_short_url(),
            }
        )

    def _describe_recipients(self):
        """Override of `credit_management`: it may have gone to a telephone."""
        if self.sms_leads and self.sms_state in LEFT_STATES:
            return self.sms_number
        return super()._describe_recipients()

    # === BUSINESS METHODS - WHOM === #

    def _find_sms_numbers(self):
        """Return where the SMS of these letters go: the contact, else the customer.

        :return: dict letter -> (number or None, why there is none)
        """
        found = {letter: letter._find_written_numbers() for letter in self}
        numbers = {number for pairs in found.values() for _w, number in pairs if number}
        # sudo: whoever sends letters minds a list that only few may read.
        blocked = set(
            self.env["phone.blacklist"]
            .sudo()
            .search([("number", "in", list(numbers))])
            .mapped("number")
        )
        return {
            letter: letter._choose_sms_number(pairs, blocked)
            for letter, pairs in found.items()
        }

    def _choose_sms_number(self, pairs, blocked):
        if self._is_redirected():
            number = self.company_id._credit_redirect_number()
            return number, self.env._("Redirected, and there is no redirect number")
        reason = self.env._("The customer has no telephone number")
        for written, number in pairs:
            if not number:
                reason = self.env._(
                    "“%(number)s” is no number of a mobile telephone", number=written
                )
            elif number in blocked:
                reason = self.env._(
                    "%(number)s wants no SMS: it is on the blacklist", number=number
                )
            else:
                return number, False
        return None, reason

    def _find_written_numbers(self):
        """Return the numbers of contact and customer: as written, and for the wire."""
        self.ensure_one()
        # sudo: the number of a contact is used, not shown, whoever sends the letter.
        contacts_sudo = (
            self.recipient_ids or self.partner_id
        ).sudo() | self.commercial_partner_id.sudo()
        home = self.company_id.country_id
        return [
            (partner_sudo[name], find_mobile(partner_sudo, partner_sudo[name], home))
            for partner_sudo in contacts_sudo
            for name in partner_sudo._phone_get_number_fields()
            if partner_sudo[name]
        ]

    def _is_redirected(self):
        """Say whether the letter goes, or would go now, to the company itself."""
        if self.state in ("proposed", "queued") and not self.message_date:
            return self.company_id.credit_mode == "redirect"
        return self.is_test

    def _get_sms_opening(self):
        """Return when the SMS may go, in UTC, or False if it may go now."""
        self.ensure_one()
        # sudo: where a customer is, is no secret to whoever writes to it.
        customer_sudo = self.commercial_partner_id.sudo()
        redirected = self._is_redirected()
        return self.company_id._credit_sms_opening(
            customer_sudo.browse() if redirected else customer_sudo,
            self.policy_id.working_days_only,
        )
