"""The short link opens one page for whoever holds it, and nothing for others."""

import random
from urllib.parse import quote

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.credit_management.tests.test_security_http import (
    HUGE,
    LOGS,
    SecurityHttpCommon,
)

from ..models.credit_profile import CODE_LENGTH

ODD = (
    "",
    "x",
    "é",
    "\x00",
    "%00",
    "../..",
    "[]",
    "0" * 5000,
    "' OR 1=1 --",
    "{{7*7}}",
    "\r\nLocation: evil",
)


@tagged("post_install", "-at_install")
class TestShortLink(SecurityHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.code = cls.profile._get_short_code()

    def _open(self, profile_id, code):
        return self.url_open(f"/c/{profile_id}/{code}", allow_redirects=False)

    def test_the_link_leads_to_the_page_of_its_customer_without_a_login(self):
        self._login("public")
        response = self._open(self.profile.id, self.code)
        self.assertEqual(response.status_code, 303)
        self.assertIn(f"/my/credit/{self.profile.id}", response.headers["Location"])
        self.assertIn(self.token, response.headers["Location"])
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertEqual(response.headers["X-Robots-Tag"], "noindex")
        url = self.profile._get_short_url().replace(self.profile.get_base_url(), "")
        self.assertEqual(self.url_open(url).status_code, 200)

    def test_the_code_is_long_its_own_and_ends_with_the_token(self):
        self.assertRegex(self.code, rf"^[0-9a-f]{{{CODE_LENGTH}}}$")
        self.assertGreaterEqual(CODE_LENGTH * 4, 64)  # bits
        self.assertNotIn(self.code, self.token)
        self.assertNotEqual(self.code, self.other_profile._get_short_code())
        self.profile.sudo().access_token = "another"
        self.assertFalse(self.profile._is_short_code(self.code))
        self.profile.sudo().access_token = False
        self.assertFalse(self.profile._is_short_code(""))

    @mute_logger(*LOGS)
    def test_guesses_and_codes_of_others_open_nothing(self):
        dice = random.Random(7)
        guesses = [self.other_profile._get_short_code(), self.code[:-1], self.token]
        for _guess in range(150):
            code = list(self.code)
            code[dice.randrange(len(code))] = dice.choice("0123456789abcdef")
            guesses.append("".join(code))
        self._login("public")
        for guess in set(guesses) - {self.code}:
            response = self._open(self.profile.id, guess)
            self.assertEqual(response.status_code, 303)
            self.assertTrue(response.headers["Location"].endswith("/my"))
            self.assertNotIn(self.token, str(response.headers))

    @mute_logger(*LOGS)
    def test_nothing_makes_it_fall_over_or_tell_whether_there_is_a_file(self):
        for actor in ("public", "portal", "collector"):
            self._login(actor)
            for profile_id in (self.profile.id, self.profile.id + 10**6, *HUGE, -1):
                for code in ODD:
                    for sent in (code, quote(code, safe="")):
                        response = self._open(profile_id, sent)
                        self.assertLess(response.status_code, 500, (profile_id, code))
                        self.assertNotIn(self.token, str(response.headers))
            answers = {
                (response.status_code, response.headers["Location"])
                for response in (
                    self._open(profile_id, "0" * CODE_LENGTH)
                    for profile_id in (self.profile.id, self.profile.id + 10**6, *HUGE)
                )
            }
            self.assertEqual(len(answers), 1)

    @mute_logger(*LOGS)
    def test_a_report_of_the_service_reaches_the_letter_and_only_its_own(self):
        letters = self.letter + self.open_letter
        uuids = ["a" * 32, "b" * 32]
        for letter, uuid in zip(letters, uuids, strict=True):
            letter.sudo().write({"sms_state": "sent", "sms_uuid": uuid})
            self.env["sms.tracker"].sudo().create({"sms_uuid": uuid})
        self._login("public")
        for status, uuid in (("delivered", uuids[0]), ("delivered", "c" * 32)):
            params = {"message_statuses": [{"sms_status": status, "uuids": [uuid]}]}
            self.assertEqual(self._report(params).json()["result"], "OK")
        self.env.invalidate_all()
        self.assertEqual(letters.mapped("sms_state"), ["delivered", "sent"])

    def _report(self, params):
        request = {"id": 0, "jsonrpc": "2.0", "method": "call", "params": params}
        return self.url_open("/sms/status", json=request)

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")
    def test_the_queue_and_the_rules_of_the_house_are_closed_to_strangers(self):
        sms = self.env["sms.sms"].sudo().create({"number": "+31612345678", "body": "x"})
        for actor in ("public", "portal", "salesperson", "biller", "foreign"):
            theirs = sms.with_user(self.actors[actor])
            for call in (theirs.send, lambda theirs=theirs: theirs.read(["body"])):
                with self.assertRaises(AccessError):
                    call()
            with self.assertRaises(AccessError):
                self.first.with_user(self.actors[actor]).sms_text = "Pay me"
        self.assertEqual(sms.state, "outgoing")

    def test_what_became_of_an_sms_is_written_by_nobody_by_hand(self):
        letter = self.open_letter.with_user(self.actors["manager"])
        for name in ("sms_state", "sms_number", "sms_body", "sms_uuid", "sms_leads"):
            with self.subTest(field=name), self.assertRaises(Exception):  # noqa: B017
                letter.write({name: "sent"})
