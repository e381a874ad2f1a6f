from odoo import fields, models

from ..logic.money import to_decimal


class CreditDunningLetterPlan(models.Model):
    """Where an offer fits what a letter asks for: it says so, once for a whole run."""

    # Plans are another matter, in a file of their own.
    _inherit = "credit.dunning.letter"  # pylint: disable=consider-merging-classes-inherited

    plan_words = fields.Char(
        string="Pay in Parts",
        readonly=True,
        copy=False,
        help="What the letter says of paying in parts, as it was sent.",
    )

    # === BUSINESS METHODS - PAID IN PARTS === #

    def _find_plan_words(self):
        """Return what letters say of paying in parts, each in its own language.

        Only where an offer is open to the customer for all that the letter asks for;
        whether it is, is read for all letters at once.

        :return: dict letter id -> words
        """
        words = {}
        for company, letters in self.grouped("company_id").items():
            company_sudo = company.sudo()  # sudo: what is offered is told to customers
            asked = {
                letter.id: (
                    letter.commercial_partner_id._origin.id,
                    letter._get_plannable_total(),
                )
                for letter in letters
                if company_sudo.credit_portal_plans and letter._may_say_plan()
            }
            Offer = self.env["credit.payment.plan.offer"]
            offers_sudo = Offer._find_open(company, asked) if asked else {}
            for letter in letters:
                if offer_sudo := offers_sudo.get(letter.id):
                    spoken = letter.with_context(lang=letter.lang)
                    words[letter.id] = spoken._say_plan_offer(offer_sudo)
        return words

    def _may_say_plan(self):
        """Say whether the level lets customers pay in parts; not one who is made up."""
        self.ensure_one()
        level_sudo = self.level_id.sudo()  # sudo: what a level does, whoever sends
        return (
            level_sudo.offer_plans
            and not level_sudo.is_reminder
            and bool(self.profile_id._origin)
        )

    def _get_plannable_total(self):
        """Return what a plan about all that is overdue would come to.

        In company currency. Credits are not taken off, and what is in dispute is part
        of it: a plan is about the invoices.
        """
        self.ensure_one()
        total = 0.0
        for line in self.line_ids:
            if line.is_excluded or line.kind == "credit" or line.is_reminder:
                continue
            share = 1 + line.disputed_amount / line.amount if line.amount else 1
            total += line.amount_company * share
        return to_decimal(self.company_id.currency_id.round(total))

    def _say_plan_offer(self, offer_sudo):
        """Put an offer into words for a letter, in the language of this record."""
        # sudo: what is offered is told to customers
        most = self.company_id.sudo().credit_plan_most_parts
        words = self.env._(
            "You can pay this in up to %(parts)s parts within %(days)s days.",
            parts=min(offer_sudo.most_parts, most),
            days=offer_sudo.longest_days,
        )
        if offer_sudo.first_now:
            words += " " + self.env._("The first part is paid at once.")
        spoken_sudo = offer_sudo.with_context(lang=self.env.lang)
        if cost := spoken_sudo._say_cost(self.commercial_partner_id):
            words += " " + cost
        return words

    def _get_plan_form_url(self):
        """Return where the customer chooses the parts, good without a login."""
        self.ensure_one()
        profile_sudo = self.profile_id.sudo()  # sudo: whoever sends hands out its link
        return profile_sudo.get_base_url() + profile_sudo.get_portal_url(suffix="/plan")
