from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CreditDunningLevel(models.Model):
    _inherit = "credit.dunning.level"

    send_sms = fields.Boolean(
        string="SMS",
        default=False,
        help="A text message, beside the e-mail or by itself, with a link to the"
        " customer's page. The SMS service charges for it.",
    )
    sms_template_id = fields.Many2one(
        "sms.template",
        string="SMS Text",
        domain=[("model", "=", "credit.dunning.letter")],
        ondelete="restrict",
        help="What the SMS says, in the customer's language. Two parts at most are"
        " good: each is charged.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("send_sms", "sms_template_id")
    def _check_sms_text(self):
        for level in self:
            template = level.sms_template_id
            if level.send_sms and not template:
                raise ValidationError(
                    self.env._(
                        "Level “%(level)s” sends an SMS but has no text for it. Choose"
                        " one under SMS Text.",
                        level=level.name,
                    )
                )
            if template and template.model != "credit.dunning.letter":
                # It would be rendered for the id of a letter, as the system.
                raise ValidationError(
                    self.env._(
                        "The SMS text “%(text)s” is not one for dunning letters. Choose"
                        " another one for level “%(level)s”.",
                        text=template.name,
                        level=level.name,
                    )
                )

    @api.constrains("send_sms")
    def _check_sms_channel(self):
        self._check_channel()

    # === BUSINESS METHODS === #

    def _writes_to_customer(self):
        """Override of `credit_management`: an SMS reaches the customer as well."""
        return self.send_sms or super()._writes_to_customer()
