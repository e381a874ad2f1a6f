from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ..logic import credit_rules
from ..logic.money import to_decimal
from .credit_score import CLASSES

KINDS = [
    (credit_rules.UTILISATION, "Limit Used (%)"),
    (credit_rules.ORDER_AMOUNT, "Order Amount"),
    (credit_rules.DAYS_OVERDUE, "Days Overdue"),
    (credit_rules.OVERDUE_AMOUNT, "Overdue Amount"),
    (credit_rules.LEVEL_HOLDS, "Dunning Level That Holds Orders"),
    (credit_rules.SCORE_BELOW, "Score Below"),
    (credit_rules.BROKEN_PROMISES, "Broken Promises"),
    (credit_rules.COVER_ENDED, "Insurance Expired"),
]
# Added by a person for one customer; no rule of the table.
MANUAL_KIND = (credit_rules.MANUAL, "Held by Hand")
WITHOUT_THRESHOLD = {credit_rules.LEVEL_HOLDS, credit_rules.COVER_ENDED}


class CreditRule(models.Model):
    """One question that is asked before an order goes on, and what its answer means.

    Of the rules of a kind only the closest to the customer count: those that name it,
    else those that name a tag or class of it, else those for all.
    """

    _name = "credit.rule"
    _description = "Credit Rule"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", help="Empty: for all companies.")
    kind = fields.Selection(KINDS, string="Looks At", required=True)
    threshold = fields.Float(
        digits=(16, 2),
        help="It trips above this value; a score below it. Amounts are in the currency"
        " of the company.",
    )
    verdict = fields.Selection(
        [(credit_rules.WARN, "Warn"), (credit_rules.HOLD, "Hold")],
        string="Then",
        required=True,
        default=credit_rules.HOLD,
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Customers",
        check_company=True,
        help="For these customers instead of the rules for tags, classes and all.",
    )
    category_ids = fields.Many2many(
        "res.partner.category",
        string="Tags",
        help="For customers with one of these tags instead of the rules for all.",
    )
    risk_class = fields.Selection(
        CLASSES,
        string="Class",
        help="For customers whose score is in this class instead of the rules for all.",
    )
    exclusion_ids = fields.One2many(
        "credit.rule.exclusion", "rule_id", string="Not Asked For"
    )
    exclusion_count = fields.Integer(compute="_compute_exclusion_count")
    scope = fields.Char(compute="_compute_scope", string="For")
    has_threshold = fields.Boolean(compute="_compute_has_threshold")

    _threshold_positive = models.Constraint(
        "CHECK (threshold >= 0)", "A threshold cannot be below zero."
    )

    # === COMPUTE METHODS === #

    @api.depends("exclusion_ids")
    def _compute_exclusion_count(self):
        for rule in self:
            rule.exclusion_count = len(rule.exclusion_ids)

    @api.depends("partner_ids", "category_ids", "risk_class")
    @api.depends_context("lang")
    def _compute_scope(self):
        for rule in self:
            parts = [
                *rule.partner_ids.mapped("display_name"),
                *rule.category_ids.mapped("display_name"),
            ]
            if rule.risk_class:
                parts.append(self.env._("Class %(letter)s", letter=rule.risk_class))
            rule.scope = ", ".join(parts) or self.env._("All customers")

    @api.depends("kind")
    def _compute_has_threshold(self):
        for rule in self:
            rule.has_threshold = rule.kind not in WITHOUT_THRESHOLD

    # === CONSTRAINT METHODS === #

    @api.constrains("company_id")
    def _check_company_id(self):
        allowed = self.env.user._get_company_ids()
        for rule in self:
            if rule.company_id.id not in (False, *allowed):
                raise ValidationError(
                    self.env._("Choose one of your own companies, or none for all.")
                )

    @api.constrains("partner_ids")
    def _check_partner_ids(self):
        for rule in self:
            for partner in rule.partner_ids:
                if partner != partner.commercial_partner_id:
                    raise ValidationError(
                        self.env._(
                            "Credit is managed on %(customer)s, to which the contact"
                            " belongs. Choose that customer.",
                            customer=partner.commercial_partner_id.display_name,
                        )
                    )

    @api.constrains("partner_ids", "category_ids", "risk_class")
    def _check_scope(self):
        for rule in self:
            if rule.partner_ids and (rule.category_ids or rule.risk_class):
                raise ValidationError(
                    self.env._(
                        "“%(rule)s” is for customers or for tags and classes, not for"
                        " both. Make two rules.",
                        rule=rule.name,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Rules are kept in memory: a change makes the servers read them again."""
        rules = super().create(vals_list)
        self.env.registry.clear_cache()
        return rules

    def write(self, vals):
        """See ``create``."""
        self.check_access("write")
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        """See ``create``."""
        self.check_access("unlink")
        self.env.registry.clear_cache()
        return super().unlink()

    # === BUSINESS METHODS === #

    @api.model
    @tools.ormcache("company_id")
    def _read_rules(self, company_id):
        """Return the rules of a company as plain data, in their order."""
        # sudo: rules hold for whoever sells.
        rules_sudo = self.sudo().search(
            [("company_id", "in", (False, company_id))], order="sequence, id"
        )
        return tuple(
            {
                "id": rule_sudo.id,
                "kind": rule_sudo.kind,
                "threshold": str(to_decimal(rule_sudo.threshold)),
                "verdict": rule_sudo.verdict,
                "partners": frozenset(rule_sudo.partner_ids.ids),
                "tags": frozenset(rule_sudo.category_ids.ids),
                "risk_class": rule_sudo.risk_class or None,
                "excluded": tuple(
                    (one.partner_id.id, one.until or None)
                    for one in rule_sudo.exclusion_ids
                ),
            }
            for rule_sudo in rules_sudo
        )

    @api.model
    def _find_rules(self, company, customer, tags, risk_class, today):
        """Return the rules that are asked for a customer, with how close they are.

        :param tags: ids of the tags of the customer
        :return: list of ``credit_rules.Rule``
        """
        found = []
        for row in self._read_rules(company.id):
            scope = self._find_scope(row, customer.id, tags, risk_class)
            is_excluded = any(
                customer.id == partner_id and (until is None or until >= today)
                for partner_id, until in row["excluded"]
            )
            if scope is not None and not is_excluded:
                found.append(
                    credit_rules.Rule(
                        row["id"],
                        row["kind"],
                        to_decimal(row["threshold"]),
                        row["verdict"],
                        scope,
                    )
                )
        return found

    @api.model
    def _find_scope(self, row, customer_id, tags, risk_class):
        """Return how close a rule is to a customer; none where it is not for it."""
        if row["partners"]:
            return 0 if customer_id in row["partners"] else None
        if row["tags"] or row["risk_class"]:
            is_named = row["tags"] & set(tags) or (
                row["risk_class"] and row["risk_class"] == risk_class
            )
            return 1 if is_named else None
        return 2


class CreditRuleExclusion(models.Model):
    """Why a rule is not asked for a customer."""

    _name = "credit.rule.exclusion"
    _description = "Exception From a Credit Rule"
    _order = "until, id"

    rule_id = fields.Many2one(
        "credit.rule", required=True, ondelete="cascade", index=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        ondelete="cascade",
        domain=["|", ("is_company", "=", True), ("parent_id", "=", False)],
    )
    reason = fields.Char(required=True)
    until = fields.Date(help="Last day of the exception. Empty: it has no end.")

    _rule_partner_uniq = models.Constraint(
        "UNIQUE (rule_id, partner_id)",
        "This customer has an exception from this rule already.",
    )

    @api.constrains("partner_id")
    def _check_partner_id(self):
        allowed = self.env.user._get_company_ids()
        for exclusion in self:
            # sudo: whose contact it is, is asked of one that may be out of sight.
            owner_sudo = exclusion.partner_id.sudo().company_id
            if owner_sudo.id not in (False, *allowed):
                raise ValidationError(
                    self.env._("Choose a customer of one of your own companies.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        """See ``credit.rule.create``."""
        exclusions = super().create(vals_list)
        self.env.registry.clear_cache()
        return exclusions

    def write(self, vals):
        """See ``credit.rule.create``."""
        self.check_access("write")
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        """See ``credit.rule.create``."""
        self.check_access("unlink")
        self.env.registry.clear_cache()
        return super().unlink()
