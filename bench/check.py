"""Is the generated ledger true? Set by set in SQL, and by the host's own computes."""

import random

SAMPLE = 200
SQL_CHECKS = {
    "debits equal credits in each document": """
        SELECT count(*) FROM (
            SELECT move_id FROM account_move_line WHERE company_id = %(company)s
          GROUP BY move_id HAVING SUM(debit) != SUM(credit) OR SUM(balance) != 0
                               OR SUM(amount_currency) != 0) wrong""",
    "balance is debit less credit": """
        SELECT count(*) FROM account_move_line
         WHERE company_id = %(company)s AND balance != debit - credit""",
    "nothing is reconciled, so residuals equal balances": """
        SELECT count(*) FROM account_move_line line
          JOIN account_account account ON account.id = line.account_id
         WHERE line.company_id = %(company)s
           AND account.account_type = 'asset_receivable'
           AND (reconciled OR amount_residual != balance
                OR amount_residual_currency != amount_currency)""",
    "documents carry the sums of their lines": """
        SELECT count(*) FROM account_move move JOIN (
            SELECT move_id,
                   SUM(balance) FILTER (WHERE display_type = 'payment_term') AS due,
                   SUM(balance) FILTER (WHERE display_type = 'product') AS sold,
                   MAX(date_maturity) AS last_due
              FROM account_move_line GROUP BY move_id) line ON line.move_id = move.id
         WHERE move.company_id = %(company)s
           AND (move.amount_total_signed != line.due
                OR move.amount_residual_signed != line.due
                OR move.amount_residual != abs(line.due)
                OR move.amount_total != abs(line.due)
                OR move.amount_untaxed_signed != -line.sold
                OR move.invoice_date_due != line.last_due
                OR move.payment_state != 'not_paid')""",
    "lines stand for the customer of their document": """
        SELECT count(*) FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
          JOIN res_partner partner ON partner.id = move.partner_id
         WHERE line.company_id = %(company)s
           AND (line.partner_id != partner.commercial_partner_id
                OR move.commercial_partner_id != partner.commercial_partner_id
                OR line.date != move.date OR line.move_name != move.name)""",
    "numbers are unique and without gap": """
        SELECT count(*) FROM (
            SELECT sequence_prefix FROM account_move WHERE company_id = %(company)s
               AND move_type IN ('out_invoice', 'out_refund')
          GROUP BY journal_id, sequence_prefix
            HAVING COUNT(DISTINCT sequence_number) != MAX(sequence_number)
                OR COUNT(*) != MAX(sequence_number)) wrong""",
}


def check_sets(env, company):
    """Return the set-wise checks that found something wrong."""
    wrong = []
    for name, query in SQL_CHECKS.items():
        env.cr.execute(query, {"company": company.id})
        count = env.cr.fetchone()[0]
        if count:
            wrong.append(f"{name}: {count} wrong")
    return wrong


def check_computes(env, company, size=SAMPLE):
    """Let the host compute a sample anew; return the fields that came out otherwise.

    Every stored field that is computed and not open to the user, on documents, their
    lines and their partners.
    """
    env.cr.execute(
        "SELECT id FROM account_move WHERE company_id = %s AND state = 'posted'"
        " ORDER BY id",
        [company.id],
    )
    ids = [row[0] for row in env.cr.fetchall()]
    sample = random.Random(19).sample(ids, min(size, len(ids)))
    moves = env["account.move"].with_company(company).browse(sample)
    wrong = []
    for records in (
        moves,
        moves.line_ids,
        moves.partner_id | moves.commercial_partner_id,
    ):
        wrong += recompute(records)
    return wrong, len(sample)


def recompute(records):
    """Compute anew and compare; nothing is kept."""
    env, wrong = records.env, []
    fields = [
        field
        for field in records._fields.values()
        if field.store and field.compute and field.readonly and not field.related
    ]
    # All are read first: a method that computes one of them writes others, too.
    stored = {
        field: {record.id: record[field.name] for record in records} for field in fields
    }
    for field in fields:
        env.add_to_compute(field, records)
    for field in fields:
        for record in records:
            before, now = stored[field][record.id], record[field.name]
            if now != before:
                wrong.append(
                    f"{field} of {record.id}: {before!r} stored, {now!r} computed"
                )
    env.cr.rollback()
    env.invalidate_all(flush=False)
    return wrong


def count(env, company):
    """Return how many customers, open and overdue items there are."""
    env.cr.execute(
        """
        SELECT COUNT(DISTINCT partner_id), COUNT(*),
               COUNT(*) FILTER (WHERE date_maturity < %s AND amount_residual > 0)
          FROM account_move_line line
          JOIN account_account account ON account.id = line.account_id
         WHERE line.company_id = %s AND account.account_type = 'asset_receivable'
           AND NOT line.reconciled AND line.parent_state = 'posted'
        """,
        [company._credit_today(), company.id],
    )
    return env.cr.fetchone()
