from odoo import api, fields, models
from odoo.tools import SQL

from ..logic import review
from ..logic.money import to_decimal

# States in which a letter is still looked at; later the flags stay as they were seen.
REVIEWED_STATES = ("proposed", "skipped")
# Letters looked at anew in one go when a review is opened.
REFRESH_BATCH = 2000


class CreditDunningLetterReview(models.Model):
    """What is odd about a letter, so that a person need look at a few only.

    Decided when the letter is proposed, when somebody edits it, and when the review of
    its run is opened; the rule is ``logic.review``.
    """

    # What a review needs is another matter, in a file of its own.
    _inherit = "credit.dunning.letter"  # pylint: disable=consider-merging-classes-inherited

    flag_codes = fields.Char(
        compute="_compute_flag_codes",
        store=True,
        help="What is odd about the letter, as codes separated by commas.",
    )
    flag = fields.Selection(
        [
            (review.NO_ADDRESS, "no e-mail address"),
            (review.FAILED_BEFORE, "bounced before"),
            (review.RECEIPT, "receipt not matched"),
            (review.LARGE, "large amount"),
            (review.PARTLY_PAID, "partly paid"),
            (review.FIRST_CONTACT, "first contact"),
        ],
        string="Most Pressing Flag",
        compute="_compute_flag_codes",
        store=True,
    )
    flags = fields.Char(compute="_compute_flags", string="Look At")
    flag_badges = fields.Json(compute="_compute_flags", string="Flags")

    # === COMPUTE METHODS === #

    @api.depends(
        "amount_company",
        "recipient_emails",
        "partner_id",
        "profile_id",
        "line_ids.kind",
        "line_ids.is_excluded",
        "line_ids.move_line_id",
    )
    def _compute_flag_codes(self):
        reviewed = self.filtered(lambda letter: letter.state in REVIEWED_STATES)
        for letter in self - reviewed:
            # As it was seen when it was approved.
            letter.flag_codes, letter.flag = letter.flag_codes, letter.flag
        rows = [
            {
                "company": letter.company_id,
                "profile_id": letter.profile_id.id,
                "partner_id": letter.partner_id.id,
                "emails": letter.recipient_emails,
                "amount": letter.amount_company,
                "receipt": letter.profile_id.receipt_amount,
                "item_ids": letter._get_chased_lines().move_line_id.ids,
            }
            for letter in reviewed
        ]
        for letter, flags in zip(reviewed, self._find_flags(rows), strict=True):
            letter.flag_codes = ",".join(flags) or False
            letter.flag = flags[0] if flags else False

    @api.depends("flag_codes", "state")
    def _compute_flags(self):
        labels = dict(self._fields["flag"]._description_selection(self.env))
        hints = self._get_flag_hints()
        for letter in self:
            shown = letter.state in (*REVIEWED_STATES, "queued")
            codes = (letter.flag_codes or "").split(",") if shown else []
            known = [code for code in codes if code in labels]
            letter.flags = ", ".join(labels[code] for code in known)
            letter.flag_badges = [
                {"code": code, "label": labels[code], "hint": hints.get(code, "")}
                for code in known
            ]

    @api.model
    def _get_flag_hints(self):
        """Return what to do about each flag: dict code -> text."""
        return {
            review.NO_ADDRESS: self.env._(
                "No e-mail can go: enter an address at the contact, or leave the"
                " letter out."
            ),
            review.FAILED_BEFORE: self.env._(
                "Mail to this contact failed or came back before: check the address."
            ),
            review.RECEIPT: self.env._(
                "Money of this customer is in the bank and not matched: match it, then"
                " propose again."
            ),
            review.LARGE: self.env._(
                "Claims as much as the company calls large in the settings, or more."
            ),
            review.PARTLY_PAID: self.env._(
                "An item is paid in part: the rest may be in dispute."
            ),
            review.FIRST_CONTACT: self.env._(
                "This customer was never sent a dunning letter before."
            ),
        }

    # === BUSINESS METHODS === #

    def _refresh_flags(self):
        """Look at letters anew: what was matched or put right since does not flag."""
        # sudo: follows from what is known of the letters; nobody edits them.
        for start in range(0, len(self), REFRESH_BATCH):
            batch = self.sudo()[start : start + REFRESH_BATCH].with_prefetch()
            for name in ("flag_codes", "flag"):
                self.env.add_to_compute(self._fields[name], batch)
            batch.flush_recordset(["flag_codes", "flag"])

    @api.model
    def _add_flags(self, facts, vals_list, items_list):
        """Put the flags of new letters into their values.

        :param facts: the facts the letters were decided from; what is in the bank is
            known from them before it is written to the credit files
        """
        if not {"recipient_emails", "amount_company"} <= set(vals_list[0]):
            return  # somebody computes these in another way: the flags follow
        rows = [
            {
                "company": facts.company,
                "profile_id": vals["profile_id"],
                "partner_id": vals["partner_id"],
                "emails": vals["recipient_emails"],
                "amount": vals["amount_company"],
                "receipt": facts.receipts.get(vals["commercial_partner_id"], ({}, 0))[
                    1
                ],
                "item_ids": [
                    item["move_line_id"] for item in items if item["kind"] == "chased"
                ],
            }
            for vals, items in zip(vals_list, items_list, strict=True)
        ]
        for vals, flags in zip(vals_list, self._find_flags(rows), strict=True):
            vals["flag_codes"] = ",".join(flags) or False
            vals["flag"] = flags[0] if flags else False

    @api.model
    def _find_flags(self, rows):
        """Gather what the rule asks of letters, in sets, and let it decide.

        :param rows: a dict a letter: company, profile_id, partner_id, emails, amount
            and receipt (in company currency), item_ids (receivable lines it chases)
        :return: one tuple of flags a letter, in the same order
        """
        if not rows:
            return []
        written, failed = self._read_history({row["profile_id"] for row in rows})
        bounced = self._read_bounced({row["partner_id"] for row in rows})
        partly = self._read_partly_paid(
            {id_ for row in rows for id_ in row["item_ids"]}
        )
        return [
            review.find_flags(
                review.LetterFacts(
                    amount=to_decimal(row["amount"]),
                    threshold=to_decimal(row["company"].credit_large_amount),
                    receipt=to_decimal(row["receipt"]),
                    has_address=bool(row["emails"]),
                    failed_before=row["partner_id"] in bounced
                    or (row["profile_id"], _first(row["emails"])) in failed,
                    partly_paid=not partly.isdisjoint(row["item_ids"]),
                    wrote_before=row["profile_id"] in written,
                )
            )
            for row in rows
        ]

    @api.model
    def _read_history(self, profile_ids):
        """Return which customers had letters, and at which addresses some failed.

        Letters that were redirected to the company itself reached nobody.

        :return: set of profile ids; set of (profile id, e-mail address)
        """
        self.flush_model(["profile_id", "sent_date", "is_test", "failed_email"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT profile_id, sent_date IS NOT NULL, failed_email
                  FROM credit_dunning_letter
                 WHERE profile_id = ANY(%s)
                   AND is_test IS NOT TRUE
                   AND (sent_date IS NOT NULL OR failed_email IS NOT NULL)
              GROUP BY 1, 2, 3
                """,
                [id_ for id_ in profile_ids if id_],
            )
        )
        return (
            {profile_id for profile_id, sent, _email in rows if sent},
            {(profile_id, email) for profile_id, _sent, email in rows if email},
        )

    @api.model
    def _read_bounced(self, partner_ids):
        """Return the contacts whose mail came back; the host counts it."""
        # sudo: whether mail to a contact bounced is told to collectors.
        return set(
            self.env["res.partner"]
            .sudo()
            .with_context(active_test=False)
            ._search([("id", "in", list(partner_ids)), ("message_bounce", ">", 0)])
        )

    @api.model
    def _read_partly_paid(self, item_ids):
        """Return the receivable lines of which a part is settled."""
        self.env["account.move.line"].flush_model(
            ["amount_currency", "amount_residual_currency"]
        )
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id
                  FROM account_move_line
                 WHERE id = ANY(%s)
                   AND amount_currency != amount_residual_currency
                """,
                list(item_ids),
            )
        )
        return {id_ for (id_,) in rows}


def _first(emails):
    """Return the first of addresses separated by commas: the one that is noted."""
    return emails.split(",")[0] if isinstance(emails, str) else emails
