import logging

from odoo import models

_logger = logging.getLogger(__name__)


class SmsTracker(models.Model):
    """What the SMS service answers and reports, by the number of the SMS.

    The host tells its trackers of each answer, and of each report that comes later by
    ``/sms/status``. Ours pass it on to the letter.
    """

    _inherit = "sms.tracker"

    def _action_update_from_sms_state(
        self, sms_state, failure_type=False, failure_reason=False
    ):
        """Override of `sms` to tell letters what became of their SMS."""
        res = super()._action_update_from_sms_state(
            sms_state, failure_type=failure_type, failure_reason=failure_reason
        )
        self._tell_letters(sms_state, failure_type, failure_reason)
        return res

    def _action_update_from_provider_error(self, provider_error):
        """Override of `sms`: one that was not delivered is no message."""
        res = super()._action_update_from_provider_error(provider_error)
        _error_status, failure_type, failure_reason = res
        self._tell_letters("error", failure_type, failure_reason or provider_error)
        return res

    def _tell_letters(self, sms_state, failure_type, failure_reason):
        """Let letters take over the state of their SMS.

        The SMS has left already: whatever goes wrong here must not undo that, or the
        host would send it again. What is missed is taken over by the supervisor.
        """
        if self.env.context.get("credit_sms_told"):
            return
        # sudo: the queue and the reports may run as somebody without credit rights.
        letters_sudo = (
            self.env["credit.dunning.letter"]
            .sudo()
            .search([("sms_uuid", "in", self.mapped("sms_uuid"))])
        )
        if not letters_sudo:
            return
        try:
            with self.env.cr.savepoint():
                letters_sudo._apply_sms_state(sms_state, failure_type, failure_reason)
        except Exception:
            self.env.invalidate_all(flush=False)
            _logger.warning(
                "State of the SMS of %s will be taken over later",
                letters_sudo,
                exc_info=True,
            )
