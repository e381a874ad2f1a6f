import base64
from dataclasses import replace

from lxml import html
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.pdf import merge_pdf

from ..logic import dunning
from .credit_dunning_letter import REPORT
from .credit_dunning_letter_sending import WAITING_REASONS

# With more items than this the table goes on pages of its own, with its head on each.
ROWS_IN_LETTER = 12
# As many rows of 6 mm as a page holds with heading, head of the table and total.
ROWS_ON_PAGE = 36
# So many letters are drawn in one go: memory stays the same.
LETTERS_IN_PART = 50
# So many customers are named in a trace; the rest is counted.
NAMES_IN_TRACE = 20


class CreditDunningLetterPrinting(models.Model):
    """How letters go by post: checked again, printed as one PDF, posted by a person."""

    _inherit = "credit.dunning.letter"

    paper_id = fields.Many2one(
        "ir.attachment",
        string="Printed In",
        readonly=True,
        copy=False,
        help="The PDF in which the letter was printed last.",
    )

    # === ACTION METHODS === #

    def action_print_post(self):
        """Print letters for post as one PDF, kept with their runs.

        What was settled since is taken off the pile, with the reason.
        """
        self.check_access("write")
        # sudo: where letters stand is written by their own methods only.
        waiting_sudo = self.sudo().filtered("to_print")
        if not waiting_sudo:
            raise UserError(self.env._("None of these letters waits to be printed."))
        waiting_sudo.company_id._check_credit_may_post()
        waiting_sudo = waiting_sudo.try_lock_for_update(allow_referencing=True)
        going_sudo, taken_off = waiting_sudo.filtered("to_print")._recheck_pile()
        homeless_sudo = going_sudo.filtered(lambda letter: not letter._has_address())
        going_sudo -= homeless_sudo
        papers_sudo = going_sudo._print_papers()
        notes = self._describe_left(taken_off, homeless_sudo)
        self._trace_printed(going_sudo, taken_off, homeless_sudo)
        if not going_sudo:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "warning",
                    "sticky": True,
                    "title": self.env._("Nothing to print"),
                    "message": notes,
                    "next": {"type": "ir.actions.client", "tag": "soft_reload"},
                },
            }
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{papers_sudo[:1].id}",
        }

    def action_view_paper(self):
        """Open the PDF in which the letter was printed, once more."""
        self.ensure_one()
        self.check_access("read")
        if not self.paper_id:
            raise UserError(self.env._("This letter has not been printed."))
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self.paper_id.id}",
        }

    def action_mark_printed(self):
        """The letters were printed and posted."""
        self.check_access("write")
        posted_sudo = self.sudo().filtered("to_print")
        posted_sudo.write({"to_print": False, "printed_date": fields.Datetime.now()})
        # Those that go by post alone have left now.
        posted_sudo.filtered(lambda letter: letter._goes_by_post_alone())._set_sent()
        for run, letters in posted_sudo.grouped("run_id").items():
            if run:
                run.with_env(self.env)._message_log(
                    body=self.env._(
                        "%(count)s letters printed and posted.", count=len(letters)
                    )
                )

    # === BUSINESS METHODS - CHECKED AGAIN === #

    def _recheck_pile(self):
        """Take off the pile what was settled, and put the amounts of the rest right.

        A letter that goes by post alone is made anew, with what is open now. One that
        went by e-mail too says what the e-mail said, or is not printed.

        :return: the letters that still go, and a dict letter -> reason of the others
        """
        going, taken_off = self.browse(), {}
        for company_letters in self.grouped("company_id").values():
            for letters in company_letters.grouped("run_id").values():
                facts, outcomes = letters._gather_facts()
                # It was decided: no day off or interval holds it back any more.
                outcomes = {
                    line_id: replace(outcome, reason=dunning.CHASED)
                    if outcome.reason in WAITING_REASONS
                    else outcome
                    for line_id, outcome in outcomes.items()
                }
                for letter in letters:
                    if reason := letter._recheck_paper(facts, outcomes):
                        taken_off[letter] = reason
                    else:
                        going |= letter
        for letter, reason in taken_off.items():
            letter._take_off_the_pile(reason)
        self._touch_profiles()
        self.run_id._update_done()
        alone = going.filtered(lambda letter: letter._goes_by_post_alone())
        for company, letters in alone.grouped("company_id").items():
            letters.message_date = company._credit_today()
        alone._freeze_texts()
        return going, taken_off

    def _goes_by_post_alone(self):
        """Say whether a letter was handed over for the post, and to no mail queue."""
        self.ensure_one()
        return self.state == "sending" and not self.mail_ids

    def _recheck_paper(self, facts, outcomes):
        """Return why a letter must not be printed any more, in words, or None."""
        self.ensure_one()
        if self._goes_by_post_alone():
            reason = self._recheck(facts, outcomes)
            return reason and self._say(reason)
        if self._has_changed(facts, outcomes):
            return self.env._("Something was paid or settled since the e-mail went")
        return None

    def _take_off_the_pile(self, reason):
        self.ensure_one()
        if self._goes_by_post_alone():
            self._skip(reason)
        self.to_print = False
        self._message_log(body=self.env._("Not printed: %(reason)s", reason=reason))

    def _has_address(self):
        """Say whether a postman could find the contact."""
        partner = self.partner_id
        return bool((partner.street or partner.street2) and partner.city)

    # === BUSINESS METHODS - PRINTED === #

    def _print_papers(self):
        """Print letters as one PDF, and keep it with each of their runs.

        :return: the attachments, all with the same content
        """
        papers_sudo = self.env["ir.attachment"].sudo()
        if not self:
            return papers_sudo
        letters = self.sorted(lambda letter: letter._get_postal_order())
        content = letters._render_papers()
        day = fields.Date.to_string(self.company_id[:1]._credit_today())
        for run, of_run in letters.grouped("run_id").items():
            owner = run or of_run[:1]
            paper_sudo = papers_sudo.create(
                {
                    "name": self.env._(
                        "Letters for post %(day)s (%(count)s).pdf",
                        day=day,
                        count=len(letters),
                    ),
                    "raw": content,
                    "mimetype": "application/pdf",
                    "res_model": owner._name,
                    "res_id": owner.id,
                }
            )
            of_run.paper_id = paper_sudo
            papers_sudo |= paper_sudo
        return papers_sudo

    def _get_postal_order(self):
        """Return the place in the pile: own country first, then by postal code."""
        partner, company = self.partner_id, self.company_id
        return (
            company.id,
            bool(partner.country_id) and partner.country_id != company.country_id,
            partner.country_id.code or "",
            partner.zip or "",
            partner.name or "",
            self.id,
        )

    def _render_papers(self):
        """Return these letters as one PDF, in this order."""
        report_sudo = self.env["ir.actions.report"].sudo()
        parts = []
        for start in range(0, len(self), LETTERS_IN_PART):
            part = self[start : start + LETTERS_IN_PART]
            content, _kind = report_sudo._render_qweb_pdf(REPORT, part.ids)
            parts.append(content)
        return parts[0] if len(parts) == 1 else merge_pdf(parts)

    def _describe_left(self, taken_off, homeless):
        """Say which letters were not printed, and why."""
        names = [
            f"{letter.commercial_partner_id.display_name} ({reason})"
            for letter, reason in taken_off.items()
        ]
        no_address = self.env._("no postal address")
        names += [
            f"{letter.commercial_partner_id.display_name} ({no_address})"
            for letter in homeless
        ]
        if not names:
            return ""
        more = len(names) - NAMES_IN_TRACE
        text = ", ".join(names[:NAMES_IN_TRACE]) + (f", + {more}" if more > 0 else "")
        return self.env._("Not printed: %(letters)s", letters=text)

    def _trace_printed(self, printed, taken_off, homeless):
        """Leave the trace of a print on each run."""
        ours = printed | self.browse(letter.id for letter in taken_off) | homeless
        for run, letters in ours.grouped("run_id").items():
            if not run:
                continue
            done = printed & letters
            lines = []
            if done:
                lines.append(
                    self.env._(
                        "%(count)s letters for post printed: %(paper)s",
                        count=len(done),
                        paper=done[:1].paper_id.name,
                    )
                )
            off = {
                letter: reason
                for letter, reason in taken_off.items()
                if letter in letters
            }
            if left := self._describe_left(off, homeless & letters):
                lines.append(left)
            run.with_env(self.env)._message_log(
                body=Markup("<br/>").join(lines),
                attachment_ids=done.paper_id.ids,
            )

    # === BUSINESS METHODS - WHAT STANDS ON PAPER === #

    def _prepare_papers(self):
        """Return what stands on the printed letters.

        Of a letter that was handed over, the text that was kept then.

        :return: dict letter id -> values for the report
        """
        drafts = self.filtered(lambda letter: not letter.body)
        texts, plan_words = drafts._render_level_texts(), drafts._find_plan_words()
        for letter in self.filtered("body"):
            spoken = letter.with_context(lang=letter.lang)
            texts[spoken] = (letter.subject, letter._get_frozen_text())
            plan_words[letter.id] = letter.plan_words
        return {
            letter.id: letter._prepare_paper_values()
            | {
                "subject": subject,
                "text": Markup(text or ""),
                "plan_words": plan_words.get(letter.id),
            }
            for letter, (subject, text) in texts.items()
        }

    def _get_frozen_text(self):
        """Return what stands above the items in the text as sent."""
        self.ensure_one()
        frame = html.fromstring(str(self.body))
        found = frame.find_class("o_credit_text")
        return html.tostring(found[0], encoding="unicode") if found else ""

    def _prepare_paper_values(self):
        """Return the frame of a printed letter; extend to add to it."""
        values = self._prepare_frame_values()
        rows = [
            {"line": line} for line in values["overdue_lines"] | values["credit_lines"]
        ]
        if rows and values["upcoming_lines"]:
            rows.append({"line": False})  # the heading of what falls due soon
        rows += [{"line": line} for line in values["upcoming_lines"]]
        is_long = len(rows) > ROWS_IN_LETTER
        lists = [
            rows[start : start + ROWS_ON_PAGE]
            for start in range(0, len(rows) if is_long else 0, ROWS_ON_PAGE)
        ]
        customer = values["letter"].commercial_partner_id
        # On paper it is typed: nothing that could be left out.
        if profile := values["letter"].profile_id:
            values["url"] = profile._get_customer_url()
        if is_long:
            # Nobody writes thirty numbers on a transfer.
            values["reference"] = customer.ref or customer.name
        return values | {
            "rows": rows,
            "lists": lists,
            "sender": self.company_id._credit_sender_line(),
            "address": values["letter"].partner_id._get_credit_postal_lines(
                self.company_id
            ),
            "qr": self._make_qr_code(values["url"]),
        }

    @api.model
    def _make_qr_code(self, url):
        """Return the address of the customer's page as a picture: nobody types it."""
        report = self.env["ir.actions.report"]
        return base64.b64encode(report.barcode("QR", url, width=220, height=220))
