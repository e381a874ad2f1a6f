from dataclasses import dataclass

from odoo import api, fields, models
from odoo.tools import SQL, format_amount

from ..logic import credit_rules, exposure
from ..logic.money import to_decimal
from .credit_rule import KINDS, MANUAL_KIND

ZERO = exposure.ZERO


@dataclass(frozen=True, slots=True)
class Result:
    """What was found when a document was checked.

    :param limit_of: whose limit the facts are about: ``customer`` or ``group``
    :param hold_id: the hold that the document has, if it has one that counts
    """

    customer: object
    company: object
    facts: credit_rules.Facts
    verdict: credit_rules.Verdict
    limit_of: str
    hold_id: int | None

    @property
    def holds(self):
        """Whether the document stops."""
        return self.verdict.verdict == credit_rules.HOLD

    @property
    def room(self):
        """What may still be sold on credit; none without a limit."""
        return exposure.compute_available(self.facts.limit, self.facts.exposure)

    @property
    def is_by_hand(self):
        """Whether a person holds all orders of the customer."""
        return any(
            check.rule.kind == credit_rules.MANUAL for check in self.verdict.reasons
        )


class CreditCheck(models.AbstractModel):
    """Asks the credit rules about a document, with what is true at this moment.

    Facts are read in a few queries, however many invoices there are: an order waits for
    them. Another module that has documents to hold gives ``credit.exposure`` their part
    and calls ``_check_document``.
    """

    _name = "credit.check"
    _description = "Credit Check"

    # === THE WAY THROUGH === #

    @api.model
    def _check_document(self, document, at_delivery=False):
        """Ask the rules whether a document may go on; changes nothing.

        :param document: counted as if it were confirmed, once; tells whether nothing
            of it is sold on credit (``_get_credit_prepaid_query``)
        :param at_delivery: goods are about to leave
        :return: ``Result``; amounts in the currency of the company of the document
        """
        document.ensure_one()
        company = document.company_id
        # sudo: a check is the same whoever asks; what is told of it is the caller's.
        checker_sudo = self.sudo().with_company(company)
        document_sudo = document.sudo().with_company(company)
        customer = checker_sudo.env["credit.exposure"]._get_document_customer(
            document_sudo
        )
        return checker_sudo._decide(company, customer, document_sudo, at_delivery)

    @api.model
    def _check_customer(self, company, customer):
        """Ask the rules whether an order of a customer, however small, would go on.

        :return: ``Result``; amounts in the currency of the company
        """
        # sudo: see ``_check_document``.
        checker_sudo = self.sudo().with_company(company)
        return checker_sudo._decide(company, customer.sudo().with_company(company))

    @api.model
    def _decide(self, company, customer, document=None, at_delivery=False):
        today = company._credit_today()
        questions = {}
        if document:
            questions["prepaid"] = document._get_credit_prepaid_query(at_delivery)
            questions["hold"] = self._get_hold_query(document)
        found, answers = self.env["credit.exposure"]._ask_live(
            company,
            customer,
            document,
            customer=lambda accounts: self._get_customer_query(
                company, customer, today, accounts
            ),
            **{name: lambda _accounts, q=q: q for name, q in questions.items()},
        )
        result, limit = found[customer.id]
        (row,) = answers["customer"]
        own = sum(
            (
                part.amount
                for part in result.parts
                if document and part.document == (document._name, document.id)
            ),
            ZERO,
        )
        measures = self._find_group_measure(company, customer, document)
        measures["customer"] = (limit, result.total)
        limit_of = exposure.find_exceeded(
            (which, *measure) for which, measure in measures.items()
        ) or max(
            measures,
            key=lambda which: exposure.compute_utilisation(*measures[which]) or ZERO,
        )
        bound, total = measures[limit_of]
        facts = credit_rules.Facts(
            exposure=total - own,
            limit=bound,
            order_amount=own,
            days_overdue=self._count_days(row["oldest"], today),
            overdue_amount=to_decimal(row["overdue"] or "0"),
            level_holds=row["level_holds"],
            score=None if row["reviewed_class"] else row["score"],
            broken_promises=row["broken_promises"],
            cover_until=fields.Date.to_date(row["cover_until"]),
            manual_reason=row["manual_reason"] or "",
            is_prepaid=bool(document and answers["prepaid"][0]["is_prepaid"]),
        )
        rules = self.env["credit.rule"]._find_rules(
            company,
            customer,
            row["tags"] or (),
            row["reviewed_class"] or row["risk_class"],
            today,
        )
        verdict = credit_rules.check_credit(facts, rules, today)
        hold_id = answers["hold"][0]["id"] if answers.get("hold") else None
        return Result(customer, company, facts, verdict, limit_of, hold_id)

    @api.model
    def _count_days(self, due, today):
        return (today - fields.Date.to_date(due)).days if due else 0

    @api.model
    def _lock(self, customer):
        """Let no other document of a customer, or of its group, be checked meanwhile.

        Two confirmations at once come one after the other: whoever waited sees that the
        row has changed and is tried again by the host, with the order of the other in
        its sight. One row for a whole group, so that a group limit holds, too.
        """
        self.env.execute_query(
            SQL(
                """
                INSERT INTO credit_check_turn (partner_id, turn)
                     SELECT COALESCE(%(parent)s, %(customer)s), 1
                ON CONFLICT (partner_id)
                  DO UPDATE SET turn = credit_check_turn.turn + 1
                  RETURNING id
                """,
                parent=self._find_turn_partner(customer),
                customer=customer.id,
            )
        )

    # === FACTS === #

    @api.model
    def _find_group_measure(self, company, customer, document):
        """Return limit and exposure of the customer's group, if it has a limit.

        In the currency of the company, at the rate of today.

        :return: dict ``group`` -> (limit, exposure); empty without a limit
        """
        group = self.env["credit.group"]._find_limited(company, customer)
        if not group:
            return {}
        today = company._credit_today()
        limit, total = (
            to_decimal(
                group.currency_id._convert(amount, company.currency_id, company, today)
            )
            for amount in (group.credit_limit, float(group._compute_live(document)))
        )
        return {"group": (limit, total)}

    @api.model
    def _find_turn_partner(self, customer):
        # sudo: whoever sells waits for the whole group.
        groups_sudo = self.env["credit.group"].sudo()
        if not groups_sudo._has_limits():
            return None
        group_sudo = groups_sudo._find_for_partners(customer).get(customer.id)
        return group_sudo.partner_id.id if group_sudo else None

    @api.model
    def _get_hold_query(self, document):
        """Return the query that tells the hold of a document, if it has one."""
        return SQL(
            """
            SELECT id FROM credit_hold
             WHERE res_model = %s AND res_id = %s
               AND state IN ('held', 'released', 'refused')
            """,
            document._name,
            document.id,
        )

    @api.model
    def _get_customer_query(self, company, customer, today, accounts):
        """Return the query that tells what rules ask beside the exposure: one row.

        What is overdue is added up without what is in dispute; days count from the
        oldest item of which something is left. Promises are of the last twelve months.
        """
        facts = self.env["credit.dunning.facts"]
        return SQL(
            """
                  WITH disputed AS (
                    SELECT line.move_id, SUM(line.amount_company) AS amount
                      FROM credit_dispute_line line
                      JOIN credit_dispute dispute ON dispute.id = line.dispute_id
                     WHERE dispute.company_id = %(company)s
                       AND dispute.partner_id = %(customer)s
                       AND dispute.closed_date IS NULL
                       AND dispute.is_unconfirmed IS NOT TRUE
                  GROUP BY line.move_id
                ), late AS (
                    SELECT line.move_id, MIN(line.date_maturity) AS due,
                           SUM(line.amount_residual) AS amount
                      FROM account_move_line line
                     WHERE %(is_open)s
                       AND line.partner_id IN (
                           SELECT id FROM res_partner
                            WHERE commercial_partner_id = %(customer)s)
                       AND line.amount_residual > 0
                       AND line.date_maturity < %(today)s
                  GROUP BY line.move_id
                ), overdue AS (
                    SELECT late.due,
                           GREATEST(late.amount - COALESCE(disputed.amount, 0), 0)
                               AS amount
                      FROM late
                 LEFT JOIN disputed ON disputed.move_id = late.move_id
                )
                SELECT (SELECT MIN(due) FROM overdue WHERE amount > 0) AS oldest,
                       (SELECT SUM(amount)::text FROM overdue) AS overdue,
                       EXISTS (
                           SELECT FROM credit_dunning_letter_line chased
                             JOIN credit_dunning_letter letter
                               ON letter.id = chased.letter_id
                             JOIN credit_dunning_level level
                               ON level.id = chased.level_id
                             JOIN account_move_line item
                               ON item.id = chased.move_line_id
                            WHERE letter.profile_id = profile.id
                              AND letter.state IN ('sending', 'sent', 'unknown')
                              AND letter.is_test IS NOT TRUE
                              AND chased.kind = 'chased'
                              AND chased.is_excluded IS NOT TRUE
                              AND level.hold_orders
                              AND item.reconciled IS NOT TRUE) AS level_holds,
                       CASE WHEN profile.score_date IS NOT NULL THEN profile.score
                        END AS score,
                       profile.risk_class,
                       CASE WHEN profile.manual_hold
                            THEN COALESCE(NULLIF(profile.hold_reason, ''), '–')
                        END AS manual_reason,
                       (SELECT review.risk_class FROM credit_score_review review
                         WHERE review.profile_id = profile.id
                           AND review.until >= %(today)s
                      ORDER BY review.date DESC, review.id DESC LIMIT 1)
                           AS reviewed_class,
                       (SELECT MAX(COALESCE(cover.until, DATE '9999-12-31'))
                          FROM credit_cover cover
                         WHERE cover.company_id = %(company)s
                           AND cover.partner_id = %(customer)s
                           AND cover.active) AS cover_until,
                       (SELECT COUNT(*) FROM credit_promise promise
                         WHERE promise.profile_id = profile.id
                           AND promise.state = 'broken'
                           AND promise.date > %(today)s - 365)
                       + (SELECT COUNT(*) FROM credit_payment_plan plan
                           WHERE plan.profile_id = profile.id
                             AND plan.state = 'broken'
                             AND plan.closed_date > %(today)s - 365)
                           AS broken_promises,
                       (SELECT array_agg(tag.category_id)
                          FROM res_partner_res_partner_category_rel tag
                         WHERE tag.partner_id = %(customer)s) AS tags
                  FROM (SELECT 1) AS one
             LEFT JOIN credit_profile profile
                    ON profile.company_id = %(company)s
                   AND profile.partner_id = %(customer)s
                """,
            company=company.id,
            customer=customer.id,
            today=today,
            is_open=facts._is_open_line(company, accounts),
        )

    # === WORDS === #

    @api.model
    def _list_checks(self, result):
        """Return the checks of a result as values of ``credit.hold.check``."""
        return [
            {
                "sequence": index,
                "rule_id": check.rule.ref or False,
                "kind": check.rule.kind,
                "value": self._to_float(check.value),
                "has_value": check.value is not None and check.value.is_finite(),
                "threshold": float(check.rule.threshold),
                "verdict": check.verdict,
                "limit_of": result.limit_of,
                "note": result.facts.manual_reason
                if check.rule.kind == credit_rules.MANUAL
                else False,
            }
            for index, check in enumerate(
                sorted(
                    result.verdict.checks,
                    key=lambda check: check.verdict == credit_rules.PASS,
                )
            )
        ]

    @api.model
    def _to_float(self, value):
        return float(value) if value is not None and value.is_finite() else 0.0

    @api.model
    def _describe_check(self, values, currency, with_amounts=True):
        """Say what a check found, in one sentence.

        :param values: of ``credit.hold.check``
        :param with_amounts: else only which rule it is
        """
        kind, value = values["kind"], values["value"]
        labels = self._get_kind_labels()
        if kind == credit_rules.MANUAL:
            if with_amounts and values["note"]:
                return self.env._("Held by hand: %(reason)s", reason=values["note"])
            return labels[kind]
        if not with_amounts:
            is_near = kind == credit_rules.UTILISATION and value <= 100
            if is_near and values["has_value"]:
                return self.env._("The credit limit is nearly used")
            return self._get_short_words()[kind]
        threshold = values["threshold"]
        money = {
            "value": format_amount(self.env, value, currency),
            "most": format_amount(self.env, threshold, currency),
        }
        if kind == credit_rules.UTILISATION:
            if not values["has_value"]:
                return self.env._("No credit limit to measure against")
            say = (
                self.env._(
                    "%(percent)s%% of the group's limit used, at most %(most)s%%"
                )
                if values["limit_of"] == "group"
                else self.env._("%(percent)s%% of the limit used, at most %(most)s%%")
            )
            return say % {
                "percent": self._say_number(value),
                "most": self._say_number(threshold),
            }
        if kind == credit_rules.ORDER_AMOUNT:
            return self.env._("Order adds %(value)s, at most %(most)s", **money)
        if kind == credit_rules.OVERDUE_AMOUNT:
            return self.env._("%(value)s overdue, at most %(most)s", **money)
        if kind == credit_rules.DAYS_OVERDUE:
            return self.env._(
                "%(days)s days overdue, at most %(most)s",
                days=int(value),
                most=int(threshold),
            )
        if kind == credit_rules.SCORE_BELOW:
            if not values["has_value"]:
                return self.env._("No score yet")
            return self.env._(
                "Score %(score)s, at least %(least)s",
                score=int(value),
                least=self._say_number(threshold),
            )
        if kind == credit_rules.BROKEN_PROMISES:
            return self.env._(
                "%(count)s broken promises, at most %(most)s",
                count=int(value),
                most=int(threshold),
            )
        if kind == credit_rules.LEVEL_HOLDS:
            return (
                self.env._("The last dunning level holds orders")
                if value
                else self.env._("No dunning level holds orders")
            )
        if not values["has_value"]:
            return self.env._("No insurance or guarantee")
        return (
            self.env._("Insurance expired %(days)s days ago", days=int(value))
            if value
            else self.env._("Insurance in force")
        )

    @api.model
    def _say_number(self, value):
        return f"{value:.2f}".rstrip("0").rstrip(".")

    @api.model
    def _get_kind_labels(self):
        kinds = dict([*KINDS, MANUAL_KIND])
        field = self.env["credit.hold.check"]._fields["kind"]
        return kinds | dict(field._description_selection(self.env))

    @api.model
    def _get_short_words(self):
        """Return what whoever may not see amounts is told of each kind of check."""
        return {
            credit_rules.UTILISATION: self.env._("Over the credit limit"),
            credit_rules.ORDER_AMOUNT: self.env._("The order is large"),
            credit_rules.DAYS_OVERDUE: self.env._("Invoices are overdue"),
            credit_rules.OVERDUE_AMOUNT: self.env._("Invoices are overdue"),
            credit_rules.LEVEL_HOLDS: self.env._("Invoices are being chased"),
            credit_rules.SCORE_BELOW: self.env._("The customer is to be looked at"),
            credit_rules.BROKEN_PROMISES: self.env._("Promises to pay were broken"),
            credit_rules.COVER_ENDED: self.env._("The customer is to be looked at"),
            credit_rules.MANUAL: self.env._("Held by hand"),
        }

    @api.model
    def _list_reasons(self, result, with_amounts=True):
        """Return why a document is held, or else what it is warned of, in words."""
        verdict = result.verdict.verdict
        words = [
            self._describe_check(values, result.company.currency_id, with_amounts)
            for values in self._list_checks(result)
            if values["verdict"] == verdict != credit_rules.PASS
        ]
        return list(dict.fromkeys(words))

    @api.model
    def _list_ways_out(self, result):
        """Return what would free a document, in words; needs to see amounts."""
        currency = result.company.currency_id
        say = {
            credit_rules.UTILISATION: self.env._(
                "%(amount)s paid, or ordered less, keeps the limit"
            ),
            credit_rules.ORDER_AMOUNT: self.env._("an order smaller by %(amount)s"),
            credit_rules.OVERDUE_AMOUNT: self.env._(
                "payment of %(amount)s of what is overdue"
            ),
            credit_rules.DAYS_OVERDUE: self.env._(
                "payment of what is overdue: %(amount)s"
            ),
            credit_rules.LEVEL_HOLDS: self.env._(
                "payment of what is overdue: %(amount)s"
            ),
        }
        words = [
            say[way.kind]
            % {"amount": format_amount(self.env, float(way.amount), currency)}
            if way.amount is not None
            else self.env._("a decision of a person")
            for way in credit_rules.find_ways_out(result.facts, result.verdict)
        ]
        return list(dict.fromkeys(words))


class CreditCheckTurn(models.Model):
    """Whose turn it is to be checked: a row that is locked, for each customer."""

    _name = "credit.check.turn"
    _description = "Turn of a Credit Check"
    _log_access = False

    partner_id = fields.Many2one("res.partner", required=True, ondelete="cascade")
    turn = fields.Integer()

    _partner_uniq = models.UniqueIndex("(partner_id)")
