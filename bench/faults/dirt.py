"""The trial of a database in which ten years have left odd things."""

import json

from . import population

# Open items of some customers that are late: each must be told or explained.
ITEMS = """
    SELECT line.id,
           (SELECT string_agg(DISTINCT letter.state, ' ')
              FROM credit_dunning_letter_line item
              JOIN credit_dunning_letter letter ON letter.id = item.letter_id
             WHERE item.move_line_id = line.id AND letter.run_id = %(run)s
               AND NOT item.is_excluded) AS told,
           (SELECT string_agg(outcome.reason, ' ')
              FROM credit_dunning_outcome outcome
             WHERE outcome.move_line_id = line.id AND outcome.run_id = %(run)s)
               AS explained
      FROM account_move_line line
      JOIN account_account account ON account.id = line.account_id
      JOIN res_partner partner ON partner.id = line.partner_id
     WHERE account.account_type = 'asset_receivable'
       AND line.parent_state = 'posted' AND line.reconciled IS NOT TRUE
       AND line.amount_residual_currency > 0
       AND (line.partner_id = ANY(%(partners)s)
            OR partner.commercial_partner_id = ANY(%(partners)s))
"""


def dirty_data(stage):
    """Run over a database with every odd kind there is, and good customers beside."""
    stage.put(stage.keys, "skipped")
    stage.database.run("UPDATE credit_dunning_run SET state = 'done'")
    good = stage.letters
    said = population.run_script(stage.host, stage.name, "dirty.py")
    (line,) = (line for line in said.splitlines() if line.startswith("KINDS "))
    made = json.loads(line.removeprefix("KINDS "))
    stage.server(workers=1)
    stage.wake()
    stage.settle(hasten=True)
    stage.keys = stage.all_keys()
    figures = stage.figures()
    figures.notes.append(f"refused by the host itself: {made['refused'] or 'nothing'}")
    judge_kinds(stage, figures, made)
    judge_good(stage, figures, good)
    tracebacks = sum(
        server.log.read_text(errors="replace").count("Traceback")
        for server in stage.servers
    )
    figures.notes.append(f"{tracebacks} tracebacks in the log")
    figures.must(not tracebacks, f"{tracebacks} tracebacks")
    return figures


def judge_kinds(stage, figures, made):
    """Say what became of each kind; every item is told or explained, not both."""
    for kind, partners in made["kinds"].items():
        rows = stage.database.run(ITEMS, {"run": made["run"], "partners": partners})
        ends = sorted({told or explained or "nothing" for _id, told, explained in rows})
        lost = [row for row in rows if bool(row[1]) == bool(row[2])]
        figures.notes.append(
            f"{kind}: {len(rows)} items, {', '.join(ends) or 'none open'}"
        )
        figures.must(not lost, f"{kind}: {len(lost)} items neither told nor explained")


def judge_good(stage, figures, good):
    """Make sure that the good customers got their letters all the same."""
    arrived = {line[2] for line in stage.sink.lines()}
    found = sum(address.endswith("@customers.test") for address in arrived)
    figures.must(found == good, f"{found} of {good} good customers were written to")
