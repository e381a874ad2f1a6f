"""What it costs to hand a letter over, against the host's own mass mail.

Ours checks the ledger again, freezes text and amounts, puts the mail into the host's
queue, moves the level and leaves a trace on customer and invoices: one transaction a
letter. The host's ``message_mail_with_source`` renders the same template for the same
letters and puts the mail into the same queue, also one transaction a letter.
"""

import statistics
import time

from . import proposal

WARM_UP = 10


def measure(env, letters=60, repeat=3):
    """Hand letters over both ways, in turn, each round with letters of its own."""
    company = env.company
    company.write({"credit_mode": "live", "email": "money@example.com"})
    queue_of(env).unlink()
    proposal.clear(env)
    proposal.propose(env, company)
    chosen = choose(env, WARM_UP + letters * repeat)
    by_host, ours = [], []
    compare(env, chosen[:WARM_UP])
    for turn in range(repeat):
        start = WARM_UP + turn * letters
        pair = compare(env, chosen[start : start + letters])
        by_host.append(pair[0])
        ours.append(pair[1])
    clean(env)
    return {
        "letters": letters,
        "host_seconds": statistics.median(row["seconds"] for row in by_host),
        "host_queries": statistics.median(row["queries"] for row in by_host),
        "own_seconds": statistics.median(row["seconds"] for row in ours),
        "own_queries": statistics.median(row["queries"] for row in ours),
    }


def choose(env, count):
    """Return proposed letters that go by e-mail and carry no PDF."""
    letters = env["credit.dunning.letter"].search(
        [
            ("state", "=", "proposed"),
            ("level_id.send_email", "=", True),
            ("level_id.attach_invoices", "=", False),
            ("recipient_emails", "not in", (False, "")),
        ],
        limit=count,
        order="id",
    )
    if len(letters) < count:
        raise SystemExit(f"Only {len(letters)} letters of {count} can be queued")
    return letters


def compare(env, letters):
    """Hand the letters over by the host's way, then by ours."""
    host = timed(env, letters, hand_over_by_host)
    queue_of(env).unlink()
    env.cr.commit()
    letters.run_id.sudo().write({"state": "approved"})
    letters.sudo().write({"state": "queued", "queued_until": False})
    env.cr.commit()
    own = timed(env, letters, hand_over)
    left = letters.filtered(lambda letter: letter.state != "sending")
    if left:
        raise SystemExit(f"{len(left)} letters were not handed over: {left}")
    return host, own


def timed(env, letters, hand_over_letters):
    """Return seconds and queries a letter, from a cold cache as a job has it."""
    ids = letters.ids
    env.invalidate_all()
    queries, start = env.cr.sql_log_count, time.perf_counter()
    hand_over_letters(env, ids)
    return {
        "seconds": (time.perf_counter() - start) / len(ids),
        "queries": (env.cr.sql_log_count - queries) / len(ids),
    }


def hand_over_by_host(env, ids):
    """Render and queue by the host, one transaction a letter."""
    for id_ in ids:
        letter = env["credit.dunning.letter"].browse(id_)
        letter.message_mail_with_source(
            letter.level_id.mail_template_id,
            force_send=False,
            auto_delete=False,
        )
        env.cr.commit()


def hand_over(env, ids):
    """Let the job do it: it commits each letter."""
    env["credit.dunning.letter"]._cron_send_letters(batch_size=len(ids))


def queue_of(env):
    """Return the outgoing mails of letters."""
    return env["mail.mail"].search([("model", "=", "credit.dunning.letter")])


def clean(env):
    """Leave the database as it was found."""
    queue_of(env).unlink()
    env["mail.activity"].search([("res_model", "like", "credit.%")]).unlink()
    env.cr.execute("DELETE FROM credit_profile_touch")
    proposal.clear(env)
