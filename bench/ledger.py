"""Tasks that make the databases: the ledger of one size, checked."""

import time

from . import check, generate


def make(env, items, companies=1):
    """Fill the company, check what was made; refuse to go on when it is not true."""
    start = time.monotonic()
    company = env.company
    generate.Generator(env, company, items).run()
    env.cr.commit()
    made = time.monotonic() - start
    customers, found, overdue = check.count(env, company)
    wrong = check.check_sets(env, company)
    computed, sample = check.check_computes(env, company)
    wrong += computed
    if wrong:
        raise SystemExit("The ledger is not true:\n" + "\n".join(wrong[:20]))
    return {
        "seconds": made,
        "customers": customers,
        "items": found,
        "overdue": overdue,
        "sample": sample,
    }
