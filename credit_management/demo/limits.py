"""Limits that were asked for: one in each state, in each of the demo's companies."""

from datetime import timedelta

from odoo import api, models

FOUR_EYES = 15000
# State it comes to; share of the limit there is (or of 4 000); days from today on which
# it begins and ends; why.
CASES = (
    ("draft", 1.5, 0, None, "Two new branches; asks for longer terms, too."),
    ("submitted", 4, 0, None, "Framework contract for next year, see the offer."),
    ("approved", 1.5, 7, 60, "Trade fair next month."),
    ("temporary", 2, 0, 21, "Large order before the holidays."),
    ("in_force", 1.25, 0, None, "Pays on time since a year."),
    ("superseded", 1.1, 0, None, "A little more room."),
    ("expired", 2, 0, 0, "Season."),
    ("refused", 3, 0, None, "Wants to order more."),
    ("withdrawn", 2, 0, None, "Project, perhaps."),
)
REFUSAL = "Too much is overdue. Ask again once that is paid."


class CreditDemoLimits(models.AbstractModel):
    _name = "credit.demo.limits"
    _description = "Demo Limits of Credit Management"

    @api.model
    def _build(self):
        """Ask for the limits, once, for the demo's companies."""
        if self.env["credit.limit.request"].search_count([], limit=1):
            return
        for company in self._find_companies():
            company.write(
                {
                    "credit_limit_four_eyes_amount": FOUR_EYES,
                    "credit_portal_show_limit": True,
                    "credit_portal_ask_limit": True,
                }
            )
            demo = self.with_company(company).with_context(
                allowed_company_ids=company.ids,
                tracking_disable=True,
                mail_activity_quick_update=True,
            )
            profiles = demo._choose_profiles(company)
            profiles._refresh()
            for case, profile in zip(CASES, profiles, strict=False):
                demo._ask(profile, *case)
            demo._ask_by_customer(company)
            # Limits of before, on which nobody decided yet, are due.
            today = company._credit_today()
            limited = profiles[:2].filtered("credit_limit")
            limited.limit_decided_date = today - timedelta(days=400)
            limited._refresh_review_dates(company)
            limited.filtered(
                lambda profile, today=today: (
                    profile.limit_review_date and profile.limit_review_date <= today
                )
            )._ask_reviews()

    def _find_companies(self):
        return self.env.ref("base.main_company") + self.env.ref(
            "credit_management.demo_company_eur"
        )

    def _choose_profiles(self, company):
        """Return files of the demo's customers, those with a limit first."""
        named = self.env["ir.model.data"].search(
            [
                ("module", "=", "credit_management"),
                ("name", "=like", r"demo\_partner\_%"),
                ("model", "=", "res.partner"),
            ]
        )
        portal = self.env.ref("credit_management.demo_partner_portal")
        return (
            self.env["credit.profile"]
            .search(
                [
                    ("company_id", "=", company.id),
                    ("partner_id", "in", named.mapped("res_id")),
                    ("partner_id", "!=", portal.id),
                    ("partner_id.active", "=", True),
                ],
                order="id",
            )
            .sorted(lambda profile: (not profile.credit_limit, profile.id))
        )

    def _get_user(self, login):
        return self.env.ref(f"credit_management.demo_user_{login}")

    def _ask(self, profile, state, share, first, last, reason):
        today = profile.company_id._credit_today()
        limit = round((profile.credit_limit or 4000) * share, -2)
        request = (
            self.env["credit.limit.request"]
            .with_user(self._get_user("accountant"))
            .create(
                {
                    "partner_id": profile.partner_id.id,
                    "company_id": profile.company_id.id,
                    "asked_limit": limit,
                    "reason": reason,
                    "date_from": today + timedelta(days=first),
                    "date_until": last is not None and today + timedelta(days=last),
                }
            )
        )
        if state == "draft":
            return
        request._submit()
        if state == "submitted":
            return
        decided = request.with_user(self._get_user("creditmanager"))
        match state:
            case "refused":
                decided._refuse(REFUSAL)
            case "withdrawn":
                request._withdraw()
            case _:
                decided._approve(limit)
        if state == "expired":
            decided._end()
        if state == "superseded":
            self._ask(profile, "in_force", 1.5, 0, None, "Grows faster than planned.")

    def _ask_by_customer(self, company):
        """Let the customer who has a login ask, where there is one."""
        portal = self.env.ref("credit_management.demo_partner_portal")
        user = self._get_user("customer")
        profile = self.env["credit.profile"].search(
            [("company_id", "=", company.id), ("partner_id", "=", portal.id)]
        )
        if profile:
            self.env["credit.limit.request"]._hand_in(
                profile,
                "customer",
                7500.0,
                "We open a second shop in spring.",
                contact_id=user.partner_id.id,
                requested_by=user.id,
            )
