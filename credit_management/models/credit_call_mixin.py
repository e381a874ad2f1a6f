from odoo import api, fields, models

RESULT_LABELS = [
    ("reached", "Reached"),
    ("promised", "Promised to pay"),
    ("disputed", "Disputes it"),
    ("planned", "Wants to pay in parts"),
    ("not_reached", "Not reached"),
    ("wrong_number", "Wrong number"),
]
NOT_SPOKEN = ("not_reached", "wrong_number")
AGAIN_AFTER_DAYS = 1  # who was not reached is called on the next working day


class CreditCallMixin(models.AbstractModel):
    """What came of a call and what comes next: the record of it, and its window."""

    _name = "credit.call.mixin"
    _description = "Result of a Call"

    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        required=True,
    )
    result = fields.Selection(RESULT_LABELS, required=True, default="reached")
    note = fields.Text(string="What Was Said")
    next_step = fields.Selection(
        [
            ("none", "Nothing: it goes on by itself"),
            ("again", "Call again"),
            ("pause", "Pause the customer"),
        ],
        required=True,
        compute="_compute_next_step",
        store=True,
        readonly=False,
        precompute=True,
    )
    next_date = fields.Date(
        string="Call Again On",
        compute="_compute_next_date",
        store=True,
        readonly=False,
        precompute=True,
    )
    pause_until = fields.Date(help="Last day of the pause.")

    @api.depends("result")
    def _compute_next_step(self):
        """Suggest to try again where nobody was spoken to."""
        for call in self:
            call.next_step = "again" if call.result in NOT_SPOKEN else "none"

    @api.depends("next_step", "profile_id")
    def _compute_next_date(self):
        for call in self:
            if call.next_step != "again":
                call.next_date = False
            elif not call.next_date and call.profile_id:
                call.next_date = call.profile_id._find_next_working_day(
                    call.profile_id.company_id, AGAIN_AFTER_DAYS
                )
