from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import format_date

from .credit_absence import MOST_HOPS
from .credit_outgoing_mixin import NO_NOTICE

# What changes who has which tasks; the rest of an absence does not.
MOVING = {"user_id", "substitute_id", "date_from", "date_to"}


class CreditAbsenceTasks(models.Model):
    """Tasks that a collector had before: to who stands in, and what is left of it back.

    A task is passed on once an absence, and whatever people do with it meanwhile
    holds: one that is done, or given to somebody by hand, does not come back. Where who
    stands in is away, too, it goes on from there by that absence.
    """

    _inherit = "credit.absence"  # pylint: disable=consider-merging-classes-inherited

    passed_tasks = fields.Json(
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        help="Tasks that were passed on: task -> to whom. Empty when they are back.",
    )
    passed_count = fields.Integer(
        string="Tasks Passed On",
        compute="_compute_passed_count",
        compute_sudo=True,
        help="Open tasks that come back after the last day.",
    )

    @api.depends("passed_tasks")
    def _compute_passed_count(self):
        ids = {int(id_) for absence in self for id_ in absence.passed_tasks or {}}
        open_ids = set(self.env["mail.activity"].search([("id", "in", ids)]).ids)
        for absence in self:
            absence.passed_count = len(
                open_ids & {int(id_) for id_ in absence.passed_tasks or {}}
            )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Pass tasks on at once where somebody is away today."""
        absences = super().create(vals_list)
        absences.sudo()._settle_tasks()  # sudo: tasks of a colleague
        return absences

    def write(self, vals):
        """See ``create``; where somebody else stands in, they come back first."""
        self.check_access("write")
        if {"user_id", "substitute_id"} & vals.keys():
            self._check_own()
            self.sudo()._take_tasks_back()  # sudo: tasks of a colleague
        res = super().write(vals)
        if MOVING & vals.keys():
            self.sudo()._settle_tasks()  # sudo: the same
        return res

    def unlink(self):
        """See ``create``: nobody is away, so they come back."""
        self.check_access("unlink")
        self._check_own()
        self.sudo()._take_tasks_back()  # sudo: tasks of a colleague
        return super().unlink()

    # === BUSINESS METHODS === #

    @api.model
    def _cron_settle_tasks(self):
        """Pass tasks on where an absence begins, bring them back where one is over."""
        today = fields.Date.context_today(self)
        # A day more: it may be another day where the company is.
        domain = [
            ("date_from", "<=", fields.Date.add(today, days=1)),
            "|",
            ("date_to", ">=", fields.Date.subtract(today, days=1)),
            ("passed_tasks", "!=", False),
        ]
        self.search(domain).try_lock_for_update()._settle_tasks()

    def _settle_tasks(self):
        """Bring tasks to where they belong today; called with sudo."""
        today = {
            absence: absence.user_id.company_id._credit_today() for absence in self
        }
        away = self.filtered(
            lambda absence: absence.date_from <= today[absence] <= absence.date_to
        )
        # Who is back today may be away again by another absence.
        (self - away)._take_tasks_back()
        for absence in away:
            absence._pass_tasks_on(today[absence])

    def _pass_tasks_on(self, today):
        """Give the tasks due while somebody is away to who stands in."""
        self.ensure_one()
        stand_in = self._find_substitute(self.user_id, today)
        if stand_in == self.user_id:
            return
        passed = dict(self.passed_tasks or {})
        tasks = self.env["mail.activity"].search(
            [
                ("user_id", "=", self.user_id.id),
                ("res_model", "in", self._get_task_models()),
                ("date_deadline", "<=", self.date_to),
                # One that was given back by hand stays.
                ("id", "not in", [int(id_) for id_ in passed]),
            ]
        )
        tasks = self._filter_doable(tasks, stand_in)
        if not tasks:
            return
        self.passed_tasks = passed | {str(id_): stand_in.id for id_ in tasks.ids}
        self._move_tasks(
            tasks,
            stand_in,
            self.env._(
                "%(name)s is away until %(day)s: %(substitute)s takes over",
                name=self.user_id.name,
                day=format_date(self.env, self.date_to),
                substitute=stand_in.name,
            ),
        )

    def _take_tasks_back(self):
        """Give back what is open of what was passed on; called with sudo."""
        for absence in self:
            passed = absence.passed_tasks
            if not passed:
                continue
            tasks = self.env["mail.activity"].search(
                [("id", "in", [int(id_) for id_ in passed])]
            )
            tasks = tasks.filtered(
                lambda task, absence=absence: absence._is_passed(task)
            )
            absence.passed_tasks = False
            if not absence.user_id.active:
                continue
            for other in self._find_passing():
                other.passed_tasks = {
                    id_: user_id
                    for id_, user_id in other.passed_tasks.items()
                    # What went on from who stood in is not to come back there; what
                    # was passed to who is back now waits for the one before.
                    if int(id_) not in tasks.ids or user_id == absence.user_id.id
                }
            absence._move_tasks(
                tasks,
                absence.user_id,
                self.env._("%(name)s is back", name=absence.user_id.name),
            )

    def _is_passed(self, task):
        """Tell whether a task is where we passed it, and not where people put it."""
        holder_id = self.passed_tasks[str(task.id)]
        passing = self._find_passing() - self
        for _hop in range(MOST_HOPS):
            if task.user_id.id == holder_id:
                return True
            further = passing.filtered(
                lambda one, holder_id=holder_id: (
                    one.user_id.id == holder_id and str(task.id) in one.passed_tasks
                )
            )
            if not further:
                return False
            holder_id = further[0].passed_tasks[str(task.id)]
        return False

    @api.model
    def _find_passing(self):
        """Return the absences whose tasks are not back yet."""
        return self.search([("passed_tasks", "!=", False)])

    @api.model
    def _get_task_models(self):
        """Return the names of our models whose tasks are passed on."""
        return list(self.env.registry.descendants(["credit.task.mixin"], "_inherit"))

    @api.model
    def _filter_doable(self, tasks, user):
        """Return those of tasks that a person may do."""
        found = tasks.browse()
        for name, some in tasks.grouped("res_model").items():
            records = self.env[name].browse(some.mapped("res_id")).exists()
            ids = set(records._filter_doable_by(user).ids)
            found |= some.filtered(lambda task, ids=ids: task.res_id in ids)
        return found

    @api.model
    def _move_tasks(self, tasks, user, words):
        """Give tasks to a person, and note it on their documents."""
        if not tasks:
            return
        tasks.with_context(**NO_NOTICE).write({"user_id": user.id})
        for name, some in tasks.grouped("res_model").items():
            summaries = defaultdict(list)
            for task in some:
                summaries[task.res_id].append(task.display_name or "")
            self.env[name].browse(summaries)._message_log_batch(
                {
                    id_: f"{words}: {', '.join(names)}"
                    for id_, names in summaries.items()
                }
            )
