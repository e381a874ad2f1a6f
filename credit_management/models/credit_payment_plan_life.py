from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..logic import dunning, instalments
from ..logic import plan as rule
from ..logic.money import to_decimal

# A plan that was kept is looked at again for so long: a payment may be returned.
LOOK_BACK_DAYS = 90
BATCH = 1000


class CreditPaymentPlanLife(models.Model):
    """What the ledger says of plans, and what a night makes of it."""

    _inherit = "credit.payment.plan"  # pylint: disable=consider-merging-classes-inherited

    # === WHAT THE LEDGER SAYS === #

    @api.model
    def _read_credited(self, item_ids):
        """Return what credit notes took off items: dict item id -> amount."""
        self.env.flush_all()
        return {
            item_id: to_decimal(amount)
            for item_id, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT match.debit_move_id, SUM(match.debit_amount_currency)::text
                      FROM account_partial_reconcile match
                      JOIN account_move_line paying ON paying.id = match.credit_move_id
                      JOIN account_move move ON move.id = paying.move_id
                     WHERE match.debit_move_id = ANY(%s)
                       AND move.move_type = 'out_refund'
                  GROUP BY 1
                    """,
                    list(item_ids),
                )
            )
        }

    def _read_items(self):
        """Return the items of plans with what is open of them now, by one query."""
        # Not all of it: the host asks in the middle of its own computing.
        for name in ("account.move.line", "account.move", "account.partial.reconcile"):
            self.env[name].flush_model()
        self.env["credit.payment.plan.item"].flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id", "active"])
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT item.plan_id, item.move_line_id, item.amount::text AS opening,
                       COALESCE(line.parent_state = 'posted', FALSE) AS is_owed,
                       CASE WHEN line.parent_state = 'posted'
                            THEN GREATEST(line.amount_residual_currency, 0)
                            ELSE 0 END::text AS residual,
                       (COALESCE(refunds.amount, 0)
                        - COALESCE(item.credited_before, 0))::text AS credited
                  FROM credit_payment_plan_item item
             LEFT JOIN account_move_line line ON line.id = item.move_line_id
             LEFT JOIN LATERAL (
                       SELECT SUM(match.debit_amount_currency) AS amount
                         FROM account_partial_reconcile match
                         JOIN account_move_line paying
                           ON paying.id = match.credit_move_id
                         JOIN account_move move
                           ON move.id = paying.move_id AND move.move_type = 'out_refund'
                        WHERE match.debit_move_id = item.move_line_id
                       ) refunds ON TRUE
                 WHERE item.plan_id = ANY(%s)
              ORDER BY item.plan_id, item.date_maturity, item.id
                """,
                self.ids,
            )
        )
        for row in rows:
            for name in ("opening", "residual", "credited"):
                row[name] = to_decimal(row[name])
            if not row["is_owed"]:  # nobody owes it any more, and nobody paid it
                row["credited"] = row["opening"]
        return rows

    def _read_disputed_items(self, today):
        """Return what is in dispute of the items of plans of one company.

        :return: (dict item id -> amount, rows of the open items by id)
        """
        # sudo: what is open is read for plans that one may use.
        Facts_sudo = self.env["credit.dunning.facts"].sudo()
        rows = Facts_sudo._read_lines(self.company_id, self.partner_id)
        disputed = Facts_sudo._read_disputed(self.company_id, today, rows)
        return disputed, {row["id"]: row for row in rows}

    def _read_covered(self, today):
        """Return what became of the items of plans of one company.

        :return: dict plan id -> list of pairs of (item id, ``instalments.Covered``)
        """
        if not self:
            return {}
        items = self._read_items()
        disputed, _rows = self._read_disputed_items(today)
        covered = defaultdict(list)
        for row in items:
            covered[row["plan_id"]].append(
                (
                    row["move_line_id"],
                    instalments.Covered(
                        row["opening"],
                        row["residual"],
                        row["credited"],
                        disputed.get(row["move_line_id"], rule.ZERO),
                    ),
                )
            )
        return covered

    def _read_accounts(self, today):
        """Return what plans of one company come to: dict plan -> account."""
        covered = self._read_covered(today)
        return {
            plan: instalments.take_account(
                each for _id, each in covered.get(plan.id, ())
            )
            for plan in self
        }

    def _find_standings(self, today):
        """Return how plans of one company stand, as the ledger shows it now.

        :return: dict plan -> (account, dict line id -> standing)
        """
        # Nobody pays for what is not agreed, and what ended stays as it ended.
        living = self.filtered(
            lambda plan: plan.state in (rule.ACTIVE, rule.KEPT, rule.BROKEN)
        )
        accounts = living._read_accounts(today) if living else {}
        found = {}
        for plan in self:
            account = accounts.get(plan) or instalments.Account(
                opening=to_decimal(plan.amount),
                paid=to_decimal(plan.amount_paid),
                credited=to_decimal(plan.amount_off),
                remaining=to_decimal(plan.amount_left),
            )
            lines = plan.line_ids.sorted(lambda line: (line.date, line.id))
            standings = instalments.settle_parts(lines._to_parts(), account, today)
            found[plan] = account, dict(zip(lines.ids, standings, strict=True))
        return found

    # === WHAT FOLLOWS === #

    @api.model
    def _notice_matched(self, items):
        """Look at plans that cover items at the moment their matching changes.

        Where nothing is planned this is one question.

        :param items: receivable lines; some may be gone
        """
        # sudo: whoever matches payments may not know of plans.
        touched_sudo = self.sudo().search(
            [
                ("item_ids.move_line_id", "in", items.ids),
                ("state", "in", (rule.ACTIVE, rule.KEPT, rule.BROKEN)),
            ]
        )
        for company, plans_sudo in touched_sudo.grouped("company_id").items():
            plans_sudo._refresh(company._credit_today())

    def _refresh(self, today, is_night=False):
        """Write how plans of one company stand, and do what follows from it.

        At the moment of a payment only good news follow; to warn and to break is for
        the night, as who undoes a match often makes another one next.

        sudo: the program's; figures are written by what happens.
        """
        if not self:
            return
        self.env.flush_all()
        under_way = self._read_under_way(today) if is_night else {}
        # sudo: how a company does it is no secret of its.
        grace = self.company_id.sudo().credit_plan_grace_days
        for plan, (account, standings) in self._find_standings(today).items():
            parts = tuple(standings.values())
            plan._write_figures(account, parts, today)
            facts = rule.Facts(
                account, parts, under_way.get(plan.id, rule.ZERO), plan.warned_until
            )
            decision = rule.decide(facts, today, grace)
            if plan.state == rule.ACTIVE:
                plan._follow(decision, today, is_night)
                if is_night and decision == rule.NOTHING:
                    plan._remind(standings, facts.under_way, today)
            elif plan.state == rule.KEPT and decision not in (rule.KEEP, rule.END):
                plan._reopen()

    def _write_figures(self, account, parts, today):
        """Write what changed of the figures of a plan."""
        self.ensure_one()
        following = rule.find_next(parts)
        running = self.state in (rule.ACTIVE, rule.KEPT)
        values = {
            "amount_paid": float(account.paid),
            "amount_off": float(account.off),
            "amount_left": float(account.remaining),
            "amount_late": float(rule.find_late(parts, rule.ZERO, today, 0)),
        }
        changed = {
            name: value
            for name, value in values.items()
            if self.currency_id.compare_amounts(self[name], value)
        }
        next_date = running and following and following.instalment.day
        if self.next_date != next_date:
            changed["next_date"] = next_date
        if changed:
            self.write(changed)
            self.env["credit.profile"]._touch(self.company_id, self.partner_id)

    def _follow(self, decision, today, is_night):
        """Do what was decided about a running plan."""
        self.ensure_one()
        match decision:
            case rule.KEEP:
                self._keep()
            case rule.END:
                self._move(
                    rule.CANCELLED,
                    end_reason=self.env._("Nothing is owed any more."),
                    warned_until=False,
                )
                self._end_tasks()
            case rule.CALM:
                self.write({"warned_date": False, "warned_until": False})
            case rule.WARN if is_night and not self.is_mail_held:
                self._warn(today)
            case rule.BREAK if is_night and not self.is_mail_held:
                self._break()

    def _keep(self):
        self._move(rule.KEPT, warned_date=False, warned_until=False)
        self._end_tasks()
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._("Payment plan %(name)s: thank you", name=self.name),
            spoken.env._(
                "Thank you: all parts of payment plan %(name)s are paid.",
                name=self.name,
            ),
        )

    def _reopen(self):
        """Let a plan that was kept run again: a payment of it was taken back."""
        if self._find_holding(self.item_ids.move_line_id):
            return  # what is open again belongs to another plan now
        self._move(rule.ACTIVE)

    def _warn(self, today):
        """Warn the customer, once: the plan ends if the late parts are not paid."""
        company = self.company_id
        until = rule.find_warned_until(
            today, company.credit_plan_warning_days, company._credit_calendar()
        )
        self.write({"warned_date": today, "warned_until": until})
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._("Payment plan %(name)s: a part is late", name=self.name),
            spoken.env._(
                "%(amount)s of payment plan %(name)s is late. Please pay it by %(day)s:"
                " after that day the plan ends, and the whole of what is open is due.",
                amount=self.currency_id.format(self.amount_late),
                name=self.name,
                day=format_date(spoken.env, until),
            ),
        )

    def _read_under_way(self, today):
        """Return the money under way for plans of one company: dict plan id -> amount.

        An online payment that is not in the books yet breaks no plan.
        """
        covered = self._read_covered(today)
        _disputed, rows = self._read_disputed_items(today)
        ids = {id_ for items in covered.values() for id_, _each in items}
        rows = [row for id_, row in rows.items() if id_ in ids]
        if not rows:
            return {}
        # sudo: payments of a customer, for the program's own decision.
        found = (
            self.env["credit.dunning.facts"]
            .sudo()
            ._read_under_way(self.company_id, rows)
        )
        return {
            plan_id: sum(
                (
                    min(found.get(id_, rule.ZERO), each.still_open)
                    for id_, each in items
                ),
                rule.ZERO,
            )
            for plan_id, items in covered.items()
        }

    # === WHAT IS ASKED FOR === #

    @api.model
    def _find_asked(self, items):
        """Return what running plans about items ask for now.

        Where nothing is planned this is one question.

        :return: dict plan, with sudo -> ``rule.Asked``
        """
        # sudo: what is asked for is told to whoever may see the invoice.
        plans_sudo = self.sudo().search(
            [
                ("state", "=", rule.ACTIVE),
                ("item_ids.move_line_id", "in", items._origin.ids),
            ]
        )
        found = {}
        for company, of_company in plans_sudo.grouped("company_id").items():
            today = company._credit_today()
            for plan, (_account, parts) in of_company._find_standings(today).items():
                asked = rule.find_asked(parts.values(), today)
                if asked:
                    found[plan] = asked
        return found

    # === FACTS FOR DUNNING === #

    @api.model
    def _read_holds(self, company, today, item_ids):
        """Return what running plans cover of items: dict item id -> ``Withheld``.

        What is more than was open at the start is no part of the plan. What is in
        dispute is withheld by the dispute, and not here again.
        """
        self.flush_model()
        self.env["credit.payment.plan.item"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT item.move_line_id, item.amount::text,
                       GREATEST(line.amount_residual_currency, 0)::text,
                       -- it holds until it ends, however late a part is
                       GREATEST(plan.end_date, plan.warned_until, %s)
                  FROM credit_payment_plan_item item
                  JOIN credit_payment_plan plan ON plan.id = item.plan_id
                  JOIN account_move_line line ON line.id = item.move_line_id
                 WHERE plan.company_id = %s AND plan.state = 'active'
                   AND item.move_line_id = ANY(%s)
                """,
                today,
                company.id,
                list(item_ids),
            )
        )
        holds = {}
        for item_id, opening, residual, until in rows:
            opening, residual = to_decimal(opening), to_decimal(residual)
            if residual > 0:
                part = opening if residual > opening else None
                holds[item_id] = dunning.Withheld(dunning.PLANNED, part, until)
        return holds

    # === THE JOB === #

    @api.model
    def _cron_watch(self):
        """Look at running plans: warn, break, keep; and at those kept of late."""
        commit_progress = self.env["ir.cron"]._commit_progress
        self._end_unanswered()
        since = fields.Date.context_today(self) - timedelta(days=LOOK_BACK_DAYS)
        domain = [
            "|",
            ("state", "=", rule.ACTIVE),
            "&",
            ("state", "in", (rule.KEPT, rule.BROKEN)),
            ("closed_date", ">=", since),
        ]
        ids = self.search(domain, order="company_id, id").ids
        commit_progress(remaining=len(ids))
        for start in range(0, len(ids), BATCH):
            batch = self.browse(ids[start : start + BATCH])
            batch = batch.try_lock_for_update().filtered_domain(domain)
            for company, plans in batch.grouped("company_id").items():
                plans.with_company(company)._refresh(
                    company._credit_today(), is_night=True
                )
            if not commit_progress(min(BATCH, len(ids) - start)):
                return
