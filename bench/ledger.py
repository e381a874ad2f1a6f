"""Tasks that make the databases: the ledger of one size, checked."""

import time

from . import check, generate


def make(env, items, companies=1):
    """Fill the companies, check what was made; refuse to go on when it is not true."""
    found = {"seconds": 0.0, "customers": 0, "items": 0, "overdue": 0, "sample": 0}
    for number in range(companies):
        start = time.monotonic()
        company = env.company if not number else add_company(env, number)
        tag = chr(ord("A") + number)
        generate.Generator(env, company, items // companies, tag).run()
        env.cr.commit()
        found["seconds"] += time.monotonic() - start
        analyze(env)  # else the check below may be planned for an empty database
        for name, count in verify(env, company).items():
            found[name] += count
    return found


def add_company(env, number):
    """Make another company with its own chart of accounts, by the host."""
    company = env["res.company"].create({"name": f"Company {number + 1}"})
    env.user.company_ids += company
    env["account.chart.template"].try_loading("generic_coa", company, False)
    env.cr.commit()
    return company


def verify(env, company):
    """Check the ledger of a company; return what is in it."""
    wrong = check.check_sets(env, company)
    computed, sample = check.check_computes(env, company)
    wrong += computed
    if wrong:
        raise SystemExit("The ledger is not true:\n" + "\n".join(wrong[:20]))
    customers, items, overdue = check.count(env, company)
    return {
        "customers": customers,
        "items": items,
        "overdue": overdue,
        "sample": sample,
    }


def analyze(env):
    """Let the database see what it has."""
    env.cr.commit()
    env.cr._cnx.autocommit = True
    env.cr.execute("VACUUM ANALYZE")
    env.cr._cnx.autocommit = False
