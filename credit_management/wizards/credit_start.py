import logging
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import config, email_normalize

_logger = logging.getLogger(__name__)

MANAGER = "credit_management.group_credit_manager"
# What a mail server that somebody set up is not called.
NO_SERVER = (False, "", "localhost")
# So many items of a real customer stand in a test letter.
SAMPLE_ITEMS = 10
# What a made-up customer owes: amount, and days late beyond those of the level.
MADE_UP_ITEMS = ((1250.0, 12), (480.0, 0))


class CreditStart(models.TransientModel):
    """The first minutes: how a company follows up, a test letter, the first proposal.

    Two screens. The first one sets the company up, the second one lets its manager see
    a letter, get it, and ask what would be sent today.
    """

    _name = "credit.start"
    _description = "Guided Start"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self._default_company_id(),
    )
    step = fields.Selection(
        [("setup", "Set up"), ("test", "Try it out")], default="setup", required=True
    )

    # How the company follows up
    mode = fields.Selection(
        [
            (
                "simulate",
                "Simulate (recommended): every night proposes what would go, and"
                " nothing is sent.",
            ),
            (
                "redirect",
                "Redirect: letters really go, but all of them to one address of yours.",
            ),
            ("live", "Live: letters go to customers, after your review."),
        ],
        required=True,
        default=lambda self: self._default_mode(),
    )
    company_mode = fields.Selection(
        related="company_id.credit_mode", string="Mode So Far"
    )
    redirect_email = fields.Char(
        string="All letters go to", default=lambda self: self._default_redirect_email()
    )
    policy_id = fields.Many2one(
        "credit.dunning.policy",
        string="Default Policy",
        required=True,
        check_company=True,
        default=lambda self: self._default_policy_id(),
    )
    timeline = fields.Html(compute="_compute_timeline", sanitize=False)
    filter_note = fields.Char(compute="_compute_filter_note")
    user_id = fields.Many2one(
        "res.users",
        string="Collector",
        required=True,
        check_company=True,
        domain=[("share", "=", False)],
        default=lambda self: self._default_user_id(),
        help="Gets the tasks and the replies of customers without a collector.",
    )
    email_from = fields.Char(string="Letters come from", compute="_compute_sender")
    reply_to = fields.Char(string="Replies go to", compute="_compute_sender")
    lacks_address = fields.Boolean(compute="_compute_sender")
    lacks_server = fields.Boolean(compute="_compute_sender")

    # A letter to look at
    own_email = fields.Char(compute="_compute_own_email")
    letter_about = fields.Char(compute="_compute_letter")
    letter_subject = fields.Char(string="Subject", compute="_compute_letter")
    letter_body = fields.Html(compute="_compute_letter", sanitize=False)
    is_sent = fields.Boolean(default=False, string="Test Letter Sent")
    has_items = fields.Boolean(string="Has Open Items", compute="_compute_has_items")

    # === DEFAULTS === #

    @api.model
    def _default_company_id(self):
        return self.env.company

    @api.model
    def _default_mode(self):
        mode = self.env.company.credit_mode
        return "simulate" if mode == "off" else mode

    @api.model
    def _default_redirect_email(self):
        company = self.env.company
        return company.credit_redirect_email or self.env.user.email_normalized

    @api.model
    def _default_policy_id(self):
        company = self.env.company
        return company.credit_policy_id or self.env["credit.dunning.policy"].search(
            [("company_id", "in", [False, *company.parent_ids.ids])], limit=1
        )

    @api.model
    def _default_user_id(self):
        return self.env.company.credit_user_id or self.env.user

    # === COMPUTE METHODS === #

    def _compute_display_name(self):
        for start in self:
            start.display_name = self.env._("Guided Start")

    @api.depends("policy_id")
    @api.depends_context("lang")
    def _compute_timeline(self):
        for start in self:
            rows = Markup().join(
                Markup("<li><strong>%s:</strong> %s</li>")
                % (self._say_day(level), self._say_message(level))
                for level in start.policy_id.level_ids
            )
            start.timeline = rows and Markup("<ul class='list-unstyled'>%s</ul>") % rows

    @api.model
    def _say_day(self, level):
        """Say when a level comes, in words."""
        days = level.delay_days
        if days == 1:
            return self.env._("1 day late")
        if days == -1:
            return self.env._("1 day before it is due")
        if days < 0:
            return self.env._("%(days)s days before it is due", days=-days)
        return self.env._("%(days)s days late", days=days)

    @api.model
    def _say_message(self, level):
        """Say which message a level is, and on which ways it goes."""
        name = level.name
        if level.send_email and level.send_letter:
            words = self.env._("%(level)s by e-mail and post", level=name)
        elif level.send_email:
            words = self.env._("%(level)s by e-mail", level=name)
        elif level.send_letter:
            words = self.env._("%(level)s by post", level=name)
        else:
            words = name
        if level.activity_type_id:
            words += self.env._(
                ", and a task: %(task)s", task=level.activity_type_id.name
            )
        return words

    @api.depends("policy_id", "company_id")
    def _compute_filter_note(self):
        Policy = self.env["credit.dunning.policy"]
        for start in self:
            others = Policy.search(
                [
                    ("company_id", "in", [False, *start.company_id.parent_ids.ids]),
                    ("partner_domain", "not in", [False, "", "[]"]),
                    ("id", "!=", start.policy_id.id),
                ]
            )
            start.filter_note = bool(others) and self.env._(
                "Customers who match the filter of another policy get that one:"
                " %(policies)s.",
                policies=", ".join(others.mapped("name")),
            )

    @api.depends("company_id")
    def _compute_sender(self):
        # sudo: whether there is a mail server is told, not which, nor its password.
        servers_sudo = self.env["ir.mail_server"].sudo()
        has_server = config["smtp_server"] not in NO_SERVER or bool(
            servers_sudo.search_count([], limit=1)
        )
        # sudo: without an address of the company, the job that sends has only its own.
        robot_sudo = self.env.ref("base.user_root").sudo()
        for start in self:
            company = start.company_id
            letters = self.env["credit.dunning.letter"].with_company(company)
            start.email_from = company.email_formatted or robot_sudo.email_formatted
            reply_to = letters._notify_get_reply_to(default=start.email_from)
            start.reply_to = reply_to[False]
            start.lacks_address = not email_normalize(company.email or "")
            start.lacks_server = not has_server

    @api.depends_context("uid")
    def _compute_own_email(self):
        for start in self:
            start.own_email = self.env.user.email_normalized

    @api.depends("step", "policy_id", "company_id", "user_id")
    def _compute_letter(self):
        for start in self:
            letter = start.step == "test" and start._build_sample()
            if not letter:
                start.letter_about = start.letter_subject = start.letter_body = False
                continue
            [message] = letter._render_texts().values()
            start.letter_subject, start.letter_body = message
            start.letter_about = start._say_sample(letter)

    @api.depends("company_id")
    def _compute_has_items(self):
        for start in self:
            items = self.env["account.move.line"].search(
                start._get_open_domain(), limit=1
            )
            start.has_items = bool(items)

    # === CONSTRAINT METHODS === #

    @api.constrains("company_id", "policy_id", "user_id")
    def _check_company_allowed(self):
        """Tell nobody of a company, or of a policy, that is not theirs."""
        for start in self.sudo(False):
            start._check_may_set_up()
            start.policy_id.check_access("read")
            if start.user_id.share:
                raise ValidationError(
                    self.env._("Choose a collector who works in your company.")
                )

    @api.constrains("redirect_email")
    def _check_redirect_email(self):
        for start in self:
            if start.redirect_email and not email_normalize(start.redirect_email):
                raise ValidationError(
                    self.env._("Enter one valid e-mail address for all letters.")
                )

    def _check_may_set_up(self):
        """Refuse whoever is no credit manager, or does not work in the company.

        :raise AccessError: with what to do
        """
        for start in self:
            user = start.env.user
            if not user.has_group(MANAGER):
                raise AccessError(
                    self.env._(
                        "Only a credit manager sets up how customers are followed up."
                        " Ask an administrator for that right."
                    )
                )
            if start.company_id not in user.company_ids:
                raise AccessError(
                    self.env._("You may set up only companies in which you work.")
                )

    # === ACTION METHODS === #

    @api.model
    def action_open(self):
        """Open the guide for the current company."""
        self.check_access("create")
        start = self.create({})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Guided Start"),
            "res_model": self._name,
            "res_id": start.id,
            "view_mode": "form",
            "target": "main",
        }

    def action_next(self):
        """Keep the choices, and go on to the letter."""
        self.ensure_one()
        self.check_access("write")
        self._save_settings()
        self.step = "test"
        profile = self._build_sample().profile_id
        if profile:
            profile._get_customer_url()  # its token, while one may write

    def action_back(self):
        """Go back to the choices."""
        self.ensure_one()
        self.check_access("write")
        self.write({"step": "setup", "is_sent": False})

    def action_send_test(self):
        """Send the letter to oneself, and to nobody else."""
        self.ensure_one()
        self.check_access("write")
        self._check_may_set_up()
        self._send_sample()
        self.is_sent = True

    def action_propose(self):
        """Say what would be sent today: propose a run, and open it. Nothing is sent."""
        self.ensure_one()
        self.check_access("write")
        self._check_may_set_up()
        run = self._find_or_create_run()
        if not run.letter_ids.filtered("is_edited"):
            run.action_propose()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_run_action"
        )
        return action | {
            "view_mode": "form",
            "views": [(False, "form")],
            "res_id": run.id,
        }

    def action_skip(self):
        """Do without the guide: it does not open by itself any more."""
        self.ensure_one()
        self.check_access("write")
        self._check_may_set_up()
        # sudo: see _save_settings.
        self.company_id.sudo().credit_start_skipped = True
        return self.env["credit.overview"].action_open()

    # === BUSINESS METHODS === #

    @api.model
    def _is_wanted(self):
        """Say whether the guide opens by itself: for whom, and in which company."""
        company = self.env.company
        return (
            self.env.user.has_group(MANAGER)
            and not company.credit_start_skipped
            and not self.env["credit.dunning.run"].search_count(
                [("company_id", "=", company.id)], limit=1
            )
        )

    def _save_settings(self):
        """Write the choices into the company; what stays as it was is not touched.

        sudo: the host lets only administrators write companies, and its settings window
        opens for nobody else, whatever part of it; yet how customers are followed up
        is for the credit manager to say. So who it is, and that they work in this
        company, is checked first, and nothing is written but these credit fields.
        """
        self.ensure_one()
        self._check_may_set_up()
        vals = {
            "credit_mode": self.mode,
            "credit_policy_id": self.policy_id.id,
            "credit_user_id": self.user_id.id,
        }
        if self.mode == "redirect":
            vals["credit_redirect_email"] = self.redirect_email
        company_sudo = self.company_id.sudo()
        changed = {
            name: value
            for name, value in vals.items()
            if company_sudo._fields[name].convert_to_write(
                company_sudo[name], company_sudo
            )
            != value
        }
        if changed:
            company_sudo.write(changed)
            _logger.info(
                "User %s set up company %s: %s", self.env.uid, company_sudo.id, changed
            )

    def _find_or_create_run(self):
        """Return the proposal of today, or a new run: an item stands in one only."""
        run = self.env["credit.dunning.run"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("date", "=", self.company_id._credit_today()),
                ("state", "in", ("draft", "proposed")),
            ],
            limit=1,
        )
        return run or run.create(
            {
                "company_id": self.company_id.id,
                "date": self.company_id._credit_today(),
            }
        )

    # === BUSINESS METHODS - A LETTER TO LOOK AT === #

    def _get_sample_level(self):
        """Return the first level with a text; a notice only if there is no other."""
        spoken = self.policy_id.level_ids.filtered(
            lambda level: (
                level.mail_template_id and (level.send_email or level.send_letter)
            )
        )
        return (spoken.filtered(lambda level: not level.is_reminder) or spoken)[:1]

    def _get_open_domain(self):
        """Return which open items of the company may stand in a letter."""
        ages = self.env["credit.overview.age"]
        return Domain(ages._get_open_domain(self.company_id)) & Domain(
            [("amount_residual", ">", 0), ("partner_id", "!=", False)]
        )

    def _find_sample_items(self, level):
        """Return open items of one customer, of whom the level could speak.

        Of a customer who reads the language of the manager, if there is one.
        """
        today = self.company_id._credit_today()
        domain = self._get_open_domain() & Domain(
            "move_id.move_type", "=", "out_invoice"
        )
        if level.is_reminder:
            domain &= Domain("date_maturity", ">=", today)
        else:
            days = timedelta(days=level.delay_days)
            domain &= Domain("date_maturity", "<=", today - days)
        Item = self.env["account.move.line"]
        same_language = Domain("partner_id.lang", "=", self.env.user.lang)
        for wish in (domain & same_language, domain):
            first = Item.search(wish, order="date_maturity desc, id desc", limit=1)
            if first:
                return Item.search(
                    domain
                    & Domain("partner_id", "=", first.partner_id.id)
                    & Domain("currency_id", "=", first.currency_id.id),
                    order="date_maturity, id",
                    limit=SAMPLE_ITEMS,
                )
        return Item

    def _build_sample(self):
        """Return a letter as it would be, in memory only: none is kept, no level rises.

        :return: a new ``credit.dunning.letter``, or an empty one: no level has a text
        """
        self.ensure_one()
        level = self._get_sample_level()
        letters = self.env["credit.dunning.letter"].with_company(self.company_id)
        if not level:
            return letters
        items = self._find_sample_items(level)
        if items:
            vals = self._prepare_real_values(items)
        else:
            vals = self._prepare_made_up_values(level)
        today = self.company_id._credit_today()
        return letters.new(
            {
                "company_id": self.company_id.id,
                "policy_id": self.policy_id.id,
                "level_id": level.id,
                "level_rank": 0 if level.is_reminder else 1,
                "user_id": self.user_id.id,
                "pay_by_date": today + timedelta(days=level.deadline_days),
                "is_test": True,
            }
            | vals
            | {
                "line_ids": [
                    Command.create(item | {"is_reminder": level.is_reminder})
                    for item in vals["line_ids"]
                ]
            }
        )

    def _prepare_real_values(self, items):
        """Return what a letter to a real customer says of these items."""
        customer = items.partner_id.commercial_partner_id
        facts = self.env["credit.dunning.facts"]
        rows = [
            {
                "customer_id": customer.id,
                "move_partner_id": items[-1].move_id.partner_id.id,
            }
        ]
        [contact] = facts._get_contacts(rows, self.company_id).values()
        profile = self.env["credit.profile"]._get_or_create(self.company_id, customer)
        today = self.company_id._credit_today()
        return {
            "profile_id": profile.id,
            "commercial_partner_id": customer.id,
            "partner_id": contact,
            "currency_id": items.currency_id.id,
            "line_ids": [
                {
                    "move_id": item.move_id.id,
                    "name": item.move_id.name,
                    "invoice_date": item.move_id.invoice_date,
                    "date_maturity": item.date_maturity,
                    "days_late": max((today - item.date_maturity).days, 0),
                    "amount": item.amount_residual_currency,
                    "amount_company": item.amount_residual,
                }
                for item in items
            ],
        }

    def _prepare_made_up_values(self, level):
        """Return what a letter to a customer who does not exist says."""
        customer = self.env["res.partner"].new(
            {
                "name": self.env._("Example Customer"),
                "is_company": True,
                "lang": self.env.user.lang,
            }
        )
        today = self.company_id._credit_today()
        lines = []
        for number, (amount, more) in enumerate(MADE_UP_ITEMS, start=1):
            days_late = level.delay_days + (0 if level.is_reminder else more)
            due = today - timedelta(days=days_late)
            lines.append(
                {
                    "name": self.env._("EXAMPLE/%(number)s", number=f"{number:04}"),
                    "invoice_date": due - timedelta(days=30),
                    "date_maturity": due,
                    "days_late": max(days_late, 0),
                    "amount": amount,
                    "amount_company": amount,
                }
            )
        return {
            "commercial_partner_id": customer,
            "partner_id": customer,
            "currency_id": self.company_id.currency_id.id,
            "line_ids": lines,
        }

    def _say_sample(self, letter):
        """Say whose letter this is, and that it is one to look at."""
        if not letter.profile_id:
            return self.env._(
                "“%(level)s” to a customer who is made up: nobody is late enough yet.",
                level=letter.level_id.name,
            )
        return self.env._(
            "“%(level)s” as %(customer)s would get it.",
            level=letter.level_id.name,
            customer=letter.commercial_partner_id.display_name,
        )

    def _send_sample(self):
        """Queue the letter, marked as a test, as a mail to one's own address only."""
        company, user = self.company_id, self.env.user
        if not user.email_normalized:
            raise UserError(
                self.env._(
                    "You have no e-mail address of your own. Enter it in your"
                    " preferences, then try again."
                )
            )
        if company.credit_stopped:
            raise UserError(
                self.env._(
                    "The emergency stop of %(company)s is on: nothing leaves. Release"
                    " it first.",
                    company=company.name,
                )
            )
        letter = self._build_sample()
        if not letter:
            raise UserError(
                self.env._(
                    "No level of %(policy)s sends a text. Choose another policy.",
                    policy=self.policy_id.name,
                )
            )
        note = self.env._(
            "A test, sent to you alone. No customer got it, and nothing was noted."
        )
        [(subject, body)] = letter._render_texts(note).values()
        # sudo: the mail queue, and what wakes it, belong to the system.
        self.env["mail.mail"].sudo().create(
            {
                "subject": self.env._("[Test] %(subject)s", subject=subject),
                "body_html": body,
                "email_from": company.email_formatted or user.email_formatted,
                "email_to": user.email_formatted,
                "reply_to": user.email_formatted,
                "author_id": company.partner_id.id,
                "message_type": "email_outgoing",
                "headers": repr({"X-Credit-Test": "1"}),
                "auto_delete": True,
            }
        )
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
