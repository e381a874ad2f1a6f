from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.credit_management.logic import delivery

from ..logic import failure
from .credit_dunning_letter import LEFT_STATES

# What the host calls those that the service has taken.
TAKEN_STATES = ("process", "pending")
# Where the account of the service is empty, it is asked again after so long.
CREDIT_WAIT = timedelta(hours=1)


class CreditDunningLetterSms(models.Model):
    """How the SMS of a letter goes, and its fate.

    It goes at most once, whatever the level: it costs money, and the service need not
    know one that is repeated. It waits in the letter for its hour, then in the queue of
    the host, and is looked at once more before it leaves. Where an e-mail or paper
    carries the letter too, nothing that happens to the SMS changes the letter.
    """

    _inherit = "credit.dunning.letter"  # pylint: disable=consider-merging-classes-inherited

    # === BUSINESS METHODS - HANDED OVER === #

    def _hand_over_channels(self):
        """Override of `credit_management` to hand over the SMS as well."""
        waiting = super()._hand_over_channels()
        by_sms = self.filtered("level_id.send_sms")
        for letter in by_sms:
            on_paper = letter.level_id.send_letter and not letter.is_test
            letter.sms_leads = letter not in waiting and not on_paper
        return waiting | by_sms._queue_sms().filtered("sms_leads")

    def _explain_unreachable(self):
        """Override of `credit_management`: the SMS may reach the customer."""
        reason = super()._explain_unreachable()
        if not (self.level_id.send_sms and self.sms_leads):
            return reason
        if self.sms_state in LEFT_STATES:
            return None
        if reason:
            return f"{reason}. {self.sms_reason}"
        # A test without a redirect number has done what it could.
        return None if self.is_test else self.sms_reason

    def _queue_sms(self):
        """Freeze number and text of the SMS, which then go now or at their hour.

        One that left with an earlier attempt of the letter does not go again.

        :return: the letters whose SMS waits
        """
        todo = self.filtered(lambda letter: letter.sms_state not in LEFT_STATES)
        todo._forget_sms()
        numbers, texts = todo._find_sms_numbers(), todo._render_sms_texts()
        for letter in todo:
            number, reason = numbers[letter]
            letter.write(
                {
                    "sms_state": "waiting" if number else "left_out",
                    "sms_reason": False if number else reason,
                    "sms_number": number,
                    "sms_body": texts[letter] if number else False,
                    "sms_uuid": False,
                    "sms_claimed_date": False,
                    "sms_attempt_count": 0,
                    "sms_not_before": number and letter._get_sms_opening(),
                }
            )
            if not number:
                letter._log_sms(self.env._("SMS left out: %(why)s", why=reason))
        going = todo.filtered("sms_number")
        going.filtered(lambda letter: not letter.sms_not_before)._make_sms()
        return going

    def _forget_sms(self):
        """Delete what an earlier attempt left in the queue of the host."""
        sms = self._get_sms()
        sms.sms_tracker_id.unlink()
        sms.unlink()

    def _get_sms(self):
        """Return the SMS of these letters that are in the queue of the host."""
        uuids = [one for one in self.mapped("sms_uuid") if one]
        # sudo: the SMS queue belongs to the system; only our own are touched. What we
        # do to them ourselves, the letters need not be told.
        SMS_sudo = self.env["sms.sms"].sudo().with_context(credit_sms_told=True)
        return SMS_sudo.search([("uuid", "in", uuids)])

    def _make_sms(self):
        """Put the SMS of these letters into the queue of the host.

        One that is there from an earlier attempt is put out once more, under the same
        key; a new one stands on the thread of its letter, as the host does it.
        """
        sms_of = {sms.uuid: sms for sms in self._get_sms()}
        for letter in self:
            if letter.sms_uuid in sms_of:
                sms_of[letter.sms_uuid].action_set_outgoing()
                continue
            message = letter.with_context(
                mail_post_autofollow_author_skip=True
            )._message_sms(
                letter.sms_body,
                sms_numbers=[letter.sms_number],
                put_in_queue=True,
                author_id=letter.company_id.partner_id.id,
            )
            # sudo: as above.
            sms_sudo = self.env["sms.sms"].sudo()
            letter.sms_uuid = sms_sudo.search(
                [("mail_message_id", "=", message.id)]
            ).uuid
        self.write({"sms_not_before": False})
        self._wake_sms_queue()

    # === BUSINESS METHODS - THE LAST DOOR === #

    @api.model
    def _take_sms_for_departure(self, sms):
        """Return the letter of an SMS that may be handed to the service now, locked.

        Company, ledger and hour are looked at once more. Then the SMS is claimed, for
        good, before the service hears of it: found claimed and not locked, its sender
        died on the way, and only a person can find out whether it arrived.
        """
        letter = self._lock_for_sms(sms)
        if not letter:
            return letter
        words = letter._speak_to_collector().env
        if letter._is_closed():
            letter._withdraw_sms(words._("Sending was stopped"))
        elif letter._is_overtaken():
            letter._withdraw_sms(words._("Something was paid or changed meanwhile"))
        elif letter.sms_claimed_date:
            letter._doubt_sms(words._("The server stopped while it was sent"))
        elif opening := letter._get_sms_opening():
            letter.sms_not_before = opening
            letter._get_sms().action_set_canceled()
        else:
            letter.sms_claimed_date = fields.Datetime.now()
            self.env["ir.cron"]._commit_progress()
            return self._lock_for_sms(sms)
        return self.browse()

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

    def _withdraw_sms(self, reason):
        """Take back an SMS that must not go any more.

        A letter that nothing else carries goes back into the queue, and is checked, and
        said, anew.
        """
        self._cancel_sms(reason)
        alone = self.filtered(lambda one: one.sms_leads and one.state == "sending")
        if alone:
            alone._requeue()
            self._wake()

    def _cancel_sms(self, reason):
        """Take back what has not left."""
        waiting = self.filtered(lambda letter: letter.sms_state == "waiting")
        if waiting:
            waiting._get_sms().action_set_canceled()
            waiting.write(
                {
                    "sms_state": "left_out",
                    "sms_reason": reason,
                    "sms_not_before": False,
                }
            )

    # === BUSINESS METHODS - WHAT BECAME OF IT === #

    def _apply_sms_state(self, sms_state, failure_type, failure_reason):
        """Take over what the service answered, or reported later."""
        for letter in self:
            if sms_state in TAKEN_STATES:
                letter._set_sms_left("sent")
            elif sms_state == "sent":
                letter._set_sms_left("delivered")
            elif sms_state == "error":
                reason = failure_reason or letter._say_sms_failure(failure_type)
                letter._apply_sms_failure(failure_type, reason)
            elif sms_state == "canceled" and letter.sms_state == "waiting":
                words = letter._speak_to_collector().env
                letter._fail_sms(words._("It was cancelled in the SMS queue"))

    def _say_sms_failure(self, failure_type):
        """Put a failure into words, in the language of who hears of it."""
        Notification = self._speak_to_collector().env["mail.notification"]
        labels = dict(
            Notification._fields["failure_type"]._description_selection(
                Notification.env
            )
        )
        return labels.get(failure_type, failure_type)

    def _apply_sms_exception(self, error, failure_type):
        """The call to the service failed.

        :param failure_type: why, where the service can not have taken the SMS; else
            False: whether it did is not known
        """
        self.ensure_one()
        self._get_sms().action_set_error(failure_type or "sms_server")
        reason = str(error.__context__ or error).strip().split("\n")[0]
        if failure_type:
            self._apply_sms_failure(failure_type, reason)
        else:
            self._doubt_sms(reason)

    def _set_sms_left(self, sms_state):
        """The service took the SMS: the customer was written to."""
        self.ensure_one()
        before = self.sms_state
        if before in (sms_state, "delivered"):
            return
        self.write(
            {
                "sms_state": sms_state,
                "sms_sent_date": self.sms_sent_date or fields.Datetime.now(),
                "sms_reason": False,
                "sms_not_before": False,
            }
        )
        if before in LEFT_STATES:
            return
        if not self.sms_leads:
            note = self.env._(
                "%(level)s by SMS to %(number)s",
                level=self.level_id.name,
                number=self.sms_number,
            )
            self._log_sms(note, self.profile_id)
        elif self.state in ("sending", "unknown"):
            self._set_sent()

    def _apply_sms_failure(self, failure_type, reason):
        """The service did not take the SMS, or could not deliver it."""
        self.ensure_one()
        if self.sms_state in (*LEFT_STATES, "unknown"):
            self._fail_sms(reason)
        if self.sms_state != "waiting":
            return
        kind = failure.classify(failure_type)
        if kind == failure.CREDIT:
            self._wait_for_credit(reason)
            return
        self.sms_attempt_count += 1
        wait = delivery.wait_before_attempt(self.sms_attempt_count)
        if kind == failure.HARD or wait is None:
            self._fail_sms(reason)
        else:
            self._wait_for_sms(wait, reason)

    def _wait_for_credit(self, reason):
        """Let all SMS of the company wait until somebody has paid the service.

        However long that takes; each is looked at again before it goes.
        """
        found = self.search(
            [
                ("company_id", "=", self.company_id.id),
                ("sms_state", "=", "waiting"),
                ("sms_claimed_date", "=", False),
                ("sms_not_before", "=", False),
            ]
        )
        others = found.try_lock_for_update(allow_referencing=True) - self
        others._get_sms().action_set_canceled()
        (self | others)._wait_for_sms(CREDIT_WAIT, reason)

    def _wait_for_sms(self, wait, reason):
        """Note when the supervisor puts the SMS out once more."""
        self.write(
            {
                "sms_not_before": fields.Datetime.now() + wait,
                "sms_reason": reason,
                "sms_claimed_date": False,
            }
        )

    def _fail_sms(self, reason):
        """The SMS did not reach the customer; nor did a letter that it leads."""
        for letter in self:
            letter.write(
                {"sms_state": "failed", "sms_reason": reason, "sms_not_before": False}
            )
            text = letter._speak_to_collector().env._(
                "SMS to %(number)s: not delivered (%(reason)s)",
                number=letter.sms_number,
                reason=reason,
            )
            letter._log_sms(text)
            if letter.sms_leads and letter.state in ("sending", "sent", "unknown"):
                letter._fail(text)

    def _doubt_sms(self, reason):
        """Leave it to a person whether the SMS arrived; it is not sent again."""
        self.ensure_one()
        self._get_sms().filtered(lambda sms: sms.state == "outgoing").action_set_error(
            "sms_server"
        )
        self.write(
            {"sms_state": "unknown", "sms_reason": reason, "sms_not_before": False}
        )
        text = self._speak_to_collector().env._(
            "SMS to %(number)s: not known whether it arrived (%(reason)s)",
            number=self.sms_number,
            reason=reason,
        )
        self._log_sms(text)
        if self.sms_leads and self.state == "sending":
            self._set_unknown(text)

    def _explain_doubt(self):
        """Override of `credit_management`: the doubt may be about the SMS."""
        if self.sms_state != "unknown" or not self.sms_leads:
            return super()._explain_doubt()
        return self.env._(
            "The SMS service did not answer. Ask it, or the customer, then confirm the"
            " letter or send it again."
        )

    def _log_sms(self, text, record=None):
        """Leave a trace on the letter, or on another record."""
        self.ensure_one()
        record = self if record is None else record
        record._message_log_batch({record.id: Markup("<p>%s</p>") % text})

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
            lambda letter: letter.sms_leads and letter.sms_state == "waiting"
        )
        by_sms._withdraw_sms(self.env._("Sending was stopped"))
        return super(CreditDunningLetterSms, self - by_sms)._recall()

    def _fail(self, reason):
        """Override of `credit_management`: the SMS of a letter that failed stays."""
        res = super()._fail(reason)
        failed = self.filtered(lambda letter: letter.state == "failed")
        failed._cancel_sms(self.env._("The letter failed: %(reason)s", reason=reason))
        return res

    @api.model
    def _get_mailed_domain(self):
        """Override of `credit_management`: one that goes by SMS alone has no mail."""
        return super()._get_mailed_domain() & Domain("sms_leads", "=", False)

    # === BUSINESS METHODS - SUPERVISED === #

    @api.model
    def _supervise(self):
        """Override of `credit_management` to keep the SMS moving as well."""
        res = super()._supervise()
        due = self._lock_waiting_sms(
            ("sms_not_before", "<=", fields.Datetime.now()),
            ("company_id.credit_stopped", "=", False),
        )
        due._make_sms()
        self.env["ir.cron"]._commit_progress()
        self._settle_finished_sms()
        self._wake_sms_queue()
        return res

    @api.model
    def _lock_waiting_sms(self, *domain):
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
        found = self._lock_waiting_sms(("sms_not_before", "=", False))
        sms_of = {sms.uuid: sms for sms in found._get_sms()}
        for letter in found:
            sms = sms_of.get(letter.sms_uuid)
            if not sms:
                words = letter._speak_to_collector().env
                letter._fail_sms(words._("It was deleted from the SMS queue"))
            elif sms.state != "outgoing":
                letter._apply_sms_state(sms.state, sms.failure_type, False)

    @api.model
    def _wake_sms_queue(self):
        """Wake the SMS queue of the host while some of ours are in it."""
        waiting = self.search(
            [("sms_state", "=", "waiting"), ("sms_not_before", "=", False)]
        )
        if waiting._get_sms().filtered(lambda sms: sms.state == "outgoing"):
            # sudo: whoever sends a letter may ask for its SMS to go.
            self.env.ref("sms.ir_cron_sms_scheduler_action").sudo()._trigger()
