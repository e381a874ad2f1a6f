"""What it costs to bring the figures of all credit files up to date.

As the job does it, in batches, each committed: what is open, exposure with its parts,
level, next step, what waits for a person.
"""

import time

BATCH = 500


def measure(env):
    """Refresh every credit file of the company once."""
    profiles = env["credit.profile"].search(
        [("company_id", "=", env.company.id)], order="id"
    )
    batches = []
    start = time.perf_counter()
    for at in range(0, len(profiles), BATCH):
        env.invalidate_all()
        queries, begun = env.cr.sql_log_count, time.perf_counter()
        profiles[at : at + BATCH]._refresh()
        env.cr.commit()
        batches.append(
            (time.perf_counter() - begun, env.cr.sql_log_count - queries),
        )
    return {
        "customers": len(profiles),
        "seconds": time.perf_counter() - start,
        "longest": max(seconds for seconds, _queries in batches),
        "queries": max(queries for _seconds, queries in batches),
    }
