"""What arrived against what the database says: the figures of a trial."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

LETTERS = """
    SELECT letter.id, letter.key, letter.state, letter.state_reason,
           letter.commercial_partner_id AS customer, level.send_once AS once
      FROM credit_dunning_letter letter
      JOIN credit_dunning_level level ON level.id = letter.level_id
      JOIN res_company company ON company.id = letter.company_id
     WHERE company.name = %s AND letter.key = ANY(%s)
"""
UNDER_WAY = ("queued", "sending")
LISTED = ("unknown", "failed")  # a person is asked

COLLEAGUES = """
    SELECT partner.email FROM res_users
      JOIN res_partner partner ON partner.id = res_users.partner_id
     WHERE res_users.share IS NOT TRUE AND partner.email IS NOT NULL
"""

# Things the database must hold at most once, each as a query for what is too many.
DOUBLES = {
    "live items of an invoice at a level": """
        SELECT count(*) - 1
          FROM credit_dunning_letter_line line
         WHERE company_id = %(company)s AND kind = 'chased'
           AND is_excluded IS NOT TRUE AND state IN
               ('proposed', 'queued', 'sending', 'sent', 'unknown')
         GROUP BY move_line_id, level_id, round, is_test HAVING count(*) > 1""",
    "live letters of a customer in a run": """
        SELECT count(*) - 1
          FROM credit_dunning_letter letter
         WHERE company_id = %(company)s
           AND state IN ('queued', 'sending', 'sent', 'unknown')
         GROUP BY run_id, commercial_partner_id, currency_id HAVING count(*) > 1""",
    "mails of a letter": """
        SELECT count(*) - 1
          FROM credit_dunning_letter_mail_mail_rel rel
          JOIN mail_mail mail ON mail.id = rel.mail_mail_id
          JOIN credit_dunning_letter letter ON letter.id = rel.credit_dunning_letter_id
         WHERE letter.company_id = %(company)s AND mail.state != 'cancel'
         GROUP BY letter.id HAVING count(*) > 1""",
    "notes of a letter on the customer's file": """
        SELECT count(*) - max(letters.number)
          FROM mail_message message
          JOIN credit_profile profile
            ON profile.id = message.res_id AND message.model = 'credit.profile'
          JOIN (SELECT profile_id, count(*) AS number FROM credit_dunning_letter
                 WHERE message_date IS NOT NULL GROUP BY profile_id) letters
            ON letters.profile_id = profile.id
         WHERE profile.company_id = %(company)s AND message.body LIKE '%%: %%'
         GROUP BY profile.id HAVING count(*) > max(letters.number)""",
}


@dataclass
class Figures:
    """What a trial found; `broken` names the promises that were not kept."""

    letters: int = 0
    received: int = 0
    lost: int = 0
    silent: int = 0
    stuck: int = 0
    doubles: int = 0
    copies: int = 0
    most_copies: int = 0
    other_id: int = 0
    once_copies: int = 0
    unknown: int = 0
    unknown_arrived: int = 0
    failed: int = 0
    failed_arrived: int = 0
    skipped: int = 0
    wrong: int = 0
    human: int = 0
    kills: int = 0
    resume: str = ""
    minutes: float = 0
    seconds: float = 0
    notes: list = field(default_factory=list)
    broken: list = field(default_factory=list)

    def must(self, kept, what):
        """Note a promise that was broken."""
        if not kept:
            self.broken.append(what)


def count(database, sink, company, keys, may_skip=(), kills=0):
    """Compare the sink with the database and return the figures.

    :param keys: of the letters that are due, one a customer
    :param may_skip: customers whose letter may rightly be left out
    :param kills: how many processes were ended: each may cost one copy
    """
    names = ("id", "key", "state", "reason", "customer", "once")
    rows = database.run(LETTERS, [company, list(keys)], patience=30)
    letters = [dict(zip(names, row, strict=True)) for row in rows]
    arrivals = defaultdict(list)
    colleagues = {email for (email,) in database.run(COLLEAGUES)}
    for _time, _file, recipients, message_id, key in sink.lines():
        # A notice of a task to one of us is no letter.
        if key or not set(re.split(r"[,\s]+", recipients)) <= colleagues:
            arrivals[key].append(message_id)
    figures = Figures(letters=len(letters), kills=kills)
    for letter in letters:
        add_letter(figures, letter, arrivals[letter["key"]], may_skip)
    figures.human = figures.unknown + figures.failed
    company_id = database.value("SELECT id FROM res_company WHERE name = %s", [company])
    for what, query in DOUBLES.items():
        found = sum(row[0] for row in database.run(query, {"company": company_id}))
        if found:
            figures.notes.append(f"{found} doubles: {what}")
        figures.doubles += found
    figures.must(len(letters) == len(keys), "letters are gone from the database")
    known = {key for (key,) in database.run("SELECT key FROM credit_dunning_letter")}
    judge(figures, set(arrivals) - known)
    return figures


def add_letter(figures, letter, message_ids, may_skip):
    """Add one letter to the figures."""
    state, arrived = letter["state"], bool(message_ids)
    figures.received += len(message_ids)
    figures.stuck += state in UNDER_WAY
    figures.silent += state == "sent" and not arrived
    figures.unknown += state == "unknown"
    figures.unknown_arrived += state == "unknown" and arrived
    figures.failed += state == "failed"
    figures.failed_arrived += state == "failed" and arrived
    figures.skipped += state == "skipped"
    rightly = state in LISTED or (
        state == "skipped" and letter["customer"] in may_skip and letter["reason"]
    )
    figures.lost += not arrived and not rightly
    copies = max(len(message_ids) - 1, 0)
    figures.copies += copies
    figures.most_copies = max(figures.most_copies, len(message_ids))
    figures.once_copies += copies if letter["once"] else 0
    figures.other_id += len(set(message_ids)) > 1


def judge(figures, strangers):
    """Note which of the promises that hold in every trial were broken."""
    figures.must(not figures.lost, f"{figures.lost} letters lost")
    figures.must(not figures.silent, f"{figures.silent} letters silently lost")
    figures.must(not figures.stuck, f"{figures.stuck} letters stuck")
    figures.must(not figures.doubles, f"{figures.doubles} doubles in the database")
    figures.must(
        figures.copies <= figures.kills,
        f"{figures.copies} copies for {figures.kills} kills",
    )
    figures.must(not figures.other_id, f"{figures.other_id} copies with another id")
    figures.must(
        not figures.once_copies,
        f"{figures.once_copies} copies of letters that go at most once",
    )
    figures.must(not strangers, f"{len(strangers)} messages with an unknown key")
