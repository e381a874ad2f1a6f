import uuid

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from odoo.addons.credit_management.logic import delivery
from odoo.addons.sms.tools.sms_tools import sms_content_to_rendered_html

from ..logic import failure
from ..logic.phone import to_e164
from ..logic.text import simplify

# The service has taken it: it is a message.
LEFT_STATES = ("sent", "delivered")
# What the host calls those that the service has taken.
TAKEN_STATES = ("process", "pending")
# Digits of a number that are shown to whoever opens the customer's page.
DIGITS_TOLD = 3


class CreditDunningLetter(models.Model):
    """The SMS of a letter: the same message on one more channel, not one more message.

    An SMS waits in the letter until it may go (hours of the day, time between
    attempts), then in the queue of the host, and is looked at once more before it
    leaves. What it says, where it went and what became of it is kept here: the host
    deletes its own.
    """

    _inherit = "credit.dunning.letter"

    send_sms = fields.Boolean(related="level_id.send_sms", string="Level Sends SMS")
    sms_state = fields.Selection(
        [
            ("waiting", "In the queue"),
            ("sent", "Sent"),
            ("delivered", "Delivered"),
            ("unknown", "Unknown"),
            ("failed", "Failed"),
            ("canceled", "Not sent any more"),
            ("left_out", "Left out"),
        ],
        string="SMS",
        readonly=True,
        copy=False,
    )
    sms_reason = fields.Char(string="Why the SMS", readonly=True, copy=False)
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
    sms_queued_until = fields.Datetime(
        string="SMS Not Before", readonly=True, copy=False
    )
    sms_sent_date = fields.Datetime(string="SMS Sent On", readonly=True, copy=False)
    sms_claimed_date = fields.Datetime(
        string="SMS Claimed On",
        readonly=True,
        copy=False,
        help="When the SMS of a letter that goes at most once was taken to the"
        " service.",
    )
    sms_attempt_count = fields.Integer(default=0, readonly=True, copy=False)
    sms_url = fields.Char(
        string="Short Link",
        compute="_compute_sms_url",
        help="Short address of the customer's page, for the text of an SMS.",
    )

    # === COMPUTE METHODS === #

    @api.depends("profile_id")
    def _compute_sms_url(self):
        for letter in self:
            letter.sms_url = letter.profile_id._get_short_url()

    @api.depends("level_id.send_sms")
    def _compute_flags(self):
        """Override of `credit_management` to point at those without a number."""
        res = super()._compute_flags()
        for letter in self:
            if letter.send_sms and letter.state in ("proposed", "queued"):
                number, _reason = letter._find_sms_number()
                if not number:
                    flags = [letter.flags, self.env._("no number for the SMS")]
                    letter.flags = ", ".join(filter(None, flags))
        return res

    # === BUSINESS METHODS - TEXT === #

    @api.model
    def mail_allowed_qweb_expressions(self):
        """Override of `mail`: the short link stands in the SMS anyway."""
        return super().mail_allowed_qweb_expressions() + ("object.sms_url",)

    def _render_sms_texts(self):
        """Render what the SMS of these letters say, each in its own language.

        :return: dict letter id -> text
        """
        texts = {}
        for profile in self.profile_id:
            profile._get_customer_url()  # its token, which the short link is made of
        for (level, lang), letters in self.grouped(
            lambda letter: (letter.level_id, letter.lang)
        ).items():
            # sudo: collectors do not edit texts, yet their letters use them.
            template_sudo = level.sudo().sms_template_id
            if template_sudo.model != self._name:
                raise UserError(
                    self.env._(
                        "The SMS text of level “%(level)s” is not one for dunning"
                        " letters.",
                        level=level.name,
                    )
                )
            rendered = template_sudo._render_field("body", letters.ids, set_lang=lang)
            texts |= {id_: simplify(text or "") for id_, text in rendered.items()}
        return texts

    def _describe_recipients(self):
        """Override of `credit_management` to name the number as well."""
        res = super()._describe_recipients()
        if self.sms_state not in LEFT_STATES:
            return res
        sms = self.env._("SMS to %(number)s", number=self.sms_number)
        return f"{res}, {sms}" if self._went_by_mail() else sms

    def _mask_sms_number(self):
        """Return the number as it is told on the customer's page: its last digits."""
        self.ensure_one()
        number = self.sms_number or ""
        hidden = len(number) - 3 - DIGITS_TOLD
        return f"{number[:3]}{'•' * hidden}{number[-DIGITS_TOLD:]}"

    # === BUSINESS METHODS - WHOM === #

    def _find_sms_number(self):
        """Return where the SMS of a letter goes: the contact of the letter, else the
        customer.

        :return: number or None, and why there is none
        """
        self.ensure_one()
        company = self.company_id
        if self._is_redirected():
            number = company._credit_redirect_number()
            reason = self.env._("Redirected, and the company has no redirect number")
            return number, reason
        # sudo: the number of a contact is used, not shown, whoever sends the letter.
        contacts_sudo = (
            self.recipient_ids or self.partner_id
        ).sudo() | self.commercial_partner_id.sudo()
        reason = self.env._("The customer has no telephone number")
        for partner_sudo in contacts_sudo:
            for name in partner_sudo._phone_get_number_fields():
                written = partner_sudo[name]
                if not written:
                    continue
                country = (
                    partner_sudo.country_id
                    or partner_sudo.commercial_partner_id.country_id
                    or company.country_id
                )
                # The host knows which numbers exist, where it has the library for it.
                known = partner_sudo._phone_format(number=written, country=country)
                number = known and to_e164(known, country.phone_code)
                if not number:
                    reason = self.env._(
                        "“%(number)s” is no telephone number", number=written
                    )
                elif self._is_blacklisted(number):
                    reason = self.env._(
                        "%(number)s wants no SMS: it is on the blacklist",
                        number=number,
                    )
                else:
                    return number, False
        return None, reason

    def _is_redirected(self):
        """Say whether the letter goes, or would go now, to the company itself."""
        if self.state in ("proposed", "queued") and not self.message_date:
            return self.company_id.credit_mode == "redirect"
        return self.is_test

    @api.model
    def _is_blacklisted(self, number):
        # sudo: whoever sends letters minds a list that only few may read.
        return bool(
            self.env["phone.blacklist"].sudo().search_count([("number", "=", number)])
        )

    # === BUSINESS METHODS - HANDED OVER === #

    def _hand_over_channels(self):
        """Override of `credit_management` to hand over the SMS as well."""
        waiting = super()._hand_over_channels()
        return waiting | self.filtered("level_id.send_sms")._queue_sms()

    def _explain_unreachable(self):
        """Override of `credit_management`: an SMS reaches the customer, too.

        Asked of letters that no queue took.
        """
        if not self.level_id.send_sms:
            return super()._explain_unreachable()
        if self.sms_state in LEFT_STATES:
            return None
        if self.level_id._has_text():
            return super()._explain_unreachable()
        # A test without a redirect number has done what it could.
        return None if self.is_test else self.sms_reason

    def _queue_sms(self):
        """Freeze number and text of the SMS, which then go now or in the morning.

        One that left already, with an earlier attempt of the letter, does not again.

        :return: the letters whose SMS waits
        """
        todo = self.filtered(lambda letter: letter.sms_state not in LEFT_STATES)
        todo._forget_sms()
        numbers = {letter: letter._find_sms_number() for letter in todo}
        going = todo.filtered(lambda letter: numbers[letter][0])
        texts = going._render_sms_texts()
        for letter in todo:
            number, reason = numbers[letter]
            letter.write(
                {
                    "sms_state": "waiting" if number else "left_out",
                    "sms_reason": False if number else reason,
                    "sms_number": number,
                    "sms_body": texts.get(letter.id, False),
                    "sms_uuid": letter.sms_uuid or uuid.uuid4().hex,
                    "sms_claimed_date": False,
                    "sms_attempt_count": 0,
                    "sms_queued_until": number and letter._get_sms_opening(),
                }
            )
            if not number:
                letter._log_sms(self.env._("SMS left out: %(why)s", why=reason))
        going.filtered(lambda letter: not letter.sms_queued_until)._make_sms()
        return going

    def _get_sms_opening(self):
        """Return when the SMS may go, or False if it may go now."""
        self.ensure_one()
        working_days_only = self.policy_id.working_days_only
        return self.company_id._credit_sms_opening(working_days_only)

    def _forget_sms(self):
        """Delete what an earlier attempt left in the queue of the host."""
        uuids = [one for one in self.mapped("sms_uuid") if one]
        if uuids:
            # sudo: the SMS queue belongs to the system; only our own are touched.
            domain = [("sms_uuid", "in", uuids)]
            self.env["sms.tracker"].sudo().search(domain).unlink()
            self._get_sms().unlink()

    def _get_sms(self):
        """Return the SMS of these letters that are in the queue of the host."""
        uuids = [one for one in self.mapped("sms_uuid") if one]
        # sudo: the SMS queue belongs to the system; only our own are touched. What we
        # do to them ourselves, the letters need not be told.
        SMS_sudo = self.env["sms.sms"].sudo().with_context(credit_sms_told=True)
        return SMS_sudo.search([("uuid", "in", uuids)])

    def _make_sms(self):
        """Put the SMS of these letters into the queue of the host.

        Those that are there from an earlier attempt are put out once more, under the
        same key; new ones stand on the thread of their letters, as the host does it.
        """
        sms_of = {sms.uuid: sms for sms in self._get_sms()}
        for letter in self:
            if letter.sms_uuid in sms_of:
                sms_of[letter.sms_uuid].action_set_outgoing()
        new = self.filtered(lambda letter: letter.sms_uuid not in sms_of)
        messages_sudo = (
            self.env["mail.message"]
            .sudo()  # sudo: as the host does for its own
            .create([letter._prepare_sms_message_values() for letter in new])
        )
        sms_sudo = (
            self.env["sms.sms"]
            .sudo()  # sudo: the SMS queue belongs to the system
            .create(
                [
                    {
                        "uuid": letter.sms_uuid,
                        "number": letter.sms_number,
                        "body": letter.sms_body,
                        "mail_message_id": message.id,
                    }
                    for letter, message in zip(new, messages_sudo, strict=True)
                ]
            )
        )
        self.env["mail.notification"].sudo().create(
            [
                {
                    "author_id": sms.mail_message_id.author_id.id,
                    "mail_message_id": sms.mail_message_id.id,
                    "sms_number": sms.number,
                    "sms_id_int": sms.id,
                    "sms_tracker_ids": [Command.create({"sms_uuid": sms.uuid})],
                    "notification_type": "sms",
                    "notification_status": "ready",
                    "is_read": True,
                }
                for sms in sms_sudo
            ]
        )
        self.write({"sms_queued_until": False})
        self._wake_sms_queue()

    def _prepare_sms_message_values(self):
        """Return the message on the thread of the letter that the SMS is shown by."""
        self.ensure_one()
        return {
            "model": self._name,
            "res_id": self.id,
            "body": sms_content_to_rendered_html(self.sms_body),
            "message_type": "sms",
            "subtype_id": self.env.ref("mail.mt_note").id,
            "author_id": self.company_id.partner_id.id,
            # The host sends it by the account of this company.
            "record_company_id": self.company_id.id,
        }

    # === BUSINESS METHODS - THE LAST DOOR === #

    @api.model
    def _take_sms_for_departure(self, sms):
        """Return the letter of an SMS that may be handed to the service now, locked.

        Company, hour and ledger are looked at once more. The SMS of a letter that goes
        at most once is claimed, for good, before the service hears of it: found claimed
        and not locked, its sender died on the way, and only a person can find out
        whether it arrived.
        """
        letter = self._lock_for_sms(sms)
        if not letter or letter._stop_sms_if_due():
            return self.browse()
        opening = letter._get_sms_opening()
        if opening:
            letter.sms_queued_until = opening
            letter._get_sms().action_set_canceled()
            return self.browse()
        if not letter.level_id.send_once:
            return letter
        if letter.sms_claimed_date:
            words = letter._speak_to_collector().env
            letter._doubt_sms(words._("The server stopped while it was sent"))
            return self.browse()
        letter.sms_claimed_date = fields.Datetime.now()
        self.env["ir.cron"]._commit_progress()
        return self._lock_for_sms(sms)

    @api.model
    def _lock_for_sms(self, sms):
        """Return the letter that waits for this SMS to leave, both locked, if any.

        One whose letter does not wait for it is taken out of the queue.
        """
        found = self.search([("sms_uuid", "in", sms.mapped("uuid"))])
        letter = found.try_lock_for_update(allow_referencing=True)
        row = sms.sudo().try_lock_for_update()
        if len(letter) != 1 or not row or row.state != "outgoing" or row.to_delete:
            return self.browse()
        if letter.sms_state == "waiting" and letter.state in ("sending", "sent"):
            return letter
        letter._get_sms().action_set_canceled()
        return self.browse()

    def _stop_sms_if_due(self):
        """Take the SMS back if it must not go any more; say whether it was.

        A letter that nothing else carries goes back into the queue, and is checked, and
        said, anew.
        """
        self.ensure_one()
        words = self._speak_to_collector().env
        if self._is_closed():
            reason = words._("Sending was stopped")
        elif self._is_overtaken():
            reason = words._("Something was paid or changed meanwhile")
        else:
            return False
        rests = self._rests_on_sms()
        self._cancel_sms(reason)
        if rests:
            self._requeue()
            self._wake()
        return True

    def _rests_on_sms(self):
        """Say whether nothing but the SMS still carries the letter to its customer."""
        self.ensure_one()
        return (
            self.state == "sending"
            and not self.to_print
            and not self._has_mail_under_way()
        )

    def _has_mail_under_way(self):
        # sudo: the mail queue belongs to the system.
        states = set(self.sudo().mail_ids.mapped("state"))
        return bool(states & {"outgoing", "exception"})

    def _went_by_mail(self):
        # sudo: as above.
        return "sent" in self.sudo().mail_ids.mapped("state")

    # === BUSINESS METHODS - WHAT BECAME OF IT === #

    def _apply_sms_state(self, sms_state, failure_type, failure_reason):
        """Take over what the service answered, or reported later."""
        for letter in self:
            if sms_state in TAKEN_STATES:
                letter._set_sms_left("sent")
            elif sms_state == "sent":
                letter._set_sms_left("delivered")
            elif sms_state == "error":
                reason = letter._say_sms_failure(failure_type, failure_reason)
                letter._apply_sms_failure(failure.classify(failure_type), reason)
            elif sms_state == "canceled" and letter.sms_state == "waiting":
                words = letter._speak_to_collector().env
                letter._fail_sms(words._("The SMS was cancelled in the SMS queue"))

    def _say_sms_failure(self, failure_type, failure_reason):
        """Put a failure into words, in the language of who hears of it."""
        if failure_reason:
            return failure_reason
        Notification = self._speak_to_collector().env["mail.notification"]
        labels = dict(
            Notification._fields["failure_type"]._description_selection(
                Notification.env
            )
        )
        return labels.get(failure_type, failure_type)

    def _apply_sms_exception(self, error, is_unheard):
        """The call to the service failed.

        :param is_unheard: whether the service can not have heard of the SMS
        """
        self.ensure_one()
        self._get_sms().action_set_error("sms_server")
        reason = str(error.__context__ or error).strip().split("\n")[0]
        if is_unheard or not self.level_id.send_once:
            self._apply_sms_failure(failure.SOFT, reason)
        else:
            self._doubt_sms(reason)

    def _set_sms_left(self, sms_state):
        """The service took the SMS: the customer was written to."""
        self.ensure_one()
        before = self.sms_state
        if before == sms_state or before == "delivered":
            return
        self.write(
            {
                "sms_state": sms_state,
                "sms_sent_date": self.sms_sent_date or fields.Datetime.now(),
                "sms_reason": False,
                "sms_queued_until": False,
            }
        )
        if before in LEFT_STATES:
            return
        if self.state == "sent":
            # The letter was told of already, without its SMS.
            note = self.env._(
                "%(level)s by SMS to %(number)s",
                level=self.level_id.name,
                number=self.sms_number,
            )
            body = Markup("<p>%s</p>") % note
            moves = self._get_chased_lines().move_id
            self.profile_id._message_log_batch({self.profile_id.id: body})
            moves._message_log_batch({move.id: body for move in moves})
        elif self.state in ("sending", "failed", "unknown"):
            # While the mail is under way the letter waits for what becomes of it.
            if not self._has_mail_under_way():
                self._set_sent()

    def _apply_sms_failure(self, kind, reason):
        """The service did not take the SMS, or could not deliver it."""
        self.ensure_one()
        if self.sms_state in LEFT_STATES:
            self._fail_sms(reason)
            return
        if self.sms_state != "waiting":
            return
        attempts = self.sms_attempt_count + 1
        wait = delivery.wait_before_attempt(attempts)
        self.sms_attempt_count = attempts
        if kind == failure.HARD or wait is None:
            self._fail_sms(reason)
            return
        self.write(
            {
                "sms_queued_until": fields.Datetime.now() + wait,
                "sms_reason": reason,
                "sms_claimed_date": False,
            }
        )

    def _fail_sms(self, reason):
        """The SMS did not reach the customer; where nothing else does, nor the letter.

        Where the letter went another way too, a trace is left on it.
        """
        for letter in self:
            carried = (
                letter.state not in ("sending", "sent")
                or letter._has_mail_under_way()
                or letter._went_by_mail()
                or letter.printed_date
                or (letter.state == "sending" and letter.to_print)
            )
            number = letter.sms_number
            letter.write(
                {
                    "sms_state": "failed",
                    "sms_reason": reason,
                    "sms_queued_until": False,
                }
            )
            words = letter._speak_to_collector().env
            text = words._(
                "SMS to %(number)s: not delivered (%(reason)s)",
                number=number,
                reason=reason,
            )
            letter._log_sms(text)
            if not carried:
                letter._fail(text)

    def _doubt_sms(self, reason):
        """Leave it to a person whether the SMS of a letter that goes once arrived."""
        self.ensure_one()
        rests = self._rests_on_sms()
        self._get_sms().filtered(lambda sms: sms.state == "outgoing").action_set_error(
            "sms_server"
        )
        self.write(
            {"sms_state": "unknown", "sms_reason": reason, "sms_queued_until": False}
        )
        if rests:
            self._set_unknown(reason)
        else:
            words = self._speak_to_collector().env
            text = words._(
                "SMS to %(number)s: not known whether it arrived (%(reason)s)",
                number=self.sms_number,
                reason=reason,
            )
            self._log_sms(text)

    def _explain_doubt(self):
        """Override of `credit_management`: the doubt may be about the SMS."""
        if self.sms_state != "unknown":
            return super()._explain_doubt()
        return self.env._(
            "The SMS service did not answer. Ask it, or the customer, then confirm the"
            " letter or send it again."
        )

    def _log_sms(self, text):
        """Leave a trace on the letter."""
        self.ensure_one()
        self._message_log_batch({self.id: Markup("<p>%s</p>") % text})

    def _cancel_sms(self, reason):
        """Take back what has not left."""
        waiting = self.filtered(lambda letter: letter.sms_state == "waiting")
        if waiting:
            waiting._get_sms().filtered(
                lambda sms: sms.state in ("outgoing", "error")
            ).action_set_canceled()
            waiting.write(
                {
                    "sms_state": "canceled",
                    "sms_reason": reason,
                    "sms_queued_until": False,
                }
            )

    # === BUSINESS METHODS - THE OTHER CHANNELS === #

    def _cancel_mails(self):
        """Override of `credit_management`: who takes the mails back takes the SMS."""
        res = super()._cancel_mails()
        # sudo: as the mails; who may do this was asked before.
        self.sudo()._cancel_sms(self.env._("Taken back together with the letter"))
        return res

    def _recall(self):
        """Override of `credit_management`: so do those that only wait for an SMS."""
        by_sms = self.filtered(
            lambda letter: letter.sms_state == "waiting" and letter._rests_on_sms()
        )
        by_sms._cancel_sms(self.env._("Sending was stopped"))
        by_sms._requeue()
        return super(CreditDunningLetter, self - by_sms)._recall()

    def _requeue(self):
        """Override of `credit_management`: where the SMS left, the letter did."""
        left = self.filtered(lambda letter: letter.sms_state in LEFT_STATES)
        left._set_sent()
        return super(CreditDunningLetter, self - left)._requeue()

    def _fail(self, reason):
        """Override of `credit_management`: the SMS may carry what a mail could not."""
        reached = self.filtered(lambda letter: letter.sms_state in LEFT_STATES)
        for letter in reached:
            letter.write({"mail_ids": [Command.clear()]})
            letter._set_sent()
            letter.state_reason = self.env._(
                "E-mail failed (%(reason)s): reached by SMS", reason=reason
            )
        hoping = (self - reached).filtered(
            lambda letter: (
                letter.sms_state == "waiting"
                and letter.state in ("sending", "sent")
                and not letter.level_id.send_letter
            )
        )
        for letter in hoping:
            letter.write(
                {
                    "state": "sending",
                    "sent_date": False,
                    "mail_ids": [Command.clear()],
                    "state_reason": self.env._(
                        "E-mail failed (%(reason)s): the SMS is under way",
                        reason=reason,
                    ),
                }
            )
        hoping._touch_profiles()
        return super(CreditDunningLetter, self - reached - hoping)._fail(reason)

    @api.model
    def _get_mailed_domain(self):
        """Override of `credit_management`: one that goes by SMS needs no mail."""
        by_sms = Domain("sms_state", "in", ("waiting", *LEFT_STATES))
        return super()._get_mailed_domain() & ~by_sms

    # === BUSINESS METHODS - SUPERVISED === #

    @api.model
    def _supervise(self):
        """Override of `credit_management` to keep the SMS moving as well."""
        res = super()._supervise()
        due = self._search_waiting_sms(
            ("sms_queued_until", "<=", fields.Datetime.now()),
            ("company_id.credit_stopped", "=", False),
        )
        due._make_sms()
        self.env["ir.cron"]._commit_progress()
        self._settle_finished_sms()
        self._wake_sms_queue()
        return res

    @api.model
    def _search_waiting_sms(self, *domain):
        """Return letters whose SMS waits, locked."""
        return self.search(
            [
                ("sms_state", "=", "waiting"),
                ("state", "in", ("sending", "sent")),
                *domain,
            ]
        ).try_lock_for_update(allow_referencing=True)

    @api.model
    def _settle_finished_sms(self):
        """Take over what the queue of the host could not tell, or has no more."""
        found = self._search_waiting_sms(("sms_queued_until", "=", False))
        sms_of = {sms.uuid: sms for sms in found._get_sms()}
        for letter in found:
            sms = sms_of.get(letter.sms_uuid)
            if not sms:
                words = letter._speak_to_collector().env
                letter._fail_sms(words._("The SMS was deleted from the SMS queue"))
            elif sms.state != "outgoing":
                letter._apply_sms_state(sms.state, sms.failure_type, False)

    @api.model
    def _wake_sms_queue(self):
        """Wake the SMS queue of the host while some of ours are in it."""
        waiting = self.search(
            [("sms_state", "=", "waiting"), ("sms_queued_until", "=", False)]
        )
        if waiting._get_sms().filtered(lambda sms: sms.state == "outgoing"):
            # sudo: whoever sends a letter may ask for its SMS to go.
            self.env.ref("sms.ir_cron_sms_scheduler_action").sudo()._trigger()
