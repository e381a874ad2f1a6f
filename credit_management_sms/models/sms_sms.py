import logging

import psycopg2
import requests
import urllib3

from odoo import api, models

from odoo.addons.iap.tools.iap_tools import InsufficientCreditError

_logger = logging.getLogger(__name__)


class SmsSms(models.Model):
    """The SMS queue of the host, with a doorkeeper for dunning letters.

    The queue sends what is ``outgoing``, five hundred in one call, and knows neither
    that an invoice was paid a second ago nor that a message must not go twice. So each
    SMS of a letter goes by itself, looked at once more, under a lock, just before it is
    handed to the SMS service (``_take_sms_for_departure``).
    """

    _inherit = "sms.sms"

    def _get_credit_sms(self):
        """Return those that carry a dunning letter."""
        # sudo: the queue may run as somebody who has no credit rights.
        letters_sudo = (
            self.env["credit.dunning.letter"]
            .sudo()
            .search([("sms_uuid", "in", self.mapped("uuid"))])
        )
        uuids = set(letters_sudo.mapped("sms_uuid"))
        return self.filtered(lambda sms: sms.uuid in uuids)

    def _process_queue(self):
        """Override of `sms`: the queue, and it alone, sends ours.

        Where some are left when the time of this call is over, it is woken again.
        """
        res = super(SmsSms, self.with_context(credit_queue=True))._process_queue()
        # sudo: as above.
        self.env["credit.dunning.letter"].sudo()._wake_sms_queue()
        return res

    def send(self, unlink_failed=False, unlink_sent=True, raise_exception=False):
        """Override of `sms`: nobody but the queue sends ours; it is woken instead."""
        self.check_access("read")
        held = self.browse()
        if not self.env.context.get("credit_queue"):
            held = self._get_credit_sms()
            if held:
                # sudo: whoever may send an SMS may ask for it to be done.
                self.env.ref("sms.ir_cron_sms_scheduler_action").sudo()._trigger()
        return super(SmsSms, self - held).send(
            unlink_failed=unlink_failed,
            unlink_sent=unlink_sent,
            raise_exception=raise_exception,
        )

    def _send(self, unlink_failed=False, unlink_sent=True, raise_exception=False):
        """Override of `sms`: ours go one by one, each past the doorkeeper.

        Others' go first: the locks the queue holds on them end with our first commit.
        """
        options = {"unlink_failed": unlink_failed, "unlink_sent": unlink_sent}
        if self.env.context.get("credit_sms_taken"):
            return super()._send(raise_exception=raise_exception, **options)
        ours = self._get_credit_sms()
        if self - ours:
            super(SmsSms, self - ours)._send(raise_exception=raise_exception, **options)
        if not ours or not self.env.context.get("credit_queue"):
            return None
        # Each one begins with a fresh look at the ledger; so does the first.
        self.env["ir.cron"]._commit_progress()
        for sms_id in ours.ids:
            if not self.browse(sms_id)._send_guarded(options):
                break
        return None

    def _send_guarded(self, options):
        """Send the SMS of one letter, if it may go.

        :return: whether there is time for the next one
        """
        self.ensure_one()
        # sudo: the queue may run as somebody who has no credit rights.
        Letter_sudo = self.env["credit.dunning.letter"].sudo()
        try:
            letter_sudo = Letter_sudo._take_sms_for_departure(self)
            if letter_sudo:
                # By the account of the company whose letter it is.
                company = letter_sudo.company_id
                ours = self.with_company(company).with_context(
                    allowed_company_ids=company.ids, credit_sms_taken=True
                )
                try:
                    ours._send(raise_exception=True, **options)
                except psycopg2.Error:
                    raise
                except Exception as error:
                    # The service did not answer: nothing was written yet.
                    letter_sudo._apply_sms_exception(error, self._explain(error))
        except psycopg2.Error:
            # Somebody else was faster, or the database hung up: it is looked at again
            # by the next call, or told apart by its claim.
            self.env.cr.rollback()
            _logger.info("SMS %s of a letter is left to the next call", self.id)
            return True
        return self.env["ir.cron"]._commit_progress(1) > 0

    @api.model
    def _explain(self, error):
        """Return why the service can not have taken the SMS, or False if it may have.

        The host wraps what went wrong in an error of its own.
        """
        if isinstance(error, InsufficientCreditError):
            return "sms_credit"
        cause = error.__context__ or error
        if isinstance(cause, requests.exceptions.HTTPError):
            # Refused: by a server that is busy, or before it looked at the message.
            status = cause.response.status_code
            return (status < 500 or status == 503) and "sms_server"
        # Not reached at all. One that hung up later may have taken it.
        inner = getattr(cause.args[0] if cause.args else None, "reason", None)
        unreached = (
            urllib3.exceptions.NewConnectionError
            | urllib3.exceptions.ConnectTimeoutError
        )
        return isinstance(inner, unreached) and "sms_server"
