from datetime import timedelta

import psycopg2
from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize, format_datetime
from odoo.tools.mail import single_email_re
from odoo.tools.misc import hash_sign, verify_hash_signed

SCOPE = "credit.address.change"
# How often a customer may ask on one day, and how long an answer is waited for.
REQUESTS_A_DAY = 5
VALID_HOURS = 48
KEEP_DAYS = 30
LONGEST_ADDRESS = 254  # RFC 5321
LONGEST_TOKEN = 1000
OLD_ADDRESSES_TOLD = 5


class CreditAddressChange(models.Model):
    """A customer asks that reminders go to another address.

    The link of a letter is easily forwarded, so asking changes nothing. The new
    address has to confirm, once and in time; then the old one and the collector are
    told. What was confirmed stays as the trace of it.
    """

    _name = "credit.address.change"
    _description = "Change of the Address for Reminders"
    _order = "id desc"
    _rec_name = "email"

    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        required=True,
        index=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="profile_id.company_id", store=True)
    email = fields.Char(string="New Address", required=True, readonly=True)
    user_id = fields.Many2one(
        "res.users",
        string="Asked By",
        readonly=True,
        help="Empty: somebody who had the link of a letter.",
    )
    date = fields.Date(string="Asked On", required=True, readonly=True)
    number = fields.Integer(required=True, readonly=True, help="Of that day.")
    confirmed_date = fields.Datetime(string="Confirmed On", readonly=True)

    # Two at once take the same number: only one of them is made.
    _day_number_uniq = models.UniqueIndex(
        "(profile_id, date, number)", "This was asked at the same moment already."
    )

    # === BUSINESS METHODS - ASKED === #

    @api.model
    def _request(self, profile, text, user):
        """Note what is asked, and send a message to the new address.

        :param text: whatever was typed
        :param user: who is logged in; empty for who has the link
        :raise UserError: in words for the customer
        """
        email = self._clean_address(text)
        if email in profile._get_reminder_contacts().mapped("email_normalized"):
            raise UserError(
                self.env._("Reminders go to %(email)s already.", email=email)
            )
        today = profile.company_id._credit_today()
        # sudo: customers write nothing themselves; this is the program's own book.
        Change_sudo = self.sudo()
        asked = Change_sudo.search_count(
            [("profile_id", "=", profile.id), ("date", "=", today)]
        )
        change_sudo = asked < REQUESTS_A_DAY and Change_sudo._create_numbered(
            {
                "profile_id": profile.id,
                "email": email,
                "user_id": user.id,
                "date": today,
                "number": asked + 1,
            }
        )
        if not change_sudo:
            raise UserError(
                self.env._(
                    "You asked for this several times today. Please try again tomorrow,"
                    " or contact us."
                )
            )
        change_sudo._ask_new_address()
        return change_sudo

    @api.model
    def _create_numbered(self, vals):
        """Make a request unless another one took its number at the same moment."""
        try:
            with self.env.cr.savepoint():
                return self.create(vals)
        except psycopg2.errors.UniqueViolation:
            return self.browse()

    @api.model
    def _clean_address(self, text):
        """Return the one address in a text, or refuse it.

        :raise ValidationError: in words for the customer
        """
        address = text.strip() if isinstance(text, str) else ""
        # Line breaks would begin a new header; they are not printable.
        if (
            len(address) <= LONGEST_ADDRESS
            and address.isprintable()
            and single_email_re.match(address)
            and email_normalize(address)
        ):
            return email_normalize(address)
        raise ValidationError(
            self.env._("Please give one e-mail address, such as name@example.com.")
        )

    def _ask_new_address(self):
        self.ensure_one()
        change = self._speak_to_customer()
        change._send(
            change.email,
            change.env._(
                "Please confirm: reminders of %(company)s to this address",
                company=change.company_id.name,
            ),
            "credit_management.credit_address_confirm_mail",
            {
                "asked": change.env._(
                    "Somebody asked that reminders of %(company)s to %(customer)s be"
                    " sent to this address, %(email)s.",
                    **change._get_names(),
                ),
                "confirm": change.env._(
                    "If that is right, please open this page and confirm within"
                    " %(hours)s hours:",
                    hours=VALID_HOURS,
                ),
                "url": f"{change.get_base_url()}/my/credit/address"
                f"?token={change._get_token()}",
            },
        )

    # === BUSINESS METHODS - CONFIRMED === #

    def _get_token(self):
        """Return what the new address shows to confirm; good for a while, and once."""
        # sudo: the secret with which the program signs.
        return hash_sign(
            self.sudo().env, SCOPE, [self.id, self.email], expiration_hours=VALID_HOURS
        )

    @api.model
    def _find_by_token(self, token):
        """Return the request, with sudo, that a token may confirm now, or none."""
        # sudo: who has the token may confirm; nothing else opens a request.
        Change_sudo = self.sudo()
        if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN:
            return Change_sudo
        try:
            signed = verify_hash_signed(Change_sudo.env, SCOPE, token)
        except ValueError:  # no token at all
            signed = None
        if not signed:
            return Change_sudo
        change_id, email = signed
        change_sudo = Change_sudo.browse(change_id).exists()
        is_open = (
            change_sudo.email == email
            and not change_sudo.confirmed_date
            and change_sudo.company_id.credit_address_change
        )
        return change_sudo if is_open else Change_sudo

    def _confirm(self):
        """Send reminders to the new address from now on, and tell who must know."""
        self.ensure_one()
        # The program acts: whoever confirmed is no author of notes and tasks.
        change = self.with_user(SUPERUSER_ID)
        profile = change.profile_id
        contacts = profile._get_reminder_contacts()
        old = [e for e in contacts.mapped("email_normalized") if e != change.email]
        change.confirmed_date = fields.Datetime.now()
        profile._set_reminder_address(change.email)
        change._log_change(old)
        change._tell_collector(old)
        told = change._speak_to_customer()
        for email in old[:OLD_ADDRESSES_TOLD]:
            told._send(
                email,
                told.env._(
                    "Reminders of %(company)s go to another address now",
                    company=told.company_id.name,
                ),
                "credit_management.credit_address_changed_mail",
                {
                    "changed": told.env._(
                        "Since %(moment)s reminders of %(company)s to %(customer)s go"
                        " to %(email)s and not to this address any more. This was"
                        " asked for on your page and confirmed from the new address.",
                        moment=format_datetime(
                            told.env,
                            told.confirmed_date,
                            tz=told.company_id._credit_tz_name(),
                        ),
                        **told._get_names(),
                    )
                },
            )

    def _describe(self, old):
        """Say what was changed, and by whom, in the language of this record."""
        self.ensure_one()
        values = {
            "old": ", ".join(old) or self.env._("no address"),
            "new": self.email,
        }
        if self.user_id:
            return self.env._(
                "Reminders go to %(new)s instead of %(old)s: asked by %(user)s,"
                " confirmed from the new address.",
                user=self.user_id.name,
                **values,
            )
        return self.env._(
            "Reminders go to %(new)s instead of %(old)s: asked by the link of a letter,"
            " confirmed from the new address.",
            **values,
        )

    def _log_change(self, old):
        """Note it on each file of the customer: contacts belong to all companies."""
        profiles = self.env["credit.profile"].search(
            [("partner_id", "=", self.profile_id.partner_id.id)]
        )
        body = Markup("<p>%s</p>") % self._describe(old)
        profiles._message_log_batch({profile.id: body for profile in profiles})

    def _tell_collector(self, old):
        """Give the collector a task: a wrong hand on the address is seen at once."""
        user = self.profile_id._get_informed_user(self.env["res.users"])
        if user._is_superuser():
            return
        told = self.with_context(lang=user.lang)
        self.profile_id.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=told.env._("The address for reminders was changed"),
            note=told._describe(old),
            user_id=user.id,
        )

    # === BUSINESS METHODS - SAID === #

    def _speak_to_customer(self):
        """Return this record in the customer's language, if it is active."""
        self.ensure_one()
        partners = self.profile_id.partner_id | self.company_id.partner_id
        active = dict(self.env["res.lang"].get_installed())
        spoken = [code for code in partners.mapped("lang") if code in active]
        return self.with_context(lang=spoken[0] if spoken else "en_US")

    def _get_names(self):
        """Return whose reminders to whom go where: what sentences are made of."""
        self.ensure_one()
        return {
            "company": self.company_id.name,
            "customer": self.profile_id.partner_id.name,
            "email": self.email,
        }

    def _send(self, email, subject, template, values):
        """Put a message into the queue of the host."""
        self.ensure_one()
        profile, company = self.profile_id, self.company_id
        body = self.env["ir.qweb"]._render(template, {"company": company} | values)
        sender = company.email_formatted or self.env.user.email_formatted
        # sudo: the mail queue belongs to the system.
        self.env["mail.mail"].sudo().create(
            {
                "model": profile._name,
                "res_id": profile.id,
                "subject": subject,
                # What stands in the talk of the house: not the link.
                "body": Markup("<p>%s: %s</p>") % (email, subject),
                "body_html": body,
                "email_from": sender,
                "email_to": email,
                "reply_to": profile._notify_get_reply_to(default=sender)[profile.id],
                "author_id": company.partner_id.id,
                "message_type": "email_outgoing",
                "auto_delete": False,
            }
        )
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    # === CRON === #

    @api.autovacuum
    def _gc_unconfirmed(self):
        """Forget what nobody confirmed."""
        self.search(
            [
                ("confirmed_date", "=", False),
                ("date", "<", fields.Date.today() - timedelta(days=KEEP_DAYS)),
            ]
        ).unlink()
