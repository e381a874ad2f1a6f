from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_amount, format_date

from .credit_overview import CREDITS

WEEKS_BACK = 8
WEEKS_AHEAD = 4


class CreditOverviewChart(models.TransientModel):
    """What left last night by level, and figures that a look says more of.

    A chart is a picture of numbers that stand beside it, for those who cannot see it.
    """

    # One file a topic.
    _inherit = "credit.overview"  # pylint: disable=consider-merging-classes-inherited

    level_ids = fields.One2many("credit.overview.level", "overview_id", readonly=True)
    age_chart = fields.Json(readonly=True)
    cash_chart = fields.Json(readonly=True)
    has_currencies = fields.Boolean(compute="_compute_has_currencies")

    # === COMPUTE METHODS === #

    @api.depends("company_ids.currency_id")
    def _compute_has_currencies(self):
        for overview in self:
            overview.has_currencies = len(overview.company_ids.currency_id) > 1

    # === BUSINESS METHODS === #

    @api.model
    def _prepare_overview(self, companies):
        """Override: add what left by level, and the charts."""
        vals = super()._prepare_overview(companies)
        vals["level_ids"] = [
            fields.Command.create(level) for level in self._prepare_levels(companies)
        ]
        # Amounts in several currencies do not stand in one chart.
        if len(companies.currency_id) == 1:
            ages = [command[2] for command in vals["age_ids"]]
            vals["age_chart"] = self._prepare_age_chart(companies, ages)
            vals["cash_chart"] = self._prepare_cash_chart(companies)
        return vals

    @api.model
    def _prepare_levels(self, companies):
        """Return how many letters left in the last 24 hours, by company and level."""
        groups = self.env["credit.dunning.letter"]._read_group(
            self.env["credit.overview.level"]._get_sent_domain(companies),
            ["company_id", "level_id"],
            ["__count", "amount_company:sum"],
            order="company_id, level_id",
        )
        return [
            {
                "company_id": company.id,
                "level_id": level.id,
                "count": count,
                "amount": amount,
            }
            for company, level, count, amount in groups
        ]

    @api.model
    def _prepare_chart(self, currency, title, rows, keys):
        """Return a chart of bars, each with its text.

        :param rows: tuples (label, amount, key, full label)
        :param keys: dict key -> what its bars mean
        """
        return {
            "title": title,
            "keys": [
                {"key": key, "label": label}
                for key, label in keys.items()
                if any(row[2] == key for row in rows)
            ],
            "rows": [
                {
                    "label": label,
                    "name": name,
                    "amount": amount,
                    "text": format_amount(self.env, amount, currency),
                    "key": key,
                }
                for label, amount, key, name in rows
            ],
        }

    @api.model
    def _prepare_age_chart(self, companies, ages):
        """Return the open amounts by age of all companies; False where nothing is."""
        Age = self.env["credit.overview.age"]
        labels = dict(Age._fields["kind"]._description_selection(self.env))
        amounts = {}
        for age in ages:
            amounts[age["kind"]] = amounts.get(age["kind"], 0) + age["amount"]
        rows = [
            (
                label,
                amounts.get(kind, 0),
                "open" if kind == "not_due" else "late",
                label,
            )
            for kind, label in labels.items()
            if kind != CREDITS
        ]
        if not any(amount for _label, amount, _key, _name in rows):
            return False
        keys = {"open": self.env._("Not due"), "late": self.env._("Overdue")}
        return self._prepare_chart(
            companies.currency_id, self.env._("Overdue and not due"), rows, keys
        )

    @api.model
    def _prepare_cash_chart(self, companies):
        """Return receipts on invoices by week, and what falls due in the next ones.

        Receipts are matched with invoices, and count in the week from which on the
        matching does; credit notes are no receipts. What is expected is open and not
        due yet, in the week of its due date.
        """
        today = max(company._credit_today() for company in companies)
        monday = today - timedelta(days=today.weekday())
        first = monday - timedelta(weeks=WEEKS_BACK - 1)
        end = monday + timedelta(weeks=WEEKS_AHEAD)
        collected = self._read_collected(companies, first, today)
        expected = self._read_expected(companies, today, end)
        if not collected and not expected:
            return False
        rows = []
        for start, amounts, key in [
            *(
                (first + timedelta(weeks=week), collected, "collected")
                for week in range(WEEKS_BACK)
            ),
            *(
                (monday + timedelta(weeks=week), expected, "expected")
                for week in range(WEEKS_AHEAD)
            ),
        ]:
            label = format_date(self.env, start, date_format="d MMM")
            name = self.env._("Week of %(day)s", day=format_date(self.env, start))
            rows.append((label, amounts.get(start, 0), key, name))
        keys = {
            "collected": self.env._("Collected"),
            "expected": self.env._("Falls due"),
        }
        return self._prepare_chart(
            companies.currency_id, self.env._("Cash by week"), rows, keys
        )

    @api.model
    def _get_invoice_item_domain(self, companies):
        return (
            Domain("company_id", "in", companies.ids)
            & Domain("account_id.account_type", "=", "asset_receivable")
            & Domain("parent_state", "=", "posted")
        )

    @api.model
    def _read_collected(self, companies, first, last):
        """Return what was received on invoices: dict Monday -> amount."""
        Line = self.env["account.move.line"]
        parts = self.env["account.partial.reconcile"]._search(
            Domain("max_date", ">=", first)
            & Domain("max_date", "<=", last)
            & Domain("company_id", "in", companies.ids)
            & Domain("credit_move_id.move_id.move_type", "=", "entry")
            & Domain(
                "credit_move_id.move_id",
                "not in",
                # sudo: what was written off was received by nobody, whoever asks.
                self.env["credit.dispute"]
                .sudo()
                .search([("write_off_id", "!=", False)])
                .write_off_id.ids,
            )
            & Domain(
                "debit_move_id.move_id.move_type", "in", ("out_invoice", "out_receipt")
            )
            & Domain(
                "debit_move_id",
                "in",
                Line._search(self._get_invoice_item_domain(companies)),
            )
        )
        return self._read_by_week(parts, "max_date", "amount")

    @api.model
    def _read_expected(self, companies, today, end):
        """Return what falls due from today on: dict Monday -> amount."""
        items = self.env["account.move.line"]._search(
            self._get_invoice_item_domain(companies)
            & Domain("reconciled", "=", False)
            & Domain("amount_residual", ">", 0)
            & Domain("date_maturity", ">=", today)
            & Domain("date_maturity", "<", end)
        )
        return self._read_by_week(items, "date_maturity", "amount_residual")

    @api.model
    def _read_by_week(self, query, day, amount):
        table = SQL.identifier(query.table)
        rows = self.env.execute_query(
            SQL(
                "%s GROUP BY 1",
                query.select(
                    SQL("date_trunc('week', %s.%s)::date", table, SQL.identifier(day)),
                    SQL("SUM(%s.%s)", table, SQL.identifier(amount)),
                ),
            )
        )
        return {monday: float(total) for monday, total in rows}


class CreditOverviewLevel(models.TransientModel):
    """Letters of one level that left in the last 24 hours; opens them."""

    _name = "credit.overview.level"
    _description = "Sent by Level"

    overview_id = fields.Many2one("credit.overview", required=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    level_id = fields.Many2one("credit.dunning.level", readonly=True)
    count = fields.Integer(string="Letters", readonly=True)
    amount = fields.Monetary(string="Claimed", readonly=True)

    @api.model
    def _get_sent_domain(self, companies):
        since = fields.Datetime.now() - timedelta(days=1)
        return [
            ("company_id", "in", companies.ids),
            ("state", "=", "sent"),
            ("sent_date", ">=", since),
        ]

    def action_open(self):
        """Open the letters."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_letter_action"
        )
        return action | {
            "display_name": self.level_id.name,
            "domain": [
                *self._get_sent_domain(self.company_id),
                ("level_id", "=", self.level_id.id),
            ],
            "context": {},
            "target": "current",
        }
