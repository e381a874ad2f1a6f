from lxml import html

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import html2plaintext, plaintext2html

from ..logic import keywords

UNREAD, READ, ANSWERED = "unread", "read", "answered"
STATES = [(UNREAD, "Unread"), (READ, "Read"), (ANSWERED, "Answered")]
# What people say; the rest of a talk is what the program notes.
SPOKEN = ("comment", "email")
LONGEST_PREVIEW = 200


class CreditMessage(models.Model):
    """What a customer wrote to us on an invoice, a dispute or a letter, until answered.

    The words stay where they were written, in the talk of the document; this is the
    inbox of whoever looks after the customer. It is filled by the talk itself, see
    ``credit.talk.mixin``, whichever way the words came: the page, a link or an e-mail.
    """

    _name = "credit.message"
    _description = "Customer Message"
    _order = "date desc, id desc"
    _rec_name = "document_name"

    message_id = fields.Many2one(
        "mail.message",
        string="In the Talk",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="profile_id.company_id", store=True)
    partner_id = fields.Many2one(
        related="profile_id.partner_id", store=True, string="Customer"
    )
    user_id = fields.Many2one(
        related="profile_id.user_id", store=True, string="Collector"
    )
    date = fields.Datetime(readonly=True, required=True)
    res_model = fields.Char(string="Model", readonly=True, required=True)
    res_id = fields.Many2oneReference(
        model_field="res_model", string="Document ID", readonly=True, required=True
    )
    document_name = fields.Char(string="About", readonly=True)
    author_name = fields.Char(string="From", compute="_compute_words")
    text = fields.Text(string="Message", compute="_compute_words")
    preview = fields.Char(compute="_compute_words")
    attachment_ids = fields.Many2many(
        "ir.attachment", compute="_compute_words", string="Files"
    )
    proposed_reason_id = fields.Many2one(
        "credit.dispute.reason",
        string="Looks Like a Dispute",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The message has keywords of this reason. Nothing happens by itself.",
    )
    dispute_id = fields.Many2one(
        "credit.dispute",
        string="Became Dispute",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    state = fields.Selection(STATES, default=UNREAD, required=True, readonly=True)
    answered_by_id = fields.Many2one("res.users", readonly=True)
    answered_date = fields.Datetime(string="Answered On", readonly=True)

    _message_uniq = models.UniqueIndex("(message_id)")
    _waiting_idx = models.Index("(company_id, user_id) WHERE state = 'unread'")
    _document_idx = models.Index("(res_model, res_id) WHERE state != 'answered'")

    # === COMPUTE METHODS === #

    @api.depends("message_id")
    @api.depends_context("lang")
    def _compute_words(self):
        for record in self:
            # sudo: the words of the customer, for whoever may see this record.
            message_sudo = record.message_id.sudo()
            record.author_name = record._name_author(message_sudo)
            text = html2plaintext(message_sudo.body or "").strip()
            record.text = text
            record.preview = " ".join(text.split())[:LONGEST_PREVIEW]
            record.attachment_ids = message_sudo.attachment_ids.sudo(False)

    def _name_author(self, message_sudo):
        """Return who wrote: nobody's name where somebody only had a link."""
        author_sudo = message_sudo.author_id
        if author_sudo == self.env.ref("base.public_partner").sudo():
            return self.env._("By link")
        return author_sudo.display_name or message_sudo.email_from or ""

    # === CRUD METHODS === #

    def write(self, vals):
        """Let nobody rewrite what was said; state has its buttons.

        :raise UserError: always, but for the program
        """
        self.check_access("write")
        if not self.env.su:
            raise UserError(
                self.env._(
                    "A message of a customer cannot be changed. Answer it, or mark it"
                    " as read."
                )
            )
        return super().write(vals)

    # === ACTION METHODS === #

    def action_open_document(self):
        """Open what the customer wrote about; that is reading it."""
        self.ensure_one()
        self.check_access("read")
        self._mark(READ)
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
        }

    def action_mark_read(self):
        """Note that these are read and need no answer."""
        self.check_access("write")
        self._mark(READ)

    def action_mark_unread(self):
        """Put these back among the unread ones."""
        self.check_access("write")
        # sudo: the state has no other door.
        self.filtered(lambda message: message.state == READ).sudo().state = UNREAD

    def action_answer(self):
        """Open the window for an answer."""
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Answer"),
            "res_model": "credit.message.answer",
            "view_mode": "form",
            "target": "new",
            "context": {"default_credit_message_id": self.id},
        }

    def action_dispute(self):
        """Open the window for a dispute, with what the message says filled in.

        :raise UserError: nothing is open that could be disputed
        """
        self.ensure_one()
        self.check_access("write")
        self.env["credit.dispute"].check_access("write")
        self._mark(READ)
        return self.env["credit.dispute.open"]._open_for(
            self.profile_id,
            self._get_items(),
            self.proposed_reason_id,
            message=self,
            description=keywords.own_words(self.text or ""),
        )

    def action_no_dispute(self):
        """Note that these are no disputes."""
        self.check_access("write")
        # sudo: the proposal has no other door.
        self.sudo().proposed_reason_id = False

    # === BUSINESS METHODS === #

    def _get_items(self):
        """Return the receivable items of what the message is about."""
        self.ensure_one()
        # sudo: of whoever's documents these are, the file of the customer is ours.
        document_sudo = self.env[self.res_model].browse(self.res_id).exists().sudo()
        if not document_sudo:
            return self.profile_id.open_item_ids
        return document_sudo._get_talk_items().sudo(False)

    @api.model
    def _propose(self, record_sudo, profile_sudo, message_sudo):
        """Return the reason for which a message looks like a dispute, perhaps none.

        Not where that is being disputed already.
        """
        if record_sudo._name == "credit.dispute" and not record_sudo.closed_date:
            return self.env["credit.dispute.reason"]
        moves_sudo = record_sudo._get_talk_items().move_id
        disputed = self.env["credit.dispute.line"].sudo()
        if disputed.search_count(
            [
                ("move_id", "in", moves_sudo.ids),
                ("dispute_id.closed_date", "=", False),
            ],
            limit=1,
        ):
            return self.env["credit.dispute.reason"]
        return self.env["credit.dispute.reason"]._guess_reason(
            profile_sudo.company_id,
            self._read_own_words(message_sudo.body),
            message_sudo.author_id.lang or profile_sudo.partner_id.lang,
        )

    @api.model
    def _read_own_words(self, body):
        """Return the words of a message without what it quotes."""
        if not body:
            return ""
        root = html.fromstring(f"<div>{body}</div>")
        for node in root.xpath("//*[@data-o-mail-quote]"):
            if node.getparent() is not None:
                node.drop_tree()
        return keywords.own_words(
            html2plaintext(html.tostring(root, encoding="unicode"))
        )

    def _mark(self, state):
        # sudo: the state has no other door; the caller checked who may.
        self.filtered(lambda message: message.state == UNREAD).sudo().state = state

    def _answer(self, text):
        """Say something to who wrote, on the document; by mail, too, if we know where.

        Whoever had only a link reads it on the page of the document.

        :param text: plain
        """
        self.ensure_one()
        # sudo: whoever looks after the customer may not write on each document.
        record_sudo = self.env[self.res_model].browse(self.res_id).exists().sudo()
        if not record_sudo:
            raise UserError(self.env._("What this was about is gone."))
        message_sudo = self.message_id.sudo()
        author_sudo = message_sudo.author_id
        by_link = author_sudo == self.env.ref("base.public_partner").sudo()
        record_sudo.message_post(
            body=plaintext2html(text),
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            author_id=self.env.user.partner_id.id,
            parent_id=message_sudo.id,
            partner_ids=[] if by_link else author_sudo.ids,
            outgoing_email_to=not author_sudo and message_sudo.email_from,
        )

    @api.model
    def _hear(self, record, message):
        """Note a message on a document: the customer's, or an answer of ours."""
        if (
            message.message_type not in SPOKEN
            or not message.author_id
            and not (message.email_from)
        ):
            return
        # sudo: who the author is decides, not who asks.
        message_sudo, record_sudo = message.sudo(), record.sudo()
        if self._is_ours(message_sudo):
            if not message_sudo.is_internal and not message_sudo.subtype_id.internal:
                self._note_answer(record_sudo)
            return
        profile_sudo = record_sudo._get_talk_profile()
        if not profile_sudo:
            return
        self.sudo().create(
            {
                "message_id": message_sudo.id,
                "profile_id": profile_sudo.id,
                "date": message_sudo.date or fields.Datetime.now(),
                "res_model": record_sudo._name,
                "res_id": record_sudo.id,
                "document_name": record_sudo.display_name,
                "proposed_reason_id": self._propose(
                    record_sudo, profile_sudo, message_sudo
                ).id,
            }
        )

    @api.model
    def _is_ours(self, message_sudo):
        """Whether somebody of the house, or the program itself, wrote this."""
        author_sudo = message_sudo.author_id.with_context(active_test=False)
        if author_sudo == self.env.ref("base.partner_root").sudo():
            return True
        companies_sudo = self.env["res.company"].sudo()
        if author_sudo and companies_sudo.search_count(
            [("partner_id", "=", author_sudo.id)], limit=1
        ):
            return True
        return any(not user.share for user in author_sudo.user_ids)

    @api.model
    def _note_answer(self, record_sudo):
        """What waited on a document is answered."""
        waiting_sudo = self.sudo().search(
            [
                ("res_model", "=", record_sudo._name),
                ("res_id", "=", record_sudo.id),
                ("state", "!=", ANSWERED),
            ]
        )
        waiting_sudo.write(
            {
                "state": ANSWERED,
                "answered_by_id": self.env.uid,
                "answered_date": fields.Datetime.now(),
            }
        )


class CreditTalkMixin(models.AbstractModel):
    """A document on which a customer writes to us; it says whose file that is."""

    _name = "credit.talk.mixin"
    _inherit = ["mail.thread"]
    _description = "Talk With the Customer"

    def _message_post_after_hook(self, message, msg_vals):
        """Override of `mail`: what a customer writes lands in the inbox."""
        res = super()._message_post_after_hook(message, msg_vals)
        for record in self:
            self.env["credit.message"]._hear(record, message)
        return res

    def _get_talk_profile(self):
        """Return the credit file of whoever writes here; called with sudo."""
        self.ensure_one()
        return self.profile_id

    def _get_talk_items(self):
        """Return the items that a message here may dispute; called with sudo."""
        raise NotImplementedError
