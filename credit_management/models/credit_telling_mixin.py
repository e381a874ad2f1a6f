from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CreditTellingMixin(models.AbstractModel):
    """Something of which a customer is told by the house: in its language, by mail too.

    A model that uses it has ``company_id``, ``partner_id`` and ``contact_id``, who
    hears of it; it gives the page to which mails lead (``_get_page_button``). Where the
    company writes to nobody, nothing leaves.
    """

    _name = "credit.telling.mixin"
    _description = "What a Customer Is Told Of"
    _inherit = ["mail.thread"]

    is_mail_held = fields.Boolean(
        compute="_compute_is_mail_held",
        help="The company does not write to customers now.",
    )

    @api.depends("company_id.credit_mode", "company_id.credit_stopped")
    def _compute_is_mail_held(self):
        for record in self:
            # sudo: whether the company writes to customers is no secret.
            record.is_mail_held = not record.company_id.sudo()._credit_may_write()

    @api.constrains("contact_id")
    def _check_contact_id(self):
        for record in self:
            # sudo: whose contact somebody is, whoever asks.
            contact_sudo = record.contact_id.sudo()
            customer_sudo = record.partner_id.sudo().commercial_partner_id
            if contact_sudo and contact_sudo.commercial_partner_id != customer_sudo:
                raise ValidationError(
                    self.env._(
                        "Choose a contact of the customer, %(customer)s.",
                        customer=customer_sudo.name,
                    )
                )

    # === SPEAKING === #

    def _speak(self):
        """Return this record in the customer's language, if it is active."""
        self.ensure_one()
        partners = (
            self.contact_id | self.partner_id | self.company_id.partner_id
        ).sudo()  # sudo: in which language somebody is written to
        active = dict(self.env["res.lang"].get_installed())
        spoken = [code for code in partners.mapped("lang") if code in active]
        return self.with_context(lang=spoken[0] if spoken else "en_US")

    def _get_speaker(self):
        """Return whose words they are: of who acts, or of the company."""
        user = self.env.user
        if user._is_internal() and not user._is_superuser():
            return user.partner_id
        return self.company_id.sudo().partner_id  # sudo: who writes is no secret

    def _post_to_customer(self, subject, sentence, text="", **shown):
        """Say something to the customer, in the talk and by mail where mails go.

        The caller speaks the customer's language (``_speak``) and checked who may.

        :param sentence: ours, in the customer's language
        :param text: of a person, plain
        :param shown: more that the template of the message shows
        """
        body = self.env["ir.qweb"]._render(
            "credit_management.credit_dispute_message",
            {"sentence": sentence, "lines": (text or "").splitlines(), **shown},
        )
        self.message_post(
            body=body,
            subject=subject,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            author_id=self._get_speaker().id,
            partner_ids=self.contact_id.ids,
            email_layout_xmlid="mail.mail_notification_light",
            force_send=False,
        )
        # sudo: the mail queue belongs to the system.
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    # === WHO HEARS, AND WHERE MAILS LEAD === #

    @api.model
    def _get_thread_with_access(self, thread_id, *, mode="read", **kwargs):
        """Override of `portal`: the customer's link opens the page, nothing else."""
        kwargs |= {"hash": None, "pid": None, "token": None}
        return super()._get_thread_with_access(thread_id, mode=mode, **kwargs)

    def _mail_get_partner_fields(self, introspect_fields=False):
        return ["contact_id"]

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        """Override of `mail`: nothing leaves where the company writes to nobody."""
        recipients = super()._notify_get_recipients(message, msg_vals, **kwargs)
        # sudo: whether the company writes to customers is no secret.
        if self and not all(each.is_mail_held for each in self.sudo()):
            return recipients
        return [each for each in recipients if not each.get("share")]

    def _notify_get_recipients_groups(self, message, model_description, msg_vals=False):
        """Override of `mail`: customers are led to their page."""
        groups = super()._notify_get_recipients_groups(
            message, model_description, msg_vals=msg_vals
        )
        if not self:
            return groups
        self.ensure_one()
        button = self._get_page_button()
        for name, _function, data in groups:
            if name != "user":
                data["active"] = True
                data["has_button_access"] = True
                data["button_access"] = button
        return groups

    def _get_page_button(self):
        """Return ``url`` and ``title`` of the page to which mails lead."""
        raise NotImplementedError
