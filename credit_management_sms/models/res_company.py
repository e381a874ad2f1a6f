from datetime import UTC
from zoneinfo import ZoneInfo

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.credit_management.logic.workdays import EVERY_DAY
from odoo.addons.credit_management.models.res_company import TOLD_TO

from ..logic.hours import choose_zone, find_opening
from .phone import find_mobile


class ResCompany(models.Model):
    _inherit = "res.company"

    credit_sms_from_hour = fields.Integer(
        string="SMS From",
        default=8,
        help="Hour of the customer's day from which an SMS may go.",
        groups=TOLD_TO,
    )
    credit_sms_to_hour = fields.Integer(
        string="SMS Until",
        default=20,
        help="Hour of the customer's day from which no SMS goes any more; it waits"
        " until morning.",
        groups=TOLD_TO,
    )
    credit_redirect_phone = fields.Char(
        string="Redirect Number",
        help="In redirect mode every SMS goes to this number instead of the customer."
        " Empty: none goes.",
        groups=TOLD_TO,
    )

    _credit_sms_hours_valid = models.Constraint(
        "CHECK (credit_sms_from_hour >= 0 AND credit_sms_to_hour <= 24"
        " AND credit_sms_from_hour < credit_sms_to_hour)",
        "The hours of SMS lie between 0 and 24, and end after they begin.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("credit_redirect_phone")
    def _check_credit_redirect_phone(self):
        for company in self:
            if company.credit_redirect_phone and not company._credit_redirect_number():
                raise ValidationError(
                    self.env._(
                        "“%(number)s” is no number of a mobile telephone. Enter the"
                        " redirect number of %(company)s with its country, as in"
                        " +31 6 12345678.",
                        number=company.credit_redirect_phone,
                        company=company.name,
                    )
                )

    # === BUSINESS METHODS === #

    def _credit_redirect_number(self):
        """Return the number that gets every SMS in redirect mode, as E.164, or None."""
        self.ensure_one()
        written = self.credit_redirect_phone
        return written and find_mobile(self.partner_id, written, self.country_id)

    def _credit_sms_opening(self, customer, working_days_only):
        """Return when an SMS may go, in UTC, or False if it may go now.

        :param customer: whose day it is; nobody: the company's own
        :param working_days_only: whether it waits for a working day of the company
        """
        self.ensure_one()
        calendar = self._credit_calendar() if working_days_only else EVERY_DAY
        zones = pytz.country_timezones.get(customer.country_id.code or "", ())
        zone = choose_zone(zones, customer.tz, self._credit_tz_name())
        opening = find_opening(
            self._credit_now().astimezone(ZoneInfo(zone)),
            self.credit_sms_from_hour,
            self.credit_sms_to_hour,
            calendar.is_working_day,
        )
        return opening.astimezone(UTC).replace(tzinfo=None) if opening else False
