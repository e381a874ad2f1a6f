import logging
from functools import partial

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.fields import Domain

_logger = logging.getLogger(__name__)

RECORD_BATCH = 2000
# The index that lets an item stand in one live letter a level.
LIVE_INDEX = "credit_dunning_letter_line_live_uniq"
# What a person may set on a run: at any time, and before it is proposed.
# Letters guard themselves: a review edits them from the form of their run.
OPEN_FIELDS = {"user_id", "letter_ids"}
DRAFT_FIELDS = {"company_id", "date"}


class CreditDunningRun(models.Model):
    """A dunning run of one company and day: proposed, reviewed, approved, sent."""

    _name = "credit.dunning.run"
    _description = "Dunning Run"
    _inherit = ["mail.thread", "credit.task.mixin"]
    _order = "date desc, id desc"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name", store=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self._default_company_id(),
    )
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    date = fields.Date(
        required=True, default=lambda self: self._default_date(), tracking=True
    )
    is_nightly = fields.Boolean(readonly=True, copy=False)
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("proposed", "Proposed"),
            ("approved", "Approved"),
            ("sending", "Sending"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    user_id = fields.Many2one(
        "res.users", string="Responsible", default=lambda self: self._default_user_id()
    )
    approved_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    proposed_up_to = fields.Integer(
        readonly=True,
        copy=False,
        help="While a large proposal is being made: the last customer looked at.",
    )
    hold_reason = fields.Char(readonly=True, copy=False)
    letter_ids = fields.One2many("credit.dunning.letter", "run_id", readonly=True)
    outcome_ids = fields.One2many("credit.dunning.outcome", "run_id", readonly=True)
    summary_ids = fields.One2many("credit.dunning.run.summary", "run_id", readonly=True)
    level_summary_ids = fields.One2many(
        "credit.dunning.run.summary",
        "run_id",
        domain=[("kind", "=", "level")],
        string="Chased",
        readonly=True,
    )
    reason_summary_ids = fields.One2many(
        "credit.dunning.run.summary",
        "run_id",
        domain=[("kind", "=", "reason")],
        string="Left Alone",
        readonly=True,
    )
    letter_count = fields.Integer(compute="_compute_counts")
    proposed_count = fields.Integer(compute="_compute_counts")
    sent_count = fields.Integer(compute="_compute_counts")
    waiting_count = fields.Integer(compute="_compute_counts")
    trouble_count = fields.Integer(
        compute="_compute_counts", string="Failed or Unknown"
    )
    print_count = fields.Integer(compute="_compute_print_counts", string="To Print")
    printed_count = fields.Integer(
        compute="_compute_print_counts",
        string="In the PDF",
        help="Printed as PDF, and not said to be posted yet.",
    )
    outcome_count = fields.Integer(
        compute="_compute_outcome_count", string="Items Left Alone"
    )
    amount_total = fields.Monetary(
        compute="_compute_counts",
        currency_field="company_currency_id",
        string="Claimed, in Company Currency",
    )
    progress = fields.Integer(compute="_compute_counts", string="Sent (%)")
    credit_mode = fields.Selection(related="company_id.credit_mode", string="Mode")
    credit_redirect_email = fields.Char(related="company_id.credit_redirect_email")
    credit_stopped = fields.Boolean(related="company_id.credit_stopped")
    last_bank_date = fields.Date(compute="_compute_bank", compute_sudo=True)
    bank_is_stale = fields.Boolean(compute="_compute_bank", compute_sudo=True)
    has_receipts = fields.Boolean(
        compute="_compute_has_receipts",
        help="A customer of the run has a receipt in the bank that is not matched.",
    )

    _nightly_uniq = models.UniqueIndex(
        "(company_id, date) WHERE is_nightly",
        "There is one nightly run a day and company.",
    )

    @api.model
    def _default_company_id(self):
        return self.env.company

    @api.model
    def _default_date(self):
        return self.env.company._credit_today()

    @api.model
    def _default_user_id(self):
        return self.env.user

    # === COMPUTE METHODS === #

    @api.depends("date", "is_nightly", "company_id")
    def _compute_name(self):
        # It is stored once for all readers: in the language of the company.
        for run in self:
            lang = run.company_id.partner_id.lang
            words = run.with_context(lang=lang).env if lang else self.env
            kind = words._("Nightly run") if run.is_nightly else words._("Run")
            run.name = f"{kind} {run.date or ''}".strip()

    @api.depends("letter_ids.state", "letter_ids.amount_company")
    def _compute_counts(self):
        counts = {}
        for run, state, count, amount in self.env["credit.dunning.letter"]._read_group(
            [("run_id", "in", self.ids)],
            ["run_id", "state"],
            ["__count", "amount_company:sum"],
        ):
            counts.setdefault(run.id, {})[state] = (count, amount)
        for run in self:
            by_state = counts.get(run.id, {})

            def count(*states, by_state=by_state):
                return sum(by_state.get(state, (0, 0))[0] for state in states)

            run.letter_count = sum(number for number, _amount in by_state.values())
            run.letter_count -= count("skipped")
            run.proposed_count = count("proposed")
            run.sent_count = count("sent")
            run.waiting_count = count("queued", "sending")
            run.trouble_count = count("failed", "unknown")
            run.amount_total = sum(
                amount
                for state, (_number, amount) in by_state.items()
                if state not in ("skipped", "reversed", "failed")
            )
            letters = run.letter_count
            run.progress = 100 * run.sent_count // letters if letters else 0

    @api.depends("letter_ids.to_print", "letter_ids.paper_id")
    def _compute_print_counts(self):
        self.print_count = self.printed_count = 0
        for run, to_post, drawn in self.env["credit.dunning.letter"]._read_group(
            [("run_id", "in", self.ids), ("to_print", "=", True)],
            ["run_id"],
            ["__count", "paper_id:count"],
        ):
            run.print_count = to_post
            run.printed_count = drawn

    @api.depends("outcome_ids")
    def _compute_outcome_count(self):
        counts = dict(
            self.env["credit.dunning.outcome"]._read_group(
                [("run_id", "in", self.ids)], ["run_id"], ["__count"]
            )
        )
        for run in self:
            run.outcome_count = counts.get(run, 0)

    @api.depends("company_id", "date")
    def _compute_bank(self):
        for run in self:
            run.last_bank_date = run.company_id._credit_last_bank_date()
            run.bank_is_stale = run.company_id._credit_bank_is_stale(
                run.company_id._credit_today()
            )

    @api.depends("letter_ids.receipt_amount")
    def _compute_has_receipts(self):
        with_receipts = self.env["credit.dunning.letter"]._read_group(
            [("run_id", "in", self.ids), ("profile_id.receipt_amount", "!=", 0)],
            ["run_id"],
        )
        runs = self.browse([run.id for (run,) in with_receipts])
        for run in self:
            run.has_receipts = run in runs

    # === CONSTRAINT METHODS === #

    @api.constrains("date")
    def _check_date(self):
        for run in self:
            if run.date and run.date > run.company_id._credit_today():
                raise ValidationError(
                    self.env._(
                        "A dunning run cannot be dated in the future: what is open"
                        " then is not known today."
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            for vals in vals_list:
                self._check_written_by_hand(vals, OPEN_FIELDS | DRAFT_FIELDS)
        return super().create(vals_list)

    def write(self, vals):
        """Let people set who is responsible; the rest is written by the run itself."""
        if not self.env.su:
            is_draft = all(run.state == "draft" for run in self)
            own = DRAFT_FIELDS if is_draft else set()
            self._check_written_by_hand(vals, OPEN_FIELDS | own)
        return super().write(vals)

    def _check_written_by_hand(self, vals, allowed):
        closed = {
            name
            for name in set(vals) - allowed
            if not name.startswith(("message_", "activity_"))
        }
        if closed:
            raise UserError(
                self.env._(
                    "This part of a dunning run cannot be written by hand: %(fields)s",
                    fields=", ".join(sorted(closed)),
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        if any(run.state not in ("draft", "cancelled") for run in self):
            raise UserError(
                self.env._("Cancel a run before you delete it; a sent one stays.")
            )
        if any(
            letter.state not in ("proposed", "skipped") for letter in self.letter_ids
        ):
            raise UserError(
                self.env._(
                    "Letters of this run have left. It stays as their trace; reverse"
                    " it if it was wrong."
                )
            )

    # === ACTION METHODS === #

    def action_propose(self):
        """Decide for every open item of the company; nothing is sent.

        May be repeated until the run is approved: what was proposed is decided anew.
        """
        self.check_access("write")
        for run in self:
            if run.state not in ("draft", "proposed"):
                raise UserError(
                    self.env._("Run %(run)s was approved already.", run=run.name)
                )
            run._propose_by_hand()

    def action_approve(self):
        """Approve the letters as they stand; they wait for Send."""
        self.check_access("write")
        for run in self:
            if run.state != "proposed":
                raise UserError(
                    self.env._(
                        "Propose run %(run)s before you approve it.", run=run.name
                    )
                )
        # sudo: where a run stands is written by its own methods only, here and below.
        self.sudo().write({"state": "approved", "approved_by_id": self.env.uid})

    def action_send(self):
        """Put the approved letters into the queue; a job sends them."""
        self.check_access("write")
        for run in self:
            if run.state != "approved":
                raise UserError(
                    self.env._("Approve run %(run)s before you send it.", run=run.name)
                )
            run.company_id._check_credit_may_send()
            run._queue(run._search_letters(Domain("state", "=", "proposed")))

    def action_approve_and_send(self):
        """Approve and send in one step."""
        self.action_approve()
        self.action_send()

    def action_cancel(self):
        """Drop the proposal. Letters that left stay, and can be reversed."""
        self.check_access("write")
        for run in self:
            if run.state in ("sending", "done"):
                raise UserError(
                    self.env._(
                        "Letters of run %(run)s have left. Reverse the run instead.",
                        run=run.name,
                    )
                )
            run.letter_ids.filtered(
                lambda letter: letter.state in ("proposed", "queued")
            )._skip(self.env._("Run cancelled"))
        self.sudo().state = "cancelled"

    def action_reverse(self):
        """Take all letters of the run back: levels return to what they were."""
        self.check_access("write")
        for run in self:
            letters = run.letter_ids.filtered(
                lambda letter: letter.state not in ("skipped", "reversed")
            )
            if not letters:
                raise UserError(
                    self.env._("Run %(run)s has nothing to reverse.", run=run.name)
                )
            letters._reverse()
            run.message_post(
                body=self.env._("%(count)s letters reversed.", count=len(letters))
            )
            run.sudo().state = "cancelled"

    def action_view_letters(self):
        """Open the letters of the run, grouped by level.

        While they are reviewed, those left out stay in sight: they can be taken back.
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_letter_action"
        )
        context = {"search_default_group_level": 1}
        if self.state == "proposed":
            review = self.env.ref(
                "credit_management.credit_dunning_letter_view_list_review"
            )
            action["views"] = [
                (review.id if mode == "list" else view_id, mode)
                for view_id, mode in action["views"]
            ]
            context["credit_review"] = True
            self._search_letters(Domain("state", "=", "proposed"))._refresh_flags()
        else:
            context["search_default_to_go"] = 1
        return action | {
            "display_name": self.env._("Letters of %(run)s", run=self.name),
            "domain": [("run_id", "=", self.id)],
            "context": context,
        }

    def action_print_post(self):
        """Print the letters of the run that go by post, as one PDF."""
        self.check_access("write")
        return self._search_post().action_print_post()

    def action_mark_printed(self):
        """What was printed as PDF was posted."""
        self.check_access("write")
        printed = self._search_post().filtered("paper_id")
        if not printed:
            raise UserError(self.env._("Print the letters first."))
        printed.action_mark_printed()

    def action_view_post(self):
        """Open the letters of the run that wait to be printed or posted."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_letter_print_action"
        )
        domain = [("run_id", "=", self.id), ("to_print", "=", True)]
        return action | {"domain": domain}

    def _search_post(self):
        return self.env["credit.dunning.letter"].search(
            [("run_id", "in", self.ids), ("to_print", "=", True)]
        )

    def action_view_trouble(self):
        """Open the letters that failed or whose fate is unknown."""
        action = self.action_view_letters()
        domain = action["domain"] + [("state", "in", ("failed", "unknown"))]
        return action | {"domain": domain, "context": {}}

    def action_view_outcomes(self):
        """Open the items left alone, grouped by reason."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_outcome_action"
        )
        return action | {
            "display_name": self.env._("Left Alone by %(run)s", run=self.name),
            "domain": [("run_id", "=", self.id)],
            "context": {"search_default_group_reason": 1},
        }

    # === BUSINESS METHODS === #

    def _propose_by_hand(self, partners=None):
        """Propose in one transaction; begin anew when another run was faster.

        Another run, for instance the nightly one, may commit letters for the same
        items at the same moment. Seen afresh, those items stand in an open run.

        :raise ConcurrencyError: the host tries the whole request again
        """
        try:
            return self._propose(partners)
        except psycopg2.errors.UniqueViolation as error:
            if error.diag.constraint_name != LIVE_INDEX:
                raise
            raise ConcurrencyError(str(error)) from error

    def _propose(self, partners=None, commit=None):
        """Gather, decide, write down: letters for the chased, a reason for the rest.

        In batches of customers, so that memory does not grow with the ledger. A
        customer is decided and written down whole. The run stays a draft until the
        last batch: what was killed half-way is never taken for a proposal, and the
        next call goes on after the last batch that was committed.

        :param partners: customers to look at; all of the company when left out
        :param commit: commits a batch and says whether there is time for another; left
            out, the proposal is one transaction
        :return: whether the proposal is whole
        """
        self.ensure_one()
        self._begin_proposal()
        company = self.company_id
        run = self.with_company(company)
        gatherer = run.env["credit.dunning.facts"]
        for customers, facts in gatherer._gather_in_batches(
            company, run.date, partners, run.proposed_up_to
        ):
            decisions = dict(facts.decide())
            run.env["credit.dunning.letter"]._create_from_messages(
                run,
                facts,
                [
                    (partner_id, message)
                    for partner_id, decision in decisions.items()
                    for message in decision.messages
                ],
            )
            run._write_decisions(facts, decisions, customers)
            # sudo: where a run stands is written by its own methods only.
            run.sudo().proposed_up_to = customers.ids[-1]
            self.env.flush_all()
            self.env.invalidate_all()
            if commit:
                if not commit():
                    return False
                self.lock_for_update()
                if self.state != "draft":
                    return False  # somebody cancelled it, or finished it by hand
        run.sudo().write({"state": "proposed", "proposed_up_to": 0})
        _logger.info(
            "Dunning run %s of company %s: %s letters proposed, %s items left alone",
            self.id,
            company.id,
            run.letter_count,
            run.outcome_count,
        )
        return True

    def _begin_proposal(self):
        """Make room for a proposal, unless one was begun and is to be gone on with."""
        # Two clicks at once: one proposes, the other is told so. Two different runs at
        # once: the unique index on live lines lets one of them win.
        self.lock_for_update()
        if self.state == "draft" and self.proposed_up_to:
            return
        self._drop_proposal()

    def _drop_proposal(self):
        """Delete what was proposed and not sent, and the reasons for the rest."""
        self._drop_letters()
        # sudo: reasons are written by runs, which one may write; the same above.
        self.env["credit.dunning.outcome"].sudo()._forget_run(self)

    def _drop_letters(self):
        """Delete the letters that were proposed and not sent."""
        run_sudo = self.sudo()
        proposed = run_sudo._search_letters(Domain("state", "=", "proposed"))
        for batch in run_sudo._split(proposed):
            batch.unlink()

    def _search_letters(self, domain):
        """Return letters of the run; none of their columns is read yet."""
        return self.env["credit.dunning.letter"].search(
            Domain("run_id", "=", self.id) & domain, order="id"
        )

    def _split(self, records):
        """Yield records in batches, and forget each: memory stays the same."""
        for start in range(0, len(records), RECORD_BATCH):
            yield records[start : start + RECORD_BATCH].with_prefetch()
            self.env.flush_all()
            self.env.invalidate_all()

    def _write_decisions(self, facts, decisions, customers):
        """Keep what was found out of customers: reasons and figures.

        :param decisions: dict customer id -> ``dunning.Decision``
        :param customers: all that were looked at; the others have nothing open
        """
        self._write_outcomes(
            facts,
            [
                (partner_id, outcome)
                for partner_id, decision in decisions.items()
                for outcome in decision.outcomes
            ],
            customers,
        )
        Profile = self.env["credit.profile"]
        profiles = Profile._get_or_create(facts.company, customers)
        Profile._write_figures(facts, decisions, profiles)

    def _write_outcomes(self, facts, outcomes, customers):
        """Keep why overdue items are left alone: for this run, and as the present."""
        # sudo: reasons are written by runs and evaluations, not by hand.
        Outcome = self.env["credit.dunning.outcome"].sudo()
        known = Outcome._read_present(facts.company, customers)
        Outcome._forget_present(facts.company, customers)
        vals_list = Outcome._prepare_values(facts, outcomes, known)
        Outcome._create_in_bulk([vals | {"run_id": False} for vals in vals_list])
        if self:
            Outcome._create_in_bulk([vals | {"run_id": self.id} for vals in vals_list])

    def _queue(self, letters):
        """Put letters into the queue and wake the job that sends them."""
        self.ensure_one()
        queued = 0
        for batch in self._split(letters):
            empty = batch.filtered(lambda letter: not letter._get_chased_lines())
            empty._skip(self.env._("Nothing left to claim"))
            batch -= empty
            # sudo: where letters and runs stand is written by their own methods only.
            # The run says who sent it; its letters need not say so one by one.
            batch.sudo().with_context(mail_notrack=True).write(
                {
                    "state": "queued",
                    "queued_date": fields.Datetime.now(),
                    "queued_until": False,
                }
            )
            queued += len(batch)
        waiting = self._search_letters(Domain("state", "in", ("queued", "sending")))
        self.sudo().state = "sending" if waiting else "done"
        if queued:
            letters._wake()

    def _update_done(self):
        """Close the runs whose letters have all met their fate."""
        Letter = self.env["credit.dunning.letter"]
        for run in self:
            of_run = Domain("run_id", "=", run.id)
            under_way = Domain("state", "in", ("queued", "sending"))
            if run.state != "sending" or Letter.search_count(
                of_run & under_way, limit=1
            ):
                continue
            left = Letter.search_count(
                of_run & Domain("state", "=", "proposed"), limit=1
            )
            # What is left waits for a review.
            run.sudo().state = "proposed" if left else "done"

    # === CRON === #

    @api.model
    def _cron_run(self):
        """Make the nightly run of each company whose night it is.

        Looks at what is missing, not at when it ran last: a night that was missed is
        made up for at the next call, once, and one that was cut short is gone on with.
        """
        companies = self.env["res.company"].search([("credit_mode", "!=", "off")])
        commit_progress = self.env["ir.cron"]._commit_progress
        due = [company for company in companies if self._is_nightly_due(company)]
        commit_progress(remaining=len(due))
        for done, company in enumerate(due):
            commit_batch = partial(commit_progress, 1, remaining=len(due) - done)
            run_model = self.with_company(company).with_context(
                allowed_company_ids=company.ids, lang=company.partner_id.lang
            )
            try:
                run = run_model._make_nightly_run(company, commit_batch)
                company.credit_run_error = False
                self.env.flush_all()
                if run.state == "draft":
                    break  # no time left; the next call goes on
            except Exception as error:
                self.env.cr.rollback()
                _logger.exception(
                    "Nightly dunning run of company %s failed", company.id
                )
                company.credit_run_error = str(error)
            if not commit_progress(1):
                break

    @api.model
    def _is_nightly_due(self, company):
        now = company._credit_now()
        if now.hour < company.credit_run_hour:
            return False
        return not self.search_count(
            [
                ("company_id", "=", company.id),
                ("date", "=", now.date()),
                ("is_nightly", "=", True),
                ("state", "!=", "draft"),  # cut short: not made yet
            ],
            limit=1,
        )

    @api.model
    def _make_nightly_run(self, company, commit=None):
        """Propose tonight's run, and send what needs no review.

        Letters of automatic policies go at once when the company is live; the others
        wait for a person. Earlier nights that nobody touched make room.

        :param commit: see ``_propose``
        :return: the run; still a draft when there was no time to finish it
        """
        run = self._begin_nightly_run(company)
        if not run._propose(commit=commit):
            return run
        if not run.letter_count:
            run._close_empty()
            return run
        if company.credit_mode not in ("redirect", "live"):
            return run
        automatic = run._search_letters(Domain("policy_id.automatic", "=", True))
        if automatic and company._credit_bank_is_stale(run.date):
            run._hold_for_bank()
        elif automatic:
            run._queue(automatic)
        return run

    @api.model
    def _begin_nightly_run(self, company):
        """Return tonight's run: the one that was cut short, or a new one."""
        today = company._credit_today()
        run = self.search(
            [
                ("company_id", "=", company.id),
                ("date", "=", today),
                ("is_nightly", "=", True),
                ("state", "=", "draft"),
            ],
            limit=1,
        )
        if run:
            return run
        self._supersede_nightly_runs(company)
        # sudo: only the job makes nightly runs, whoever starts it.
        run_sudo = self.sudo().create(
            {
                "company_id": company.id,
                "date": today,
                "is_nightly": True,
                "user_id": company.credit_user_id.id,
            }
        )
        return self.browse(run_sudo.id)

    @api.model
    def _supersede_nightly_runs(self, company):
        """Drop untouched proposals of earlier nights: tonight decides anew."""
        # sudo: proposals are made and dropped by runs, not by hand.
        runs = self.sudo().search(
            [
                ("company_id", "=", company.id),
                ("is_nightly", "=", True),
                # A draft was cut short, and its day is over.
                "|",
                ("state", "in", ("draft", "proposed")),
                # It had nothing to say.
                "&",
                ("state", "=", "done"),
                ("letter_ids", "=", False),
            ]
        )
        for run in runs:
            proposed = Domain("state", "=", "proposed")
            if run._search_letters(proposed & Domain("is_edited", "=", True)):
                continue  # somebody is at work on it
            # Nothing of it was said to anybody: it makes room without a trace.
            run._drop_letters()
            if run.letter_ids:
                run.state = "done"
            else:
                run.state = "cancelled"
                run.unlink()

    def _close_empty(self):
        """Close a night that has nothing to send: nobody needs to look at it."""
        self.ensure_one()
        run_sudo = self.sudo()
        run_sudo.state = "done"
        run_sudo._message_log(
            body=self.env._(
                "Nobody is chased tonight: no customer has reached a level. Why each"
                " overdue item is left alone stands under Left Alone."
            )
        )

    def _get_informed_user(self):
        """Return who hears of this run: never the program itself.

        Who is responsible for it, else the collector of the company, else somebody who
        manages credit.
        """
        self.ensure_one()
        company_sudo = self.sudo().company_id
        return self.env["credit.profile"]._find_person(
            company_sudo, (self.sudo().user_id, company_sudo.credit_user_id)
        )

    def _hold_for_bank(self):
        """Keep the automatic letters back and ask a person: the bank is old."""
        self.ensure_one()
        last = self.company_id._credit_last_bank_date()
        self.sudo().hold_reason = self.env._(
            "The last bank entry is of %(day)s. Import and match the bank, then propose"
            " again, or approve the run as it is.",
            day=last,
        )
        self.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=self.env._("Dunning run waits for the bank"),
            note=self.hold_reason,
            user_id=self._get_informed_user().id,
        )
