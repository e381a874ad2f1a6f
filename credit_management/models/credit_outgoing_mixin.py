import logging
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize

from ..logic import delivery

_logger = logging.getLogger(__name__)

# What leaves by the mail queue of the host, past the doorkeeper.
OUTGOING_MODELS = ("credit.dunning.letter", "credit.statement")
# One taken so often without success is parked with a task.
MAX_FAILURES = 3
# One that was taken is not taken again for so long, should the worker have died.
PATIENCE = timedelta(minutes=1)
# After a clash with somebody who works on the same documents.
CLASH_WAIT = timedelta(seconds=5)
# Tasks that a job makes by the dozen stand on the work list and in the list of
# activities: not another mail from the host for each.
NO_NOTICE = {"mail_activity_quick_update": True}
# Modes in which something leaves.
SENDING_MODES = ("redirect", "live")


class CreditOutgoingMixin(models.AbstractModel):
    """What is queued, handed to the host's mail queue, and followed until it left.

    A model that uses it has a ``state`` (queued, sending, sent, failed), a
    ``company_id``, and says by its own methods how it is made (``_hand_over``) and
    what follows (``_set_sent``, ``_fail``, ``_requeue``, ``_wake``).
    """

    _name = "credit.outgoing.mixin"
    _description = "What Leaves by E-mail"
    _inherit = ["mail.thread"]

    # In which order the jobs take what waits, and how many in one transaction.
    _hand_over_order = "failure_count, id"
    _hand_over_batch = 1
    # In which states a mail may still leave.
    _departing_states = ("sending",)
    # What a text may name although its writer may not run code, beyond the host's few.
    _allowed_expressions = ()

    state_reason = fields.Char(string="Why", readonly=True, copy=False)
    failure_count = fields.Integer(default=0, readonly=True, copy=False)
    attempt_count = fields.Integer(default=0, readonly=True, copy=False)
    queued_until = fields.Datetime(string="Not Before", readonly=True, copy=False)
    sent_date = fields.Datetime(string="Sent On", readonly=True, copy=False)
    is_test = fields.Boolean(
        default=False,
        string="Redirected",
        help="Went to the company's own address.",
        readonly=True,
        copy=False,
    )
    mail_ids = fields.Many2many(
        "mail.mail", string="E-mails", readonly=True, copy=False
    )

    # === TO BE SAID BY EACH MODEL === #

    def _hand_over(self):
        """Make the outgoing mails of these, all in one transaction."""
        raise NotImplementedError

    def _prepare_hand_over(self):
        """Write elsewhere what making these needs, and commit it, unlocked yet."""

    def _set_sent(self):
        """The message left."""
        raise NotImplementedError

    def _fail(self, reason):
        """The message did not leave: a task for a person."""
        raise NotImplementedError

    def _requeue(self):
        """Put these, whose mails were cancelled, back into our own queue."""
        raise NotImplementedError

    @api.model
    def _wake(self):
        """Wake the jobs that hand these over."""
        raise NotImplementedError

    def _get_addresses(self):
        """Return the addresses whose bounce is a bounce of this one."""
        raise NotImplementedError

    def _speak_to_collector(self):
        """Return this one in the language of who hears of a failure."""
        return self

    def _goes_once(self):
        """Say whether this must not go twice, even when its fate is not known."""
        return False

    def _may_depart(self, mail, commit):
        """Say whether this one, locked, may still go, just before it does."""
        return True

    # === BUSINESS METHODS - TEXT === #

    @api.model
    def mail_allowed_qweb_expressions(self):
        """Override of `mail`: what managers may put into texts without being able to
        run code. It all stands in what is sent anyway.

        Where all of a text is on this list, the host does not run it: it puts in the
        fields that are named and leaves the rest, with the example between the tags,
        as it is. So the list is the host's own while a text is rendered, see
        ``_get_text``.
        """
        allowed = super().mail_allowed_qweb_expressions()
        if self.env.context.get("credit_run_text"):
            return allowed
        return allowed + self._allowed_expressions

    @api.model
    def _get_text(self, template):
        """Return a template as it is rendered: every placeholder of it is run.

        sudo: collectors do not edit templates, yet what they send uses them.
        """
        return template.sudo().with_context(credit_run_text=True)

    # === BUSINESS METHODS - HANDED OVER === #

    @api.model
    def _get_sendable_domain(self):
        """Return which may be handed over now."""
        return Domain(
            [
                ("state", "=", "queued"),
                ("company_id.credit_stopped", "=", False),
                ("company_id.credit_mode", "in", SENDING_MODES),
            ]
        ) & (
            Domain("queued_until", "=", False)
            | Domain("queued_until", "<=", fields.Datetime.now())
        )

    @api.model
    def _hand_over_queued(self):
        """Hand over what is queued, a small batch a transaction, until time is over.

        May be killed anywhere and run many times at once: batches are locked, and one
        leaves the domain in the transaction that creates its mail. One that cannot be
        made is tried again by itself, and parked with a task after a few times; the
        others go on.
        """
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=self.search_count(self._get_sendable_domain()))
        while taken := self._take_for_hand_over():
            taken._hand_over_or_note()
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
            if not commit_progress(len(taken)):
                return

    @api.model
    def _take_for_hand_over(self):
        """Lock the next ones, and note that they were taken.

        The note is committed before anything is done: one that kills its worker is
        known by it. It is taken by itself from then on, and after a few times parked.
        """
        taken = self._lock_next()
        if not taken:
            return taken
        worn = taken.filtered(lambda one: one.failure_count >= MAX_FAILURES)
        for one in worn:
            words = one._speak_to_collector().env
            one._fail(words._("Could not be made: the server stopped at it"))
        taken -= worn
        patience = fields.Datetime.now() + PATIENCE
        for count, ones in taken.grouped("failure_count").items():
            ones.write({"failure_count": count + 1, "queued_until": patience})
        self.env["ir.cron"]._commit_progress()
        taken._prepare_hand_over()
        taken = taken._lock_queued()
        # All of them parked, or taken by somebody else: go on to the next ones.
        return taken or self._take_for_hand_over()

    def _lock_queued(self):
        """Lock those of these that still wait and that nobody else took."""
        return self.try_lock_for_update(allow_referencing=True).filtered(
            lambda one: one.state == "queued"
        )

    @api.model
    def _lock_next(self):
        """Lock the next ones that nobody works on.

        Those that failed before come last, one at a time.
        """
        query = self._search(
            self._get_sendable_domain(),
            order=self._hand_over_order,
            limit=self._hand_over_batch,
        )
        rows = self.env.execute_query(
            SQL(
                "%s FOR NO KEY UPDATE OF %s SKIP LOCKED",
                query.select(),
                SQL.identifier(self._table),
            )
        )
        found = self.browse(row[0] for row in rows)
        first = found[:1]
        return first if first.failure_count else found

    def _hand_over_or_note(self):
        """Hand over what was taken; a failure is noted and stops nobody."""
        company = self.company_id
        # What the machine does stands on it by its dates, not in words.
        ours = self.with_company(company).with_context(
            allowed_company_ids=company.ids, mail_notrack=True
        )
        try:
            ours._hand_over()
            ours.filtered("failure_count").failure_count = 0
            self.env.flush_all()
        except psycopg2.extensions.TransactionRollbackError:
            # Somebody works on the same documents: no fault of these.
            self.env.cr.rollback()
            _logger.info("%s clashed and is taken again", self)
            soon = fields.Datetime.now() + CLASH_WAIT
            for one in self._lock_queued():
                count = one.failure_count - 1
                one.write({"failure_count": count, "queued_until": soon})
        except Exception as error:
            self.env.cr.rollback()
            _logger.exception("%s could not be made", self)
            self._lock_queued()._note_failure(error)

    def _note_failure(self, error):
        """Try those that could not be made again, one by one; park one in the end."""
        for one in self:
            if one.failure_count >= MAX_FAILURES:
                words = one._speak_to_collector().env
                one._fail(words._("Could not be made: %(error)s", error=error))
                continue
            alone = len(self) == 1
            one.queued_until = alone and fields.Datetime.now() + timedelta(minutes=10)

    def _get_sender(self):
        """Return the address letters and statements of a company come from."""
        return self.company_id.email_formatted or self.env.user.email_formatted

    def _get_mail_host(self):
        """Return the right-hand side of the Message-ID (RFC 5322 §3.6.4)."""
        company = self.company_id
        address = email_normalize(company.email or "") or "@localhost"
        return company.alias_domain_id.name or address.rpartition("@")[2]

    # === BUSINESS METHODS - WHAT BECAME OF THE MAIL === #

    @api.model
    def _apply_mail_results(self, mails, failure_reason, failure_type):
        """Take over what the host's mail queue found out.

        Called by the queue for each mail, in its transaction. Passing failures are
        tried again later; lasting ones fail it; where it is not known whether the
        message arrived, one that goes at most once asks a person. One thought to have
        failed that did leave is sent.
        """
        for one in self.search(
            [("mail_ids", "in", mails.ids), ("state", "in", ("sending", "failed"))]
        ):
            mail = one.mail_ids & mails
            if mail.state == "sent":
                one._set_sent()
                continue
            if one.state == "failed":
                continue
            reason = failure_reason or mail.failure_reason
            kind = delivery.classify_failure(reason, failure_type)
            attempts = one.attempt_count + 1
            wait = delivery.wait_before_attempt(attempts)
            one.attempt_count = attempts
            reason_line = delivery.find_server_words(reason)
            if kind == delivery.UNKNOWN and one._goes_once():
                one._set_unknown(reason_line)
            elif kind == delivery.HARD or wait is None:
                words = one._speak_to_collector().env
                one._fail(reason_line or words._("Not delivered"))
            else:
                one._wait_after_failure(wait, reason_line)
                mail.state = "exception"  # until the supervisor tries again

    def _wait_after_failure(self, wait, reason):
        """Note when the supervisor tries again."""
        self.write(
            {"queued_until": fields.Datetime.now() + wait, "state_reason": reason}
        )

    def _message_receive_bounce(self, email, partner):
        """Override of `mail`: one that bounced did not arrive."""
        res = super()._message_receive_bounce(email, partner)
        # The bounce of a copy is no bounce.
        bounced = self.filtered(
            lambda one: (
                one.state in ("sending", "sent", "unknown")
                and email in one._get_addresses()
            )
        )
        for one in bounced:
            words = one._speak_to_collector().env
            one._fail(words._("The e-mail to %(address)s bounced", address=email))
        return res

    # === BUSINESS METHODS - THE LAST DOOR === #

    @api.model
    def _take_for_departure(self, mail, commit=True):
        """Say whether a mail may be handed to the mail server now, and take it.

        What it carries is locked until the result is committed: two senders never send
        the same one, and the lock of a sender that dies is free at once.

        :param commit: whether this is the queue, which commits mail by mail
        """
        one = self._lock_departing(mail)
        if not one:
            return False
        if one._is_closed():
            one._recall()
            return False
        return one._may_depart(mail, commit)

    @api.model
    def _lock_departing(self, mail):
        """Return what waits for this mail to leave, locked, if anything does."""
        found = self.search([("mail_ids", "in", mail.ids)])
        one = found.try_lock_for_update(allow_referencing=True)
        leaving = one.state in self._departing_states and mail.state == "outgoing"
        return one if len(one) == 1 and leaving else self.browse()

    @api.model
    def _count_outgoing(self, limit=None):
        """Return how many wait in the mail queue."""
        return self.search_count(
            [("state", "=", "sending"), ("mail_ids.state", "=", "outgoing")],
            limit=limit,
        )

    def _is_closed(self):
        """Say whether the company holds back one like this now."""
        self.ensure_one()
        company = self.company_id
        if company.credit_stopped or company.credit_mode not in SENDING_MODES:
            return True
        return company.credit_mode == "redirect" and not self.is_test

    @api.model
    def _recall_outgoing(self, companies):
        """Take what the mail queue has not sent back into our own queue."""
        self.search(
            [("company_id", "in", companies.ids), ("state", "=", "sending")]
        )._recall()

    def _recall(self):
        """Cancel the mails that have not left, and queue what they carry again."""
        waiting = self.filtered(
            lambda one: (
                one.mail_ids
                and all(
                    mail.state in ("outgoing", "exception") for mail in one.mail_ids
                )
            )
        )
        waiting._cancel_mails()
        waiting._requeue()

    def _cancel_mails(self):
        # sudo: the mail queue belongs to the system; only our own mails are touched.
        self.sudo().mail_ids.filtered(
            lambda mail: mail.state in ("outgoing", "exception")
        ).cancel()

    # === BUSINESS METHODS - SUPERVISED === #

    @api.model
    def _supervise(self):
        """Keep these moving: wake the queues, try again what failed in passing."""
        again = self.search(
            [
                ("state", "=", "sending"),
                ("mail_ids", "!=", False),
                ("queued_until", "!=", False),
                ("queued_until", "<=", fields.Datetime.now()),
                ("company_id.credit_stopped", "=", False),
            ]
        ).try_lock_for_update(allow_referencing=True)
        again.mail_ids.filtered(lambda mail: mail.state == "exception").mark_outgoing()
        again.queued_until = False
        self.env["ir.cron"]._commit_progress()
        self._settle_finished_mails()
        if self.search_count(self._get_sendable_domain(), limit=1):
            self._wake()
        if self._count_outgoing(limit=1):
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    @api.model
    def _settle_finished_mails(self):
        """Take over results that the mail queue could not tell: it was killed."""
        found = self.search(
            [
                ("state", "=", "sending"),
                ("mail_ids.state", "in", ("sent", "exception", "cancel")),
                ("queued_until", "=", False),
            ]
        ).try_lock_for_update(allow_referencing=True)
        for one in found:
            mail = one.mail_ids[:1]
            if mail.state == "cancel":
                words = one._speak_to_collector().env
                one._fail(words._("The e-mail was cancelled in the mail queue"))
            else:
                self._apply_mail_results(mail, mail.failure_reason, mail.failure_type)
        # One whose mail was deleted will not leave any more.
        lost = self.search(
            Domain("state", "=", "sending")
            & Domain("mail_ids", "=", False)
            & self._get_mailed_domain()
        )
        for one in lost.try_lock_for_update(allow_referencing=True):
            words = one._speak_to_collector().env
            one._fail(words._("The e-mail was deleted from the mail queue"))

    @api.model
    def _get_mailed_domain(self):
        """Return which of those under way go by e-mail."""
        return Domain.TRUE
