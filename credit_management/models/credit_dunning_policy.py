from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain

from ..logic import policy as policy_rules
from ..logic.dunning import Policy
from ..logic.money import to_decimal
from ..logic.workdays import EVERY_DAY


class CreditDunningPolicy(models.Model):
    """How a kind of customer is followed up, from first notice to last demand."""

    _name = "credit.dunning.policy"
    _description = "Dunning Policy"
    _inherit = ["mail.thread"]
    _order = "sequence, id"
    _check_company_auto = True
    _check_company_domain = models.check_company_domain_parent_of

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        default=10, help="The first policy whose filter matches a customer is used."
    )
    company_id = fields.Many2one(
        "res.company", index=True, help="Empty: every company may use it."
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    partner_domain = fields.Char(
        string="Customers",
        help="Customers this policy is for. Empty: those who choose it, and those of"
        " companies that have it as their default.",
    )
    level_ids = fields.One2many(
        "credit.dunning.level", "policy_id", string="Levels", copy=True
    )
    min_interval_days = fields.Integer(
        string="Days Between Messages",
        default=5,
        tracking=True,
        help="Least number of days between two automatic messages to a customer, on"
        " every channel.",
    )
    grace_days = fields.Integer(
        tracking=True,
        help="Days after the due date on which an item does not count as late.",
    )
    minimum_amount = fields.Monetary(
        tracking=True,
        help="A message that would claim less does not go, in the company's currency.",
    )
    bundle = fields.Selection(
        [
            ("customer", "One message a customer"),
            ("invoice", "One message an invoice"),
        ],
        default="customer",
        required=True,
        tracking=True,
    )
    automatic = fields.Boolean(
        default=False,
        tracking=True,
        help="Letters of the nightly run go without review. Off: they wait for a"
        " person.",
    )
    working_days_only = fields.Boolean(
        default=True,
        tracking=True,
        help="Messages go, and payment falls due, on working days of the company.",
    )
    promise_hold = fields.Boolean(
        string="Promises Hold Reminders",
        default=True,
        tracking=True,
        help="What a customer promised to pay is left alone until the promised day and"
        " its tolerance are over.",
    )
    promise_tolerance_days = fields.Integer(
        string="Tolerance of Promises",
        default=2,
        tracking=True,
        help="Working days after the promised day on which a payment still counts as in"
        " time.",
    )
    promise_window_days = fields.Integer(
        string="Customers Promise At Most",
        default=14,
        tracking=True,
        help="So many days ahead a customer may promise to pay on the customer's page."
        " 0: promises are noted by our staff alone.",
    )
    profile_count = fields.Integer(compute="_compute_profile_count")

    _days_positive = models.Constraint(
        "CHECK (min_interval_days >= 0 AND grace_days >= 0 AND minimum_amount >= 0)",
        "Days and the minimum amount of a policy cannot be negative.",
    )
    _promise_days_sensible = models.Constraint(
        "CHECK (promise_tolerance_days BETWEEN 0 AND 30"
        " AND promise_window_days BETWEEN 0 AND 365)",
        "A promise has 0 to 30 working days of tolerance, and customers may give one 0"
        " to 365 days ahead.",
    )

    # === COMPUTE METHODS === #

    @api.depends("company_id")
    @api.depends_context("company")
    def _compute_currency_id(self):
        for policy in self:
            company = policy.company_id or self.env.company
            policy.currency_id = company.currency_id

    def _compute_profile_count(self):
        groups = self.env["credit.profile"]._read_group(
            [("policy_id", "in", self.ids)], ["policy_id"], ["__count"]
        )
        counts = dict(groups)
        for policy in self:
            policy.profile_count = counts.get(policy, 0)

    # === CONSTRAINT METHODS === #

    @api.constrains("level_ids", "min_interval_days", "grace_days")
    def _check_levels(self):
        """Refuse a policy that would not do what it reads like."""
        for policy in self:
            problems = policy_rules.find_problems(policy._to_logic(EVERY_DAY))
            if problems:
                raise ValidationError(policy._describe_problem(problems[0]))

    @api.constrains("partner_domain")
    def _check_partner_domain(self):
        for policy in self:
            try:
                domain = Domain(policy._get_partner_domain())
                # As who writes it: the nightly job, which evaluates it, may read all.
                self.env["res.partner"].sudo(False).search(domain, limit=1)
            except AccessError:
                raise
            except Exception as error:
                raise ValidationError(
                    self.env._(
                        "The customer filter of policy %(policy)s cannot be read."
                        " Choose the customers again with the filter editor.",
                        policy=policy.name,
                    )
                ) from error

    def _describe_problem(self, problem):
        """Say what is wrong with a level and what to do."""
        level = self.env["credit.dunning.level"].browse(problem.level.ref)
        messages = {
            policy_rules.TWO_ON_ONE_DAY: self.env._(
                "Level “%(level)s” falls on the same day as the level before it. Give"
                " each level of %(policy)s a day of its own.",
                level=level.name,
                policy=self.name,
            ),
            policy_rules.OUT_OF_ORDER: self.env._(
                "Level “%(level)s” of %(policy)s stands after a level that comes later."
                " Drag the levels into the order of their days.",
                level=level.name,
                policy=self.name,
            ),
            policy_rules.REMINDER_NOT_BEFORE_DUE: self.env._(
                "“%(level)s” of %(policy)s is a notice before the due date. Give it a"
                " negative number of days, or untick “Notice Before the Due Date”.",
                level=level.name,
                policy=self.name,
            ),
            policy_rules.LEVEL_NOT_AFTER_DUE: self.env._(
                "Level “%(level)s” of %(policy)s must come at least one day after the"
                " due date: nobody is chased before. For a friendly message before it,"
                " tick “Notice Before the Due Date”.",
                level=level.name,
                policy=self.name,
            ),
            policy_rules.NEVER_REACHED: self.env._(
                "“%(level)s” of %(policy)s is never reached: the days between messages"
                " after the notice before it end on the due date or later, or on the"
                " day of the next notice. Shorten the interval or move the notice.",
                level=level.name,
                policy=self.name,
            ),
        }
        return messages[problem.code]

    # === CRUD METHODS === #

    def write(self, vals):
        """Let nobody hand a policy to a company in which they do not work."""
        res = super().write(vals)
        if "company_id" in vals:
            self.check_access("write")
        return res

    # === ACTION METHODS === #

    def action_view_profiles(self):
        """Open the customers who chose this policy."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_profile_action"
        )
        return action | {"domain": [("policy_id", "=", self.id)], "context": {}}

    # === BUSINESS METHODS === #

    def _to_logic(self, calendar):
        """Return the policy as the rule wants it; money in the company's currency."""
        self.ensure_one()
        return Policy(
            # Sorted: a level that was just added stands last until it is read again.
            levels=tuple(level._to_logic() for level in self.level_ids.sorted()),
            grace_days=self.grace_days,
            min_interval_days=self.min_interval_days,
            minimum_amount=to_decimal(self.minimum_amount),
            bundle_by_document=self.bundle == "invoice",
            calendar=calendar if self.working_days_only else EVERY_DAY,
        )

    def _get_partner_domain(self):
        """Return the customer filter as a list; raise ValueError if it is no list."""
        domain = literal_eval(self.partner_domain or "[]")
        if not isinstance(domain, list):
            raise ValueError(self.partner_domain)
        return domain

    @api.model
    def _find_for_partners(self, company, partners):
        """Return the policy of each customer, and why: three steps, a few queries.

        Own choice, else the first policy by sequence whose filter matches, else the
        default of the company.

        :return: dict partner id -> (policy, "own" / "filter" / "default" / "none")
        """
        found = {}
        profiles = self.env["credit.profile"].search_fetch(
            [
                ("company_id", "=", company.id),
                ("partner_id", "in", partners.ids),
                ("policy_id", "!=", False),
            ],
            ["partner_id", "policy_id"],
        )
        for profile in profiles:
            found[profile.partner_id.id] = (profile.policy_id, "own")
        left = set(partners.ids) - set(found)
        for policy in self.search(
            [
                ("company_id", "in", [False, *company.parent_ids.ids]),
                ("partner_domain", "not in", [False, "", "[]"]),
            ]
        ):
            if not left:
                break
            domain = Domain(policy._get_partner_domain())
            matching = (
                self.env["res.partner"]
                .with_company(company)
                .with_context(active_test=False)
                .search(domain & Domain("id", "in", list(left)))
            )
            for partner_id in matching.ids:
                found[partner_id] = (policy, "filter")
            left -= set(matching.ids)
        default = company.credit_policy_id
        origin = "default" if default else "none"
        return found | dict.fromkeys(left, (default, origin))
