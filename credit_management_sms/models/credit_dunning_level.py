from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_amount, format_date

from ..logic import text

# What the example in the form of a level claims.
SAMPLE_AMOUNT = 1234.5
SAMPLE_PATH = "/c/1234/0123456789abcdef"


class CreditDunningLevel(models.Model):
    _inherit = "credit.dunning.level"

    send_sms = fields.Boolean(
        string="SMS",
        default=False,
        help="A text message with a link to the customer's page, beside the e-mail or"
        " by itself. It goes at most once, and the SMS service charges for it.",
    )
    sms_text = fields.Text(
        string="SMS Text",
        translate=True,
        help="What the SMS says, in each language. Empty: the standard text, in the"
        " customer's language. Filled in are {company}, {amount}, {count} (of items),"
        " {date} (to pay by) and {link}.",
    )
    sms_sample = fields.Text(
        string="SMS Example",
        compute="_compute_sms_sample",
        help="What would be sent, with made-up figures, in your language.",
    )
    sms_size = fields.Char(
        string="SMS Length",
        compute="_compute_sms_sample",
        help="The SMS service charges for each part: 160 characters, or 153 where there"
        " are several. Letters that its alphabet lacks make the parts of 67 to 70.",
    )

    # === COMPUTE METHODS === #

    @api.depends_context("lang", "company")
    @api.depends(
        "send_sms", "sms_text", "is_reminder", "deadline_days", "sequence", "delay_days"
    )
    def _compute_sms_sample(self):
        for level in self:
            company = level.company_id or self.env.company
            pay_by = company._credit_today() + timedelta(days=level.deadline_days)
            level.sms_sample = level._fill_sms_text(
                {
                    "company": company.name,
                    "amount": format_amount(
                        self.env, SAMPLE_AMOUNT, company.currency_id
                    ),
                    "count": "2",
                    "date": format_date(self.env, pay_by),
                    "link": company.get_base_url() + SAMPLE_PATH,
                }
            )
            level.sms_size = self._say_sms_size(level.sms_sample)

    # === CONSTRAINT METHODS === #

    @api.constrains("sms_text")
    def _check_sms_text(self):
        for level in self:
            unknown = text.find_unknown_places(level.sms_text or "")
            if unknown:
                raise ValidationError(
                    self.env._(
                        "The SMS text of level “%(level)s” asks for {%(unknown)s},"
                        " which is not known. Filled in are: %(known)s.",
                        level=level.name,
                        unknown="}, {".join(unknown),
                        known=", ".join(f"{{{name}}}" for name in text.PLACES),
                    )
                )

    @api.constrains("send_sms")
    def _check_sms_channel(self):
        self._check_channel()

    # === BUSINESS METHODS === #

    def _writes_to_customer(self):
        """Override of `credit_management`: an SMS reaches the customer as well."""
        return self.send_sms or super()._writes_to_customer()

    def _fill_sms_text(self, values):
        """Return what the SMS says, in the language of the environment.

        :param values: dict place -> text, for each of ``text.PLACES``
        """
        self.ensure_one()
        template = self.sms_text or self._get_standard_sms_text()
        return text.simplify(text.fill(template, values))

    def _get_standard_sms_text(self):
        """Return the text of a level that has none of its own."""
        if self.is_reminder:
            return self.env._(
                "{company}: {amount} falls due soon. Details and payment: {link} Paid"
                " already? Then ignore this message."
            )
        if self._is_last():
            return self.env._(
                "{company}: last reminder. {amount} is still open. Please pay by {date}"
                " to avoid further steps. Details and payment: {link}"
            )
        return self.env._(
            "{company}: {amount} is overdue. Please pay by {date}. Details and payment:"
            " {link} Paid already? Then ignore this message."
        )

    def _is_last(self):
        """Say whether no level of the policy comes after this one."""
        levels = self.policy_id.level_ids.filtered(lambda level: not level.is_reminder)
        last = levels.sorted(lambda level: (level.sequence, level.delay_days))[-1:]
        return len(levels) > 1 and self == last

    @api.model
    def _say_sms_size(self, body):
        """Say how long an SMS is, and in how many parts it is sent and paid."""
        parts, count = text.count_parts(body or ""), text.count_characters(body or "")
        if parts == 1:
            return self.env._("1 part (%(count)s characters)", count=count)
        return self.env._(
            "%(parts)s parts (%(count)s characters)", parts=parts, count=count
        )
