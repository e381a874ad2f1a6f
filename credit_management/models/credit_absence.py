from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain

# Who stands in may be away, too, and so on: so far it is followed.
MOST_HOPS = 5


class CreditAbsence(models.Model):
    """A collector who is away, and who stands in meanwhile.

    New tasks go to the substitute, and the lists of *My Customers* show those of both.
    No customer is handed over: on the day after, all is as it was. For the tasks that
    were there before see ``credit_absence_tasks``.
    """

    _name = "credit.absence"
    _description = "Absence of a Collector"
    _order = "date_from desc, id desc"
    _rec_name = "user_id"

    user_id = fields.Many2one(
        "res.users",
        string="Away",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.user,
        domain="[('share', '=', False)]",
    )
    substitute_id = fields.Many2one(
        "res.users",
        string="Stands In",
        required=True,
        index=True,
        ondelete="restrict",
        domain="[('share', '=', False), ('id', '!=', user_id)]",
    )
    date_from = fields.Date(
        string="From", required=True, default=fields.Date.context_today
    )
    date_to = fields.Date(string="Last Day", required=True)
    is_now = fields.Boolean(
        string="Away Now", compute="_compute_is_now", search="_search_is_now"
    )

    _days_in_order = models.Constraint(
        "CHECK (date_from <= date_to)", "The last day is not before the first one."
    )
    _somebody_else = models.Constraint(
        "CHECK (user_id != substitute_id)", "Somebody else stands in."
    )

    # === COMPUTE METHODS === #

    @api.depends("date_from", "date_to")
    def _compute_is_now(self):
        today = fields.Date.context_today(self)
        for absence in self:
            days = (absence.date_from, absence.date_to)
            absence.is_now = all(days) and days[0] <= today <= days[1]

    def _search_is_now(self, operator, value):
        if operator != "in":
            return NotImplemented
        now = self._get_now_domain(fields.Date.context_today(self))
        return now if True in value else ~Domain(now)

    @api.model
    def _get_now_domain(self, today):
        return Domain([("date_from", "<=", today), ("date_to", ">=", today)])

    # === CONSTRAINT METHODS === #

    @api.constrains("user_id", "date_from", "date_to")
    def _check_no_overlap(self):
        for absence in self:
            # sudo: that somebody is away already is told by the refusal alone.
            other = self.sudo().search_count(
                [
                    ("id", "!=", absence.id),
                    ("user_id", "=", absence.user_id.id),
                    ("date_from", "<=", absence.date_to),
                    ("date_to", ">=", absence.date_from),
                ],
                limit=1,
            )
            if other:
                raise ValidationError(
                    self.env._(
                        "%(name)s is away already on some of these days.",
                        name=absence.user_id.sudo().name,  # sudo: a colleague's name
                    )
                )

    @api.constrains("substitute_id", "user_id")
    def _check_substitute_id(self):
        for absence in self:
            # sudo: who has which right is told to nobody here.
            substitute_sudo = absence.substitute_id.sudo()
            shared = substitute_sudo.company_ids & absence.user_id.sudo().company_ids
            if not shared or not substitute_sudo.has_group(
                "credit_management.group_credit_user"
            ):
                raise ValidationError(
                    self.env._(
                        "%(name)s has no right to these credit files. Choose somebody"
                        " who has, or ask an administrator for it.",
                        name=substitute_sudo.name,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Let collectors write their own absences, managers all.

        Who stands in is kept in memory: a change makes the servers read it again.
        """
        absences = super().create(vals_list)
        absences._check_own()
        self.env.registry.clear_cache()
        return absences

    def write(self, vals):
        """See ``create``."""
        self._check_own()
        res = super().write(vals)
        self._check_own()
        self.env.registry.clear_cache()
        return res

    def unlink(self):
        """See ``create``."""
        self._check_own()
        res = super().unlink()
        self.env.registry.clear_cache()
        return res

    def _check_own(self):
        """Refuse who writes absences of others and is no manager."""
        if self.env.su or self.env.user.has_group(
            "credit_management.group_credit_manager"
        ):
            return
        self.check_access("write")
        if self.user_id - self.env.user:
            raise AccessError(
                self.env._(
                    "Your own absences are yours to write; those of others are for a"
                    " credit manager."
                )
            )

    # === BUSINESS METHODS === #

    @api.model
    @tools.ormcache("today")
    def _get_substitutes(self, today):
        """Return who stands in on a day: dict user id -> user id."""
        # sudo: tasks find their way whoever makes them.
        absences_sudo = self.sudo().search(self._get_now_domain(today))
        return {
            absence_sudo.user_id.id: absence_sudo.substitute_id.id
            for absence_sudo in absences_sudo
        }

    @api.model
    def _find_substitute(self, user, today):
        """Return who does the work of a user on a day: the user, if nobody else.

        Whoever stands in and is away, too, has somebody of their own; where that leads
        in a circle, or to somebody without the right by now, it stays with the user.
        """
        substitutes = self._get_substitutes(today)
        found, seen = user, {user.id}
        for _hop in range(MOST_HOPS):
            next_id = substitutes.get(found.id)
            if not next_id:
                break
            if next_id in seen:
                return user
            seen.add(next_id)
            found = user.browse(next_id)
        may = found == user or (
            # sudo: whether a colleague may do it.
            found.sudo().active
            and found.sudo().has_group("credit_management.group_credit_user")
        )
        return found if may else user

    @api.model
    def _find_stood_in_for(self, user, today):
        """Return the ids of the users whose work a user does on a day, the own too."""
        away = self._get_substitutes(today)
        users = self.env["res.users"]
        return [user.id] + [
            user_id
            for user_id in away
            if user_id != user.id
            and self._find_substitute(users.browse(user_id), today) == user
        ]
