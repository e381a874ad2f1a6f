from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..logic.dunning import Level
from ..logic.money import to_decimal


class CreditDunningLevel(models.Model):
    """One step of a policy: when it comes, and how it reaches the customer."""

    _name = "credit.dunning.level"
    _description = "Dunning Level"
    _order = "policy_id, sequence, delay_days, id"

    name = fields.Char(required=True, translate=True)
    policy_id = fields.Many2one(
        "credit.dunning.policy", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="policy_id.company_id")
    currency_id = fields.Many2one(related="policy_id.currency_id")
    sequence = fields.Integer(default=10)

    # When
    is_reminder = fields.Boolean(
        string="Notice Before the Due Date",
        help="A friendly notice. It is no dunning level and raises none.",
    )
    delay_days = fields.Integer(
        string="Days After Due Date",
        required=True,
        default=3,
        help="Days from the due date; negative for a notice before it.",
    )
    min_days_after_previous = fields.Integer(
        string="Days After Previous Level",
        help="Least number of days since the message of the level before.",
    )
    deadline_days = fields.Integer(
        string="Days to Pay",
        default=7,
        help="The message asks to pay within this many days; a day off moves to the"
        " next working day.",
    )
    minimum_amount = fields.Monetary(
        help="Least claim for this level, in the company's currency."
    )

    # How
    send_email = fields.Boolean(string="E-mail", default=True)
    send_letter = fields.Boolean(
        string="Letter by Post",
        help="A letter to print and post. It also takes over when the e-mail fails.",
    )
    activity_type_id = fields.Many2one(
        "mail.activity.type",
        string="Task",
        help="A task for the collector, for instance a call.",
    )
    activity_note = fields.Text(
        string="Task Instructions",
        translate=True,
        help="What the collector should say. It is shown when a call is logged, and"
        " stands in the task below the facts: what is owed, since when, whom to call.",
    )
    mail_template_id = fields.Many2one(
        "mail.template",
        string="Text",
        domain=[("model", "=", "credit.dunning.letter")],
        help="Subject and text of the message. The table of items, the payment details"
        " and the button are added below it.",
    )
    attach_invoices = fields.Boolean(help="Attach the invoices as PDF to the e-mail.")
    offer_plans = fields.Boolean(
        string="Offer to Pay in Parts",
        default=True,
        help="Where an offer of payment plans fits what the message asks for, it says"
        " so and leads to the page on which the customer chooses the parts.",
    )

    # Effects
    hold_orders = fields.Boolean(
        help="A customer who has reached this level is put on hold for new orders."
    )
    send_once = fields.Boolean(
        string="At Most Once",
        help="When it is not known whether the message arrived, it is not sent again:"
        " the letter asks a person. For messages that cost money or have legal effect.",
    )

    _days_positive = models.Constraint(
        "CHECK (min_days_after_previous >= 0 AND deadline_days >= 0"
        " AND minimum_amount >= 0)",
        "Days and the minimum amount of a level cannot be negative.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("send_email", "mail_template_id", "send_letter")
    def _check_text(self):
        for level in self:
            if level._has_text() and not level.mail_template_id:
                raise ValidationError(
                    self.env._(
                        "Level “%(level)s” sends a message but has no text. Choose one"
                        " under Text.",
                        level=level.name,
                    )
                )

    @api.constrains("mail_template_id")
    def _check_template_model(self):
        """Refuse texts of other models: they would tell of records that are no letters.

        A text is rendered for the id of the letter, with the rights of the system.
        """
        for level in self:
            template = level.mail_template_id
            if template and template.model != "credit.dunning.letter":
                raise ValidationError(
                    self.env._(
                        "The text “%(text)s” is not one for dunning letters. Choose"
                        " another one for level “%(level)s”.",
                        text=template.name,
                        level=level.name,
                    )
                )

    @api.constrains("send_email", "send_letter", "activity_type_id")
    def _check_channel(self):
        for level in self:
            if not (level._writes_to_customer() or level.activity_type_id):
                raise ValidationError(
                    self.env._(
                        "Level “%(level)s” reaches nobody. Tick e-mail or letter, or"
                        " choose a task.",
                        level=level.name,
                    )
                )

    @api.constrains("delay_days", "is_reminder", "sequence", "policy_id")
    def _check_policy(self):
        self.policy_id._check_levels()

    # === CRUD METHODS === #

    def write(self, vals):
        """Let nobody move a level to a policy that they may not write."""
        res = super().write(vals)
        if "policy_id" in vals:
            self.check_access("write")
        return res

    # === BUSINESS METHODS === #

    def _has_text(self):
        """Say whether the message is one with subject, text and table of items."""
        return bool(self) and (self.send_email or self.send_letter)

    def _writes_to_customer(self):
        """Say whether the level reaches the customer; extend to add a channel."""
        return self._has_text()

    def _to_logic(self):
        """Return the level as the rule wants it; money in the company's currency."""
        self.ensure_one()
        return Level(
            ref=self.id,
            delay_days=self.delay_days,
            min_days_after_previous=self.min_days_after_previous,
            deadline_days=self.deadline_days,
            minimum_amount=to_decimal(self.minimum_amount),
            is_reminder=self.is_reminder,
        )
