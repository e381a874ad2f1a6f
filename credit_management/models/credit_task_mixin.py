from odoo import models


class CreditTaskMixin(models.AbstractModel):
    """Something that needs a person: whoever it is gets a task, in own words."""

    _name = "credit.task.mixin"
    _description = "What Gives Tasks"
    _inherit = ["mail.activity.mixin"]

    def _give_task(self, user, say, deadline=None):
        """Give a person a task, in that person's language; never the program itself.

        :param say: function that puts it into words, given the environment
        :param deadline: today if it is left out
        """
        self.ensure_one()
        if not user or user._is_superuser():
            return
        # sudo: whoever acts may not see the tasks of a colleague.
        spoken = self.sudo().with_context(lang=user.lang or self.env.lang)
        spoken.activity_schedule(
            "mail.mail_activity_data_todo",
            date_deadline=deadline,
            summary=say(spoken.env),
            user_id=user.id,
        )

    def _filter_doable_by(self, user):
        """Return those on which a person may do what a task asks for; with sudo."""
        # sudo: in which companies a colleague works is told to nobody here.
        companies = user.sudo().company_ids
        return self.filtered(lambda record: record.company_id in companies)
