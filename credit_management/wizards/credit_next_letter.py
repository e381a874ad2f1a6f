from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..logic import dunning


class _NothingHappened(Exception):
    """Ends a savepoint in which a letter was written only to be looked at."""


class CreditNextLetter(models.TransientModel):
    """Shows the letter that would go to a customer next, as it would go on that day.

    Made by deciding for that day with the rule, writing the letter as ever, rendering
    it as it is rendered when it goes, and taking all of it back.
    """

    _name = "credit.next.letter"
    _description = "Next Dunning Letter"

    profile_id = fields.Many2one("credit.profile", readonly=True, ondelete="cascade")
    day = fields.Date(string="Would Go On", readonly=True)
    level_id = fields.Many2one("credit.dunning.level", readonly=True)
    recipient_emails = fields.Char(string="To", readonly=True)
    email_cc = fields.Char(string="Cc", readonly=True)
    lang = fields.Char(string="Language", readonly=True)
    subject = fields.Char(readonly=True)
    body = fields.Html(sanitize=False, readonly=True)
    next_id = fields.Many2one("credit.next.letter", readonly=True)
    position = fields.Char(readonly=True)

    # === ACTION METHODS === #

    def action_next(self):
        """Show the other letter that would go on the same day."""
        self.ensure_one()
        self.check_access("read")
        return self.next_id._show()

    def _show(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Next Letter"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    # === BUSINESS METHODS === #

    @api.model
    def _preview(self, profile):
        """Return the windows with what would go to a customer next.

        :raise UserError: nothing would go, with the reason
        """
        profile._get_customer_url()  # its token: the links in the preview work
        vals_list = []
        try:
            with self.env.cr.savepoint():
                vals_list = self._write_and_read(profile)
                raise _NothingHappened
        except _NothingHappened:
            self.env.invalidate_all()
        count = len(vals_list)
        # sudo: the window tells what is so; nobody writes into it by hand.
        windows = self.sudo().create(
            [
                vals | {"position": f"{index}/{count}" if count > 1 else False}
                for index, vals in enumerate(vals_list, start=1)
            ]
        )
        for window, other in zip(windows, windows[1:] | windows[:1], strict=True):
            window.next_id = other if other != window else False
        return windows.sudo(False)

    @api.model
    def _write_and_read(self, profile):
        """Write the letters of the next day and return what they say."""
        company = profile.company_id
        # sudo: nothing of it stays; who may read the file may see what would go.
        letters_sudo = self.env["credit.dunning.letter"].sudo()
        day = company._credit_today()
        if profile.next_action_date and profile.next_action_date > day:
            day = profile.next_action_date
        gatherer = letters_sudo.with_company(company).env["credit.dunning.facts"]
        facts = gatherer._gather(company, day, profile.partner_id)
        decision = dict(facts.decide()).get(profile.partner_id.id)
        if not decision or not decision.messages:
            raise UserError(self._say_why_nothing(profile, day, decision))
        run_sudo = (
            self.env["credit.dunning.run"]
            .sudo()
            .with_context(tracking_disable=True)  # no trace of what is taken back
            .create({"company_id": company.id, "date": company._credit_today()})
        )
        letters = letters_sudo._create_from_messages(
            run_sudo,
            facts,
            [(profile.partner_id.id, message) for message in decision.messages],
        )
        texts = letters._render_texts()
        return [
            {
                "profile_id": profile.id,
                "day": day,
                "level_id": letter.level_id.id,
                "recipient_emails": letter.recipient_emails,
                "email_cc": letter.email_cc,
                "lang": letter.language,
                "subject": texts[letter.id][0],
                "body": texts[letter.id][1],
            }
            for letter in letters
        ]

    @api.model
    def _say_why_nothing(self, profile, day, decision):
        """Say why nothing would go on a day."""
        overdue = [
            outcome
            for outcome in (decision.outcomes if decision else ())
            if not outcome.item.due_date or outcome.item.due_date < day
        ]
        reason = max(overdue, key=lambda outcome: outcome.amount, default=None)
        Letter = self.env["credit.dunning.letter"]
        return self.env._(
            "No letter would go to %(customer)s on %(day)s: %(reason)s",
            customer=profile.partner_id.display_name,
            day=format_date(self.env, day),
            reason=Letter._say(reason.reason)
            if reason and reason.reason != dunning.CHASED
            else self.env._("Nothing is overdue."),
        )
