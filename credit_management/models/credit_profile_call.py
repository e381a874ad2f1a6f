from odoo import api, models
from odoo.tools import format_date, format_datetime

SHOWN_ITEMS = 10
SHOWN_LETTERS = 3
SHOWN_CALLS = 3


class CreditProfileCall(models.Model):
    """What whoever calls a customer wants to know first."""

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    def _get_call_script(self):
        """Return what to say: of the level reached, else of the one that comes."""
        # sudo: what to say is for whoever calls.
        profile_sudo = self.sudo()
        return (
            profile_sudo.level_id.activity_note
            or profile_sudo.next_level_id.activity_note
            or ""
        )

    def _render_call_facts(self, script=""):
        """Render what is owed, since when, what was said, and whom to call.

        Amounts and days are in the language of the environment.

        :param script: what to say, where it is not shown elsewhere
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: contacts and letters of the customer are shown to whoever calls it.
        profile_sudo = self.sudo()
        return profile_sudo._render_facts(
            profile_sudo._prepare_call_facts() | {"script": script}
        )

    @api.model
    def _render_facts(self, values):
        """Render facts as HTML, for the window of a call and for its activity."""
        more = len(values["items"]) - SHOWN_ITEMS
        return self.env["ir.qweb"]._render(
            "credit_management.credit_call_facts",
            values
            | {
                "shown": SHOWN_ITEMS,
                "more": more > 0
                and self.env._("and %(count)s more on the credit file", count=more),
            },
        )

    @api.model
    def _say_oldest(self, day, days_late):
        return self.env._(
            "oldest due %(day)s, %(days)s days late",
            day=format_date(self.env, day),
            days=days_late,
        )

    def _prepare_call_facts(self):
        """Return the values of the facts; extend to tell the caller more."""
        self.ensure_one()
        today = self.company_id._credit_today()
        contacts = self._get_next_contacts()[self.partner_id.id]
        rows = [
            {
                "name": row["move_name"],
                "due_date": format_date(self.env, row["date_maturity"]),
                "days_late": max((today - row["date_maturity"]).days, 0)
                if row["date_maturity"]
                else 0,
                "amount": self.env["res.currency"]
                .browse(row["currency_id"])
                .format(float(row["residual"])),
            }
            for row in self.env["credit.dunning.facts"]._read_lines(
                self.company_id, self.partner_id
            )
            if row["residual"] > 0
            and (not row["date_maturity"] or row["date_maturity"] < today)
        ]
        currency = self.company_id.currency_id
        return {
            "overdue": currency.format(self.overdue_amount),
            "open_amount": currency.format(self.open_amount),
            "receipts": self.receipt_amount
            and self.env._(
                "%(amount)s not matched yet: look there first",
                amount=currency.format(self.receipt_amount),
            ),
            "credits": self.unapplied_amount
            and self.env._(
                "%(amount)s not applied", amount=currency.format(self.unapplied_amount)
            ),
            "oldest": self.oldest_due_date
            and self.oldest_due_date < today
            and self._say_oldest(
                self.oldest_due_date, (today - self.oldest_due_date).days
            ),
            "items": rows,
            "phones": self._find_phones(contacts),
            "language": self.lang,
            "letters": [
                {
                    "day": format_date(self.env, letter.message_date),
                    "level": letter.level_id.name,
                    "amount": letter.currency_id.format(
                        letter.amount_total or letter.amount_upcoming
                    ),
                }
                for letter in self.env["credit.dunning.letter"].search(
                    [
                        ("profile_id", "=", self.id),
                        ("state", "=", "sent"),
                        ("message_date", "!=", False),
                    ],
                    order="message_date desc, id desc",
                    limit=SHOWN_LETTERS,
                )
            ],
            "calls": [
                {
                    "day": format_datetime(self.env, call.date, dt_format="short"),
                    "result": dict(
                        call._fields["result"]._description_selection(self.env)
                    )[call.result],
                    "user": call.user_id.name,
                    "note": call.note or "",
                }
                for call in self.env["credit.call"].search(
                    [("profile_id", "=", self.id)], limit=SHOWN_CALLS
                )
            ],
        }

    def _find_phones(self, contacts):
        """Return whom to call and under which number.

        :param contacts: who is written to, called before the others
        :return: list of (name, number)
        """
        customer = self.partner_id
        people = (contacts | customer | customer.child_ids).filtered(
            lambda contact: contact.active and contact.phone
        )
        found, seen = [], set()
        for contact in people:
            if contact.phone not in seen:
                seen.add(contact.phone)
                found.append((contact.name or contact.display_name, contact.phone))
        return found
