from types import SimpleNamespace
from unittest.mock import patch

from odoo.addons.credit_management.tests.common import CreditCommon
from odoo.addons.iap.tools import iap_tools

from .sms_service import SmsService

MOBILE = "+31612345678"


class SmsCommon(CreditCommon):
    """A customer with a telephone, a level with an SMS, and a service that listens."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.country_id = cls.env.ref("base.nl")
        cls.customer.write(
            {"phone": "06 1234 5678", "country_id": cls.env.ref("base.nl").id}
        )
        cls.first.send_sms = True
        # The host calls no service in tests, and this is the only thing changed.
        outside = SimpleNamespace(module=SimpleNamespace(current_test=False))
        patcher = patch.object(iap_tools, "modules", outside)
        patcher.start()
        cls.addClassCleanup(patcher.stop)

    def setUp(self):
        super().setUp()
        self.service = SmsService()
        self.addCleanup(self.service.close)
        self._set_endpoint(self.service.url)

    def _set_endpoint(self, url):
        self.env["ir.config_parameter"].sudo().set_param("sms.endpoint", url)

    @classmethod
    def _only_sms(cls, level=None):
        (level or cls.first).write({"send_email": False, "mail_template_id": False})

    def _run_sms_queue(self):
        """Let the host's job send what is in its SMS queue."""
        with self.enter_registry_test_mode():
            job = self.env.ref("sms.ir_cron_sms_scheduler_action").sudo()
            job.method_direct_trigger()
        self.env.invalidate_all()

    def _hand_over(self, **values):
        """Return the letter of an invoice that is late, handed over to its channels."""
        self._create_late_invoice(4, **values)
        run = self._propose()
        self._send(run, deliver=False)
        return run.letter_ids

    def _send_by_sms(self, **values):
        """Return a letter that went by SMS alone."""
        self._only_sms()
        letter = self._hand_over(**values)
        self._run_sms_queue()
        return letter

    def _report(self, letter, status):
        """Report what became of an SMS later, as the service does."""
        tracker = (
            self.env["sms.tracker"]
            .sudo()
            .search([("sms_uuid", "=", letter.sudo().sms_uuid)])
        )
        self.assertTrue(tracker)
        state = self.env["sms.sms"].IAP_TO_SMS_STATE_SUCCESS.get(status)
        if state:
            tracker._action_update_from_sms_state(state)
        else:
            tracker._action_update_from_provider_error(status)
        self.env.invalidate_all()
